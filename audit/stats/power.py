"""Power of the margin test, approximate and enumerated: what given cases decide, and how many a decision needs.

Large-sample power of the margin test, and the cases that a group needs before a verdict about it can be expected.

The power is that of the score test, with its variance at the likeliest pair of rates on the edge (Farrington & Manning
1990). Counts are always cases in the metric's denominator: for a true positive rate, cases with a positive label.

Counts up to which the exact test rejects, for a group of a given size: where the verdict changes.

A funnel plot drawn from normal approximations disagrees with exact verdicts for just those small groups that it is
meant for. These limits come from the test itself.

Power of the exact test from its own critical counts: no normal approximation of the group's count.

The large-sample power of `audit.stats.power` is off by several points where few cases are expected
and by more at the small levels of a large family. Here the critical counts come from the test itself, and the group's
count is a binomial. Only between counts of a large rest is it interpolated.

The smallest disparity that the cases at hand can decide: the gap that fails, and the margin at which a group passes.

Up to 2,000 cases of a group or of its rest the answers come from the exact test's own critical counts. Beyond that they
come from its large-sample power, which is then within a point or two. A group more than 20 times as large as its rest
is treated as 20 times as large: its own rate is as good as known, and fewer cases never decide more than many.

Number of cases from which on a group is decided with a given power, by the exact test itself.

`audit.stats.power` gives a first answer from the large-sample power. The exact test is then computed
around it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from audit.stats.arrays import BoolArray, FloatArray, IntArray, once_for_equals
from audit.stats.binomial import Counts, binomial_cdf, checked_counts, checked_fraction, largest_count
from audit.stats.bisection import bisected
from audit.stats.boundaries import Boundary, Scale, counted_rate, margin_boundary
from audit.stats.score_test import FAIL_BETA, PASS_BETA, asymptotic_p, exact_p, exact_rejects, restricted_rates

_MOST_CASES = 2.0**40
_SELDOM_MORE = 2.0**17
_CASE_BISECTIONS = 60
_SAWTOOTH_BELOW = 100_000.0
_SAWTOOTH_STEPS = 400


def rejection_power(
    rate_group: npt.ArrayLike,
    n: Counts,
    rate_rest: npt.ArrayLike,
    m: Counts,
    boundary: Boundary,
    level: npt.ArrayLike,
) -> FloatArray:
    """Probability that the one-sided margin test rejects, in the large-sample approximation.

    Parameters
    ----------
    rate_group, rate_rest : array_like
        True rates of the metric, in its own direction (not counted rates).
    n, m : array_like
        Cases of the group and of its rest, positive.
    boundary : Boundary
        Edge of the hypothesis.
    level : array_like
        Level of the test.

    Returns
    -------
    ndarray of float64
        ``Phi((D - z_level sd_0) / sd_1)``: D the distance below the edge, sd_0 at the restricted rates and sd_1 at
        the true ones. 0 where the rest's rate leaves nothing below the edge; nan where n or m is not positive.
    """
    group, rest = counted_rate(rate_group, boundary), counted_rate(rate_rest, boundary)
    n_, m_ = np.asarray(n, dtype=np.float64), np.asarray(m, dtype=np.float64)
    slope = boundary.slope
    edge = boundary.offset + slope * rest
    null_rest, null_group = restricted_rates(group * n_, n_, rest * m_, m_, boundary)
    with np.errstate(divide="ignore", invalid="ignore"):
        null_sd = np.sqrt(null_group * (1.0 - null_group) / n_ + slope * slope * null_rest * (1.0 - null_rest) / m_)
        true_sd = np.sqrt(group * (1.0 - group) / n_ + slope * slope * rest * (1.0 - rest) / m_)
        reserve = edge - group + ndtri(np.asarray(level, dtype=np.float64)) * null_sd
        power = np.where(true_sd > 0.0, ndtr(reserve / true_sd), np.where(reserve > 0.0, 1.0, 0.0))
    return np.where((n_ > 0) & (m_ > 0), np.where(edge > 0.0, power, 0.0), np.nan)


def cases_to_decide(
    rate_group: npt.ArrayLike,
    rate_rest: npt.ArrayLike,
    rest_cases: Counts,
    boundary: Boundary,
    level: npt.ArrayLike = 0.05,
    power: npt.ArrayLike = 0.8,
) -> FloatArray:
    """Smallest number of a group's own cases at which the margin test rejects with at least the given probability.

    Parameters
    ----------
    rate_group, rate_rest : array_like, shape (G,)
        True (or observed, for "cases still needed") rates of the metric.
    rest_cases : array_like, shape (G,)
        Cases of the rest, which stay as they are.
    boundary : Boundary
        Edge of the hypothesis to be rejected.
    level : array_like
        Level of the test: the family's local level for FAIL, .05 for PASS.
    power : array_like
        Probability wanted.

    Returns
    -------
    ndarray of float64, shape (G,)
        Whole numbers; inf where no number is enough (the group is not below the edge, or the rest is too small).

    Raises
    ------
    ValueError
        If a power is not in (0, 1).

    Notes
    -----
    Bisection finds the smallest n at which `rejection_power` is large enough. It is then raised, in steps of 1 or 1 %,
    until a binomial test that knew the rest's rate would have the power too, because that test bounds the exact test
    and falls far short of the approximation when few cases are expected. Enumerated power of the exact test at the
    answer to "80 %": .75 to .88 (tests/stats/test_approximate_power.py).
    """
    for wanted in set(np.ravel(power).tolist()):
        checked_fraction(wanted, "power")
    arrays = np.broadcast_arrays(
        *(np.asarray(values, dtype=np.float64) for values in (rate_group, rate_rest, rest_cases, level, power))
    )
    cases = _cases_to_decide(tuple(array.tobytes() for array in arrays), boundary)
    return cases.reshape(arrays[0].shape).copy()


@lru_cache(maxsize=256)  # one look at a set asks three times about most of its groups
def _cases_to_decide(arrays: tuple[bytes, ...], boundary: Boundary) -> FloatArray:
    return once_for_equals(partial(_fewest, boundary), *map(np.frombuffer, arrays))


def _fewest(
    boundary: Boundary, group: FloatArray, rest: FloatArray, m: FloatArray, alpha: FloatArray, power: FloatArray
) -> FloatArray:
    def enough(n: FloatArray, some: BoolArray) -> BoolArray:
        return rejection_power(group[some], n, rest[some], m[some], boundary, alpha[some]) >= power[some]

    every = np.ones(group.shape, dtype=np.bool_)
    possible, few = (enough(np.full(group.shape, most), every) for most in (_MOST_CASES, _SELDOM_MORE))
    low, high = np.zeros(group.shape), np.where(possible, np.where(few, _SELDOM_MORE, _MOST_CASES), 1.0)
    while (open_ := high - low > 1.0).any():
        middle = np.floor((low[open_] + high[open_]) / 2.0)
        reached = enough(middle, open_)
        low[open_], high[open_] = np.where(reached, low[open_], middle), np.where(reached, middle, high[open_])
    high[~possible] = _MOST_CASES
    return np.where(possible, _past_the_sawtooth(high, group, rest, boundary, alpha, power), np.inf)


def _past_the_sawtooth(
    n: FloatArray,
    group_rate: FloatArray,
    rest_rate: FloatArray,
    boundary: Boundary,
    level: FloatArray,
    power: FloatArray,
) -> FloatArray:
    group = counted_rate(group_rate, boundary)
    edge = boundary.offset + boundary.slope * counted_rate(rest_rate, boundary)
    n = n.copy()
    short = np.flatnonzero((n < _SAWTOOTH_BELOW) & (edge > 0.0) & (edge <= 1.0))
    for _ in range(_SAWTOOTH_STEPS):
        top = largest_count(level[short], n[short], edge[short])
        short = short[(binomial_cdf(top, n[short], group[short]) < power[short]) & (n[short] < _SAWTOOTH_BELOW)]
        if not short.size:
            break
        n[short] += np.maximum(1.0, np.floor(n[short] / 100.0))
    return n


def cases_to_pass(
    rate: npt.ArrayLike,
    rest_cases: Counts,
    boundary: Boundary,
    alpha: npt.ArrayLike = 0.05,
    power: npt.ArrayLike = 0.8,
) -> FloatArray:
    """Smallest number of own cases at which a group whose rate equals the rest's passes with the given probability.

    Parameters
    ----------
    rate : array_like, shape (G,)
        Common true rate of the metric.
    rest_cases : array_like, shape (G,)
        Cases of the rest.
    boundary : Boundary
        A boundary of side "pass".
    alpha : array_like
        Level of the PASS test.
    power : array_like
        Probability of a PASS wanted.

    Returns
    -------
    ndarray of float64, shape (G,)
        Whole numbers; inf where the rest is too small for any number to be enough, or the margin is zero.

    Raises
    ------
    ValueError
        If a power is not in (0, 1).
    """
    return cases_to_decide(rate, rate, rest_cases, boundary, alpha, power)


def smallest_decidable_gap(
    n: Counts,
    m: Counts,
    rate_rest: npt.ArrayLike,
    boundary: Boundary,
    level: npt.ArrayLike = 0.05,
    power: float = 0.8,
) -> FloatArray:
    """Smallest true gap to the rest that a boundary of side "fail" declares with the given probability.

    Parameters
    ----------
    n, m : array_like, shape (G,)
        Cases of the group and of its rest.
    rate_rest : array_like, shape (G,)
        True rate of the metric in the rest.
    boundary : Boundary
        A boundary of side "fail".
    level : array_like
        Level of the test.
    power : float
        Probability wanted.

    Returns
    -------
    ndarray of float64, shape (G,)
        ``|rate of the group - rate of the rest|``, at least the margin; inf where even the worst possible group would
        be missed; nan where n or m is 0.

    Raises
    ------
    ValueError
        If the power is not in (0, 1).
    """
    checked_fraction(power, "power")
    n_, m_, rest, alpha = np.broadcast_arrays(
        *(np.asarray(values, dtype=np.float64) for values in (n, m, rate_rest, level))
    )
    counted_rest = counted_rate(rest, boundary)

    def found(group: FloatArray) -> BoolArray:
        return rejection_power(counted_rate(group, boundary), n_, rest, m_, boundary, alpha) >= power

    low, high = np.zeros(rest.shape), boundary.edge(counted_rest)
    possible = found(low)
    for _ in range(_CASE_BISECTIONS):
        middle = (low + high) / 2.0
        reached = found(middle)
        low, high = np.where(reached, middle, low), np.where(reached, high, middle)
    gap = np.where(possible, np.abs(counted_rest - low), np.inf)
    return np.where((n_ > 0) & (m_ > 0), gap, np.nan)


def largest_rejected(
    n: Counts, y: Counts, m: Counts, boundary: Boundary, level: Counts, beta: float = FAIL_BETA
) -> IntArray:
    """Largest count of a group at which `audit.stats.score_test.exact_p` is at most its level.

    Parameters
    ----------
    n : array_like of integers, shape (G,)
        Sizes of the groups.
    y, m : array_like of integers, shape (G,)
        Counted outcomes and totals of the rest of each.
    boundary, beta
        As in `exact_p`.
    level : array_like, shape (G,)
        Level that the p-value of each group must reach.

    Returns
    -------
    ndarray of int64, shape (G,)
        A count ``x`` is rejected exactly when it is at most the answer; -1 where no count is rejected.

    Raises
    ------
    ValueError
        As in `exact_p`.

    Notes
    -----
    The p-value increases in the count. The search starts at the critical count of the asymptotic score test and strides
    away from it until the answer is enclosed: two or three exact tests of each group as a rule.
    """
    y_, m_ = checked_counts(y, m)
    n_, y_, m_, level_ = np.broadcast_arrays(
        np.asarray(n, dtype=np.float64), y_, m_, np.asarray(level, dtype=np.float64)
    )

    def rejects(x: FloatArray, some: BoolArray) -> BoolArray:
        return exact_rejects(x[some], n_[some], y_[some], m_[some], boundary, level_[some], beta)

    start = asymptotic_limit(n_, y_, m_, boundary, level_)
    # `low` is known to be rejected (-1: trivially so), `high` known not to be (n + 1: no such count).
    low, high = np.full(n_.shape, -1.0), n_ + 1.0
    probe, stride = np.clip(start, 0.0, n_), np.ones(n_.shape)
    while (open_ := high - low > 1.0).any():
        rejected = np.zeros(n_.shape, dtype=np.bool_)
        rejected[open_] = rejects(probe, open_)
        low = np.where(open_ & rejected, probe, low)
        high = np.where(open_ & ~rejected, probe, high)
        strides_on = np.where(rejected, high > n_, low < 0.0)
        middle = np.floor((low + high) / 2.0)
        away = np.where(rejected, np.minimum(low + stride, n_), np.maximum(high - stride, 0.0))
        probe = np.where(strides_on, away, middle)
        stride = stride * 2.0
    return np.asarray(low, dtype=np.int64)


def asymptotic_limit(n: FloatArray, y: FloatArray, m: FloatArray, boundary: Boundary, level: FloatArray) -> FloatArray:
    """Largest count with an asymptotic p-value up to the level; -1 where there is none."""
    low, high = np.full(n.shape, -1.0), n.copy()
    for _ in range(int(np.ceil(np.log2(np.max(n, initial=0.0) + 2.0))) + 1):
        middle = np.ceil((low + high) / 2.0)
        up = asymptotic_p(np.maximum(middle, 0.0), n, y, m, boundary) <= level
        low, high = np.where(up, np.maximum(middle, low), low), np.where(up, high, np.maximum(middle - 1.0, low))
    return low


_FEW_COUNTS = 9.0
"""Variance of the rest's count below which the test is computed at each count."""
_MOST_COUNTS, _FARTHEST, _NODES_TO = 400, 4.5, 2.6
_LISTED, _LEAST = 1e-7, 1e-300
_MOST_SECANTS = 6
_GAP_BISECTIONS = 40


class CriticalCounts(NamedTuple):
    """Largest count at which the test rejects a group of n cases, for each count of the rest."""

    n: int
    tops: FloatArray
    """float64[K]: largest count rejected; -1 where no count is rejected."""
    weights: FloatArray
    """float64[K]: probability of each of these counts of the rest; they add up to 1."""


def critical_counts(
    n: int, m: int, rest_rate: float, boundary: Boundary, level: float, beta: float = FAIL_BETA
) -> CriticalCounts:
    """Counts at which `audit.stats.score_test.exact_p` reaches a level, for likely counts of the rest.

    Parameters
    ----------
    n, m : int
        Cases of the group and of its rest, positive.
    rest_rate : float
        True rate of the metric in the rest.
    boundary, level, beta
        As in `audit.stats.power.largest_rejected`.

    Returns
    -------
    CriticalCounts

    Notes
    -----
    If the variance of the rest's count is below 9, the test is computed at each count. Otherwise it is computed at 5 of
    them, or at 9 where the rest is less than 20 times as large as the group. Each time the question is where, between
    two counts of the group,
    the p-value crosses the level (on the logarithm). The distance of that place from the edge is nearly linear in the
    rest's
    count, and every other critical count follows. Compared with all counts one by one, the power was off by at most 1.6
    points, and by less than half a point as a rule (tests/stats/test_enumerated_power.py).
    """
    rate = float(counted_rate(rest_rate, boundary))
    variance = m * rate * (1.0 - rate)
    if variance < _FEW_COUNTS:
        every = np.arange(min(m, int(m * rate + 40.0)) + 1, dtype=np.float64)
        borders = np.concatenate([[-1.0], every])
    else:
        reach = _FARTHEST * np.sqrt(variance)
        first, last = max(0.0, np.floor(m * rate - reach)), min(float(m), np.ceil(m * rate + reach))
        every = np.unique(np.round(np.linspace(first, last, int(min(_MOST_COUNTS, last - first + 1.0)))))
        borders = np.concatenate([[-1.0], np.floor((every[1:] + every[:-1]) / 2.0), [float(m)]])
    chance = np.diff(binomial_cdf(borders, m, rate))
    likely = chance > _LISTED
    every, weights = every[likely], chance[likely] / chance[likely].sum()
    if variance < _FEW_COUNTS:
        tops = largest_rejected(np.full(every.shape, n), every, np.full(every.shape, m), boundary, level, beta)
        return CriticalCounts(n, tops.astype(np.float64), weights)
    nodes = np.linspace(-_NODES_TO, _NODES_TO, 5 if m >= 20 * n else 9)
    centre, spread = m * rate, np.sqrt(variance)
    rest_counts = np.unique(np.clip(np.round(centre + nodes * spread), 0.0, m))
    from_edge = _crossings(n, rest_counts, m, boundary, level, beta) - _edge_counts(n, rest_counts, m, boundary)
    crossing = np.interp(every, rest_counts, from_edge) + _edge_counts(n, every, m, boundary)
    return CriticalCounts(n, np.clip(np.floor(crossing), -1.0, n), weights)


def _edge_counts(n: int, rest: FloatArray, m: int, boundary: Boundary) -> FloatArray:
    """Counts of the group on the unclipped edge."""
    return np.asarray(n * (boundary.offset + boundary.slope * rest / m))


def _crossings(n: int, rest: FloatArray, m: int, boundary: Boundary, level: float, beta: float) -> FloatArray:
    """Place between two counts of the group where the p-value crosses the level; below 0 where no count reaches it."""
    sizes, rests, limit = (np.full(rest.shape, float(value)) for value in (n, m, level))
    top = np.clip(asymptotic_limit(sizes, rest, rests, boundary, limit), 0.0, n - 1.0)
    crossing = np.zeros(rest.shape)
    # `low` is known to be rejected (-1: trivially so), `high` known not to be (n + 1: no such count)
    low, high = np.full(rest.shape, -1.0), np.full(rest.shape, n + 1.0)
    some, wanted = np.arange(rest.size), np.log(level - beta)
    for look in range(_MOST_SECANTS + n.bit_length() + 2):
        at = top[some]
        x = np.concatenate([at, at + 1.0])
        p = exact_p(x, np.tile(sizes[some], 2), np.tile(rest[some], 2), np.tile(rests[some], 2), boundary, beta)
        reached, missed = np.log(np.maximum(p - beta, _LEAST)).reshape(2, some.size)
        crossing[some] = at + (wanted - reached) / np.maximum(missed - reached, 1e-9)
        low[some] = np.where(missed <= wanted, at + 1.0, np.where(reached <= wanted, at, low[some]))
        high[some] = np.where(reached > wanted, at, np.where(missed > wanted, at + 1.0, high[some]))
        # where neighbouring counts have one p-value, the line through them leads astray
        ahead = np.floor(crossing[some])
        useful = (ahead >= low[some]) & (ahead < high[some]) & (look < _MOST_SECANTS)
        ahead = np.where(useful, ahead, np.floor((low[some] + high[some]) / 2.0))
        top[some] = np.clip(ahead, 0.0, n - 1.0)
        some = some[top[some] != at]
        if not some.size:
            break
    return crossing


def enumerated_power(critical: CriticalCounts, counted: Counts) -> FloatArray:
    """Probability that the group is rejected at each counted rate (`audit.stats.boundaries.counted_rate`)."""
    rates = np.asarray(counted, dtype=np.float64)
    chances = binomial_cdf(critical.tops, critical.n, rates[..., np.newaxis])
    return np.asarray((chances * critical.weights).sum(axis=-1))


def farthest_rate(critical: CriticalCounts, power: float) -> float | None:
    """Largest counted rate at which the group is rejected with at least the given probability.

    None where even a counted rate of 0 is rejected less often.

    Raises
    ------
    ValueError
        If the power is not in (0, 1).
    """
    checked_fraction(power, "power")
    if float(enumerated_power(critical, 0.0)) < power:
        return None
    return bisected(lambda rate: float(enumerated_power(critical, rate)) < power, 0.0, 1.0, _GAP_BISECTIONS)[0]


EXACT_UP_TO = 2_000
"""Number of cases of a group, or of its rest, up to which the exact test itself is used."""
LARGEST_SHARE = 20
"""Cases of a group, for each of its rest, beyond which its rate is as good as known."""
_NEAREST = 1e-4
"""Smallest margin that is tried, as a share of the widest."""
_EXPECTED_TO, _COUNTED_TO = 0.002, 0.01
"""Precision of a margin where power is computed, and where it is counted."""
_STRIDE = 1.05


@dataclass(frozen=True, slots=True)
class Limit:
    """One side of a rule, with the rate that planning supposes for everyone else."""

    low_is_worse: bool
    scale: Scale
    limit: float
    rate: float

    def disparity(self, group_rate: float) -> float:
        """Distance of a group's rate from the rest's on the rule's scale: a difference, or a ratio up to 1."""
        if self.scale == "difference":
            return abs(self.rate - group_rate)
        low, high = sorted((self.rate, group_rate))
        return low / high if high > 0.0 else 1.0

    @property
    def can_be_exceeded(self) -> bool:
        """Whether any rate lies beyond the limit."""
        boundary = margin_boundary("fail", self.low_is_worse, self.scale, self.limit)
        return float(boundary.edge(counted_rate(self.rate, boundary))) > 0.0


@lru_cache(maxsize=4096)
def failing_rate(limit: Limit, n: int, m: int, level: float, power: float) -> float | None:
    """Rate nearest to the rest's at which a group of n cases is found beyond the limit with the given power.

    Parameters
    ----------
    limit : Limit
        Side of the rule.
    n, m : int
        Cases of the group and of its rest, positive; effective ones where rows have weights or clusters.
    level : float
        Level for the group's p-value.
    power : float
        Probability wanted.

    Returns
    -------
    float or None
        A rate of the metric; None where even the worst rate possible would be found less often.
    """
    boundary = margin_boundary("fail", limit.low_is_worse, limit.scale, limit.limit)
    if level <= FAIL_BETA or not limit.can_be_exceeded:
        return None
    n = min(n, LARGEST_SHARE * m)
    if min(n, m) <= EXACT_UP_TO:
        counted = farthest_rate(critical_counts(n, m, limit.rate, boundary, level, FAIL_BETA), power)
        return None if counted is None else float(counted_rate(counted, boundary))
    gap = float(smallest_decidable_gap(n, m, limit.rate, boundary, level, power))
    if not np.isfinite(gap):
        return None
    return limit.rate - gap if limit.low_is_worse else limit.rate + gap


@lru_cache(maxsize=4096)
def passing_edge(limit: Limit, n: int, m: int, alpha: float, power: float) -> float | None:
    """Edge of a margin at which an equal group passes: the one nearest to the rest's rate.

    Parameters
    ----------
    limit : Limit
        Side of the rule; its own limit is not used.
    n, m : int
        As in `failing_rate`.
    alpha : float
        Level of the PASS test.
    power : float
        Wanted probability of a PASS for a group whose rate is the rest's.

    Returns
    -------
    float or None
        The group's rate on the edge; `Limit.disparity` of it is the margin. None where no margin is wide enough.

    Notes
    -----
    The edge is found to a hundredth of the margin, on the wider side. With few cases the power is a step function of
    the margin.
    """
    n = min(n, LARGEST_SHARE * m)
    sign = -1.0 if limit.low_is_worse else 1.0
    widest = (limit.rate if limit.low_is_worse else 1.0 - limit.rate) * (1.0 - _NEAREST)
    least = widest * _NEAREST

    def boundary(width: float) -> Boundary:
        return margin_boundary("pass", limit.low_is_worse, limit.scale, limit.disparity(limit.rate + sign * width))

    def expected(width: float) -> bool:
        return float(rejection_power(limit.rate, n, limit.rate, m, boundary(width), alpha)) >= power

    def counted(width: float) -> bool:
        critical = critical_counts(n, m, limit.rate, boundary(width), alpha, PASS_BETA)
        return float(enumerated_power(critical, counted_rate(limit.rate, boundary(width)))) >= power

    start = _bisected(expected, least, widest, _EXPECTED_TO)
    if min(n, m) > EXACT_UP_TO:
        return limit.rate + sign * start if expected(start) else None
    around = _around(counted, start, least, widest)
    return None if around is None else limit.rate + sign * _bisected(counted, *around, _COUNTED_TO)


def _around(enough: Callable[[float], bool], start: float, least: float, widest: float) -> tuple[float, float] | None:
    """Two widths near `start`: the first is not enough, the second is; None where none is enough."""
    low = high = start
    stride = _STRIDE
    if enough(start):
        while low > least:
            low = max(low / stride, least)
            if not enough(low):
                return low, high
            high, stride = low, stride * stride
        return least, high
    while high < widest:
        low, high = high, min(high * stride, widest)
        if enough(high):
            return low, high
        stride *= stride
    return None


def _bisected(enough: Callable[[float], bool], low: float, high: float, share: float) -> float:
    """Smallest width that is enough, to within a share of it and on the wider side; `high` is taken to be enough."""
    while high - low > share * high:
        middle = (low + high) / 2.0
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


MOST_CASES = 2**24
"""Largest number that is tried."""
_BELOW, _ABOVE = 0.7, 1.25
_LOOKS = 60


class Design(NamedTuple):
    """Design of one question about a group of n cases: how often does the test separate a true rate from an edge?"""

    rate_group: float
    rate_rest: float
    boundary: Boundary
    beta: float
    rest: Callable[[int], int]
    """Cases of the rest, for a group of n."""
    level: Callable[[int], float]
    """Level of the test, for a group of n."""


class RequiredCases(NamedTuple):
    """An answer of `required_cases`."""

    cases: int
    power: float
    """Enumerated power at that number."""
    level: float
    """Level of the test at that number."""


def required_cases(design: Design, power: float) -> RequiredCases | None:
    """Number of cases from which on the exact test rejects with at least the given probability.

    Parameters
    ----------
    design : Design
        Rates, edge, rest and level.
    power : float
        Probability wanted.

    Returns
    -------
    RequiredCases or None
        None where no number up to 20 times the rest is enough.

    Raises
    ------
    ValueError
        If the power is not in (0, 1).

    Notes
    -----
    Power rises with the number of cases like the teeth of a saw. The answer lies after the last tooth that falls
    short: of all numbers from .7 to 1.25 times the large-sample one, or of 60 of them where they are more. A group
    is tried up to 20 times its rest, as everywhere in planning: beyond that the rest is what is missing.
    """
    checked_fraction(power, "power")
    start = _large_sample(design, power)
    if start is None:
        return None
    most = min(MOST_CASES, LARGEST_SHARE * design.rest(MOST_CASES))
    first, last = max(1, math.floor(_BELOW * start)), math.ceil(_ABOVE * start) + 5
    while first <= most:
        last = min(last, most)
        stride = max(1, (last - first) // _LOOKS)
        required = None
        for n in range(last, first - 1, -stride):
            reached = exact_power(design, n)
            if reached < power:
                break
            required = RequiredCases(n, reached, design.level(n))
        if required is not None:
            return required
        first, last = last + 1, 2 * last
    return None


def exact_power(design: Design, n: int) -> float:
    """Probability that the exact test rejects with n cases; 0 where beta would use up the whole level."""
    level, rest = design.level(n), design.rest(n)
    if level <= design.beta:
        return 0.0
    critical = critical_counts(n, rest, design.rate_rest, design.boundary, level, design.beta)
    return float(enumerated_power(critical, counted_rate(design.rate_group, design.boundary)))


def _large_sample(design: Design, power: float) -> int | None:
    """Smallest number that is enough by the large-sample power, found by bisection."""

    def enough(n: int) -> bool:
        level, rest = design.level(n), design.rest(n)
        reached = rejection_power(design.rate_group, n, design.rate_rest, rest, design.boundary, level)
        return float(reached) >= power

    if not enough(MOST_CASES):
        return None
    low, high = 0, MOST_CASES
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
