"""The smallest disparity that the cases at hand can decide: the gap that fails, and the margin at which a group passes.

Up to 2,000 cases of a group or of its rest the answers come from the exact test's own critical counts. Beyond that they
come from its large-sample power, which is then within a point or two. A group more than 20 times as large as its rest
is treated as 20 times as large: its own rate is as good as known, and fewer cases never decide more than many.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from audit.stats.margins.score_test import FAIL_BETA, PASS_BETA
from audit.stats.rates.boundaries import Boundary, Scale, counted_rate, margin_boundary
from audit.stats.sizes.approximate_power import rejection_power, smallest_decidable_gap
from audit.stats.sizes.enumerated_power import critical_counts, enumerated_power, farthest_rate

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
