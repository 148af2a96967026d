"""Read a published table of selection or scoring rates: a row for each category, its figures as they are printed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final, Literal

from audit.engines.duckdb import DuckDBEngine
from audit.engines.protocol import ROW
from audit.errors import DataError
from audit.evaluation.byte_stream import compression
from audit.evaluation.counts_table import Between, between, is_total
from audit.evaluation.look import guessed_encoding, likely_delimiter
from audit.evaluation.relation import text_of
from audit.evaluation.roles import snake_case
from audit.evaluation.table_file import ReadOptions, check_file, read_file
from audit.vocabulary.text import shown

Block = Literal["sex", "race", "both", "all", "unknown"]
UNKNOWN: Final = "unknown"
_MOST_BYTES: Final = 1 << 20
_MOST_ROWS: Final = 300
_MOST_DECIMALS: Final = 12
_FIGURE: Final = re.compile(r"(\d{0,15})(?:[.,](\d{1,30}))?(?<=\d)\s*(%?)", re.ASCII)
_BLANK: Final = re.compile(r"[-–—*†^.]*|n/?a|nan|null|none|not (calculated|applicable|reported)", re.IGNORECASE)
_PER_CENT_ABOVE: Final = {"rate": 1, "ratio": 10}


@dataclass(frozen=True, slots=True)
class Figure:
    """A printed rate or ratio."""

    text: str
    value: Fraction
    unit: Fraction
    """Value of its last digit."""

    def bounds(self, *, cut: bool) -> tuple[Fraction, Fraction]:
        """Return what it may be of: rounded half either way, or, with `cut`, with its further decimals cut off."""
        return self.value - self.unit / 2, self.value + (self.unit if cut else self.unit / 2)


@dataclass(frozen=True, slots=True)
class Category:
    """A row of the table; sex or race is None where the row is not by it, or `UNKNOWN`."""

    row: int
    """Number of the row below the header."""
    sex: str | None
    race: str | None
    applicants: Between | None
    selected: Between | None
    """Selected, or above the median score."""
    rate: Figure | None
    ratio: Figure | None

    @property
    def name(self) -> str:
        """Name for a message."""
        return ", ".join(part for part in (self.sex, self.race) if part) or "Total"

    @property
    def block(self) -> Block:
        """Printed table that it belongs to."""
        if UNKNOWN in (self.sex, self.race):
            return "unknown"
        return ("both" if self.race else "sex") if self.sex else "race" if self.race else "all"


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """A published audit."""

    source_name: str
    scores: bool
    """Whether rates are of scores above the median, and not of people selected."""
    categories: tuple[Category, ...]

    def of(self, block: Block) -> list[Category]:
        """Return the categories of one printed table."""
        return [category for category in self.categories if category.block == block]


def read_table(path: Path, sheet: str | None = None) -> PublishedTable:
    """Read a table from a CSV file or a spreadsheet.

    Raises
    ------
    DataError
        If it cannot be read, is larger than a published table is, or a column, category or figure is not understood; it
        names the row by its number.
    """
    path = path.absolute()
    check_file(path)
    rows: list[tuple[str | None, ...]] = []
    columns: tuple[str, ...] = ()
    if path.is_file() and path.stat().st_size <= _MOST_BYTES and not compression(path):
        encoding = guessed_encoding(path) or "utf-8"
        with DuckDBEngine([path]) as engine:
            options = ReadOptions(None, encoding, likely_delimiter(path, encoding), sheet=sheet)
            relation = read_file(engine, "published", path, options)
            texts = ", ".join(text_of(relation.expression(name), kind) for name, kind in relation.types.items())
            query = f"SELECT {texts} FROM {relation.name} ORDER BY {ROW} LIMIT {_MOST_ROWS + 1}"  # noqa: S608
            columns, rows = tuple(relation.types), engine.execute(query).fetchall()
    if not 0 < len(rows) <= _MOST_ROWS:
        raise DataError(
            f"{shown(path.name)} is no published table: it is packed, or larger than 1 MiB or {_MOST_ROWS} rows",
            slug="published-size",
        )
    return table_of(path.name, columns, [[(cell or "").strip() for cell in row] for row in rows])


def table_of(source_name: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> PublishedTable:
    """Make the table of texts. Raises DataError as `read_table` does."""
    columns = _columns(source_name, header)
    scores = any(re.search("scor|median", snake_case(name)) for name in columns.values())
    per_cent = {
        role: _in_per_cent(columns[role], [row[header.index(columns[role])] for row in rows], most)
        for role, most in _PER_CENT_ABOVE.items()
        if role in columns
    }
    categories: dict[object, Category] = {}
    above: Block = "sex"
    for number, row in enumerate(rows, start=1):
        cells = {role: row[header.index(name)] for role, name in columns.items()}
        read: dict[str, Any] = {}
        for role in ("applicants", "selected", "rate", "ratio"):
            text = cells.get(role, "")
            figure = _figure(text, _PER_CENT_ABOVE[role], per_cent[role]) if role in per_cent else between(text, {})
            read[role] = figure
            if figure is None and not _BLANK.fullmatch(text) and text != columns[role]:
                what = f"holds no {'number' if role in per_cent else 'whole number'} as {role}"
                raise _bad(source_name, number, what, "write one, or leave the cell empty")
        named = _named(cells, above)
        if named is None and any(read.values()):
            hint = "write sex and race in columns of their own"
            raise _bad(source_name, number, "names no category of sex or race", hint)
        if named in categories:
            hint = "one file for each classification; write names of merged cells again"
            raise _bad(source_name, number, f"is of the same category as row {categories[named].row}", hint)
        if (
            named is not None
        ):  # else a heading, or the header once more; people of an unknown category may stand below each printed table
            category = categories[number if UNKNOWN in named else named] = Category(number, *named, **read)
            above = above if category.block in {"all", "unknown"} else category.block
    return PublishedTable(source_name, scores, tuple(categories.values()))


@cache
def names() -> Mapping[str, Any]:
    """Return the names of `categories.toml`."""
    read = tomllib.loads(resources.files(__package__).joinpath("categories.toml").read_text(encoding="utf-8"))
    return {key: {name: re.compile(form, re.IGNORECASE) for name, form in forms.items()} for key, forms in read.items()}


def asked_for() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the sexes and the races that the rule asks for."""
    return tuple(names()["sex"])[:2], tuple(names()["race"])


def may_miss(table: PublishedTable) -> list[str]:
    """Return by what people may stand in no category of the table; one that lists more than is asked for lists all."""
    pairs = zip(("sex", "race"), (table.of("sex"), table.of("race")), asked_for(), strict=True)
    return [by for by, rows, required in pairs if not set(required) < {row.sex or row.race for row in rows}]


def _columns(source_name: str, header: Sequence[str]) -> dict[str, str]:
    roles = {name: _first(snake_case(name), "columns") for name in header}
    columns = {role: name for name, role in roles.items() if role}
    twice = [name for name, role in roles.items() if role and columns[role] != name]
    rated = {"rate", "ratio"} & columns.keys() or {"applicants", "selected"} <= columns.keys()
    if twice or not rated or not {"sex", "race", "category"} & columns.keys():
        raise DataError(
            f"{shown(source_name)}: it is not clear which columns hold categories and rates"
            + (f": {shown(twice[0])} and {shown(columns[str(roles[twice[0]])])} may be the same" if twice else ""),
            slug="published-columns",
        )
    return columns


def _named(cells: Mapping[str, str], above: Block) -> tuple[str | None, str | None] | None:
    """Return sex and race of a row below this printed table; None where it names neither, nor everybody."""
    texts = [cells[role] for role in ("category", "sex", "race") if role in cells]
    if len(texts) == 1:  # printed below each other: sex, race and both
        if _first(texts[0], "unknown"):
            return None if above == "race" else UNKNOWN, None if above == "sex" else UNKNOWN
        sex, race = _first(texts[0], "sex"), _first(texts[0], "race")
        return (sex, race) if sex or race or is_total(texts[0]) else None
    sex, race = (_one(cells.get(role, ""), role) for role in ("sex", "race"))
    if _first(cells.get("category", ""), "unknown"):
        return sex or UNKNOWN, race or UNKNOWN
    return (sex, race) if sex or race or any(map(is_total, texts)) else None


def _one(text: str, role: str) -> str | None:
    if is_total(text) or _BLANK.fullmatch(text):
        return None
    return _first(text, "unknown") or _first(text, role) or shown(text)


def _first(text: str, key: str) -> str | None:
    """Return the first name whose form is in the text, without that somebody is not Hispanic."""
    plain = names()["unlike"]["not Hispanic"].sub("", text)
    return next((name for name, form in names()[key].items() if form.search(plain)), None)


def _in_per_cent(name: str, texts: Sequence[str], most: int) -> bool:
    """Whether the plain numbers of a column are per cent, those too that could be shares."""
    large = any(figure.value > most for text in texts if (figure := _figure(text, most * 10**9, False)))
    return "%" in name or "percent" in name.casefold() or (large and not any("%" in text for text in texts))


def _figure(text: str, most: int, per_cent: bool) -> Figure | None:
    read = _FIGURE.fullmatch(text)
    if read is None:
        return None
    integer, decimals = read[1] or "0", read[2] or ""
    if len(decimals) > _MOST_DECIMALS:  # a binary number of a spreadsheet: 0.7509999999999999 is 0.751
        integer, decimals = f"{Decimal(f'{integer}.{decimals}'):.{_MOST_DECIMALS}f}".rstrip("0").split(".")
    unit = Fraction(1, 10 ** len(decimals))
    value = int(integer + decimals) * unit
    scale = 100 if read[3] or per_cent or value > most else 1
    return Figure(text, value / scale, unit / scale)


def _bad(source_name: str, row: int, what: str, hint: str) -> DataError:
    return DataError(f"{shown(source_name)}: row {row} {what}", slug="published-row", hint=hint)
