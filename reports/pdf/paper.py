"""A page of this project as PDF/A-3: tagged, in one language, with the files attached, and the same bytes each time.

The PDF depends on the page, the files, the fonts and the libraries alone: no clock, no random number, no name of a file
of this machine. No conformance with PDF/UA is claimed, because nobody has checked it by hand.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, Final

from audit.errors import AuditError
from reports.pdf.engine import data_fetcher, selectors, silent, weasyprint
from reports.pdf.sheet import lay_out

_VARIANT: Final = "pdf/a-3a"
_NO_DATE: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
"""A date that is written and removed again. The engine needs one, and the day of printing is nobody's business."""
_PACKAGES: Final = {
    "CJK": "fonts-noto-cjk or fonts-droid-fallback",
    "ARABIC": "fonts-noto-core or fonts-dejavu-core",
    "CYRILLIC": "fonts-noto-core or fonts-dejavu-core",
}


def pdf_of(page: str, attachments: Mapping[str, bytes]) -> bytes:
    """Return the PDF of a page.

    Parameters
    ----------
    page : str
        HTML of a report in one language; `lang` and `<title>` become those of the PDF.
    attachments : mapping of str to bytes
        Files to attach, by their names; each is said to be the data of the report.

    Raises
    ------
    AuditError
        If the extra is missing, no font has a character of the page, or the page names anything outside of itself.
    """
    engine, fetcher = weasyprint(), data_fetcher()
    with silent() as errors:
        document = engine.HTML(string=page, url_fetcher=fetcher)
        root = document.etree_element
        lay_out(root)
        # Parse it again, because the engine keeps what it has seen of the tree, the language among it.
        document.wrapper_element = selectors().ElementWrapper.from_html_root(root, content_language=None)
        files = [
            engine.Attachment(
                string=content, name=name, relationship="Data", created=_NO_DATE, modified=_NO_DATE, base_url=None
            )
            for name, content in sorted(attachments.items())
        ]
        pdf_bytes = bytes(document.write_pdf(attachments=files, pdf_variant=_VARIANT, finisher=_finish))
    if fetcher.refused:
        raise AuditError(
            "the page of the report names something outside of itself, and a PDF loads nothing", slug="pdf-request"
        )
    if any(error.startswith("Failed to") for error in errors):
        raise AuditError("a drawing of the report could not be put on paper", slug="pdf-drawing")
    return pdf_bytes


def _finish(document: Any, pdf: Any) -> None:
    """Refuse a document in which a character has no glyph. Otherwise mend tags and attachments before it is written.

    The engine leaves out the scope of header cells, tags marks that have no text as figures, and writes dates.

    Raises
    ------
    AuditError
        If no font of this machine has a character of the page, which would be printed as a box.
    """
    missing = sorted({code for font in document.fonts.values() for code in font.missing})
    if missing:
        raise _no_glyph(missing)
    objects = [pdf_object for pdf_object in pdf.objects if isinstance(pdf_object, dict)]
    for pdf_object in objects:
        if pdf_object.get("S") == "/TH":
            pdf_object["A"]["Scope"] = "/Column" if "/THead" in _parents(pdf_object, pdf) else "/Row"
        elif pdf_object.get("S") == "/Figure" and "Alt" not in pdf_object:
            # A mark stands beside its word, and the word says it.
            pdf_object["S"] = "/NonStruct"
            pdf_object.pop("A", None)
    for stream in pdf.objects:
        extra = getattr(stream, "extra", None) or {}
        if extra.get("Type") == "/EmbeddedFile":
            del extra["Params"]["CreationDate"], extra["Params"]["ModDate"]
    if "AF" in pdf.catalog:
        named = list(dict.fromkeys(pdf.catalog["AF"]))
        pdf.catalog["AF"].clear()
        pdf.catalog["AF"].extend(named)


def _parents(element: Any, pdf: Any) -> Iterator[str]:
    """Yield the parents of an element in the tree of tags, the nearest first."""
    while "P" in element:
        element = pdf.objects[int(element["P"].split()[0])]
        yield element.get("S", "")


def _no_glyph(missing: list[int]) -> AuditError:
    codes = ", ".join(f"U+{code:04X}" for code in missing[:3])
    name = unicodedata.name(chr(missing[0]), "")
    packages = next((known for word, known in _PACKAGES.items() if word in name), "fonts-noto-core, fonts-noto-cjk")
    return AuditError(
        f"no font here has {codes}"
        + (f" and {len(missing) - 3} more characters" if len(missing) > 3 else "")
        + " of the report: they would be boxes",
        slug="pdf-font",
        hint=f"Debian: apt-get install {packages}; or leave the PDF out",
    )
