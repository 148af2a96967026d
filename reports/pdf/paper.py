"""A page of this project as PDF/A-3: tagged, in one language, with the files attached, and the same bytes each time.

The PDF depends on the page, the files, the fonts and the libraries alone: no clock, no random number, no name of a file
of this machine. No conformance with PDF/UA is claimed, because nobody has checked it by hand.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

from audit.errors import AuditError
from reports.pdf.engine import only_data, selectors, silent, weasyprint
from reports.pdf.finish import finish
from reports.pdf.sheet import lay_out

_VARIANT: Final = "pdf/a-3a"
_NO_DATE: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
"""A date that is written and removed again. The engine needs one, and the day of printing is nobody's business."""


def pdf_of(page: str, attachments: Mapping[str, bytes], language: str | None = None) -> bytes:
    """Return the PDF of a page.

    Parameters
    ----------
    page : str
        HTML of a report; `lang` and `<title>` become those of the PDF.
    attachments : mapping of str to bytes
        Files to attach, by their names; each is said to be the data of the report.
    language : str, optional
        The code of the language to print, where the page holds several. The first one where this is None.

    Raises
    ------
    AuditError
        If the extra is missing, no font has a character of the page, or the page names anything outside of itself.
    """
    engine, fetcher = weasyprint(), only_data()
    with silent() as errors:
        document = engine.HTML(string=page, url_fetcher=fetcher)
        root = document.etree_element
        lay_out(root, language)
        # Parse it again, because the engine keeps what it has seen of the tree, the language among it.
        document.wrapper_element = selectors().ElementWrapper.from_html_root(root, content_language=None)
        files = [
            engine.Attachment(
                string=content, name=name, relationship="Data", created=_NO_DATE, modified=_NO_DATE, base_url=None
            )
            for name, content in sorted(attachments.items())
        ]
        made = bytes(document.write_pdf(attachments=files, pdf_variant=_VARIANT, finisher=finish))
    if fetcher.refused:
        raise AuditError(
            "the page of the report names something outside of itself, and a PDF loads nothing",
            slug="pdf-request",
            hint="this is an error of audit7k: please report it",
        )
    if any(error.startswith("Failed to") for error in errors):
        raise AuditError(
            "a drawing of the report could not be put on paper",
            slug="pdf-drawing",
            hint="this is an error of audit7k: please report it",
        )
    return made
