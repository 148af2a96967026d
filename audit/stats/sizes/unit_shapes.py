"""Shapes of the clusters that a planned set will have, from the sizes of the clusters of its pool.

A set is planned by its rows and their weights; chance decides which clusters are drawn. Where weights do not depend on
sizes, sums over the clusters of the set are those of the pool, thinned.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np

from audit.stats.arrays import FloatArray
from audit.stats.clusters.own_correlation import Evened
from audit.stats.clusters.unseen_clusters import Bundles, ClassSums
from audit.stats.clusters.weighted_rate import WeightedRate


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
        by_class = ClassSums(None, *(each[:, np.newaxis] for each in (weight, squares)))
        return Evened(side, Bundles.of(first, by_class))

    def _each(self, values: FloatArray) -> FloatArray:
        """Divide by the rows of the pool."""
        return values / np.where(self.rows > 0.0, self.rows, 1.0)
