"""Reads a PDF for the gate: the text that its sheets draw, the strings that its objects hold, and what is attached.

The text of a sheet is read as it is drawn, one line of text after another, and each is told by its place in the tree of
tags: in the head of a table, which every sheet repeats; the number of a list; at the margin of the sheet; or elsewhere.
Numbers that draw (coordinates, widths) are not read. Whatever could show or do more than text and lines is refused.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from audit.disclosure.printed import unread

Place = Literal["text", "head", "list", "margin"]

_REFUSED_KEYS: Final = frozenset(
    ("/JavaScript", "/JS", "/OpenAction", "/AA", "/Launch", "/RichMedia", "/XFA", "/AcroForm", "/PieceInfo", "/Encrypt")
)
_REFUSED_KINDS: Final = frozenset(("/Image", "/Movie", "/Sound", "/3D", "/Type3"))
_LARGEST: Final = 64 * 1024 * 1024
_DEEPEST: Final = 60
_PAIR: Final = re.compile(rb"<([0-9a-fA-F]+)>\s*<([0-9a-fA-F]+)>")
_RIGHT_TO_LEFT: Final = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]+")
_LEFT_TO_RIGHT: Final = re.compile("[^\\W\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]+")
_CELL: Final = re.compile(r"\d+-\d+-\d+")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text, as it is drawn."""

    sheet: int
    """The sheet, from 1."""
    place: Place
    """Where it stands."""
    block: int
    """Of which part of the tree of tags it is: lines of one paragraph or cell have one number."""
    text: str
    """As its glyphs stand on the sheet, from the left to the right."""
    said: str
    """Text with its words as they are read: those in Arabic letters from the right to the left."""


@dataclass(slots=True)
class PdfText:
    """What can be read in a PDF."""

    sheets: int
    lines: list[Line] = field(default_factory=list)
    strings: list[tuple[str, str]] = field(default_factory=list)
    """Every string of every object with the key that it stands under; structural ones are left out."""
    metadata: bytes = b""
    """The XMP packet."""
    attached: dict[str, bytes] = field(default_factory=dict)


def read_pdf(name: str, content: bytes) -> PdfText:
    """Read a PDF.

    Raises
    ------
    DataError
        If it is damaged, is encrypted, or holds what cannot be read: pictures, programs, forms, media.
    """
    from pypdf import PdfReader

    if len(content) > _LARGEST:
        raise unread(name)
    try:
        document = PdfReader(io.BytesIO(content), strict=True)
        if document.is_encrypted:
            raise unread(name)
        return _Reading(name, document).read()
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, OSError) as error:
        raise unread(name) from error
    except Exception as error:
        if type(error).__module__.startswith("pypdf"):
            raise unread(name) from error
        raise


class _Reading:
    def __init__(self, name: str, document: Any) -> None:
        self._name, self._document = name, document
        self._found = PdfText(sheets=len(document.pages))
        self._tables: dict[int, Mapping[int, str]] = {}
        self._embedded: set[int] = set()

    def read(self) -> PdfText:
        for number in sorted(self._numbers()):
            self._object(self._document.get_object(number), "", 0)
        self._object({key: value for key, value in self._document.trailer.items() if key != "/ID"}, "", 0)
        root = self._document.trailer["/Root"]
        self._found.metadata = root["/Metadata"].get_data() if "/Metadata" in root else b""
        self._attachments(root)
        places = _Places(root)
        for sheet, page in enumerate(self._document.pages, start=1):
            self._draw(page, sheet, places)
        return self._found

    def _numbers(self) -> set[int]:
        """Numbers of all objects, also of those that nothing names."""
        return {number for table in self._document.xref.values() for number in table if number} | set(
            self._document.xref_objStm
        )

    def _object(self, value: Any, key: str, depth: int) -> None:
        """Keep the strings of an object, and refuse what is none of a report's."""
        from pypdf.generic import IndirectObject

        if depth > _DEEPEST:
            raise unread(self._name)
        if isinstance(value, IndirectObject):
            return
        if isinstance(value, dict):
            if _REFUSED_KEYS & value.keys() or _REFUSED_KINDS & {value.get("/Subtype"), value.get("/S")}:
                raise unread(self._name)
            if value.get("/Type") == "/EmbeddedFile":
                self._embedded.add(id(value))
            for inner, each in value.items():
                self._object(each, str(inner), depth + 1)
        elif isinstance(value, (list, tuple)):
            for each in value:
                self._object(each, key, depth + 1)
        elif isinstance(value, (str, bytes)) and not _is_name(value):
            text = value if isinstance(value, str) else value.decode("latin-1")
            if not (key in ("/ID", "/Headers") and _CELL.fullmatch(text)) and key not in ("/CheckSum", "/ID"):
                self._found.strings.append((key, text))

    def _attachments(self, root: Any) -> None:
        """The files that readers offer; each file that is embedded must be one of them, and once."""
        names = root.get("/Names", {}).get("/EmbeddedFiles", {}).get("/Names", [])
        for specification in names[1::2]:
            file = specification.get_object()
            embedded = file["/EF"]["/F"].get_object()
            if set(file["/EF"]) != {"/F"} or file["/F"] != file["/UF"] or str(file["/UF"]) in self._found.attached:
                raise unread(self._name)
            self._found.attached[str(file["/UF"])] = embedded.get_data()
            self._embedded.discard(id(embedded))
        if self._embedded:
            raise unread(self._name)

    def _draw(self, page: Any, sheet: int, places: _Places) -> None:
        if "/Annots" in page:
            for annotation in page["/Annots"]:
                if annotation.get_object().get("/Subtype") != "/Link":
                    raise unread(self._name)
        of = places.of_sheet(page)
        for mark, glyphs in self._drawn(page.get_contents(), page["/Resources"], None, 0):
            place, block = of.get(mark, ("margin", -1)) if mark is not None else ("margin", -1)
            self._found.lines.append(Line(sheet, place, block, "".join(glyphs), _said(glyphs)))

    def _drawn(
        self, stream: Any, resources: Any, mark: int | None, depth: int
    ) -> Iterator[tuple[int | None, list[str]]]:
        """Lines of a stream and of the drawings that it calls, each with the mark that it stands under."""
        from pypdf.generic import ContentStream

        if depth > _DEEPEST:
            raise unread(self._name)
        marks: list[int | None] = [mark]
        font: Mapping[int, str] = {}
        line: list[str] = []
        for operands, operator in ContentStream(stream, self._document).operations:
            if operator == b"BDC":
                marks.append(operands[1].get("/MCID", marks[-1]) if isinstance(operands[1], dict) else marks[-1])
            elif operator == b"BMC":
                marks.append(marks[-1])
            elif operator == b"EMC":
                marks.pop()
            elif operator == b"Tf":
                font = self._table(resources["/Font"][operands[0]].get_object())
            elif operator in (b"TJ", b"Tj", b"'", b'"'):
                line += _decoded(operands[-1], font)
            elif operator == b"ET":
                yield marks[-1], line
                line = []
            elif operator in (b"BI", b"INLINE IMAGE"):
                raise unread(self._name)
            elif operator == b"Do":
                called = resources["/XObject"][operands[0]].get_object()
                yield from self._drawn(called, called.get("/Resources", resources), marks[-1], depth + 1)
        if line:
            raise unread(self._name)

    def _table(self, font: Any) -> Mapping[int, str]:
        """Which text each glyph of a font stands for."""
        if font.get("/Subtype") != "/Type0" or font.get("/Encoding") != "/Identity-H":
            raise unread(self._name)
        if id(font) not in self._tables:
            told = font["/ToUnicode"].get_data().partition(b"endcodespacerange")[2]
            if b"bfrange" in told:
                raise unread(self._name)
            pairs = _PAIR.findall(told)
            self._tables[id(font)] = {
                int(glyph, 16): bytes.fromhex(text.decode()).decode("utf-16-be") for glyph, text in pairs
            }
        return self._tables[id(font)]


class _Places:
    """Where each marked line of each sheet stands in the tree of tags."""

    def __init__(self, root: Any) -> None:
        self._of: dict[int, dict[int, tuple[Place, int]]] = {}
        self._blocks = 0
        self._walk(root["/StructTreeRoot"], "text", 0, 0)

    def of_sheet(self, page: Any) -> Mapping[int, tuple[Place, int]]:
        """The places of a sheet by mark."""
        return self._of.get(page.indirect_reference.idnum, {})

    def _walk(self, part: Any, place: Place, block: int, depth: int) -> None:
        if depth > 10 * _DEEPEST:
            raise ValueError("nested too deep")
        kind = part.get("/S")
        place = "head" if kind == "/THead" else "list" if kind == "/Lbl" else place
        if kind not in ("/Span", "/NonStruct", "/Link"):
            self._blocks += 1
            block = self._blocks
        kids = part.get("/K", [])
        for kid in kids if isinstance(kids, list) else [kids]:
            under = kid.get_object()
            if isinstance(under, int):
                self._of.setdefault(part.raw_get("/Pg").idnum, {})[int(under)] = (place, block)
            elif "/S" in under:
                self._walk(under, place, block, depth + 1)


def _decoded(shown: Any, font: Mapping[int, str]) -> list[str]:
    """The text of what is shown: glyphs of two bytes each. The second glyph of one letter has no text of its own."""
    parts = shown if isinstance(shown, list) else [shown]
    told = []
    for part in parts:
        if isinstance(part, (str, bytes)):
            raw = part if isinstance(part, bytes) else part.original_bytes  # type: ignore[attr-defined]
            told += [font.get(int.from_bytes(raw[at : at + 2], "big"), "") for at in range(0, len(raw), 2)]
    return told


def _said(glyphs: list[str]) -> str:
    """The words of a line. A glyph of several letters (lam and alif) holds them in the order of the script."""
    text = "".join(glyphs)
    if _RIGHT_TO_LEFT.search(text) is None:
        return text
    return _RIGHT_TO_LEFT.sub(" ", text) + " " + _LEFT_TO_RIGHT.sub(" ", "".join(reversed(glyphs)))


def _is_name(value: object) -> bool:
    from pypdf.generic import NameObject

    return isinstance(value, NameObject)
