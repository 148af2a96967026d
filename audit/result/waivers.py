"""Effect of waivers: which findings they are about, which of them still hold, and what is left without those.

A waiver changes no verdict, of a group, a rule or the audit. It says that somebody answers for a finding until a day,
and what it changes is the exit code of `run` and `gate` alone. Everything here is read from a result and from a day
that the caller names. There is no clock, so that a report of one result never changes.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from audit.result.audit_result import AuditResult, OverallVerdict, Waiver
from audit.result.findings.change import Change, ChangeBecause, ChangeOutcome, combined_outcome
from audit.result.findings.judged import RuleResult, Verdict
from audit.result.findings.swaps import ProbeRuleResult
from audit.vocabulary.groups import Family, Group

State = Literal["in_force", "expired", "unused"]


@dataclass(frozen=True, slots=True)
class WaiverOnDay:
    """A waiver, and its state on a day."""

    waiver: Waiver
    """The waiver."""
    state: State
    """`in_force`: its finding fails and it holds. `expired`: its last day is over, whether the finding is there or not.
    `unused`: it holds, and there is no such finding."""
    fails: bool
    """Whether the group fails under the rule."""


@dataclass(frozen=True, slots=True)
class WaiversOnDay:
    """Waivers of a result on a day, and the outcome once waived findings are set aside."""

    held: tuple[WaiverOnDay, ...]
    """Every waiver, in the order of the result."""
    outcome: ChangeOutcome
    """Outcome of what is left: `fail` wherever a waiver has expired."""

    def those(self, state: State) -> tuple[WaiverOnDay, ...]:
        """Return the waivers in one state."""
        return tuple(each for each in self.held if each.state == state)


def day_of(result: AuditResult) -> str:
    """Return the day on which the audit ended, as YYYY-MM-DD (UTC): reports judge by it which waivers had expired."""
    return result.provenance.finished[:10]


def has_expired(waiver: Waiver, day: str) -> bool:
    """Say whether the last day of a waiver lies before `day` (YYYY-MM-DD)."""
    return waiver.expires < day


def waivers_by_finding(result: AuditResult) -> dict[tuple[str, Group], Waiver]:
    """Return the waiver of each failing finding that has one, by rule and group, whether it has expired or not."""
    failing = {(verdict.rule, verdict.group) for verdict in result.verdicts if verdict.outcome == "fail"}
    named = {(waiver.rule, waiver.group): waiver for waiver in result.waivers}
    return {finding: waiver for finding, waiver in named.items() if finding in failing}


def held_by_finding(result: AuditResult) -> dict[tuple[str, Group], WaiverOnDay]:
    """Return the waiver of each failing finding that has one, in its state when the audit ended."""
    day = day_of(result)
    return {finding: _waiver_on_day(waiver, day, fails=True) for finding, waiver in waivers_by_finding(result).items()}


def waivers_on_day(result: AuditResult, day: str) -> WaiversOnDay:
    """Find the state of the waivers of `result` on `day` (YYYY-MM-DD), and the outcome without the waived findings.

    A rule that fails is set aside where every group that fails under it is waived by a waiver in force, and no family
    fails without naming a group. Then its other groups decide whether it would pass. A rule on probes names no group,
    and is never set aside; nor is a change for the worse. Where one waiver has expired the outcome is a fail in any
    case.
    """
    covered = waivers_by_finding(result)
    held = tuple(_waiver_on_day(waiver, day, fails=(waiver.rule, waiver.group) in covered) for waiver in result.waivers)
    if any(each.state == "expired" for each in held):
        return WaiversOnDay(held, "fail")
    verdicts: dict[str, list[Verdict]] = {rule.rule: [] for rule in result.rules}
    for verdict in result.verdicts:
        verdicts[verdict.rule].append(verdict)
    left = [_outcome_without_waived(rule, verdicts[rule.rule], covered) for rule in result.rules]
    left += [str(rule.outcome) for rule in result.probe_rules]
    left += [] if result.change is None else [result.change.outcome]
    return WaiversOnDay(held, combined_outcome(left))


def narrow_to_rules(result: AuditResult, rules: Iterable[str]) -> AuditResult:
    """Narrow the result to these rules, with the verdict of these alone: for an exit code and its lines.

    It is no result to be kept: only rules, verdicts, the overall verdict and waivers are narrowed. The tests are those
    of the whole plan, so that a choice of rules has no other levels than the audit had.
    """
    kept = set(rules)
    of_rates = tuple(rule for rule in result.rules if rule.rule in kept)
    on_probes = tuple(rule for rule in result.probe_rules if rule.rule in kept)
    both: list[RuleResult | ProbeRuleResult] = [*of_rates, *on_probes]
    change = None if result.change is None else _narrow_change(result.change, kept)
    overall = OverallVerdict(
        outcome=combined_outcome([str(rule.outcome) for rule in both] + ([] if change is None else [change.outcome])),
        failing_rules=tuple(rule.rule for rule in both if rule.outcome == "fail"),
        undecided_rules=tuple(rule.rule for rule in both if rule.outcome not in ("fail", "pass")),
        primary_harm=result.overall.primary_harm,
    )
    return result.model_copy(
        update={
            "rules": of_rates,
            "probe_rules": on_probes,
            "verdicts": tuple(verdict for verdict in result.verdicts if verdict.rule in kept),
            "probe_verdicts": tuple(verdict for verdict in result.probe_verdicts if verdict.rule in kept),
            "waivers": tuple(waiver for waiver in result.waivers if waiver.rule in kept),
            "change": change,
            "overall": overall,
        }
    )


def _narrow_change(change: Change, kept: set[str]) -> Change | None:
    """Narrow a change to these rules; all of it where no rule could be judged, None where it judges none of them."""
    if not change.rules:
        return change
    rules = tuple(rule for rule in change.rules if rule.rule in kept)
    if not rules:
        return None
    outcome = combined_outcome([rule.outcome for rule in rules])
    because: dict[ChangeOutcome, ChangeBecause] = {
        "fail": "group_became_worse",
        "pass": "none_became_worse",
        "inconclusive": "rule_undecided",
    }
    verdicts = tuple(verdict for verdict in change.verdicts if verdict.rule in kept)
    return change.model_copy(
        update={"rules": rules, "verdicts": verdicts, "outcome": outcome, "because": because[outcome]}
    )


def waiver_contradiction(result: AuditResult) -> str | None:
    """Name the first waiver that no file of waivers could hold; None where all could stand in one."""
    rules = {rule.rule for rule in result.rules}
    if any(count > 1 for count in Counter((waiver.rule, waiver.group) for waiver in result.waivers).values()):
        return "waivers"
    wrong = (
        place
        for place, waiver in enumerate(result.waivers)
        if waiver.rule not in rules or not waiver.group.levels or not _is_day(waiver.expires)
    )
    return next((f"waivers.{place}" for place in wrong), None)


def _waiver_on_day(waiver: Waiver, day: str, *, fails: bool) -> WaiverOnDay:
    state: State = "expired" if has_expired(waiver, day) else "in_force" if fails else "unused"
    return WaiverOnDay(waiver, state, fails)


def _outcome_without_waived(rule: RuleResult, verdicts: list[Verdict], covered: dict[tuple[str, Group], Waiver]) -> str:
    """Return the outcome of a rule once its waived findings are set aside."""
    if rule.outcome != "fail":
        return rule.outcome
    failing = [verdict for verdict in verdicts if verdict.outcome == "fail"]
    named: set[Family] = {verdict.group.family for verdict in failing}
    # where a group of a family is named, that one alone may be why all of them together are beyond the limit
    unnamed = any(family.unnamed_beyond and family.family not in named for family in rule.families)
    if unnamed or not failing or any((rule.rule, verdict.group) not in covered for verdict in failing):
        return "fail"
    judged = [verdict for verdict in verdicts if verdict.decidable]
    undecided = any(verdict.outcome not in ("pass", "fail") for verdict in judged)
    covers = rule.coverage is not None and rule.coverage >= rule.min_coverage
    return "pass" if judged and covers and not undecided and not rule.missing_expected else "inconclusive"


def _is_day(text: str) -> bool:
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
