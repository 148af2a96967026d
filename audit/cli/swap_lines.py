"""Counterfactual probes in the terminal: one line in the summary, and a line for each limit on them that is not met."""

from __future__ import annotations

from audit.cli.group_names import printable
from audit.cli.terminal import Style
from audit.result.audit_result import AuditResult
from audit.result.findings import ProbeRuleResult, SwapProbe, SwapShift
from audit.vocabulary.terms import SLOT_WORDS
from audit.vocabulary.text import count_of

__all__ = ["probe_rule_lines", "swap_line"]

_MOST_NAMED = 3


def swap_line(result: AuditResult) -> str:
    """The change that moves the score most, over all probes, and what it did to decisions; empty without probes."""
    moved = [
        ((abs(shift.shift), shift.to_flagged + shift.to_not_flagged, shift.pairs_moved), probe, shift)
        for probe in result.probes
        for shift in probe.shifts
        if shift.shift is not None
    ]
    if not moved:
        return "Swaps: nothing was scored" if result.probes else ""
    if not any(shift.pairs_moved for _, _, shift in moved):
        return f"Swaps{_judged(result)}: no score moved{_over(result)}"
    _, probe, shift = max(moved, key=lambda each: each[0])
    slot = SLOT_WORDS.get(shift.slot, shift.slot) if probe.kind == "text" else f"column {shift.slot}"
    name = f"{slot} {_change(probe, shift)}"
    flipped = shift.to_flagged + shift.to_not_flagged
    decisions = f"{flipped:,} of {count_of(shift.pairs, 'decision')} changed"
    return f"Swaps{_judged(result)}: widest {100 * (shift.shift or 0.0):+.1f} points, {decisions}: {printable(name)}"


def _over(result: AuditResult) -> str:
    """How much a sentence about all changes rests on: the fewest texts that any of them was scored in."""
    unscored = sum(shift.pairs_unscored for probe in result.probes for shift in probe.shifts)
    if unscored:
        every = unscored + sum(shift.pairs for probe in result.probes for shift in probe.shifts)
        return f", but {unscored:,} of {count_of(every, 'pair')} were not scored"
    scored, probe = min(
        ((slot.templates_scored, one) for one in result.probes for slot in one.slots), key=lambda x: x[0]
    )
    return f", whatever was changed ({count_of(scored, probe.unit)})"


def _judged(result: AuditResult) -> str:
    """What the limits on probes came to, where there are any."""
    outcomes = {rule.outcome for rule in result.probe_rules}
    if not outcomes:
        return ""
    return " FAIL" if "fail" in outcomes else " within the limit" if outcomes == {"pass"} else " cannot tell"


def probe_rule_lines(result: AuditResult, style: Style) -> list[str]:
    """One line for each limit on probes that is not met or not decided."""
    return [_rule_line(result, rule, style) for rule in result.probe_rules if rule.outcome != "pass"]


def _rule_line(result: AuditResult, rule: ProbeRuleResult, style: Style) -> str:
    fails = rule.outcome == "fail"
    wanted = {"fail"} if fails else {"inconclusive", "not_evaluable"}
    verdicts = [one for one in result.probe_verdicts if one.rule == rule.rule and one.outcome in wanted]
    what = "move the mean score beyond the limit" if fails else "could not be decided"
    names = {
        (probe.probe, shift.slot, shift.given_slot, shift.given, shift.level): _change(probe, shift)
        for probe in result.probes
        for shift in probe.shifts
    }
    named = [
        names.get((one.probe, one.slot, one.given_slot, one.given, one.level), one.level)
        for one in verdicts[:_MOST_NAMED]
    ]
    more = f" and {len(verdicts) - _MOST_NAMED:,} more" if len(verdicts) > _MOST_NAMED else ""
    state = "FAIL" if fails else "cannot tell"
    text = (
        f"{style.shape(rule.outcome)} {state} {rule.rule}: {count_of(len(verdicts), 'change')} {what} "
        f"({rule.margin:g} of the score range): {printable('; '.join(named))}{more}"
    )
    return style.paint(text, rule.outcome)


def _change(probe: SwapProbe, shift: SwapShift) -> str:
    if shift.given_slot is None or shift.given is None:
        return shift.name
    held = next(
        (one.name for one in probe.shifts if (one.slot, one.level) == (shift.given_slot, shift.given)), shift.given
    )
    return f"{shift.name} within {held}"
