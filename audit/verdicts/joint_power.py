"""Who is judged alone, so that a detector that treats everyone alike passes the whole audit with the plan's power.

Power by group is not enough: of 300 groups that pass with 80 % each, all together never pass. So the smallest groups
are judged as a part of larger ones until the product of the chances of all that are left reaches the power. Labels
alone decide it, so that no error rate of a verdict changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from audit.counting.moments import Moments
from audit.counting.table import FamilyCounts
from audit.plan.audit_plan import AuditPlan, NamedRule, Rule
from audit.stats.arrays import FloatArray
from audit.verdicts.decidability import (
    FamilyDecidability,
    RuleDecidability,
    decidability_on_the_ladder,
    families_decidability,
    is_auto,
    stays_alone,
    with_fewer_alone,
)
from audit.vocabulary.groups import Family, SensitiveFeature
from audit.vocabulary.metrics import METRICS

_Rules = Sequence[tuple[FamilyDecidability, ...]]


def plan_decidability(
    plan: AuditPlan,
    families: Mapping[Family, FamilyCounts],
    features: Mapping[str, SensitiveFeature],
    moments: Moments | None = None,
) -> dict[str, RuleDecidability]:
    """Find by the id of each rule who can be judged alone, so that all of them together can pass.

    Rules whose denominators are known only after scoring have no say in it, so that no answer of the model has. Rules
    that cannot pass, since too few people are covered, have none either, and keep whom each power by itself allows.
    """
    judged = {rule.id: families_decidability(plan, rule, families, features, moments) for rule in plan.named_rules}
    known = [rule.id for rule in plan.named_rules if by_labels(rule)]
    lost = {rule_id for rule_id in known if not _covered(plan, [judged[rule_id]], features, 1.0)}
    most = _most_missed(plan, [judged[rule_id] for rule_id in known if rule_id not in lost], features)

    def alone(rule: NamedRule) -> tuple[FamilyDecidability, ...]:
        return tuple(
            with_fewer_alone(plan, rule, family, 1.0 if rule.id in lost else most) for family in judged[rule.id]
        )

    return {rule.id: decidability_on_the_ladder(plan, alone(rule), features) for rule in plan.named_rules}


def by_labels(rule: Rule) -> bool:
    """Say whether the denominator of a rule's rate is known from labels."""
    return METRICS[rule.metric].denominator_is != "decisions"


def planned_chance(rules: Iterable[RuleDecidability]) -> float:
    """Return the chance that everybody passes who is judged alone, were all treated alike: the product over groups."""
    missed = [family.miss[family.decidable] for rule in rules for family in rule.families]
    return float(np.exp(_log1p_sum(np.concatenate(missed)))) if missed else 0.0


def _most_missed(plan: AuditPlan, judged: _Rules, features: Mapping[str, SensitiveFeature]) -> float:
    """Find the largest planned chance of no pass with which a group is still judged alone.

    The product over all groups judged alone by `"auto"` reaches the plan's power with it, unless that would take the
    coverage of a rule below what a pass needs: then the smallest chance that keeps it. 1 where nothing is left to it,
    or would help.
    """
    every = _chances(plan, judged)
    chances = np.unique(every)
    product = np.array([_log1p_sum(every[every <= chance]) for chance in chances])
    enough = np.flatnonzero(product >= np.log(plan.verdict.power) - 1e-12)
    if not enough.size or enough[-1] == chances.size - 1:
        return 1.0
    low, high = int(enough[-1]), chances.size - 1
    if _covered(plan, judged, features, chances[low]):
        return float(chances[low])
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _covered(plan, judged, features, chances[middle]) else (middle, high)
    return float(chances[high])


def _chances(plan: AuditPlan, judged: _Rules) -> FloatArray:
    """Return the planned chances of no pass of all groups judged alone whom more cases could help, and whom the plan
    leaves to the labels.
    """
    of = [
        family.miss[family.decidable & ~family.beyond_help]
        for family in chain.from_iterable(judged)
        if is_auto(plan, family.family)
    ]
    return np.concatenate([np.zeros(0), *of])


def _log1p_sum(missed: FloatArray) -> float:
    with np.errstate(divide="ignore"):
        return float(np.log1p(-missed).sum())


def _covered(plan: AuditPlan, judged: _Rules, features: Mapping[str, SensitiveFeature], most: float) -> bool:
    for families in judged:
        alone = tuple(
            replace(family, decidable=stays_alone(family, most)) if is_auto(plan, family.family) else family
            for family in families
        )
        coverage = decidability_on_the_ladder(plan, alone, features).lowest_coverage
        if coverage is None or coverage < plan.verdict.min_coverage:
            return False
    return True
