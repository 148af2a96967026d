"""Groups that are judged alone, and the larger group that stands for each of the others.

Ways up the ladders: which groups hold the same people, and which larger groups each is a part of.

Groups that can be judged alone, and the larger group that stands for each of the others.

Labels decide it, never predictions, but for precision, and for strata made by the decision: the cases of a rate whose
denominator is made of decisions, and what cases of such strata are worth, are known only after scoring.

Who is judged alone, so that a detector that treats everyone alike passes the whole audit with the plan's power.

Power by group is not enough: of 300 groups that pass with 80 % each, all together never pass. So the smallest groups
are judged as a part of larger ones until the product of the chances of all that are left reaches the power. Labels
alone decide it, so that no error rate of a verdict changes; but for precision, and for strata made by the decision.
Which groups that a plan expects are missing is found here too.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import compress, product
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from audit.analyses.missing_attributes import member_places
from audit.analyses.sides import possible_cases
from audit.counting.table import FamilyCounts, is_finest, ladder_parents, levels_above, repeated_groups, rule_families
from audit.plan.audit_plan import AuditPlan, NamedRule, Rule
from audit.plan.evaluation_set import EvaluationSetSection
from audit.plan.sections import Groups, VerdictSection
from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.verdicts.planned_people import (
    EffectiveSizes,
    PlannedPeople,
    cases_for_clusters,
    cases_to_be_alone,
    chance_to_miss,
    is_beyond_help,
    sizes_by_design,
)
from audit.vocabulary.groups import Family, Group, Level, SensitiveFeature

if TYPE_CHECKING:
    from audit.counting.moments import Moments


class Climb(NamedTuple):
    """Ways up the ladders among all N groups of some families, as places in the list of them all; N is nobody."""

    repeats: Mapping[Group, Group]
    """Groups that hold the same people as another one, and the one that stands for both."""
    kept: IntArray
    """int64[N]: the group that stands for the same people, mostly the group itself."""
    above: IntArray
    """int64[H, N]: the larger groups of which it is a part, the nearest first."""

    @classmethod
    def of(
        cls, group_features: Groups, families: Sequence[FamilyCounts], features: Mapping[str, SensitiveFeature]
    ) -> Climb:
        """Number the groups of all families, one family after the other."""
        groups = [group for family in families for group in family.groups]
        same, parents = repeated_groups(families, features), ladder_parents(features)
        repeats = {group: same[group] for group in groups if group in same}
        index_of_levels = {group.levels: at for at, group in enumerate(groups)}
        ways = [
            way for family in families for way in levels_above(group_features, family.family, family.groups, parents)
        ]
        above = np.full(
            (max(map(len, ways), default=0) + 1, len(index_of_levels)), len(index_of_levels), dtype=np.int64
        )
        for at, way in enumerate(ways):
            above[: len(way), at] = [index_of_levels.get(levels, len(index_of_levels)) for levels in way]
        representative = np.array(
            [index_of_levels[repeats.get(group, group).levels] for group in groups], dtype=np.int64
        )
        return cls(repeats, representative, above)

    @classmethod
    def of_rules(
        cls,
        group_features: Groups,
        rules: Sequence[NamedRule],
        families: Mapping[Family, FamilyCounts],
        features: Mapping[str, SensitiveFeature],
    ) -> dict[str, Climb]:
        """Find those of every rule, by its id; rules about the same families have the same."""
        families_by_rule = {rule.id: rule_families(group_features, rule) for rule in rules}
        climbs = {
            judged: cls.of(group_features, [families[family] for family in judged], features)
            for judged in dict.fromkeys(families_by_rule.values())
        }
        return {rule: climbs[judged] for rule, judged in families_by_rule.items()}

    def alone(self, decidable: Sequence[BoolArray]) -> BoolArray:
        """bool[N + 1]: whether each group is judged alone, itself or as the one with the same people; nobody is not."""
        return np.append(np.concatenate(decidable)[self.kept], np.False_)

    def coverage(
        self, people: Mapping[Family, FloatArray], decidable: Sequence[BoolArray]
    ) -> dict[Family, float | None]:
        """Share of the people of each family in groups that are judged, alone or as a part; None where nobody is.

        `people` has float64[G] for each family, in the order of all groups.
        """
        alone = self.alone(decidable)
        covered = alone[:-1] | alone[self.above].any(axis=0)
        ends = np.cumsum([members.size for members in people.values()])[:-1]
        shares = map(_share, people.values(), np.split(covered, ends))
        return dict(zip(people, shares, strict=True))


def _share(people: FloatArray, covered: BoolArray) -> float | None:
    everyone = float(people.sum())
    return None if everyone == 0.0 else float(sum(people[covered].tolist())) / everyone


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
        return [index for index, group in enumerate(self.groups) if group not in self.repeats]

    def required_cases(self, index: int) -> int | None:
        """Return the cases with which a group would be judged alone; None where no number would do."""
        required = float(self.required[index])
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

    The plan's power holds for each group by itself; `audit.verdicts.decidability` has what holds for all together.
    """
    climb = Climb.of(plan.groups, [families[family] for family in rule_families(plan.groups, rule)], features)
    return decidability_on_the_ladder(plan.groups, families_decidability(plan, rule, families, climb, moments), climb)


def families_decidability(
    plan: AuditPlan, rule: Rule, families: Mapping[Family, FamilyCounts], climb: Climb, moments: Moments | None
) -> tuple[FamilyDecidability, ...]:
    """Find the groups of every family of `rule` that can be judged alone, the same people once."""
    counts = [families[family] for family in rule_families(plan.groups, rule)]
    designs = [effective_sizes(plan.evaluation_set, plan.verdict, rule, family, moments) for family in counts]
    planned = PlannedPeople.side_by_side(
        [
            PlannedPeople(
                design.people,
                possible_cases(family, rule.rate)[0] * design.worth,
                design.rest_size,
                member_places(family),
            )
            for family, design in zip(counts, designs, strict=True)
        ]
    )
    every = map(
        _Foreseen,
        designs,
        planned.families,
        planned.split(
            cases_to_be_alone(plan.audit.route, plan.verdict, plan.sensitivity, rule, planned, plan.verdict.power)
        ),
        planned.split(chance_to_miss(plan.audit.route, plan.verdict, plan.sensitivity, rule, planned)),
        planned.split(is_beyond_help(plan.audit.route, plan.sensitivity, rule, planned)),
    )
    judged = [
        _family_decidability(plan, rule, *counts_and_foreseen, moments)
        for counts_and_foreseen in zip(counts, every, strict=True)
    ]
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
    people = []
    for family in judged:
        is_no_repeat = np.array([group not in climb.repeats for group in family.groups], dtype=np.bool_)
        evaluable, decidable = family.evaluable & is_no_repeat, family.decidable & is_no_repeat
        people.append(family._replace(evaluable=evaluable, decidable=decidable, repeats=climb.repeats))
    return tuple(people)


def decidability_on_the_ladder(
    group_features: Groups, judged: tuple[FamilyDecidability, ...], climb: Climb
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
    base = [coverage[family.family] for family in judged if is_finest(group_features, family.family)]
    known = [share for share in base if share is not None]
    same: dict[Group, tuple[Group, ...]] = {}
    for group, representative in climb.repeats.items():
        same[representative] = (*same.get(representative, ()), group)
    return RuleDecidability(judged, judged_as, coverage, min(known) if len(known) == len(base) else None, same, climb)


def _family_decidability(
    plan: AuditPlan,
    rule: Rule,
    family: FamilyCounts,
    foreseen: _Foreseen,
    moments: Moments | None,
) -> FamilyDecidability:
    n, m = possible_cases(family, rule.rate)
    required = _required_cases(plan.groups, plan.verdict, family.family, foreseen.cases, foreseen.design)
    wanted = np.zeros(n.shape)
    if moments is not None:
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
        planned=foreseen.planned,
        too_few_clusters=foreseen.design.too_few_clusters,
        too_few_to_pass=too_few_to_pass,
        miss=foreseen.miss,
        beyond_help=foreseen.beyond_help,
    )


def with_fewer_alone(
    plan: AuditPlan, rule: Rule, judged: Sequence[FamilyDecidability], most_missed: Sequence[float]
) -> tuple[FamilyDecidability, ...]:
    """Judge alone only groups that miss a pass with at most the chance of their family, where the plan says `"auto"`.

    A group that no number of cases would help stays: what it lacks is who the unknown are, and its verdict says so.
    """
    is_narrowed = [
        most < 1.0 and is_auto(plan.groups, family.family) for family, most in zip(judged, most_missed, strict=True)
    ]
    if not any(is_narrowed):
        return tuple(judged)
    planned = PlannedPeople.side_by_side([family.planned for family in compress(judged, is_narrowed)])
    sizes = [family.people.size for family in planned.families]
    missed = np.repeat(np.maximum(list(compress(most_missed, is_narrowed)), _LEAST_MISSED), sizes)
    cases = iter(
        planned.split(cases_to_be_alone(plan.audit.route, plan.verdict, plan.sensitivity, rule, planned, 1.0 - missed))
    )
    return tuple(
        _with_fewer_alone(family, most, next(cases)) if is_asked else family
        for family, most, is_asked in zip(judged, most_missed, is_narrowed, strict=True)
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


def is_auto(group_features: Groups, family: Family) -> bool:
    """Say whether the plan leaves it to the labels who of a family is judged alone."""
    return any(group_features[axis.feature].min_cases == "auto" for axis in family.axes)


def effective_sizes(
    set_section: EvaluationSetSection,
    verdict: VerdictSection,
    rule: Rule,
    family: FamilyCounts,
    moments: Moments | None,
    at: FloatArray | None = None,
) -> EffectiveSizes:
    """Compute what the cases of every group and of its rest are worth: to be judged alone, or in tests at planned
    levels `at`.
    """
    n, m = possible_cases(family, rule.rate)
    nowhere = np.zeros(n.shape, dtype=np.bool_)
    unweighted = EffectiveSizes(n.astype(np.float64), np.ones(n.shape), m.astype(np.float64), nowhere)
    if moments is None:
        return unweighted
    return sizes_by_design(set_section, verdict, rule, family, moments, at, unweighted)


def _required_cases(
    group_features: Groups, verdict: VerdictSection, family: Family, cases: FloatArray, design: EffectiveSizes
) -> FloatArray:
    declared: Sequence[int | str] = [group_features[axis.feature].min_cases for axis in family.axes]
    least = [verdict.min_denominator, *(number for number in declared if isinstance(number, int))]
    required = np.full(design.worth.shape, float(max(least)))
    if "auto" in declared:
        required = np.maximum(required, np.ceil(cases / design.worth))
    return np.where(design.too_few_clusters, np.inf, required)


Families = tuple[FamilyDecidability, ...]
Where = tuple[str, tuple[str, ...]]
"""Id of a rule and the features of some of its families."""


def plan_decidability(
    plan: AuditPlan,
    families: Mapping[Family, FamilyCounts],
    features: Mapping[str, SensitiveFeature],
    moments: Moments | None = None,
    *,
    sizes: bool = True,
) -> dict[str, RuleDecidability]:
    """Find by the id of each rule who can be judged alone, so that all of them together can pass.

    Rules whose denominators are known only after scoring have no say in it, so that no answer of the model has. Rules
    that cannot pass, since too few people are covered, have none either, and keep whom each power by itself allows.
    Without `sizes` nobody asks with how many cases a group would be judged alone, which is half of the work.
    """
    climbs = Climb.of_rules(plan.groups, plan.named_rules, families, features)
    judged = {
        rule.id: families_decidability(plan, rule, families, climbs[rule.id], moments) for rule in plan.named_rules
    }
    ladders = {
        rule_id: decidability_on_the_ladder(plan.groups, families_of_rule, climbs[rule_id])
        for rule_id, families_of_rule in judged.items()
    }
    lost = {rule_id for rule_id, of_rule in ladders.items() if not _covers(plan.verdict, of_rule)}
    known = {rule.id: judged[rule.id] for rule in plan.named_rules if by_labels(rule) and rule.id not in lost}
    most = _most_missed(plan.groups, plan.verdict, known, climbs)
    loosest = max(most.values(), default=1.0)

    def alone(rule: NamedRule) -> RuleDecidability:
        if rule.id in lost:
            return ladders[rule.id]
        every = judged[rule.id]
        least = [most.get((rule.id, _features_of(family)), loosest) for family in every]
        if sizes:
            fewer = with_fewer_alone(plan, rule, every, least)
        else:
            left = [(family, stays_alone(family, missed)) for family, missed in zip(every, least, strict=True)]
            fewer = tuple(
                family._replace(decidable=stay) if is_auto(plan.groups, family.family) else family
                for family, stay in left
            )
        return decidability_on_the_ladder(plan.groups, fewer, climbs[rule.id])

    return {rule.id: alone(rule) for rule in plan.named_rules}


def by_labels(rule: Rule) -> bool:
    """Say whether the denominator of a rule's rate is known from labels."""
    return rule.rate.denominator_is != "decisions"


def known_before_scoring(set_section: EvaluationSetSection, rule: Rule) -> bool:
    """Say whether labels alone tell who is judged alone: by the rate's denominator, and by strata that are not made by
    the decision.
    """
    return by_labels(rule) and "decision" not in set_section.stratum_by


def planned_chance(rules: Iterable[RuleDecidability]) -> float:
    """Return the chance that everybody passes who is judged alone, were all treated alike: the product over groups."""
    missed = [family.miss[family.decidable] for rule in rules for family in rule.families]
    return float(np.prod(1.0 - np.concatenate(missed))) if missed else 0.0


def _most_missed(
    group_features: Groups, verdict: VerdictSection, judged: Mapping[str, Families], climbs: Mapping[str, Climb]
) -> dict[Where, float]:
    """Find the largest planned chance of no pass with which a group is still judged alone.

    With one for all of them, the product over all groups that are left to `"auto"` reaches the plan's power. Where that
    would take the coverage of a rule over some features below what a pass needs, these have the smallest that keeps it.
    Groups that stay for coverage then do not count in the product: the others cannot make up for them.

    Returns
    -------
    dict
        The chance by rule and features; 1 where all may stay.
    """
    chances = _chances(group_features, judged)
    most_missed: dict[Where, float] = {}
    while True:
        common = _common(chances, most_missed, verdict.power)
        most = {where: max(common, most_missed.get(where, 0.0)) for where in chances}
        if common >= 1.0:
            return most
        # single features first: a cross may have its people stand in one of them
        short = [
            where
            for rule_id, families in judged.items()
            for where in _not_covered(group_features, verdict, rule_id, families, most, climbs[rule_id])
            if where in chances and where not in most_missed
        ]
        if not short:
            return most
        most_missed[short[0]] = _least_that_covers(
            group_features, verdict, judged, climbs, most, short[0], chances[short[0]]
        )


def _common(chances: Mapping[Where, FloatArray], most_missed: Mapping[Where, float], power: float) -> float:
    """Return the largest common chance with which the product over groups that coverage does not keep reaches `power`;
    0 where none does, 1 where all may stay.
    """
    every = np.sort(
        np.concatenate(
            [np.zeros(0), *(chance[chance > most_missed.get(where, -1.0)] for where, chance in chances.items())]
        )
    )
    with np.errstate(divide="ignore"):
        product = np.cumsum(np.log1p(-every))
    enough = np.flatnonzero(product >= np.log(power) - 1e-12)
    if enough.size == every.size:
        return 1.0
    # of groups with one chance all stay, or none
    below = every[: enough.size][every[: enough.size] < every[enough.size]]
    return float(below[-1]) if below.size else 0.0


def _least_that_covers(
    group_features: Groups,
    verdict: VerdictSection,
    judged: Mapping[str, Families],
    climbs: Mapping[str, Climb],
    most: Mapping[Where, float],
    where: Where,
    chances: FloatArray,
) -> float:
    levels = sorted(set(chances[chances > most[where]].tolist()))
    low, high = -1, len(levels) - 1
    while high - low > 1:
        middle = (low + high) // 2
        tried = {**most, where: levels[middle]}
        covered = where not in _not_covered(
            group_features, verdict, where[0], judged[where[0]], tried, climbs[where[0]]
        )
        low, high = (low, middle) if covered else (middle, high)
    return levels[high] if levels else 1.0


def _features_of(family: FamilyDecidability) -> tuple[str, ...]:
    return tuple(axis.feature for axis in family.family.axes)


def _chances(group_features: Groups, judged: Mapping[str, Families]) -> dict[Where, FloatArray]:
    """Return the planned chances of no pass of all groups judged alone whom more cases could help, and whom the plan
    leaves to the labels; by rule and features, those of fewest features first.
    """
    chances: dict[Where, list[FloatArray]] = {}
    for rule_id, families in judged.items():
        for family in sorted(families, key=lambda family: len(family.family.axes)):
            if is_auto(group_features, family.family):
                missed = family.miss[family.decidable & ~family.beyond_help]
                chances.setdefault((rule_id, _features_of(family)), []).append(missed)
    return {where: np.concatenate(missed) for where, missed in chances.items()}


def _not_covered(
    group_features: Groups,
    verdict: VerdictSection,
    rule_id: str,
    families: Families,
    most: Mapping[Where, float],
    climb: Climb,
) -> list[Where]:
    """List the features of a rule over which coverage is not enough for a pass, the fewest first."""
    alone = [stays_alone(family, most.get((rule_id, _features_of(family)), 1.0)) for family in families]
    coverage = climb.coverage({family.family: family.planned.people for family in families}, alone)
    short = [
        _features_of(family)
        for family in families
        if is_finest(group_features, family.family) and (coverage[family.family] or 0.0) < verdict.min_coverage
    ]
    return [(rule_id, names) for names in sorted(short, key=len)]


def _covers(verdict: VerdictSection, of_rule: RuleDecidability) -> bool:
    return of_rule.lowest_coverage is not None and of_rule.lowest_coverage >= verdict.min_coverage


def missing_expected(
    group_features: Groups,
    verdict: VerdictSection,
    rule: Rule,
    families: Mapping[Family, FamilyCounts],
    features: Mapping[str, SensitiveFeature],
) -> tuple[Group, ...]:
    """Return the expected groups of which no rate can be stated.

    They have fewer cases of the rule's rate than `min_denominator`. A rule does not pass without them, however well the
    others do. Where a rule is about several features together, every combination of their expected levels is expected;
    a feature without expected levels is summed over.

    Parameters
    ----------
    families : mapping of Family to FamilyCounts
        The counts of every family of the plan, as `audit.counting.table.count_families` gives them.

    Returns
    -------
    tuple of Group
        On the finest rungs, in the order of the rule and of the plan.
    """
    missing: dict[Group, None] = {}
    for family in rule_families(group_features, rule):
        expecting = [index for index, axis in enumerate(family.axes) if features[axis.feature].expected]
        if not expecting or not is_finest(group_features, family):
            continue
        counts = families[family]
        cases_by_levels: Counter[tuple[Level, ...]] = Counter()
        for group, cases in zip(counts.groups, possible_cases(counts, rule.rate)[0].tolist(), strict=True):
            cases_by_levels[tuple(group.levels[index] for index in expecting)] += cases
        axes = [family.axes[index] for index in expecting]
        for codes in product(*(features[axis.feature].expected for axis in axes)):
            levels = tuple(Level(axis.feature, axis.rung, code) for axis, code in zip(axes, codes, strict=True))
            if cases_by_levels[levels] < verdict.min_denominator:
                missing[Group(levels)] = None
    return tuple(missing)
