"""Bootstrap of counts and of rows.

Bootstrap replicates of counts: the counts of resampled rows, at a cost that does not grow with the number of rows.

Counts of rows that are resampled with replacement are multinomial, so they are drawn as such. NumPy keeps the streams
of `RandomState`. Those of `Generator.binomial` changed with NumPy 2.5, and results with them.

Bootstrap of any function of rows, for measures without a formula: rows are drawn singly or in whole clusters.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from scipy.special import ndtr, stdtrit

from audit.stats.arrays import FloatArray, IntArray
from audit.stats.binomial import checked_fraction

CHUNK_CELLS = 1_000_000
"""Number of counts that are drawn at a time: 8 MB."""


def replicate_counts(cells: IntArray, replicates: int, rng: np.random.Generator) -> Iterator[IntArray]:
    """Draw bootstrap replicates of a table of counts, a bounded number at a time; each group keeps its number of cases.

    Parameters
    ----------
    cells : ndarray of int64, shape (G, ...)
        Counts of G groups that share no row, such as label x decision. Cells that are empty in every group cost
        nothing.
    replicates : int
        Replicates to draw in all.
    rng : Generator
        Source of the draws; the replicates depend on nothing else.

    Yields
    ------
    ndarray of int64, shape (r, G, ...)
        The r add up to ``replicates``; no array holds more than `CHUNK_CELLS` counts unless one replicate does.

    Raises
    ------
    ValueError
        If a count is negative, or there is no replicate to draw.
    """
    if replicates < 1 or (cells < 0).any():
        raise ValueError("replicates need a positive number and counts of at least 0")
    flat = cells.reshape(cells.shape[0], -1)
    occupied = np.flatnonzero(flat.any(axis=0))
    chunk = max(1, CHUNK_CELLS // max(flat.size, 1))
    lasting = np.random.RandomState(rng.bit_generator)
    for start in range(0, replicates, chunk):
        size = min(chunk, replicates - start)
        counts = np.zeros((size, *flat.shape), dtype=np.int64)
        if occupied.size:
            counts[:, :, occupied] = np.stack([_multinomial(row, size, lasting) for row in flat[:, occupied]], axis=1)
        yield counts.reshape(size, *cells.shape)


def _multinomial(counts: IntArray, size: int, lasting: np.random.RandomState) -> IntArray:
    """int64[size, len(counts)]: counts of rows drawn again. A share of 0 would shift the stream, in NumPy 2.4 alone."""
    drawn = np.zeros((size, counts.size), dtype=np.int64)
    there, total = np.flatnonzero(counts), int(counts.sum())
    if there.size:
        drawn[:, there] = lasting.multinomial(total, counts[there] / total, size)
    return drawn


LEAST_USED: Final = 0.9
"""Least share of the replicates that must have a value, because those without one are not a random part of all."""


def resampled_places(clusters: IntArray, replicates: int, rng: np.random.Generator) -> Iterator[IntArray]:
    """Draw rows with replacement, cluster by cluster.

    Parameters
    ----------
    clusters : ndarray of int64, shape (n,)
        Cluster of each row, from 0 to K - 1, all of them present. Rows without a cluster have one each.
    replicates : int
        How many times to draw.
    rng : Generator
        Source of the draws.

    Yields
    ------
    ndarray of int64
        Places of the rows of the K clusters drawn; a row appears as often as its cluster was drawn.
    """
    order = np.argsort(clusters, kind="stable")
    lengths = np.bincount(clusters)
    starts = np.cumsum(lengths) - lengths
    for _ in range(replicates):
        drawn = rng.integers(0, len(lengths), len(lengths))
        of_each = lengths[drawn]
        before = np.cumsum(of_each) - of_each
        yield order[np.repeat(starts[drawn] - before, of_each) + np.arange(of_each.sum())]


def expanded_percentiles(replicates: FloatArray, clusters: int, level: float = 0.95) -> tuple[float, float] | None:
    """Percentile interval, widened for few clusters.

    Parameters
    ----------
    replicates : ndarray of float64, shape (R,)
        Values of the statistic; nan where a replicate has none.
    clusters : int
        Clusters (or rows) that were drawn from.
    level : float
        Two-sided confidence level.

    Returns
    -------
    (low, high), or None
        None where the interval would mislead: fewer than two clusters, less than `LEAST_USED` of the replicates with a
        value, or all values equal, as for a small group without an error of some kind, where resampling cannot bring
        one.

    Notes
    -----
    Hesterberg (2015, The American Statistician 69, section 5.3): percentiles at ``Phi(sqrt(n / (n - 1)) t)`` with t of
    n - 1 degrees of freedom, instead of the level's own, correct for resamples of n that vary too little.
    """
    checked_fraction(level, "level")
    known = replicates[np.isfinite(replicates)]
    if clusters < 2 or len(known) < max(LEAST_USED * len(replicates), 2) or known.min() == known.max():
        return None
    quantile = float(stdtrit(clusters - 1, 0.5 - level / 2.0)) * math.sqrt(clusters / (clusters - 1))
    tail = float(ndtr(quantile))
    low, high = np.quantile(known, [tail, 1.0 - tail])
    return float(low), float(high)
