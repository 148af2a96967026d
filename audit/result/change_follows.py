"""Whether what a result says of its change from a baseline follows from its verdicts, and these from their p-values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from audit.result.audit_result import AuditResult
from audit.result.findings.change import (
    Change,
    ChangeBecause,
    ChangeOutcome,
    ChangeRule,
    ChangeRuleBecause,
    ChangeVerdict,
    GroupChangeBecause,
)
from audit.result.probes_follow import rejected_as_said

__all__ = ["change_contradiction", "worse_of"]

OUTCOMES: Final[Mapping[GroupChangeBecause, str]] = {
    "worse_beyond_margin": "fail",
    "not_worse": "pass",
    "margin_not_excluded": "inconclusive",
    "unscored_cases": "inconclusive",
    "judged_as_part": "inconclusive",
    "too_few_cases": "inconclusive",
    "too_few_for_a_rate": "not_evaluable",
    "no_cases": "not_evaluable",
}
RULE_OUTCOMES: Final[Mapping[ChangeRuleBecause, ChangeOutcome]] = {
    "group_became_worse": "fail",
    "none_became_worse": "pass",
    "group_undecided": "inconclusive",
    "coverage_too_small": "inconclusive",
    "nothing_judged": "inconclusive",
}
WHOLE_OUTCOMES: Final[Mapping[ChangeBecause, ChangeOutcome]] = {
    "group_became_worse": "fail",
    "none_became_worse": "pass",
    "rule_undecided": "inconclusive",
    "weighted_set": "inconclusive",
    "clustered_set": "inconclusive",
    "too_many_failed": "inconclusive",
    "group_vanished": "inconclusive",
}


def worse_of(one: ChangeOutcome, other: ChangeOutcome) -> ChangeOutcome:
    """The worse of two outcomes."""
    order: Sequence[ChangeOutcome] = ("pass", "inconclusive", "fail")
    return max(one, other, key=order.index)


def change_contradiction(result: AuditResult) -> str | None:
    """Where a result says of its change what does not follow; None where it is consistent, or none was asked for."""
    change = result.change
    if change is None:
        return None if result.plan.baseline.result is None else "change"
    if change.outcome != WHOLE_OUTCOMES[change.because] or change.outcome != _whole(change):
        return "change.outcome"
    return _rules_contradiction(result, change) if change.rules or change.verdicts else None


def _rules_contradiction(result: AuditResult, change: Change) -> str | None:
    asked = [(rule.id, rule.metric) for rule in result.plan.named_rules]
    if asked != [(rule.rule, rule.metric) for rule in change.rules]:
        return "change.rules"
    of: dict[str, list[ChangeVerdict]] = {rule.rule: [] for rule in change.rules}
    for verdict in change.verdicts:
        if verdict.rule not in of:
            return "change.verdicts"
        of[verdict.rule].append(verdict)
    judged = Counter((verdict.rule, verdict.group) for verdict in result.verdicts)
    if Counter((verdict.rule, verdict.group) for verdict in change.verdicts) != judged:
        return "change.verdicts"
    for place, rule in enumerate(change.rules):
        if not _rule_follows(rule, of[rule.rule], result.plan.verdict.alpha):
            return f"change.rules.{place}"
    return None


def _whole(change: Change) -> ChangeOutcome:
    outcomes = [rule.outcome for rule in change.rules]
    if "fail" in outcomes:
        return "fail"
    return "pass" if set(outcomes) == {"pass"} else "inconclusive"


def _rule_follows(rule: ChangeRule, verdicts: Sequence[ChangeVerdict], alpha: float) -> bool:
    if not verdicts or rule.outcome != RULE_OUTCOMES[rule.because]:
        return False
    if not all(_follows_from_p(verdict, alpha) for verdict in verdicts):
        return False
    fails = any(verdict.outcome == "fail" for verdict in verdicts)
    if (rule.outcome == "fail") != fails:
        return False
    judged = {verdict.outcome for verdict in verdicts if verdict.decidable}
    enough = rule.coverage is not None and rule.coverage >= rule.min_coverage
    return rule.outcome != "pass" or (judged == {"pass"} and enough)


def _follows_from_p(verdict: ChangeVerdict, alpha: float) -> bool:
    if verdict.outcome != OUTCOMES[verdict.because]:
        return False
    if not rejected_as_said(verdict.p_worse, verdict.level_worse, said=verdict.outcome == "fail"):
        return False
    return verdict.outcome != "pass" or (
        verdict.decidable and verdict.p_within is not None and verdict.p_within <= alpha
    )
