"""The report on paper: one PDF in one language, made from the page of the report, with the figures attached."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.vocabulary.text import LANGUAGES

if TYPE_CHECKING:
    from audit.result.audit_result import AuditResult

__all__ = ["PdfReporter"]


class PdfReporter:
    """Writes `report.pdf`: the pages of `report.html` as PDF/A-3, with `result.json` and the counts attached.

    Raises
    ------
    AuditError
        If the extra `pdf` or the library Pango is missing. The constructor raises it, before anything is scored.
    """

    name: str = "pdf"
    filename: str = "report.pdf"
    languages: tuple[str, ...] = LANGUAGES
    """The languages that the reporter can write, by the codes of `audit.vocabulary.text`."""

    def __init__(self) -> None:
        from reports.pdf.engine import weasyprint

        weasyprint()

    def render(self, result: AuditResult, language: str = "en") -> bytes:
        """The whole file in a language, the same bytes for the same result, fonts and libraries."""
        from audit.result.json_text import result_to_json
        from reports import languages
        from reports.group_counts import counts_csv
        from reports.html import render_page
        from reports.html.page_command import Origin
        from reports.pdf.paper import pdf_of

        page = render_page(result, languages.language(language), Origin(form="pdf"))
        return pdf_of(page, {"result.json": result_to_json(result).encode(), "counts.csv": counts_csv(result).encode()})
