"""Lines of the summary on probes, answers, other libraries, nationalities without a name, waivers, and the chance of a
pass.

Lines of `check` and `draw` on groups that cannot pass, because so many people are in no known group.
"""

from __future__ import annotations

import math
import textwrap
from collections import Counter
from collections.abc import Sequence
from typing import Final

from audit.cli.console.group_names import GroupNames, fit
from audit.cli.console.terminal import Style
from audit.cli.pages.words import WORDS
from audit.result.audit_result import AuditResult
from audit.result.findings.further import PlannedPass
from audit.result.findings.judged import RuleResult, Verdict
from audit.result.findings.swaps import ProbeRuleResult, ProbeVerdict, SwapProbe, SwapShift
from audit.result.reasons import open_cures, open_verdicts
from audit.result.waivers import day_of, held_by_finding, waivers_on_day
from audit.vocabulary.numbers import disparity_words, percent
from audit.vocabulary.sentences import SLOT_WORDS
from audit.vocabulary.text import count_of, first_of, printable

_MOST_NAMED = 3
_WIDTH: Final = 80


def swap_line(result: AuditResult) -> str:
    """State the change that moves the score most, over all probes, and its effect on decisions; empty without
    probes.
    """
    moved = [
        ((abs(shift.shift), shift.to_flagged + shift.to_not_flagged, shift.pairs_moved), probe, shift)
        for probe in result.probes
        for shift in probe.shifts
        if shift.shift is not None
    ]
    if not moved:
        return "Swaps: nothing was scored" if result.probes else ""
    if not any(shift.pairs_moved for _, _, shift in moved):
        return f"Swaps{_limit_words(result)}: no score moved{_basis_words(result)}"
    _, probe, shift = max(moved, key=lambda candidate: candidate[0])
    slot = SLOT_WORDS.get(shift.slot, shift.slot) if probe.kind == "text" else f"column {shift.slot}"
    name = f"{slot} {_change(probe, shift)}"
    flipped = shift.to_flagged + shift.to_not_flagged
    decisions = f"{flipped:,} of {count_of(shift.pairs, 'decision')} changed"
    moved_by = f"{100 * (shift.shift or 0.0):+.1f} points"
    return f"Swaps{_limit_words(result)}: widest, {printable(name)}: {moved_by}, {decisions}"


def _basis_words(result: AuditResult) -> str:
    """State how much a sentence about all changes rests on: the fewest texts that any of them was scored in."""
    unscored = sum(shift.pairs_unscored for probe in result.probes for shift in probe.shifts)
    if unscored:
        every = unscored + sum(shift.pairs for probe in result.probes for shift in probe.shifts)
        return f", but {unscored:,} of {count_of(every, 'pair')} were not scored"
    scored, probe = min(
        ((slot.templates_scored, probe_result) for probe_result in result.probes for slot in probe_result.slots),
        key=lambda x: x[0],
    )
    return f", whatever was changed ({count_of(scored, probe.unit)})"


def _limit_words(result: AuditResult) -> str:
    """State the outcome of the limits on probes, where there are any."""
    outcomes = {rule.outcome for rule in result.probe_rules}
    if not outcomes:
        return ""
    if "fail" in outcomes or outcomes == {"pass"}:
        return " FAIL" if "fail" in outcomes else " within the limit"
    takes = _takes(result, result.probe_verdicts)
    return f" cannot tell with fewer than {takes}" if takes else " cannot tell"


def _takes(result: AuditResult, verdicts: Sequence[ProbeVerdict]) -> str:
    """Return how many texts it takes at least to decide all of these changes; empty where none has too few."""
    few = [
        verdict
        for verdict in verdicts
        if verdict.because == "too_few_templates" and verdict.templates_needed is not None
    ]
    if not few:
        return ""
    most = max(few, key=lambda verdict: verdict.templates_needed or 0)
    unit = next(probe.unit for probe in result.probes if probe.probe == most.probe)
    return count_of(most.templates_needed or 0, unit)


def probe_rule_lines(result: AuditResult, style: Style) -> list[str]:
    """Write one line for each limit on probes that is not met or not decided."""
    return [_rule_line(result, rule, style) for rule in result.probe_rules if rule.outcome != "pass"]


def _rule_line(result: AuditResult, rule: ProbeRuleResult, style: Style) -> str:
    fails = rule.outcome == "fail"
    wanted = {"fail"} if fails else {"inconclusive", "not_evaluable"}
    verdicts = [verdict for verdict in result.probe_verdicts if verdict.rule == rule.rule and verdict.outcome in wanted]
    move = "moves" if len(verdicts) == 1 else "move"
    what = f"{move} the mean score beyond the limit" if fails else "could not be decided"
    names = {
        (probe.probe, shift.slot, shift.given_slot, shift.given, shift.level): _change(probe, shift)
        for probe in result.probes
        for shift in probe.shifts
    }
    named = [
        names.get((verdict.probe, verdict.slot, verdict.given_slot, verdict.given, verdict.level), verdict.level)
        for verdict in verdicts
    ]
    takes = _takes(result, verdicts)
    more = f"; it takes {takes} or more" if takes else ""
    state = "FAIL" if fails else "cannot tell"
    text = (
        f"{style.shape(rule.outcome)} {state} {rule.rule}: {count_of(len(verdicts), 'change')} {what} "
        f"({rule.margin:g} of the score range): {printable(first_of(named, _MOST_NAMED, '; '))}{more}"
    )
    return style.paint(text, rule.outcome)


def _change(probe: SwapProbe, shift: SwapShift) -> str:
    if shift.given_slot is None or shift.given is None:
        return shift.name
    given_name = next(
        (
            level_shift.name
            for level_shift in probe.shifts
            if (level_shift.slot, level_shift.level) == (shift.given_slot, shift.given)
        ),
        shift.given,
    )
    return f"{shift.name} within {given_name}"


def opinion_line(result: AuditResult) -> str:
    """State which libraries computed the same numbers, and how many; or that none was asked, or none could answer."""
    if result.further.crosscheck_state == "not_asked":
        return "Checked: no other library was asked for the same numbers"
    if result.further.crosscheck_state == "no_answer":
        return "Checked: neither fairlearn nor AIF360 could be asked"
    names = " and ".join(printable(agreement.library) for agreement in result.further.crosscheck)
    numbers = min(agreement.rates_compared + agreement.disparities_compared for agreement in result.further.crosscheck)
    verb = "agrees" if len(result.further.crosscheck) == 1 else "agree"
    return f"Checked: {names} {verb} on {numbers:,} rates and disparities"


_MOST = 3
"""Most reasons that are named; the report has all."""


def answer_lines(result: AuditResult) -> list[str]:
    """State why answers failed, and how often the detector contradicts itself."""
    return [*_failed_lines(result), *_disagreement_lines(result)]


def _failed_lines(result: AuditResult) -> list[str]:
    everyone = [failure for failure in result.further.failures if not failure.group.root]
    if not everyone:
        return []
    failed = sorted(everyone, key=lambda failure: -failure.rows)
    reasons = [f"{failure.reason or failure.status} {failure.rows:,}" for failure in failed[:_MOST]]
    more = f", {len(failed) - _MOST} more reasons" if len(failed) > _MOST else ""
    return [f"Failed: {sum(failure.rows for failure in failed):,} rows ({', '.join(reasons)}{more})"]


def _disagreement_lines(result: AuditResult) -> list[str]:
    for disagreement in result.further.self_disagreement:
        if not disagreement.group.root:
            differ = f"{disagreement.decisions_differ:,} of {disagreement.answered:,} decisions differ"
            share = f" ({percent(disagreement.share)})" if disagreement.share else ""
            return [f"Asked {result.plan.scoring.repeat} times: {differ}{share}"]
    return []


def unnamed_beyond(rule: RuleResult) -> str:
    """Write of how many nationalities it is known, without a name, that at least so many are beyond the limit."""
    count, tested = max((family.unnamed_at_least, family.tested) for family in rule.families)
    return f"at least {count:,} of {tested:,} nationalities {'is' if count == 1 else 'are'} beyond the limit"


class Waived:
    """Waivers of a result in their state when the audit ended."""

    def __init__(self, result: AuditResult) -> None:
        self._held = waivers_on_day(result, day_of(result))
        self._covered = {
            finding: dated_waiver.waiver
            for finding, dated_waiver in held_by_finding(result).items()
            if dated_waiver.state == "in_force"
        }
        failing = [verdict for verdict in result.verdicts if verdict.outcome == "fail"]
        # a code that stands on every rung of a ladder is the same people, as in the line of counts
        self._failing = {(verdict.rule, verdict.group.people) for verdict in failing}
        self._left = {(verdict.rule, verdict.group.people) for verdict in failing if not self.covers(verdict)}

    def covers(self, verdict: Verdict) -> bool:
        """Say whether a finding is waived, by a waiver that holds."""
        return (verdict.rule, verdict.group) in self._covered

    def line(self) -> list[str]:
        """Write one line where there are waivers: how many findings they cover, until when, and how many have
        expired.
        """
        if not self._held:
            return []
        expired = sum(dated_waiver.state == "expired" for dated_waiver in self._held)
        unused = sum(dated_waiver.state == "unused" for dated_waiver in self._held)
        parts = [f"{len(self._failing - self._left):,} of {len(self._failing):,} findings"]
        days = sorted({waiver.expires for waiver in self._covered.values()})
        if days:
            parts[0] += f" until {days[0]}" if len(days) == 1 else f" until {days[0]} or later"
        parts += [f"{expired:,} expired"] if expired else []
        parts += [f"{unused:,} unused"] if unused else []
        owners = sorted({printable(dated_waiver.waiver.who) for dated_waiver in self._held})
        by = f", by {owners[0]}" if len(owners) == 1 else ""
        return [f"Waived: {'; '.join(parts)}{by}"]


_OUT_OF_REACH: Final = WORDS["out_of_reach"]
_REMEDIES: Final = WORDS["remedies"]


def planned_pass_lines(planned: PlannedPass | None, names: GroupNames, *, people_count: bool = False) -> list[str]:
    """State the chance, what limits it, and what would raise it most; or that people's decisions leave it open."""
    if people_count:
        return ["Chance of a pass: not known, since people's decisions count in the verdict"]
    if planned is None:
        return []
    chance = f"Chance of a pass, were everyone treated alike: {percent(planned.chance)}"
    lines = [
        chance
        if planned.coverage is None
        else f"{chance} ({percent(planned.coverage)} of people in groups that could pass)"
    ]
    if planned.out_of_reach is not None:
        lines = [chance, f"  None is within reach: {_OUT_OF_REACH[planned.out_of_reach]}"]
    elif planned.least_sure:
        first = [
            f"{names.name_within(group_chance.group, 23)} {percent(group_chance.chance)}"
            for group_chance in planned.least_sure[:2]
        ]
        lines.append(fit(f"  Least sure to pass: {'; '.join(dict.fromkeys(first))}", _WIDTH).rstrip())
    if planned.remedy is not None:
        lines.append(f"  Most would be gained by {_REMEDIES[planned.remedy]}: {percent(planned.with_remedy)}")
    return lines


_TAKES: Final = WORDS["takes"]
_WHY: Final = WORDS["why"]


def takes_lines(result: AuditResult, verdicts: Sequence[Verdict]) -> list[str]:
    """Write what an undecided audit takes, and in how many groups."""
    if result.overall.outcome != "inconclusive":
        return []

    cures = open_cures(result.rules, verdicts)
    takes = dict(_TAKES)
    if result.plan.evaluation_set.stratum:
        takes["more_of_others"] = "cases of kinds not drawn"
    if result.plan.evaluation_set.is_counted:
        takes["decide_cases"] = "the numbers that the table hides"
    parts = [f"{takes[cure]} ({count_of(count, 'group')})" for cure, count in cures.most_common() if cure in takes]
    return textwrap.wrap(f"It takes: {', '.join(parts)}", _WIDTH, subsequent_indent="  ") if parts else []


def why_open(rule: RuleResult, verdicts: Sequence[Verdict]) -> str:
    """State why groups with enough cases are undecided, and how many for each reason."""
    reasons = Counter(verdict.because for verdict in open_verdicts(rule, verdicts) if verdict.decidable)
    return ", ".join(f"{_WHY.get(because, because)} ({count:,})" for because, count in reasons.most_common())


def not_alone_lines(result: AuditResult) -> list[str]:
    """Write one line on whom a pass says nothing of by themselves, where most people are not judged alone."""
    not_alone = result.further.not_judged_alone
    if not not_alone:
        return []
    most = max(not_alone, key=lambda group: group.share)
    scale = next(rule.scale for rule in result.rules if rule.rule == most.rule)
    gap = "no gap is named" if most.gap is None else f"a gap is named from {disparity_words(scale, most.gap)}"
    return [f"Not judged alone: {count_of(most.groups, 'group')}, {count_of(most.cases, 'case')}; {gap}"]


def held_back_line(withheld: int, alone: int) -> str:
    """State how many of the groups judged alone cannot pass."""
    which = f"{withheld:,} of them" if withheld < alone else "None of them" if alone > 1 else "It"
    can = "can" if which == "None of them" else "cannot"
    return f"{which} {can} pass while so many people are unknown, even if treated like everyone else"


def remedy_lines(share: float) -> list[str]:
    """State what would change that."""
    if share < 0.001:
        return ["No share that could be vouched for changes that: complete missing gender or nationality, lawfully"]
    most = f"{math.floor(share * 1000.0 + 1e-9) / 10.0:.1f}%"
    return [
        f"All could if in no group more than {most} of its own cases were unknown. Whoever can vouch for that",
        "writes it as [sensitivity] max_missing_share; else complete missing gender or nationality, lawfully",
    ]


def added_over_line(columns: str) -> str:
    """Name columns of a table of counts that the plan does not name, though rows of one group differ there."""
    return f"Rows that differ in these columns are added up, with no verdict by them: {columns}"
