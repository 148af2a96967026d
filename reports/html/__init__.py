"""HTML report for people: one self-contained file without scripts, requests or inline styles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from audit.vocabulary.text import LANGUAGES
from reports.html.page_command import FROM_THE_RESULT, Origin
from reports.language import ENGLISH, Language

if TYPE_CHECKING:
    from audit.result.audit_result import AuditResult
    from audit.result.findings.remedies import Remedies

__all__ = ["HtmlReporter", "render_page", "render_pages"]


class HtmlReporter:
    """Writes `report.html`: the verdict in plain words, who is affected, every finding, and how to check them."""

    name: str = "html"
    filename: str = "report.html"
    languages: tuple[str, ...] = LANGUAGES
    """The languages that the reporter can write, by the codes of `audit.vocabulary.text`."""

    def render(self, result: AuditResult, languages: Sequence[str] = (), *, compared: bool = False) -> str:
        """The whole file as text, the same for the same result.

        Parameters
        ----------
        languages : sequence of str
            Codes of the languages among which a reader chooses; English without any.
        compared : bool
            Whether `compare` has put a change into the result: the page says how to be made again from two results.
        """
        from reports.languages import language

        written = [language(code) for code in dict.fromkeys(languages)] or [ENGLISH]
        return render_pages(result, written, Origin(compared=True) if compared else FROM_THE_RESULT)

    def remedies(self, remedies: Remedies, languages: Sequence[str] = ()) -> tuple[str, str]:
        """The page of remedies as text, in these languages, English without any; and the panel for a terminal."""
        from reports.html.remedies import remedies_page, remedies_panel
        from reports.languages import language

        written = [language(code) for code in dict.fromkeys(languages)] or [ENGLISH]
        return remedies_page(remedies, written), remedies_panel(remedies)


def render_page(result: AuditResult, language: Language, origin: Origin = FROM_THE_RESULT) -> str:
    """Return the report in a language."""
    return render_pages(result, [language], origin)


def render_pages(result: AuditResult, languages: Sequence[Language], origin: Origin = FROM_THE_RESULT) -> str:
    """Return the report in one language, or in several of which a reader chooses one."""
    from reports.html.document import document

    return document(result, languages, origin)
