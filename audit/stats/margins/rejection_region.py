"""Probability of the tables at least as extreme as the observed one, without listing them all.

Those tables are the steps of a staircase (`audit.stats.margins.staircase`). At any rate of the rest, the probability of
a step is that of the rest's counts on it times that of the group's counts up to its level.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.margins.staircase import Span, Staircase, samples_of, span_of, staircase_of
from audit.stats.rates.binomial import binomial_cdf
from audit.stats.rates.binomial_runs import CdfAlong, reach
from audit.stats.rates.boundaries import Boundary

MAX_STEPS = 1024
NEGLIGIBLE = 1e-9
"""Probability that the enumeration may leave out; it is added to the result."""

_UNSEEN = 1e-17
"""A sum that is at most this large is not computed. Its bound is added instead, which changes none of ten digits."""
_UNMATTERING = NEGLIGIBLE / (2.0 * MAX_STEPS)
_QUICK_CELLS = 20_000
_CLOSE = 1e-6
_CLOSE_SMALL = 1e-14
"""Quick sums agree with exact ones to less than half of `_CLOSE` times the sum plus half of this number (tests)."""
_MOST_QUICK_RATES = 512
"""With more rates of the rest, the group is so much larger than its rest that quick sums need too many runs."""
_SMOOTH_WIDTH = 256
"""From this many steps on the sum is a smooth function of the rest's rate, so two passes find its maximum."""
_COARSE = 4
_WINDOW = 2 * _COARSE + 1


_Chunk: TypeAlias = tuple[int, IntArray]
"""Signed width, and the places of the groups that share it."""


def largest_rejection_probability(
    x: FloatArray,
    n: FloatArray,
    y: FloatArray,
    m: FloatArray,
    rest_rates: Sequence[FloatArray],
    boundary: Boundary,
    *,
    limit: FloatArray | None = None,
) -> FloatArray:
    """Largest probability, over rates of the rest, of a table at least as extreme as (x, y).

    Where a rate inside has a larger one than both its neighbours, the top of the parabola through the three counts.

    Parameters
    ----------
    x, n, y, m : ndarray of float64, shape (G,)
        Whole counts; ``n`` and ``m`` positive.
    rest_rates : sequence of ndarray of float64
        For each group increasing counted rates of the rest; the group's rate is the edge at each of them.
    boundary : Boundary
        The edge.
    limit : ndarray of float64, shape (G,), optional
        Threshold, for callers that only ask whether the answer exceeds it: any number on the same side may be returned.

    Returns
    -------
    ndarray of float64, shape (G,)
        Exact up to an excess: `NEGLIGIBLE`, and where more than `MAX_STEPS` steps had to be merged a few per cent.
    """
    samples = samples_of(x, n, y, m, boundary)
    lowest, highest = (np.array([[rates[end]] for rates in rest_rates]).reshape(-1, 1) for end in (0, -1))
    span = span_of(samples, *_worth_a_look(samples.m, lowest, highest), boundary)
    # no step goes past the highest, and no rate of the group is below its edge at the lowest rate of the rest
    bound = binomial_cdf(span.highest, samples.n, boundary.edge(lowest))[:, 0]
    probability = bound + NEGLIGIBLE
    tried = np.array([rates.size for rates in rest_rates])
    for signed_width, rows in _chunks(span, np.flatnonzero(bound > _UNSEEN)):
        width, by_group = abs(signed_width), signed_width > 0
        staircase = staircase_of(samples.take(rows), span.take(rows), width, boundary, by_group=by_group)
        for count in sorted(set(tried[rows].tolist())):
            alike = np.flatnonzero(tried[rows] == count)
            own = rows[alike]
            probability[own] = _largest_on_steps(
                staircase.take(alike),
                np.array([rest_rates[group] for group in own]),
                boundary,
                None if limit is None else limit[own],
            )
    return probability


def _largest_on_steps(
    staircase: Staircase, rates: FloatArray, boundary: Boundary, limit: FloatArray | None
) -> FloatArray:
    """float64[G]: the largest probability on the steps, at rates of the rest of which each group has as many."""
    two_passes = staircase.tops.shape[1] >= _SMOOTH_WIDTH and rates.shape[1] > _WINDOW
    if rates.shape[1] > _MOST_QUICK_RATES:
        sums = _sums(staircase, rates, boundary)
        above = _above_tried(rates, sums - NEGLIGIBLE)
        return np.asarray((sums.max(axis=1) - NEGLIGIBLE) * above + NEGLIGIBLE)
    if limit is None:
        return _largest(staircase, rates, boundary, in_two_passes=two_passes)
    return _beside(limit, staircase, rates, boundary, in_two_passes=two_passes)


def _chunks(span: Span, rows: IntArray) -> list[_Chunk]:
    by_group = (span.highest - span.lowest <= span.last - span.first)[rows, 0]
    needed = np.minimum(span.highest - span.lowest, span.last - span.first)[rows, 0] + 1.0
    # The padded width depends on the group alone, so that a p-value does not depend on the other groups.
    width = np.minimum(2.0 ** np.ceil(np.log2(np.maximum(needed, 8.0))), MAX_STEPS).astype(np.int64)
    shape = np.where(by_group, width, -width)
    chunks: list[_Chunk] = []
    for signed_width in sorted(set(shape.tolist())):  # `unique` loads masked arrays
        alike = rows[shape == signed_width]
        cut = max(1, _QUICK_CELLS // (abs(signed_width) + 200))
        chunks += [(signed_width, alike[start : start + cut]) for start in range(0, alike.size, cut)]
    return chunks


def _largest(staircase: Staircase, rates: FloatArray, boundary: Boundary, *, in_two_passes: bool) -> FloatArray:
    """float64[G]: the largest of the sums at all rates, or at the rates of two passes.

    Quick sums show which rates can have the largest sum: one or two, as a rule. Their exact sums decide.
    """
    quick = _QuickSums(staircase, rates, boundary)
    if in_two_passes:
        first = rates[:, ::_COARSE]
        coarse = quick.at(first)
        best = coarse.argmax(axis=1)
        unclear = np.flatnonzero(_close(coarse).sum(axis=1) > 1)
        if unclear.size:
            best[unclear] = _sums(staircase.take(unclear), first[unclear], boundary).argmax(axis=1)
        start = np.clip(_COARSE * (best - 1), 0, rates.shape[1] - _WINDOW)
        rates = np.take_along_axis(rates, start[:, None] + np.arange(_WINDOW), axis=1)
    sums = quick.at(rates)
    largest = _largest_near(staircase, rates, sums, boundary) - NEGLIGIBLE
    return np.asarray(largest * _above_tried(rates, sums) + NEGLIGIBLE)


def _above_tried(rates: FloatArray, sums: FloatArray) -> FloatArray:
    """float64[G]: the highest parabola through a peak and its neighbours, as a multiple of the largest sum."""
    before, after = np.diff(rates[:, :-1], axis=1), np.diff(rates[:, 1:], axis=1)
    left, middle, right = sums[:, :-2], sums[:, 1:-1], sums[:, 2:]
    with np.errstate(invalid="ignore", divide="ignore"):
        rise, fall = (middle - left) / before, (right - middle) / after
        bend = (fall - rise) / (before + after)
        slope = rise + bend * before
        tops = np.where((rise >= 0.0) & (fall <= 0.0) & (bend < 0.0), middle - slope * slope / (4.0 * bend), middle)
        return np.asarray(np.fmax(tops.max(axis=1) / sums.max(axis=1), 1.0))


def _largest_near(staircase: Staircase, rates: FloatArray, quick: FloatArray, boundary: Boundary) -> FloatArray:
    # only the group's own candidates, so that its answer does not depend on the other groups
    order = np.argsort(-quick, axis=1, kind="stable")
    order = order[:, : int(_close(quick).sum(axis=1).max(initial=1))]
    own = np.take_along_axis(_close(quick), order, axis=1)
    sums = _sums(staircase, np.take_along_axis(rates, order, axis=1), boundary)
    return np.asarray(np.where(own, sums, 0.0).max(axis=1))


def _close(quick: FloatArray) -> BoolArray:
    """bool[G, R]: sums that are, or may be, the largest."""
    return np.asarray(quick >= quick.max(axis=1, keepdims=True) * (1.0 - _CLOSE))


def _beside(
    limit: FloatArray, staircase: Staircase, rates: FloatArray, boundary: Boundary, *, in_two_passes: bool
) -> FloatArray:
    """float64[G]: a number on the same side of the limit as `_largest`, from quick sums where these leave no doubt.

    Two passes look at every fourth rate and at no rate outside of all of them, which brackets their largest.
    """
    quick = _QuickSums(staircase, rates, boundary)
    sums = quick.at(rates[:, ::_COARSE] if in_two_passes else rates)
    above = np.asarray(sums.max(axis=1) * (1.0 if in_two_passes else _above_tried(rates, sums)) + NEGLIGIBLE)
    below = above.copy()
    rest = np.flatnonzero(above <= limit)
    if in_two_passes and rest.size:
        between = _QuickSums(staircase.take(rest), rates[rest], boundary).at(rates[rest])
        below[rest] = between.max(axis=1) * _above_tried(rates[rest], between) + NEGLIGIBLE
    doubt = _CLOSE * np.abs(limit) + _CLOSE_SMALL
    doubtful = np.flatnonzero((above <= limit + doubt) & (below >= limit - doubt))
    if doubtful.size:
        some = staircase.take(doubtful)
        above[doubtful] = _largest(some, rates[doubtful], boundary, in_two_passes=in_two_passes)
    return above


def _worth_a_look(m: FloatArray, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """First and last count of the rest that is not negligible at every rate from low to high."""
    first = np.floor(np.maximum(m * low - _reach(m, low), 0.0))
    return first, np.ceil(np.minimum(m * high + _reach(m, high), m))


def _reach(m: FloatArray, rate: FloatArray) -> FloatArray:
    """Distance from the mean with less than `NEGLIGIBLE` probability beyond it on either side."""
    return reach(m, rate, NEGLIGIBLE)


def _sums(staircase: Staircase, rest_rates: FloatArray, boundary: Boundary) -> FloatArray:
    """float64[G, R]: the sum over steps of P(Y on the step) P(U <= c), at each of the rest's rates."""
    tops, levels, samples = staircase
    trials = np.broadcast_to(samples.n, tops.shape)
    sums = np.empty(rest_rates.shape)
    for column in range(rest_rates.shape[1]):
        rate = rest_rates[:, column : column + 1]
        weight = np.diff(_rest_cdf(tops, samples.m, rate), axis=1, prepend=0.0)
        matters = weight > _UNMATTERING
        below = np.ones(tops.shape)
        edge = np.broadcast_to(boundary.edge(rate), tops.shape)
        below[matters] = binomial_cdf(levels[matters], trials[matters], edge[matters])
        sums[:, column] = (weight * below).sum(axis=1)
    return sums + NEGLIGIBLE


def _rest_cdf(tops: FloatArray, m: FloatArray, rate: FloatArray) -> FloatArray:
    """Binomial distribution function, evaluated only where it is not 0 or 1 up to `NEGLIGIBLE`."""
    away = tops - m * rate
    near = np.abs(away) <= _reach(m, rate)
    cdf = np.where(away > 0.0, 1.0, 0.0)
    trials, chance = np.broadcast_to(m, tops.shape), np.broadcast_to(rate, tops.shape)
    cdf[near] = binomial_cdf(tops[near], trials[near], chance[near])
    return cdf


class _QuickSums:
    """Sums of `_sums` from the distribution functions of `CdfAlong`."""

    def __init__(self, staircase: Staircase, rates: FloatArray, boundary: Boundary) -> None:
        self._tops, self._m, self._boundary = staircase.tops, staircase.samples.m, boundary
        # to the end: the part beyond a step is then a sum, which keeps its digits, and no difference to 1
        self._rest = CdfAlong(np.concatenate([self._tops, self._m], axis=1), self._m, rates)
        self._group = CdfAlong(staircase.levels, staircase.samples.n, boundary.edge(rates))

    def at(self, rates: FloatArray) -> FloatArray:
        """float64[G, R]: the sums, without `NEGLIGIBLE`."""
        together = max(1, _QUICK_CELLS // max(self._rest.cells, 1))
        parts = range(0, rates.shape[1], together)
        return np.concatenate([self._of_some(rates[:, start : start + together]) for start in parts], axis=1)

    def _of_some(self, rates: FloatArray) -> FloatArray:
        away = self._tops[:, None] - (self._m * rates)[:, :, None]
        seen = _reach(self._m, rates)[:, :, None]
        cdf = self._rest.at(rates)
        cdf = np.where(np.abs(away) <= seen, cdf[:, :, :-1], np.where(away > 0.0, cdf[:, :, -1:], 0.0))
        weight = cdf.copy()
        weight[:, :, 1:] -= cdf[:, :, :-1]
        below = np.where(weight > _UNMATTERING, self._group.at(self._boundary.edge(rates)), 1.0)
        return np.asarray((weight * below).sum(axis=2))
