"""Consistency of a result: what it says must follow from its verdicts, and these from their p-values."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

from audit.result.audit_result import AuditResult
from audit.result.findings.change import (
    Change,
    ChangeRule,
    ChangeVerdict,
    HeldAgainst,
    combined_outcome,
    deciding,
)
from audit.result.findings.judged import FamilyResult, RuleResult, Verdict
from audit.result.findings.second import SecondVerdict
from audit.result.findings.swaps import (
    ProbeRuleResult,
    ProbeVerdict,
    SwapProbe,
    SwapShift,
)
from audit.result.waivers import waiver_contradiction

_OUTCOMES: Final[Mapping[str, Mapping[str, str]]] = json.loads(
    Path(__file__).with_name("outcomes.json").read_text(encoding="utf-8")
)
_ProbeChange = tuple[str, str, str | None, str | None, str]
_V = TypeVar("_V", Verdict, ChangeVerdict, ProbeVerdict)


def contradiction(result: AuditResult) -> str | None:
    """Name the first field that does not follow from the verdicts; None where the result is consistent."""
    verdicts = _by_rule(result.rules, result.verdicts)
    planned = [(rule.id, rule.metric, rule.scale, rule.limit) for rule in result.plan.named_rules]
    judged = [(rule.rule, rule.metric, rule.scale, rule.limit) for rule in result.rules]
    if verdicts is None or planned != judged or not all(verdicts.values()):
        return "rules"
    if (unknown := _of_unknown_rates(result)) is not None:
        return unknown
    for index, rule in enumerate(result.rules):
        part = _rule_contradiction(rule, verdicts[rule.rule], result.plan.verdict.alpha)
        if part is not None:
            return f"rules.{index}.{part}"
    of_kind = Counter(second.kind for second in result.further.second_verdicts)
    for index, second in enumerate(result.further.second_verdicts):
        alpha = result.plan.verdict.alpha / of_kind[second.kind]
        if second.alpha != alpha or not _second_follows(second, planned):
            return f"further.second_verdicts.{index}"
    if result.plan.people_count and [second.kind for second in result.further.second_verdicts].count("decisions") != 1:
        return "further.second_verdicts"
    waived = waiver_contradiction(result)
    return _probe_contradiction(result) or _change_contradiction(result) or _overall_contradiction(result) or waived


def _of_unknown_rates(result: AuditResult) -> str | None:
    """Name the first field about a rate that neither audit7k nor the plan has, or that the plan declares otherwise."""
    rates = result.plan.metrics
    if any(rates.get(definition.name) is None for definition in result.metrics) or any(
        set(definition.numerator) != set(rates[definition.name].numerator)
        or set(definition.denominator) != set(rates[definition.name].denominator)
        for definition in result.metrics
        if definition.name in result.plan.rates
    ):
        return "metrics"
    for part in ("estimates", "disparities"):
        if not {record.metric for record in getattr(result, part)} <= rates.keys():
            return part
    return None


def _second_follows(second: SecondVerdict, planned: Sequence[tuple[str, str, str, float]]) -> bool:
    verdicts = _by_rule(second.rules, second.verdicts)
    judged = [(rule.rule, rule.metric, rule.scale, rule.limit) for rule in second.rules]
    if verdicts is None or planned != judged:
        return False
    follow = all(_rule_contradiction(rule, verdicts[rule.rule], second.alpha) is None for rule in second.rules)
    return follow and second.outcome == combined_outcome(rule.outcome for rule in second.rules)


def _by_rule(
    rules: Iterable[RuleResult | ChangeRule | ProbeRuleResult], verdicts: Iterable[_V]
) -> dict[str, list[_V]] | None:
    """Sort verdicts by rule; None where one belongs to no rule."""
    by_rule: dict[str, list[_V]] = {rule.rule: [] for rule in rules}
    for verdict in verdicts:
        if verdict.rule not in by_rule:
            return None
        by_rule[verdict.rule].append(verdict)
    return by_rule


def _rule_contradiction(rule: RuleResult, verdicts: list[Verdict], alpha: float) -> str | None:
    counted = Counter(verdict.outcome for verdict in verdicts)
    if counted != Counter(rule.groups_by_outcome) or not all(_follows_from_p(verdict, alpha) for verdict in verdicts):
        return "groups_by_outcome"
    if not all(map(_unnamed_follows_from_p, rule.families)):
        return "families"
    fails = counted["fail"] > 0 or any(family.unnamed_beyond for family in rule.families)
    may_pass = _may_pass(rule, verdicts) and not rule.missing_expected
    if (rule.outcome == "fail") != fails or (rule.outcome == "pass" and not may_pass):
        return "outcome"
    return None


def _follows_from_p(verdict: Verdict, alpha: float) -> bool:
    """Say whether a verdict follows from its p-values."""
    if not _rejected_as_said(verdict.p_fail, verdict.level_fail, is_rejected=verdict.outcome == "fail"):
        return False
    if verdict.outcome != "pass":
        return True
    passes = verdict.decidable and verdict.p_pass is not None and verdict.p_pass <= alpha
    return passes and verdict.p_fail is not None and verdict.level_fail is not None


def _unnamed_follows_from_p(family: FamilyResult) -> bool:
    numbered = 0 < family.unnamed_at_least < family.unnamed_survivors
    return _rejected_as_said(family.unnamed_p, family.unnamed_level, is_rejected=family.unnamed_beyond) and (
        numbered if family.unnamed_beyond else family.unnamed_at_least == 0
    )


def _may_pass(rule: RuleResult | ChangeRule, verdicts: Sequence[Verdict | ChangeVerdict]) -> bool:
    judged = {verdict.outcome for verdict in verdicts if verdict.decidable}
    return rule.coverage is not None and rule.coverage >= rule.min_coverage and judged == {"pass"}


def _overall_contradiction(result: AuditResult) -> str | None:
    rules: list[RuleResult | ProbeRuleResult] = [*result.rules, *result.probe_rules]
    failing = [rule.rule for rule in rules if rule.outcome == "fail"]
    undecided = [rule.rule for rule in rules if rule.outcome not in ("fail", "pass")]
    outcomes = [str(rule.outcome) for rule in rules]
    if result.people_verdict is not None:
        outcomes.append(result.people_verdict.outcome)
    if result.change is not None:
        outcomes.append(result.change.outcome)
    follows = combined_outcome(outcomes)
    if result.overall.outcome != follows:
        return "overall.outcome"
    if sorted(result.overall.failing_rules) != sorted(failing):
        return "overall.failing_rules"
    return None if sorted(result.overall.undecided_rules) == sorted(undecided) else "overall.undecided_rules"


def _probe_contradiction(result: AuditResult) -> str | None:
    """Name the first field about probes that does not follow from plan, shifts and verdicts; None where all do."""
    known = {probe.id for probe in result.plan.probes}
    ids = [probe.probe for probe in result.probes]
    for index, probe in enumerate(result.probes):
        if probe.probe not in known or ids.count(probe.probe) > 1 or not _adds_up(probe):
            return f"probes.{index}"
    planned = [(rule.id, rule.probes, rule.margin, rule.reason) for rule in result.plan.named_probe_rules]
    if planned != [(rule.rule, rule.probes, rule.margin, rule.reason) for rule in result.probe_rules]:
        return "probe_rules"
    shifts = {_probe_change(probe.probe, shift): shift for probe in result.probes for shift in probe.shifts}
    verdicts = _by_rule(result.probe_rules, result.probe_verdicts)
    if verdicts is None:
        return "probe_verdicts"
    for index, rule in enumerate(result.probe_rules):
        if not _probe_rule_follows(rule, verdicts[rule.rule], shifts, result.plan.verdict.alpha):
            return f"probe_rules.{index}"
    return None


def _probe_change(probe: str, change: SwapShift | ProbeVerdict) -> _ProbeChange:
    return probe, change.slot, change.given_slot, change.given, change.level


def _adds_up(probe: SwapProbe) -> bool:
    """Say whether the counts of a probe are those of its parts."""
    if probe.scored + probe.abstained + probe.failed != probe.variants or sum(probe.failures.values()) != probe.failed:
        return False
    changes = [_probe_change(probe.probe, shift) for shift in probe.shifts]
    if len(set(changes)) < len(changes) or not all(map(_counts_add_up, probe.shifts)):
        return False
    for slot in probe.slots:
        mains = [shift for shift in probe.shifts if (shift.slot, shift.given_slot) == (slot.slot, None)]
        flipped = sum(shift.to_flagged + shift.to_not_flagged for shift in mains)
        unscored = sum(shift.pairs_unscored for shift in mains)
        stated = (slot.levels, slot.pairs, slot.pairs_unscored, slot.flipped)
        if stated != (len(mains), sum(shift.pairs for shift in mains), unscored, flipped):
            return False
    return True


def _counts_add_up(shift: SwapShift) -> bool:
    moved = shift.raised + shift.lowered
    return (
        (shift.shift is None) == (shift.pairs == 0) == (shift.templates == 0)
        and moved + shift.unmoved <= shift.templates <= shift.pairs
        and moved <= shift.pairs_moved <= shift.pairs
        and (shift.pairs_moved > 0) == (shift.unmoved < shift.templates)
        and shift.to_flagged + shift.to_not_flagged <= shift.pairs_moved
    )


def _probe_rule_follows(
    rule: ProbeRuleResult, verdicts: Sequence[ProbeVerdict], shifts: Mapping[_ProbeChange, SwapShift], alpha: float
) -> bool:
    """Say whether a rule has one verdict for every change of its probes, each as its shift says, and the outcome they
    give.
    """
    limited = [change for change in shifts if change[0] in rule.probes]
    judged = [_probe_change(verdict.probe, verdict) for verdict in verdicts]
    if not limited or Counter(limited) != Counter(judged):
        return False
    if not all(
        _probe_verdict_follows(verdict, shifts[change], alpha) for verdict, change in zip(verdicts, judged, strict=True)
    ):
        return False
    counted = Counter(verdict.outcome for verdict in verdicts)
    if counted != Counter(rule.comparisons_by_outcome) or _OUTCOMES["rule_on_probes"][rule.because] != rule.outcome:
        return False
    return rule.outcome == combined_outcome(counted)


def _probe_verdict_follows(verdict: ProbeVerdict, shift: SwapShift, alpha: float) -> bool:
    if _OUTCOMES["probe"][verdict.because] != verdict.outcome:
        return False
    if not _rejected_as_said(verdict.p_fail, verdict.level_fail, is_rejected=verdict.outcome == "fail"):
        return False
    match verdict.because:
        case "no_shift":
            still = not (shift.pairs_moved or shift.raised or shift.lowered or shift.pairs_unscored)
            return still and (verdict.templates_needed is None or _shown_within(verdict, alpha))
        case "within_limit":
            return _shown_within(verdict, alpha)
        case "unscored_variants":
            return shift.pairs_unscored > 0
        case _:
            return (verdict.because == "no_pairs") == (shift.pairs == 0)


def _shown_within(verdict: ProbeVerdict, alpha: float) -> bool:
    return verdict.p_pass is not None and verdict.p_pass <= alpha


def _rejected_as_said(p: float | None, level: float | None, *, is_rejected: bool) -> bool:
    """Say whether p reaches its level where that is said, and only there. Rounding keeps order, but may make both
    equal.
    """
    if p is None or level is None:
        return not is_rejected
    return p <= level if is_rejected else p >= level


def _change_contradiction(result: AuditResult) -> str | None:
    """Name the first field about the change that does not follow; None where all do, or no change was asked for."""
    change, held_against = result.change, result.further.held_against
    if change is None:
        if held_against is not None:
            return "further.held_against"
        return None if result.plan.baseline.result is None else "change"
    if held_against is not None and not _held_follows(result, change, held_against):
        return "further.held_against"
    return _one_change_contradiction(result, change)


def _held_follows(result: AuditResult, change: Change, held_against: HeldAgainst) -> bool:
    """Say whether the change that decides is the right one of two, and the other follows from its verdicts."""
    other = held_against.other
    if other is None:
        return held_against.decides == "reference" and held_against.reference == held_against.last
    pair = (change, other) if held_against.decides == "reference" else (other, change)
    follows = _one_change_contradiction(result, other) is None
    return follows and held_against.reference != held_against.last and deciding(*pair)[1] == held_against.decides


def _one_change_contradiction(result: AuditResult, change: Change) -> str | None:
    """Name the first field of a change that does not follow from its verdicts; None where all do."""
    if change.outcome != _OUTCOMES["change"][change.because] or change.outcome != combined_outcome(
        rule.outcome for rule in change.rules
    ):
        return "change.outcome"
    return _change_rules_contradiction(result, change) if change.rules or change.verdicts else None


def _change_rules_contradiction(result: AuditResult, change: Change) -> str | None:
    planned = [(rule.id, rule.metric) for rule in result.plan.named_rules]
    if planned != [(rule.rule, rule.metric) for rule in change.rules]:
        return "change.rules"
    verdicts = _by_rule(change.rules, change.verdicts)
    judged = Counter((verdict.rule, verdict.group) for verdict in result.verdicts)
    if verdicts is None or Counter((verdict.rule, verdict.group) for verdict in change.verdicts) != judged:
        return "change.verdicts"
    for index, rule in enumerate(change.rules):
        if not _change_rule_follows(rule, verdicts[rule.rule], result.plan.verdict.alpha):
            return f"change.rules.{index}"
    return None


def _change_rule_follows(rule: ChangeRule, verdicts: Sequence[ChangeVerdict], alpha: float) -> bool:
    if not verdicts or rule.outcome != _OUTCOMES["change_of_a_rule"][rule.because]:
        return False
    if not all(_change_follows_from_p(verdict, alpha) for verdict in verdicts):
        return False
    fails = any(verdict.outcome == "fail" for verdict in verdicts)
    if (rule.outcome == "fail") != fails:
        return False
    return rule.outcome != "pass" or _may_pass(rule, verdicts)


def _change_follows_from_p(verdict: ChangeVerdict, alpha: float) -> bool:
    if verdict.outcome != _OUTCOMES["change_of_a_group"][verdict.because]:
        return False
    if not _rejected_as_said(verdict.p_worse, verdict.level_worse, is_rejected=verdict.outcome == "fail"):
        return False
    return verdict.outcome != "pass" or (
        verdict.decidable and verdict.p_within is not None and verdict.p_within <= alpha
    )


def unfounded_safeguard(result: AuditResult) -> str | None:
    """Name the first safeguard that claims evidence which this result does not hold; None where every claim is
    founded.
    """
    for index, safeguard in enumerate(result.safeguards):
        given_by = {"measured": "audit", "declared": "operator", "not_shown": "nobody"}[safeguard.state]
        founded = bool(safeguard.rests_on) == (safeguard.state != "not_shown") and all(
            _has_value(result, at) for at in safeguard.rests_on
        )
        if safeguard.given_by is not None and (safeguard.given_by != given_by or not founded):
            return f"safeguards.{index}"
    return None


def _has_value(result: AuditResult, field: str) -> bool:
    value: object = result
    for name in field.split("."):
        value = getattr(value, name, None)
    return value is not None and value not in ("", (), {})
