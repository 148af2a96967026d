"""Layout of the restricted report: once for each language, from the exact result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from reports.html.environment import Finished, environment
from reports.html.layout import Part, one_file, part_in, scope_of
from reports.html.page_command import Origin, PageCommand, page_command
from reports.language import Language

if TYPE_CHECKING:
    from audit.result.audit_result import AuditResult


def document(result: AuditResult, languages: Sequence[Language], origin: Origin) -> str:
    """Return the whole file in these languages. The first of them is chosen."""
    several = len(languages) > 1
    again = PageCommand(origin, page_command(result, languages, origin))
    parts = [_part(result, language, again, several=several) for language in languages]
    return one_file(parts, result.plan.audit.title)


def _part(result: AuditResult, language: Language, again: PageCommand, *, several: bool) -> Part:
    from reports.harms import route_in_words, use_in_words
    from reports.html.charts import row_mark, shapes
    from reports.html.compact import compacted, unquoted
    from reports.html.evidence import EvidenceWriter
    from reports.html.page import PageWriter
    from reports.html.resolution import NOT_ASSOCIATED, PARAGRAPH_2, PARAGRAPH_7, PARAGRAPH_7K
    from reports.html.safeguards import SafeguardsWriter
    from reports.writer import Report

    result = result if language.is_english else _in_language(result, language)
    report = Report(result, language)
    writer = PageWriter(report)
    page, evidence = writer.write(), EvidenceWriter(report).write()
    templates = environment(language)
    body = templates.get_template("body.html").render(
        result=result,
        plan=result.plan,
        page=page,
        evidence=evidence,
        safeguards=SafeguardsWriter(report).write(),
        language=language,
        several=several,
        again=again,
        names=report.names,
        plain=writer.plain,
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
    said = {"notice": notice, "title": result.plan.audit.title}
    return language.translations.gettext("%(notice)s. %(title)s") % said


def _in_language(result: AuditResult, language: Language) -> AuditResult:
    """Return the result with the names of its rates in the language. Nothing else of it changes."""
    t = language.translations
    metrics = tuple(
        each.model_copy(update={name: t.gettext(getattr(each, name)) for name in ("plain", "among", "definition")})
        for each in result.metrics
    )
    return result.model_copy(update={"metrics": metrics})
