"""Parquet, read in place: DuckDB scans the file each time a query needs a column."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from audit.errors import DataError
from audit.evaluation.byte_stream import DAMAGED, MOST_PACKED_ROWS, compression, open_bytes, unpacks_too_far
from audit.evaluation.columns import check_asked, check_header
from audit.evaluation.connection import PrivateFolder, unreadable
from audit.evaluation.relation import ROW, Content
from audit.evaluation.sql import identifier, literal
from audit.evaluation.text_table import no_rows
from audit.vocabulary.text import shown

if TYPE_CHECKING:
    import duckdb

_NUMBER = "file_row_number"


def view_parquet(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    path: Path,
    private: PrivateFolder,
    asked: Sequence[str] | None,
    keys: Mapping[str, str],
) -> Content:
    """Create the view `name` over a Parquet file.

    A file that is compressed as a whole is unpacked into the private folder first.

    Raises
    ------
    DataError
        If it is not a whole Parquet file, has a column twice, or lacks one. Damage inside a column shows only when
        that column is scanned: `audit.evaluation.connection.reading` turns it into the same error.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    source_name = path.name
    if compression(path):
        path = _unpack(path, private, name)
    try:
        with pq.ParquetFile(path) as file:
            columns = tuple(file.schema_arrow.names)
            groups = [file.metadata.row_group(place).num_rows for place in range(file.metadata.num_row_groups)]
            rows = int(file.metadata.num_rows)
    except (OSError, ValueError, pa.ArrowException):
        raise unreadable(source_name) from None
    if rows != sum(groups):
        raise unreadable(source_name)
    if not rows:
        raise no_rows(source_name)
    if rows > MOST_PACKED_ROWS and rows > path.stat().st_size:  # ids that differ take a byte and more
        raise unpacks_too_far(source_name)
    check_header(source_name, columns)
    wanted = list(dict.fromkeys(columns if asked is None else asked))
    check_asked(source_name, columns, wanted, keys)
    if any(column.casefold() == _NUMBER for column in columns):
        raise DataError(
            f"{shown(source_name)}: a column is called {_NUMBER}, the name that DuckDB gives to row numbers",
            slug="column-reserved",
            hint="rename the column",
        )
    scan = f"read_parquet({literal(str(private.plain(path)))}, file_row_number = true, hive_partitioning = false)"
    described = connection.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()  # noqa: S608
    if len(described) != len(columns) + 1:
        raise unreadable(source_name)
    # DuckDB renames columns that differ only in case, so a column is found by its position.
    inside = {column: (str(row[0]), str(row[1])) for column, row in zip(columns, described, strict=False)}
    picked = "".join(f"{identifier(inside[column][0])} AS {identifier(column)}, " for column in wanted)
    connection.execute(
        f"CREATE VIEW {identifier(name)} AS SELECT {picked}{_NUMBER} + 1 AS {ROW} FROM {scan}"  # noqa: S608
    )
    return Content(columns, {column: inside[column][1] for column in wanted}, frozenset(), rows)


def _unpack(path: Path, private: PrivateFolder, name: str) -> Path:
    unpacked = private.path / f"{name}.parquet"
    try:
        with open_bytes(path) as packed, unpacked.open("wb") as plain:
            shutil.copyfileobj(packed, plain, 1 << 20)
    except DAMAGED:
        raise unreadable(path.name) from None
    return unpacked
