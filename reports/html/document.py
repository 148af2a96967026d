"""Layout of the restricted report: once for each language, from the exact result.

Page size: labels of cells are written once, and end tags and quotes that HTML does not need are left out.

A page has some thousand labelled cells and some forty labels. Each label is written once, in the style sheet, and cells
refer to it by its number. Written out in every cell, labels would be a tenth of the page.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from audit.result.finding_list import findings_of
from audit.result.next_commands import BESIDE_THE_RESULT, commands_for
from reports.harms import route_in_words, use_in_words
from reports.html.charts import row_mark, shapes
from reports.html.environment import Finished, css_string, environment, spaced
from reports.html.evidence import Evidence
from reports.html.layout import Part, one_file, part_in, scope_of
from reports.html.page import Page
from reports.html.page_command import Origin, PageCommand, page_command
from reports.html.resolution import NOT_ASSOCIATED, PARAGRAPH_2, PARAGRAPH_7, PARAGRAPH_7K
from reports.html.safeguards import Safeguards
from reports.language import Language
from reports.writer import Report

if TYPE_CHECKING:
    from audit.result.audit_result import AuditResult


def document(result: AuditResult, languages: Sequence[Language], origin: Origin) -> str:
    """Return the whole file in these languages. The first of them is chosen."""
    several = len(languages) > 1
    again = PageCommand(origin, page_command(result, languages, origin))
    parts = [_part(result, language, again, several=several) for language in languages]
    return one_file(parts, result.plan.audit.title)


def _part(result: AuditResult, language: Language, again: PageCommand, *, several: bool) -> Part:
    result = result if language.is_english else _in_language(result, language)
    report = Report(result, language)
    acts = commands_for(result, findings_of(report.reading), BESIDE_THE_RESULT)
    page, evidence = Page(report), Evidence(report)
    templates = environment(language)
    body = templates.get_template("body.html").render(
        result=result,
        plan=result.plan,
        page=page,
        evidence=evidence,
        safeguards=Safeguards(report),
        language=language,
        several=several,
        again=again,
        acts=acts,
        names=report.names,
        words=report.words,
        plain=page.plain,
        mark=row_mark,
        shapes=shapes(),
        use=use_in_words(result.plan.audit.use, language),
        route=route_in_words(result.plan.audit.route, language),
        not_associated=NOT_ASSOCIATED,
        resolution=(PARAGRAPH_2, PARAGRAPH_7, PARAGRAPH_7K),
    )
    scope = scope_of(language, several=several)
    body, labels = compacted(body, language, scope)
    part = part_in(
        language,
        page.verdict.heading,
        _running_head(result, language),
        body,
        templates.get_template("heads.css").render(evidence=evidence, scope=scope) + labels,
        several=several,
    )
    return replace(part, body=Finished(unquoted(part.body)))


def _running_head(result: AuditResult, language: Language) -> str:
    """Return the head of each printed sheet: who may read it, and which system it is about."""
    notice = language.translations.gettext("Restricted, not for publication: exact counts")
    values = {"notice": notice, "title": result.plan.audit.title}
    return language.translations.gettext("%(notice)s. %(title)s") % values


def _in_language(result: AuditResult, language: Language) -> AuditResult:
    """Return the result with the names of its rates in the language. Nothing else of it changes."""
    t = language.translations
    metrics = tuple(
        metric.model_copy(update={name: t.gettext(getattr(metric, name)) for name in ("plain", "among", "definition")})
        for metric in result.metrics
    )
    return result.model_copy(update={"metrics": metrics})


_LABEL: Final = re.compile(r' data-l="([^"]*)"')
"""An attribute of this project. Quotes in anyone's text are escaped, so no such text matches."""


_ENDS: Final = re.compile(r"</t[dhr]>(?=\s*<(?:t[dhr]\b|/t(?:r|body|head)>))")
"""The end of a cell or row, where the next cell or row, or the end of the table's part, ends it as well."""


_QUOTES: Final = re.compile(r"""( [a-z][\w-]*=)"([\w%.#-]+)"(?:(?=[ >])|(/))""")
"""Attributes whose quotes HTML does not need. One that stands before "/>" would take the stroke into its value."""


_OFTEN: Final = re.compile(r"<(?:td|th|tr|svg|rect|circle|use|b)\b[^>]*>")
"""The tags that a page has some thousand times."""


def unquoted(body: str) -> str:
    """Return `body`, which is finished, without quotes that HTML does not need. Its cells and drawings have ten
    thousand.
    """
    return _OFTEN.sub(lambda tag: _QUOTES.sub(_bare, tag[0]), body)


def _bare(attribute: re.Match[str]) -> str:
    return f"{attribute[1]}{attribute[2]}{' /' if attribute[3] else ''}"


def compacted(body: str, language: Language, scope: str) -> tuple[str, str]:
    """Return `body` with numbered labels and without needless end tags and quotes, and the style rules that hold the
    labels. `scope` is the beginning of each rule.
    """
    places: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        return f' data-l="{places.setdefault(match[1], len(places) + 1)}"'

    body = _LABEL.sub(number, _ENDS.sub("", body))
    rules = "".join(
        f'{scope}[data-l="{label_number}"]::before{{content:{css_string(spaced(html.unescape(label), language))}}}\n'
        for label, label_number in places.items()
    )
    return body, f"@media screen and (max-width:55rem){{\n{rules}}}\n" if rules else ""
