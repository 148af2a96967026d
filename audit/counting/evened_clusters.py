"""Sums over clusters that do not let large ones drown small ones: what they tell of how alike rows of a cluster are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audit.stats.own_correlation import Evened, evened_powers, evened_weight

__all__ = ["EvenedSums", "evened_sums"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_NOTHING = 1e-9
"""A share of a cluster's weight that is nothing but rounding."""


@dataclass(frozen=True, slots=True)
class EvenedSums:
    """Of G groups and of their rests, over the P cells of one denominator."""

    cells: IntArray
    """int64[P]: places of the cells."""
    products: tuple[FloatArray, FloatArray]
    """float64[G, P, P]: sums over clusters of ``h`` times the products of two cells, of the groups and of the rests."""
    sizes: tuple[FloatArray, FloatArray]
    """float64[8, G]: clusters of two rows or more, over them the sums of hQ, hB^2, (hQ)^2, hQ hB^2 and (hB^2)^2, and
    those of B and B^2."""

    def of(self, rate: FloatArray, total: FloatArray, way: FloatArray, *, rest: bool) -> Evened:
        """With the rates, all weight, and float64[G, 9], what a unit of weight in each cell adds to ``A - rate B``."""
        way = way[:, self.cells]
        half = (way[:, :, np.newaxis] * self.products[rest]).sum(axis=1)
        residual = np.maximum((half * way).sum(axis=1), 0.0)
        return Evened.of_sums(rate, residual, total, self.sizes[rest])


def _left(
    all_total: FloatArray, all_squared: FloatArray, total: FloatArray, squared: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """float64[M] each: sums of weights and of their squares that a pair leaves of its cluster."""
    left = all_total - total
    some = left > _NOTHING * all_total
    return np.where(some, left, 0.0), np.where(some, all_squared - squared, 0.0)


def evened_sums(
    cluster: IntArray, group: IntArray, groups: int, cells: IntArray, weight: FloatArray, squared: FloatArray
) -> EvenedSums:
    """From M pairs of a cluster and a group that share rows.

    Parameters
    ----------
    cluster, group : ndarray of int64, shape (M,)
        Of each pair.
    groups : int
        G.
    cells : ndarray of int64, shape (P,)
        Places of the denominator's cells, of which `weight` has the sums.
    weight : ndarray of float64, shape (P, M)
        Sum of the weights of the pair's rows in each of them.
    squared : ndarray of float64, shape (M,)
        Sum of the squares of all of them.
    """

    def by_group(values: FloatArray) -> FloatArray:
        return np.asarray(np.bincount(group, values, groups), dtype=np.float64)

    def by_cluster(values: FloatArray) -> FloatArray:
        return np.asarray(np.bincount(cluster, values), dtype=np.float64)

    total = weight.sum(axis=0)
    all_total, all_squared = by_cluster(total), by_cluster(squared)
    all_weight = np.stack([all_total * 0.0, *(by_cluster(cell) for cell in weight)])[1:]
    others = all_weight[:, cluster] - weight
    left, left_squared = _left(all_total[cluster], all_squared[cluster], total, squared)
    own_h, all_h, rest_h = (
        evened_weight(total, squared),
        evened_weight(all_total, all_squared),
        evened_weight(left, left_squared),
    )
    size = len(weight)
    own_products, rest_products = np.zeros((groups, size, size)), np.zeros((groups, size, size))
    for i in range(size):
        for j in range(i + 1):
            own_products[:, i, j] = own_products[:, j, i] = by_group(own_h * weight[i] * weight[j])
            whole = all_h * all_weight[i] * all_weight[j]
            # a cluster without a row of the group counts for its rest as it is, the others as the group leaves them
            changes = by_group(rest_h * others[i] * others[j] - whole[cluster])
            rest_products[:, i, j] = rest_products[:, j, i] = whole.sum() + changes
    everyone = evened_powers(all_h, all_total, all_squared)
    rests = evened_powers(rest_h, left, left_squared)
    return EvenedSums(
        cells=cells,
        products=(own_products, rest_products),
        sizes=(
            np.stack([by_group(values) for values in evened_powers(own_h, total, squared)]),
            np.stack(
                [
                    np.maximum(whole.sum() + by_group(rest - whole[cluster]), 0.0)
                    for whole, rest in zip(everyone, rests, strict=True)
                ]
            ),
        ),
    )
