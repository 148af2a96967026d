"""A file that was read: its columns, those that are asked for, and how a cell of any type becomes canonical text."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from audit.engines.protocol import ROW, identifier
from audit.errors import DataError
from audit.evaluation.parquet_folder import DigestOf
from audit.evaluation.unchanged import NOT_WATCHED, Unchanged
from audit.vocabulary.text import shown


class Content(NamedTuple):
    """Content that a reader found in a file or table; its fields are those of `Relation`."""

    columns: tuple[str, ...]
    types: Mapping[str, str]
    all_numbers: frozenset[str]
    rows: int
    lists: frozenset[str] = frozenset()


class Relation(NamedTuple):
    """A file that was read. Its columns in DuckDB are those asked for, under their own names, and `__row__`."""

    name: str
    """Name of the relation in the engine."""
    source_name: str
    """Name of the file, without its folder; for messages."""
    columns: tuple[str, ...]
    """Every column of the file, asked for or not, in its order."""
    types: Mapping[str, str]
    """DuckDB type of each column that was asked for. CSV and JSONL have VARCHAR only."""
    all_numbers: frozenset[str]
    """Columns of a JSONL file in which every value is a number; they are text here."""
    rows: int
    """Number of rows of the file."""
    sha256: str | None
    """SHA-256 of the file as it lies on the disk, or of all files; None for a table passed in memory."""
    lists: frozenset[str] = frozenset()
    """Columns of a JSONL file that were asked for and may hold lists; `BETWEEN_ITEMS` separates the items."""
    decimal: Literal[".", ","] = "."
    """Mark of decimals in numbers that are text."""
    digest_of: DigestOf = "file"
    """What `sha256` covers."""
    unchanged: Unchanged = NOT_WATCHED
    """State of the file, or of all files, when they were opened."""
    added_over: tuple[str, ...] = ()
    """Columns of a table of counts that the plan does not name, and in which rows that were added up differ."""

    def expression(self, column: str) -> str:
        """SQL of a column that was asked for."""
        if column not in self.types:
            raise KeyError(column)
        return identifier(column)


_INTEGERS = frozenset(
    {
        "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT",
        "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT",
    }
)  # fmt: skip
_FLOATS = frozenset({"FLOAT", "DOUBLE"})
BETWEEN_ITEMS = "\x1f"
"""Separator of the items of a list in its text: the unit separator of ASCII, which no text should hold."""
_LIST_OF_TEXTS = re.compile(r"VARCHAR\[[0-9]*\]")
EXACT_INTEGERS = 2**53
"""From this number on a float does not hold every integer."""


def check_header(source_name: str, columns: Sequence[str]) -> None:
    """Raise DataError if a name occurs twice. Columns without a name cannot be asked for, so several are allowed.

    The message gives positions and no names: in a file without a header, the first row of data stands here.
    """
    counted = Counter(name for name in columns if name)
    twice = [name for name, count in counted.items() if count > 1]
    if twice:
        places = [str(number) for number, name in enumerate(columns, start=1) if name == twice[0]]
        raise DataError(
            f"{shown(source_name)}: columns {', '.join(places[:-1])} and {places[-1]} have the same name",
            slug="column-twice",
            hint="give every column its own name in the first line",
        )
    if ROW in counted:
        raise DataError(
            f"{shown(source_name)}: a column is called {ROW}, the name that this tool gives to row numbers",
            slug="column-reserved",
        )


def wanted_columns(source_name: str, columns: Sequence[str], column_keys: Mapping[str, str] | None) -> list[str]:
    """Return the columns asked for, or all that have a name. Raises as `check_header` and `check_asked`."""
    check_header(source_name, columns)
    wanted = dict.fromkeys(filter(None, columns), "") if column_keys is None else column_keys
    check_asked(source_name, columns, wanted)
    return list(wanted)


def check_asked(source_name: str, columns: Sequence[str], column_keys: Mapping[str, str]) -> None:
    """Raise DataError if a column that is asked for is missing, or differs from another only in case.

    `column_keys` has the columns, each with the key of the plan that asks for it, or nothing.
    """
    present = set(columns)
    missing = [name for name in column_keys if name not in present]
    if missing:
        raise _no_column(source_name, columns, missing, column_keys)
    folded: dict[str, str] = {}
    for name in column_keys:
        other = folded.setdefault(name.lower(), name)
        if other != name:
            raise DataError(
                f'{shown(source_name)}: the columns "{shown(other)}" and "{shown(name)}" '
                "differ only in upper and lower case",
                slug="column-twice",
                hint="rename one of them",
            )


def _no_column(
    source_name: str, columns: Sequence[str], missing: Sequence[str], column_keys: Mapping[str, str]
) -> DataError:
    name = missing[0]
    key = f" ({column_keys[name]})" if column_keys[name] else ""
    more = f", nor {len(missing) - 1} more that are asked for" if len(missing) > 1 else ""
    near = _nearest(name, columns)
    if near:
        hint = f'the nearest is "{shown(near)}"'
    elif len(columns) == 1:
        hint = "the file has a single column: write the `delimiter` that it uses"
    elif len(missing) == len(column_keys):
        hint = "it has none of the columns that are asked for: is the first line a header?"
    else:
        hint = f"the file has {len(columns)} columns; write the name as it stands there"
    return DataError(f'{shown(source_name)} has no column "{shown(name)}"{key}{more}', slug="no-column", hint=hint)


def _nearest(name: str, columns: Sequence[str]) -> str | None:
    """Column that was probably meant. The cut-off is high: without a header, these are cells of the first row."""
    by_fold = {column.casefold(): column for column in reversed(columns) if column}
    near = difflib.get_close_matches(name.casefold(), by_fold, n=1, cutoff=0.7)
    return by_fold[near[0]] if near else None


def is_number_type(duckdb_type: str) -> bool:
    """Whether a column is stored as numbers."""
    return duckdb_type in _INTEGERS or duckdb_type in _FLOATS or duckdb_type.startswith("DECIMAL")


def is_integer_type(duckdb_type: str) -> bool:
    """Whether a column is stored as integers."""
    return duckdb_type in _INTEGERS


def is_float(duckdb_type: str) -> bool:
    """Whether a column is stored in binary floating point."""
    return duckdb_type in _FLOATS


def is_list_type(duckdb_type: str) -> bool:
    """Whether a column is stored as lists of texts."""
    return _LIST_OF_TEXTS.fullmatch(duckdb_type) is not None


def check_text_type(source_name: str, column: str, duckdb_type: str, what: str) -> None:
    """Raise DataError if cells of this type have no single spelling as text.

    Parameters
    ----------
    what : str
        What the column is for: `the id`, `the label`.
    """
    plain = duckdb_type in {"VARCHAR", "BOOLEAN", "UUID", '"NULL"'} or duckdb_type.startswith("ENUM")
    is_integer = duckdb_type in _INTEGERS or (duckdb_type.startswith("DECIMAL") and duckdb_type.endswith(",0)"))
    if not (plain or is_integer or is_float(duckdb_type)):
        raise DataError(
            f'{shown(source_name)}: {what} column "{shown(column)}" is stored as {duckdb_type.partition("(")[0]}',
            slug="column-type",
        )


def text_of(expression: str, duckdb_type: str) -> str:
    """SQL of the canonical text of a cell.

    A float without a fraction is written as an integer, because a missing value can turn a column into floats: 1.0
    is `1`. NaN is missing. Truth values are `true` and `false`. `BETWEEN_ITEMS` separates the items of a list.
    """
    if duckdb_type == "VARCHAR":
        return expression
    if is_list_type(duckdb_type):
        items = f"list_transform(CAST({expression} AS VARCHAR[]), lambda item: coalesce(item, ''))"
        return f"array_to_string({items}, chr({ord(BETWEEN_ITEMS)}))"
    if duckdb_type in _FLOATS:
        # TRY_CAST: DuckDB may compute a branch of a CASE for rows that take another one.
        is_integer = f"{expression} = trunc({expression}) AND abs({expression}) < {EXACT_INTEGERS}"
        return (
            f"CASE WHEN isnan({expression}) THEN NULL WHEN {is_integer} "
            f"THEN CAST(TRY_CAST({expression} AS BIGINT) AS VARCHAR) ELSE CAST({expression} AS VARCHAR) END"
        )
    return f"CAST({expression} AS VARCHAR)"
