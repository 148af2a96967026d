"""Bootstrap of any function of rows, for measures without a formula: rows are drawn singly or in whole clusters."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from scipy.special import ndtr, stdtrit

from audit.stats.arrays import FloatArray, IntArray
from audit.stats.rates.binomial import checked_fraction

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
