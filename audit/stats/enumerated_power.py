"""How often the exact test rejects, from its own critical counts: no normal approximation of the group's count.

The large-sample power of `audit.stats.planning` is off by several points where few cases are expected and by more at
the small levels of a large family. Here the critical counts come from the test itself, and the group's count is a
binomial. Only the counts of a large rest are represented by a few.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.polynomial.hermite_e import hermegauss

from audit.stats.binomial import Counts, FloatArray, binomial_cdf, checked_fraction
from audit.stats.boundaries import Boundary, counted_rate
from audit.stats.funnel import largest_rejected
from audit.stats.score_test import FAIL_BETA

__all__ = ["CriticalCounts", "critical_counts", "enumerated_power", "farthest_rate"]

_FEW_COUNTS = 9.0
"""Below this variance the rest's counts are listed; above it they are represented by nodes."""
_LISTED = 1e-7
_BISECTIONS = 40


class CriticalCounts(NamedTuple):
    """Up to which count the test rejects a group of n cases, for each count of the rest that stands for others."""

    n: int
    tops: FloatArray
    """float64[K]: -1 where no count is rejected."""
    weights: FloatArray
    """float64[K]: how likely each of these counts of the rest is; they add up to 1."""


def critical_counts(
    n: int, m: int, rest_rate: float, boundary: Boundary, level: float, beta: float = FAIL_BETA
) -> CriticalCounts:
    """Where `audit.stats.score_test.exact_p` reaches a level, over what the rest may show.

    Parameters
    ----------
    n, m : int
        Cases of the group and of its rest, positive.
    rest_rate : float
        True rate of the metric in the rest.
    boundary, level, beta
        As in `audit.stats.funnel.largest_rejected`.

    Returns
    -------
    CriticalCounts

    Notes
    -----
    The rest's counts are listed while their variance is below 9. Otherwise 3 nodes of a Gauss-Hermite rule stand for
    them where the rest is 20 times as large as the group, 5 where it is larger than the group, and 9 elsewhere: the
    critical count is nearly linear in the rest's. Against all counts the power was off by at most 1.5 points
    (tests/stats/test_enumerated_power.py).
    """
    counts, weights = _rest_counts(n, m, float(counted_rate(rest_rate, boundary)))
    tops = largest_rejected(np.full(counts.shape, n), counts, np.full(counts.shape, m), boundary, level, beta)
    return CriticalCounts(n, tops.astype(np.float64), weights)


def _rest_counts(n: int, m: int, rate: float) -> tuple[FloatArray, FloatArray]:
    variance = m * rate * (1.0 - rate)
    if variance < _FEW_COUNTS:
        every = np.arange(min(m, int(m * rate + 40.0)) + 1, dtype=np.float64)
        chance = np.diff(binomial_cdf(np.concatenate([[-1.0], every]), m, rate))
        likely = chance > _LISTED
        return every[likely], chance[likely] / chance[likely].sum()
    nodes, weights = hermegauss(3 if m >= 20 * n else 5 if m >= n else 9)
    counts = np.clip(np.round(m * rate + nodes * np.sqrt(variance)), 0.0, m)
    return counts, np.asarray(weights / weights.sum(), dtype=np.float64)


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
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if float(enumerated_power(critical, middle)) >= power else (low, middle)
    return low
