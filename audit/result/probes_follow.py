"""Whether what a result says of its probes follows from the plan, from the shifts, and from the verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from audit.result.audit_result import AuditResult
from audit.result.findings import (
    Outcome,
    ProbeBecause,
    ProbeRuleBecause,
    ProbeRuleResult,
    ProbeVerdict,
    SwapProbe,
    SwapShift,
)

__all__ = ["probe_contradiction", "rejected_as_said"]

OUTCOMES: Final[Mapping[ProbeBecause, Outcome]] = {
    "beyond_limit": "fail",
    "within_limit": "pass",
    "no_shift": "pass",
    "limit_not_excluded": "inconclusive",
    "unscored_variants": "inconclusive",
    "too_few_templates": "inconclusive",
    "no_pairs": "not_evaluable",
}
RULE_OUTCOMES: Final[Mapping[ProbeRuleBecause, Outcome]] = {
    "comparison_beyond_limit": "fail",
    "all_within_limit": "pass",
    "comparison_undecided": "inconclusive",
}
_Change = tuple[str, str, str | None, str | None, str]


def probe_contradiction(result: AuditResult) -> str | None:
    """Where a result says of its probes what does not follow; None where it is consistent."""
    known = {probe.id for probe in result.plan.probes}
    ids = [probe.probe for probe in result.probes]
    for place, probe in enumerate(result.probes):
        if probe.probe not in known or ids.count(probe.probe) > 1 or not _adds_up(probe):
            return f"probes.{place}"
    asked = [(rule.id, rule.probes, rule.margin, rule.reason) for rule in result.plan.named_probe_rules]
    if asked != [(rule.rule, rule.probes, rule.margin, rule.reason) for rule in result.probe_rules]:
        return "probe_rules"
    shifts = {_change(probe.probe, shift): shift for probe in result.probes for shift in probe.shifts}
    verdicts: dict[str, list[ProbeVerdict]] = {rule.rule: [] for rule in result.probe_rules}
    for verdict in result.probe_verdicts:
        if verdict.rule not in verdicts:
            return "probe_verdicts"
        verdicts[verdict.rule].append(verdict)
    for place, rule in enumerate(result.probe_rules):
        if not _follows(rule, verdicts[rule.rule], shifts, result.plan.verdict.alpha):
            return f"probe_rules.{place}"
    return None


def _change(probe: str, of: SwapShift | ProbeVerdict) -> _Change:
    return probe, of.slot, of.given_slot, of.given, of.level


def _adds_up(probe: SwapProbe) -> bool:
    """Whether the counts of a probe are those of its parts."""
    if probe.scored + probe.abstained + probe.failed != probe.variants or sum(probe.failures.values()) != probe.failed:
        return False
    changes = [_change(probe.probe, shift) for shift in probe.shifts]
    if len(set(changes)) < len(changes) or not all(map(_counts_add_up, probe.shifts)):
        return False
    for slot in probe.slots:
        mains = [shift for shift in probe.shifts if (shift.slot, shift.given_slot) == (slot.slot, None)]
        flipped = sum(shift.to_flagged + shift.to_not_flagged for shift in mains)
        unscored = sum(shift.pairs_unscored for shift in mains)
        told = (slot.levels, slot.pairs, slot.pairs_unscored, slot.flipped)
        if told != (len(mains), sum(shift.pairs for shift in mains), unscored, flipped):
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


def _follows(
    rule: ProbeRuleResult, verdicts: Sequence[ProbeVerdict], shifts: Mapping[_Change, SwapShift], alpha: float
) -> bool:
    """Whether a rule has one verdict of every change of its probes, each as its shift says, and says what they say."""
    limited = [change for change in shifts if change[0] in rule.probes]
    judged = [_change(verdict.probe, verdict) for verdict in verdicts]
    if not limited or Counter(limited) != Counter(judged):
        return False
    if not all(_verdict_follows(one, shifts[change], alpha) for one, change in zip(verdicts, judged, strict=True)):
        return False
    counted = Counter(verdict.outcome for verdict in verdicts)
    if counted != Counter(rule.comparisons_by_outcome) or RULE_OUTCOMES[rule.because] != rule.outcome:
        return False
    return rule.outcome == ("fail" if counted["fail"] else "pass" if set(counted) == {"pass"} else "inconclusive")


def _verdict_follows(verdict: ProbeVerdict, shift: SwapShift, alpha: float) -> bool:
    if OUTCOMES[verdict.because] != verdict.outcome:
        return False
    if not rejected_as_said(verdict.p_fail, verdict.level_fail, said=verdict.outcome == "fail"):
        return False
    match verdict.because:
        case "no_shift":
            return not (shift.pairs_moved or shift.raised or shift.lowered or shift.pairs_unscored)
        case "within_limit":
            return verdict.p_pass is not None and verdict.p_pass <= alpha
        case "unscored_variants":
            return shift.pairs_unscored > 0
        case _:
            return (verdict.because == "no_pairs") == (shift.pairs == 0)


def rejected_as_said(p: float | None, level: float | None, *, said: bool) -> bool:
    """Whether p reaches its level where that is said, and only there. Rounding keeps order, but may make both equal."""
    if p is None or level is None:
        return not said
    return p <= level if said else p >= level
