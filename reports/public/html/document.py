"""Layout of the public report: once for each language, from a public release and nothing else.

What stands on the public page, in its order: parts that templates lay out, already in words and rounded numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from audit.public.about import PublicSafeguard
from audit.public.cases import is_expired
from audit.public.figures import PublicFinding
from audit.public.release import PublicRelease, PublicWaiver
from audit.vocabulary.metrics import MISSED, WRONGLY_FLAGGED
from audit.vocabulary.text import harmless
from reports.harms import Error, harm, route_in_words, use_in_words
from reports.html.charts import mark, row_mark, shapes
from reports.html.environment import environment
from reports.html.layout import Part, one_file, part_in
from reports.html.resolution import NOT_ASSOCIATED, PARAGRAPH_2, PARAGRAPH_7, PARAGRAPH_7K
from reports.language import Language
from reports.public.html.screen import Screen
from reports.public.html.tables import Parts, PublicWriter, Section, TableWriter
from reports.public.words import next_step

_LISTED = 10
_OVERTURNED = 6


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
    rows: tuple[tuple[str, str], ...]
    """Rows beyond a limit, and how many people of each it went otherwise for."""
    more: tuple[tuple[str, str], ...]
    smaller: tuple[str, ...]
    """Rows that hold a smaller group beyond the limit."""


class PublicPage(PublicWriter):
    """Everything on the page of one release in one language that is not the release itself."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self.screen = Screen(parts)
        self._tables = TableWriter(parts)

    @cached_property
    def least(self) -> int:
        """Number of people from which a row stands in `sections`; 0 where every row does."""
        least = self._tables.least
        return least if least > self.reading.method.row else 0

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """Tables, by what they break down by."""
        return tuple(self._tables.write())

    def safeguards(self, state: str) -> list[PublicSafeguard]:
        """Return the clauses whose evidence is in a state."""
        return [each for each in self.about.safeguards if each.state == state]

    def waived(self, waiver: PublicWaiver) -> str:
        """Return the name of the group of a waiver."""
        return self.names.group(waiver.group) if waiver.group else self.t.gettext("a group that is not named here")

    def notices(self) -> Iterator[str]:
        """Yield what a reader must know of the figures."""
        if self.reading.shown:
            yield self.words.sentence("method")
        if self.about.without_figures:
            named = self.t.gettext("; ").join(harmless(self.names.feature(name)) for name in self.about.without_figures)
            yield self.words.sentence("without_figures", named)

    def affected(self) -> Iterator[Affected]:
        """Yield both errors, the one that harms most first; then what else the plan limits."""
        titles: dict[Error, str] = {
            "missed": self.t.gettext("Victims missed"),
            "wrongly_flagged": self.t.gettext("People wrongly flagged"),
        }
        for metrics in self.reading.errors:
            error: Error = "missed" if metrics == MISSED else "wrongly_flagged"
            told = harm(error, self.about.use, self.language)
            yield self._one_error(error, titles[error], told, set(metrics))
        others = {rule.metric for rule in self.reading.rules} - {*MISSED, *WRONGLY_FLAGGED}
        if others:
            yield self._one_error("other", self.t.gettext("Other limits of this plan"), "", set(others))

    def _one_error(self, error: str, title: str, told: str, metrics: set[str]) -> Affected:
        rows = [self._row(each) for each in self.reading.beyond if each.rate.metric in metrics]
        rules = [rule for rule in self.reading.rules if rule.metric in metrics]
        smaller = [each for each in self.reading.smaller_beyond if each.rate.metric in metrics]
        return Affected(
            error=error,
            title=title,
            harm=told,
            everyone=self._everyone(error, metrics),
            has_rule=bool(rules),
            fails=any(rule.outcome == "fail" for rule in rules),
            rows=tuple(rows[:_LISTED]),
            more=tuple(rows[_LISTED:]),
            smaller=tuple(dict.fromkeys(self.names.row(each.row.parts) for each in smaller)),
        )

    def _row(self, finding: PublicFinding) -> tuple[str, str]:
        name = self.names.row(finding.row.parts)
        if finding.apart is None:
            return name, self.words.compared(finding) or self.t.gettext("errors not published")
        counts = {"count": self.n.count(finding.apart), "people": self.n.count(finding.row.people)}
        return name, self.t.gettext("up to %(count)s of %(people)s") % counts

    def _everyone(self, error: str, metrics: set[str]) -> str:
        """State the error among everyone, in 100 and in printed numbers of people."""
        row = self.reading.everyone("positives" if error == "missed" else "negatives")
        measure = next((each for each in self.reading.measures if each.metric in metrics), None)
        finding = None if row is None or measure is None else self.reading.finding(row, measure)
        if error == "other" or finding is None or finding.error is None or finding.row.errors is None:
            return ""
        sentences = {
            "missed": self.t.gettext(
                "In this test the system missed about %(count)s of 100 victims: %(part)s of %(whole)s."
            ),
            "wrongly_flagged": self.t.gettext(
                "In this test the system wrongly flagged about %(count)s of 100 people who are not victims: %(part)s "
                "of %(whole)s."
            ),
        }
        return sentences[error] % {
            "count": self.words.hundred(finding.error),
            "part": self.n.count(finding.row.errors),
            "whole": self.n.count(finding.row.people),
        }

    def overturn(self) -> Iterator[str]:
        """Yield how far rows beyond a limit are from it; where none is, how far those that come closest are."""
        beyond = [each for each in self.reading.beyond if each.is_outside and each.rate.metric != "selection_rate"]
        sentence = self.t.gettext(
            "%(group)s: with about %(count)s fewer errors among %(people)s people the rate would lie at the limit."
        )
        if not beyond:
            beyond = self._closest()[: _OVERTURNED // 2]
            sentence = self.t.gettext(
                "%(group)s: with about %(count)s more errors among %(people)s people the rate would lie at the limit."
            )
        for finding in beyond[:_OVERTURNED]:
            yield sentence % {
                "group": self.names.row(finding.row.parts),
                "count": self.n.count(finding.to_limit or 0),
                "people": self.n.count(finding.row.people),
            }
        hanging = sum(word.because == "unknown_people" for row in self.release.rows for word in row.words)
        if hanging:
            yield self.t.ngettext(
                "%(count)s verdict on a row hangs on people whose group is unknown.",
                "%(count)s verdicts on rows hang on people whose group is unknown.",
                hanging,
            ) % {"count": self.n.count(hanging)}

    def _closest(self) -> list[PublicFinding]:
        judged = (each for rule in self.reading.rules for each in self.reading.findings(rule) if not each.row.total)
        found = [each for each in judged if each.state == "within" and each.to_limit and not each.is_outside]
        return sorted(found, key=lambda each: (each.to_limit or 0, each.row.key))

    def changed(self) -> Iterator[str]:
        """Yield what changed from an earlier audit, of the whole set, and how the two were compared."""
        change = self.release.headline.change
        if change is None:
            return
        told, *more = (self.words.sentence(name, features=", ".join(change.differs)) for name in change.sentence_names)
        compared = (
            self.t.gettext("The earlier audit ended on %(day)s; both versions were tested on the same cases.")
            if change.paired
            else self.t.gettext("The earlier audit ended on %(day)s.")
        )
        yield from (told, compared % {"day": self.language.date(change.baseline_finished)}, *more)

    def questions(self) -> dict[str, str]:
        """Return further questions in words, by the names of a release."""
        return {
            "probes": self.t.gettext("Swaps: what if only the person were another?"),
            "sensitivity": self.t.gettext("How sure is each verdict?"),
            "random_sample": self.t.gettext("Cases drawn at random, beside the others"),
            "failures": self.t.gettext("Answers that failed, and why"),
            "asked_again": self.t.gettext("Asked again: does it say the same?"),
            "several_nationalities": self.t.gettext("People of several nationalities"),
            "like_with_like": self.t.gettext("Like with like"),
            "all_groups": self.t.gettext("All groups of a kind together"),
            "ranking": self.t.gettext("Do scores rank people alike?"),
            "calibration": self.t.gettext("Do scores mean the same for everyone?"),
            "thresholds": self.t.gettext("Would another threshold help?"),
            "at_work": self.t.gettext("At work, where cases are rarer"),
            "existing_patterns": self.t.gettext("Does it add to existing patterns?"),
            "subgroup_search": self.t.gettext("A search for subgroups that nobody named"),
            "costs": self.t.gettext("What errors cost"),
            "own_measures": self.t.gettext("The operator’s own measures"),
            "second_opinion": self.t.gettext("A second and a third opinion"),
        }


_TEMPLATES: Final = Path(__file__).with_name("templates")


def document(release: PublicRelease, languages: Sequence[Language]) -> str:
    """Return the whole file in these languages, the first of them chosen."""
    parts = [_part(release, language, several=len(languages) > 1) for language in languages]
    return one_file(parts, release.about.title, folder=_TEMPLATES, styles=("style.css", "public.css"))


def _part(release: PublicRelease, language: Language, *, several: bool) -> Part:
    release = _told(release, language)
    page = PublicPage(Parts(release, language))
    notice = _notice(release, language)
    body = (
        environment(language, _TEMPLATES)
        .get_template("public.html")
        .render(
            release=release,
            about=release.about,
            past_expiry=is_expired(release),
            method=release.method,
            variance=language.numbers.plain(release.method.variance),
            page=page,
            language=language,
            notice=notice,
            next_step=next_step(release, language, names_groups=page.reading.names_groups),
            mark=mark,
            row_mark=row_mark,
            shapes=shapes(),
            use=use_in_words(release.about.use, language),
            route=route_in_words(release.about.route, language),
            not_associated=NOT_ASSOCIATED,
            resolution=(PARAGRAPH_2, PARAGRAPH_7, PARAGRAPH_7K),
        )
    )
    title = language.translations.gettext("%(notice)s. %(title)s") % {"notice": notice, "title": release.about.title}
    folded = language.translations.gettext(" (folded: open it in the file to print it)")
    heads = environment(language, _TEMPLATES).get_template("public_print.css").render(folded=folded, code=language.code)
    return part_in(language, page.words.heading(release.headline.outcome), title, body, heads, several=several)


def _notice(release: PublicRelease, language: Language) -> str:
    """Return who may read the page, what its figures are, and that cases are made up where they are."""
    t = language.translations
    notice = t.gettext("Public version: numbers changed slightly, to protect people")
    if release.figures == "none":
        notice = t.gettext("Public version: without numbers, to protect people")
    if release.about.is_synthetic:
        told = {"notice": t.gettext("Made-up cases that describe nobody"), "title": notice}
        notice = t.gettext("%(notice)s. %(title)s") % told
    return notice


def _told(release: PublicRelease, language: Language) -> PublicRelease:
    """Return the release with the names of its rates in the language."""
    if language.is_english:
        return release
    t = language.translations
    metrics = tuple(
        metric.model_copy(update={name: t.gettext(getattr(metric, name)) for name in ("plain", "among", "definition")})
        for metric in release.about.metrics
    )
    return release.model_copy(update={"about": release.about.model_copy(update={"metrics": metrics})})
