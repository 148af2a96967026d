"""Sums of design weights and clusters, from which the variance of every rate follows.

Sums of design weights and clusters, from which the variance of every rate of every group follows.

Shares of the levels of a feature among some cases, for rows that have weights or belong to clusters.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from audit.counting.clusters import ClusterTable
from audit.counting.family_moments import FamilyMoments, WeightTable, indicator
from audit.counting.table import FamilyCounts, climbed_codes
from audit.stats.arrays import FloatArray, IntArray
from audit.vocabulary.groups import Family, SensitiveFeature
from audit.vocabulary.metrics import Cell


@dataclass(frozen=True, slots=True)
class Moments:
    """Sums of weights over rows and clusters, by finest group."""

    features: tuple[SensitiveFeature, ...]
    """The sensitive features, in the order of the codes."""
    codes: tuple[tuple[str, ...], ...]
    """K finest groups, in the order of the table's group axis: a code of each feature."""
    table: WeightTable | ClusterTable
    """Sums over single rows, or over clusters of rows."""
    unit: float = 1.0
    """Weight of one unit."""
    weighted: bool = False
    """Whether the plan has weights."""
    clustered: bool = False
    """Whether the plan has clusters with more than one row."""
    _families: dict[tuple[Family, int], FamilyMoments] = field(default_factory=dict, compare=False, repr=False)

    def of(self, counts: FamilyCounts) -> FamilyMoments:
        """The moments of the groups of `counts`, in their order. Computed once for a family."""
        key = (counts.family, len(counts.groups))
        if key not in self._families:
            self._families[key] = self.table.family(self.places(counts), len(counts.groups), self.unit)
        return self._families[key]

    def places(self, counts: FamilyCounts) -> IntArray:
        """int64[K]: the group of `counts` that each finest group is a part of."""
        features = {feature.name: feature for feature in self.features}
        at = {tuple(level.code for level in group.levels): index for index, group in enumerate(counts.groups)}
        keys = climbed_codes(self.codes, list(features), counts.family, features)
        return np.array([at[key] for key in keys], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Composition:
    """Shares of G levels among the levels that are compared."""

    share: FloatArray
    """float64[G]: share by weight; 0 for a level that is not compared, and for all levels without any case."""
    variance: FloatArray
    """float64[G]: linearised variance of the share; inf for fewer than two clusters."""


def composition(
    moments: Moments, family: FamilyCounts, cells: Iterable[Cell], compared: npt.NDArray[np.bool_]
) -> Composition:
    """Compute the composition of the cases in some cells; `compared` is bool[G], the levels that are compared.

    Notes
    -----
    A share is a ratio of sums over clusters (or rows, without clusters): with the weight A_k of a cluster in the level
    and B_k in all compared levels, ``s = sum A / sum B``; the variance is ``K/(K-1) sum (A - s B)^2 / (sum B)^2``.
    """
    places, picked = moments.places(family), indicator(cells)
    if isinstance(moments.table, WeightTable):
        return _of_rows(moments.table, places, picked, compared)
    return _of_clusters(moments.table, places, picked, compared)


def _of_rows(table: WeightTable, places: IntArray, picked: FloatArray, compared: npt.NDArray[np.bool_]) -> Composition:
    first, second, rows = (
        np.bincount(places, values @ picked, compared.size) * compared
        for values in (table.first, table.second, table.cases)
    )
    total = max(float(first.sum()), 1.0)
    share = first / total
    spread = second * (1.0 - 2.0 * share) + share**2 * second.sum()
    return _linearised(share, spread, total, float(rows.sum()))


def _of_clusters(
    table: ClusterTable, places: IntArray, picked: FloatArray, compared: npt.NDArray[np.bool_]
) -> Composition:
    level, weight = places[table.finest], picked @ table.weight
    is_counted = compared[level] & (weight > 0.0)
    keys, at = np.unique(table.cluster[is_counted] * compared.size + level[is_counted], return_inverse=True)
    of_level = np.bincount(at, weight[is_counted], keys.size)
    cluster, level = keys // compared.size, keys % compared.size
    cluster_weight = np.bincount(cluster, of_level)
    total = max(float(cluster_weight.sum()), 1.0)
    share = np.bincount(level, of_level, compared.size) / total
    within_level, with_all = (
        np.bincount(level, values, compared.size) for values in (of_level**2, of_level * cluster_weight[cluster])
    )
    spread = within_level - 2.0 * share * with_all + share**2 * np.square(cluster_weight).sum()
    return _linearised(share, spread, total, float(np.count_nonzero(cluster_weight)))


def _linearised(share: FloatArray, spread: FloatArray, total: float, clusters: float) -> Composition:
    if clusters < 2.0:
        return Composition(share, np.full(share.shape, np.inf))
    return Composition(share, np.maximum(spread, 0.0) / total**2 * clusters / (clusters - 1.0))
