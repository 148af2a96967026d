"""Bounds of a rate when something is unknown, and the fewest changes that move a test past its level."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from audit.stats.arrays import BoolArray, FloatArray, IntArray, Tables
from audit.stats.margins.score_test import asymptotic_p, exact_p
from audit.stats.rates.binomial import Counts
from audit.stats.rates.boundaries import Boundary, counted_outcome


def rate_bounds(x: Counts, n: Counts, hits: Counts, misses: Counts) -> tuple[FloatArray, FloatArray]:
    """Lowest and highest rate when some cases may belong to a group or not.

    Parameters
    ----------
    x, n : array_like, shape (G,)
        Numerator and denominator over the cases that certainly belong to the group.
    hits, misses : array_like, shape (G,)
        Cases that may belong to the group: those that would be in its numerator, and those that would not.

    Returns
    -------
    low, high : ndarray of float64, shape (G,)
        ``x / (n + misses)`` and ``(x + hits) / (n + hits)``; nan where the denominator is 0.

    Notes
    -----
    The sharp bounds of Manski (2003, chapter 1) for a rate among people whose membership is partly unknown.
    """
    x_, n_, hits_, misses_ = (np.asarray(count, dtype=np.float64) for count in (x, n, hits, misses))
    with np.errstate(invalid="ignore", divide="ignore"):
        return x_ / (n_ + misses_), (x_ + hits_) / (n_ + hits_)


def fewest_to_overturn(
    tables: Callable[[IntArray], Tables], most: IntArray, boundary: Boundary, beta: float, level: FloatArray
) -> IntArray:
    """Fewest changes after which the exact test no longer rejects.

    Parameters
    ----------
    tables : callable
        Takes int64[G], a number of changes for each group; returns the counts of the groups and of their rests after
        them. most : ndarray of int64, shape (G,)
        Largest number of changes that is possible.
    boundary, beta
        As in `audit.stats.margins.score_test.exact_p`.
    level : ndarray of float64, shape (G,)
        The test rejects at or below this level, and does so without changes.

    Returns
    -------
    ndarray of int64, shape (G,)
        A number k with ``p(k - 1) <= level < p(k)``: the fewest where p does not fall on the way. ``most + 1`` where
        the test still rejects after all of them.

    Notes
    -----
    The asymptotic test, with a level corrected by its error at the last place tried, says where
    to look next; the exact one decides. At a level of .01 or more, and with more than 3,000 cases on either side, where
    the exact test takes longest and differs least, the asymptotic one decides, plus beta: in 108 such designs it
    was off by at most 3 of 257 people, and by none in most.
    """
    low, high = np.zeros_like(most), most + 1
    adjusted = np.maximum(level - beta, _TINY)
    rounds = 0
    while (active := high - low > 1).any():
        guess = asymptotically_fewest(tables, most, boundary, adjusted)
        at = np.clip(guess if rounds < _GUESSES else (low + high) // 2, low + 1, np.maximum(high - 1, low + 1))
        counts = tables(np.where(active, at, 0))
        large = (level >= _LARGE_LEVEL) & (np.minimum(counts[1], counts[3]) > _LARGE)
        p = np.where(large, _asymptotic(counts, boundary) + beta, _exact(counts, boundary, beta, active & ~large))
        high, low = np.where(active & (p > level), at, high), np.where(active & (p <= level), at, low)
        off = p / np.maximum(_asymptotic(counts, boundary), _TINY)
        adjusted = np.where(active, np.clip(level / off, _TINY, 0.999), adjusted)
        rounds += 1
    return high


_GUESSES = 8
"""After this many guesses the middle is tried, so that the search ends even if guesses do not come nearer."""
_TINY = 1e-300
_LARGE_LEVEL = 0.01
_LARGE = 3_000


def asymptotically_fewest(
    tables: Callable[[IntArray], Tables], most: IntArray, boundary: Boundary, level: FloatArray
) -> IntArray:
    """Find the fewest changes by the asymptotic test: a place to start from, never a decision."""
    low, high = np.zeros_like(most), most + 1
    while (open_ := high - low > 1).any():
        middle = np.maximum((low + high) // 2, 1)
        over = (_asymptotic(tables(np.minimum(middle, most)), boundary) > level) | (middle > most)
        high, low = np.where(open_ & over, middle, high), np.where(open_ & ~over, middle, low)
    return high


def _asymptotic(counts: Tables, boundary: Boundary) -> FloatArray:
    x, n, y, m = counts
    return asymptotic_p(counted_outcome(x, n, boundary), n, counted_outcome(y, m, boundary), m, boundary)


def _exact(counts: Tables, boundary: Boundary, beta: float, wanted: BoolArray) -> FloatArray:
    """Exact p-values where wanted, with each table computed once; 1 elsewhere."""
    p = np.ones(wanted.shape)
    if not wanted.any():
        return p
    tables, place = np.unique(np.stack([count[wanted] for count in counts]), axis=1, return_inverse=True)
    x, n, y, m = tables
    p[wanted] = exact_p(counted_outcome(x, n, boundary), n, counted_outcome(y, m, boundary), m, boundary, beta)[
        place.ravel()
    ]
    return p
