"""The findings of a public release, with public figures: rows beyond a limit, changed words, and what names nobody.

Rows are counted, and not the groups of the audit: several groups can stand in one row. The same noun as
`audit.result.finding_list` makes of an exact result.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from audit.public.cases import judged_rows
from audit.public.figures import PublicFinding as JudgedRow
from audit.public.figures import State, limits_beside
from audit.public.names import RowNames
from audit.public.release import Outcome, PublicChangedWord, PublicRelease, PublicRow, PublicRule
from audit.public.sentences import SENTENCES
from audit.vocabulary.finding import (
    SUBJECTS,
    WORDS,
    Cause,
    ChangedWord,
    Finding,
    Measured,
    Tally,
    Together,
    Word,
    tally_of,
)
from audit.vocabulary.numbers import half_up, hundredfold
from audit.vocabulary.text import count_of, harmless

ReleaseFinding = Finding[PublicRow | ChangedWord | Together]

_STATES: Final[Mapping[State, Word]] = {
    "beyond": "beyond",
    "smaller_beyond": "beyond",
    "cannot_tell": "cannot_tell",
    "within": "within",
    "not_judged": "not_judged_alone",
}
_CAUSES: Final[Mapping[State, Cause]] = {"beyond": "beyond_limit", "smaller_beyond": "smaller_group"}
_OUTCOMES: Final[Mapping[Outcome, Word]] = {"fail": "beyond", "pass": "within", "inconclusive": "cannot_tell"}
UNNAMED: Final = Together()
"""Somebody of whom a release does not say who it is."""
_SOME_WORD: Final = ChangedWord("", "", "", "")
"""A changed word or field of which a release does not say which it is."""


def findings_of(release: PublicRelease) -> tuple[ReleaseFinding, ...]:
    """Return every finding of a release: those beyond a limit first, and of these the rows in which most are harmed."""
    findings = [*_rows(release), *_people(release), *_changed_words(release), *_change(release)]
    return tuple(
        sorted(
            findings,
            key=lambda finding: (
                WORDS.index(finding.word),
                SUBJECTS.index(finding.subject),
                -finding.measured.harmed if finding.word == "beyond" else 0.0,
            ),
        )
    )


def _rows(release: PublicRelease) -> Iterator[ReleaseFinding]:
    """Yield what each rule says of its rows; and where a rule fails and no row says of whom, that nobody is named."""
    for rule in release.rules:
        findings = [_row(rule, judged) for judged in judged_rows(release, rule)]
        yield from findings
        if rule.outcome == "fail" and not any(finding.word == "beyond" for finding in findings):
            yield Finding("together", rule.rule, rule.metric, UNNAMED, "beyond", "many_together")


def _row(rule: PublicRule, judged: JudgedRow) -> ReleaseFinding:
    rate, word, state = judged.rate, judged.word, judged.state
    assert word is not None  # noqa: S101 - what is judged has a word
    assert state is not None  # noqa: S101
    lower, upper = (None, None) if rate.rest is None else limits_beside(rate.rest, rule)
    return Finding(
        subject="group",
        rule=rule.rule,
        metric=rule.metric,
        who=judged.row,
        word=_STATES[state],
        cause="unknown_people" if word.because == "unknown_people" else _CAUSES.get(state),
        because=word.because or "",
        measured=Measured(
            rate=rate.value,
            low=rate.low,
            high=rate.high,
            compared=rate.rest,
            lower_limit=lower,
            upper_limit=upper,
            people=judged.row.people,
            harmed=float(judged.apart or 0) if _STATES[state] == "beyond" else 0.0,
        ),
    )


def _changed_words(release: PublicRelease) -> Iterator[ReleaseFinding]:
    words = sorted(release.changed_words, key=lambda changed: -abs(changed.shift or 0.0))
    yield from map(_changed_word, words)
    if "probes" in release.headline.fails_on and not any(changed.word == "beyond" for changed in words):
        yield Finding("changed_word", "", None, _SOME_WORD, "beyond", "changed_word")


def _changed_word(changed: PublicChangedWord) -> ReleaseFinding:
    return Finding(
        subject="changed_word",
        rule=changed.rule,
        metric=None,
        who=ChangedWord(changed.probe, changed.slot, changed.level, changed.name, changed.given_slot, changed.given),
        word=changed.word,
        cause="changed_word" if changed.word == "beyond" else None,
        measured=Measured(
            changed.shift, changed.low, changed.high, 0.0, -changed.margin, changed.margin, changed.texts
        ),
    )


def _people(release: PublicRelease) -> Iterator[ReleaseFinding]:
    """Yield the word of each rule on what people decided: in public it is about no row."""
    for rule in release.headline.people:
        word = _OUTCOMES[rule.outcome]
        yield Finding("people", rule.rule, None, UNNAMED, word, "people_decided" if word == "beyond" else None)


def _change(release: PublicRelease) -> Iterator[ReleaseFinding]:
    change = release.headline.change
    if change is not None:
        word = _OUTCOMES[change.outcome]
        yield Finding("change", "", None, UNNAMED, word, "earlier_release" if word == "beyond" else None)


def tally_of_rule(findings: Iterable[ReleaseFinding], rule: str) -> Tally:
    """Count what is said under a rule on rates, row by row."""
    return tally_of(
        finding for finding in findings if finding.rule == rule and finding.subject in ("group", "together")
    )


def who_words(finding: ReleaseFinding, names: RowNames) -> str:
    """Name in English whom a finding is about."""
    if isinstance(finding.who, PublicRow):
        return harmless(names.row(finding.who.parts))
    if isinstance(finding.who, ChangedWord):
        return harmless(str(finding.who))
    return {"together": "a group that is not named in public", "people": "people's decisions"}.get(
        finding.subject, "any group"
    )


def message_of(finding: ReleaseFinding) -> str:
    """State in English what is said of a changed word, of groups together, and of a change since an earlier audit."""
    word = SENTENCES[finding.word]
    if finding.subject == "changed_word":
        return _shift_words(finding.measured, word)
    name = "no_group_named" if finding.subject == "together" else f"{finding.subject}_{finding.outcome}"
    return f"{word}: {SENTENCES[name]}"


def _shift_words(measured: Measured, words: str) -> str:
    if measured.rate is None or measured.upper_limit is None:
        return words
    span = "" if measured.low is None else f" (likely range {points(measured.low)} to {points(measured.high)})"
    limit = f"limit {points(measured.upper_limit, signed=False)} up or down"
    texts = "" if measured.people is None else f" over {count_of(measured.people, 'text')}"
    return f"{words}; mean shift of the score {points(measured.rate)} points{span}{texts}; {limit}"


def points(share: float | None, *, signed: bool = True) -> str:
    """Write a share of the range of scores in points, to a tenth: +16.5."""
    exact = half_up(hundredfold(share or 0.0), 1)
    return f"{exact:+}" if signed else f"{exact.normalize():f}"
