"""How every different value of one column is read, before there is a plan. For `audit7k codes`.

The only content in what is returned are the different values of the one column that was asked for, and only where it is
a column of categories: ids, names of persons and free text are not shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from audit.errors import DataError
from audit.evaluation import gender, nationality, nationality_words
from audit.evaluation.columns import BETWEEN_ITEMS, check_text_type, is_list_type, is_number_type, text_of
from audit.evaluation.connection import PrivateFolder, connect, reading
from audit.evaluation.design import MOST_LEVELS
from audit.evaluation.look import likely_delimiter
from audit.evaluation.meaning import Meaning
from audit.evaluation.relation import Relation
from audit.evaluation.sql import identifier
from audit.evaluation.table_file import ReadOptions, check_file, read_file
from audit.plan.audit_plan import GenderCodes
from audit.vocabulary.text import shown

if TYPE_CHECKING:
    import duckdb

ReadAs = Literal["nationality", "gender"]
_NEVER_HEARD_OF = frozenset({"unknown_word", "number", "one_letter"})
LONGEST = 120
"""Characters of a value; a column with a longer one is one of texts."""
FEW = 5
"""So many values that are hardly ever shared are shown even where nobody knows most of them."""


@dataclass(frozen=True, slots=True)
class ValueReading:
    """How one value is read."""

    value: str
    """As it stands in the file."""
    rows: int
    """Rows that hold it."""
    meaning: Meaning
    """What it stands for."""
    name: str
    """The name of the code that it is read as; empty where it is not read."""


@dataclass(frozen=True, slots=True)
class ColumnCodes:
    """How a column is read."""

    source_name: str
    """Name of the file."""
    column: str
    """Name of the column."""
    coding: ReadAs
    """As what it is read."""
    rows: int
    """Rows of the file."""
    missing: int
    """Rows in which the cell is empty."""
    values: tuple[ValueReading, ...]
    """Its different values: those that most rows hold first, then by value."""

    @property
    def read(self) -> tuple[ValueReading, ...]:
        """The values that are read."""
        return tuple(value for value in self.values if value.meaning.code is not None)

    @property
    def refused(self) -> tuple[ValueReading, ...]:
        """The values that are not."""
        return tuple(value for value in self.values if value.meaning.code is None)


def column_codes(
    path: Path,
    column: str,
    coding: ReadAs,
    encoding: str = "utf-8",
    delimiter: str | None = None,
    codes: GenderCodes | None = None,
) -> ColumnCodes:
    """Read one column of a file and say how each of its values is read.

    Parameters
    ----------
    path : Path
        Parquet, CSV or JSONL, plain or compressed.
    column : str
        The column.
    coding : {"nationality", "gender"}
        As what its values are read.
    encoding : str
        Of a CSV or JSONL file; never guessed.
    delimiter : str, optional
        Of a CSV file; by default the one of comma, semicolon, tab and bar that splits the first line most.
    codes : {"iso-5218", "icao-9303", "unodc"}, optional
        Of a gender: whose codes the column holds.

    Raises
    ------
    DataError
        If the file cannot be read or has no such column, or if it is a column of ids or texts.
    """
    path = path.absolute()
    check_file(path)
    private = PrivateFolder()
    connection = connect(private, [path])
    try:
        lists = frozenset({column}) if coding == "nationality" else frozenset[str]()
        options = ReadOptions(None, encoding, delimiter or likely_delimiter(path, encoding, None), lists)
        relation = read_file(connection, "data", path, private, options, [column], {column: "--column"})
        counted = _counted(connection, relation, column)
    finally:
        connection.close()
        private.remove()
    as_numbers = is_number_type(relation.types[column]) or column in relation.all_numbers
    values = [_reading(value, rows, coding, as_numbers, codes) for value, rows in counted if value]
    missing = sum(rows for value, rows in counted if not value)
    found = ColumnCodes(path.name, column, coding, relation.rows, missing, tuple(values))
    if _evidently_texts(found):
        raise _no_categories(path.name, column)
    return found


def _counted(connection: duckdb.DuckDBPyConnection, relation: Relation, column: str) -> list[tuple[str | None, int]]:
    """Every different value, or item of a list, and how many rows hold it, the most frequent first."""
    kind, cell, rows = relation.types[column], relation.expression(column), identifier(relation.name)
    if is_list_type(kind) or column in relation.lists:  # item by item; a row without any holds nothing
        held = cell if is_list_type(kind) else f"string_split({cell}, chr({ord(BETWEEN_ITEMS)}))"
        filled = f"list_distinct(list_transform({held}, lambda item: coalesce(item, '')))"
        items = f"CASE WHEN len({held}) > 0 THEN {filled} ELSE [''] END"
        kind, cell, rows = "VARCHAR", "item", f"(SELECT unnest({items}) AS item FROM {rows})"  # noqa: S608
    check_text_type(relation.source_name, column, kind, "this")
    text = text_of(cell, kind)
    query = f"SELECT {text}, count(*) FROM {rows} GROUP BY 1 LIMIT {MOST_LEVELS + 2}"  # noqa: S608
    with reading(relation.source_name):
        found = connection.execute(query).fetchall()
    if sum(1 for value, _ in found if value) > MOST_LEVELS:
        raise _no_categories(relation.source_name, column)
    return sorted(((row[0], int(row[1])) for row in found), key=lambda row: (-row[1], row[0] or ""))


def _reading(value: str, rows: int, coding: ReadAs, as_numbers: bool, codes: GenderCodes | None) -> ValueReading:
    if coding == "gender":
        meaning = gender.read(value, codes)
        return ValueReading(value, rows, meaning, meaning.code or "")
    meaning = nationality_words.read(value, stored_as_number=as_numbers)
    return ValueReading(value, rows, meaning, nationality.name_of(meaning.code) if meaning.code else "")


def _evidently_texts(found: ColumnCodes) -> bool:
    """Whether this is a column of ids or texts: values too long, or of one row each and most of them never heard of."""
    if any(len(value.value) > LONGEST for value in found.values):
        return True
    hardly_shared = 2 * len(found.values) > found.rows - found.missing
    unknown = sum(1 for value in found.values if value.meaning.reason in _NEVER_HEARD_OF)
    return hardly_shared and unknown > max(FEW, len(found.values) - unknown)


def _no_categories(source_name: str, column: str) -> DataError:
    return DataError(
        f'{shown(source_name)}: "{shown(column)}" looks like a column of ids or texts, and its values are not shown',
        slug="no-categories",
        hint=f"name the column that holds the nationality or the gender; it has at most {MOST_LEVELS:,} values, and "
        "rows share them",
    )
