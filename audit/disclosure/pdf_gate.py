"""The gate for PDFs: what is printed says what the page says, row for row, and holds no more.

A PDF of a release is made from its page and its files alone. Two things are checked. It comes again, byte for byte, in
a process of its own that is handed the page and the attached files, which passed their gates, and nothing else: so what
it draws, and where, follows from them. And, read without the program that made it, its text and its other strings hold
no number that the page does not, none more often, and its attachments are files of the release. Of numbers that are
written as words it holds none that the page does not.
"""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from audit.disclosure.gates import in_fresh_process
from audit.disclosure.pdf_text import Line, PdfText, read_pdf
from audit.disclosure.printed import Number, numbers_in, read_numbers, unread
from audit.errors import DataError, RefusedReleaseError
from audit.plan.offers import MAKERS, offers_of

_NAME: Final = re.compile(r"(?P<page>[a-z][a-z-]*)(?:\.(?P<language>[a-z]{2}))?\.pdf")
_FIXED: Final = frozenset(("IEC 61966-2-1 Default RGB Colour Space - sRGB", "sRGB2014.icc"))
_PROGRAM: Final = (
    "import sys; from audit.disclosure.fence import keep_out; keep_out(sys.argv[2:]);"
    "from audit.disclosure.pdf_gate import _answer; "
    "sys.stdout.write(_answer(sys.argv[1], sys.stdin.read()))"
)

_Number = tuple[Decimal, int]


def pdf_maker() -> str:
    """What makes PDFs, as `module:function`; the entry point `pdf` of `audit.makers` names it.

    Raises
    ------
    DataError
        If no installed package makes PDFs, or more than one does.
    """
    offers = offers_of(MAKERS, "pdf")
    if len(offers) != 1:
        raise DataError(
            "there is no maker of PDFs, or more than one",
            slug="no-pdf-maker",
            hint="reinstall audit7k, or leave PDF out",
        )
    return offers[0].value


def refuse_other_pdfs(
    files: Mapping[str, bytes], more: Mapping[str, bytes], maker: str | None = None, hidden: Sequence[Path] = ()
) -> None:
    """The gate.

    Parameters
    ----------
    files : mapping of str to bytes
        The public files. `report.pdf` is of `report.html`, `report.fr.pdf` of its French part.
    more : mapping of str to bytes
        What may be attached beside files of the release: the release itself, as JSON.
    maker : str, optional
        What makes PDFs, as `module:function`.
    hidden : sequence of Path
        What the maker may not open.

    Raises
    ------
    RefusedReleaseError
        If a PDF cannot be read, does not come again, or holds what the page does not. No number is named.
    """
    for name, content in files.items():
        if not name.casefold().endswith(".pdf"):
            continue
        named = _NAME.fullmatch(name)
        page = files.get(f"{named['page']}.html") if named else None
        if named is None or page is None:
            raise _refused(name, "is not of a page of the release", "ask for the page (html) as well")
        told = read_pdf(name, content)
        _refuse_attachments(name, told, {**more, **files})
        printed = read_numbers({"page.html": page}, ())
        _refuse_numbers(name, told, printed)
        _refuse_words(name, told, {number.value for number in printed if number.is_word})
        again = _made_again(maker or pdf_maker(), page, told.attached, named["language"], hidden)
        if again != content:
            raise _refused(name, "is not what its page and its files make")


def _refuse_attachments(name: str, told: PdfText, allowed: Mapping[str, bytes]) -> None:
    for attached, content in told.attached.items():
        if allowed.get(attached) != content:
            raise _refused(name, "has an attachment that is no file of the release")


def _refuse_numbers(name: str, told: PdfText, printed: Iterable[Number]) -> None:
    known = Counter((number.value, number.digits) for number in printed if not number.is_word)
    lines = [line for line in told.lines if line.place == "text"]
    drawn = [text for key, text in told.strings if key == "/Alt"]
    in_drawings = [_fitting([text], known) for text in drawn]
    left = Counter(known)
    left.subtract(sum((found for found in in_drawings if found is not None), Counter()))
    if None in in_drawings or min(left.values(), default=0) < 0 or _beyond(lines, +left):
        raise _refused(name, "prints a number that its page does not, or one more often")
    if not _is_furniture(told, known):
        raise _refused(name, "prints a number at a margin, in a list or in a head that its page does not")
    elsewhere = [text for key, text in told.strings if key != "/Alt" and text not in _fixed(told.attached)]
    if set(_count([*elsewhere, *_metadata(name, told.metadata)])) - set(known):
        raise _refused(name, "holds a number beside its text that its page does not")


def _refuse_words(name: str, told: PdfText, known: Collection[Decimal]) -> None:
    """Numbers that are written as words: each must be one of the page, in words, wherever it stands."""
    blocks: dict[int, list[str]] = {}
    for line in told.lines:
        blocks.setdefault(line.block, []).append(line.said)
    elsewhere = [text for _, text in told.strings if text not in _fixed(told.attached)]
    blocks.update(
        enumerate(([text] for text in (*elsewhere, *_metadata(name, told.metadata))), start=max(blocks, default=0) + 1)
    )
    for texts in blocks.values():
        # A word may be broken at the end of a line, and Chinese numerals are, without a hyphen.
        readings = (texts, [" ".join(texts)], ["".join(texts)], ["".join(text.rstrip("-‐") for text in texts)])
        if not any(_words(reading).issubset(known) for reading in readings):
            raise _refused(name, "says a number as a word that its page does not")


def _beyond(lines: Iterable[Line], left: Counter[_Number]) -> bool:
    """Whether any block holds a number that is not left. A number may be broken at the end of a line."""
    blocks: dict[int, list[str]] = {}
    for line in lines:
        blocks.setdefault(line.block, []).append(line.text)
    for texts in blocks.values():
        found = _fitting(texts, left)
        if found is None:
            return True
        left -= found
    return False


def _fitting(texts: Sequence[str], left: Counter[_Number]) -> Counter[_Number] | None:
    """The numbers of a block in a reading in which all of them are left; None where there is no such reading.

    The page marks which text is of a language that sets thousands apart with points, and a PDF does not.
    """
    readings = (_count(said, language) for language in ("", "es") for said in (texts, ["".join(texts)]))
    return next((found for found in readings if not found - left), None)


def _is_furniture(told: PdfText, known: Mapping[_Number, int]) -> bool:
    """Whether heads and margins hold numbers of the page alone, beside those of the sheets, and lists count from 1."""
    margins: dict[int, Counter[_Number]] = {}
    before = Decimal(0)
    for line in told.lines:
        found = _numbers(line.text)
        if line.place == "margin":
            margins.setdefault(line.sheet, Counter()).update(found)
        elif line.place == "head" and not set(found) <= set(known):
            return False
        elif line.place == "list" and found:
            if found not in ([(Decimal(1), 0)], [(before + 1, 0)]):
                return False
            before = found[0][0]
    sheets = (Decimal(told.sheets), 0)
    return all(set(found - Counter([(Decimal(sheet), 0), sheets])) <= set(known) for sheet, found in margins.items())


def _metadata(name: str, packet: bytes) -> list[str]:
    """Texts of the XMP packet; what says of which standard it is counts as none."""
    if not packet:
        return []
    try:
        root = ET.fromstring(packet)  # noqa: S314 - made by us, and a document type is refused
    except ET.ParseError:
        raise unread(name) from None
    if b"<!" in packet:
        raise unread(name)
    texts = []
    for element in root.iter():
        texts += [element.text or "", element.tail or ""]
        for key, value in element.attrib.items():
            if not (key.endswith("/pdfa/ns/id/}part") and value == "3"):
                texts.append(value)
    return [text for text in texts if text not in _fixed({})]


def _fixed(attached: Iterable[str]) -> frozenset[str]:
    """Texts that every PDF of this engine holds."""
    try:
        engine = f"WeasyPrint {version('weasyprint')}"
    except PackageNotFoundError:
        engine = ""
    return _FIXED | {engine, *attached}


def _numbers(text: str, language: str = "") -> list[_Number]:
    return [(number.value, number.digits) for number in numbers_in(text, language) if not number.is_word]


def _words(texts: Iterable[str]) -> set[Decimal]:
    return {number.value for text in texts for number in numbers_in(text) if number.is_word}


def _count(texts: Iterable[str], language: str = "") -> Counter[_Number]:
    return Counter(number for text in texts for number in _numbers(text, language))


def _made_again(
    maker: str, page: bytes, attached: Mapping[str, bytes], language: str | None, hidden: Sequence[Path]
) -> bytes:
    handed = {
        "page": page.decode("utf-8"),
        "attached": {name: base64.b64encode(content).decode("ascii") for name, content in attached.items()},
        "language": language,
    }
    return base64.b64decode(in_fresh_process(_PROGRAM, maker, json.dumps(handed), hidden=hidden), validate=True)


def _answer(maker: str, text: str) -> str:
    """What the fresh process prints."""
    import importlib

    handed = json.loads(text)
    module, _, name = maker.partition(":")
    attached = {each: base64.b64decode(content) for each, content in handed["attached"].items()}
    made: bytes = getattr(importlib.import_module(module), name)(handed["page"], attached, handed["language"])
    return base64.b64encode(made).decode("ascii")


def _refused(name: str, what: str, hint: str = "") -> RefusedReleaseError:
    return RefusedReleaseError(
        f"{name} {what}",
        slug="other-pdf",
        hint=hint or "nothing was released; a PDF may only hold what its page holds",
    )
