"""Weighted rates and the sums behind their variances, and these sums where every row stands for itself.

Interface to weighted rates and the sums behind their variances, for the groups of one family.

Sums of powers of design weights by group and cell, where every row stands for itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from audit.stats.arrays import BoolArray, FloatArray, IntArray, added
from audit.stats.clusters import Bundles, Evened, Place, WeightedRate
from audit.vocabulary.metrics import METRICS, Cell

CELLS: Final = tuple(Cell)
"""The cells, in the order of every cell axis here."""
Cells = tuple[tuple[Cell, ...], tuple[Cell, ...]]
"""Numerator and denominator of a rate; every cell of the first is one of the second."""

DENOMINATORS: Final = tuple(
    dict.fromkeys(
        frozenset((*metric.denominator, *joined))
        for metric in METRICS.values()
        for joined in (
            (),
            metric.lowest_if_unscored,
            metric.highest_if_unscored,
            (*metric.lowest_if_unscored, *metric.highest_if_unscored),
        )
    )
)
"""Every denominator that a rate of ours can have, with and without the unscored cases that could join it."""


class FamilyMoments(ABC):
    """Weighted rates of the G groups of a family and of their rests, over any cells, with the sums for variances."""

    unit: float
    """Weight of one unit."""
    spans: bool
    """Whether some cluster has rows in several groups of the family."""
    clustered = True
    """Whether rows may belong to clusters; else each is independent of all others."""
    by_strata = False
    """Whether rows are drawn from strata of known sizes, so that their weights are known and not found."""

    def own(self, cells: Cells) -> WeightedRate:
        """The rates of the groups, (G,)."""
        return self._rate(cells, rest=False)

    def rest(self, cells: Cells) -> WeightedRate:
        """The rates of everyone else, (G,)."""
        return self._rate(cells, rest=True)

    @abstractmethod
    def _rate(self, cells: Cells, *, rest: bool) -> WeightedRate:
        """The rates of the groups, or of their rests."""

    @abstractmethod
    def evened(self, cells: Cells, *, rest: bool) -> Evened:
        """The rates of the groups or of their rests, with clusters weighed by their information, and not by size.

        The information is on how alike the rows of a cluster are. For `audit.stats.clusters`.
        """

    @abstractmethod
    def cross(self, group_cells: Cells, rest: Cells) -> FloatArray:
        """float64[G]: sum of e f over clusters with rows in a group and in its rest; 0 without clusters."""

    @abstractmethod
    def shared(self, cells: Iterable[Cell]) -> BoolArray:
        """bool[G]: whether some cluster has rows of these cells in the group and in its rest."""

    @abstractmethod
    def between(self, index: int, cells: Cells) -> FloatArray:
        """float64[G]: sum of e f over clusters with rows in a group and in the group at `place`; 0 at `place`
        itself.
        """

    @abstractmethod
    def units(self, cells: Iterable[Cell]) -> FloatArray:
        """float64[G]: sum of weights of each group, in units."""

    @abstractmethod
    def spread(self, cells: Cells, rate: FloatArray, *, rest: bool = False, rows: Place = slice(None)) -> FloatArray:
        """float64[N]: sum over clusters of (A - rate B)^2, in units squared, of N groups or of their rests."""

    @abstractmethod
    def squares(self, cells: Iterable[Cell]) -> tuple[FloatArray, FloatArray]:
        """float64[G] each: sums over clusters of B^2 and of Q, in units squared."""

    @abstractmethod
    def counts_alike(self, denominator: Sequence[Cell], *, rest: bool = True) -> BoolArray:
        """bool[G]: whether rows are independent and weigh the same within the group and, with `rest`, within its rest.

        Weighted rates are then the unweighted ones, and methods for integer counts are exact for them.
        """

    def planned(self, cells: Cells) -> Cells:
        """Give the cells by which sizes are planned: no outcome is looked at."""
        return (), cells[1]

    def weight(self, cells: Iterable[Cell]) -> FloatArray:
        """float64[G]: sum of weights of each group: the number of cases of the population that it stands for."""
        return self.units(cells) * self.unit

    def rest_weight(self, cells: Iterable[Cell]) -> FloatArray:
        """float64[G]: sum of weights of everyone outside each group."""
        group_weight = self.weight(tuple(cells))
        return np.asarray(np.maximum(group_weight.sum() - group_weight, 0.0))


def of_the_others(values: FloatArray) -> FloatArray:
    """float64[G]: sum of all other values. Never by subtraction: next to 2^58 a square of 1 is lost."""
    before = np.concatenate([[0.0], np.cumsum(values)[:-1]])
    after = np.concatenate([np.cumsum(values[::-1])[::-1][1:], [0.0]])
    return np.asarray(before + after, dtype=np.float64)


def indicator(cells: Iterable[Cell]) -> FloatArray:
    """float64[9]: 1 at each of `cells`."""
    places = np.zeros(len(CELLS))
    places[[CELLS.index(cell) for cell in cells]] = 1.0
    return places


def weighted_rate(
    numerator: FloatArray, denominator: FloatArray, residual: FloatArray, clusters: FloatArray, moments: FloatArray
) -> WeightedRate:
    """Scale sums by powers of the denominator. `moments` is float64[5, G]: Q, B^2, Q^2, Q B^2, B^4."""
    some = denominator > 0.0
    total = np.where(some, denominator, 1.0)
    squared = total * total
    q, bb, q_q, q_bb, bb_bb = moments
    return WeightedRate(
        rate=np.where(some, numerator / total, 0.0),
        residual=np.maximum(residual, 0.0) / squared,
        clusters=clusters,
        q=q / squared,
        bb=bb / squared,
        q_q=q_q / squared / squared,
        q_bb=q_bb / squared / squared,
        bb_bb=bb_bb / squared / squared,
    )


@dataclass(frozen=True, slots=True)
class WeightTable:
    """Sums of K finest groups by cell: float64[K, 9] each, with weights in units."""

    cases: FloatArray
    """Number of rows."""
    first: FloatArray
    """Sum of weights."""
    second: FloatArray
    """Sum of squared weights."""
    fourth: FloatArray
    """Sum of fourth powers of weights."""
    lowest: FloatArray
    """The smallest weight; inf without rows."""
    highest: FloatArray
    """The largest weight; 0 without rows."""

    def family(self, places: IntArray, groups: int, unit: float) -> WeightedFamily:
        """Sum up to groups: `places` is int64[K], the group of each finest group."""
        sums = [
            added((groups, len(CELLS)), places, values) for values in (self.cases, self.first, self.second, self.fourth)
        ]
        lowest, highest = np.full((groups, len(CELLS)), np.inf), np.zeros((groups, len(CELLS)))
        np.minimum.at(lowest, places, self.lowest)
        np.maximum.at(highest, places, self.highest)
        return WeightedFamily(WeightTable(sums[0], sums[1], sums[2], sums[3], lowest, highest), unit)


class WeightedFamily(FamilyMoments):
    """Weighted rates of groups whose rows are independent: every row is a cluster by itself."""

    spans = clustered = False

    def __init__(self, sums: WeightTable, unit: float) -> None:
        self.sums = sums
        self.unit = unit

    def evened(self, cells: Cells, *, rest: bool) -> Evened:
        """The rates as they are: single rows have no likeness within a cluster to weigh."""
        rate = self._rate(cells, rest=rest)
        return Evened(rate, Bundles.none(len(rate.rate)))

    def cross(self, group_cells: Cells, rest: Cells) -> FloatArray:
        """float64[G]: 0, because no row is in a group and in its rest."""
        del group_cells, rest
        return np.zeros(len(self.sums.first))

    def shared(self, cells: Iterable[Cell]) -> BoolArray:
        """bool[G]: False, because no row is in a group and in its rest."""
        del cells
        return np.zeros(len(self.sums.first), dtype=np.bool_)

    def between(self, index: int, cells: Cells) -> FloatArray:
        """float64[G]: 0, because no row is in two groups."""
        del index, cells
        return np.zeros(len(self.sums.first))

    def units(self, cells: Iterable[Cell]) -> FloatArray:
        """float64[G]: sum of weights of each group, in units."""
        return np.asarray(self.sums.first @ indicator(cells))

    def spread(self, cells: Cells, rate: FloatArray, *, rest: bool = False, rows: Place = slice(None)) -> FloatArray:
        """float64[N]: sum over rows of (w y - rate w)^2."""
        counted, second = (self._total(self.sums.second, indicator(some), rest=rest)[rows] for some in cells)
        return np.asarray((1.0 - rate) ** 2 * counted + rate**2 * np.maximum(second - counted, 0.0))

    def squares(self, cells: Iterable[Cell]) -> tuple[FloatArray, FloatArray]:
        """float64[G] twice: sum of squared weights, which is both B^2 and Q."""
        second = self._total(self.sums.second, indicator(cells), rest=False)
        return second, second

    def counts_alike(self, denominator: Sequence[Cell], *, rest: bool = True) -> BoolArray:
        """bool[G]: whether rows weigh the same within the group and, with `rest`, within its rest."""
        picked = indicator(denominator) > 0.0
        low, high = self.sums.lowest[:, picked].min(axis=1), self.sums.highest[:, picked].max(axis=1)
        alone = (low == high) | np.isinf(low)
        if not rest:
            return np.asarray(alone)
        rest_low, rest_high = _of_the_others(low, np.minimum, np.inf), _of_the_others(high, np.maximum, 0.0)
        return np.asarray(alone & ((rest_low == rest_high) | np.isinf(rest_low)))

    @staticmethod
    def _total(table: FloatArray, where: FloatArray, *, rest: bool) -> FloatArray:
        group_total = np.asarray(table @ where, dtype=np.float64)
        return of_the_others(group_total) if rest else group_total

    def _rate(self, cells: Cells, *, rest: bool) -> WeightedRate:
        sums, denominator = self.sums, indicator(cells[1])
        counted, total = (self._total(sums.first, indicator(some), rest=rest) for some in cells)
        rate = np.where(total > 0.0, counted / np.where(total > 0.0, total, 1.0), 0.0)
        cases, second = (
            self._total(sums_of_power, denominator, rest=rest) for sums_of_power in (sums.cases, sums.second)
        )
        # fourth powers were cut to whole units; by Cauchy and Schwarz they are not below this
        fourth = self._total(sums.fourth, denominator, rest=rest)
        fourth = np.maximum(fourth, second * second / np.maximum(cases, 1.0))
        moments = np.stack([second, second, fourth, fourth, fourth])
        return weighted_rate(counted, total, self.spread(cells, rate, rest=rest), cases, moments)


def _of_the_others(values: FloatArray, choose: np.ufunc, nothing: float) -> FloatArray:
    """For each value the smallest (or largest) of all other values."""
    before = np.concatenate([[nothing], choose.accumulate(values)[:-1]])
    after = np.concatenate([choose.accumulate(values[::-1])[::-1][1:], [nothing]])
    others: FloatArray = choose(before, after)
    return others
