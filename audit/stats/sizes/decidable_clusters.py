"""The smallest disparity that clusters can decide: the one that cases decide, widened until no bad cluster can hide.

Cases may be many and clusters few: then a group is not told from one whose bad clusters were not drawn, however sure
its own rate is (`audit.stats.clusters.unseen_clusters`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy.special import ndtri

from audit.stats.clusters.unseen_clusters import Bundles, chance_unseen, noise_of_rows
from audit.stats.rates.boundaries import Boundary, counted_rate, margin_boundary
from audit.stats.sizes.decidable_disparity import Limit

__all__ = ["Hidden"]

_STEPS = 40
_HALVED = 4
"""Halvings before the secant: from far away it would take many small steps."""
_SECANTS = 10
_NEAR = 1e-13
"""Between values that are so near, halvings are left to find the last."""
_TINY = 1e-300


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

        def excess(metric_rate: float) -> float:
            own = float(counted_rate(metric_rate, boundary))
            seen = self._highest(own, power)
            return _over(self._chance(seen, rest, boundary), level)

        return _first(excess, rate, 0.0 if limit.low_is_worse else 1.0)

    def passing_edge(self, limit: Limit, edge: float, alpha: float, power: float) -> float | None:
        """The edge nearest to `edge`, and no nearer to the rest's rate, at which an equal group passes."""

        def excess(of_edge: float) -> float:
            boundary = margin_boundary("pass", limit.low_is_worse, limit.scale, limit.disparity(of_edge))
            rest = float(counted_rate(limit.rate, boundary))
            seen = self._highest(rest, power)
            return _over(self._chance(seen, rest, boundary), alpha)

        return _first(excess, edge, 1e-4 if limit.low_is_worse else 1.0 - 1e-4)

    def _chance(self, seen: float, rest: float, boundary: Boundary) -> float:
        noise = noise_of_rows(rest, self.rows, boundary)
        found = chance_unseen(self.group, [seen], self.rest, [rest], boundary, joint=self.joint, noise=noise)
        return float(found[0])

    def _highest(self, rate: float, power: float) -> float:
        """A counted rate that a group of that rate rarely comes out above.

        Half of the risk is left for the correlation, which can be found to be larger than expected.
        """
        return min(rate + float(ndtri((1.0 + power) / 2.0)) * math.sqrt(rate * (1.0 - rate) * self.spread), 1.0)


def _over(chance: float, level: float) -> float:
    """The logarithm of how many times the level a chance is; at most 0 exactly where the chance is at most the level.

    A logarithm can round to 0 what is above, so the sign is taken from the chance itself.
    """
    found = math.log(max(chance, _TINY) / level)
    return min(found, 0.0) if chance <= level else max(found, _TINY)


def _first(excess: Callable[[float], float], start: float, end: float) -> float | None:
    """The value nearest to `start` on the way to `end` whose excess is not above 0; None where not even the end's is.

    It is the end of 40 halvings. After the first of them the place is found by the secant, and only those middles are
    asked about that lie between the nearest values known: less than half as many questions, and the same answer.
    """
    over, under = excess(start), excess(end)
    if over <= 0.0:
        return start
    if under > 0.0:
        return None
    near, far, ahead = start, end, math.copysign(1.0, end - start)
    for step in range(_STEPS):
        if step == _HALVED:
            near, far = _closer(excess, (near, over), (far, under))
        middle = (start + end) / 2.0
        if (middle - near) * ahead <= 0.0:
            start = middle
        elif (far - middle) * ahead <= 0.0:
            end = middle
        else:
            found = excess(middle)
            if found <= 0.0:
                end, far, under = middle, middle, found
            else:
                start, near, over = middle, middle, found
    return end


def _closer(
    excess: Callable[[float], float], above: tuple[float, float], below: tuple[float, float]
) -> tuple[float, float]:
    """Two values about the place where the excess falls to 0, each given with its own: by the rule of Illinois."""
    (near, over), (far, under) = above, below
    moved = 0
    for _ in range(_SECANTS):
        if abs(far - near) <= _NEAR:
            break
        value = (near * under - far * over) / (under - over)
        if not min(near, far) < value < max(near, far):
            break
        found = excess(value)
        if found > 0.0:
            near, over, under, moved = value, found, under / (2.0 if moved > 0 else 1.0), 1
        else:
            far, under, over, moved = value, found, over / (2.0 if moved < 0 else 1.0), -1
    return near, far
