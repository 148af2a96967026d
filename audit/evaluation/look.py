"""First look at a data file, before there is a plan: which column could have which role. For `audit7k init`.

The result describes columns and never rows. The only content in it is the distinct values of columns that have at most
`MOST_SHOWN` of them, shared by rows: such values are codes that a plan must name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audit.evaluation.columns import is_number_type, text_of
from audit.evaluation.connection import PrivateFolder, connect, reading
from audit.evaluation.ids import has_repeats
from audit.evaluation.nationality_words import read as read_nationality
from audit.evaluation.relation import Relation
from audit.evaluation.roles import MOST_SHOWN, ColumnLook, Kind, Role, candidates
from audit.evaluation.scores import NUMBER, number_expression
from audit.evaluation.sql import identifier, literal
from audit.evaluation.table_file import Format, ReadOptions, check_file, format_of, read_file

if TYPE_CHECKING:
    import duckdb

_DELIMITERS = (",", ";", "\t", "|")
_LEAST_CODES = 0.9


@dataclass(frozen=True, slots=True)
class DataLook:
    """Description of a file."""

    source_name: str
    """Name of the file."""
    format: Format
    """Format of the file."""
    delimiter: str
    """For a CSV file, the delimiter that splits its first line into most columns."""
    rows: int
    """Number of rows."""
    columns: tuple[ColumnLook, ...]
    """Descriptions of the columns, in their order, without unnamed columns and columns of lists or objects."""
    candidates: dict[Role, tuple[str, ...]]
    """For every role, the columns that could have it, the likeliest first."""

    @property
    def numbers(self) -> tuple[str, ...]:
        """Columns of a CSV or JSONL file that hold numbers as text: a plan lists them under `numbers` as features."""
        if self.format == "parquet":
            return ()
        return tuple(column.name for column in self.columns if column.kind == "number")

    def column(self, name: str) -> ColumnLook:
        """Description of one column. Raises KeyError where no column has that name."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


def look_at(path: Path, encoding: str = "utf-8", delimiter: str | None = None, kind: Format | None = None) -> DataLook:
    """Read a whole file and describe its columns.

    Parameters
    ----------
    path : Path
        Parquet, CSV or JSONL, plain or compressed.
    encoding : str
        Encoding of a CSV or JSONL file; never guessed.
    delimiter : str, optional
        Delimiter of a CSV file; by default the one of comma, semicolon, tab and bar that splits the first line most.
    kind : {"parquet", "csv", "jsonl"}, optional
        Format of the file, where its name does not say.

    Raises
    ------
    DataError, StorageError
        As for an evaluation set.
    """
    path = path.absolute()
    check_file(path)
    private = PrivateFolder()
    connection = connect(private, [path])
    try:
        chosen = delimiter or likely_delimiter(path, encoding, kind)
        relation = read_file(connection, "data", path, private, ReadOptions(kind, encoding, chosen), None, {})
        with reading(path.name):
            columns = tuple(_look(connection, relation, name, private) for name in relation.types)
    finally:
        connection.close()
        private.remove()
    return DataLook(path.name, kind or format_of(path), chosen, relation.rows, columns, candidates(columns))


def likely_delimiter(path: Path, encoding: str, kind: Format | None) -> str:
    """Delimiter that splits the first line of a CSV file most; a comma for any other file."""
    from audit.evaluation.byte_stream import DAMAGED, open_text

    try:
        if (kind or format_of(path)) != "csv":
            return ","
        with open_text(path, encoding, newline="") as text:
            first = text.readline(1 << 20)
    except (*DAMAGED, UnicodeError):
        return ","  # read_file says what is wrong
    return max(_DELIMITERS, key=first.count)


def _look(connection: duckdb.DuckDBPyConnection, relation: Relation, name: str, private: PrivateFolder) -> ColumnLook:
    stored, column, table = relation.types[name], relation.expression(name), identifier(relation.name)
    if not (stored in {"VARCHAR", "BOOLEAN", "UUID", '"NULL"'} or is_number_type(stored) or stored.startswith("ENUM")):
        return ColumnLook(
            name, "other", 0.0, 0, unique=False, values=(), in_unit_interval=False, codes=None, other_codes=0
        )
    text = f"NULLIF({text_of(column, stored)}, '')"
    written = f"regexp_matches({text}, {literal(NUMBER)})"
    number = number_expression(text) if stored == "VARCHAR" else f"TRY_CAST({column} AS DOUBLE)"
    ((filled, distinct, numbers, inside),) = connection.execute(
        f"SELECT count({text}), approx_count_distinct({text}), count(*) FILTER ({written}), "  # noqa: S608
        f"count(*) FILTER ({number} BETWEEN 0 AND 1) FROM {table}"
    ).fetchall()
    shared = _distinct(connection, table, text, MOST_SHOWN) if distinct <= 2 * MOST_SHOWN else None
    unique = (
        filled == relation.rows and distinct > 0.8 * filled and not has_repeats(connection, relation, text, private)
    )
    shown = () if shared is None or unique or len(shared) * 2 > filled else tuple(shared)
    kind = _kind(stored, filled, numbers)
    codes, others = _codes(connection, table, text) if kind == "text" and distinct <= 2000 else (None, 0)
    return ColumnLook(
        name=name,
        kind=kind,
        missing=1 - filled / relation.rows,
        distinct=len(shared) if shared is not None else min(max(distinct, MOST_SHOWN + 1), filled),
        unique=unique,
        values=shown,
        in_unit_interval=kind == "number" and inside == filled,
        codes=codes,
        other_codes=others,
    )


def _kind(stored: str, filled: int, numbers: int) -> Kind:
    if stored == "BOOLEAN":
        return "truth"
    if is_number_type(stored) or (stored == "VARCHAR" and filled and numbers == filled):
        return "number"
    return "text"


def _distinct(connection: duckdb.DuckDBPyConnection, table: str, text: str, most: int) -> list[str] | None:
    """Distinct values, sorted; None where there are more than `most`."""
    found = connection.execute(
        f"SELECT DISTINCT {text} AS value FROM {table} WHERE {text} IS NOT NULL LIMIT {most + 1}"  # noqa: S608
    ).fetchall()
    return sorted(row[0] for row in found) if len(found) <= most else None


def _codes(connection: duckdb.DuckDBPyConnection, table: str, text: str) -> tuple[int | None, int]:
    values: Sequence[str] = _distinct(connection, table, text, 4000) or ()
    known = sum(1 for value in values if read_nationality(value).code is not None)
    if known < 3 or known < _LEAST_CODES * len(values):
        return None, 0
    return known, len(values) - known
