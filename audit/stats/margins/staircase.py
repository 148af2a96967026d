"""The tables that a score rejects, as the steps of a staircase.

A table (u, Y) is rejected when its score is at most the observed score. The score increases in the group's count u and
decreases in the rest's count Y, so the region is a staircase: for every Y all u up to some c(Y), with c increasing. A
staircase needs only its steps, the pairs ``(largest Y of the step, c on it)``, and where there are too many they
are merged so that the region grows, never shrinks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np

from audit.stats.arrays import FloatArray, IntArray
from audit.stats.margins.score_statistic import score_statistic
from audit.stats.rates.boundaries import Boundary

_TIE = 1e-9
_ANCHOR_SPACING = 16
_FEW = 64
"""Points so few that a bracket for each would cost more than it saves."""
_SECANTS = 8

_Function: TypeAlias = Callable[[FloatArray], FloatArray]
"""A function that increases in whole numbers."""


class Samples(NamedTuple):
    """Counts and totals of group and rest and the largest rejected score, each of shape (G, 1)."""

    x: FloatArray
    n: FloatArray
    y: FloatArray
    m: FloatArray
    limit: FloatArray

    def take(self, rows: IntArray) -> Samples:
        """Select some of the groups."""
        return Samples(*(values[rows] for values in self))


class Span(NamedTuple):
    """Corners of the staircase, each of shape (G, 1): range of the rest's counts, and c at both ends."""

    first: FloatArray
    last: FloatArray
    lowest: FloatArray
    highest: FloatArray

    def take(self, rows: IntArray) -> Span:
        """Select some of the groups."""
        return Span(*(corner[rows] for corner in self))


class Staircase(NamedTuple):
    """Steps of each group: the largest count of the rest, and of the group, on each step (float64[G, W])."""

    tops: FloatArray
    levels: FloatArray
    samples: Samples

    def take(self, rows: IntArray) -> Staircase:
        """Select some of the groups."""
        return Staircase(self.tops[rows], self.levels[rows], self.samples.take(rows))


def samples_of(x: FloatArray, n: FloatArray, y: FloatArray, m: FloatArray, boundary: Boundary) -> Samples:
    """Observed tables (float64[G] each); scores that are equal up to rounding are rejected as well."""
    return Samples(*(counts[:, None] for counts in (x, n, y, m, score_statistic(x, n, y, m, boundary) + _TIE)))


def span_of(samples: Samples, first: FloatArray, last: FloatArray, boundary: Boundary) -> Span:
    """Corners of the staircases over counts of the rest from first to last (float64[G, 1])."""
    # along the edge a step of the rest moves the group's count by this much: a good guess from the observed table
    tread = boundary.slope * samples.n / samples.m
    counts = np.concatenate([first, last], axis=1)
    found = _last(
        np.full(counts.shape, -1.0),
        np.broadcast_to(samples.n, counts.shape),
        samples.x + (counts - samples.y) * tread,
        _over_limit(counts, samples, boundary),
    )
    return Span(first, last, found[:, :1], found[:, 1:])


def staircase_of(samples: Samples, span: Span, width: int, boundary: Boundary, *, by_group: bool) -> Staircase:
    """Steps of the staircase, at most `width`: one for each count of the group or the rest, or for a run of counts."""
    steps = _steps_by_group if by_group else _steps_by_rest
    return Staircase(*steps(samples, span, width, boundary), samples)


def _steps_by_rest(samples: Samples, span: Span, width: int, boundary: Boundary) -> tuple[FloatArray, FloatArray]:
    """One step for each count of the rest, or for a run of counts that all reject as its largest does."""
    stride = np.ceil((span.last - span.first + 1.0) / width)
    tops = np.minimum(span.first + stride * np.arange(1.0, width + 1.0) - 1.0, span.last)
    levels = _last_along(tops, span.lowest, span.highest, lambda some: _over_limit(some, samples, boundary))
    return tops, levels


def _steps_by_group(samples: Samples, span: Span, width: int, boundary: Boundary) -> tuple[FloatArray, FloatArray]:
    """One step for each count of the group, or for a run of counts that are all rejected if its smallest is."""
    stride = np.ceil((span.highest - span.lowest + 1.0) / width)
    levels = np.minimum(span.lowest + stride * np.arange(1.0, width + 1.0) - 1.0, span.highest)

    # a count of the rest is on the step as long as the next count of the group has a score above the limit
    beyond = np.nextafter(samples.limit, np.inf)

    def short_of_limit(some_levels: FloatArray) -> _Function:
        above = np.minimum(some_levels + 1.0, samples.n)
        return lambda counts: beyond - score_statistic(above, samples.n, counts, samples.m, boundary)

    tops = _last_along(levels, span.first - 1.0, span.last, short_of_limit)
    return np.where(levels >= span.highest, span.last, tops), levels


def _over_limit(rest_counts: FloatArray, samples: Samples, boundary: Boundary) -> _Function:
    return lambda u: score_statistic(u, samples.n, rest_counts, samples.m, boundary) - samples.limit


def _last_along(
    points: FloatArray,
    low: FloatArray,
    high: FloatArray,
    function_at: Callable[[FloatArray], _Function],
) -> FloatArray:
    """`_last` at every point. The answer increases along a row, so some points bracket those between."""
    width = points.shape[1]
    if width <= _FEW:
        low, high = np.broadcast_to(low, points.shape), np.broadcast_to(high, points.shape)
        return _last(low, high, _between(points, points[:, :1], points[:, -1:], low, high), function_at(points))
    anchors = np.append(np.arange(0, width - 1, _ANCHOR_SPACING), width - 1)
    some = points[:, anchors]
    low, high = np.broadcast_to(low, some.shape), np.broadcast_to(high, some.shape)
    found = _last(low, high, _between(some, some[:, :1], some[:, -1:], low, high), function_at(some))
    left = np.minimum(np.arange(width) // _ANCHOR_SPACING, anchors.size - 2)
    low, high = found[:, left], found[:, left + 1]
    guess = _between(points, some[:, left], some[:, left + 1], low, high)
    return _last(low, high, guess, function_at(points))


def _between(points: FloatArray, left: FloatArray, right: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Value at each point on the straight line from (left, low) to (right, high)."""
    return np.asarray(low + (high - low) * (points - left) / np.maximum(right - left, 1.0))


def _last(low: FloatArray, high: FloatArray, guess: FloatArray, excess: _Function) -> FloatArray:
    """Largest whole number in [low, high] at which an increasing function is at most 0; it is so at ``low``.

    Every number tried narrows the bracket. Secants choose the next number, because the function is nearly straight.
    After a few of them the middle is taken, so that the search ends for any increasing function.
    """
    probe = np.minimum(np.maximum(np.floor(guess), low + 1.0), high)
    before, value_before, rounds = probe, np.zeros(probe.shape), 0
    while (open_ := low < high).any():
        value = excess(probe)
        holds = value <= 0.0
        low, high = np.where(open_ & holds, probe, low), np.where(open_ & ~holds, probe - 1.0, high)
        if rounds < _SECANTS:
            with np.errstate(invalid="ignore", divide="ignore"):
                root = np.floor(probe - value * (probe - before) / (value - value_before))
            ahead = np.where(np.isfinite(root), root, np.where(holds, probe + 1.0, probe - 1.0))
        else:
            ahead = np.ceil((low + high) / 2.0)
        before, value_before, rounds = probe, value, rounds + 1
        probe = np.minimum(np.maximum(ahead, low + 1.0), high)
    return low
