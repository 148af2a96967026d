"""Outcome of a rule from those of its groups, and verdict of a part of a result.

Outcome of a rule from those of its groups: in one place for audits, changes, nights and what waivers leave.

Verdict of a part of a result: of some rules alone, or of what stops a build. It is for exit codes and their lines.

A waiver changes no verdict of a group, a rule or the audit that is kept. It says that somebody answers for a finding
until a day, and what it changes is the exit code of `run` and `gate` alone. The same holds of a rule that only warns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from audit.result.audit_result import AuditResult, OverallVerdict, Waiver
from audit.result.findings.change import Change, ChangeBecause, ChangeOutcome, combined_outcome, deciding
from audit.result.findings.judged import RuleBecause, RuleResult, Verdict
from audit.result.findings.second import SecondVerdict
from audit.result.findings.swaps import ProbeRuleResult
from audit.result.waivers import waivers_by_finding, waivers_on_day
from audit.vocabulary.groups import Group


def rule_outcome(
    groups: Iterable[tuple[str, bool]], coverage: float | None, min_coverage: float, *, together: bool, missing: bool
) -> tuple[ChangeOutcome, RuleBecause]:
    """Return the outcome of a rule on groups, and the first reason for it.

    Parameters
    ----------
    groups
        For each group its outcome, and whether it has the cases to be judged alone.
    coverage
        Smallest coverage over the families of the rule; None where there is none.
    together
        Whether the groups of a family are beyond the limit together, though none of them is named.
    missing
        Whether a group that the plan expects has too few cases.
    """
    outcomes = list(groups)
    judged = [outcome for outcome, is_judged in outcomes if is_judged]
    reasons: dict[RuleBecause, bool] = {
        "group_beyond_limit": any(outcome == "fail" for outcome, _ in outcomes),
        "unnamed_beyond_limit": together,
        "nothing_judged": not judged,
        "expected_group_missing": missing,
        "group_undecided": any(outcome != "pass" for outcome in judged),
        "coverage_too_small": coverage is None or coverage < min_coverage,
    }
    because = next((reason for reason, holds in reasons.items() if holds), None)
    if because is None:
        return "pass", "all_judged_within_limit"
    return "fail" if because in ("group_beyond_limit", "unnamed_beyond_limit") else "inconclusive", because


def outcome_left(result: AuditResult, day: str) -> ChangeOutcome:
    """Find the outcome on `day` (YYYY-MM-DD) once waived findings and rules that only warn are set aside.

    It is `fail` where a waiver has expired, and `inconclusive` where nothing is left.

    A rule that fails is set aside where every group that fails under it is waived by a waiver in force, and no family
    fails without naming a group. Then its other groups decide whether it would pass. A rule on probes names no group,
    and is never set aside; nor is a change for the worse. A waiver is about the detector: it sets no fail of people's
    decisions aside.
    """
    if any(waiver.state == "expired" for waiver in waivers_on_day(result, day)):
        return "fail"
    covered = waivers_by_finding(result)
    verdicts: dict[str, list[Verdict]] = {rule.rule: [] for rule in result.rules}
    for verdict in result.verdicts:
        verdicts[verdict.rule].append(verdict)
    binding = [rule for rule in result.rules if rule.rule not in result.plan.warning_rules]
    left = [_outcome_without_waived(rule, verdicts[rule.rule], covered) for rule in binding]
    left += [str(rule.outcome) for rule in result.probe_rules]
    if (people := result.people_verdict) is not None:
        left += [str(rule.outcome) for rule in people.rules if rule.rule not in result.plan.warning_rules]
    left += [] if result.change is None else [result.change.outcome]
    return combined_outcome(left)


def _outcome_without_waived(rule: RuleResult, verdicts: list[Verdict], covered: dict[tuple[str, Group], Waiver]) -> str:
    """Return the outcome of a rule once its waived findings are set aside."""
    if rule.outcome != "fail":
        return rule.outcome
    failing = [verdict for verdict in verdicts if verdict.outcome == "fail"]
    named = Counter(verdict.group.family for verdict in failing)
    # groups that are named may be why all of a family together are beyond the limit, unless more are surely beyond it
    unnamed = any(
        family.unnamed_beyond and max(family.unnamed_at_least, 1) > named[family.family] for family in rule.families
    )
    if unnamed or not failing or any((rule.rule, verdict.group) not in covered for verdict in failing):
        return "fail"
    groups = [("pass" if verdict.outcome == "fail" else verdict.outcome, verdict.decidable) for verdict in verdicts]
    missing = bool(rule.missing_expected)
    return rule_outcome(groups, rule.coverage, rule.min_coverage, together=False, missing=missing)[0]


def _narrowed_change(result: AuditResult, rule_ids: set[str]) -> Change | None:
    """Narrow the change to these rules: of two, the one that decides them."""
    change, held_against = result.change, result.further.held_against
    if change is None:
        return None
    narrowed = _narrow_change(change, rule_ids)
    if held_against is None or held_against.other is None:
        return narrowed
    other = _narrow_change(held_against.other, rule_ids)
    if narrowed is None or other is None:
        return narrowed
    pair = (narrowed, other) if held_against.decides == "reference" else (other, narrowed)
    return deciding(*pair)[0]


def narrow_to_rules(result: AuditResult, rules: Iterable[str]) -> AuditResult:
    """Narrow the result to these rules, with the verdict of these alone: for an exit code and its lines.

    It is no result to be kept: only rules, verdicts, the overall verdict and waivers are narrowed. The tests are those
    of the whole plan, so that a choice of rules has no other levels than the audit had.
    """
    rule_ids = set(rules)
    of_rates = tuple(rule for rule in result.rules if rule.rule in rule_ids)
    on_probes = tuple(rule for rule in result.probe_rules if rule.rule in rule_ids)
    results: list[RuleResult | ProbeRuleResult] = [*of_rates, *on_probes]
    change, second = _narrowed_change(result, rule_ids), tuple(_narrowed_second(result, rule_ids))
    further = result.further.model_copy(update={"second_verdicts": second})
    people = result.model_copy(update={"further": further}).people_verdict
    parts = [str(part.outcome) for part in (people, change) if part is not None]
    overall = OverallVerdict(
        outcome=combined_outcome([*(str(rule.outcome) for rule in results), *parts]),
        failing_rules=tuple(rule.rule for rule in results if rule.outcome == "fail"),
        undecided_rules=tuple(rule.rule for rule in results if rule.outcome not in ("fail", "pass")),
        primary_harm=result.overall.primary_harm,
    )
    return result.model_copy(
        update={
            "rules": of_rates,
            "probe_rules": on_probes,
            "verdicts": tuple(verdict for verdict in result.verdicts if verdict.rule in rule_ids),
            "probe_verdicts": tuple(verdict for verdict in result.probe_verdicts if verdict.rule in rule_ids),
            "waivers": tuple(waiver for waiver in result.waivers if waiver.rule in rule_ids),
            "change": change,
            "further": further,
            "overall": overall,
        }
    )


def _narrowed_second(result: AuditResult, rule_ids: set[str]) -> Iterator[SecondVerdict]:
    """Narrow people's decisions to these rules, and leave them out where they are judged by none; forms as they are."""
    for second in result.further.second_verdicts:
        rules = tuple(rule for rule in second.rules if rule.rule in rule_ids)
        verdicts = tuple(verdict for verdict in second.verdicts if verdict.rule in rule_ids)
        if second.kind == "form":
            yield second
        elif rules:
            outcome = combined_outcome([rule.outcome for rule in rules])
            yield second.model_copy(update={"rules": rules, "verdicts": verdicts, "outcome": outcome})


def _narrow_change(change: Change, rule_ids: set[str]) -> Change | None:
    """Narrow a change to these rules; all of it where no rule could be judged, None where it judges none of them."""
    if not change.rules:
        return change
    rules = tuple(rule for rule in change.rules if rule.rule in rule_ids)
    if not rules:
        return None
    outcome = combined_outcome([rule.outcome for rule in rules])
    because: dict[ChangeOutcome, ChangeBecause] = {
        "fail": "group_became_worse",
        "pass": "none_became_worse",
        "inconclusive": "rule_undecided",
    }
    verdicts = tuple(verdict for verdict in change.verdicts if verdict.rule in rule_ids)
    return change.model_copy(
        update={"rules": rules, "verdicts": verdicts, "outcome": outcome, "because": because[outcome]}
    )
