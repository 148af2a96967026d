"""Counts by stratum, where of every stratum of a known size so many cases were drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from audit.counting.family_moments import Cells, WeightedFamily, WeightTable, indicator
from audit.stats.arrays import BoolArray, FloatArray, IntArray, added
from audit.stats.clusters import WeightedRate
from audit.stats.strata import SampledCounts, rate_limits
from audit.vocabulary.metrics import Cell

_LABELS: Final = (
    (Cell.TP, Cell.FN, Cell.UNSCORED_POSITIVE),
    (Cell.FP, Cell.TN, Cell.UNSCORED_NEGATIVE),
    (Cell.UNLABELLED_FLAGGED, Cell.UNLABELLED_NOT_FLAGGED, Cell.UNSCORED_UNLABELLED),
)
_DECISIONS: Final = (
    (Cell.TP, Cell.FP, Cell.UNLABELLED_FLAGGED),
    (Cell.FN, Cell.TN, Cell.UNLABELLED_NOT_FLAGGED),
)
_SURE: Final = 1e-9
"""Share of a variance that is left where nothing is left to chance, so that nothing is divided by 0."""
MOST_DEGREES: Final = 1e8
"""Degrees of freedom that only a group known in full has."""


@dataclass(frozen=True, slots=True)
class StratumTable(WeightTable):
    """Cases of K finest groups by H strata, with the sums of weights that follow.

    A case of a stratum of which n of N were drawn weighs ``w = N / n``, and instead of its square counts
    ``w (w - 1) = (1 - f) w^2``: the variance of a sample without replacement, none where all were drawn.
    """

    strata: FloatArray
    """float64[K, H, 9]: rows by stratum and cell, the strata drawn most rarely first."""
    chance: FloatArray
    """float64[H]: chance of a case to be drawn."""
    undrawn: FloatArray
    """float64[H]: cases that were not drawn."""
    possible: BoolArray
    """bool[K, H, 9]: whether undrawn cases of the stratum can be in the cell."""
    by_decision: bool
    """Whether all cases of a stratum have one decision."""

    @classmethod
    def of_strata(
        cls,
        rows: FloatArray,
        sizes: IntArray,
        by: Sequence[str],
        codes: Sequence[tuple[str, ...]],
        names: Sequence[str],
    ) -> StratumTable:
        """Build from float64[K, H, 9] and int64[H] in any order.

        Parameters
        ----------
        by
            What all cases of a stratum have in common: `decision`, `label`, names of features.
        codes, names
            The codes of the finest groups, and the names of their features.

        Raises
        ------
        ValueError
            With one of `by`, in which cases of a stratum differ.
        """
        drawn = rows.sum(axis=(0, 2))
        order = np.argsort(drawn / sizes, kind="stable")
        rows, sizes, drawn = rows[:, order], sizes[order].astype(np.float64), drawn[order]
        weight = sizes / drawn
        left = weight * (weight - 1.0)
        there = np.where(rows > 0.0, weight[:, np.newaxis], np.inf), np.where(rows > 0.0, weight[:, np.newaxis], 0.0)
        return cls(
            cases=(rows * (left > 0.0)[:, np.newaxis]).sum(axis=1),
            first=(rows * weight[:, np.newaxis]).sum(axis=1),
            second=(rows * left[:, np.newaxis]).sum(axis=1),
            fourth=(rows * left[:, np.newaxis] ** 2).sum(axis=1),
            lowest=there[0].min(axis=1),
            highest=there[1].max(axis=1),
            strata=rows,
            chance=drawn / sizes,
            undrawn=sizes - drawn,
            possible=_possible(rows, by, codes, names),
            by_decision="decision" in by,
        )

    def family(self, places: IntArray, groups: int, unit: float) -> StratifiedFamily:
        """Sum up to groups: `places` is int64[K], the group of each finest group."""
        tables, shape = (self.strata, self.possible.astype(np.float64)), (groups, *self.strata.shape[1:])
        rows, possible = (added(shape, places, table) for table in tables)
        sums = WeightTable.family(self, places, groups, unit).sums
        return StratifiedFamily(sums, unit, self, rows, possible)


def _possible(rows: FloatArray, by: Sequence[str], codes: Sequence[tuple[str, ...]], names: Sequence[str]) -> BoolArray:
    possible = np.ones(rows.shape, dtype=np.bool_)
    cells = rows.sum(axis=0)
    for common, kinds in (("label", _LABELS), ("decision", _DECISIONS)):
        if common not in by:
            continue
        there = np.stack([cells @ indicator(kind) > 0.0 for kind in kinds], axis=1)
        if (there.sum(axis=1) > 1).any():
            raise ValueError(common)
        allowed = cells > 0.0  # an unscored case has no decision: it is where some were seen
        for index, kind in enumerate(kinds):
            allowed |= there[:, [index]] & (indicator(kind) > 0.0)
        possible &= allowed
    members = rows.sum(axis=2) > 0.0
    for axis, name in enumerate(names):
        if name not in by:
            continue
        levels = np.unique([code[axis] for code in codes], return_inverse=True)[1]
        there = np.stack([members[levels == level].any(axis=0) for level in range(int(levels.max()) + 1)])
        if (there.sum(axis=0) > 1).any():
            raise ValueError(name)
        possible &= there[levels][:, :, np.newaxis]
    return possible


class StratifiedFamily(WeightedFamily):
    """Weighted rates of groups of a stratified sample, and the counts behind them."""

    by_strata = True

    def __init__(
        self, sums: WeightTable, unit: float, table: StratumTable, rows: FloatArray, possible: FloatArray
    ) -> None:
        super().__init__(sums, unit)
        self._table, self._rows, self._possible = table, rows, possible
        self._sampled: dict[tuple[Cells, bool], SampledCounts] = {}
        self._limits: dict[tuple[Cells, float, bool], tuple[FloatArray, FloatArray]] = {}

    def counts_alike(self, denominator: Sequence[Cell], *, rest: bool = True) -> BoolArray:
        """bool[G]: False, because a stratum known in full leaves less to chance than its rows would."""
        del denominator, rest
        return np.zeros(len(self._rows), dtype=np.bool_)

    def planned(self, cells: Cells) -> Cells:
        """Give the cells by which sizes are planned: the outcome is a part of the design where strata are decisions."""
        return cells if self._table.by_decision else ((), cells[1])

    def sampled(self, cells: Cells, *, rest: bool = False) -> SampledCounts:
        """Return the cases of each group, or of its rest, by their chance to be drawn."""
        key = (cells, rest)
        if key not in self._sampled:
            other = tuple(cell for cell in cells[1] if cell not in cells[0])
            seen = [self.by_chance(self.rows(kind, rest=rest)) for kind in (cells[0], other)]
            room = [self.by_chance(self._room(kind, rest=rest)) for kind in (cells[0], other)]
            self._sampled[key] = SampledCounts(seen[0], seen[1], self.chances, (room[0], room[1]))
        return self._sampled[key]

    def limits(self, cells: Cells, level: float, *, rest: bool = False) -> tuple[FloatArray, FloatArray]:
        """float64[G] twice: limits of the rates of groups or rests. Computed once."""
        key = (cells, level, rest)
        if key not in self._limits:
            self._limits[key] = rate_limits(self.sampled(cells, rest=rest), level)
        return self._limits[key]

    def rows(self, cells: Iterable[Cell], *, rest: bool = False) -> FloatArray:
        """float64[G, H]: rows of each group, or of its rest, by stratum."""
        group_rows = np.asarray(self._rows @ indicator(cells))
        return group_rows.sum(axis=0) - group_rows if rest else group_rows

    def _room(self, cells: Iterable[Cell], *, rest: bool) -> FloatArray:
        can = np.asarray(self._possible @ indicator(cells))
        can = can.sum(axis=0) - can if rest else can
        return np.where(can > 0.0, self._table.undrawn, 0.0)

    @property
    def chances(self) -> FloatArray:
        """float64[F]: the different chances of cases to be drawn, rising."""
        return np.unique(self._table.chance)

    def by_chance(self, values: FloatArray) -> FloatArray:
        """float64[G, F]: values of strata, added up over those of one chance."""
        starts = np.searchsorted(self._table.chance, self.chances)
        return np.asarray(np.add.reduceat(values, starts, axis=1))

    def _rate(self, cells: Cells, *, rest: bool) -> WeightedRate:
        estimate = super()._rate(cells, rest=rest)
        sampled = self.sampled(cells, rest=rest)
        spread = estimate.rate * (1.0 - estimate.rate)
        known = self._table.by_decision & (spread > 0.0)
        q = np.where(known, estimate.residual / np.where(known, spread, 1.0), estimate.q)
        sure = (sampled.total > 0.0) & (q <= _SURE)
        degrees = np.where(np.isfinite(sampled.degrees_of_freedom), sampled.degrees_of_freedom, 1.0 / _SURE)
        q, clusters = np.where(sure, _SURE, q), np.where(sampled.total > 0.0, degrees + 1.0, 0.0)
        fourth = q * q / np.maximum(clusters, 1.0)
        return WeightedRate(estimate.rate, estimate.residual, clusters, q, q, fourth, fourth, fourth)
