"""Verdict of each rule over all nights so far, from evidence whose bar holds for the whole history.

A rule fails once the evidence against one group, or against all nationalities together, has reached its bar in some
night. It stays failed until the history ends: the bar is reached by mistake in at most the share alpha of whole
histories, so that it need not be reached again. A rule passes when every group that is judged alone has in some night
reached the bar for a PASS, 1/alpha on every side, no later night has put that in doubt, and these groups cover enough
people. The cases of all nights decide which groups are judged alone, as in one audit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from audit.analyses.sides import questions
from audit.counting.table import FamilyCounts
from audit.plan.audit_plan import AuditPlan, NamedRule
from audit.result.findings.change import combined_outcome
from audit.result.findings.judged import RuleBecause
from audit.verdicts.decidability import FamilyDecidability, rule_decidability
from audit.verdicts.joint_power import missing_expected
from audit.verdicts.margin_tests import could_be_beyond
from audit.verdicts.nights.evidence import counts_so_far
from audit.verdicts.nights.shares import features_seen, levels_seen
from audit.verdicts.nights.state import Evidence, Outcome, State
from audit.verdicts.outcomes import rule_outcome
from audit.vocabulary.groups import Family, Group, SensitiveFeature


@dataclass(frozen=True, slots=True)
class JudgedGroup:
    """Verdict of all nights on a group."""

    group: Group
    outcome: Outcome
    judged: bool
    """Whether the group has the cases to be judged alone."""
    doubted: bool
    """Whether the group passed before, until later nights put that in doubt."""
    log_e_fail: float
    """Natural logarithm of the evidence that the group is beyond the limit, on the side on which that is stronger."""
    log_e_pass: float
    """Natural logarithm of the evidence that the group is within the limit, on the side on which that is weaker."""


@dataclass(frozen=True, slots=True)
class JudgedRule:
    """Verdict of all nights on a rule."""

    rule: str
    outcome: Outcome
    because: RuleBecause
    groups: tuple[JudgedGroup, ...]


def judge_nights(plan: AuditPlan, state: State, features: Sequence[SensitiveFeature]) -> tuple[JudgedRule, ...]:
    """Judge every rule of the plan over the nights taken in; `features` are those of any set of the plan."""
    if not state.nights:
        return tuple(JudgedRule(rule.id, "inconclusive", "nothing_judged", ()) for rule in plan.named_rules)
    by_name = features_seen(features, levels_seen(state.levels, features, first=False))
    counts = counts_so_far(state, by_name)
    return tuple(_judge_rule(plan, place, rule, state, counts, by_name) for place, rule in enumerate(plan.named_rules))


def overall_outcome(rules: Sequence[JudgedRule]) -> Outcome:
    """Combine all rules: FAIL if any rule fails, PASS only if every rule passes."""
    return combined_outcome(rule.outcome for rule in rules)


def _judge_rule(
    plan: AuditPlan,
    place: int,
    rule: NamedRule,
    state: State,
    counts: Mapping[Family, FamilyCounts],
    features: Mapping[str, SensitiveFeature],
) -> JudgedRule:
    decidability = rule_decidability(plan, rule, counts, features)
    mine = [one for one in state.evidence if one.rule == place]
    groups = [
        judged_group
        for family in decidability.families
        for judged_group in _judge_groups(plan, rule, family, counts[family.family], mine)
    ]
    outcome, because = rule_outcome(
        ((group.outcome, group.judged) for group in groups),
        decidability.lowest_coverage,
        plan.verdict.min_coverage,
        together=any(one.several for one in mine),
        missing=bool(missing_expected(plan, rule, counts, features)),
    )
    return JudgedRule(rule.id, outcome, because, tuple(groups))


def _judge_groups(
    plan: AuditPlan, rule: NamedRule, family: FamilyDecidability, counts: FamilyCounts, evidence: Sequence[Evidence]
) -> list[JudgedGroup]:
    mine = [one for one in evidence if one.family == family.family]
    failed = np.any([one.failed for one in mine], axis=0)
    passed = np.all([one.passed for one in mine], axis=0)
    doubted = np.any([one.doubted for one in mine], axis=0)
    # where a group could not have failed, not failing is no evidence
    could_fail = np.any([could_be_beyond(question, counts) for question in questions(plan, rule)], axis=0)
    passes = family.decidable & could_fail & passed
    fail = np.max([one.beyond.log_e for one in mine], axis=0)
    within = np.min([one.within.log_e for one in mine], axis=0)
    return [
        JudgedGroup(
            group,
            "fail" if failed[at] else "pass" if passes[at] else "inconclusive",
            bool(family.decidable[at]),
            bool(doubted[at]) and not failed[at],
            float(fail[at]),
            float(within[at]),
        )
        for at in family.places
        for group in [family.groups[at]]
    ]
