"""State of waivers: which findings they are about, and which of them hold on a day.

Everything here is read from a result and from a day that the caller names. There is no clock, so that a report of one
result never changes. What is left of a verdict without waived findings is decided by `audit.verdicts.outcomes`.
"""

from __future__ import annotations

from collections import Counter
from typing import Literal, NamedTuple

from audit.result.audit_result import AuditResult, Waiver
from audit.vocabulary.groups import Group
from audit.vocabulary.text import day_in

State = Literal["in_force", "expired", "unused"]


class WaiverOnDay(NamedTuple):
    """A waiver, and its state on a day."""

    waiver: Waiver
    """The waiver."""
    state: State
    """`in_force`: its finding fails and it holds. `expired`: its last day is over, whether the finding is there or not.
    `unused`: it holds, and there is no such finding."""
    fails: bool
    """Whether the group fails under the rule."""


def day_of(result: AuditResult) -> str:
    """Return the day on which the audit ended, as YYYY-MM-DD (UTC): reports judge by it which waivers had expired."""
    return result.provenance.finished[:10]


def has_expired(waiver: Waiver, day: str) -> bool:
    """Say whether the last day of a waiver lies before `day` (YYYY-MM-DD)."""
    return waiver.expires < day


def waivers_by_finding(result: AuditResult) -> dict[tuple[str, Group], Waiver]:
    """Return the waiver of each failing finding that has one, by rule and group, whether it has expired or not.

    One of any group that holds the same people is about the finding; of several the one that holds longest counts.
    """
    named = {(waiver.rule, waiver.group): waiver for waiver in result.waivers}
    failing = [verdict for verdict in result.verdicts if verdict.outcome == "fail"]
    by_finding = {}
    for verdict in failing:
        groups = (verdict.group, *verdict.same_people)
        waivers = [waiver for group in groups if (waiver := named.get((verdict.rule, group)))]
        if waivers:
            by_finding[verdict.rule, verdict.group] = max(waivers, key=lambda waiver: waiver.expires)
    return by_finding


def held_by_finding(result: AuditResult) -> dict[tuple[str, Group], WaiverOnDay]:
    """Return the waiver of each failing finding that has one, in its state when the audit ended."""
    day = day_of(result)
    return {finding: _waiver_on_day(waiver, day, fails=True) for finding, waiver in waivers_by_finding(result).items()}


def waivers_on_day(result: AuditResult, day: str) -> tuple[WaiverOnDay, ...]:
    """Find the state of every waiver of `result` on `day` (YYYY-MM-DD), in the order of the result."""
    failing = {
        (verdict.rule, group)
        for verdict in result.verdicts
        if verdict.outcome == "fail"
        for group in (verdict.group, *verdict.same_people)
    }
    return tuple(_waiver_on_day(waiver, day, fails=(waiver.rule, waiver.group) in failing) for waiver in result.waivers)


def waiver_contradiction(result: AuditResult) -> str | None:
    """Name the first waiver that no file of waivers could hold; None where all could stand in one."""
    rules = {rule.rule for rule in result.rules}
    if any(count > 1 for count in Counter((waiver.rule, waiver.group) for waiver in result.waivers).values()):
        return "waivers"
    wrong = (
        index
        for index, waiver in enumerate(result.waivers)
        if waiver.rule not in rules or not waiver.group.levels or day_in(waiver.expires) is None
    )
    return next((f"waivers.{index}" for index in wrong), None)


def _waiver_on_day(waiver: Waiver, day: str, *, fails: bool) -> WaiverOnDay:
    state: State = "expired" if has_expired(waiver, day) else "in_force" if fails else "unused"
    return WaiverOnDay(waiver, state, fails)
