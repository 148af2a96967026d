"""Sums over clusters (rows that belong together), by cluster and finest group. No cluster keeps its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from audit.counting.evened_clusters import EvenedSums, evened_sums
from audit.counting.family_moments import CELLS, DENOMINATORS, Cells, FamilyMoments, indicator, weighted_rate
from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.clusters import Evened, Place, WeightedRate
from audit.vocabulary.metrics import Cell

_NOTHING = 1e-9
"""Share of a cluster's weight below which a difference of sums is rounding, and no row."""

_DROWNED = 1e-12
"""Share of all squares below which the squares of a rest are mostly rounding."""


class ClusterTable(NamedTuple):
    """M pairs of a cluster and a finest group that share rows, sorted by cluster and then by group."""

    cluster: IntArray
    """int64[M]: number of the cluster, from 0 and without a gap."""
    finest: IntArray
    """int64[M]: number of the finest group."""
    weight: FloatArray
    """float64[9, M]: sum of the weights of the pair's rows in each cell, in units; without weights, number of rows."""
    squared: FloatArray
    """float64[9, M]: sum of the squared weights."""

    @classmethod
    def of(
        cls, cluster: IntArray, finest: IntArray, cell: IntArray, weight: FloatArray, squared: FloatArray
    ) -> ClusterTable:
        """Make a table from one entry per cluster, finest group and cell, in any order. Repeated entries are added
        up.
        """
        groups = int(finest.max(initial=0)) + 1
        keys, at = np.unique(cluster * groups + finest, return_inverse=True)
        place, places = cell * keys.size + at, len(CELLS) * keys.size
        if (np.bincount(place) > 1).any():  # squares are not added exactly, so they need an order of their own
            order = np.lexsort((squared, weight))
            place, weight, squared = place[order], weight[order], squared[order]
        tables = [np.asarray(np.bincount(place, of, places), dtype=np.float64) for of in (weight, squared)]
        first, second = (table.reshape(len(CELLS), keys.size) for table in tables)
        return cls(keys // groups, keys % groups, first, second)

    def family(self, places: IntArray, groups: int, unit: float) -> ClusteredFamily:
        """Sum up to groups: `places` is the group of each finest group."""
        return ClusteredFamily(lambda: self._pairs(places, groups), unit)

    def _pairs(self, places: IntArray, groups: int) -> _Pairs:
        keys = self.cluster * groups + places[self.finest]
        weight, squared = self.weight, self.squared
        if (keys[1:] < keys[:-1]).any():
            order = np.argsort(keys, kind="stable")
            keys, weight, squared = keys[order], weight[:, order], squared[:, order]
        start = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
        present = np.flatnonzero(weight.any(axis=1))
        return _Pairs(
            cluster=keys[start] // groups,
            group=keys[start] % groups,
            weight=np.add.reduceat(weight[present], start, axis=1),
            squared=np.add.reduceat(squared[present], start, axis=1),
            present=present,
            groups=groups,
        )


class _Pairs(NamedTuple):
    """Pairs of a cluster and a group of a family, over the cells that occur."""

    cluster: IntArray
    group: IntArray
    weight: FloatArray
    squared: FloatArray
    present: IntArray
    groups: int

    def by_group(self, values: FloatArray) -> FloatArray:
        """float64[G]: sums of the values by group."""
        return np.asarray(np.bincount(self.group, values, self.groups), dtype=np.float64)

    def by_cluster(self, values: FloatArray) -> FloatArray:
        """float64[clusters]: sums of the values by cluster."""
        return np.asarray(np.bincount(self.cluster, values), dtype=np.float64)


class ClusteredFamily(FamilyMoments):
    """Weighted rates of groups whose rows come in clusters. Keeps sums over clusters, and no cluster."""

    def __init__(self, make_pairs: Callable[[], _Pairs], unit: float) -> None:
        pairs = make_pairs()
        self.unit = unit
        self.spans = bool((np.bincount(pairs.cluster) > 1).any())
        size, groups = len(CELLS), pairs.groups
        self._first, self._second = np.zeros((groups, size)), np.zeros((groups, size))
        # sums over clusters of the products of two cells: own x own, everyone x own, everyone x everyone
        self._own_own = np.zeros((groups, size, size))
        self._all_own = np.zeros((groups, size, size))
        self._all_all = np.zeros((size, size))
        everyone = np.stack([pairs.by_cluster(weight) for weight in pairs.weight])
        for i, cell in enumerate(pairs.present):
            self._first[:, cell] = pairs.by_group(pairs.weight[i])
            self._second[:, cell] = pairs.by_group(pairs.squared[i])
            self._all_own[:, cell] = _products(pairs, everyone[i][pairs.cluster])
            self._all_all[cell, pairs.present] = (everyone[i] * everyone).sum(axis=1)
            for j, other in enumerate(pairs.present[: i + 1]):
                product = pairs.by_group(pairs.weight[i] * pairs.weight[j])
                self._own_own[:, cell, other] = self._own_own[:, other, cell] = product
        self._largest = float(everyone.sum(axis=0).max(initial=0.0))
        self._sizes_of = _sizes_of_denominators(pairs)
        # pairs are large, and only a reference group needs them again
        self._make_pairs = make_pairs
        self._products_with: dict[int, FloatArray] = {}
        self._evened: dict[frozenset[Cell], EvenedSums] = {}

    def evened(self, cells: Cells, *, rest: bool) -> Evened:
        """The rates, with clusters weighed by their information on how alike their rows are."""
        denominator = frozenset(cells[1])
        if denominator not in self._evened:
            pairs = self._make_pairs()
            picked = [place for place, cell in enumerate(pairs.present) if CELLS[cell] in denominator]
            self._evened[denominator] = evened_sums(
                pairs.cluster,
                pairs.group,
                pairs.groups,
                pairs.present[picked],
                pairs.weight[picked],
                pairs.squared[picked].sum(axis=0),
                self._largest,
            )
        counted, total = self._sums(cells, rest=rest)
        rate = _quotient(counted, total)
        return self._evened[denominator].of(cells, rate, total, _direction(cells, rate), rest=rest)

    def spread(self, cells: Cells, rate: FloatArray, *, rest: bool = False, of: Place = slice(None)) -> FloatArray:
        """float64[N]: sum over clusters of (A - rate B)^2, in units squared, of N groups or of their rests."""
        way = _direction(cells, rate)
        own = _form(way, self._own_own[of])
        if not rest:
            return np.maximum(own, 0.0)
        return np.maximum(_form(way, self._all_all[np.newaxis]) - 2.0 * _form(way, self._all_own[of]) + own, 0.0)

    def squares(self, cells: Iterable[Cell]) -> tuple[FloatArray, FloatArray]:
        """float64[G] each: sums over clusters of B^2 and of Q, in units squared."""
        picked = indicator(cells)
        whole = np.broadcast_to(picked, self._first.shape)
        return np.maximum(_form(whole, self._own_own), 0.0), np.asarray(self._second @ picked)

    def cross(self, own: Cells, rest: Cells) -> FloatArray:
        """float64[G]: sum of e f over clusters with rows in a group and in its rest."""
        counted, total = self._sums(own, rest=False)
        rest_counted, rest_total = self._sums(rest, rest=True)
        way, rest_way = (
            _direction(own, _quotient(counted, total)),
            _direction(rest, _quotient(rest_counted, rest_total)),
        )
        product = _form(rest_way, self._all_own, way) - _form(rest_way, self._own_own, way)
        return _quotient(product, total * rest_total)

    def shared(self, cells: Iterable[Cell]) -> BoolArray:
        """bool[G]: whether some cluster has rows of these cells in the group and in its rest."""
        whole = np.broadcast_to(indicator(cells), self._first.shape)
        with_all, with_own = _form(whole, self._all_own), _form(whole, self._own_own)
        return np.asarray(with_all - with_own > _NOTHING * with_all)

    def between(self, place: int, cells: Cells) -> FloatArray:
        """float64[G]: sum of e f over clusters with rows in a group and in the group at `place`; 0 at `place`
        itself.
        """
        counted, total = self._sums(cells, rest=False)
        way = _direction(cells, _quotient(counted, total))
        product = _form(np.broadcast_to(way[place], way.shape), self._with(place), way)
        values = _quotient(product, total * total[place])
        values[place] = 0.0
        return values

    def units(self, cells: Iterable[Cell]) -> FloatArray:
        """float64[G]: sum of weights of each group, in units."""
        return np.asarray(self._first @ indicator(cells))

    def counts_alike(self, denominator: Sequence[Cell], *, rest: bool = True) -> BoolArray:
        """bool[G]: always False, because rows of a cluster are not independent."""
        del denominator, rest
        return np.zeros(len(self._first), dtype=np.bool_)

    def _sums(self, cells: Cells, *, rest: bool) -> tuple[FloatArray, FloatArray]:
        counted, total = (self.units(some) for some in cells)
        if rest:
            return np.maximum(counted.sum() - counted, 0.0), np.maximum(total.sum() - total, 0.0)
        return counted, total

    def _rate(self, cells: Cells, *, rest: bool) -> WeightedRate:
        counted, total = self._sums(cells, rest=rest)
        spread = self.spread(cells, _quotient(counted, total), rest=rest)
        return weighted_rate(counted, total, spread, *self._sizes(cells, rest=rest))

    def _sizes(self, cells: Cells, *, rest: bool) -> tuple[FloatArray, FloatArray]:
        sizes = self._sizes_of[frozenset(cells[1])][int(rest)]
        return sizes[0], sizes[1:]

    def _with(self, place: int) -> FloatArray:
        """float64[G, 9, 9]: cells of the group at `place` times cells of each group, summed over clusters."""
        if place not in self._products_with:
            pairs = self._make_pairs()
            own, clusters = pairs.group == place, int(pairs.cluster.max(initial=0)) + 1
            products = np.zeros_like(self._own_own)
            for i, cell in enumerate(pairs.present):
                of_place = np.asarray(np.bincount(pairs.cluster[own], pairs.weight[i][own], clusters), dtype=np.float64)
                products[:, cell] = _products(pairs, of_place[pairs.cluster])
            self._products_with[place] = products
        return self._products_with[place]


def _products(pairs: _Pairs, factor: FloatArray) -> FloatArray:
    """float64[G, 9]: each cell of each group times a factor of its clusters, summed over them."""
    products = np.zeros((pairs.groups, len(CELLS)))
    for j, other in enumerate(pairs.present):
        products[:, other] = pairs.by_group(factor * pairs.weight[j])
    return products


def _quotient(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    some = denominator > 0.0
    return np.where(some, numerator / np.where(some, denominator, 1.0), 0.0)


def _direction(cells: Cells, rate: FloatArray) -> FloatArray:
    """float64[G, 9]: change of A - rate B for each unit of weight in a cell."""
    numerator, denominator = (indicator(some) for some in cells)
    return np.asarray(numerator[np.newaxis] - rate[:, np.newaxis] * denominator[np.newaxis])


def _form(left: FloatArray, products: FloatArray, right: FloatArray | None = None) -> FloatArray:
    """float64[G]: the bilinear form of each group's products."""
    half = (left[:, :, np.newaxis] * products).sum(axis=1)
    return np.asarray((half * (left if right is None else right)).sum(axis=1), dtype=np.float64)


def _sizes_of_denominators(pairs: _Pairs) -> dict[frozenset[Cell], tuple[FloatArray, FloatArray]]:
    """float64[6, G] of groups and of rests, by denominator: clusters, and sums of Q, B^2, Q^2, Q B^2 and B^4."""
    known: dict[frozenset[int], tuple[FloatArray, FloatArray]] = {}
    sizes: dict[frozenset[Cell], tuple[FloatArray, FloatArray]] = {}
    for denominator in DENOMINATORS:
        picked = [place for place, cell in enumerate(pairs.present) if CELLS[cell] in denominator]
        key = frozenset(picked)
        if key not in known:
            known[key] = _sizes(pairs, picked)
        sizes[denominator] = known[key]
    return sizes


def _sizes(pairs: _Pairs, picked: list[int]) -> tuple[FloatArray, FloatArray]:
    b, q = pairs.weight[picked].sum(axis=0), pairs.squared[picked].sum(axis=0)
    all_b, all_q = pairs.by_cluster(b), pairs.by_cluster(q)
    own, everyone = _powers(b, q), _powers(all_b, all_q)
    others = all_b[pairs.cluster] - b
    some = others > _NOTHING * all_b[pairs.cluster]
    rest = _powers(np.where(some, others, 0.0), np.where(some, all_q[pairs.cluster] - q, 0.0))
    of_groups = np.stack([pairs.by_group(values) for values in own])
    # a cluster in which the group has no row counts for the rest as it is; the others as far as the group leaves them
    changes = np.stack(
        [pairs.by_group(left - values[pairs.cluster]) for left, values in zip(rest, everyone, strict=True)]
    )
    of_everyone = np.stack([values.sum() for values in everyone])
    of_rests = np.maximum(of_everyone[:, np.newaxis] + changes, 0.0)
    # the variance of a rest cannot be computed if its squares drown in the group's: no clusters, so no verdict
    of_rests[0] = np.where(of_rests[2] > _DROWNED * of_everyone[2], of_rests[0], 0.0)
    return of_groups, of_rests


def _powers(b: FloatArray, q: FloatArray) -> tuple[FloatArray, ...]:
    squared = b * b
    return (b > 0.0).astype(np.float64), q, squared, q * q, q * squared, squared * squared
