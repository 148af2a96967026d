"""What clusters can decide, and the shapes of clusters that a planned set will have.

The smallest disparity that clusters can decide: the one that cases decide, widened until no bad cluster can hide.

Cases may be many and clusters few. Then a group cannot be distinguished from one whose bad clusters were not drawn,
however sure its own rate is (`audit.stats.clusters`).

Shapes of the clusters that a planned set will have, from the sizes of the clusters of its pool.

A set is planned by its rows and their weights; chance decides which clusters are drawn. Where weights do not depend on
sizes, sums over the clusters of the set are those of the pool, thinned.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import astuple, dataclass

import numpy as np
from scipy.special import ndtri

from audit.stats.arrays import FloatArray
from audit.stats.boundaries import Boundary, counted_rate, margin_boundary
from audit.stats.clusters import Bundles, ClassSums, Evened, WeightedRate, chance_unseen, noise_of_rows
from audit.stats.power import Limit

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
            group_rate = float(counted_rate(metric_rate, boundary))
            seen = self._highest(group_rate, power)
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
        chance = chance_unseen(self.group, [seen], self.rest, [rest], boundary, joint=self.joint, noise=noise)
        return float(chance[0])

    def _highest(self, rate: float, power: float) -> float:
        """Counted rate that a group with the true rate `rate` rarely exceeds.

        Half of the risk is left for the correlation, whose estimate can be larger than expected.
        """
        return min(rate + float(ndtri((1.0 + power) / 2.0)) * math.sqrt(rate * (1.0 - rate) * self.spread), 1.0)


def _over(chance: float, level: float) -> float:
    """Logarithm of the chance over the level; at most 0 exactly where the chance is at most the level.

    The sign is taken from the chance itself, because a logarithm of something larger than 1 can round to 0.
    """
    excess = math.log(max(chance, _TINY) / level)
    return min(excess, 0.0) if chance <= level else max(excess, _TINY)


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
            middle_excess = excess(middle)
            if middle_excess <= 0.0:
                end, far, under = middle, middle, middle_excess
            else:
                start, near, over = middle, middle, middle_excess
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
        excess_there = excess(value)
        if excess_there > 0.0:
            near, over, under, moved = value, excess_there, under / (2.0 if moved > 0 else 1.0), 1
        else:
            far, under, over, moved = value, excess_there, over / (2.0 if moved < 0 else 1.0), -1
    return near, far


@dataclass(frozen=True, slots=True)
class UnitShapes:
    """Sums over the units of G groups of a pool, where a unit has r > 0 rows of the group; float64[G] each."""

    units: FloatArray
    """Number of units."""
    rows: FloatArray
    """``sum r``."""
    rows_2: FloatArray
    """``sum r^2``."""
    rows_3: FloatArray
    rows_4: FloatArray
    bundles: FloatArray
    """Number of units with two rows or more."""
    bundled: FloatArray
    """``sum r`` over units with two rows or more."""
    bundled_2: FloatArray
    """``sum r^2`` over units with two rows or more."""
    even_q: FloatArray
    """``sum (r - 1) / r^2``: this is ``h Q``, with ``B = r w``, ``Q = r w^2`` and ``h`` of `Evened`."""
    even_bb: FloatArray
    """``sum (r - 1) / r``: this is ``h B^2``."""
    even_q_q: FloatArray
    """``sum (r - 1)^2 / r^4``."""
    even_q_bb: FloatArray
    """``sum (r - 1)^2 / r^3``."""
    even_bb_bb: FloatArray
    """``sum (r - 1)^2 / r^2``."""

    @classmethod
    def of_rows(cls, rows: FloatArray) -> UnitShapes:
        """Build for groups in which every unit is a single row."""
        none = np.zeros(rows.shape)
        return cls(*[rows] * 5, *[none] * 8)

    @property
    def of_the_others(self) -> UnitShapes:
        """Sums over the units of all other groups; a unit counts in every group that it has rows of."""
        return UnitShapes(*(np.asarray(values.sum() - values, dtype=np.float64) for values in astuple(self)))

    def side(self, sums: FloatArray) -> WeightedRate:
        """Rates of the groups of a planned set; the rates themselves are free.

        Parameters
        ----------
        sums : ndarray of float64, shape (4, G)
            Rows drawn of each group, and the sums of the first, second and fourth powers of their weights.
        """
        cases, first, second, fourth = sums
        total = np.where(first > 0.0, first, 1.0)
        q, q_q = second / total**2, fourth / total**4
        nothing = np.zeros(cases.shape)
        return WeightedRate(
            rate=nothing,
            residual=nothing,
            clusters=cases * self._each(self.units),
            q=q,
            bb=q * self._each(self.rows_2),
            q_q=q_q * self._each(self.rows_2),
            q_bb=q_q * self._each(self.rows_3),
            bb_bb=q_q * self._each(self.rows_4),
        )

    def evened(self, sums: FloatArray) -> Evened:
        """Clusters of two rows and more, each weighted by its information; `sums` as in `side`."""
        cases, first, second, _ = sums
        nothing = np.zeros(cases.shape)
        even = (self.bundles, self.even_q, self.even_bb, self.even_q_q, self.even_q_bb, self.even_bb_bb)
        side = WeightedRate(nothing, nothing, *(cases * self._each(values) for values in even))
        weight, squares = first * self._each(self.bundled), second * self._each(self.bundled_2)
        by_class = ClassSums(None, *(class_sum[:, np.newaxis] for class_sum in (weight, squares)))
        return Evened(side, Bundles.of(first, by_class))

    def _each(self, values: FloatArray) -> FloatArray:
        """Divide by the rows of the pool."""
        return values / np.where(self.rows > 0.0, self.rows, 1.0)
