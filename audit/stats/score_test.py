"""Exact unconditional score test of a group against a margin of the rest, with its statistic and its rejection region.

The score statistic: distance of a group's counts from the edge of the margin, in standard errors.

The variance is taken at the restricted maximum likelihood estimate, the likeliest pair of rates that lies exactly on
the edge (Miettinen & Nurminen 1985; Farrington & Manning 1990).

The tables that a score rejects, as the steps of a staircase.

A table (u, Y) is rejected when its score is at most the observed score. The score increases in the group's count u and
decreases in the rest's count Y, so the region is a staircase: for every Y all u up to some c(Y), with c increasing. A
staircase needs only its steps, the pairs ``(largest Y of the step, c on it)``, and where there are too many they
are merged so that the region grows, never shrinks.

Probability of the tables at least as extreme as the observed one, without listing them all.

Those tables are the steps of a staircase (`audit.stats.score_test`). At any rate of the rest, the probability of
a step is that of the rest's counts on it times that of the group's counts up to its level.

Exact unconditional test that a group lies beyond (or within) a margin of the rest.

Tables are ordered by the score statistic (Chan 1998) and the rest's unknown rate ranges over a confidence set (Berger
& Boos 1994). No size lies above its level in designs small enough to list (`tools.simulate --only exact_sizes`).
A count that mixes several rates has lighter tails than the binomial (Hoeffding 1956); for two counts this is simulated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from scipy.special import bdtrik, ndtr

from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.binomial import CdfAlong, Counts, binomial_cdf, checked_counts, checked_fraction, reach
from audit.stats.boundaries import Boundary
from audit.stats.intervals import clopper_pearson


def score_statistic(x: Counts, n: Counts, y: Counts, m: Counts, boundary: Boundary) -> FloatArray:
    """Score statistic of "group rate >= edge(rest rate)"; negative when the group lies below the edge.

    Parameters
    ----------
    x, n : array_like
        Counted outcomes and total of the group, ``n > 0``; they broadcast with ``y`` and ``m``.
    y, m : array_like
        Counted outcomes and total of the rest, ``m > 0``.
    boundary : Boundary
        The edge.

    Returns
    -------
    ndarray of float64
        ``(x/n - A - s y/m) / sqrt(q(1-q)/n + s^2 r(1-r)/m)`` with ``(r, q)`` from `restricted_rates`; 0 where both
        samples sit at the corner where the edge meets 0 or 1 and nothing varies. Increases in ``x``, decreases in
        ``y``.

    Notes
    -----
    No continuity correction and no ``N/(N-1)`` factor. Totals of 0 give nan.
    """
    x_, n_, y_, m_ = _as_floats(x, n, y, m)
    if _is_mirrored_ratio(boundary):
        return -score_statistic(n_ - x_, n_, m_ - y_, m_, Boundary(0.0, boundary.slope, not boundary.counts_success))
    slope = boundary.slope
    with np.errstate(invalid="ignore", divide="ignore"):
        rest, group = restricted_rates(x_, n_, y_, m_, boundary)
        variance = group * (1.0 - group) / n_ + slope * slope * rest * (1.0 - rest) / m_
        distance = x_ / n_ - boundary.offset - slope * y_ / m_
        return np.where(variance > 0.0, distance / np.sqrt(variance), np.where(np.isnan(distance), np.nan, 0.0))


def restricted_rates(x: Counts, n: Counts, y: Counts, m: Counts, boundary: Boundary) -> tuple[FloatArray, FloatArray]:
    """Maximum likelihood rates of rest and group among the pairs on the (unclipped) edge.

    Parameters
    ----------
    x, n, y, m : array_like
        As in `score_statistic`; non-integer (expected or effective) counts are accepted.
    boundary : Boundary
        The edge ``q = A + s r``.

    Returns
    -------
    rest, group : ndarray of float64
        ``r`` within ``[max(0, -A/s), min(1, (1-A)/s)]`` and ``q = A + s r`` within [0, 1].

    Notes
    -----
    ``r`` is the zero of the decreasing function ``s [x/q - (n-x)/(1-q)] + y/r - (m-y)/(1-r)``. Multiplied by
    ``r (1-r) q (1-q)`` it is a cubic whose middle root is wanted. Ratio margins have a root at a corner, which leaves
    a quadratic (Farrington & Manning 1990, appendix).
    """
    x_, n_, y_, m_ = _as_floats(x, n, y, m)
    offset, slope = boundary.offset, boundary.slope
    with np.errstate(invalid="ignore", divide="ignore"):
        if offset == 0.0:
            rest = _proportional_root(x_, n_, y_, m_, slope)
        elif _is_mirrored_ratio(boundary):
            rest = 1.0 - _proportional_root(n_ - x_, n_, m_ - y_, m_, slope)
        else:
            rest = _cubic_root(x_, n_, y_, m_, boundary)
    rest = _within(rest, max(0.0, -offset / slope), min(1.0, (1.0 - offset) / slope))
    return rest, _within(offset + slope * rest, 0.0, 1.0)


def _within(values: FloatArray, low: float, high: float) -> FloatArray:
    """Clip values; `np.clip` takes several times as long for the few counts of a group."""
    return np.minimum(np.maximum(values, low), high)


def _as_floats(*counts: Counts) -> list[FloatArray]:
    return [np.asarray(count, dtype=np.float64) for count in counts]


def _is_mirrored_ratio(boundary: Boundary) -> bool:
    """Whether the edge passes through (1, 1) and not through (0, 0): a ratio margin on the other outcome."""
    return boundary.offset != 0.0 and abs(boundary.offset + boundary.slope - 1.0) < 1e-12


def _proportional_root(x: FloatArray, n: FloatArray, y: FloatArray, m: FloatArray, slope: float) -> FloatArray:
    """Smaller root of ``s(n+m) r^2 - (m + n s + x + y s) r + (x+y) = 0``, in the form free of cancellation."""
    linear = m + n * slope + x + y * slope
    discriminant = np.maximum(linear * linear - 4.0 * slope * (n + m) * (x + y), 0.0)
    return np.asarray(2.0 * (x + y) / (linear + np.sqrt(discriminant)))


def _cubic_root(x: FloatArray, n: FloatArray, y: FloatArray, m: FloatArray, boundary: Boundary) -> FloatArray:
    """Middle root of the cubic, divided by ``s^2 (n+m)``."""
    a, s = boundary.offset, boundary.slope
    scale = s * s * (n + m)
    excess = s * (x - n * a)
    c2 = (-excess - s * s * (n + y) - m * s * (1.0 - 2.0 * a)) / scale
    c1 = (excess + y * s * (1.0 - 2.0 * a) - m * a * (1.0 - a)) / scale
    c0 = y * a * (1.0 - a) / scale
    return middle_root(c2, c1, c0)


def middle_root(c2: FloatArray, c1: FloatArray, c0: FloatArray) -> FloatArray:
    """Middle root of ``x^3 + c2 x^2 + c1 x + c0``, by cosines and two Newton steps.

    The cosines alone lose half the digits where two roots nearly meet.
    """
    shift = c2 / 3.0
    spread = np.sqrt(np.maximum(shift * shift - c1 / 3.0, 0.0))
    skew = shift * (shift * shift - c1 / 2.0) + c0 / 2.0
    spreads = spread > 0.0
    cosine = np.where(spreads, skew / np.where(spreads, spread, 1.0) ** 3, 0.0)
    root = 2.0 * spread * np.cos((np.arccos(_within(-cosine, -1.0, 1.0)) + 4.0 * np.pi) / 3.0) - shift
    value, twice = ((root + c2) * root + c1) * root + c0, 2.0 * c2
    for _ in range(2):
        slope_there = (3.0 * root + twice) * root + c1
        falls = slope_there < 0.0
        better = root - np.where(falls, value / np.where(falls, slope_there, 1.0), 0.0)
        value_there = ((better + c2) * better + c1) * better + c0
        improves = np.abs(value_there) < np.abs(value)
        root, value = np.where(improves, better, root), np.where(improves, value_there, value)
    return np.asarray(root)


_TIE = 1e-9
_ANCHOR_SPACING = 16
_FEW_POINTS = 64
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
    last_inside = _last(
        np.full(counts.shape, -1.0),
        np.broadcast_to(samples.n, counts.shape),
        samples.x + (counts - samples.y) * tread,
        _over_limit(counts, samples, boundary),
    )
    return Span(first, last, last_inside[:, :1], last_inside[:, 1:])


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
    if width <= _FEW_POINTS:
        low, high = np.broadcast_to(low, points.shape), np.broadcast_to(high, points.shape)
        return _last(low, high, _between(points, points[:, :1], points[:, -1:], low, high), function_at(points))
    anchors = np.append(np.arange(0, width - 1, _ANCHOR_SPACING), width - 1)
    some = points[:, anchors]
    low, high = np.broadcast_to(low, some.shape), np.broadcast_to(high, some.shape)
    last = _last(low, high, _between(some, some[:, :1], some[:, -1:], low, high), function_at(some))
    left = np.minimum(np.arange(width) // _ANCHOR_SPACING, anchors.size - 2)
    low, high = last[:, left], last[:, left + 1]
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
            group_rows = rows[alike]
            probability[group_rows] = _largest_on_steps(
                staircase.take(alike),
                np.array([rest_rates[group] for group in group_rows]),
                boundary,
                None if limit is None else limit[group_rows],
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
    near_values = np.take_along_axis(_close(quick), order, axis=1)
    sums = _sums(staircase, np.take_along_axis(rates, order, axis=1), boundary)
    return np.asarray(np.where(near_values, sums, 0.0).max(axis=1))


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


FAIL_BETA = 1e-6
"""Error spent on the confidence set of the rest's rate when testing for FAIL."""
PASS_BETA = 1e-3
"""Error spent on the confidence set when testing for PASS, where levels are never as small."""

_STEP = 0.25
"""Distance of neighbouring rates of the rest: standard errors of the rest between them, plus standard errors of the
group between their edges."""
_LEAST_RATES = 9
_MISSED = 1.0005
"""Factor that covers what the largest probability may lie above the parabola through the largest ones tried."""
_RULER = 129
_SLICES = 33
"""Rates of the rest between which a bound is enough."""
_FIRST_SLICES = 8
"""Of so many slices one is looked at first."""
_CLEAR = 0.95
"""Share of a limit that leaves room for what `exact_p` adds to a probability."""
_LEAST_LIMIT = 1e-6
_HAIR = 1e-8
_DIGITS = 12
"""Decimals of a rate of the rest: libraries differ in the last digit of an arcsine, and p-values must not."""
_MOST_KNOWN = 20_000
_KNOWN: Final[dict[tuple[object, ...], float]] = {}


class ScreenedP(NamedTuple):
    """P-values, and which of them are exact."""

    p: FloatArray
    is_exact: BoolArray


def asymptotic_p(x: Counts, n: Counts, y: Counts, m: Counts, boundary: Boundary) -> FloatArray:
    """One-sided p-value of the score test, without continuity correction.

    Parameters
    ----------
    x, n, y, m : array_like, shape (G,)
        Counted outcomes and totals of each group and of its rest.
    boundary : Boundary
        Edge of the hypothesis "group rate >= edge(rest rate)".

    Returns
    -------
    ndarray of float64, shape (G,)
        1 where there is no group, no rest, or nothing below the edge (``edge(y/m) <= 0``).

    Raises
    ------
    ValueError
        If counts are impossible.

    Notes
    -----
    Too small by a factor of up to 5 at level 2.5e-4: use it to screen, never to decide.
    """
    x_, n_, y_, m_, testable = _testable(x, n, y, m, boundary)
    z = score_statistic(x_, np.where(testable, n_, 1.0), y_, np.where(testable, m_, 1.0), boundary)
    return np.where(testable, ndtr(z), 1.0)


def exact_p(x: Counts, n: Counts, y: Counts, m: Counts, boundary: Boundary, beta: float = FAIL_BETA) -> FloatArray:
    """One-sided exact p-value of the score-ordered unconditional test.

    Parameters
    ----------
    x, n, y, m : array_like of integers, shape (G,)
        Counted outcomes and totals of each group and of its rest; n up to 1e6 and m up to 1e7 were tried.
    boundary : Boundary
        Edge of the hypothesis "group rate >= edge(rest rate)".
    beta : float
        Error spent on the confidence set of the rest's rate, and so the smallest p-value possible.

    Returns
    -------
    ndarray of float64, shape (G,)
        1 where there is no group, no rest, or nothing below the edge (``edge(y/m) <= 0``).

    Raises
    ------
    ValueError
        If counts are impossible or not integers, or beta is not in (0, 1).

    Notes
    -----
    ``p = beta + max_r P(z(U, Y) <= z(x, y))`` with ``U ~ Bin(n, edge(r))``, ``Y ~ Bin(m, r)`` and r in the
    Clopper-Pearson set of level ``1 - beta``, as far as the unclipped edge stays within 1. Beyond that ceiling no group
    can be worse than the rest by the margin, and where the whole set lies there the p-value is ``beta``. Below the kink
    ``r = -offset / slope`` the edge is 0, nobody of the group is counted, and the probability grows with r: the search
    begins at the kink, where the largest probability often is. Without it the size was up to 1.24 times the level.

    Rates of the rest are tried at steps of a quarter of a standard error, of rest and group together. A parabola
    through the largest and its neighbours, and a factor of 1.0005, cover what lies between them. By brute force over
    all tables of 200 designs, half of them with a group larger than its rest, no size lay above its level. Where more
    than 256 steps are summed the sum is smooth in r: then every fourth rate is tried, and those around the best.

    The sum over U and Y is exact up to 1e-9 as long as either count has at most 1024 values in play; beyond that the
    rejection region is coarsened outwards, which can only raise the p-value (by at most 2 % in the cases tried, the
    worst being n = 100,000 against 200,000).
    """
    return _exact(x, n, y, m, boundary, beta, None)


def exact_rejects(
    x: Counts, n: Counts, y: Counts, m: Counts, boundary: Boundary, level: Counts, beta: float = FAIL_BETA
) -> BoolArray:
    """Whether `exact_p` is at most a level: about ten times as fast for large groups, without the digits.

    Parameters
    ----------
    x, n, y, m, boundary, beta
        As in `exact_p`.
    level : array_like, shape (G,)
        Level that each p-value must reach.

    Returns
    -------
    ndarray of bool, shape (G,)
        ``exact_p(x, n, y, m, boundary, beta) <= level``.

    Raises
    ------
    ValueError
        As in `exact_p`.
    """
    level_ = np.asarray(level, dtype=np.float64)
    return np.asarray(_exact(x, n, y, m, boundary, beta, level_) <= level_)


def _exact(
    x: Counts, n: Counts, y: Counts, m: Counts, boundary: Boundary, beta: float, level: FloatArray | None
) -> FloatArray:
    """P-values, or numbers on the same side of the level as they are."""
    checked_fraction(beta, "beta")
    x_, n_, y_, m_, testable = _testable(x, n, y, m, boundary)
    if any(not np.array_equal(counts, np.floor(counts)) for counts in (x_, n_, y_, m_)):
        raise ValueError("the exact test needs whole counts")
    p = np.ones(x_.shape)
    group, total, rest, rest_total = x_[testable], n_[testable], y_[testable], m_[testable]
    low, high = clopper_pearson(rest, rest_total, 1.0 - beta)
    ceiling = (1.0 - boundary.offset) / boundary.slope
    possible = low <= ceiling
    low, high = np.minimum(low, ceiling), np.minimum(high, ceiling)
    low = np.clip(-boundary.offset / boundary.slope, low, high)
    limit = None if level is None else np.broadcast_to(level, x_.shape)[testable] - beta
    worst = _largest_over_rest(group, total, rest, rest_total, low, high, boundary, limit)
    p[testable] = np.minimum(1.0, np.where(possible, worst, 0.0) + beta)
    return p


def _largest_over_rest(
    x: FloatArray,
    n: FloatArray,
    y: FloatArray,
    m: FloatArray,
    low: FloatArray,
    high: FloatArray,
    boundary: Boundary,
    limit: FloatArray | None,
) -> FloatArray:
    """Largest probability over rates of the rest from low to high; where it lies clearly below the limit, a bound."""
    if limit is None:
        return _remembered(x, n, y, m, low, high, boundary)
    is_open = ~_is_clear(x, n, y, m, low, high, boundary, limit)
    worst = limit * _CLEAR
    some = x[is_open], n[is_open], y[is_open], m[is_open], low[is_open], high[is_open]
    worst[is_open] = _largest_listed(*some, boundary, limit[is_open])
    return np.asarray(worst)


def _remembered(
    x: FloatArray, n: FloatArray, y: FloatArray, m: FloatArray, low: FloatArray, high: FloatArray, boundary: Boundary
) -> FloatArray:
    """Largest probabilities, each computed once: verdicts, doubts and plans ask for the same tables."""
    if len(_KNOWN) > _MOST_KNOWN:
        _KNOWN.clear()
    keys = [(boundary, *table) for table in zip(*(column.tolist() for column in (x, n, y, m, low, high)), strict=True)]
    known = {table: _KNOWN.get(table) for table in keys}  # another thread may clear the others
    new = np.array([index for index, table in enumerate(keys) if known[table] is None], dtype=np.int64)
    if new.size:
        computed = _largest_listed(x[new], n[new], y[new], m[new], low[new], high[new], boundary, None)
        fresh = dict(zip((keys[index] for index in new.tolist()), computed.tolist(), strict=True))
        known |= fresh
        _KNOWN.update(fresh)
    return np.array([known[table] for table in keys], dtype=np.float64)


def _is_clear(
    x: FloatArray,
    n: FloatArray,
    y: FloatArray,
    m: FloatArray,
    low: FloatArray,
    high: FloatArray,
    boundary: Boundary,
    limit: FloatArray,
) -> BoolArray:
    """Whether the largest probability lies below the limit by a bound for which no table is listed.

    What is rejected beside a count of the rest grows with that count. So at any rate the probability is at most the
    chance that the rest's count lies above some t, and the chance that the group's is one of those rejected beside t.
    Both are halves of the limit here; between two rates they are at most those of the nearer end.
    """
    rates = low[:, None] + (high - low)[:, None] * np.linspace(0.0, 1.0, _SLICES)
    half = (np.where(limit > _LEAST_LIMIT, limit, np.nan) * _CLEAR / 2.0)[:, None]
    observed = score_statistic(x, n, y, m, boundary)[:, None] + _HAIR
    clear = np.arange(x.size)
    for slices in (np.arange(0, _SLICES - 1, _FIRST_SLICES), np.arange(_SLICES - 1)):  # most are not, as a few show
        tails, own_n, own_m, own_rates = half[clear], n[clear, None], m[clear, None], rates[clear]
        most = np.minimum(np.ceil(bdtrik(1.0 - tails, own_m, own_rates[:, slices + 1])), own_m)
        least = np.maximum(bdtrik(tails, own_n, boundary.edge(own_rates[:, slices])), 0.0)
        clear = clear[np.all(score_statistic(least, own_n, most, own_m, boundary) > observed[clear], axis=1)]
    is_clear = np.zeros(x.shape, dtype=np.bool_)
    is_clear[clear] = True
    return is_clear


def _largest_listed(
    x: FloatArray,
    n: FloatArray,
    y: FloatArray,
    m: FloatArray,
    low: FloatArray,
    high: FloatArray,
    boundary: Boundary,
    limit: FloatArray | None,
) -> FloatArray:
    """Largest probability over rates of the rest from low to high, in steps close enough for each group."""
    even = np.linspace(0.0, 1.0, _RULER)
    ruler = low[:, None] + (high - low)[:, None] * even
    away = np.sqrt(m)[:, None] * _angle(ruler) + np.sqrt(n)[:, None] * _angle(boundary.edge(ruler))
    away -= away[:, :1]
    count = np.maximum(_LEAST_RATES, np.ceil(away[:, -1] / _STEP).astype(np.int64) + 1)
    rates = [_spread(ruler[group], away[group], int(tried)) for group, tried in enumerate(count)]
    inner_limit = None if limit is None else limit / _MISSED
    return np.asarray(largest_rejection_probability(x, n, y, m, rates, boundary, limit=inner_limit) * _MISSED)


def _spread(ruler: FloatArray, away: FloatArray, count: int) -> FloatArray:
    """float64[R]: rates of the rest at equal steps of `away` from the first of the ruler to its last."""
    rates = np.round(np.interp(np.linspace(0.0, away[-1], count), away, ruler), _DIGITS)
    rates[0], rates[-1] = ruler[0], ruler[-1]
    return np.asarray(rates)


def _angle(rate: FloatArray) -> FloatArray:
    """Arcsine transform: a binomial rate of n cases then has a standard error of 1 / sqrt(n) everywhere."""
    return np.asarray(2.0 * np.arcsin(np.sqrt(np.clip(rate, 0.0, 1.0))))


def screened_p(
    x: Counts,
    n: Counts,
    y: Counts,
    m: Counts,
    boundary: Boundary,
    beta: float = FAIL_BETA,
    threshold: float = 0.10,
) -> ScreenedP:
    """Exact p-values where they can matter, asymptotic ones elsewhere.

    Parameters
    ----------
    x, n, y, m, boundary, beta
        As in `exact_p`.
    threshold : float
        Groups with an asymptotic p-value at or above it keep that p-value.

    Returns
    -------
    ScreenedP
        ``p`` and ``is_exact``, both of shape (G,). Only exact p-values may be compared with a level.

    Raises
    ------
    ValueError
        As in `exact_p`, or if the threshold is not in (0, 1).
    """
    checked_fraction(threshold, "threshold")
    x_, n_, y_, m_ = np.broadcast_arrays(*(np.asarray(counts, dtype=np.float64) for counts in (x, n, y, m)))
    p = asymptotic_p(x_, n_, y_, m_, boundary)
    is_exact = p < threshold
    p[is_exact] = exact_p(x_[is_exact], n_[is_exact], y_[is_exact], m_[is_exact], boundary, beta)
    return ScreenedP(p, is_exact)


def _testable(
    x: Counts, n: Counts, y: Counts, m: Counts, boundary: Boundary
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, BoolArray]:
    x_, n_ = checked_counts(x, n)
    y_, m_ = checked_counts(y, m)
    x_, n_, y_, m_ = np.broadcast_arrays(x_, n_, y_, m_)
    rest_rate = y_ / np.where(m_ > 0, m_, 1.0)
    return x_, n_, y_, m_, (n_ > 0) & (m_ > 0) & (boundary.edge(rest_rate) > 0.0)
