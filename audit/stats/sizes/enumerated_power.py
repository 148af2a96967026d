"""Power of the exact test from its own critical counts: no normal approximation of the group's count.

The large-sample power of `audit.stats.sizes.approximate_power` is off by several points where few cases are expected
and by more at the small levels of a large family. Here the critical counts come from the test itself, and the group's
count is a binomial. Only between counts of a large rest is it interpolated.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from audit.stats.arrays import FloatArray
from audit.stats.groups.funnel import asymptotic_limit, largest_rejected
from audit.stats.margins.score_test import FAIL_BETA, exact_p
from audit.stats.rates.binomial import Counts, binomial_cdf, checked_fraction
from audit.stats.rates.bisection import bisected
from audit.stats.rates.boundaries import Boundary, counted_rate

_FEW_COUNTS = 9.0
"""Variance of the rest's count below which the test is computed at each count."""
_MOST_COUNTS, _FARTHEST, _NODES_TO = 400, 4.5, 2.6
_LISTED, _LEAST = 1e-7, 1e-300
_MOST_SECANTS = 6
_BISECTIONS = 40


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
    """Counts at which `audit.stats.margins.score_test.exact_p` reaches a level, for likely counts of the rest.

    Parameters
    ----------
    n, m : int
        Cases of the group and of its rest, positive.
    rest_rate : float
        True rate of the metric in the rest.
    boundary, level, beta
        As in `audit.stats.groups.funnel.largest_rejected`.

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
    asked = np.unique(np.clip(np.round(centre + nodes * spread), 0.0, m))
    from_edge = _crossings(n, asked, m, boundary, level, beta) - _edge_counts(n, asked, m, boundary)
    crossing = np.interp(every, asked, from_edge) + _edge_counts(n, every, m, boundary)
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
    """Probability that the group is rejected at each counted rate (`audit.stats.rates.boundaries.counted_rate`)."""
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
    return bisected(lambda rate: float(enumerated_power(critical, rate)) < power, 0.0, 1.0, _BISECTIONS)[0]
