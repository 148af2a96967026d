"""What a release says before its table: the verdict, a change from a baseline, changed words and waivers.

A waiver is written for a group that the exact audit fails, so that naming one would name a group that has no word. It
stands by name where the word of its group is printed as beyond. What is left of the others is who answers for them, and
until when.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, Literal, get_args

from audit.public.release import (
    FailsOn,
    PlanPart,
    PublicChange,
    PublicChangedWord,
    PublicHeadline,
    PublicPeopleRule,
    PublicRelease,
    PublicRow,
    PublicWaiver,
)
from audit.result.audit_result import AuditResult, Waiver
from audit.result.findings.judged import Outcome


def headline_of(result: AuditResult, rows: Sequence[PublicRow]) -> PublicHeadline:
    """Return the verdict of a result, on what it fails, and whether printed rows show a group that it is about."""
    change = (result.change,) if result.change is not None else ()
    people = () if result.people_verdict is None else result.people_verdict.rules
    judged: dict[FailsOn, Sequence[Any]] = {
        "groups": result.rules,
        "people": people,
        "probes": result.probe_rules,
        "change": change,
    }
    failing = [name for name, outcomes in judged.items() if any(rule.outcome == "fail" for rule in outcomes)]
    named = any(word.word == "beyond" or word.smaller_beyond for row in rows for word in row.words)
    return PublicHeadline(
        outcome=result.overall.outcome,
        no_group_named="groups" in failing and not named,
        fails_on=tuple(failing),
        change=public_change(result),
        people=public_people(result),
    )


def public_people(result: AuditResult) -> tuple[PublicPeopleRule, ...]:
    """Return the word of each rule on what people decided, where that is a part of the verdict."""
    rules = () if result.people_verdict is None else result.people_verdict.rules
    return tuple(PublicPeopleRule(rule=rule.rule, outcome=rule.outcome) for rule in rules)


_WORDS: Final[Mapping[Outcome, Literal["beyond", "within", "cannot_tell"]]] = {
    "fail": "beyond",
    "pass": "within",
    "inconclusive": "cannot_tell",
    "not_evaluable": "cannot_tell",
}


def public_changed_words(result: AuditResult) -> tuple[PublicChangedWord, ...]:
    """Return what rules say of changed words of written texts; not of changed columns, whose rows are people."""
    written = {
        (probe.probe, shift.slot, shift.level, shift.given_slot, shift.given): shift
        for probe in result.probes
        if probe.kind == "text"
        for shift in probe.shifts
    }
    margins = {rule.rule: rule.margin for rule in result.probe_rules}
    verdicts = (
        (verdict, written.get((verdict.probe, verdict.slot, verdict.level, verdict.given_slot, verdict.given)))
        for verdict in result.probe_verdicts
    )
    return tuple(
        PublicChangedWord(
            rule=verdict.rule,
            probe=verdict.probe,
            slot=verdict.slot,
            level=verdict.level,
            given_slot=verdict.given_slot,
            given=verdict.given,
            name=shift.name,
            shift=shift.shift,
            low=shift.low,
            high=shift.high,
            word=_WORDS[verdict.outcome],
            margin=margins[verdict.rule],
            texts=shift.templates,
        )
        for verdict, shift in verdicts
        if shift is not None
    )


def public_change(result: AuditResult) -> PublicChange | None:
    """What the public reads of the change from a baseline: nothing of it follows from who changed, but its word."""
    change = result.change
    if change is None:
        return None
    # by the list and not as the result has it, whose words anybody can have written
    parts: tuple[PlanPart, ...] = get_args(PlanPart)
    return PublicChange(
        outcome=change.outcome,
        paired=bool(change.rules) and change.unpaired is None,
        baseline_finished=change.baseline.finished[:10],
        not_judged=change.because if change.because in ("weighted_set", "clustered_set") else None,
        differs=tuple(part for part in parts if part in change.differs),
    )


def with_waivers(release: PublicRelease, waivers: Collection[Waiver]) -> PublicRelease:
    """Return the release with its waivers: first those that are named, the others in an order of their own."""
    beyond = {(word.rule, row.group) for row in release.rows for word in row.words if word.word == "beyond"}
    named = [waiver for waiver in waivers if (waiver.rule, waiver.group) in beyond]
    public = [PublicWaiver(**waiver.model_dump(exclude={"group"}), group=waiver.group) for waiver in named]
    others = unnamed(waiver for waiver in waivers if (waiver.rule, waiver.group) not in beyond)
    return release.model_copy(update={"waivers": (*public, *others)})


def unnamed(waivers: Iterable[Waiver]) -> list[PublicWaiver]:
    """Waivers without rule, group and reason, the first to expire first."""
    nameless = [PublicWaiver(rule="", group=None, who=waiver.who, why="", expires=waiver.expires) for waiver in waivers]
    # not in the order of the file, which may be that of groups
    return sorted(nameless, key=lambda waiver: (waiver.expires, waiver.who))
