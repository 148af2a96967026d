"""People of whom a PASS says nothing by themselves: groups too small to be judged alone, and gaps they could hide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from audit.counting.moments import Moments
from audit.counting.table import FamilyCounts, is_finest
from audit.plan.audit_plan import AuditPlan, NamedRule
from audit.result.findings.further import NotJudgedAlone
from audit.result.findings.judged import RuleResult
from audit.verdicts.decidability import FamilyDecidability, RuleDecidability
from audit.verdicts.decidable_gaps import fails_from
from audit.vocabulary.groups import Family

_LARGEST: Final = 6
"""Number of groups among which the smallest gap is looked for: the largest one has it, but for a step of one case."""


def not_judged_alone(
    plan: AuditPlan,
    rules: Sequence[RuleResult],
    families: Mapping[Family, FamilyCounts],
    decided: Mapping[str, RuleDecidability],
    moments: Moments | None = None,
) -> tuple[NotJudgedAlone, ...]:
    """Find for every rule that passes the groups not judged alone, and the smallest gap named in one of them.

    Only families on the finest rungs are looked at: whoever is in a small group of a wider rung is in one of these.
    `decided` says by the id of each rule who is judged alone.
    """
    passing = {rule.rule for rule in rules if rule.outcome == "pass"}
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
    largest = [places[at] for at in np.argsort(-decided.planned.size[places], kind="stable")[:_LARGEST]]
    for place, sides in zip(largest, fails_from(plan, rule, counts, decided, moments, largest), strict=True):
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
    )
