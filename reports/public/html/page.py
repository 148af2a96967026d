"""What stands on the public page, in its order: parts that templates lay out, already in words and rounded numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from audit.public.about import PublicSafeguard
from audit.public.figures import PublicFinding
from audit.public.names import RowNames
from audit.public.release import PublicRelease
from audit.vocabulary.metrics import MISSED, WRONGLY_FLAGGED
from audit.vocabulary.text import harmless
from reports.harms import Error, harm
from reports.language import Language
from reports.numbers import NOT_KNOWN
from reports.plain_text import capital
from reports.public.html.looks import PublicQuestion, questions
from reports.public.html.screen import Screen, ScreenWriter
from reports.public.html.tables import Section, TableWriter
from reports.public.reading import PublicReading
from reports.public.words import PublicWords

_LISTED = 10
_OVERTURNED = 6


@dataclass(frozen=True, slots=True)
class AffectedRow:
    """A row beyond a limit."""

    name: str
    error: str
    rest: str
    span: str
    people: str
    apart: str


@dataclass(frozen=True, slots=True)
class Affected:
    """One error: what it does to people, and to whom it happens more."""

    error: str
    title: str
    harm: str
    everyone: str
    has_rule: bool
    fails: bool
    """Whether a limit on it is exceeded."""
    rows: tuple[AffectedRow, ...]
    more: tuple[AffectedRow, ...]
    smaller: tuple[str, ...]
    """Rows that hold a smaller group beyond the limit."""


@dataclass(frozen=True, slots=True)
class WaiverRow:
    """A waiver as the page lists it."""

    group: str
    rule: str
    who: str
    why: str
    until: str
    expired: bool


@dataclass(frozen=True, slots=True)
class PublicPage:
    """Everything on the page that is not the release itself."""

    screen: Screen
    notices: tuple[str, ...]
    """What a reader must know of the figures."""
    affected: tuple[Affected, ...]
    smaller: str
    """What is said of rows that hold a smaller group beyond the limit."""
    sections: tuple[Section, ...]
    least: int
    """Number of people from which a row stands in `sections`; 0 where every row does."""
    overturn: tuple[str, ...]
    """What would overturn the verdict of single rows."""
    changed: tuple[str, ...]
    questions: tuple[PublicQuestion, ...]
    limits: tuple[str, ...]
    safeguards: dict[str, tuple[PublicSafeguard, ...]]
    """By state."""
    waivers: tuple[WaiverRow, ...]


def public_page(release: PublicRelease, language: Language) -> PublicPage:
    """Write the page of a release in a language."""
    return _Writer(release, language).write()


class _Writer:
    def __init__(self, release: PublicRelease, language: Language) -> None:
        self._release = release
        self._language = language
        self._t = language.translations
        self._n = language.numbers
        self._reading = PublicReading(release)
        self._names = RowNames(release, language.translations, language.places)
        self._words = PublicWords(language, release.method)

    def write(self) -> PublicPage:
        parts = (self._reading, self._names, self._words, self._language)
        screen, tables = ScreenWriter(*parts), TableWriter(*parts)
        safeguards = self._release.about.safeguards
        counted = Counter(one.state for one in safeguards)
        return PublicPage(
            screen=screen.write(),
            notices=tuple(self._notices()),
            affected=tuple(self._affected()),
            smaller=self._words.sentence("smaller_beyond"),
            sections=tuple(tables.write()),
            least=tables.least if tables.least > self._release.method.row else 0,
            overturn=tuple(self._overturn()),
            changed=screen.change(),
            questions=questions(self._release.about.looks, self._language),
            limits=tuple(tables.limit(rule) for rule in self._reading.rules),
            safeguards={state: tuple(one for one in safeguards if one.state == state) for state in counted},
            waivers=tuple(self._waivers()),
        )

    def _notices(self) -> Iterator[str]:
        about = self._release.about
        if self._reading.shown:
            yield self._words.sentence("method")
        if any(side.figures == "people" for side in self._release.sides):
            yield self._words.sentence("figures_people")
        for name, holds in (
            ("weighted", about.weighted),
            ("clustered", about.clustered),
            ("counted_once", about.unit == "cluster"),
        ):
            if holds:
                yield self._words.sentence(name)
        if about.without_figures:
            named = self._t.gettext("; ").join(harmless(self._names.feature(name)) for name in about.without_figures)
            yield self._words.sentence("without_figures", named)

    def _affected(self) -> Iterator[Affected]:
        """Yield both errors, the one that harms most first; then what else the plan limits."""
        titles: dict[Error, str] = {
            "missed": self._t.gettext("Victims missed"),
            "wrongly_flagged": self._t.gettext("People wrongly flagged"),
        }
        either = {*MISSED, *WRONGLY_FLAGGED}
        for metrics in self._reading.errors:
            error: Error = "missed" if metrics == MISSED else "wrongly_flagged"
            told = harm(error, self._release.about.use, self._language)
            yield self._one_error(error, titles[error], told, set(metrics))
        others = {rule.metric for rule in self._reading.rules if rule.metric not in either}
        if others:
            yield self._one_error("other", self._t.gettext("Other limits of this plan"), "", set(others))

    def _one_error(self, error: str, title: str, told: str, metrics: set[str]) -> Affected:
        rows = [self._row(each) for each in self._reading.beyond if each.rate.metric in metrics]
        rules = [rule for rule in self._reading.rules if rule.metric in metrics]
        smaller = [each for each in self._reading.smaller_beyond if each.rate.metric in metrics]
        return Affected(
            error=error,
            title=title,
            harm=told,
            everyone=self._everyone(error, metrics),
            has_rule=bool(rules),
            fails=any(rule.outcome == "fail" for rule in rules),
            rows=tuple(rows[:_LISTED]),
            more=tuple(rows[_LISTED:]),
            smaller=tuple(dict.fromkeys(self._names.row(each.row.parts) for each in smaller)),
        )

    def _row(self, finding: PublicFinding) -> AffectedRow:
        return AffectedRow(
            name=self._names.row(finding.row.parts),
            error=capital(self._words.erring(finding)) or self._words.value(finding),
            rest=NOT_KNOWN if finding.rest is None else self._words.hundred(finding.rest),
            span=self._words.span(finding),
            people=self._n.count(finding.row.people),
            apart=NOT_KNOWN if finding.apart is None else self._n.count(finding.apart),
        )

    def _everyone(self, error: str, metrics: set[str]) -> str:
        """State the error among everyone, in 100 and in printed numbers of people."""
        row = self._reading.everyone("positives" if error == "missed" else "negatives")
        measure = next((each for each in self._reading.measures if each.metric in metrics), None)
        finding = None if row is None or measure is None else self._reading.finding(row, measure)
        if error == "other" or row is None or finding is None or finding.error is None or row.errors is None:
            return ""
        told = {
            "count": self._words.hundred(finding.error),
            "part": self._n.count(row.errors),
            "whole": self._n.count(row.people),
        }
        if error == "missed":
            sentence = self._t.gettext(
                "In this test the system missed about %(count)s of 100 victims: %(part)s of %(whole)s."
            )
        else:
            sentence = self._t.gettext(
                "In this test the system wrongly flagged about %(count)s of 100 people who are not victims: %(part)s "
                "of %(whole)s."
            )
        return sentence % told

    def _overturn(self) -> Iterator[str]:
        """Yield how far rows beyond a limit are from it; where none is, how far those that come closest are."""
        beyond = [each for each in self._reading.beyond if each.is_outside and each.rate.metric != "selection_rate"]
        for finding in beyond[:_OVERTURNED]:
            yield self._t.gettext(
                "%(group)s: with about %(count)s fewer errors among %(people)s people the rate would lie at the limit."
            ) % self._distance(finding)
        if not beyond:
            for finding in self._closest()[: _OVERTURNED // 2]:
                yield self._t.gettext(
                    "%(group)s: with about %(count)s more errors among %(people)s people the rate would lie at the "
                    "limit."
                ) % self._distance(finding)
        hanging = [word for row in self._release.rows for word in row.words if word.because == "unknown_people"]
        if hanging:
            yield self._t.ngettext(
                "%(count)s verdict on a row hangs on people whose group is unknown.",
                "%(count)s verdicts on rows hang on people whose group is unknown.",
                len(hanging),
            ) % {"count": self._n.count(len(hanging))}

    def _closest(self) -> list[PublicFinding]:
        within = (each for rule in self._reading.rules for each in self._reading.findings(rule) if not each.row.total)
        found = [
            each for each in within if each.state == "within" and each.to_limit is not None and not each.is_outside
        ]
        return sorted(found, key=lambda each: (each.to_limit or 0, each.row.key))

    def _distance(self, finding: PublicFinding) -> dict[str, str]:
        return {
            "group": self._names.row(finding.row.parts),
            "count": self._n.count(finding.to_limit or 0),
            "people": self._n.count(finding.row.people),
        }

    def _waivers(self) -> Iterator[WaiverRow]:
        for waiver in self._release.waivers:
            unnamed = self._t.gettext("a group that is not named here")
            yield WaiverRow(
                group=unnamed if waiver.group is None else self._names.group(waiver.group),
                rule=waiver.rule,
                who=waiver.who,
                why=waiver.why,
                until=self._language.date(waiver.expires),
                expired=waiver.expires < self._release.about.finished,
            )
