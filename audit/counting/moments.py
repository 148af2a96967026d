"""Sums of design weights and clusters, from which the variance of every rate of every group follows."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from audit.counting.clusters import ClusterTable
from audit.counting.family_moments import FamilyMoments
from audit.counting.table import FamilyCounts, climbed_codes
from audit.counting.weights import WeightTable
from audit.stats.arrays import IntArray
from audit.vocabulary.groups import Family, SensitiveFeature


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
        at = {tuple(level.code for level in group.levels): place for place, group in enumerate(counts.groups)}
        keys = climbed_codes(self.codes, list(features), counts.family, features)
        return np.array([at[key] for key in keys], dtype=np.int64)
