"""The report for people: one self-contained HTML file without scripts, requests or inline styles."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from reports.language import ENGLISH, Language

if TYPE_CHECKING:
    from jinja2 import Environment

    from audit.result import AuditResult

__all__ = ["HtmlReporter", "render_page"]

_TEMPLATES = Path(__file__).with_name("templates")


class HtmlReporter:
    """Writes `report.html`: the verdict in plain words, who is affected, every finding, and how to check them."""

    name: str = "html"
    filename: str = "report.html"
    audience: Literal["restricted"] = "restricted"

    def render(self, result: AuditResult) -> str:
        """The whole file as text, the same for the same result."""
        return render_page(result, ENGLISH)


def render_page(result: AuditResult, language: Language) -> str:
    """The report in a language."""
    from reports.harms import route_in_words, use_in_words
    from reports.html.charts import mark
    from reports.html.evidence import EvidenceWriter
    from reports.html.page import PageWriter
    from reports.html.resolution import NOT_ASSOCIATED, PARAGRAPH_2, PARAGRAPH_7, PARAGRAPH_7K

    writer = PageWriter(result, language)
    environment = _environment(language)
    evidence = EvidenceWriter(result, writer, language).write()
    style = environment.get_template("style.css").render(evidence=evidence)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return environment.get_template("report.html").render(
        result=result,
        plan=result.plan,
        page=writer.write(),
        evidence=evidence,
        language=language,
        names=writer.names,
        plain=writer.plain,
        mark=mark,
        use=use_in_words(result.plan.audit.use, language),
        route=route_in_words(result.plan.audit.route, language),
        not_associated=NOT_ASSOCIATED,
        resolution=(PARAGRAPH_2, PARAGRAPH_7, PARAGRAPH_7K),
        style=_safe(style),
        style_digest=digest,
    )


def _safe(style: str) -> Any:
    from markupsafe import Markup

    return Markup(style)  # noqa: S704 - our own style sheet, and strings of our catalogs escaped for CSS


@cache
def _environment(language: Language) -> Environment:
    """The templates, with escaping that cannot be switched off by a file's name and strings that cannot misbehave."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    from reports.html import palette
    from reports.html.affected import capital
    from reports.plain_text import harmless, without_unseen

    def finish(value: object) -> object:
        if isinstance(value, Markup):
            return Markup(without_unseen(value))  # noqa: S704 - escaped already; a sentence may hold someone's text
        return harmless(value) if isinstance(value, str) else value

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=finish,
        extensions=["jinja2.ext.i18n"],
        auto_reload=False,
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_translations(language.translations, newstyle=True)  # type: ignore[attr-defined]
    environment.globals["colour"] = palette.NAMES
    environment.filters["count"] = language.numbers.count
    environment.filters["percent"] = language.numbers.percent
    environment.filters["in_hundred"] = language.numbers.points
    environment.filters["probability"] = language.numbers.probability
    environment.filters["css_string"] = css_string
    environment.filters["capital"] = capital
    return environment


def css_string(text: str) -> Any:
    """`text` as a CSS string: everything but letters, digits and spaces as hexadecimal escapes, so nothing ends it."""
    escaped = "".join(letter if letter.isalnum() or letter == " " else f"\\{ord(letter):x} " for letter in text)
    return _safe(f'"{escaped}"')
