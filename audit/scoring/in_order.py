"""Hands out the rows of a set in the order of their ids, however many there are and however long their texts.

DuckDB sorts narrow rows on the disk, and fails on wide ones: 100,000 adverts of 12 kB are too much for it with 1 GB. So
it sorts the ids alone, unless all rows fit into memory anyway. The rows are then read once in the order of the file and
dealt out into files of neighbouring places in the private folder, each of which is put in order by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audit.errors import StorageError
from audit.evaluation.connection import stream
from audit.evaluation.quoting import identifier, shown
from audit.evaluation.relation import ROW

if TYPE_CHECKING:
    from audit.evaluation.evaluation_set import EvaluationSet

__all__ = ["in_file_order", "in_id_order"]

AT_ONCE: Final = 16 << 20
"""Bytes of rows that are put in order at once; twice as many are sorted by DuckDB, without any files."""
MOST_FILES: Final = 200
"""Files that are written at the same time."""
_CHUNK: Final = 8192
_PLACE: Final = "__place__"
_FIXED: Final = 16
"""Bytes that a value takes which is no text, about."""

PlaceArray = npt.NDArray[np.signedinteger[Any]]


def in_file_order(evaluation_set: EvaluationSet, columns: dict[str, str], size: int) -> Iterator[pa.RecordBatch]:
    """The rows as the file has them: `__row__` and `columns`, in record batches of about `size` rows.

    `columns` are names and their SQL over `evaluation_set.source`. Raises what `evaluation.connection.reading` turns
    into errors, and AssertionError if a row came out of turn: a defect of this tool.
    """
    last = 0
    for piece in stream(evaluation_set.connection, _query(evaluation_set, columns), size):
        rows = piece.column(0).to_numpy()
        if len(rows):
            if rows[0] <= last or (np.diff(rows) <= 0).any():
                raise AssertionError("rows came out of the order of the file")
            last = int(rows[-1])
        yield piece


def in_id_order(
    evaluation_set: EvaluationSet, columns: dict[str, str], size: int, *, at_once: int = AT_ONCE
) -> Iterator[pa.RecordBatch]:
    """The same rows in the order of their ids; beside what is above raises StorageError where the disk is full."""
    held = _bytes(evaluation_set, columns)
    if held <= 2 * at_once:
        query = _query(evaluation_set, columns)
        yield from stream(evaluation_set.connection, f"{query} ORDER BY {evaluation_set.expressions['case_id']}", size)
        return
    files = min(-(-held // at_once), MOST_FILES)
    try:
        dealt = _Dealt(evaluation_set.private.path, -(-evaluation_set.rows // files))
        dealt.deal(in_file_order(evaluation_set, columns, _CHUNK), _places(evaluation_set))
        yield from dealt.pieces(size)
    except OSError as error:
        raise StorageError(
            f"{shown(evaluation_set.source_name)}: the folder for temporary files has no room to put it in order "
            f"({type(error).__name__})",
            slug="no-room",
            hint='free space there, name another such folder in TMPDIR, or write order = "file" in [scoring]',
        ) from None


def _query(evaluation_set: EvaluationSet, columns: dict[str, str]) -> str:
    wanted = ", ".join([ROW, *(f"{sql} AS {identifier(name)}" for name, sql in columns.items())])
    return f"SELECT {wanted} FROM {evaluation_set.source.name}"  # noqa: S608 - quoted identifiers


def _bytes(evaluation_set: EvaluationSet, columns: dict[str, str]) -> int:
    """How much room the columns take, about."""
    connection, name = evaluation_set.connection, evaluation_set.source.name
    kinds = connection.sql(f"{_query(evaluation_set, columns)} LIMIT 0").to_arrow_table().schema
    wide = [sql for field, sql in columns.items() if not pa.types.is_primitive(kinds.field(field).type)]
    fixed = _FIXED * (1 + len(columns)) * evaluation_set.rows
    if not wide:
        return fixed
    lengths = " + ".join(f"coalesce(sum(strlen(CAST({sql} AS VARCHAR))), 0)" for sql in wide)
    ((texts,),) = connection.execute(f"SELECT {lengths} FROM {name}").fetchall()  # noqa: S608 - quoted identifiers
    return fixed + int(texts)


def _places(evaluation_set: EvaluationSet) -> PlaceArray:
    """int[n + 1]: for the row with the number r the place of its id among all, from 0; numbers begin with 1."""
    query = f"SELECT {ROW} FROM {evaluation_set.source.name} ORDER BY {evaluation_set.expressions['case_id']}"  # noqa: S608
    narrow = evaluation_set.rows < np.iinfo(np.int32).max
    places: PlaceArray = np.full(evaluation_set.rows + 1, -1, dtype=np.int32 if narrow else np.int64)
    done = 0
    for piece in stream(evaluation_set.connection, query, 1 << 16):
        places[piece.column(0).to_numpy()] = np.arange(done, done + piece.num_rows)
        done += piece.num_rows
    return places


class _Dealt:
    """Files of rows that stand at neighbouring places: `a_file` of them in each."""

    def __init__(self, folder: Path, a_file: int) -> None:
        self._folder = folder
        self._a_file = a_file
        self._paths: dict[int, Path] = {}

    def deal(self, rows: Iterator[pa.RecordBatch], places: PlaceArray) -> None:
        """Write every row into the file of its place, with the place beside it."""
        writers: dict[int, Any] = {}
        try:
            for piece in rows:
                place = places[piece.column(0).to_numpy()]
                order = np.argsort(place, kind="stable")
                sorted_rows, place = piece.take(pa.array(order)), place[order]
                file = place // self._a_file
                starts = np.flatnonzero(np.r_[True, file[1:] != file[:-1]])
                for start, end in zip(starts, [*starts[1:], len(file)], strict=True):
                    self._write(writers, int(file[start]), sorted_rows.slice(start, end - start), place[start:end])
        finally:
            for writer in writers.values():
                writer.close()

    def _write(self, writers: dict[int, Any], number: int, rows: pa.RecordBatch, place: PlaceArray) -> None:
        with_place = rows.append_column(_PLACE, pa.array(place))
        if number not in writers:
            self._paths[number] = self._folder / f"places-{number}.arrow"
            writers[number] = pa.ipc.new_stream(str(self._paths[number]), with_place.schema)
        writers[number].write_batch(with_place)

    def pieces(self, size: int) -> Iterator[pa.RecordBatch]:
        """The rows in order, file by file; each file is removed once it is read."""
        for number in sorted(self._paths):
            path = self._paths[number]
            with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as reader:
                table = reader.read_all()
            path.unlink()
            order = np.argsort(table.column(_PLACE).to_numpy(), kind="stable")
            ordered = table.drop_columns([_PLACE]).take(pa.array(order))
            del table
            yield from ordered.to_batches(max_chunksize=size)
