"""How likely the tables at least as extreme as the observed one are, without listing them all.

A table (u, Y) is at least as extreme when its score is at most the observed score. The score increases in the group's
count u and decreases in the rest's count Y, so the region is a staircase: for every Y all u up to some c(Y), with c
increasing. A staircase needs only its steps, the pairs ``(largest Y of the step, c on it)``, and where there are too
many of them they are merged so that the region grows, never shrinks.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeAlias

import numpy as np

from audit.stats.binomial import BoolArray, FloatArray, IntArray, binomial_cdf
from audit.stats.binomial_runs import CdfAlong, reach
from audit.stats.boundaries import Boundary
from audit.stats.score_statistic import score_statistic

MAX_STEPS = 1024
NEGLIGIBLE = 1e-9
"""Probability that the enumeration may leave out; it is added to the result."""

_UNSEEN = 1e-17
"""A sum that cannot be larger is not computed: its bound is added in its place, and shows in none of ten digits."""
_UNMATTERING = NEGLIGIBLE / (2.0 * MAX_STEPS)
_TIE = 1e-9
_CHUNK_CELLS = 50_000
_QUICK_CELLS = 20_000
_CLOSE = 1e-6
_CLOSE_SMALL = 1e-14
"""Quick sums agree with exact ones to less than half of this share of them, and half of this beside (tests)."""
_ANCHOR_SPACING = 16
_WORKERS = 4
_SMOOTH_WIDTH = 256
"""From so many steps on the sum varies smoothly with the rest's rate, and its maximum is looked for in two passes."""
_COARSE = 4
_AROUND = np.array([-3, -2, -1, 1, 2, 3])


_Chunk: TypeAlias = tuple[int, IntArray]
"""Signed width, and the places of groups that share it."""


class _Samples(NamedTuple):
    """Totals of group and rest and the largest rejected score, each of shape (G, 1)."""

    n: FloatArray
    m: FloatArray
    limit: FloatArray

    def take(self, rows: IntArray) -> _Samples:
        return _Samples(self.n[rows], self.m[rows], self.limit[rows])


class _Staircase(NamedTuple):
    """The steps of groups, each with the largest count of the rest on it and of the group (float64[G, W])."""

    tops: FloatArray
    levels: FloatArray
    samples: _Samples

    def take(self, rows: IntArray) -> _Staircase:
        return _Staircase(self.tops[rows], self.levels[rows], self.samples.take(rows))


class _Span(NamedTuple):
    """Corners of the staircase, each of shape (G, 1): the rest's counts worth a look and c at both ends."""

    first: FloatArray
    last: FloatArray
    lowest: FloatArray
    highest: FloatArray

    def take(self, rows: IntArray) -> _Span:
        return _Span(*(corner[rows] for corner in self))


def largest_rejection_probability(
    x: FloatArray,
    n: FloatArray,
    y: FloatArray,
    m: FloatArray,
    rest_rates: FloatArray,
    boundary: Boundary,
    *,
    in_two_passes: bool = True,
    limit: FloatArray | None = None,
) -> FloatArray:
    """Largest probability, over rates of the rest, of a table at least as extreme as (x, y).

    Parameters
    ----------
    x, n, y, m : ndarray of float64, shape (G,)
        Whole counts; ``n`` and ``m`` positive.
    rest_rates : ndarray of float64, shape (G, R)
        Increasing counted rates of the rest; the group's rate is the edge at each of them.
    boundary : Boundary
        The edge.
    in_two_passes : bool
        Whether, where there are many steps, every fourth rate is tried first and then those around the best.
    limit : ndarray of float64, shape (G,), optional
        Where all that is asked is whether the answer exceeds this: any number on the same side of it may be returned.

    Returns
    -------
    ndarray of float64, shape (G,)
        Exact up to an excess: `NEGLIGIBLE`, and where more than `MAX_STEPS` steps had to be merged a few per cent.
    """
    samples = _Samples(n[:, None], m[:, None], score_statistic(x, n, y, m, boundary)[:, None] + _TIE)
    span = _span(samples, rest_rates, boundary)
    # no step goes further than the highest, and no rate of the group is below its edge at the lowest rate of the rest
    bound = binomial_cdf(span.highest, samples.n, boundary.edge(rest_rates[:, :1]))[:, 0]
    probability = bound + NEGLIGIBLE
    chunks = _chunks(span, np.flatnonzero(bound > _UNSEEN))

    def of_chunk(chunk: _Chunk) -> FloatArray:
        signed_width, rows = chunk
        steps = _steps_by_group if signed_width > 0 else _steps_by_rest
        own, rates = samples.take(rows), rest_rates[rows]
        tops, levels = steps(own, span.take(rows), abs(signed_width), boundary)
        staircase = _Staircase(tops, levels, own)
        if not in_two_passes:
            return np.asarray(_sums(staircase, rates, boundary).max(axis=1))
        two_passes = abs(signed_width) >= _SMOOTH_WIDTH
        if limit is not None:
            return _beside(limit[rows], staircase, rates, boundary, in_two_passes=two_passes)
        return _largest(staircase, rates, boundary, in_two_passes=two_passes)

    for (_, rows), answer in zip(chunks, _of_each(of_chunk, chunks), strict=True):
        probability[rows] = answer
    return probability


def _chunks(span: _Span, rows: IntArray) -> list[_Chunk]:
    by_group = (span.highest - span.lowest <= span.last - span.first)[rows, 0]
    needed = np.minimum(span.highest - span.lowest, span.last - span.first)[rows, 0] + 1.0
    # The padded width depends on the group alone, so that a p-value does not depend on the group's companions.
    width = np.minimum(2.0 ** np.ceil(np.log2(np.maximum(needed, 8.0))), MAX_STEPS).astype(np.int64)
    shape = np.where(by_group, width, -width)
    chunks: list[_Chunk] = []
    for signed_width in np.unique(shape):
        alike = rows[shape == signed_width]
        cut = max(1, _QUICK_CELLS // (abs(int(signed_width)) + 200))
        chunks += [(int(signed_width), alike[start : start + cut]) for start in range(0, alike.size, cut)]
    return chunks


def _largest(staircase: _Staircase, rates: FloatArray, boundary: Boundary, *, in_two_passes: bool) -> FloatArray:
    """float64[G]: the largest of the sums at all rates, or of those that two passes look at.

    Quick sums say which rates can have the largest sum: one or two, as a rule. Exact ones of these decide.
    """
    quick = _QuickSums(staircase, rates, boundary)
    if not in_two_passes:
        return _largest_near(staircase, rates, quick.at(rates), boundary)
    first = rates[:, ::_COARSE]
    coarse = quick.at(first)
    best = coarse.argmax(axis=1)
    unclear = np.flatnonzero(_close(coarse).sum(axis=1) > 1)
    if unclear.size:
        best[unclear] = _sums(staircase.take(unclear), first[unclear], boundary).argmax(axis=1)
    between = np.clip(_COARSE * best[:, None] + _AROUND, 0, rates.shape[1] - 1)
    near = np.take_along_axis(rates, between, axis=1)
    return _largest_near(
        staircase, np.concatenate([first, near], axis=1), np.concatenate([coarse, quick.at(near)], axis=1), boundary
    )


def _largest_near(staircase: _Staircase, rates: FloatArray, quick: FloatArray, boundary: Boundary) -> FloatArray:
    # each group's own candidates only, however many another has: its answer does not depend on its companions
    order = np.argsort(-quick, axis=1, kind="stable")
    order = order[:, : int(_close(quick).sum(axis=1).max(initial=1))]
    own = np.take_along_axis(_close(quick), order, axis=1)
    sums = _sums(staircase, np.take_along_axis(rates, order, axis=1), boundary)
    return np.asarray(np.where(own, sums, 0.0).max(axis=1))


def _close(quick: FloatArray) -> BoolArray:
    """bool[G, R]: sums that are the largest, or may be."""
    return np.asarray(quick >= quick.max(axis=1, keepdims=True) * (1.0 - _CLOSE))


def _beside(
    limit: FloatArray, staircase: _Staircase, rates: FloatArray, boundary: Boundary, *, in_two_passes: bool
) -> FloatArray:
    """float64[G]: a number on the same side of the limit as `_largest`: by quick sums wherever these leave no doubt.

    Two passes look at every fourth rate and at no rate beyond all of them, which brackets their largest.
    """
    quick = _QuickSums(staircase, rates, boundary)
    above = np.asarray(quick.at(rates[:, ::_COARSE] if in_two_passes else rates).max(axis=1) + NEGLIGIBLE)
    below = above.copy()
    rest = np.flatnonzero(above <= limit)
    if in_two_passes and rest.size:
        below[rest] = _QuickSums(staircase.take(rest), rates[rest], boundary).at(rates[rest]).max(axis=1) + NEGLIGIBLE
    doubt = _CLOSE * np.abs(limit) + _CLOSE_SMALL
    doubtful = np.flatnonzero((above <= limit + doubt) & (below >= limit - doubt))
    if doubtful.size:
        some = staircase.take(doubtful)
        above[doubtful] = _largest(some, rates[doubtful], boundary, in_two_passes=in_two_passes)
    return above


def _of_each(of_chunk: Callable[[_Chunk], FloatArray], chunks: list[_Chunk]) -> list[FloatArray]:
    """The chunks side by side: scipy lets go of the interpreter, and no group's answer depends on its chunk."""
    if len(chunks) < 2:
        return [of_chunk(chunk) for chunk in chunks]
    with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
        return list(pool.map(of_chunk, chunks))


def _span(samples: _Samples, rest_rates: FloatArray, boundary: Boundary) -> _Span:
    low, high = rest_rates[:, :1], rest_rates[:, -1:]
    first = np.floor(np.maximum(samples.m * low - _reach(samples.m, low), 0.0))
    last = np.ceil(np.minimum(samples.m * high + _reach(samples.m, high), samples.m))
    lowest, highest = (
        _bisect(np.full(counts.shape, -1.0), samples.n, _is_rejected(counts, samples, boundary))
        for counts in (first, last)
    )
    return _Span(first, last, lowest, highest)


def _reach(m: FloatArray, rate: FloatArray) -> FloatArray:
    """Distance from the mean with less than `NEGLIGIBLE` beyond it on either side."""
    return reach(m, rate, NEGLIGIBLE)


def _steps_by_rest(samples: _Samples, span: _Span, width: int, boundary: Boundary) -> tuple[FloatArray, FloatArray]:
    """One step per count of the rest, or per run of counts, which then all reject as the largest of them does."""
    stride = np.ceil((span.last - span.first + 1.0) / width)
    tops = np.minimum(span.first + stride * np.arange(1.0, width + 1.0) - 1.0, span.last)
    levels = _bisect_along(tops, span.lowest, span.highest, lambda some: _is_rejected(some, samples, boundary))
    return tops, levels


def _steps_by_group(samples: _Samples, span: _Span, width: int, boundary: Boundary) -> tuple[FloatArray, FloatArray]:
    """One step per count of the group, or per run of counts, which are then all rejected when the smallest is."""
    stride = np.ceil((span.highest - span.lowest + 1.0) / width)
    levels = np.minimum(span.lowest + stride * np.arange(1.0, width + 1.0) - 1.0, span.highest)

    def stays_on_step(some_levels: FloatArray) -> Callable[[FloatArray], BoolArray]:
        above = np.minimum(some_levels + 1.0, samples.n)
        return lambda counts: score_statistic(above, samples.n, counts, samples.m, boundary) > samples.limit

    tops = _bisect_along(levels, span.first - 1.0, span.last, stays_on_step)
    return np.where(levels >= span.highest, span.last, tops), levels


def _is_rejected(rest_counts: FloatArray, samples: _Samples, boundary: Boundary) -> Callable[[FloatArray], BoolArray]:
    return lambda u: score_statistic(u, samples.n, rest_counts, samples.m, boundary) <= samples.limit


def _bisect_along(
    points: FloatArray,
    low: FloatArray,
    high: FloatArray,
    condition_at: Callable[[FloatArray], Callable[[FloatArray], BoolArray]],
) -> FloatArray:
    """Bisect at every point, knowing that the answer increases along a row: some points bracket those between."""
    width = points.shape[1]
    anchors = np.append(np.arange(0, width - 1, _ANCHOR_SPACING), width - 1)
    some = points[:, anchors]
    found = _bisect(np.broadcast_to(low, some.shape), np.broadcast_to(high, some.shape), condition_at(some))
    left = np.minimum(np.arange(width) // _ANCHOR_SPACING, anchors.size - 2)
    return _bisect(found[:, left], found[:, left + 1], condition_at(points))


def _bisect(low: FloatArray, high: FloatArray, holds: Callable[[FloatArray], BoolArray]) -> FloatArray:
    """Largest whole number in [low, high] for which a condition holds that holds at ``low`` and then up to a point."""
    for _ in range(int(np.ceil(np.log2(np.max(high - low, initial=0.0) + 1.0)))):
        middle = np.ceil((low + high) / 2.0)
        up = holds(middle)
        low, high = np.where(up, middle, low), np.where(up, high, middle - 1.0)
    return low


def _sums(staircase: _Staircase, rest_rates: FloatArray, boundary: Boundary) -> FloatArray:
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
    """Binomial distribution function, not evaluated where it is 0 or 1 up to `NEGLIGIBLE`."""
    away = tops - m * rate
    near = np.abs(away) <= _reach(m, rate)
    cdf = np.where(away > 0.0, 1.0, 0.0)
    trials, chance = np.broadcast_to(m, tops.shape), np.broadcast_to(rate, tops.shape)
    cdf[near] = binomial_cdf(tops[near], trials[near], chance[near])
    return cdf


class _QuickSums:
    """The same sums with the distribution functions of `CdfAlong`."""

    def __init__(self, staircase: _Staircase, rates: FloatArray, boundary: Boundary) -> None:
        self._tops, self._m, self._boundary = staircase.tops, staircase.samples.m, boundary
        # to the end, so that what is left beyond a step is a sum, which keeps its digits, and no difference to 1
        self._rest = CdfAlong(np.concatenate([self._tops, self._m], axis=1), self._m, rates)
        self._group = CdfAlong(staircase.levels, staircase.samples.n, boundary.edge(rates))

    def at(self, rates: FloatArray) -> FloatArray:
        """float64[G, R]: without `NEGLIGIBLE`."""
        sums = np.empty(rates.shape)
        for column in range(rates.shape[1]):
            rate = rates[:, column : column + 1]
            away, seen = self._tops - self._m * rate, _reach(self._m, rate)
            cdf = self._rest.at(rate)
            cdf = np.where(np.abs(away) <= seen, cdf[:, :-1], np.where(away > 0.0, cdf[:, -1:], 0.0))
            weight = np.diff(cdf, axis=1, prepend=0.0)
            below = np.where(weight > _UNMATTERING, self._group.at(self._boundary.edge(rate)), 1.0)
            sums[:, column] = (weight * below).sum(axis=1)
        return sums
