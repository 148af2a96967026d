"""The findings of a result, with exact numbers: who is beyond a limit, who is within it, and of whom nobody can tell.

Nothing is decided here: a finding is a verdict of the result with its numbers. People who stand on several rungs of a
ladder, such as those of unknown nationality, are one finding of a rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from audit.result.findings.change import Change, ChangeRule, ChangeVerdict
from audit.result.findings.judged import FamilyResult, Outcome, RuleResult
from audit.result.findings.swaps import ProbeRuleResult, ProbeVerdict, SwapShift
from audit.result.reading import JudgedRate, Reading, changed_groups, changed_worst_first, result_of_second
from audit.result.urgency import most_urgent_first
from audit.vocabulary.finding import SUBJECTS, WORDS, Cause, ChangedWord, Finding, Measured, Together, Word
from audit.vocabulary.groups import Group

ExactFinding = Finding[Group | ChangedWord | Together]
Record = JudgedRate | FamilyResult | ProbeVerdict | ChangeVerdict
"""The part of a result that a finding is read from."""

_WORDS: Final[Mapping[Outcome, Word]] = {
    "fail": "beyond",
    "pass": "within",
    "inconclusive": "cannot_tell",
    "not_evaluable": "no_rate",
}
_CAUSES: Final[Mapping[str, Cause]] = {
    "beyond_limit": "beyond_limit",
    "beyond_limit_as_recorded": "as_recorded",
    "unknown_attribute": "unknown_people",
    "unscored_cases": "unanswered_cases",
    "unscored_variants": "unanswered_cases",
    "worse_beyond_margin": "earlier_release",
}


def findings_of(reading: Reading) -> tuple[ExactFinding, ...]:
    """Return every finding of a result: those beyond a limit first, and of these the groups in which most are harmed.

    Within a word groups come first, as `most_urgent_first` sorts them, then groups together, groups in what people
    decided, changed words, and groups that are held against an earlier release.
    """
    return tuple(finding for finding, _ in findings_with_records(reading))


def findings_with_records(reading: Reading) -> tuple[tuple[ExactFinding, Record], ...]:
    """Return the findings in the order of `findings_of`, each with what it is read from."""
    result = reading.result
    pairs: list[tuple[ExactFinding, Record]] = [
        *((group_finding(judged), judged) for judged in most_urgent_first(reading)),
        *((_together(rule, family_result), family_result) for rule, family_result in reading.unnamed),
        *_decided_by_people(reading),
        *_changed_words(reading),
        *(() if result.change is None else _changes(result.change)),
    ]
    return tuple(sorted(pairs, key=lambda pair: (WORDS.index(pair[0].word), SUBJECTS.index(pair[0].subject))))


def group_finding(judged: JudgedRate) -> ExactFinding:
    """Return what a rule says of a group."""
    because = judged.verdict.because
    low, high = judged.ends
    return Finding(
        subject="group",
        rule=judged.rule.rule,
        metric=judged.metric,
        who=judged.group,
        word=_word(judged.outcome, because),
        cause=_CAUSES.get(because),
        because=because,
        measured=Measured(
            rate=judged.value,
            low=low,
            high=high,
            compared=judged.rest,
            lower_limit=judged.lower_limit,
            upper_limit=judged.upper_limit,
            people=judged.denominator,
            harmed=judged.more_harmed,
        ),
    )


def _decided_by_people(reading: Reading) -> Iterator[tuple[ExactFinding, Record]]:
    """Yield what rules say of people's decisions, where these are a part of the verdict."""
    second = reading.result.people_verdict
    if second is not None:
        for finding, record in findings_with_records(Reading(result_of_second(reading.result, second))):
            is_named = finding.word == "beyond" and finding.subject == "group"
            yield replace(finding, subject="people", cause="people_decided" if is_named else finding.cause), record


def _changes(change: Change) -> Iterator[tuple[ExactFinding, Record]]:
    rules = {rule.rule: rule for rule in change.rules}
    verdicts = changed_groups(change)
    rated = changed_worst_first(verdicts)
    unrated = [verdict for verdict in verdicts if verdict.outcome == "not_evaluable"]
    yield from ((_change(rules[verdict.rule], verdict), verdict) for verdict in (*rated, *unrated))


def _word(outcome: Outcome, because: str) -> Word:
    return "not_judged_alone" if because == "judged_as_part" else _WORDS[outcome]


def _together(rule: RuleResult, family_result: FamilyResult) -> ExactFinding:
    together = Together(family_result.family, family_result.unnamed_at_least, family_result.tested)
    return Finding("together", rule.rule, rule.metric, together, "beyond", "many_together", rule.because)


def _changed_words(reading: Reading) -> list[tuple[ExactFinding, Record]]:
    result = reading.result
    rules = {rule.rule: rule for rule in result.probe_rules}
    shifts = {
        (probe.probe, shift.slot, shift.level, shift.given_slot, shift.given): shift
        for probe in result.probes
        for shift in probe.shifts
    }
    pairs: list[tuple[ExactFinding, Record]] = []
    for verdict in result.probe_verdicts:
        key = verdict.probe, verdict.slot, verdict.level, verdict.given_slot, verdict.given
        pairs.append((_changed_word(rules[verdict.rule], verdict, shifts.get(key)), verdict))
    return sorted(pairs, key=lambda pair: -abs(pair[0].measured.rate or 0.0))


def _changed_word(rule: ProbeRuleResult, verdict: ProbeVerdict, shift: SwapShift | None) -> ExactFinding:
    name = verdict.level if shift is None else shift.name
    return Finding(
        subject="changed_word",
        rule=rule.rule,
        metric=None,
        who=ChangedWord(verdict.probe, verdict.slot, verdict.level, name, verdict.given_slot, verdict.given),
        word=_WORDS[verdict.outcome],
        cause="changed_word" if verdict.outcome == "fail" else _CAUSES.get(verdict.because),
        because=verdict.because,
        measured=Measured(lower_limit=-rule.margin, upper_limit=rule.margin)
        if shift is None
        else Measured(shift.shift, shift.low, shift.high, 0.0, -rule.margin, rule.margin, shift.templates),
    )


def _change(rule: ChangeRule, verdict: ChangeVerdict) -> ExactFinding:
    then = verdict.then_numerator / verdict.then_denominator if verdict.then_denominator else None
    now = verdict.now_numerator / verdict.now_denominator if verdict.now_denominator else None
    worse = None if then is None or now is None else (then - now if verdict.side == "low" else now - then)
    return Finding(
        subject="change",
        rule=rule.rule,
        metric=rule.metric,
        who=verdict.group,
        word=_word(verdict.outcome, verdict.because),
        cause=_CAUSES.get(verdict.because),
        because=verdict.because,
        measured=Measured(
            rate=now,
            compared=then,
            lower_limit=None if then is None or rule.worse == "high" else then - rule.margin,
            upper_limit=None if then is None or rule.worse == "low" else then + rule.margin,
            people=verdict.now_denominator,
            harmed=0.0 if worse is None else worse * verdict.now_denominator,
        ),
    )
