"""Sums over clusters (rows that belong together), by cluster and finest group.

Sums over clusters in which large ones do not drown small ones, to estimate how alike the rows of a cluster are.

Sums over clusters (rows that belong together), by cluster and finest group. No cluster keeps its name.

Count clusters instead of rows: a person with several rows is counted once, in one group and in one cell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np

from audit.counting.family_moments import CELLS, DENOMINATORS, Cells, FamilyMoments, indicator, weighted_rate
from audit.counting.table import ABSTAINED, FLAGGED, NEGATIVE, NOT_FLAGGED, POSITIVE, UNKNOWN, UNLABELLED, CountsTable
from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.clusters import (
    CLASSES,
    Bundles,
    ClassSums,
    Evened,
    Place,
    WeightedRate,
    evened_powers,
    evened_weight,
    size_class,
)
from audit.vocabulary.metrics import Cell

_NOTHING = 1e-9
"""Share of a cluster's weight below which a difference is rounding."""


class EvenedSums(NamedTuple):
    """Evened sums of G groups and of their rests, over the P cells of one denominator."""

    cells: IntArray
    """int64[P]: places of the cells."""
    products: tuple[FloatArray, FloatArray]
    """float64[G, P, P]: sums over clusters of ``h`` times the products of two cells, of the groups and of the rests."""
    sizes: tuple[FloatArray, FloatArray]
    """float64[6, G]: clusters of two rows or more, over them the sums of hQ, hB^2, (hQ)^2, hQ hB^2 and (hB^2)^2."""
    classes: tuple[FloatArray, FloatArray]
    """float64[P + 1, G, C]: over clusters of two rows or more, by their class of size, the weight of each cell, and the
    sum of B^2."""

    def of(self, cells: Cells, rate: FloatArray, total: FloatArray, way: FloatArray, *, rest: bool) -> Evened:
        """Evened rates. `total` is all weight; `way` is float64[G, 9], the change of ``A - rate B`` for a unit in a
        cell.
        """
        way = way[:, self.cells]
        half = (way[:, :, np.newaxis] * self.products[rest]).sum(axis=1)
        residual = np.maximum((half * way).sum(axis=1), 0.0)
        *by_cell, squares = self.classes[rest]
        counted = [counts for cell, counts in zip(self.cells, by_cell, strict=True) if CELLS[cell] in cells[0]]
        weight = np.sum(by_cell, axis=0) if by_cell else np.zeros(squares.shape)
        counted_squares = (np.sum(counted, axis=0) if counted else np.zeros(squares.shape)) if cells[0] else None
        sums = ClassSums(counted_squares, weight, squares)
        return Evened(WeightedRate(rate, residual, *self.sizes[rest]), Bundles.of(total, sums))


def evened_sums(
    cluster: IntArray,
    group: IntArray,
    groups: int,
    cells: IntArray,
    weight: FloatArray,
    squared: FloatArray,
    largest: float,
) -> EvenedSums:
    """Compute the sums from M pairs of a cluster and a group that share rows.

    Parameters
    ----------
    cluster, group : ndarray of int64, shape (M,)
        Cluster and group of each pair.
    groups : int
        Number of groups, G.
    cells : ndarray of int64, shape (P,)
        Places of the denominator's cells.
    weight : ndarray of float64, shape (P, M)
        Sum of the weights of the pair's rows in each of these cells.
    squared : ndarray of float64, shape (M,)
        Sum of the squared weights of all rows of the pair.
    largest : float
        Weight of the heaviest cluster, over all cells. Classes of size are relative to it.
    """
    group_clusters = _Clusters(weight, squared)
    by_cluster = np.array([np.bincount(cluster, summed) for summed in (*weight, squared)], dtype=np.float64)
    everyone = _Clusters(by_cluster[:-1], by_cluster[-1])
    of_pair = everyone[cluster]
    rest = of_pair.without(group_clusters)

    def by_group(values: FloatArray) -> FloatArray:
        return np.asarray(np.bincount(group, values, groups), dtype=np.float64)

    def of_rests(totals: FloatArray, there: FloatArray, left: FloatArray) -> FloatArray:
        # a cluster without a row of the group counts for its rest as it is, the others as the group leaves them
        return np.asarray(totals.sum() + by_group(left - there), dtype=np.float64)

    size = len(weight)
    own_products, rest_products = np.zeros((groups, size, size)), np.zeros((groups, size, size))
    for i in range(size):
        for j in range(i + 1):
            own_products[:, i, j] = own_products[:, j, i] = by_group(group_clusters.product(i, j))
            products = (power.product(i, j) for power in (everyone, of_pair, rest))
            rest_products[:, i, j] = rest_products[:, j, i] = of_rests(*products)
    powers = zip(everyone.powers, of_pair.powers, rest.powers, strict=True)
    totals_of_all = everyone.by_class(np.zeros(len(everyone.total), dtype=np.int64), 1, largest)
    changes = rest.by_class(group, groups, largest) - of_pair.by_class(group, groups, largest)
    return EvenedSums(
        cells=cells,
        products=(own_products, rest_products),
        sizes=(
            np.stack([by_group(values) for values in group_clusters.powers]),
            np.stack([np.maximum(of_rests(*power), 0.0) for power in powers]),
        ),
        classes=(group_clusters.by_class(group, groups, largest), np.maximum(totals_of_all + changes, 0.0)),
    )


class _Clusters:
    """K clusters, or the parts of clusters in pairs: float64[P, K] of weight in each cell, and float64[K] of
    squares.
    """

    def __init__(self, weight: FloatArray, squared: FloatArray) -> None:
        self._weight, self._squared = weight, squared
        self.total: FloatArray = weight.sum(axis=0)
        self._h = evened_weight(self.total, squared)

    def __getitem__(self, rows: IntArray) -> _Clusters:
        return _Clusters(self._weight[:, rows], self._squared[rows])

    def without(self, other: _Clusters) -> _Clusters:
        """The rest of each cluster without the part `other`."""
        some = self.total - other.total > _NOTHING * self.total
        return _Clusters(
            np.where(some, self._weight - other._weight, 0.0), np.where(some, self._squared - other._squared, 0.0)
        )

    @property
    def powers(self) -> tuple[FloatArray, ...]:
        """Powers of the evened weights; see `evened_powers`."""
        return evened_powers(self._h, self.total, self._squared)

    def product(self, i: int, j: int) -> FloatArray:
        """float64[K]: h times the product of two cells."""
        return np.asarray(self._h * self._weight[i] * self._weight[j], dtype=np.float64)

    def by_class(self, group: IntArray, groups: int, largest: float) -> FloatArray:
        """float64[P + 1, G, C]: weights of cells, and B^2, over clusters of two rows or more."""
        at, size = group * CLASSES + size_class(self.total, largest), groups * CLASSES
        values = (*self._weight, self.total**2)
        summed = [np.bincount(at, np.where(self._h > 0.0, value, 0.0), size) for value in values]
        return np.stack([value.reshape(groups, CLASSES) for value in summed])


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
        flat_index, places = cell * keys.size + at, len(CELLS) * keys.size
        if (np.bincount(flat_index) > 1).any():  # squares are not added exactly, so they need an order of their own
            order = np.lexsort((squared, weight))
            flat_index, weight, squared = flat_index[order], weight[order], squared[order]
        tables = [np.asarray(np.bincount(flat_index, values, places), dtype=np.float64) for values in (weight, squared)]
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
            picked = [index for index, cell in enumerate(pairs.present) if CELLS[cell] in denominator]
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

    def spread(self, cells: Cells, rate: FloatArray, *, rest: bool = False, rows: Place = slice(None)) -> FloatArray:
        """float64[N]: sum over clusters of (A - rate B)^2, in units squared, of N groups or of their rests."""
        way = _direction(cells, rate)
        group_form = _form(way, self._own_own[rows])
        if not rest:
            return np.maximum(group_form, 0.0)
        return np.maximum(
            _form(way, self._all_all[np.newaxis]) - 2.0 * _form(way, self._all_own[rows]) + group_form, 0.0
        )

    def squares(self, cells: Iterable[Cell]) -> tuple[FloatArray, FloatArray]:
        """float64[G] each: sums over clusters of B^2 and of Q, in units squared."""
        picked = indicator(cells)
        picked_everywhere = np.broadcast_to(picked, self._first.shape)
        return np.maximum(_form(picked_everywhere, self._own_own), 0.0), np.asarray(self._second @ picked)

    def cross(self, group_cells: Cells, rest: Cells) -> FloatArray:
        """float64[G]: sum of e f over clusters with rows in a group and in its rest."""
        counted, total = self._sums(group_cells, rest=False)
        rest_counted, rest_total = self._sums(rest, rest=True)
        way, rest_way = (
            _direction(group_cells, _quotient(counted, total)),
            _direction(rest, _quotient(rest_counted, rest_total)),
        )
        product = _form(rest_way, self._all_own, way) - _form(rest_way, self._own_own, way)
        return _quotient(product, total * rest_total)

    def shared(self, cells: Iterable[Cell]) -> BoolArray:
        """bool[G]: whether some cluster has rows of these cells in the group and in its rest."""
        picked = np.broadcast_to(indicator(cells), self._first.shape)
        with_all, with_own = _form(picked, self._all_own), _form(picked, self._own_own)
        return np.asarray(with_all - with_own > _NOTHING * with_all)

    def between(self, index: int, cells: Cells) -> FloatArray:
        """float64[G]: sum of e f over clusters with rows in a group and in the group at `place`; 0 at `place`
        itself.
        """
        counted, total = self._sums(cells, rest=False)
        way = _direction(cells, _quotient(counted, total))
        product = _form(np.broadcast_to(way[index], way.shape), self._with(index), way)
        values = _quotient(product, total * total[index])
        values[index] = 0.0
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
        denominator = frozenset(cells[1])
        if denominator not in self._sizes_of:  # of a rate that a plan declares
            pairs = self._make_pairs()
            picked = [index for index, cell in enumerate(pairs.present) if CELLS[cell] in denominator]
            self._sizes_of[denominator] = _sizes(pairs, picked)
        sizes = self._sizes_of[denominator][int(rest)]
        return sizes[0], sizes[1:]

    def _with(self, index: int) -> FloatArray:
        """float64[G, 9, 9]: cells of the group at `place` times cells of each group, summed over clusters."""
        if index not in self._products_with:
            pairs = self._make_pairs()
            is_of_group, clusters = pairs.group == index, int(pairs.cluster.max(initial=0)) + 1
            products = np.zeros_like(self._own_own)
            for i, cell in enumerate(pairs.present):
                of_place = np.asarray(
                    np.bincount(pairs.cluster[is_of_group], pairs.weight[i][is_of_group], clusters), dtype=np.float64
                )
                products[:, cell] = _products(pairs, of_place[pairs.cluster])
            self._products_with[index] = products
        return self._products_with[index]


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
        picked = [index for index, cell in enumerate(pairs.present) if CELLS[cell] in denominator]
        key = frozenset(picked)
        if key not in known:
            known[key] = _sizes(pairs, picked)
        sizes[denominator] = known[key]
    return sizes


def _sizes(pairs: _Pairs, picked: list[int]) -> tuple[FloatArray, FloatArray]:
    b, q = pairs.weight[picked].sum(axis=0), pairs.squared[picked].sum(axis=0)
    all_b, all_q = pairs.by_cluster(b), pairs.by_cluster(q)
    group_powers, everyone = _powers(b, q), _powers(all_b, all_q)
    others = all_b[pairs.cluster] - b
    some = others > _NOTHING * all_b[pairs.cluster]
    rest = _powers(np.where(some, others, 0.0), np.where(some, all_q[pairs.cluster] - q, 0.0))
    of_groups = np.stack([pairs.by_group(values) for values in group_powers])
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


_PLACES: Final = (
    *((label, decision) for label in (POSITIVE, NEGATIVE, UNLABELLED) for decision in (FLAGGED, NOT_FLAGGED)),
    *((label, ABSTAINED) for label in (POSITIVE, NEGATIVE, UNLABELLED)),
)
"""Label and decision of each of `CELLS`. Abstained and failed rows share a cell there."""


def count_clusters_once(
    table: ClusterTable, codes: Sequence[Sequence[str]], names: Sequence[str], shown_features: Sequence[str]
) -> CountsTable:
    """Count each cluster once.

    A cluster belongs to the first of `CELLS` that one of its rows is in: a person is a victim if any of their cases is
    one, found if any of these is flagged, and unscored only if all are. For each feature a cluster has the code that
    all its rows have, and `unknown` if they differ, so that nobody is in two groups that add up to a third.

    Parameters
    ----------
    table : ClusterTable
        Pairs of a cluster and a finest group, with their weight in each cell.
    codes : sequence of sequence of str, shape (K, F)
        The finest groups: a code of each feature.
    names : sequence of str, length F
        The features of the codes.
    asked : sequence of str
        The features of the returned table.

    Returns
    -------
    CountsTable
        A table whose cells add up to the number of clusters.
    """
    clusters = int(table.cluster.max(initial=-1)) + 1
    first = np.full(clusters, len(CELLS), dtype=np.int64)
    np.minimum.at(first, table.cluster, np.argmax(table.weight > 0, axis=0))
    levels: list[tuple[str, ...]] = []
    group_index = np.zeros(clusters, dtype=np.int64)
    for name in shown_features:
        column = [code[list(names).index(name)] for code in codes]
        levels.append(tuple(sorted({*column, UNKNOWN})))
        group_index = group_index * len(levels[-1]) + _agreed(table, column, levels[-1], clusters)
    distinct, cases = np.unique(np.stack([group_index, first]), axis=1, return_counts=True)
    rows: dict[tuple[str, ...], IntArray] = {}
    keys = np.stack(np.unravel_index(distinct[0], [len(some) for some in levels]), axis=1)
    for key, cell, count in zip(keys.tolist(), distinct[1].tolist(), cases.tolist(), strict=True):
        named = tuple(level[at] for level, at in zip(levels, key, strict=True))
        rows.setdefault(named, np.zeros((3, 4), dtype=np.int64))[_PLACES[cell]] += count
    return CountsTable.of(tuple(shown_features), rows)


def _agreed(table: ClusterTable, column: Sequence[str], levels: Sequence[str], clusters: int) -> IntArray:
    """int64[clusters]: the place of the code that all rows of a cluster share, or else of `unknown`."""
    at = np.array([levels.index(code) for code in column], dtype=np.int64)[table.finest]
    low, high = np.full(clusters, len(levels), dtype=np.int64), np.full(clusters, -1, dtype=np.int64)
    np.minimum.at(low, table.cluster, at)
    np.maximum.at(high, table.cluster, at)
    return np.where(low == high, low, levels.index(UNKNOWN))
