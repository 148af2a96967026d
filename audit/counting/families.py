"""Families of groups that stand side by side, as a plan asks for them, and the ladder between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Final

import numpy as np

from audit.counting.table import CountsTable, FamilyCounts, ladder_map
from audit.plan.audit_plan import AuditPlan, Rule
from audit.vocabulary.groups import Axis, Family, Group, Level, SensitiveFeature
from audit.vocabulary.metrics import MetricName

EVERYONE: Final = Group(())
"""Group of no levels: all rows of the set."""


def everyone_as_family(table: CountsTable) -> FamilyCounts:
    """Make the whole set a family of one group, so that it is counted by the same code as every other."""
    return FamilyCounts(Family(()), (EVERYONE,), table.everyone[np.newaxis], table.everyone)


def rule_families(plan: AuditPlan, rule: Rule) -> tuple[Family, ...]:
    """List every family over which `rule` is judged: each feature set on each combination of rungs, the finest
    first.
    """
    families: dict[Family, None] = {}
    for features in rule.feature_sets:
        for family in _families_on_every_rung(plan, features):
            families[family] = None
    return tuple(families)


def plan_families(plan: AuditPlan) -> tuple[Family, ...]:
    """List every family that a result shows: each feature by itself on each rung, then the families of the rules."""
    families: dict[Family, None] = {}
    for feature in plan.groups:
        for family in _families_on_every_rung(plan, (feature,)):
            families[family] = None
    for rule in plan.rules:
        for family in rule_families(plan, rule):
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


def is_finest(plan: AuditPlan, family: Family) -> bool:
    """Say whether every axis stands on the finest rung of its feature."""
    return all(axis.rung == plan.rungs(axis.feature)[0] for axis in family.axes)


Parents = Mapping[tuple[str, str, str], str]
"""Code one rung up, by feature, rung and code."""


def ladder_parents(features: Mapping[str, SensitiveFeature]) -> Parents:
    """Return every step up the ladders of `features`; a code without a region above it stands for itself."""
    return {
        (feature.name, level.rung, level.code): level.parent or level.code
        for feature in features.values()
        for level in feature.levels
    }


def groups_above(
    plan: AuditPlan, family: Family, groups: Sequence[Group], parents: Parents
) -> Iterator[tuple[Group, ...]]:
    """Yield for each group of a family the larger groups of which it is a part: one for each rung above, the nearest
    first, every axis a rung higher that has one.
    """
    ladders = [plan.rungs(axis.feature)[plan.rungs(axis.feature).index(axis.rung) :] for axis in family.axes]
    for group in groups:
        levels, above = group.levels, []
        for height in range(1, max(map(len, ladders), default=0)):
            levels = tuple(
                Level(level.feature, ladder[height], parents[level]) if height < len(ladder) else level
                for level, ladder in zip(levels, ladders, strict=True)
            )
            above.append(Group.model_construct(root=levels))
        yield tuple(above)


def repeated_groups(families: Sequence[FamilyCounts], features: Mapping[str, SensitiveFeature]) -> dict[Group, Group]:
    """Map each group that holds the same people as another of these families to the one that stands for both.

    A region with one country in the set is that country; a country with women alone is its women. The group with the
    fewest features stands for them, and of its rungs the finest. Rows decide it, never an answer of the detector.
    """
    ordered = sorted((family for family in families if family.groups), key=lambda family: len(family.family.axes))
    rows = [family.cells.sum(axis=(1, 2)).tolist() for family in ordered]
    order = {group: place for place, group in enumerate(group for family in ordered for group in family.groups)}
    stands: dict[Group, Group] = {}

    def found(group: Group) -> Group:
        while group in stands:
            group = stands[group]
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
                at = wide[tuple(climb[group.levels[place].code] for place, climb in climbs)]
                if outer_rows[at] == size:
                    kept, other = sorted((found(group), found(outer.groups[at])), key=order.__getitem__)
                    if kept != other:
                        stands[other] = kept
    return {group: found(group) for group in stands}


def _climbs(
    inner: Family, outer: Family, features: Mapping[str, SensitiveFeature]
) -> list[tuple[int, Mapping[str, str]]] | None:
    """For each axis of `outer`: its place in `inner`, and the way up from code to code; None if `inner` is no part."""
    places = {axis.feature: place for place, axis in enumerate(inner.axes)}
    if inner == outer or not all(axis.feature in places for axis in outer.axes):
        return None
    climbs: list[tuple[int, Mapping[str, str]]] = []
    for axis in outer.axes:
        place = places[axis.feature]
        feature, start = features[axis.feature], inner.axes[place].rung
        if feature.rungs.index(start) > feature.rungs.index(axis.rung):
            return None
        low, high = ladder_map(feature, start), ladder_map(feature, axis.rung)
        climbs.append((place, {code: high[finest] for finest, code in low.items()}))
    return climbs


def _families_on_every_rung(plan: AuditPlan, features: tuple[str, ...]) -> tuple[Family, ...]:
    ordered = [feature for feature in plan.groups if feature in features]
    combinations = product(*(plan.rungs(feature) for feature in ordered))
    return tuple(
        Family(tuple(Axis(feature, rung) for feature, rung in zip(ordered, rungs, strict=True)))
        for rungs in combinations
    )


def count_families(
    plan: AuditPlan, counts: CountsTable, features: Sequence[SensitiveFeature]
) -> dict[Family, FamilyCounts]:
    """Add the counts up to every family that the plan asks for, in the order of reports."""
    by_name = {feature.name: feature for feature in features}
    return {family: counts.family(family, by_name) for family in plan_families(plan)}


def compared_families(plan: AuditPlan) -> tuple[Family, ...]:
    """The families of a crosscheck: single features, then those that rules name; the finest rungs first."""
    alone = [family for family in plan_families(plan) if len(family.axes) == 1 and is_finest(plan, family)]
    named = dict.fromkeys([*alone, *(family for rule in plan.rules for family in rule_families(plan, rule))])
    return tuple(sorted(named, key=lambda family: not is_finest(plan, family)))
