"""PDFs for tests, and what stands in one: read with pypdf, or with the programs of poppler where they are here."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from audit.errors import AuditError
from reports.pdf.engine import weasyprint


def require_pdf() -> None:
    """Skip a module where no PDF can be made, and say why."""
    try:
        weasyprint()
    except AuditError as error:
        pytest.skip(str(error), allow_module_level=True)


def beginning_of(page: str) -> str:
    """A report without its annexes and its tables of groups, but for the first section, which has drawings: a tenth of
    the work, in tests of neither.
    """
    end = page.index("</section>", page.index('<section aria-labelledby="part-1">')) + len("</section>")
    return f"{page[:end]}</main></body></html>"


def opened(content: bytes) -> Any:
    """The document: a `PdfReader`, whose objects may be anything."""
    return PdfReader(io.BytesIO(content), strict=True)


def root_of(document: Any) -> Any:
    """Its catalog."""
    return document.trailer["/Root"]


def tags(document: Any) -> Iterator[Any]:
    """Every part of its tree of tags, in order."""
    yield from _below(root_of(document)["/StructTreeRoot"])


def _below(part: Any) -> Iterator[Any]:
    kids = part.get("/K", [])
    for kid in kids if isinstance(kids, list) else [kids]:
        under = kid.get_object()
        if isinstance(under, dict) and "/S" in under:
            yield under
            yield from _below(under)


def places_of(content: bytes, folder: Path) -> dict[str, float]:
    """Where each word begins, in points from the left edge of its sheet; the last of those that are alike."""
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext (poppler-utils) is not here")
    (folder / "placed.pdf").write_bytes(content)
    shown = subprocess.run(["pdftotext", "-bbox", str(folder / "placed.pdf"), "-"], capture_output=True, check=True)
    found = re.findall(r'<word xMin="([\d.]+)"[^>]*>([^<]*)</word>', shown.stdout.decode())
    return {word: float(left) for left, word in found}


def words_of(content: bytes, folder: Path) -> str:
    """Its text in reading order, as pdftotext tells it."""
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext (poppler-utils) is not here")
    (folder / "read.pdf").write_bytes(content)
    done = subprocess.run(
        ["pdftotext", "-enc", "UTF-8", str(folder / "read.pdf"), "-"], capture_output=True, check=True
    )
    return re.sub("[\u202a-\u202e\u2066-\u2069\u200e\u200f]", "", done.stdout.decode())
