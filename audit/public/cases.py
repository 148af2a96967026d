"""Cases of a release: each row that a rule judges, with what is said of it. JUnit, SARIF, pytest and gates write these.

Every number in a message is of the row, of its rule, or of the method.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from audit.public.figures import STATES, PublicFinding, State, finding_of, limits_beside, state_of
from audit.public.names import RowNames
from audit.public.release import Outcome, PublicRelease, PublicRule, PublicWaiver, PublicWord
from audit.public.sentences import SENTENCES
from audit.vocabulary.numbers import percent
from audit.vocabulary.statuses import is_shown
from audit.vocabulary.text import harmless

CaseOutcome = Literal["pass", "fail", "inconclusive"]

OUTCOMES: Final[Mapping[State, CaseOutcome]] = {
    "beyond": "fail",
    "smaller_beyond": "fail",
    "cannot_tell": "inconclusive",
    "not_judged": "inconclusive",
    "within": "pass",
}
"""What a state is to a pipeline: only a row within the limit passes."""
_SMALLER: Final = (SENTENCES["smaller_beyond"][0].lower() + SENTENCES["smaller_beyond"][1:-1]).replace(". The", "; the")


@dataclass(frozen=True, slots=True)
class RowCase(PublicFinding):
    """A row under a rule."""

    rule: PublicRule
    word: PublicWord
    name: str
    judged_as: str
    waiver: PublicWaiver | None
    of_before: bool

    @property
    def state(self) -> State:
        """State of the row under the rule."""
        return state_of(self.word)

    @property
    def outcome(self) -> CaseOutcome:
        """Outcome of the case."""
        return OUTCOMES[self.state]

    @property
    def said(self) -> str:
        """What the exact audit says of the row, and why it does not tell."""
        if self.state in ("smaller_beyond", "within", "not_judged"):
            return _SMALLER if self.state == "smaller_beyond" else SENTENCES[self.state]
        if self.state == "beyond":
            return SENTENCES["beyond"] + (f"; {_SMALLER}" if self.word.smaller_beyond else "")
        why = "" if self.word.because is None else f": {SENTENCES[self.word.because]}"
        part = f"; {SENTENCES['judged_as'].format(features=self.judged_as)}" if self.judged_as else ""
        return f"{SENTENCES['cannot_tell']}{why}{part}"

    @property
    def numbers(self) -> str:
        """The rate, that of everyone else, and the limit, each as far as it is known, and whose day they are of."""
        beside = [] if self.rate.rest is None else [f"everyone else {percent(self.rate.rest)}"]
        day = [f"numbers of {self.row.as_of}"] if self.of_before else []
        return "; ".join([self._rate, *beside, f"limit {self.limit}", *day])

    @property
    def limit(self) -> str:
        """The limit: the smallest and largest rate within it, or the margin where the rest is not known."""
        ends = [percent(end, against=self.rate.value) for end in self._ends]
        if len(ends) == 1:
            return f"at {'least' if 'low' in self.rule.worse else 'most'} {ends[0]}"
        return " to ".join(ends) if ends else limit_words(self.rule)

    @property
    def message(self) -> str:
        """What is said of the row, with its numbers."""
        return f"{self.said}; {self.numbers}"

    @property
    def rate_limits(self) -> tuple[float | None, float | None]:
        """Smallest and largest rate within the limit; None for a side without one, and where the rest is not known."""
        return (None, None) if self.rate.rest is None else limits_beside(self.rate.rest, self.rule)

    @property
    def _ends(self) -> list[float]:
        # a float of a sum may lie beside the limit that it is
        return [round(end, 6) for end in self.rate_limits if end is not None]

    @property
    def value(self) -> str:
        """The rate, or the bound that is known of it; empty where nothing is."""
        rate = self.rate
        if rate.value is not None:
            near = min(self._ends, key=lambda end: abs(end - (rate.value or 0.0)), default=None)
            return percent(rate.value, against=near)
        if rate.at_least is not None:
            return f"at least {percent(rate.at_least)}"
        return "" if rate.at_most is None else f"at most {percent(rate.at_most)}"

    @property
    def _rate(self) -> str:
        row, rate = self.row, self.rate
        error = "missed" if row.side == "positives" else "wrongly flagged"
        if not self.value and row.few is None:
            people = f"about {row.people}"
            counted = f"{people} people" if row.errors is None else f"{row.errors} of {people} {error}"
            return f"{counted}, and no rate in public"
        rate_words = f"{self.metric.plain} {self.value}".rstrip()
        if row.few is not None:
            fewer = f"fewer than {row.fewer_than} of about {row.people}"
            return f"{rate_words} ({'all but ' if row.few == 'right' else ''}{fewer} {error})"
        span = "" if rate.low is None else f" (likely range {percent(rate.low)} to {percent(rate.high)})"
        return f"{rate_words}{span} of about {row.people}"


class PublicCases:
    """Cases of one release, found by rule."""

    def __init__(self, release: PublicRelease) -> None:
        self.release = release
        self._names = RowNames(release)
        self._waivers = {(waiver.rule, waiver.group): waiver for waiver in release.waivers if waiver.group is not None}

    @cached_property
    def by_rule(self) -> Mapping[str, tuple[RowCase, ...]]:
        """Cases of each rule, worst state first, most people first among those that fail."""
        return {rule.rule: tuple(sorted(self._of(rule), key=_urgency)) for rule in self.release.rules}

    @property
    def failing(self) -> list[RowCase]:
        """Cases that fail, by rule in the order of the plan."""
        return [case for cases in self.by_rule.values() for case in cases if case.outcome == "fail"]

    def _of(self, rule: PublicRule) -> Iterable[RowCase]:
        for finding in judged_rows(self.release, rule):
            row, word = finding.row, finding.word
            assert word is not None  # noqa: S101 - what is judged has a word
            larger = "" if word.judged_as is None else harmless(self._names.row(word.judged_as))
            waiver = None if row.group is None else self._waivers.get((rule.rule, row.group))
            name, of_before = harmless(self._names.row(row.parts)), row.as_of < self.release.about.finished
            yield RowCase(row, finding.rate, finding.metric, rule, word, name, larger, waiver, of_before)


def judged_rows(release: PublicRelease, rule: PublicRule) -> list[PublicFinding]:
    """Return what a rule says of each row that it judges, in the order of the release."""
    metric = release.rates[rule.metric]
    findings = [finding_of(row, metric, rule) for row in release.rows]
    with_words = [finding for finding in findings if finding is not None and finding.word is not None]
    return [finding for finding in with_words if finding.state != "not_judged" or _is_about(rule, finding)]


def _is_about(rule: PublicRule, finding: PublicFinding) -> bool:
    """Tell whether a row is by features whose groups the rule judges."""
    row_features = {part.feature for part in finding.row.parts}
    return not rule.groups or any(set(features) == row_features for features in rule.groups)


def limit_words(rule: PublicRule) -> str:
    """State the limit of a rule: "at most 10 points lower than everyone else"."""
    sides = " or ".join(f"{side}er" for side in rule.worse)
    if rule.scale == "difference":
        return f"at most {rule.limit * 100:g} points {sides} than everyone else"
    low, high = f"{rule.limit:.12g}", f"{1 / rule.limit:.12g}"
    times: dict[tuple[str, ...], str] = {("low",): f"at least {low}", ("high",): f"at most {high}"}
    return f"{times.get(rule.worse, f'between {low} and {high}')} times the rate of everyone else"


def has_expired(waiver: PublicWaiver, release: PublicRelease) -> bool:
    """Tell whether the last day of a waiver was over when the audit ended."""
    return waiver.expires < release.about.finished


def waiver_words(waiver: PublicWaiver, release: PublicRelease, quoted: Callable[[str], str] = harmless) -> str:
    """State by whom, until when and on what public ground a finding is waived; `quoted` writes what others wrote."""
    expired = ", expired when the audit was run" if has_expired(waiver, release) else ""
    why = f": {quoted(waiver.why)}" if waiver.why else ""
    return f"waived by {quoted(waiver.who)} until {quoted(waiver.expires)}{expired}{why}"


def sentences_beside(release: PublicRelease, quoted: Callable[[str], str] = harmless) -> list[str]:
    """Return the sentences, in English, that must stand beside the verdict; `quoted` writes what others wrote."""
    about, headline = release.about, release.headline
    lines = [*([] if relied_on(release) == headline.outcome else [SENTENCES["pass_not_shown"]]), *why_it_fails(release)]
    if headline.change is not None:
        differs = ", ".join(headline.change.differs)
        first, *more = (SENTENCES[name].format(features=differs) for name in headline.change.sentence_names)
        paired = "; both versions were tested on the same cases" if headline.change.paired else ""
        lines += [first, f"The earlier audit ended on {quoted(headline.change.baseline_finished)}{paired}.", *more]
    notes = [*(["method"] if release.rows else []), *release.left_out]
    lines += [SENTENCES[name].format(**release.method.model_dump()) for name in (*notes, *about.sample_sentences)]
    counted = {"unscored": release.unscored, "unlabelled": release.unlabelled}
    lines += [SENTENCES[name].format(count=count) for name, count in counted.items() if count]
    if about.without_figures:
        lines.append(SENTENCES["without_figures"].format(features=", ".join(map(quoted, about.without_figures))))
    return lines


def exact_figures(plan: str) -> str:
    """State how those who may see the cases see the exact figures; the last line of what a pipeline shows."""
    return f"Exact figures, for those who may see the cases: audit7k run {plan} --restricted --out exact"


def why_it_fails(release: PublicRelease) -> list[str]:
    """Return sentences on what no row says: that nobody who fails is named, what people decided, what probes found."""
    headline = release.headline
    names = ["no_group_named"] if headline.no_group_named else []
    names += [] if headline.people_outcome is None else [f"people_{headline.people_outcome}", "people_counted"]
    names += ["fails_on_probes"] if "probes" in headline.fails_on else []
    names += ["pass_on_probes"] if headline.outcome == "pass" and release.about.probe_rules else []
    return [SENTENCES[name] for name in names]


def is_expired(release: PublicRelease) -> bool:
    """Tell whether the audit ended after the day until which its operator declares that it may be relied on."""
    until = release.about.valid_until
    return until is not None and release.about.finished > until


def is_not_shown(release: PublicRelease) -> bool:
    """Tell whether nothing shows that the system at work answers as its vendor did, and not even its vendor says so."""
    return release.about.kind == "blind" and not is_shown(release.about.deployed)


def relied_on(release: PublicRelease) -> Outcome:
    """Return the verdict as far as it may be relied on: a pass by answers not shown to be the system's is none."""
    outcome = release.headline.outcome
    return "inconclusive" if outcome == "pass" and is_not_shown(release) else outcome


def _urgency(case: RowCase) -> tuple[int, int]:
    return STATES.index(case.state), -(case.apart or 0) if case.outcome == "fail" else 0
