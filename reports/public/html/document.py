"""Layout of the public report: once for each language, from a public release and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from audit.public.cases import is_expired
from audit.public.release import PublicRelease
from reports.harms import route_in_words, use_in_words
from reports.html.charts import mark, row_mark, shapes
from reports.html.environment import environment
from reports.html.layout import Part, one_file, part_in
from reports.html.resolution import NOT_ASSOCIATED, PARAGRAPH_2, PARAGRAPH_7, PARAGRAPH_7K
from reports.language import Language
from reports.public.html.page import PublicPage
from reports.public.html.writer import Parts
from reports.public.words import next_step

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
