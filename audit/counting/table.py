"""The counts table, the waist of the house: group x label x decision, as integers that add up with `+`; and the
families of groups that a plan asks for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from audit.plan.audit_plan import Rule
from audit.plan.sections import Groups, feature_rungs
from audit.stats.arrays import IntArray, added, numbered
from audit.vocabulary.groups import Axis, Family, Group, Level, SensitiveFeature
from audit.vocabulary.metrics import Cell, Metric, MetricName

POSITIVE, NEGATIVE, UNLABELLED = range(3)
"""Indices of the label axis of `CountsTable.cells`."""
FLAGGED, NOT_FLAGGED, ABSTAINED, FAILED = range(4)
"""Indices of the decision axis of `CountsTable.cells`, and the codes of a decision everywhere in the harness."""
DECISIONS: Final = FAILED + 1
"""How many decisions there are. A label and a decision travel as one code: `label * DECISIONS + decision`."""

NEAR: Final = 1e-6
"""Distance from the threshold within which rounding alone can move a score to the other side."""

UNKNOWN: Final = "unknown"
"""The level of a missing attribute: a group like any other."""

_WHERE: Final[Mapping[Cell, tuple[int, tuple[int, ...]]]] = {
    Cell.TP: (POSITIVE, (FLAGGED,)),
    Cell.FN: (POSITIVE, (NOT_FLAGGED,)),
    Cell.FP: (NEGATIVE, (FLAGGED,)),
    Cell.TN: (NEGATIVE, (NOT_FLAGGED,)),
    Cell.UNLABELLED_FLAGGED: (UNLABELLED, (FLAGGED,)),
    Cell.UNLABELLED_NOT_FLAGGED: (UNLABELLED, (NOT_FLAGGED,)),
    Cell.UNSCORED_POSITIVE: (POSITIVE, (ABSTAINED, FAILED)),
    Cell.UNSCORED_NEGATIVE: (NEGATIVE, (ABSTAINED, FAILED)),
    Cell.UNSCORED_UNLABELLED: (UNLABELLED, (ABSTAINED, FAILED)),
}


class FamilyCounts(NamedTuple):
    """The counts of groups that stand side by side. They share rows only where a person has several nationalities."""

    family: Family
    groups: tuple[Group, ...]
    """G groups, sorted by their codes."""
    cells: IntArray
    """int64[G, 3, 4]: label x decision of each group."""
    everyone: IntArray
    """int64[3, 4]: label x decision of the whole set."""
    parts: Mapping[Level, tuple[str, ...]] = MappingProxyType({})
    """For each level that holds people of several nationalities: the codes of these nationalities."""

    @property
    def is_overlapping(self) -> bool:
        """Whether a row can stand in several of the groups, so that they add up to more than everyone."""
        return not np.array_equal(self.cells.sum(axis=0), self.everyone)

    def cell(self, cell: Cell) -> IntArray:
        """int64[G]: one cell of each group."""
        return _pick(self.cells, (cell,))

    def total(self, cells: Sequence[Cell]) -> IntArray:
        """int64[G]: the sum of several cells of each group."""
        return _pick(self.cells, cells)

    def rest(self, cells: Sequence[Cell]) -> IntArray:
        """int64[G]: the sum of several cells over everyone who is not in the group."""
        return _pick(self.everyone[np.newaxis], cells) - _pick(self.cells, cells)

    def numerator(self, metric: Metric) -> IntArray:
        """int64[G]: the metric's numerator in each group."""
        return self.total(metric.numerator)

    def denominator(self, metric: Metric) -> IntArray:
        """int64[G]: the metric's denominator in each group."""
        return self.total(metric.denominator)


@dataclass(frozen=True, slots=True)
class CountsTable:
    """Counts of the finest groups: one code of every sensitive feature. Every other group is a sum of these."""

    features: tuple[str, ...]
    """The sensitive features, in the order of the plan."""
    codes: tuple[tuple[str, ...], ...]
    """K finest groups, sorted: a code of each feature on its finest rung."""
    cells: IntArray
    """int64[K, 3, 4]: label (positive, negative, unlabelled) x decision (flagged, not flagged, abstained, failed). Of
    decisions by two audits [K, 3, 4, 4]."""

    @classmethod
    def of(cls, features: Sequence[str], rows: Mapping[tuple[str, ...], IntArray]) -> CountsTable:
        """Make a table from one int64[3, 4] per finest group. Raises ValueError if a key has not a code per feature."""
        if any(len(key) != len(features) for key in rows):
            raise ValueError("a group needs one code for each feature")
        codes = tuple(sorted(rows))
        cells = np.stack([rows[key] for key in codes]) if codes else np.zeros((0, 3, 4), dtype=np.int64)
        return cls(tuple(features), codes, cells)

    def __add__(self, other: CountsTable) -> CountsTable:
        if self.features != other.features:
            raise ValueError("only tables over the same features can be added")
        rows: dict[tuple[str, ...], IntArray] = dict(zip(self.codes, self.cells, strict=True))
        for key, cells in zip(other.codes, other.cells, strict=True):
            rows[key] = rows[key] + cells if key in rows else cells
        return CountsTable.of(self.features, rows)

    @property
    def everyone(self) -> IntArray:
        """int64[3, 4]: label x decision of the whole set."""
        everyone: IntArray = self.cells.sum(axis=0, dtype=np.int64)
        return everyone

    def family(self, family: Family, features: Mapping[str, SensitiveFeature]) -> FamilyCounts:
        """Sum the finest groups up to the groups of `family`, climbing each feature's ladder to the rung of its axis.

        Groups that are expected on every axis are included, with counts of 0 if the set does not have them.
        """
        keys = climbed_codes(self.codes, self.features, family, features)
        wanted = []
        for axis in family.axes:
            climb = ladder_map(features[axis.feature], axis.rung)
            wanted.append({climb[code] for code in features[axis.feature].expected})
        distinct, at = numbered([*keys, *product(*wanted)])
        cells = added((len(distinct), *self.cells.shape[1:]), at[: len(keys)], self.cells)
        groups = tuple(group_of_codes(family.axes, key) for key in distinct)
        return FamilyCounts(family, groups, cells, self.everyone, parts_of(family, features))


def parts_of(family: Family, features: Mapping[str, SensitiveFeature]) -> dict[Level, tuple[str, ...]]:
    """For each level of a family that holds people of several nationalities: the codes of these nationalities."""
    return {
        Level(axis.feature, axis.rung, level.code): level.parts
        for axis in family.axes
        for level in features[axis.feature].levels
        if level.rung == axis.rung and level.parts
    }


def ladder_map(feature: SensitiveFeature, rung: str) -> dict[str, str]:
    """Map each code on the finest rung to the code on `rung` that it is a part of."""
    parents = {(level.rung, level.code): level.parent for level in feature.levels}
    climbed = {level.code: level.code for level in feature.levels if level.rung == feature.rungs[0]}
    for below in feature.rungs[: feature.rungs.index(rung)]:
        climbed = {finest: parents[below, code] or code for finest, code in climbed.items()}
    return climbed


def climbed_codes(
    codes: Sequence[tuple[str, ...]], names: Sequence[str], family: Family, features: Mapping[str, SensitiveFeature]
) -> list[tuple[str, ...]]:
    """For each finest group, the codes of the group of `family` that it is a part of; `names` are its features."""
    columns = [[code[position] for code in codes] for position in (names.index(axis.feature) for axis in family.axes)]
    climbs = [ladder_map(features[axis.feature], axis.rung) for axis in family.axes]
    climbed = (map(climb.__getitem__, column) for climb, column in zip(climbs, columns, strict=True))
    return list(zip(*climbed, strict=True)) or [()] * len(codes)


def group_of_codes(axes: Sequence[Axis], key: Sequence[str]) -> Group:
    """The group with one code for each axis of a family."""
    levels = tuple(Level(axis.feature, axis.rung, code) for axis, code in zip(axes, key, strict=True))
    return Group.model_construct(root=levels)


def cells_mask(wanted: Sequence[Cell]) -> npt.NDArray[np.bool_]:
    """bool[3, 4]: the labels and decisions that make up these cells."""
    mask = np.zeros((UNLABELLED + 1, DECISIONS), dtype=np.bool_)
    for cell in wanted:
        label, decisions = _WHERE[cell]
        mask[label, list(decisions)] = True
    return mask


def _pick(cells: IntArray, wanted: Sequence[Cell]) -> IntArray:
    picked = np.zeros(cells.shape[0], dtype=np.int64)
    for cell in wanted:
        label, decisions = _WHERE[cell]
        for decision in decisions:
            picked += cells[:, label, decision]
    return picked


EVERYONE: Final = Group.model_construct(())
"""Group of no levels: all rows of the set."""


def everyone_as_family(table: CountsTable) -> FamilyCounts:
    """Make the whole set a family of one group, so that it is counted by the same code as every other."""
    return FamilyCounts(Family(()), (EVERYONE,), table.everyone[np.newaxis], table.everyone)


def rule_families(group_features: Groups, rule: Rule) -> tuple[Family, ...]:
    """List every family over which `rule` is judged: each feature set on each combination of rungs, the finest
    first.
    """
    families: dict[Family, None] = {}
    for features in rule.feature_sets:
        for family in _families_on_every_rung(group_features, features):
            families[family] = None
    return tuple(families)


def plan_families(group_features: Groups, rules: Sequence[Rule]) -> tuple[Family, ...]:
    """List every family that a result shows: each feature by itself on each rung, then the families of the rules."""
    families: dict[Family, None] = {}
    for feature in group_features:
        for family in _families_on_every_rung(group_features, (feature,)):
            families[family] = None
    for rule in rules:
        for family in rule_families(group_features, rule):
            families[family] = None
    return tuple(families)


MOST_GROUPS: Final = 60
"""Most groups that a family of several features may have for further questions to list its groups."""

ERROR_RATES: Final[tuple[MetricName, ...]] = ("true_positive_rate", "false_positive_rate")
"""Rates that further questions are always asked about, whether a rule limits them or not: missed, wrongly flagged."""


def is_listed(family: FamilyCounts) -> bool:
    """Say whether further questions are answered group by group: for one feature always, for several where groups are
    few.
    """
    return len(family.family.axes) == 1 or len(family.groups) <= MOST_GROUPS


def is_finest(group_features: Groups, family: Family) -> bool:
    """Say whether every axis stands on the finest rung of its feature."""
    return all(axis.rung == feature_rungs(group_features, axis.feature)[0] for axis in family.axes)


Parents = Mapping[tuple[str, str, str], str]
"""Code one rung up, by feature, rung and code."""


def ladder_parents(features: Mapping[str, SensitiveFeature]) -> Parents:
    """Return every step up the ladders of `features`; a code without a region above it stands for itself."""
    return {
        (feature.name, level.rung, level.code): level.parent or level.code
        for feature in features.values()
        for level in feature.levels
    }


def levels_above(
    group_features: Groups, family: Family, groups: Sequence[Group], parents: Parents
) -> Iterator[list[tuple[Level, ...]]]:
    """Yield for each group of a family the levels of the larger groups of which it is a part: one for each rung above,
    the nearest first, every axis a rung higher that has one.
    """
    ladders = [
        feature_rungs(group_features, axis.feature)[feature_rungs(group_features, axis.feature).index(axis.rung) :]
        for axis in family.axes
    ]
    for group in groups:
        levels, above = group.levels, []
        for height in range(1, max(map(len, ladders), default=0)):
            levels = tuple(
                Level(level.feature, ladder[height], parents[level]) if height < len(ladder) else level
                for level, ladder in zip(levels, ladders, strict=True)
            )
            above.append(levels)
        yield above


def repeated_groups(families: Sequence[FamilyCounts], features: Mapping[str, SensitiveFeature]) -> dict[Group, Group]:
    """Map each group that holds the same people as another of these families to the one that stands for both.

    A region with one country in the set is that country; a country with women alone is its women. The group with the
    fewest features stands for them, and of its rungs the finest. Rows decide it, never an answer of the detector.
    """
    ordered = sorted((family for family in families if family.groups), key=lambda family: len(family.family.axes))
    rows = [family.cells.sum(axis=(1, 2)).tolist() for family in ordered]
    order = {group: index for index, group in enumerate(group for family in ordered for group in family.groups)}
    representative: dict[Group, Group] = {}

    def found(group: Group) -> Group:
        while group in representative:
            group = representative[group]
        return group

    for inner, own_rows in zip(ordered, rows, strict=True):
        for outer, outer_rows in zip(ordered, rows, strict=True):
            climbs = _climbs(inner.family, outer.family, features)
            if climbs is None:
                continue
            wide = {tuple(level.code for level in group.levels): at for at, group in enumerate(outer.groups)}
            sizes = set(outer_rows)
            for group, size in zip(inner.groups, own_rows, strict=True):
                if size == 0 or size not in sizes:
                    continue
                at = wide[tuple(climb[group.levels[index].code] for index, climb in climbs)]
                if outer_rows[at] == size:
                    first, other = sorted((found(group), found(outer.groups[at])), key=order.__getitem__)
                    if first != other:
                        representative[other] = first
    return {group: found(group) for group in representative}


def _climbs(
    inner: Family, outer: Family, features: Mapping[str, SensitiveFeature]
) -> list[tuple[int, Mapping[str, str]]] | None:
    """For each axis of `outer`: its place in `inner`, and the way up from code to code; None if `inner` is no part."""
    places = {axis.feature: axis_index for axis_index, axis in enumerate(inner.axes)}
    if inner == outer or not all(axis.feature in places for axis in outer.axes):
        return None
    climbs: list[tuple[int, Mapping[str, str]]] = []
    for axis in outer.axes:
        axis_index = places[axis.feature]
        feature, start = features[axis.feature], inner.axes[axis_index].rung
        if feature.rungs.index(start) > feature.rungs.index(axis.rung):
            return None
        low, high = ladder_map(feature, start), ladder_map(feature, axis.rung)
        climbs.append((axis_index, {code: high[finest] for finest, code in low.items()}))
    return climbs


def _families_on_every_rung(group_features: Groups, features: tuple[str, ...]) -> tuple[Family, ...]:
    ordered = [feature for feature in group_features if feature in features]
    combinations = product(*(feature_rungs(group_features, feature) for feature in ordered))
    return tuple(
        Family.model_construct(tuple(Axis(feature, rung) for feature, rung in zip(ordered, rungs, strict=True)))
        for rungs in combinations
    )


def count_families(
    group_features: Groups, rules: Sequence[Rule], counts: CountsTable, features: Sequence[SensitiveFeature]
) -> dict[Family, FamilyCounts]:
    """Add the counts up to every family that the plan asks for, in the order of reports."""
    by_name = {feature.name: feature for feature in features}
    return {family: counts.family(family, by_name) for family in plan_families(group_features, rules)}


def compared_families(group_features: Groups, rules: Sequence[Rule]) -> tuple[Family, ...]:
    """The families of a crosscheck: single features, then those that rules name; the finest rungs first."""
    alone = [
        family
        for family in plan_families(group_features, rules)
        if len(family.axes) == 1 and is_finest(group_features, family)
    ]
    named = dict.fromkeys([*alone, *(family for rule in rules for family in rule_families(group_features, rule))])
    return tuple(sorted(named, key=lambda family: not is_finest(group_features, family)))
