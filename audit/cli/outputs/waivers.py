"""Waived findings and rules that only warn: their effect on the exit code, and their lines. They change no verdict."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from audit.cli.console.group_names import GroupNames
from audit.cli.console.terminal import note
from audit.cli.outputs.verdict_code import OnInconclusive, result_exit_code
from audit.errors import ExitCode
from audit.result.audit_result import AuditResult, Waiver
from audit.result.waivers import WaiverOnDay, waivers_by_finding, waivers_on_day
from audit.verdicts.outcomes import outcome_left
from audit.vocabulary.text import count_of, printable

if TYPE_CHECKING:
    from audit.public.cases import PublicCases
    from audit.public.release import PublicWaiver


def today() -> str:
    """Return the day in UTC, as YYYY-MM-DD."""
    return dt.datetime.now(dt.UTC).date().isoformat()


def with_named_waivers(result: AuditResult, named: Path | None, *, exact: bool) -> AuditResult:
    """Return a result with the waivers of the named file in place of its own. Raises PlanError.

    Without `exact`, errors are worded for a log that many read.
    """
    if named is None:
        return result
    from audit.result.waivers_file import publishable_errors, read_waivers

    with publishable_errors(exact=exact):
        return result.model_copy(update={"waivers": read_waivers(named, result.plan, result.features)})


def exit_code_with_waivers(
    result: AuditResult, on_inconclusive: OnInconclusive | None, *, quiet: bool, exact: bool = True
) -> ExitCode:
    """Return the exit code of a verdict without waived findings and rules that only warn, and note what changes it.

    Without `exact`, the notes are for a log that many read: they name expired waivers, and never say whether a finding
    is there. With `quiet`, one line is left for such a log: why the code is not that of the verdict.
    """
    if not result.waivers and not result.plan.warning_rules:
        return result_exit_code(result, on_inconclusive, quiet=quiet)
    day = today()
    dated_waivers, outcome = waivers_on_day(result, day), outcome_left(result, day)
    if not quiet:
        for line in (*_state_notes(result, dated_waivers, exact=exact), *_warnings(result, exact=exact)):
            note(line)
    for line in _change_of_code(result, dated_waivers, outcome, exact=exact and not quiet):
        note(line)
    left = None if outcome == result.overall.outcome else outcome
    # A code that was noted above is not final where `on_inconclusive` changes it.
    return result_exit_code(result, on_inconclusive, quiet=quiet and left is None, left=left)


def _state_notes(result: AuditResult, waivers: Sequence[WaiverOnDay], *, exact: bool) -> list[str]:
    lines = [_expired(waiver, exact=exact) for waiver in waivers if waiver.state == "expired"]
    return lines + [_unused(result, waiver) for waiver in waivers if exact and waiver.state == "unused"]


def _change_of_code(result: AuditResult, waivers: Sequence[WaiverOnDay], outcome: str, *, exact: bool) -> list[str]:
    """Write the line that says why the exit code is not that of the verdict; no line if it is."""
    was, code = ExitCode[result.overall.outcome.upper()], ExitCode[outcome.upper()]
    if code is was:
        return []
    expired = any(waiver.state == "expired" for waiver in waivers)
    why = "a waiver has expired" if expired else _because(result, exact=exact)
    change = f"exit code {code.value} instead of {was.value} because {why}"
    return [f"warning: the verdict is {result.overall.outcome}; {change}"]


def _warnings(result: AuditResult, *, exact: bool) -> list[str]:
    """Write a line for each rule that only warns and fails; a log that many read does not name it."""
    named = [rule.rule for rule in result.rules if rule.outcome == "fail" and rule.rule in result.plan.warning_rules]
    if named and not exact:
        return ['warning: a limit is exceeded that only warns (on_fail = "warn")']
    return [f'warning: {rule} fails, and only warns (on_fail = "warn")' for rule in named]


def _because(result: AuditResult, *, exact: bool) -> str:
    # A log that many read covers all waivers: the days of those in force would show which of them are in force.
    counted = list(waivers_by_finding(result).values()) if exact else result.waivers
    if not counted:
        return "rules that only warn are set aside"
    days = sorted({waiver.expires for waiver in counted})
    until = f"until {days[0]}" if len(days) == 1 else f"until {days[0]}, some of them longer"
    beside = " and rules that only warn are set aside" if result.plan.warning_rules else ""
    if not exact:
        return f"what fails is waived {until}{beside}"
    return f"{count_of(len(counted), 'finding')} {'is' if len(counted) == 1 else 'are'} waived {until}{beside}"


def _expired(dated_waiver: WaiverOnDay, *, exact: bool) -> str:
    waiver = dated_waiver.waiver
    if not exact:
        # Naming the rule would say that a group fails under it, which public files may not.
        return f"warning: a waiver by {printable(_plain(waiver.who))} expired on {waiver.expires}: renew or remove it"
    then = "its finding still fails" if dated_waiver.fails else "its finding is no longer there: remove it"
    return f"warning: a waiver of {printable(waiver.rule)} expired on {waiver.expires}: {then}"


def _unused(result: AuditResult, dated_waiver: WaiverOnDay) -> str:
    waiver = dated_waiver.waiver
    name = GroupNames(result.features).name(waiver.group)
    return f"note: a waiver of {printable(waiver.rule)} is unused: {name} does not fail"


def waiver_lines(result: AuditResult) -> list[str]:
    """Write a line for each waiver, with all that it says, beside exact findings."""
    names = GroupNames(result.features)
    lines = []
    for dated_waiver in waivers_on_day(result, today()):
        waiver = dated_waiver.waiver
        group, rule = names.name(waiver.group), printable(waiver.rule)
        lines.append(
            f"  {_state_words(waiver, dated_waiver.state)}: {group} under {rule}: {printable(_plain(waiver.why))}"
        )
    return lines


def _state_words(waiver: Waiver, state: str) -> str:
    owner = printable(_plain(waiver.who))
    if state == "expired":
        return f"waiver by {owner} expired on {waiver.expires}"
    return f"waived by {owner} until {waiver.expires}{'' if state == 'in_force' else ' (unused)'}"


def unnamed_waiver_lines(result: AuditResult) -> list[str]:
    """Write a line for each waiver, for a log that many read without a public release: who answers, until when."""
    from audit.disclosure.headline import unnamed

    return [_public_line(waiver) for waiver in unnamed(result.waivers)]


def waiver_totals(result: AuditResult, narrowed: AuditResult) -> dict[str, object]:
    """Return, as JSON, what a public log may say of the waivers of a result without a release; empty without waivers.

    It holds the number of waivers and the day on which the first expires, as a release lists them. It also holds what
    is left of the rules asked for, `narrowed`, without waived findings, which the exit code says too. How many waivers
    are in force is not in it.
    """
    if not result.waivers:
        return {}
    first = min(waiver.expires for waiver in result.waivers)
    left = outcome_left(narrowed, today())
    return {"waived": {"left": left, "waivers": len(result.waivers), "first_expires": first}}


def public_waiver_lines(cases: PublicCases) -> list[str]:
    """Write a line for each waiver of a public release, with a name for groups whose rows are beyond the limit."""
    names = {case.row.group: case.name for case in cases.failing if case.row.group is not None}
    return [
        _public_line(waiver, "" if waiver.group is None else names.get(waiver.group, ""))
        for waiver in cases.release.waivers
    ]


def _public_line(waiver: PublicWaiver, name: str = "") -> str:
    owner = printable(_plain(waiver.who))
    expired = waiver.expires < today()
    until = f"waiver by {owner} expired on {waiver.expires}" if expired else f"waived by {owner} until {waiver.expires}"
    if waiver.group is None:
        return f"  {until}: a finding that is not named here"
    return f"  {until}: {printable(name)} under {printable(waiver.rule)}: {printable(_plain(waiver.why))}"


def _plain(text: str) -> str:
    """Join a text into one line."""
    return " ".join(text.split())
