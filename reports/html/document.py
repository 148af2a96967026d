"""Lays out a report: once for each language, and all of them in one file, of which the reader sees the one chosen.

With several languages the choice is a group of radio buttons and a rule of style for each: no script, and every part is
in the file. A browser that does not know `:has()` shows them one after another. Where languages stand together, each
one's ids begin with its code, so that none occurs twice and links stay within their language.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reports.html.environment import Finished, environment, isolated
from reports.language import Language

if TYPE_CHECKING:
    from audit.result import AuditResult

_IDS: Final = re.compile(r'( (?:id|for|aria-labelledby)="| href="#)(?=[^"]*")')
"""Where an id is set or meant. Quotes in anyone's text are escaped, so none of these can come from there."""


@dataclass(frozen=True, slots=True)
class Part:
    """The report in one language."""

    language: Language
    heading: str
    word: str
    """What this language calls the choice of a language."""
    restricted: str
    body: Finished
    heads: str
    """Rules of style that hold words: heads of columns on a narrow screen."""


def document(result: AuditResult, languages: Sequence[Language]) -> str:
    """The whole file in these languages, the first of them chosen."""
    several = len(languages) > 1
    parts = [_part(result, language, several=several) for language in languages]
    outer = environment(languages[0])
    style = outer.get_template("style.css").render(restricted=" / ".join(part.restricted for part in parts))
    style += "".join(part.heads for part in parts)
    if several:
        style += outer.get_template("switch.css").render(parts=parts)
    return outer.get_template("report.html").render(
        parts=parts,
        title=result.plan.audit.title,
        style=Finished(style),
        style_digest=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
    )


def _part(result: AuditResult, language: Language, *, several: bool) -> Part:
    from reports.harms import route_in_words, use_in_words
    from reports.html.charts import mark
    from reports.html.evidence import EvidenceWriter
    from reports.html.page import PageWriter
    from reports.html.resolution import NOT_ASSOCIATED, PARAGRAPH_2, PARAGRAPH_7, PARAGRAPH_7K
    from reports.html.safeguards import SafeguardsWriter
    from reports.told import in_language

    result = in_language(result, language)
    writer = PageWriter(result, language)
    page, evidence = writer.write(), EvidenceWriter(result, writer, language).write()
    templates = environment(language)
    body = templates.get_template("body.html").render(
        result=result,
        plan=result.plan,
        page=page,
        evidence=evidence,
        safeguards=SafeguardsWriter(result, writer.names, language).write(),
        language=language,
        names=writer.names,
        plain=writer.plain,
        mark=mark,
        use=use_in_words(result.plan.audit.use, language),
        route=route_in_words(result.plan.audit.route, language),
        not_associated=NOT_ASSOCIATED,
        resolution=(PARAGRAPH_2, PARAGRAPH_7, PARAGRAPH_7K),
    )
    scope = f".in-{language.short} " if several else ""
    if language.direction == "rtl":
        body = isolated(body)
    if several:
        body = _IDS.sub(rf"\g<1>{language.short}-", body)
    if not language.is_english:
        body = body.replace("<bdi>", '<bdi lang="">')  # in a language that nobody has told
    return Part(
        language=language,
        heading=page.verdict.heading,
        word=language.translations.gettext("Language"),
        restricted=language.translations.gettext("Restricted, not for publication: exact counts"),
        body=Finished(body.rstrip("\n")),
        heads=templates.get_template("heads.css").render(evidence=evidence, scope=scope),
    )
