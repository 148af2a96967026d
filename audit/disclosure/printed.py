"""Every number that a public file prints, wherever it stands, and whose row it stands in.

Read are the text, the attributes, the comments, the styles and the scripts of HTML, SVG and XML, cells of CSV, keys and
values of JSON, lines of text, files inside of `data:` links, and file names; digits of every script, and numbers as
words (`number_words`). A file of any other kind is refused.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from html.parser import HTMLParser
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from audit.disclosure.number_words import numbers_said
from audit.disclosure.plain_letters import visible
from audit.errors import RefusedReleaseError
from audit.public.figures import ROW
from audit.vocabulary.text import harmless

_NUMBER: Final = re.compile(r"\d+(?:[,\u202f\u00a0'’]\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?")
_BETWEEN_WORDS: Final = re.compile(r"""[\s|"`]+""")
"""Of lines: columns of Markdown and its code, and values of labels, end as words do."""
_DIGIT: Final = re.compile(r"[^\D]|[^\x00-\x7f]")
_GROUPED: Final = re.compile(r"[\u202f\u00a0'’]|,(?=\d{3}(?:\D|$))")
_POINTS_GROUP: Final = frozenset(("es",))
"""Languages that set thousands apart with points: in text that is marked as theirs, 12.345 is a whole number."""
_POINT_OF_A_GROUP: Final = re.compile(r"(?<=\d)\.(?=\d{3}(?!\d))")
_ENDED_BY: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "td": ("td", "th"),
        "th": ("td", "th"),
        "tr": ("td", "th", "tr"),
        "tbody": ("td", "th", "tr", "tbody", "thead"),
        "li": ("li",),
    }
)
"""What an element ends that HTML lets a page leave open: else a cell would be read as part of its neighbour."""
_NEVER_CLOSED: Final = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr")
)
"""HTML's void elements."""
_GEOMETRY: Final = frozenset(("x1", "x2", "y1", "y2"))
"""Names of SVG's attributes that hold a figure and say nothing by it."""
_OF_THE_PLAN: Final = ("check_name", "location")
"""Members of JSON that name a rule and its place in the plan (GitLab's code quality): they stand in no group's row."""
_POINT: Final = re.compile("[ML]")
"""The commands of a path that has rows of its own: each takes it to the next point."""
_NONE: Final[Mapping[str, str]] = MappingProxyType({})
_MARKUP, _DEEPEST, _LONGEST_NUMBER = (".html", ".htm", ".svg", ".xml"), 200, 400


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it is printed."""

    file: str
    """The file."""
    row: str | None
    """The key of the group whose row it stands in; None where it stands in no row."""
    text: str
    """Its digits as they stand there."""
    value: Decimal
    """What they say."""
    digits: int
    """Decimals that are printed."""
    is_word: bool = False
    """Whether it is written as a word."""

    @property
    def kind(self) -> tuple[str, str | None, Decimal, int, bool]:
        """What two numbers share that say the same in the same place. A word makes no digits known."""
        return self.file, self.row, self.value, self.digits, self.is_word


def read_numbers(files: Mapping[str, bytes], rows: Collection[str], short: Mapping[str, str] = _NONE) -> list[Number]:
    """Every number of every file; `rows` are the keys of the groups, `short` the keys by the short names of pages.

    Raises
    ------
    DataError
        If a file is of a kind that cannot be read, or is not what its name says.
    """
    reader = _Reader(frozenset(rows), short)
    for name, content in sorted(files.items()):
        reader.text(name, None, name)
        reader.file(name, _kind(name), content)
    return reader.found


def numbers_in(text: str, language: str = "") -> list[Number]:
    """The numbers of a text that stands in no file and no row; `language` is its primary subtag, empty if unknown."""
    reader = _Reader(frozenset())
    reader.text("", None, text, language)
    return reader.found


class _Reader:
    def __init__(self, rows: frozenset[str], short: Mapping[str, str] = _NONE) -> None:
        self._rows, self._short = rows, short
        self.found: list[Number] = []

    def file(self, name: str, kind: str, content: bytes) -> None:
        """Read the numbers of a file of a kind, given by the end of a file's name."""
        readers: Mapping[str, Callable[[str, str], None]] = {
            ".csv": self._csv,
            ".json": self._json,
            ".txt": self._lines,
            ".md": self._lines,
            **dict.fromkeys(_MARKUP, self._markup),
        }
        if kind not in readers:
            raise unread(name)
        try:
            readers[kind](name, content.decode("utf-8"))
        except (ValueError, RecursionError, csv.Error):
            raise unread(name) from None

    def text(self, file: str, row: str | None, text: str, language: str = "") -> None:
        """Read the numbers of a text. What names its row is no number."""
        if row is not None:
            text = text.replace(row, " ")
        text = visible(text)
        for word, value in numbers_said(text, language):
            self.found.append(Number(file, row, word, Decimal(value), 0, is_word=True))
        # Most texts of a file have no digit at all, and nearly all of the others have Western ones alone.
        if _DIGIT.search(text) is None:
            return
        plain = text if text.isascii() else "".join(_western(character) for character in text)
        if language in _POINTS_GROUP:
            plain = _POINT_OF_A_GROUP.sub(",", plain)
        for found in _NUMBER.finditer(plain):
            self.found.append(_number(file, row, found[0]))

    def _csv(self, file: str, text: str) -> None:
        heads: list[str] = []
        for place, cells in enumerate(csv.reader(io.StringIO(text), strict=True)):
            if not place:
                heads = cells
            row, named_by = self._row_of(heads, cells)
            for cell in cells[named_by:]:
                self.text(file, row, cell)

    def _row_of(self, heads: list[str], cells: list[str]) -> tuple[str | None, int]:
        """The row of a line, and how many cells name it: one holds its key, or the first ones hold its levels."""
        row = next((cell for cell in cells if cell in self._rows), None)
        if row is not None:
            return row, 0
        levels: list[str] = []
        found: tuple[str | None, int] = (None, 0)
        for place, (head, cell) in enumerate(zip(heads, cells, strict=False), start=1):
            if cell:
                levels.append(f"{head}:{cell}")
                if ",".join(levels) in self._rows:
                    found = ",".join(levels), place
        return found

    def _json(self, file: str, text: str) -> None:
        # As text: a float of JSON must be read with the digits that it is printed with.
        document = json.loads(text, parse_int=_AsPrinted, parse_float=_AsPrinted, parse_constant=_AsPrinted)
        self._value(file, None, document, 0)

    def _value(self, file: str, row: str | None, value: Any, depth: int) -> None:
        if depth > _DEEPEST:
            raise ValueError("nested too deep")
        if isinstance(value, dict):
            row = next((name for name in _names_of(value) if name in self._rows), row)
            for key, inner in value.items():
                self.text(file, row, key)
                self._value(file, None if key in _OF_THE_PLAN else row, inner, depth + 1)
        elif isinstance(value, list):
            for inner in value:
                self._value(file, row, inner, depth + 1)
        elif isinstance(value, str):
            self.text(file, row, _written_out(value) if isinstance(value, _AsPrinted) else value)

    def _lines(self, file: str, text: str) -> None:
        for line in text.splitlines():
            words = _BETWEEN_WORDS.split(line)
            self.text(file, next((word for word in words if word in self._rows), None), line)

    def _markup(self, file: str, text: str) -> None:
        parser = _Markup(self, file, self._rows, self._short)
        parser.feed(text)
        parser.close()


class _Markup(HTMLParser):
    """HTML, SVG and XML alike: elements nest, and the innermost that names a group is the row."""

    def __init__(self, reader: _Reader, file: str, rows: frozenset[str], short: Mapping[str, str]) -> None:
        super().__init__(convert_charrefs=True)
        self._reader, self._file, self._names, self._short = reader, file, rows, short
        self._open: list[tuple[str, str | None, str]] = [("", None, "")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        while self._open[-1][0] in _ENDED_BY.get(tag, ()):
            self._open.pop()
        row, language = self._element(attrs)
        if tag not in _NEVER_CLOSED:
            self._open.append((tag, row, language))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        """An element that is empty."""
        self._element(attrs)

    def handle_endtag(self, tag: str) -> None:
        """An element ends, and with it whatever was left open inside."""
        for place in range(len(self._open) - 1, 0, -1):
            if self._open[place][0] == tag:
                del self._open[place:]
                return

    def handle_data(self, data: str) -> None:
        """Text, and the insides of styles and scripts."""
        _, row, language = self._open[-1]
        self._reader.text(self._file, row, data, language)

    def handle_comment(self, data: str) -> None:
        """A comment: nobody sees it, and anybody can read it."""
        self.handle_data(data)

    def handle_decl(self, decl: str) -> None:
        """A declaration."""
        self.handle_data(decl)

    def handle_pi(self, data: str) -> None:
        """A processing instruction; that of XML itself says a version."""
        self.handle_data(data)

    def unknown_decl(self, data: str) -> None:
        """A section of XML that holds text as it is."""
        self.handle_data(data)

    def _element(self, attrs: list[tuple[str, str | None]]) -> tuple[str | None, str]:
        values = [value for _, value in attrs if value]
        language = next((value for name, value in attrs if name == "lang" and value is not None), self._open[-1][2])
        row = next((value for value in values if value in self._names), self._open[-1][1])
        named = next((value.split() for name, value in attrs if name == ROW and value), [])
        rows = [self._short[name] for name in named] if all(name in self._short for name in named) else []
        if len(rows) == 1:
            row = rows[0]
        for name, value in attrs:
            if name not in _GEOMETRY:
                self._reader.text(self._file, row, name)
            if value is not None and value.startswith("data:"):
                self._link(value)
            elif value is not None and name == "d" and len(rows) > 1:
                self._points(value, rows)
            elif value is not None:
                self._reader.text(self._file, row, value)
        return row, language

    def _points(self, path: str, rows: list[str]) -> None:
        """A path through points of several rows: each number is one of the row whose point it is."""
        start, *points = _POINT.split(path)
        if start or len(points) != len(rows):
            raise ValueError("points of other rows")
        for row, point in zip(rows, points, strict=True):
            self._reader.text(self._file, row, point)

    def _link(self, value: str) -> None:
        head, _, body = value.removeprefix("data:").partition(",")
        kinds = {"text/csv": ".csv", "application/json": ".json", "text/plain": ".txt", "image/svg+xml": ".svg"}
        content = unquote_to_bytes(body)
        if head.endswith(";base64"):
            content = base64.b64decode(content, validate=True)
        self._reader.file(self._file, kinds.get(head.split(";")[0], head), content)


def _names_of(value: dict[str, Any]) -> Iterator[str | None]:
    """What names the row of an object of JSON: itself, or its property bag (SARIF, which allows no member of ours)."""
    bag = value.get("properties")
    for holder in (value, bag if isinstance(bag, dict) else {}):
        yield from (_key_of(holder.get(key)) for key in ("group", "audit"))


def _key_of(group: Any) -> str | None:
    """The key of a group as JSON names it: by its key, or by its levels as a release does."""
    if not isinstance(group, list):
        return group if isinstance(group, str) else None
    if not all(isinstance(level, list) and len(level) == 3 for level in group):
        return None
    return harmless(",".join(f"{feature}:{rung}={code}" for feature, rung, code in group)) or "everyone"


class _AsPrinted(str):
    """A number of JSON with its own digits."""

    __slots__ = ()


def _written_out(number: str) -> str:
    """A number of JSON without an exponent: 6.2e-5 is one number, and not 6.2 and 5."""
    if "e" not in number.casefold():
        return number
    value = Decimal(number)
    if abs(value.adjusted()) > _LONGEST_NUMBER:
        raise ValueError("no number that a release prints")
    return f"{value:f}"


def _number(file: str, row: str | None, text: str) -> Number:
    plain = _GROUPED.sub("", text).replace(",", ".")
    return Number(file, row, text, Decimal(plain), len(plain.partition(".")[2]))


@lru_cache(maxsize=1 << 12)
def _western(character: str) -> str:
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return str(digit)
    # Roman and circled numerals and fractions; Chinese ones are read as words.
    number = None if unicodedata.category(character) == "Lo" else unicodedata.numeric(character, None)
    return character if number is None else f" {number:g} "


def _kind(name: str) -> str:
    return name[name.rfind(".") :].lower() if "." in name else name


def unread(name: str) -> RefusedReleaseError:
    """The error of a file that the gate cannot read."""
    return RefusedReleaseError(
        f"{name} cannot be read by the gate that explains every public number",
        slug="unread-public-file",
        hint="nothing was released; public files are HTML, SVG, XML, CSV, JSON and text",
    )
