"""The clusters that a planned set would have, told from the sizes of those that it is drawn from.

A set is planned by its rows and their weights; which clusters will be drawn is left to chance. Where weights tell
nothing of sizes, sums over the clusters of the set are those of the pool, thinned.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np

from audit.stats.clusters.own_correlation import Evened
from audit.stats.clusters.unseen_clusters import Bundles, ClassSums
from audit.stats.clusters.weighted_rate import WeightedRate
from audit.stats.rates.binomial import FloatArray

__all__ = ["UnitShapes"]


@dataclass(frozen=True, slots=True)
class UnitShapes:
    """Sums over the units of G groups of a pool, where a unit has r > 0 rows of the group; float64[G] each."""

    units: FloatArray
    """How many there are."""
    rows: FloatArray
    """``sum r``."""
    rows_2: FloatArray
    """``sum r^2``."""
    rows_3: FloatArray
    rows_4: FloatArray
    bundles: FloatArray
    """How many have two rows or more."""
    bundled: FloatArray
    """``sum r`` over these."""
    bundled_2: FloatArray
    """``sum r^2`` over these."""
    even_q: FloatArray
    """``sum (r - 1) / r^2``: with ``B = r w``, ``Q = r w^2`` and ``h`` of `Evened`, ``h Q``."""
    even_bb: FloatArray
    """``sum (r - 1) / r``: ``h B^2``."""
    even_q_q: FloatArray
    """``sum (r - 1)^2 / r^4``."""
    even_q_bb: FloatArray
    """``sum (r - 1)^2 / r^3``."""
    even_bb_bb: FloatArray
    """``sum (r - 1)^2 / r^2``."""

    @classmethod
    def of_rows(cls, rows: FloatArray) -> UnitShapes:
        """Of groups all units of which are single rows."""
        none = np.zeros(rows.shape)
        return cls(*[rows] * 5, *[none] * 8)

    @property
    def of_the_others(self) -> UnitShapes:
        """Sums over the units of all groups but each one's own; a unit counts in every group that it has rows of."""
        return UnitShapes(*(np.asarray(values.sum() - values, dtype=np.float64) for values in astuple(self)))

    def side(self, sums: FloatArray) -> WeightedRate:
        """The groups of a planned set, with rates that are nobody's.

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
        """Their clusters of two rows and more, each heard for what it tells; `sums` as in `side`."""
        cases, first, second, _ = sums
        nothing = np.zeros(cases.shape)
        even = (self.bundles, self.even_q, self.even_bb, self.even_q_q, self.even_q_bb, self.even_bb_bb)
        side = WeightedRate(nothing, nothing, *(cases * self._each(values) for values in even))
        weight, squares = first * self._each(self.bundled), second * self._each(self.bundled_2)
        by_class = ClassSums(None, *(each[:, np.newaxis] for each in (weight, squares)))
        return Evened(side, Bundles.of(first, by_class))

    def _each(self, values: FloatArray) -> FloatArray:
        """Per row of the pool."""
        return values / np.where(self.rows > 0.0, self.rows, 1.0)
