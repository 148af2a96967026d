"""Who is judged alone, so that a detector that treats everyone alike passes the whole audit with the plan's power.

Power by group is not enough: of 300 groups that pass with 80 % each, all together never pass. So the smallest groups
are judged as a part of larger ones until the product of the chances of all that are left reaches the power. Labels
alone decide it, so that no error rate of a verdict changes; but for precision, and for strata made by the decision.
Which groups that a plan expects are missing is found here too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from audit.analyses.sides import possible_cases
from audit.counting.table import FamilyCounts, is_finest, rule_families
from audit.plan.audit_plan import AuditPlan, NamedRule, Rule
from audit.stats.arrays import FloatArray
from audit.verdicts.climb import Climb
from audit.verdicts.decidability import (
    FamilyDecidability,
    RuleDecidability,
    decidability_on_the_ladder,
    families_decidability,
    is_auto,
    stays_alone,
    with_fewer_alone,
)
from audit.vocabulary.groups import Family, Group, Level, SensitiveFeature
from audit.vocabulary.metrics import METRICS

if TYPE_CHECKING:
    from audit.counting.moments import Moments

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
    climbs = Climb.of_rules(plan, families, features)
    judged = {
        rule.id: families_decidability(plan, rule, families, climbs[rule.id], moments) for rule in plan.named_rules
    }
    ladders = {rule_id: decidability_on_the_ladder(plan, of, climbs[rule_id]) for rule_id, of in judged.items()}
    lost = {rule_id for rule_id, of_rule in ladders.items() if not _covers(plan, of_rule)}
    known = {rule.id: judged[rule.id] for rule in plan.named_rules if by_labels(rule) and rule.id not in lost}
    most = _most_missed(plan, known, climbs)
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
                family._replace(decidable=stay) if is_auto(plan, family.family) else family for family, stay in left
            )
        return decidability_on_the_ladder(plan, fewer, climbs[rule.id])

    return {rule.id: alone(rule) for rule in plan.named_rules}


def by_labels(rule: Rule) -> bool:
    """Say whether the denominator of a rule's rate is known from labels."""
    return METRICS[rule.metric].denominator_is != "decisions"


def known_before_scoring(plan: AuditPlan, rule: Rule) -> bool:
    """Say whether labels alone tell who is judged alone: by the rate's denominator, and by strata that are not made by
    the decision.
    """
    return by_labels(rule) and "decision" not in plan.evaluation_set.stratum_by


def planned_chance(rules: Iterable[RuleDecidability]) -> float:
    """Return the chance that everybody passes who is judged alone, were all treated alike: the product over groups."""
    missed = [family.miss[family.decidable] for rule in rules for family in rule.families]
    return float(np.prod(1.0 - np.concatenate(missed))) if missed else 0.0


def _most_missed(plan: AuditPlan, judged: Mapping[str, Families], climbs: Mapping[str, Climb]) -> dict[Where, float]:
    """Find the largest planned chance of no pass with which a group is still judged alone.

    With one for all of them, the product over all groups that are left to `"auto"` reaches the plan's power. Where that
    would take the coverage of a rule over some features below what a pass needs, these have the smallest that keeps it.
    Groups that stay for coverage then do not count in the product: the others cannot make up for them.

    Returns
    -------
    dict
        The chance by rule and features; 1 where all may stay.
    """
    chances = _chances(plan, judged)
    kept: dict[Where, float] = {}
    while True:
        common = _common(chances, kept, plan.verdict.power)
        most = {where: max(common, kept.get(where, 0.0)) for where in chances}
        if common >= 1.0:
            return most
        # single features first: a cross may have its people stand in one of them
        short = [
            where
            for rule_id, families in judged.items()
            for where in _not_covered(plan, rule_id, families, most, climbs[rule_id])
            if where in chances and where not in kept
        ]
        if not short:
            return most
        kept[short[0]] = _least_that_covers(plan, judged, climbs, most, short[0], chances[short[0]])


def _common(chances: Mapping[Where, FloatArray], kept: Mapping[Where, float], power: float) -> float:
    """Return the largest common chance with which the product over groups that coverage does not keep reaches `power`;
    0 where none does, 1 where all may stay.
    """
    every = np.sort(np.concatenate([np.zeros(0), *(of[of > kept.get(where, -1.0)] for where, of in chances.items())]))
    with np.errstate(divide="ignore"):
        product = np.cumsum(np.log1p(-every))
    enough = np.flatnonzero(product >= np.log(power) - 1e-12)
    if enough.size == every.size:
        return 1.0
    # of groups with one chance all stay, or none
    below = every[: enough.size][every[: enough.size] < every[enough.size]]
    return float(below[-1]) if below.size else 0.0


def _least_that_covers(
    plan: AuditPlan,
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
        covered = where not in _not_covered(plan, where[0], judged[where[0]], tried, climbs[where[0]])
        low, high = (low, middle) if covered else (middle, high)
    return levels[high] if levels else 1.0


def _features_of(family: FamilyDecidability) -> tuple[str, ...]:
    return tuple(axis.feature for axis in family.family.axes)


def _chances(plan: AuditPlan, judged: Mapping[str, Families]) -> dict[Where, FloatArray]:
    """Return the planned chances of no pass of all groups judged alone whom more cases could help, and whom the plan
    leaves to the labels; by rule and features, those of fewest features first.
    """
    found: dict[Where, list[FloatArray]] = {}
    for rule_id, families in judged.items():
        for family in sorted(families, key=lambda family: len(family.family.axes)):
            if is_auto(plan, family.family):
                missed = family.miss[family.decidable & ~family.beyond_help]
                found.setdefault((rule_id, _features_of(family)), []).append(missed)
    return {where: np.concatenate(missed) for where, missed in found.items()}


def _not_covered(
    plan: AuditPlan, rule_id: str, families: Families, most: Mapping[Where, float], climb: Climb
) -> list[Where]:
    """List the features of a rule over which coverage is not enough for a pass, the fewest first."""
    alone = [stays_alone(family, most.get((rule_id, _features_of(family)), 1.0)) for family in families]
    coverage = climb.coverage({family.family: family.planned.people for family in families}, alone)
    short = [
        _features_of(family)
        for family in families
        if is_finest(plan, family.family) and (coverage[family.family] or 0.0) < plan.verdict.min_coverage
    ]
    return [(rule_id, names) for names in sorted(short, key=len)]


def _covers(plan: AuditPlan, of_rule: RuleDecidability) -> bool:
    return of_rule.lowest_coverage is not None and of_rule.lowest_coverage >= plan.verdict.min_coverage


def missing_expected(
    plan: AuditPlan, rule: Rule, families: Mapping[Family, FamilyCounts], features: Mapping[str, SensitiveFeature]
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
    for family in rule_families(plan, rule):
        expecting = [place for place, axis in enumerate(family.axes) if features[axis.feature].expected]
        if not expecting or not is_finest(plan, family):
            continue
        counts = families[family]
        found: Counter[tuple[Level, ...]] = Counter()
        for group, own in zip(counts.groups, possible_cases(counts, METRICS[rule.metric])[0].tolist(), strict=True):
            found[tuple(group.levels[place] for place in expecting)] += own
        axes = [family.axes[place] for place in expecting]
        for codes in product(*(features[axis.feature].expected for axis in axes)):
            levels = tuple(Level(axis.feature, axis.rung, code) for axis, code in zip(axes, codes, strict=True))
            if found[levels] < plan.verdict.min_denominator:
                missing[Group(levels)] = None
    return tuple(missing)
