"""Fewest unknown or wrongly labelled cases that would overturn a test.

Bounds of a rate when something is unknown, and the fewest changes that move a test past its level.

Effects of wrong labels on a rate: the fewest that matter, and the rate behind labels of known error.

The four counts of a group stand in the order true positive, false negative, false positive, true negative: by label,
then by decision. A label that is wrong moves a case between the first and third, or between the second and fourth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from audit.stats.arrays import BoolArray, FloatArray, IntArray, Tables
from audit.stats.binomial import Counts, checked_fraction
from audit.stats.boundaries import Boundary, counted_outcome
from audit.stats.score_test import asymptotic_p, exact_p


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
        As in `audit.stats.score_test.exact_p`.
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
    tables, inverse = np.unique(np.stack([count[wanted] for count in counts]), axis=1, return_inverse=True)
    x, n, y, m = tables
    p[wanted] = exact_p(counted_outcome(x, n, boundary), n, counted_outcome(y, m, boundary), m, boundary, beta)[
        inverse.ravel()
    ]
    return p


Effect = tuple[int, int]
"""Change of numerator and denominator by one flipped label."""


class FewestFlips(NamedTuple):
    """The fewest wrong labels that matter, of up to two kinds.

    Attributes
    ----------
    total : ndarray of int64, shape (G,)
        Flipped labels; -1 where not even all of them suffice.
    by_kind : ndarray of int64, shape (2, G)
        How many of each kind.
    """

    total: IntArray
    by_kind: IntArray


def fewest_flips(
    start: Tables,
    effects: Sequence[Effect],
    available: IntArray,
    boundary: Boundary,
    beta: float,
    level: FloatArray,
) -> FewestFlips:
    """Fewest labels of a group that must be wrong for the exact test of its margin to reject no longer.

    Parameters
    ----------
    start : tuple of ndarray of int64, shape (G,)
        Counts of groups and rests that the test rejects.
    effects : sequence of (int, int)
        One or two kinds of flips, each pushing the rate the same way.
    available : ndarray of int64, shape (len(effects), G)
        Labels of each kind that could be wrong.
    boundary, beta, level
        As in `audit.stats.robustness.fewest_to_overturn`.

    Returns
    -------
    FewestFlips

    Notes
    -----
    On a straight edge the fewest flips use up one kind first and then take the other, so that the two orders
    are all there is to try. The asymptotic test finds the shorter order, and the exact test decides on it.
    """
    x, n, y, m = start
    orders = [_in_order(effects, available, order) for order in _orders(len(effects))]
    most = available.sum(axis=0)

    def tables(added: IntArray) -> Tables:
        return Tables(x + added[0], n + added[1], y, m)

    guesses = [asymptotically_fewest(partial(_after, tables, order), most, boundary, level) for order in orders]
    shorter = np.argmin(np.stack(guesses), axis=0)

    def after(flips: IntArray) -> Tables:
        return tables(np.choose(shorter, [order.added(flips) for order in orders]))

    total = fewest_to_overturn(after, most, boundary, beta, level)
    return _of_orders(orders, shorter, total, most)


def _after(tables: Callable[[IntArray], Tables], order: _Order, flips: IntArray) -> Tables:
    return tables(order.added(flips))


def fewest_flips_to_rate(
    x: IntArray, n: IntArray, effects: Sequence[Effect], available: IntArray, target: FloatArray
) -> FewestFlips:
    """Fewest labels of a group that must be wrong for its measured rate to be the target's or beyond it.

    Parameters
    ----------
    x, n : ndarray of int64, shape (G,)
        The measured rate.
    effects, available
        As in `fewest_flips`; they push the rate towards the target.
    target : ndarray of float64, shape (G,)

    Returns
    -------
    FewestFlips
    """
    orders = [_in_order(effects, available, order) for order in _orders(len(effects))]
    most = available.sum(axis=0)
    added_top, added_bottom = effects[0]
    up = added_top > 0 or (added_top == 0 and added_bottom < 0)
    flips = []
    for order in orders:
        low, high = np.full_like(most, -1), most + 1
        while (high - low > 1).any():
            middle = (low + high) // 2
            added = order.added(np.clip(middle, 0, most))
            # compare without a quotient, so that a rate equal to the target in every digit counts as reached
            distance = (x + added[0]) - target * (n + added[1])
            slack = 1e-9 * np.maximum(n, 1)
            there = ((distance >= -slack) if up else (distance <= slack)) | (middle > most)
            open_ = high - low > 1
            high, low = np.where(open_ & there, middle, high), np.where(open_ & ~there, middle, low)
        flips.append(high)
    return _of_orders(orders, np.argmin(np.stack(flips), axis=0), np.min(np.stack(flips), axis=0), most)


class Corrected(NamedTuple):
    """A rate behind labels of known error.

    Attributes
    ----------
    rate : ndarray of float64, shape (G,)
        nan where it cannot be stated.
    size : ndarray of float64, shape (G,)
        Number of cases with right labels that would be as informative: at most the measured denominator's worth.
    possible : ndarray of bool, shape (G,)
        Whether the counts allow labels as wrong as this.
    """

    rate: FloatArray
    size: FloatArray
    possible: BoolArray


def corrected_rate(
    counts: Counts,
    numerator: Sequence[int],
    denominator: Sequence[int],
    sensitivity: float,
    specificity: float,
) -> Corrected:
    """The rate that the true labels would give (Rogan & Gladen 1978), decision by decision.

    Parameters
    ----------
    counts : array_like, shape (G, 4)
        True positives, false negatives, false positives, true negatives, by the labels as they are.
    numerator, denominator : sequence of int, length 4
        1 for each count that the rate takes in.
    sensitivity, specificity : float
        Shares of victims labelled as victims, and of others labelled as none; the same for both decisions.

    Returns
    -------
    Corrected

    Raises
    ------
    ValueError
        If a share is not in (0, 1], or the labels say nothing (``sensitivity + specificity <= 1``).

    Notes
    -----
    Of the n cases with the same decision, k labelled as victims, ``(k - (1 - specificity) n) / (sensitivity +
    specificity - 1)`` are victims. A true positive rate then depends on the specificity alone, and a false positive
    rate on the sensitivity alone. The size comes from the variance by the delta method with independent counts.
    """
    for name, share in (("sensitivity", sensitivity), ("specificity", specificity)):
        if share != 1.0:
            checked_fraction(share, name)
    if sensitivity + specificity <= 1.0:
        raise ValueError("labels that are wrong as often as right say nothing")
    observed = np.asarray(counts, dtype=np.float64)
    behind = _true_counts(sensitivity, specificity)
    true = observed @ behind.T
    possible = (true >= -1e-9 * np.maximum(observed.sum(axis=1, keepdims=True), 1.0)).all(axis=1)
    true = np.maximum(true, 0.0)
    top, bottom = np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = (true @ top) / (true @ bottom)
        influence = (top - rate[:, None] * bottom) @ behind / (true @ bottom)[:, None]
        size = rate * (1.0 - rate) / (observed * influence**2).sum(axis=1)
    known = possible & np.isfinite(rate)
    # where nothing varies, every case is equally informative
    size = np.where(np.isfinite(size) & (size > 0.0), size, true @ bottom)
    return Corrected(np.where(known, rate, np.nan), np.where(known, size, 0.0), possible)


def _true_counts(sensitivity: float, specificity: float) -> FloatArray:
    """float64[4, 4]: matrix from counts by label to the counts by truth that would give them."""
    wrong_yes, wrong_no = 1.0 - specificity, 1.0 - sensitivity
    return np.array(
        [
            [specificity, 0.0, -wrong_yes, 0.0],
            [0.0, specificity, 0.0, -wrong_yes],
            [-wrong_no, 0.0, sensitivity, 0.0],
            [0.0, -wrong_no, 0.0, sensitivity],
        ]
    ) / (sensitivity + specificity - 1.0)


class _Order(NamedTuple):
    kinds: tuple[int, ...]
    effects: IntArray
    available: IntArray

    def split(self, flips: IntArray) -> IntArray:
        """int64[2, G]: number of flips of each kind, by their place in the caller's list."""
        by_kind = np.zeros((2, *flips.shape), dtype=np.int64)
        left = flips
        for kind in self.kinds:
            by_kind[kind] = np.minimum(left, self.available[kind])
            left = left - by_kind[kind]
        return by_kind

    def added(self, flips: IntArray) -> IntArray:
        by_kind = self.split(flips)[: len(self.effects)]
        return np.asarray(self.effects.T @ by_kind, dtype=np.int64)


def _orders(kinds: int) -> tuple[tuple[int, ...], ...]:
    return ((0,),) if kinds == 1 else ((0, 1), (1, 0))


def _in_order(effects: Sequence[Effect], available: IntArray, order: tuple[int, ...]) -> _Order:
    return _Order(order, np.array(effects, dtype=np.int64), available)


def _of_orders(orders: Sequence[_Order], order_of: IntArray, total: IntArray, most: IntArray) -> FewestFlips:
    by_kind = np.stack([order.split(np.minimum(total, most)) for order in orders])
    chosen = by_kind[order_of, :, np.arange(total.size)].T
    never = total > most
    return FewestFlips(np.where(never, -1, total), np.where(never, 0, chosen))
