"""Bootstrap replicates of counts: the counts of resampled rows, at a cost that does not grow with the number of rows.

Counts of rows that are resampled with replacement are multinomial, so they are drawn as such. NumPy keeps the streams
of `RandomState`. Those of `Generator.binomial` changed with NumPy 2.5, and results with them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from audit.stats.arrays import IntArray

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
