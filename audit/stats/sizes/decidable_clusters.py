"""The smallest disparity that clusters can decide: the one that cases decide, widened until no bad cluster can hide.

Cases may be many and clusters few. Then a group cannot be distinguished from one whose bad clusters were not drawn,
however sure its own rate is (`audit.stats.clusters.unseen_clusters`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy.special import ndtri

from audit.stats.clusters.unseen_clusters import Bundles, chance_unseen, noise_of_rows
from audit.stats.rates.boundaries import Boundary, counted_rate, margin_boundary
from audit.stats.sizes.decidable_disparity import Limit

_STEPS = 40
_HALVED = 4
"""Number of halvings before the secant, which would need many small steps from far away."""
_SECANTS = 10
_NEAR = 1e-13
"""Distance below which halvings find the last value."""
_TINY = 1e-300


@dataclass(frozen=True, slots=True)
class Hidden:
    """The clusters in which bad treatment could be hidden from a test of one group."""

    group: Bundles
    """Clusters of the group, as `Bundles` of one group."""
    rest: Bundles
    spread: float
    """Variance of the group's rate over ``p (1 - p)``."""
    joint: bool = False
    """Whether a cluster can have rows in the group and in its rest."""
    rows: tuple[float, float] = (0.0, 0.0)
    """Variances of the rates of group and rest over ``p (1 - p)`` if rows were independent."""

    def failing_rate(self, limit: Limit, rate: float, level: float, power: float) -> float | None:
        """Rate at which the group is named with this power: from `rate` away from the rest's rate, the nearest."""
        boundary = margin_boundary("fail", limit.low_is_worse, limit.scale, limit.limit)
        rest = float(counted_rate(limit.rate, boundary))

        def excess(metric_rate: float) -> float:
            own = float(counted_rate(metric_rate, boundary))
            seen = self._highest(own, power)
            return _over(self._chance(seen, rest, boundary), level)

        return _first(excess, rate, 0.0 if limit.low_is_worse else 1.0)

    def passing_edge(self, limit: Limit, edge: float, alpha: float, power: float) -> float | None:
        """Edge at which an equal group passes: from `edge` away from the rest's rate, the nearest."""

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
        """Counted rate that a group with the true rate `rate` rarely exceeds.

        Half of the risk is left for the correlation, whose estimate can be larger than expected.
        """
        return min(rate + float(ndtri((1.0 + power) / 2.0)) * math.sqrt(rate * (1.0 - rate) * self.spread), 1.0)


def _over(chance: float, level: float) -> float:
    """Logarithm of the chance over the level; at most 0 exactly where the chance is at most the level.

    The sign is taken from the chance itself, because a logarithm of something larger than 1 can round to 0.
    """
    found = math.log(max(chance, _TINY) / level)
    return min(found, 0.0) if chance <= level else max(found, _TINY)


def _first(excess: Callable[[float], float], start: float, end: float) -> float | None:
    """Value nearest to `start` on the way to `end` whose excess is at most 0; None where the excess at `end` is not.

    The value is the end of 40 halvings. After the first of them a secant narrows the place, and the excess is computed
    only
    for middles between the nearest known values: less than half as many calls, and the same answer.
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
    """Two values on both sides of the zero of the excess, each given with its own excess: the Illinois method."""
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
