"""Parquet, read in place: DuckDB scans the file each time a query needs a column."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow.parquet import ParquetFile

from audit.engines.protocol import ROW, identifier, literal, literals
from audit.engines.read_errors import DAMAGED, unreadable
from audit.errors import DataError
from audit.evaluation.byte_stream import MOST_PACKED_ROWS, compression, open_bytes, unpacks_too_far
from audit.evaluation.parquet_folder import ParquetParts
from audit.evaluation.relation import Content, wanted_columns
from audit.evaluation.text_table import no_rows
from audit.vocabulary.text import shown

if TYPE_CHECKING:
    from audit.engines.duckdb import DuckDBEngine
    from audit.engines.private_folder import PrivateFolder

_NUMBER = "file_row_number"
_PLACE = "file_index"


def view_parquet(
    engine: DuckDBEngine, name: str, source_name: str, parts: ParquetParts, column_keys: Mapping[str, str] | None
) -> Content:
    """Create the view `name` over Parquet files that are one table.

    A file that is compressed as a whole is unpacked into the private folder first.

    Raises
    ------
    DataError
        If one is not a whole Parquet file, has a column twice or other columns than the first, or lacks one. Damage
        inside a column shows only when that column is scanned: `audit.engines.read_errors.reading` turns it into the
        same error.
    """
    is_alone = parts.digest_of == "file"  # of several, one that is compressed as a whole is none that a reader knows
    files = [_unpack(path, engine.private, name) if is_alone and compression(path) else path for path in parts.files]
    columns, rows = checked_files(source_name, files)
    if not sum(rows):
        raise no_rows(source_name)
    if sum(rows) > MOST_PACKED_ROWS and sum(rows) > sum(path.stat().st_size for path in files):
        raise unpacks_too_far(source_name)  # ids that differ take a byte and more
    every = (*columns, *parts.partitions)
    wanted = wanted_columns(source_name, every, column_keys)
    for reserved in (_NUMBER,) if is_alone else (_NUMBER, _PLACE):
        if any(column.casefold() == reserved for column in every):
            raise DataError(
                f"{shown(source_name)}: a column is called {reserved}, the name that DuckDB gives to row numbers",
                slug="column-reserved",
            )
    paths = literals(str(engine.private.plain(path)) for path in files)
    scan = f"read_parquet([{paths}], file_row_number = true, hive_partitioning = false)"
    described = engine.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()  # noqa: S608
    if len(described) != len(columns) + 1:
        raise unreadable(source_name)
    # DuckDB renames columns that differ only in case, so a column is found by its position.
    inside = {column: (identifier(str(row[0])), str(row[1])) for column, row in zip(columns, described, strict=False)}
    for index, column in enumerate(parts.partitions):
        values = ("NULL" if (value := file_values[index]) is None else literal(value) for file_values in parts.values)
        inside[column] = (_of_file(values), "VARCHAR")
    picked = "".join(f"{inside[column][0]} AS {identifier(column)}, " for column in wanted)
    before = accumulate(rows[:-1], initial=0)
    start = f"{_of_file(map(str, before))} + " if len(files) > 1 else ""
    engine.execute(
        f"CREATE VIEW {identifier(name)} AS SELECT {picked}{start}{_NUMBER} + 1 AS {ROW} FROM {scan}"  # noqa: S608
    )
    return Content(every, {column: inside[column][1] for column in wanted}, frozenset(), sum(rows))


def _of_file(values: Iterable[str]) -> str:
    """SQL of a value that each file has for all its rows."""
    return f"([{', '.join(values)}])[{_PLACE}::BIGINT + 1]"


def checked_files(source_name: str, files: Sequence[Path]) -> tuple[tuple[str, ...], list[int]]:
    """Return the columns that all files have, and how many rows each has, as their footers say.

    Raises DataError if one is not a whole Parquet file, or has other columns or types than the first.
    """
    names: tuple[str, ...] = ()
    types: list[tuple[Any, ...]] | None = None
    rows = []
    for path in files:
        called = path.name if len(files) > 1 else source_name
        try:
            with ParquetFile(str(path)) as file:
                names, metadata = tuple(file.schema_arrow.names), file.metadata
                stored = [metadata.schema.column(index) for index in range(len(metadata.schema))]
                groups = [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)]
            # as they are stored: how wide a text is in Arrow says nothing of the file
            columns = [(column.path, column.physical_type, str(column.logical_type)) for column in stored]
        except (OSError, ValueError, pa.ArrowException):
            raise unreadable(called) from None
        if metadata.num_rows != sum(groups):
            raise unreadable(called)
        if types is not None and columns != types:
            raise DataError(
                f"{shown(source_name)}: {shown(path.name)} has other columns or types than {shown(files[0].name)}",
                slug="folder",
                hint="write all its files with the same columns in the same order and of the same types",
            )
        types = columns
        rows.append(sum(groups))
    return names, rows


def _unpack(path: Path, private: PrivateFolder, name: str) -> Path:
    unpacked = private.path / f"{name}.parquet"
    try:
        with open_bytes(path) as packed, unpacked.open("wb") as plain:
            shutil.copyfileobj(packed, plain, 1 << 20)
    except DAMAGED:
        raise unreadable(path.name) from None
    return unpacked
