"""The smallest disparity that clusters can decide: the one that cases decide, widened until no bad cluster can hide.

Cases may be many and clusters few: then a group is not told from one whose bad clusters were not drawn, however sure
its own rate is (`audit.stats.unseen_clusters`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy.special import ndtri

from audit.stats.boundaries import Boundary, counted_rate, margin_boundary
from audit.stats.decidable_disparity import Limit
from audit.stats.unseen_clusters import Bundles, chance_unseen, noise_of_rows

__all__ = ["Hidden"]

_STEPS = 40


@dataclass(frozen=True, slots=True)
class Hidden:
    """What could be hidden from a test of one group."""

    group: Bundles
    """Of one group."""
    rest: Bundles
    spread: float
    """The variance of the group's rate over ``p (1 - p)``."""
    joint: bool = False
    """Whether a cluster can have rows in the group and in its rest."""
    rows: tuple[float, float] = (0.0, 0.0)
    """The variances of the rates of group and rest over ``p (1 - p)``, were rows alike to nobody."""

    def failing_rate(self, limit: Limit, rate: float, level: float, power: float) -> float | None:
        """The rate nearest to `rate`, and no nearer to the rest's, at which the group is named with that power."""
        boundary = margin_boundary("fail", limit.low_is_worse, limit.scale, limit.limit)
        rest = float(counted_rate(limit.rate, boundary))

        def enough(metric_rate: float) -> bool:
            own = float(counted_rate(metric_rate, boundary))
            seen = self._highest(own, power)
            return self._chance(seen, rest, boundary) <= level

        return _first(enough, rate, 0.0 if limit.low_is_worse else 1.0)

    def passing_edge(self, limit: Limit, edge: float, alpha: float, power: float) -> float | None:
        """The edge nearest to `edge`, and no nearer to the rest's rate, at which an equal group passes."""

        def enough(of_edge: float) -> bool:
            boundary = margin_boundary("pass", limit.low_is_worse, limit.scale, limit.disparity(of_edge))
            rest = float(counted_rate(limit.rate, boundary))
            seen = self._highest(rest, power)
            return self._chance(seen, rest, boundary) <= alpha

        return _first(enough, edge, 1e-4 if limit.low_is_worse else 1.0 - 1e-4)

    def _chance(self, seen: float, rest: float, boundary: Boundary) -> float:
        noise = noise_of_rows(rest, self.rows, boundary)
        found = chance_unseen(self.group, [seen], self.rest, [rest], boundary, joint=self.joint, noise=noise)
        return float(found[0])

    def _highest(self, rate: float, power: float) -> float:
        """A counted rate that a group of that rate rarely comes out above.

        Half of the risk is left for the correlation, which can be found to be larger than expected.
        """
        return min(rate + float(ndtri((1.0 + power) / 2.0)) * math.sqrt(rate * (1.0 - rate) * self.spread), 1.0)


def _first(enough: Callable[[float], bool], start: float, end: float) -> float | None:
    """The value nearest to `start` on the way to `end` that is enough; None where not even the end is."""
    if enough(start):
        return start
    if not enough(end):
        return None
    for _ in range(_STEPS):
        middle = (start + end) / 2.0
        start, end = (start, middle) if enough(middle) else (middle, end)
    return end
