"""Last changes to a PDF before it is written: add what the engine leaves out, and remove what the engine should not
reveal.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any, Final

from audit.errors import AuditError

_PACKAGES: Final = {
    "CJK": "fonts-noto-cjk or fonts-droid-fallback",
    "ARABIC": "fonts-noto-core or fonts-dejavu-core",
    "CYRILLIC": "fonts-noto-core or fonts-dejavu-core",
}


def finish(document: Any, pdf: Any) -> None:
    """Refuse a document in which a character has no glyph. Otherwise mend tags and attachments, in place.

    Raises
    ------
    AuditError
        If no font of this machine has a character of the page, which would be printed as a box.
    """
    missing = sorted({code for font in document.fonts.values() for code in font.missing})
    if missing:
        raise _no_glyph(missing)
    objects = [each for each in pdf.objects if isinstance(each, dict)]
    for each in objects:
        if each.get("S") == "/TH":
            each["A"]["Scope"] = "/Column" if "/THead" in _above(each, pdf) else "/Row"
        elif each.get("S") == "/Figure" and "Alt" not in each:
            # A mark stands beside its word, and the word says it.
            each["S"] = "/NonStruct"
            each.pop("A", None)
    for stream in pdf.objects:
        extra = getattr(stream, "extra", None) or {}
        if extra.get("Type") == "/EmbeddedFile":
            del extra["Params"]["CreationDate"], extra["Params"]["ModDate"]
    if "AF" in pdf.catalog:
        named = list(dict.fromkeys(pdf.catalog["AF"]))
        pdf.catalog["AF"].clear()
        pdf.catalog["AF"].extend(named)


def _above(element: Any, pdf: Any) -> Iterator[str]:
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
