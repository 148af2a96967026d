"""Layout of the public report: once for each language, from a public release and nothing else.

What stands on the public page, in its order: parts that templates lay out, already in words and rounded numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final, Literal, NamedTuple

from audit.public.about import PublicSafeguard
from audit.public.cases import is_expired
from audit.public.figures import PublicFinding
from audit.public.release import PublicRelease, PublicRule
from audit.vocabulary.metrics import MISSED, WRONGLY_FLAGGED
from audit.vocabulary.names import UNKNOWN
from audit.vocabulary.text import harmless
from reports.harms import Error, harm, route_in_words, use_in_words
from reports.html.charts import mark, row_mark, shapes
from reports.html.environment import environment
from reports.html.layout import Part, one_file, part_in
from reports.html.resolution import NOT_ASSOCIATED, PARAGRAPH_2, PARAGRAPH_7, PARAGRAPH_7K
from reports.language import Language
from reports.languages import language
from reports.public.html.screen import Screen
from reports.public.html.tables import Section, TableWriter, chart
from reports.public.words import next_step

_OVERTURNED = 6


class Affected(NamedTuple):
    """One error: what it does to people, and to whom it happens more."""

    error: Error | Literal["other"]
    harm: str
    everyone: PublicFinding | None
    """What is printed of everyone; None where no number of errors is."""
    rules: Sequence[PublicRule]
    beyond: Sequence[PublicFinding]
    smaller: Sequence[str]
    """Rows that hold a smaller group beyond the limit."""


class PublicPage(Screen, TableWriter):
    """Everything on the page of one release in one language that is not the release itself."""

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """Tables, by what they break down by."""
        return tuple(self.write())

    def safeguards(self, state: str) -> list[PublicSafeguard]:
        """Return the clauses whose evidence is in a state."""
        return [safeguard for safeguard in self.about.safeguards if safeguard.state == state]

    def affected(self) -> Iterator[Affected]:
        """Yield both errors, the one that harms most first; then what else the plan limits."""
        for metrics in self.reading.errors:
            error: Error = "missed" if metrics == MISSED else "wrongly_flagged"
            yield self._one_error(error, harm(error, self.about.use, self.language), set(metrics))
        others = {rule.metric for rule in self.reading.rules} - {*MISSED, *WRONGLY_FLAGGED}
        if others:
            yield self._one_error("other", "", set(others))

    def _one_error(self, error: Error | Literal["other"], harm_text: str, metrics: set[str]) -> Affected:
        row = self.reading.everyone("positives" if error == "missed" else "negatives")
        measure = next((measure for measure in self.reading.measures if measure.metric in metrics), None)
        everyone = None if row is None or measure is None else self.reading.finding(row, measure)
        if error == "other" or everyone is None or everyone.error is None or everyone.row.errors is None:
            everyone = None
        smaller = (finding.row.parts for finding in self.reading.smaller_beyond if finding.rate.metric in metrics)
        return Affected(
            error=error,
            harm=harm_text,
            everyone=everyone,
            rules=[rule for rule in self.reading.rules if rule.metric in metrics],
            beyond=[finding for finding in self.reading.beyond if finding.rate.metric in metrics],
            smaller=list(dict.fromkeys(map(self.names.row, smaller))),
        )

    def overturned(self) -> tuple[list[PublicFinding], bool]:
        """Return rows beyond a limit, and True; where none is, those that come closest, and False."""
        beyond = [
            finding for finding in self.reading.beyond if finding.is_outside and finding.rate.metric != "selection_rate"
        ]
        if beyond:
            return beyond[:_OVERTURNED], True
        judged = (
            finding for rule in self.reading.rules for finding in self.reading.findings(rule) if not finding.row.total
        )
        within = [
            finding for finding in judged if finding.state == "within" and finding.to_limit and not finding.is_outside
        ]
        return sorted(within, key=lambda finding: (finding.to_limit or 0, finding.row.key))[: _OVERTURNED // 2], False

    @property
    def without_figures(self) -> str:
        """Features of which no public figures are made."""
        return self.t.gettext("; ").join(harmless(self.names.feature(name)) for name in self.about.without_figures)

    @property
    def is_of_recorded(self) -> bool:
        """Whether rows, or groups in them, beyond a limit are by features by which unknown people have rows."""
        unknown = {part.feature for row in self.release.rows for part in row.parts if part.codes == (UNKNOWN,)}
        beyond = self.reading.beyond + self.reading.smaller_beyond
        return any(part.feature in unknown for finding in beyond for part in finding.row.parts)

    @cached_property
    def hang_on_unknown(self) -> int:
        """Number of verdicts on rows that hang on people whose group is unknown."""
        return sum(word.because == "unknown_people" for row in self.release.rows for word in row.words)


TEMPLATES: Final = Path(__file__).with_name("templates")


def html_file(release: PublicRelease, languages: Sequence[Language] = ()) -> str:
    """Write `report.html` in these languages, or those of the release, the first of them chosen."""
    languages = languages or [language(code) for code in dict.fromkeys(release.about.languages or ("en",))]
    parts = [_part(release, language, several=len(languages) > 1) for language in languages]
    return one_file(parts, release.about.title, folder=TEMPLATES, styles=("style.css", "public.css"))


def _part(release: PublicRelease, language: Language, *, several: bool) -> Part:
    page = PublicPage(release, language)
    notice = notice_of(release, language)
    body = (
        environment(language, TEMPLATES)
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
            next_step=next_step(release, language, page.findings),
            mark=mark,
            row_mark=row_mark,
            chart=chart,
            shapes=shapes(),
            use=use_in_words(release.about.use, language),
            route=route_in_words(release.about.route, language),
            not_associated=NOT_ASSOCIATED,
            resolution=(PARAGRAPH_2, PARAGRAPH_7, PARAGRAPH_7K),
        )
    )
    title = language.translations.gettext("%(notice)s. %(title)s") % {"notice": notice, "title": release.about.title}
    folded = language.translations.gettext(" (folded: open it in the file to print it)")
    heads = environment(language, TEMPLATES).get_template("public_print.css").render(folded=folded, code=language.code)
    return part_in(language, page.words.heading(release), title, body, heads, several=several)


def notice_of(release: PublicRelease, language: Language) -> str:
    """Return who may read the page, what its figures are, and that cases are made up where they are."""
    t = language.translations
    notice = t.gettext("Public version: numbers changed slightly, to protect people")
    if not release.rows:
        notice = t.gettext("Public version: without numbers, to protect people")
    if release.about.is_synthetic:
        texts = {"notice": t.gettext("Made-up cases that describe nobody"), "title": notice}
        notice = t.gettext("%(notice)s. %(title)s") % texts
    return notice
