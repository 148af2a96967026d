"""Sums over clusters in which large ones do not drown small ones, to estimate how alike the rows of a cluster are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from audit.counting.family_moments import CELLS, Cells
from audit.stats.arrays import FloatArray, IntArray
from audit.stats.clusters import (
    CLASSES,
    Bundles,
    ClassSums,
    Evened,
    WeightedRate,
    evened_powers,
    evened_weight,
    size_class,
)

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
        counted = [of for cell, of in zip(self.cells, by_cell, strict=True) if CELLS[cell] in cells[0]]
        weight = np.sum(by_cell, axis=0) if by_cell else np.zeros(squares.shape)
        found = (np.sum(counted, axis=0) if counted else np.zeros(squares.shape)) if cells[0] else None
        sums = ClassSums(found, weight, squares)
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
    own = _Clusters(weight, squared)
    by_cluster = np.array([np.bincount(cluster, of) for of in (*weight, squared)], dtype=np.float64)
    everyone = _Clusters(by_cluster[:-1], by_cluster[-1])
    of_pair = everyone[cluster]
    rest = of_pair.without(own)

    def by_group(values: FloatArray) -> FloatArray:
        return np.asarray(np.bincount(group, values, groups), dtype=np.float64)

    def of_rests(whole: FloatArray, there: FloatArray, left: FloatArray) -> FloatArray:
        # a cluster without a row of the group counts for its rest as it is, the others as the group leaves them
        return np.asarray(whole.sum() + by_group(left - there), dtype=np.float64)

    size = len(weight)
    own_products, rest_products = np.zeros((groups, size, size)), np.zeros((groups, size, size))
    for i in range(size):
        for j in range(i + 1):
            own_products[:, i, j] = own_products[:, j, i] = by_group(own.product(i, j))
            products = (each.product(i, j) for each in (everyone, of_pair, rest))
            rest_products[:, i, j] = rest_products[:, j, i] = of_rests(*products)
    powers = zip(everyone.powers, of_pair.powers, rest.powers, strict=True)
    whole = everyone.by_class(np.zeros(len(everyone.total), dtype=np.int64), 1, largest)
    changes = rest.by_class(group, groups, largest) - of_pair.by_class(group, groups, largest)
    return EvenedSums(
        cells=cells,
        products=(own_products, rest_products),
        sizes=(
            np.stack([by_group(values) for values in own.powers]),
            np.stack([np.maximum(of_rests(*each), 0.0) for each in powers]),
        ),
        classes=(own.by_class(group, groups, largest), np.maximum(whole + changes, 0.0)),
    )


class _Clusters:
    """K clusters, or the parts of clusters in pairs: float64[P, K] of weight in each cell, and float64[K] of
    squares.
    """

    def __init__(self, weight: FloatArray, squared: FloatArray) -> None:
        self._weight, self._squared = weight, squared
        self.total: FloatArray = weight.sum(axis=0)
        self._h = evened_weight(self.total, squared)

    def __getitem__(self, place: IntArray) -> _Clusters:
        return _Clusters(self._weight[:, place], self._squared[place])

    def without(self, own: _Clusters) -> _Clusters:
        """The rest of each cluster without the part `own`."""
        some = self.total - own.total > _NOTHING * self.total
        return _Clusters(
            np.where(some, self._weight - own._weight, 0.0), np.where(some, self._squared - own._squared, 0.0)
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
        summed = [np.bincount(at, np.where(self._h > 0.0, of, 0.0), size) for of in values]
        return np.stack([of.reshape(groups, CLASSES) for of in summed])
