"""Reading of each distinct value of one column, before there is a plan. For `audit7k codes`.

The result shows only the distinct values of the one column that was asked for, and only if it is a column of
categories: ids, names of persons and free text are not shown.

Suggestions for a label that is not read: the countries of the names that are spelt most like it.

They are for a person who decides, and never a reading: Niger and Nigeria differ by less than most errors of typing.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

from audit.engines.duckdb import DuckDBEngine
from audit.engines.protocol import identifier
from audit.engines.read_errors import reading
from audit.errors import DataError
from audit.evaluation import gender, nationality, nationality_words
from audit.evaluation.design import MOST_LEVELS
from audit.evaluation.look import likely_delimiter
from audit.evaluation.meaning import Meaning, fold
from audit.evaluation.nationality import UNKNOWN
from audit.evaluation.nationality_words import meanings, without_around
from audit.evaluation.relation import BETWEEN_ITEMS, Relation, check_text_type, is_list_type, is_number_type, text_of
from audit.evaluation.table_file import ReadOptions, check_file, read_file
from audit.plan.sections import GenderCodes
from audit.vocabulary.text import shown

_MOST = 4
_SHORTEST = 4
_LEAST_ALIKE = 0.75
_BEHIND_THE_BEST = 0.1
_BETWEEN_WORDS = re.compile(r"[^\w'’-]+")


def suggestions(text: str) -> tuple[str, ...]:
    """Find the codes that an unread label may stand for, the likeliest first; at most four, often none.

    Names that are spelt like the label come before names that stand within it. Likeness is the normalised distance of
    optimal string alignment, which counts a swap of two neighbours as one error, over folded names.
    """
    folded = fold(text)
    if len(folded) < _SHORTEST or folded in meanings():
        return ()
    alike = [code for part in (folded, *without_around(folded)) for code in _spelt_alike(part)]
    return tuple(dict.fromkeys([*alike, *_named_within(text)]))[:_MOST]


def _named_within(text: str) -> tuple[str, ...]:
    words = [word for word in _BETWEEN_WORDS.split(text) if word]
    codes: dict[str, None] = {}
    for length in range(len(words), 0, -1):
        for start in range(len(words) - length + 1):
            name = fold("".join(words[start : start + length]))
            if len(name) >= _SHORTEST:
                codes |= dict.fromkeys(_codes(name))
        if codes:
            break
    return tuple(codes)


def _spelt_alike(folded: str) -> tuple[str, ...]:
    alike = extract(folded, _names(), scorer=OSA.normalized_similarity, score_cutoff=_LEAST_ALIKE, limit=50)
    best = max((score for _, score, _ in alike), default=0.0)
    near = [name for name, score, _ in alike if score >= best - _BEHIND_THE_BEST]
    return tuple(dict.fromkeys(code for name in near for code in _codes(name)))


@functools.cache
def _names() -> tuple[str, ...]:
    """Folded words with a meaning, sorted, so that equals come in one order. Some, as `Africans`, are no country's."""
    return tuple(sorted(name for name in meanings() if len(name) >= _SHORTEST))


def _codes(name: str) -> tuple[str, ...]:
    meaning = meanings().get(name)
    if meaning is None or meaning.code == UNKNOWN:
        return ()
    if meaning.code is not None:
        return (meaning.code,)
    return meaning.candidates if meaning.reason in ("ambiguous", "part", "no_iso_code") else ()


ReadAs = Literal["nationality", "gender"]
_NEVER_HEARD_OF = frozenset({"unknown_word", "number", "one_letter"})
LONGEST = 120
"""Longest value in characters; a column with a longer one holds texts."""
FEW = 5
"""A column with at most this many unknown values is shown, even if rows hardly share its values."""


@dataclass(frozen=True, slots=True)
class ValueReading:
    """Reading of one value."""

    value: str
    """The value as it stands in the file."""
    rows: int
    """Rows that hold it."""
    meaning: Meaning
    """Meaning of the value."""
    name: str
    """Name of the code that the value is read as; empty where it is not read."""
    suggestions: tuple[str, ...] = ()
    """For a nationality in none of the tables: codes that it may stand for, the likeliest first."""


@dataclass(frozen=True, slots=True)
class ColumnCodes:
    """Readings of all values of a column."""

    source_name: str
    """Name of the file."""
    column: str
    """Name of the column."""
    coding: ReadAs
    """Coding by which the values are read."""
    rows: int
    """Rows of the file."""
    missing: int
    """Rows in which the cell is empty."""
    values: tuple[ValueReading, ...]
    """Distinct values: those in most rows first, then by value."""

    @property
    def read(self) -> tuple[ValueReading, ...]:
        """The values that are read."""
        return tuple(value for value in self.values if value.meaning.code is not None)

    @property
    def refused(self) -> tuple[ValueReading, ...]:
        """The values that are not read."""
        return tuple(value for value in self.values if value.meaning.code is None)

    @property
    def lists_that_read(self) -> dict[GenderCodes, int]:
        """For a gender: how many of the refused values each list of codes would read, of lists that read any."""
        if self.coding != "gender":
            return {}
        texts = [value.value for value in self.refused]
        counts = {codes: sum(gender.read(text, codes).code is not None for text in texts) for codes in gender.CODES}
        return {codes: count for codes, count in counts.items() if count}


def column_codes(
    path: Path,
    column: str,
    coding: ReadAs,
    encoding: str = "utf-8",
    codes: GenderCodes | None = None,
    sheet: str | None = None,
) -> ColumnCodes:
    """Read one column of a file, and the code of each of its values.

    Parameters
    ----------
    path : Path
        Parquet, CSV or JSONL, plain or compressed.
    column : str
        The column.
    coding : {"nationality", "gender"}
        Coding by which its values are read.
    encoding : str
        Encoding of a CSV or JSONL file; never guessed.
    codes : {"iso-5218", "icao-9303", "unodc"}, optional
        For a gender: the list whose codes the column holds.
    sheet : str, optional
        Sheet of a spreadsheet; not needed where it has only one.

    Raises
    ------
    DataError
        If the file cannot be read or has no such column, or if it is a column of ids or texts.
    """
    path = path.absolute()
    check_file(path)
    with DuckDBEngine([path]) as engine:
        lists = frozenset({column}) if coding == "nationality" else frozenset[str]()
        options = ReadOptions(None, encoding, likely_delimiter(path, encoding), lists, sheet=sheet)
        relation = read_file(engine, "data", path, options, {column: "--column"})
        counted = _counted(engine, relation, column)
    as_numbers = is_number_type(relation.types[column]) or column in relation.all_numbers
    values = [_reading(value, rows, coding, as_numbers, codes) for value, rows in counted if value]
    missing = sum(rows for value, rows in counted if not value)
    columns_found = ColumnCodes(path.name, column, coding, relation.rows, missing, tuple(values))
    if _evidently_texts(columns_found):
        raise _no_categories(path.name, column)
    return columns_found


def _counted(engine: DuckDBEngine, relation: Relation, column: str) -> list[tuple[str | None, int]]:
    """Each distinct value, or item of a list, with its number of rows, the most frequent first."""
    kind, cell, rows = relation.types[column], relation.expression(column), identifier(relation.name)
    if is_list_type(kind) or column in relation.lists:  # item by item; a row without any holds nothing
        listed = cell if is_list_type(kind) else f"string_split({cell}, chr({ord(BETWEEN_ITEMS)}))"
        filled = f"list_distinct(list_transform({listed}, lambda item: coalesce(item, '')))"
        items = f"CASE WHEN len({listed}) > 0 THEN {filled} ELSE [''] END"
        kind, cell, rows = "VARCHAR", "item", f"(SELECT unnest({items}) AS item FROM {rows})"  # noqa: S608
    check_text_type(relation.source_name, column, kind, "this")
    text = text_of(cell, kind)
    query = f"SELECT {text}, count(*) FROM {rows} GROUP BY 1 LIMIT {MOST_LEVELS + 2}"  # noqa: S608
    with reading(relation.source_name):
        counts = engine.execute(query).fetchall()
    if sum(1 for value, _ in counts if value) > MOST_LEVELS:
        raise _no_categories(relation.source_name, column)
    return sorted(((row[0], int(row[1])) for row in counts), key=lambda row: (-row[1], row[0] or ""))


def _reading(value: str, rows: int, coding: ReadAs, as_numbers: bool, codes: GenderCodes | None) -> ValueReading:
    if coding == "gender":
        meaning = gender.read(value, codes)
        return ValueReading(value, rows, meaning, meaning.code or "")
    meaning = nationality_words.read(value, stored_as_number=as_numbers)
    name = nationality.name_of(meaning.code) if meaning.code else ""
    return ValueReading(value, rows, meaning, name, suggestions(value) if meaning.reason == "unknown_word" else ())


def _evidently_texts(column: ColumnCodes) -> bool:
    """Whether this column holds ids or texts: long values, or values of one row each that are mostly unknown."""
    if any(len(value.value) > LONGEST for value in column.values):
        return True
    hardly_shared = 2 * len(column.values) > column.rows - column.missing
    unknown = sum(1 for value in column.values if value.meaning.reason in _NEVER_HEARD_OF)
    return hardly_shared and unknown > max(FEW, len(column.values) - unknown)


def _no_categories(source_name: str, column: str) -> DataError:
    return DataError(
        f'{shown(source_name)}: "{shown(column)}" looks like a column of ids or texts, and its values are not shown',
        slug="no-categories",
        hint=f"name the column that holds the nationality or the gender; it has at most {MOST_LEVELS:,} values, and "
        "rows share them",
    )
