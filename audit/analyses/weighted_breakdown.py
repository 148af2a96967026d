"""People of unknown group where rows have weights or clusters: how much more of them would undo a PASS."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from audit.analyses.missing_attributes import NOTHING, Supposed
from audit.analyses.sides import questions
from audit.analyses.unknown_doubts import BISECTIONS, LARGEST_FACTOR, pass_as_they_are
from audit.analyses.verdict_side import VerdictSide, rule_counts
from audit.analyses.weighted_rates import is_exact, weighted_comparison, with_possible_members
from audit.counting.families import rule_families
from audit.counting.moments import Moments
from audit.counting.table import FamilyCounts
from audit.plan.audit_plan import AuditPlan, Rule
from audit.result.findings.judged import Verdict
from audit.stats.arrays import BoolArray
from audit.vocabulary.groups import Family, Group

_Holds = Callable[[Supposed], BoolArray]


def weighted_breakdown(
    plan: AuditPlan, rule: Rule, families: Mapping[Family, FamilyCounts], moments: Moments, passing: Sequence[Verdict]
) -> dict[str, Any]:
    """Find the group whose PASS falls at the smallest odds factor, to half a per cent of it, and how many fall where
    nothing is supposed.

    Each family is asked by the test that judged it: of whole counts where its rows count alike, else by weights.

    Returns
    -------
    :
        ``breakdown_factor``, ``weakest`` and ``not_if_nothing_supposed`` of `RuleSensitivity`; empty without a PASS.
    """
    asked: list[tuple[tuple[Group, ...], _Holds]] = []
    for family in rule_families(plan, rule):
        members = set(families[family].groups)
        if own := [verdict for verdict in passing if verdict.group in members]:
            groups = tuple(verdict.group for verdict in own)
            if is_exact(plan, rule, families[family], moments):
                asked.append((groups, _exactly(plan, rule, families, own)))
            else:
                asked.append((groups, _by_weights(plan, rule, families[family], moments, groups)))

    def fallen(supposed: Supposed) -> list[Group]:
        return [
            group for groups, holds in asked for group, held in zip(groups, holds(supposed), strict=True) if not held
        ]

    if not asked:
        return {}
    supposed = Supposed.of(plan.sensitivity)
    low, high = 1.0, LARGEST_FACTOR
    weakest = fallen(supposed._replace(odds_factor=high))
    found = bool(weakest)
    for _ in range(BISECTIONS if found else 0):
        middle = float(np.sqrt(low * high))
        some = fallen(supposed._replace(odds_factor=middle))
        low, high, weakest = (low, middle, some) if some else (middle, high, weakest)
    return {
        "breakdown_factor": high if found else None,
        "weakest": weakest[0] if found else None,
        "not_if_nothing_supposed": len(fallen(NOTHING)),
    }


def _by_weights(plan: AuditPlan, rule: Rule, family: FamilyCounts, moments: Moments, groups: Sequence[Group]) -> _Holds:
    of, alpha = moments.of(family), plan.verdict.alpha
    places = [family.groups.index(group) for group in groups]
    starts = [(question, weighted_comparison(of, family, question, "worst")) for question in questions(plan, rule)]

    def holds(supposed: Supposed) -> BoolArray:
        held = np.ones(len(places), dtype=np.bool_)
        for question, start in starts:
            moved, movable = with_possible_members(of, family, question, start, supposed)
            held &= (~movable | (moved.test(question.within, alpha).p <= alpha))[places]
        return held

    return holds


def _exactly(
    plan: AuditPlan, rule: Rule, families: Mapping[Family, FamilyCounts], passing: Sequence[Verdict]
) -> _Holds:
    counts, levels = rule_counts(plan, rule, families).of(passing), np.full(len(passing), plan.verdict.alpha)

    def holds(supposed: Supposed) -> BoolArray:
        known = counts.members
        members = known.whoever() if supposed == NOTHING else replace(known, odds_factor=supposed.odds_factor)
        some = replace(counts, members=members)
        return pass_as_they_are([VerdictSide("pass", question, some, levels) for question in questions(plan, rule)])

    return holds
