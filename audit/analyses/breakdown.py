"""People of unknown group: how much more of them, than a plan supposes, would undo a PASS."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from audit.analyses.estimates import as_known
from audit.analyses.missing_attributes import NOTHING, Supposed
from audit.analyses.sides import Question, questions
from audit.analyses.unknown_doubts import BISECTIONS, LARGEST_FACTOR, breakdown_factors, pass_as_they_are
from audit.analyses.verdict_side import RuleCounts, VerdictSide, rule_counts
from audit.analyses.weighted_rates import is_exact, weighted_comparison, with_possible_members
from audit.counting.moments import Moments
from audit.counting.table import FamilyCounts, rule_families
from audit.plan.audit_plan import AuditPlan, Rule
from audit.result.findings.judged import Verdict
from audit.stats.arrays import BoolArray
from audit.vocabulary.groups import Family, Group

NEAREST: Final = 10
"""Number of groups, of those that look nearest to losing their PASS, that are examined by the test itself."""

_Holds = Callable[[Supposed], BoolArray]


def breakdown(
    plan: AuditPlan, asked: Sequence[Question], counts: RuleCounts, passing: Sequence[Verdict]
) -> dict[str, Any]:
    """Find the group whose PASS falls at the smallest odds factor, and how many fall where nothing is supposed.

    Returns
    -------
    :
        ``breakdown_factor``, ``weakest`` and ``not_if_nothing_supposed`` of `RuleSensitivity`; empty without a PASS.
    """
    if not passing:
        return {}
    guessed = breakdown_factors(pass_sides(plan, asked, counts, passing), exactly=False)
    near = [passing[place] for place in np.argsort(guessed, kind="stable")[:NEAREST]]
    factors = breakdown_factors(pass_sides(plan, asked, counts, near))
    weakest = int(np.argmin(factors))
    whoever = replace(counts, members=counts.members.whoever())
    falls = np.isfinite(factors[weakest])
    return {
        "breakdown_factor": as_known(float(factors[weakest])) if falls else None,
        "weakest": near[weakest].group if falls else None,
        "not_if_nothing_supposed": int((~pass_as_they_are(pass_sides(plan, asked, whoever, passing))).sum()),
    }


def pass_sides(
    plan: AuditPlan, asked: Sequence[Question], counts: RuleCounts, verdicts: Sequence[Verdict]
) -> list[VerdictSide]:
    """Return each question's side of a PASS for these groups."""
    some = counts.of(verdicts)
    return [VerdictSide("pass", question, some, np.full(len(verdicts), plan.verdict.alpha)) for question in asked]


def weighted_breakdown(
    plan: AuditPlan, rule: Rule, families: Mapping[Family, FamilyCounts], moments: Moments, passing: Sequence[Verdict]
) -> dict[str, Any]:
    """Find what `breakdown` finds where rows have weights or clusters.

    Each family is asked by the test that judged it: of whole counts where its rows count alike, else by weights.
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
    own = np.isin(np.arange(len(family.groups)), places)
    starts = [(question, weighted_comparison(of, family, question, "worst")) for question in questions(plan, rule)]

    def holds(supposed: Supposed) -> BoolArray:
        held = np.ones(len(places), dtype=np.bool_)
        for question, start in starts:
            moved, movable = with_possible_members(of, family, question, start, supposed)
            passes = ~movable
            passes[own] |= moved.of_groups(own).test(question.within, alpha).p <= alpha
            held &= passes[places]
        return held

    return holds


def _exactly(
    plan: AuditPlan, rule: Rule, families: Mapping[Family, FamilyCounts], passing: Sequence[Verdict]
) -> _Holds:
    counts = rule_counts(plan, rule, families)

    def holds(supposed: Supposed) -> BoolArray:
        known = counts.members
        members = known.whoever() if supposed == NOTHING else replace(known, odds_factor=supposed.odds_factor)
        return pass_as_they_are(pass_sides(plan, questions(plan, rule), replace(counts, members=members), passing))

    return holds
