"""Groups that can be judged alone, and the larger group that stands for each of the others.

Labels decide it, never predictions, but for precision, and for strata made by the decision: the cases of a rate whose
denominator is made of decisions, and what cases of such strata are worth, are known only after scoring.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import compress
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from audit.analyses.missing_attributes import member_places
from audit.analyses.sides import possible_cases
from audit.counting.table import FamilyCounts, is_finest, rule_families
from audit.plan.audit_plan import AuditPlan, Rule
from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.verdicts.climb import Climb
from audit.verdicts.planned_people import (
    EffectiveSizes,
    PlannedPeople,
    cases_to_be_alone,
    chance_to_miss,
    is_beyond_help,
)
from audit.vocabulary.groups import Family, Group, SensitiveFeature
from audit.vocabulary.metrics import METRICS

if TYPE_CHECKING:
    from audit.counting.moments import Moments

_LEAST_MISSED: Final = 1e-9
"""Chance of no pass below which no size is planned."""


class FamilyDecidability(NamedTuple):
    """What the labels allow a rule to say about the G groups of a family."""

    family: Family
    groups: tuple[Group, ...]
    cases: IntArray
    """int64[G]: cases of the metric's denominator in each group, unscored ones included."""
    rest_cases: IntArray
    """int64[G]: cases of the metric's denominator in the rest of each group, unscored ones included."""
    required: FloatArray
    """float64[G]: cases with which a group would be judged alone; inf where no number would do."""
    evaluable: BoolArray
    """bool[G]: whether a rate may be stated for the group and its rest, and no other group stands for its people."""
    decidable: BoolArray
    """bool[G]: whether the group is judged alone."""
    planned: PlannedPeople
    """What the cases are worth, and whose people may belong to each group."""
    too_few_clusters: BoolArray
    """bool[G]: whether there are too few clusters, or too few degrees of freedom after weights and sizes, to judge the
    group.
    """
    too_few_to_pass: BoolArray
    """bool[G]: whether the group has the cases, but from so few clusters that all of them could be good ones by
    chance.
    """
    miss: FloatArray
    """float64[G]: planned chance that the group would not pass if it were treated like everyone else."""
    beyond_help: BoolArray
    """bool[G]: whether no number of cases would do, so many people are unknown who may belong to the group."""
    repeats: Mapping[Group, Group] = MappingProxyType({})
    """Groups that hold the same people as another group of the rule, and the one that stands for both."""

    @property
    def places(self) -> list[int]:
        """Places of the groups that have a verdict of their own."""
        return [place for place, group in enumerate(self.groups) if group not in self.repeats]

    def required_cases(self, place: int) -> int | None:
        """Return the cases with which a group would be judged alone; None where no number would do."""
        required = float(self.required[place])
        return math.ceil(required) if math.isfinite(required) else None


class RuleDecidability(NamedTuple):
    """Decidability of all families of a rule, with the way up the ladder."""

    families: tuple[FamilyDecidability, ...]
    judged_as: Mapping[Group, Group | None]
    """For each group that is not judged alone: the smallest group above it that is judged alone, or None."""
    coverage: Mapping[Family, float | None]
    """For each family: the share of its people in groups that are judged, alone or as a part."""
    lowest_coverage: float | None
    """Smallest coverage of the families on the finest rung; None where one of them has nobody."""
    same_people: Mapping[Group, tuple[Group, ...]]
    """Other groups of the rule that hold the same people as a group, and have no verdict of their own."""
    climb: Climb
    """Ways up the ladders among all groups of the rule."""


def rule_decidability(
    plan: AuditPlan,
    rule: Rule,
    families: Mapping[Family, FamilyCounts],
    features: Mapping[str, SensitiveFeature],
    moments: Moments | None = None,
) -> RuleDecidability:
    """Find the groups of `rule` that can be judged alone, those judged as a part of a larger one, and the coverage.

    The plan's power holds for each group by itself; `audit.verdicts.joint_power` has what holds for all together.
    """
    climb = Climb.of(plan, [families[family] for family in rule_families(plan, rule)], features)
    return decidability_on_the_ladder(plan, families_decidability(plan, rule, families, climb, moments), climb)


def families_decidability(
    plan: AuditPlan, rule: Rule, families: Mapping[Family, FamilyCounts], climb: Climb, moments: Moments | None
) -> tuple[FamilyDecidability, ...]:
    """Find the groups of every family of `rule` that can be judged alone, the same people once."""
    counts = [families[family] for family in rule_families(plan, rule)]
    designs = [effective_sizes(plan, rule, family, moments) for family in counts]
    planned = PlannedPeople.side_by_side(
        [
            PlannedPeople(
                of.people,
                possible_cases(family, METRICS[rule.metric])[0] * of.worth,
                of.rest_size,
                member_places(family),
            )
            for family, of in zip(counts, designs, strict=True)
        ]
    )
    every = map(
        _Foreseen,
        designs,
        planned.families,
        planned.split(cases_to_be_alone(plan, rule, planned, plan.verdict.power)),
        planned.split(chance_to_miss(plan, rule, planned)),
        planned.split(is_beyond_help(plan, rule, planned)),
    )
    judged = [_family_decidability(plan, rule, *one, moments) for one in zip(counts, every, strict=True)]
    return people_once(judged, climb)


class _Foreseen(NamedTuple):
    """What the labels foresee of the groups of a family; see `FamilyDecidability`."""

    design: EffectiveSizes
    planned: PlannedPeople
    cases: FloatArray
    """float64[G]: independent cases with which a group that is treated like everyone else passes."""
    miss: FloatArray
    beyond_help: BoolArray


def people_once(judged: Sequence[FamilyDecidability], climb: Climb) -> tuple[FamilyDecidability, ...]:
    """Leave people who are several groups of a rule to one of them, so that they are tested once."""
    found = []
    for family in judged:
        own = np.array([group not in climb.repeats for group in family.groups], dtype=np.bool_)
        evaluable, decidable = family.evaluable & own, family.decidable & own
        found.append(family._replace(evaluable=evaluable, decidable=decidable, repeats=climb.repeats))
    return tuple(found)


def decidability_on_the_ladder(
    plan: AuditPlan, judged: tuple[FamilyDecidability, ...], climb: Climb
) -> RuleDecidability:
    """Find the larger group for each group that is not judged alone, and the coverage of every family."""
    decidable = [family.decidable for family in judged]
    groups = [group for family in judged for group in family.groups]
    alone = climb.alone(decidable)
    nearest = np.take_along_axis(climb.above, np.argmax(alone[climb.above], axis=0)[np.newaxis], axis=0)[0].tolist()
    judged_as = {
        groups[at]: groups[climb.kept[nearest[at]]] if alone[nearest[at]] else None
        for at in np.flatnonzero(~alone[:-1]).tolist()
    }
    coverage = climb.coverage({family.family: family.planned.people for family in judged}, decidable)
    base = [coverage[family.family] for family in judged if is_finest(plan, family.family)]
    known = [share for share in base if share is not None]
    same: dict[Group, tuple[Group, ...]] = {}
    for group, kept in climb.repeats.items():
        same[kept] = (*same.get(kept, ()), group)
    return RuleDecidability(judged, judged_as, coverage, min(known) if len(known) == len(base) else None, same, climb)


def _family_decidability(
    plan: AuditPlan,
    rule: Rule,
    family: FamilyCounts,
    of: _Foreseen,
    moments: Moments | None,
) -> FamilyDecidability:
    n, m = possible_cases(family, METRICS[rule.metric])
    required = _required_cases(plan, family.family, of.cases, of.design)
    wanted = np.zeros(n.shape)
    if moments is not None:
        from audit.verdicts.design_sizes import cases_for_clusters

        wanted = cases_for_clusters(plan, rule, family, moments)
    too_few_to_pass = (n >= required) & (n < wanted)
    required = np.maximum(required, wanted)
    floor = plan.verdict.min_denominator
    evaluable = (n >= floor) & (m >= floor)
    return FamilyDecidability(
        family=family.family,
        groups=family.groups,
        cases=n,
        rest_cases=m,
        required=required,
        evaluable=evaluable,
        decidable=evaluable & (n >= required),
        planned=of.planned,
        too_few_clusters=of.design.too_few_clusters,
        too_few_to_pass=too_few_to_pass,
        miss=of.miss,
        beyond_help=of.beyond_help,
    )


def with_fewer_alone(
    plan: AuditPlan, rule: Rule, judged: Sequence[FamilyDecidability], most_missed: Sequence[float]
) -> tuple[FamilyDecidability, ...]:
    """Judge alone only groups that miss a pass with at most the chance of their family, where the plan says `"auto"`.

    A group that no number of cases would help stays: what it lacks is who the unknown are, and its verdict says so.
    """
    asked = [most < 1.0 and is_auto(plan, family.family) for family, most in zip(judged, most_missed, strict=True)]
    if not any(asked):
        return tuple(judged)
    planned = PlannedPeople.side_by_side([family.planned for family in compress(judged, asked)])
    sizes = [family.people.size for family in planned.families]
    missed = np.repeat(np.maximum(list(compress(most_missed, asked)), _LEAST_MISSED), sizes)
    cases = iter(planned.split(cases_to_be_alone(plan, rule, planned, 1.0 - missed)))
    return tuple(
        _with_fewer_alone(family, most, next(cases)) if is_asked else family
        for family, most, is_asked in zip(judged, most_missed, asked, strict=True)
    )


def _with_fewer_alone(family: FamilyDecidability, most_missed: float, cases: FloatArray) -> FamilyDecidability:
    n, worth = family.cases, family.planned.size / np.maximum(family.cases, 1)
    decidable = stays_alone(family, most_missed)
    required = np.maximum(family.required, np.ceil(cases / np.where(worth > 0.0, worth, 1.0)))
    # planned sizes and chances are two approximations; the chance decides
    required = np.where(decidable, np.minimum(required, n), required)
    required = np.where(family.decidable & ~decidable, np.maximum(required, n + 1), required)
    return family._replace(decidable=decidable, required=required)


def stays_alone(family: FamilyDecidability, most_missed: float) -> BoolArray:
    """bool[G]: groups judged alone that miss a pass with at most this chance, or that no number of cases would help."""
    return family.decidable & ((family.miss <= most_missed) | family.beyond_help)


def is_auto(plan: AuditPlan, family: Family) -> bool:
    """Say whether the plan leaves it to the labels who of a family is judged alone."""
    return any(plan.groups[axis.feature].min_cases == "auto" for axis in family.axes)


def effective_sizes(
    plan: AuditPlan,
    rule: Rule,
    family: FamilyCounts,
    moments: Moments | None,
    at: FloatArray | None = None,
) -> EffectiveSizes:
    """Compute what the cases of every group and of its rest are worth: to be judged alone, or in tests at planned
    levels `at`.
    """
    n, m = possible_cases(family, METRICS[rule.metric])
    nowhere = np.zeros(n.shape, dtype=np.bool_)
    whole = EffectiveSizes(n.astype(np.float64), np.ones(n.shape), m.astype(np.float64), nowhere)
    if moments is None:
        return whole
    from audit.verdicts.design_sizes import sizes_by_design

    return sizes_by_design(plan, rule, family, moments, at, whole)


def _required_cases(plan: AuditPlan, family: Family, cases: FloatArray, design: EffectiveSizes) -> FloatArray:
    declared: Sequence[int | str] = [plan.groups[axis.feature].min_cases for axis in family.axes]
    least = [plan.verdict.min_denominator, *(number for number in declared if isinstance(number, int))]
    required = np.full(design.worth.shape, float(max(least)))
    if "auto" in declared:
        required = np.maximum(required, np.ceil(cases / design.worth))
    return np.where(design.too_few_clusters, np.inf, required)
