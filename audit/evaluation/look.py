"""First look at a data file, before there is a plan: which column could have which role. For `audit7k init`.

The result describes columns and never rows. The only content in it is the distinct values of columns that have at most
`MOST_SHOWN` of them, shared by rows: such values are codes that a plan must name.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from audit.engines.duckdb import DuckDBEngine
from audit.engines.protocol import identifier, literal
from audit.engines.read_errors import DAMAGED, reading
from audit.errors import DataError
from audit.evaluation.byte_stream import open_bytes, open_text
from audit.evaluation.counts_header import CountedColumns, counted_columns
from audit.evaluation.counts_table import is_total, seen_counts
from audit.evaluation.nationality_words import read as read_nationality
from audit.evaluation.relation import Relation, is_number_type, text_of
from audit.evaluation.roles import MOST_REFUSED, MOST_SHOWN, ColumnLook, Kind, Role, candidates, likeliest
from audit.evaluation.scores import NUMBER, PER_CENT, number_expression
from audit.evaluation.table_file import Format, ReadOptions, check_file, format_of, read_file
from audit.vocabulary.text import shown

_DELIMITERS = (",", ";", "\t", "|")
_LINES = 10
"""Lines in which a delimiter is looked for: above the header a title may stand."""
_NEAR_NUMBER = r"^[+-]?[0-9]+([.,][0-9]+)?\s*%?$"
_COMMA = r"^[+-]?[0-9]+(,[0-9]+)?$"
_DATE = r"^([0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{2}([0-9]{2})?)([ T][0-9:.+Z-]*)?$"


@dataclass(frozen=True, slots=True)
class DataLook:
    """Description of a file."""

    source_name: str
    """Name of the file."""
    format: Format
    """Format of the file."""
    delimiter: str
    """For a CSV file, the delimiter that splits its first line into most columns."""
    encoding: str
    """Encoding of a text file."""
    encoding_guessed: bool
    """Whether nobody said the encoding, and the file is not in UTF-8."""
    sheet: str | None
    """Sheet that was looked at, of a spreadsheet with several."""
    rows: int
    """Number of rows."""
    columns: tuple[ColumnLook, ...]
    """Descriptions of the columns, in their order, without unnamed columns and columns of lists or objects."""
    left_out: tuple[str, ...]
    """Columns of lists, objects and the like, which have no role."""
    candidates: dict[Role, tuple[str, ...]]
    """For every role, the columns that could have it, the likeliest first."""
    likeliest: dict[Role, str | None]
    """For every role, the column that stands out; None where there is none, or a person must decide."""
    counted: CountedColumns | None
    """The columns of counts, where the file is a table of counts."""

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


def look_at(path: Path, encoding: str | None = None, sheet: str | None = None) -> DataLook:
    """Read a whole file and describe its columns.

    Parameters
    ----------
    path : Path
        Parquet, CSV or JSONL, plain or compressed, or a spreadsheet.
    encoding : str, optional
        Encoding of a CSV or JSONL file; by default UTF-8, or else a guess, which the result says.
    sheet : str, optional
        Sheet of a spreadsheet; not needed where it has only one.

    Raises
    ------
    DataError, StorageError
        As for an evaluation set.
    """
    path = path.absolute()
    check_file(path)
    guessed = None if encoding is not None else guessed_encoding(path)
    encoding = encoding or guessed or "utf-8"
    with DuckDBEngine([path]) as engine:
        chosen = likely_delimiter(path, encoding)
        options = ReadOptions(None, encoding, chosen, sheet=sheet)
        relation = read_file(engine, "data", path, options)
        with reading(path.name):
            counted = seen_counts(engine, relation, counted_columns(tuple(relation.types)))
            columns = tuple(_look(engine, relation, name, grouped=counted is not None) for name in relation.types)
    if sum(column.name in column.values and not column.name.isdigit() for column in columns) > 1:
        raise DataError(
            f"{shown(path.name)}: names of columns are values in rows too, so that the first row seems to be a case",
            slug="no-header",
        )
    return DataLook(
        source_name=path.name,
        format=format_of(path),
        delimiter=chosen,
        encoding=encoding,
        encoding_guessed=guessed is not None,
        sheet=sheet,
        rows=relation.rows,
        columns=columns,
        left_out=_left_out(relation, columns),
        candidates=candidates(columns),
        likeliest=likeliest(columns),
        counted=counted,
    )


def _left_out(relation: Relation, columns: Iterable[ColumnLook]) -> tuple[str, ...]:
    unread = [column for column in relation.columns if column and column not in relation.types]
    return (*unread, *(column.name for column in columns if column.kind == "other"))


def guessed_encoding(path: Path) -> str | None:
    """Encoding of a text file that is not in UTF-8: UTF-16 by its byte order mark, or that of Windows; else None."""
    if format_of(path) not in ("csv", "jsonl"):
        return None
    try:
        with open_bytes(path) as file:
            if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                return "utf-16"
        with open_text(path, "utf-8", newline="") as text:
            while text.read(1 << 20):
                pass
    except UnicodeError:
        return "cp1252"
    except DAMAGED:  # read_file says what is wrong
        return None
    return None


def likely_delimiter(path: Path, encoding: str) -> str:
    """Delimiter that splits most the first line of a CSV file that has one; a comma for any other file."""
    try:
        if format_of(path) != "csv":
            return ","
        with open_text(path, encoding, newline="") as text:
            lines = [text.readline(1 << 20) for _ in range(_LINES)]
    except (*DAMAGED, UnicodeError):
        return ","  # read_file says what is wrong
    split = [line for line in lines if any(delimiter in line for delimiter in _DELIMITERS)]
    return max(_DELIMITERS, key="".join(split[:1]).count)


def _look(engine: DuckDBEngine, relation: Relation, name: str, *, grouped: bool) -> ColumnLook:
    """Describe a column; that of a table of counts (`grouped`) may show values that stand in one row."""
    stored, column, table = relation.types[name], relation.expression(name), identifier(relation.name)
    if not (stored in {"VARCHAR", "BOOLEAN", "UUID", '"NULL"'} or is_number_type(stored) or stored.startswith("ENUM")):
        return ColumnLook(
            name,
            "date" if stored.startswith(("DATE", "TIMESTAMP")) else "other",
            0.0,
            0,
            unique=False,
            values=(),
            in_unit_interval=False,
            codes=0,
            other_codes=0,
            refused=(),
        )
    text = f"NULLIF({text_of(column, stored)}, '')"
    written = f"regexp_matches({text}, {literal(NUMBER)})"
    number = number_expression(text) if stored == "VARCHAR" else f"TRY_CAST({column} AS DOUBLE)"
    near, day = (f"count(*) FILTER (regexp_matches({text}, {literal(form)}))" for form in (_NEAR_NUMBER, _DATE))
    ((filled, distinct, numbers, inside, near_numbers, dates),) = engine.execute(
        f"SELECT count({text}), approx_count_distinct({text}), count(*) FILTER ({written}), "  # noqa: S608
        f"count(*) FILTER ({number} BETWEEN 0 AND 1), {near}, {day} FROM {table}"
    ).fetchall()
    shared = _distinct(engine, table, text, MOST_SHOWN) if distinct <= 2 * MOST_SHOWN else None
    unique = (
        not grouped
        and filled == relation.rows
        and distinct > 0.8 * filled
        and not engine.has_repeats(table, text, relation.rows, relation.source_name)
    )
    values = () if shared is None or unique or (len(shared) * 2 > filled and not grouped) else tuple(shared)
    values = tuple(value for value in values if not (grouped and is_total(value)))
    kind = _kind(stored, filled, numbers, near_numbers, dates)
    decimal, per_cent = _written(engine, table, text) if kind == "near_number" else (".", False)
    codes, others, refused = _codes(engine, table, text) if kind == "text" and distinct <= 2000 else (0, 0, ())
    return ColumnLook(
        name=name,
        kind=kind,
        missing=1 - filled / relation.rows,
        distinct=len(shared) if shared is not None else min(max(distinct, MOST_SHOWN + 1), filled),
        unique=unique,
        values=values,
        in_unit_interval=(kind == "number" and inside == filled) or (kind == "near_number" and decimal is not None),
        codes=codes,
        other_codes=others,
        refused=refused,
        decimal=decimal,
        per_cent=per_cent,
    )


def _written(engine: DuckDBEngine, table: str, text: str) -> tuple[Literal[".", ","] | None, bool]:
    """How near numbers are written: with which decimals, and with signs of per cent.

    No decimals (None) unless all numbers lie within 0 and 1, or 0 % and 100 %: in others `1,234` may be thousands.
    """
    plain = f"regexp_replace({text}, {literal(PER_CENT)}, '')"
    number = number_expression(plain, ",")
    ((filled, signs, points, commas, low, high),) = engine.execute(
        f"SELECT count({text}), count(*) FILTER ({text} <> {plain}), "  # noqa: S608
        f"count(*) FILTER (regexp_matches({plain}, {literal(NUMBER)})), "
        f"count(*) FILTER (regexp_matches({plain}, {literal(_COMMA)})), min({number}), max({number}) FROM {table}"
    ).fetchall()
    if signs not in (0, filled) or low < 0 or high > (100 if signs else 1):
        return None, bool(signs)
    return "." if points == filled else "," if commas == filled else None, bool(signs)


def _kind(stored: str, filled: int, numbers: int, near_numbers: int, dates: int) -> Kind:
    if stored == "BOOLEAN":
        return "truth"
    if is_number_type(stored) or (stored == "VARCHAR" and filled and numbers == filled):
        return "number"
    if filled and max(near_numbers, dates) == filled:
        return "date" if dates == filled else "near_number"
    return "text"


def _distinct(engine: DuckDBEngine, table: str, text: str, most: int) -> list[str] | None:
    """Distinct values, sorted; None where there are more than `most`."""
    rows = engine.execute(
        f"SELECT DISTINCT {text} AS value FROM {table} WHERE {text} IS NOT NULL LIMIT {most + 1}"  # noqa: S608
    ).fetchall()
    return sorted(row[0] for row in rows) if len(rows) <= most else None


def _codes(engine: DuckDBEngine, table: str, text: str) -> tuple[int, int, tuple[str, ...]]:
    """Count the values that are read as nationalities and the others; show of these only what rows share."""
    counted = engine.execute(
        f"SELECT {text}, count(*) FROM {table} WHERE {text} IS NOT NULL GROUP BY 1 ORDER BY 1 LIMIT 4000"  # noqa: S608
    ).fetchall()
    others = [(value, rows) for value, rows in counted if read_nationality(value).code is None]
    known = len(counted) - len(others)
    return known, len(others) * bool(known), tuple(value for value, rows in others if rows > 1 and known)[:MOST_REFUSED]
