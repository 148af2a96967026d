"""People of whom a PASS says nothing by themselves: groups too small to be judged alone, and gaps they could hide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from audit.counting.families import is_finest
from audit.counting.moments import Moments
from audit.counting.table import FamilyCounts
from audit.plan.audit_plan import AuditPlan, NamedRule
from audit.result.findings.further import NotJudgedAlone
from audit.result.findings.judged import RuleResult
from audit.verdicts.decidability import FamilyDecidability, RuleDecidability
from audit.verdicts.decidable_gaps import fails_from
from audit.verdicts.joint_power import plan_decidability
from audit.vocabulary.groups import Family, SensitiveFeature


def not_judged_alone(
    plan: AuditPlan,
    rules: Sequence[RuleResult],
    families: Mapping[Family, FamilyCounts],
    features: Mapping[str, SensitiveFeature],
    moments: Moments | None = None,
) -> tuple[NotJudgedAlone, ...]:
    """Find for every rule that passes the groups not judged alone, and the smallest gap named in one of them.

    Only families on the finest rungs are looked at: whoever is in a small group of a wider rung is in one of these.
    """
    passing = {rule.rule for rule in rules if rule.outcome == "pass"}
    if not passing:
        return ()
    decided = plan_decidability(plan, families, features, moments)
    found = [
        _of_family(plan, rule, families[family.family], family, decided[rule.id], moments)
        for rule in plan.named_rules
        if rule.id in passing
        for family in decided[rule.id].families
        if is_finest(plan, family.family)
    ]
    return tuple(one for one in found if one is not None)


def _of_family(
    plan: AuditPlan,
    rule: NamedRule,
    counts: FamilyCounts,
    decided: FamilyDecidability,
    ladder: RuleDecidability,
    moments: Moments | None,
) -> NotJudgedAlone | None:
    places = [place for place in decided.places if not decided.decidable[place] and decided.cases[place]]
    if not places:
        return None
    nearest, widest = (min, max) if rule.scale == "difference" else (max, min)
    gaps: dict[int, float] = {}
    for place, sides in zip(places, fails_from(plan, rule, counts, decided, moments, places), strict=True):
        found = [side.disparity for side in sides if side.disparity is not None]
        if len(found) == len(sides):
            gaps[place] = widest(found)
    best = nearest(gaps, key=lambda place: gaps[place]) if gaps else None
    people = decided.planned.people
    return NotJudgedAlone(
        rule=rule.id,
        family=decided.family,
        groups=len(places),
        as_part=sum(ladder.judged_as[decided.groups[place]] is not None for place in places),
        cases=int(decided.cases[places].sum()),
        share=float(people[places].sum() / people.sum()),
        gap=None if best is None else gaps[best],
        gap_in=None if best is None else decided.groups[best],
        never_named=len(places) - len(gaps),
    )
