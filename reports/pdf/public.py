"""The public report on paper: the public page as PDF/A-3, with the release and its table attached."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audit.public.release import PublicRelease


class PublicPdfReporter:
    """Writes the public `report.pdf`: the public page in the first language of the release.

    Raises
    ------
    AuditError
        If the extra `pdf` or the library Pango is missing. The constructor raises it.
    """

    def __init__(self) -> None:
        from reports.pdf.engine import weasyprint

        weasyprint()

    def render(self, release: PublicRelease) -> bytes:
        """Return the whole file: the same bytes for the same release, fonts and libraries."""
        from audit.public.release import public_json
        from audit.vocabulary.file_names import RELEASE
        from reports.pdf.paper import pdf_of
        from reports.public.csv_file import csv_file
        from reports.public.html.document import html_file

        attached = {
            RELEASE: public_json(release).encode(),
            "groups.csv": csv_file(release).encode(),
        }
        about = release.about.model_copy(update={"languages": release.about.languages[:1]})
        return pdf_of(html_file(release.model_copy(update={"about": about})), attached)
