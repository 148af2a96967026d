"""Who is affected, for the public: each error, what it does to people, and to whom it happens more."""

from __future__ import annotations

from dataclasses import dataclass

from audit.public.figures import natural
from audit.vocabulary.metrics import MISSED, WRONGLY_FLAGGED, MetricName
from reports.harms import Error, harm
from reports.language import Language
from reports.names import Names
from reports.numbers import NOT_KNOWN
from reports.plain_text import capital
from reports.public.reading import PublicFinding, PublicReading
from reports.public.words import PublicWords

MOST = 10
"""So many groups are listed; the rest is folded."""


@dataclass(frozen=True, slots=True)
class PublicAffectedGroup:
    """A group beyond a limit."""

    key: str
    name: str
    often: str
    rest: str
    rate_head: str
    rate: str
    span: str
    cases: str
    people: str


@dataclass(frozen=True, slots=True)
class PublicAffected:
    """One error: what it does to people, and to whom it happens more."""

    error: str
    title: str
    harm: str
    everyone: str
    has_rule: bool
    any_told: bool
    """Whether any group under a limit on it has another state than not shown."""
    both_ways: bool
    groups: tuple[PublicAffectedGroup, ...]


class PublicAffectedWriter:
    """Writes the groups affected, error by error."""

    def __init__(self, reading: PublicReading, names: Names, words: PublicWords, language: Language) -> None:
        self._reading = reading
        self._names = names
        self._words = words
        self._language = language
        self._t = language.translations
        self._n = language.numbers

    def write(self) -> tuple[PublicAffected, ...]:
        """Both errors, the one that harms most first; then what else the plan limits."""
        errors: list[Error] = ["missed", "wrongly_flagged"]
        if self._reading.about.primary_harm == "wrongly_flagged":
            errors.reverse()
        titles = {
            "missed": self._t.gettext("Victims missed"),
            "wrongly_flagged": self._t.gettext("People wrongly flagged"),
        }
        metrics = {"missed": MISSED, "wrongly_flagged": WRONGLY_FLAGGED}
        use = self._reading.about.use
        found = [
            self._error(error, titles[error], harm(error, use, self._language), metrics[error]) for error in errors
        ]
        others = tuple(rule.metric for rule in self._reading.rules if rule.metric not in (*MISSED, *WRONGLY_FLAGGED))
        if others:
            found.append(self._error("other", self._t.gettext("Other limits of this plan"), "", others))
        return tuple(found)

    def _error(self, error: str, title: str, harm_words: str, metrics: tuple[MetricName, ...]) -> PublicAffected:
        rules = [rule for rule in self._reading.rules if rule.metric in metrics]
        below = self._reading.below(rules) if self._reading.shown else []
        return PublicAffected(
            error=error,
            title=title,
            harm=harm_words,
            everyone=self._everyone(error, metrics) if self._reading.shown else "",
            has_rule=bool(rules),
            any_told=any(self._reading.tells_any(rule) for rule in rules),
            both_ways=any(len(rule.worse) > 1 for rule in rules),
            groups=tuple(self._group(finding) for finding in below),
        )

    def _everyone(self, error: str, metrics: tuple[MetricName, ...]) -> str:
        """The error among everyone, as a natural frequency and in protected numbers of people.

        From whichever rate of it the plan asks for: who limits the share found need not ask for the share missed.
        """
        if error == "other":
            return ""
        missed = error == "missed"
        rates = (self._reading.everyone_at(metric) for metric in metrics)
        rate = next((rate for rate in rates if rate is not None), None)
        side = self._reading.everyone.positives if missed else self._reading.everyone.negatives
        if rate is None or rate.value is None or side.cases is None or side.errors is None:
            return ""
        told = {
            "often": self._words.frequency(natural(rate.metric, rate.value, None)[0]),
            "part": self._n.count(side.errors),
            "whole": self._n.count(side.cases),
        }
        if missed:
            return (
                self._t.gettext("In this test the system missed %(often)s victims: of %(whole)s it missed %(part)s.")
                % told
            )
        return (
            self._t.gettext(
                "In this test the system wrongly flagged %(often)s people who are not victims: of %(whole)s it flagged "
                "%(part)s."
            )
            % told
        )

    def _group(self, finding: PublicFinding) -> PublicAffectedGroup:
        often = self._words.often(finding)
        error = self._words.error_in_short(finding.rate.metric) % {"often": often[0]} if often else ""
        return PublicAffectedGroup(
            key=finding.key,
            name=self._names.group(finding.group),
            often=capital(error) or self._words.note(finding),
            rest=often[1] if often else "",
            rate_head=self._words.rate(finding.rate.metric),
            rate=self._words.value(finding),
            span=self._words.span(finding),
            cases=self._words.cases(finding),
            people=NOT_KNOWN if finding.apart is None else self._n.count(finding.apart),
        )
