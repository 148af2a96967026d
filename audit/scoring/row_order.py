"""Stream the rows of a set in the order of their ids, however many there are and however long their texts.

DuckDB sorts narrow rows on the disk, and fails on wide ones: 100,000 adverts of 12 kB are too much for it with 1 GB.
Sorting ten million ids takes it more memory than all the rest. So DuckDB sorts only what fits into memory anyway.
Other rows are read once in the order of the file and dealt out into files in the private folder. Each file holds the
rows of neighbouring ids, and is sorted by itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from audit.engines.protocol import ROW, identifier
from audit.engines.read_errors import room_on_disk

if TYPE_CHECKING:
    from audit.evaluation.evaluation_set import EvaluationSet

AT_ONCE: Final = 16 << 20
"""Bytes of rows that are sorted at once. Up to twice as many are sorted by DuckDB, without any files."""
MOST_FILES: Final = 200
"""Most files that are written at the same time."""
_A_CHUNK: Final = 4 << 20
"""Bytes of rows that are dealt out at once, about. The number of rows stays between `_LEAST` and `_MOST`."""
_LEAST, _MOST = 64, 1 << 16
_ID: Final = "__id__"
_FILE: Final = "__file__"
_EDGES: Final = "edges_of_files"
_FOR_AN_EDGE: Final = 256
"""Ids that are sampled for every file, so that files become about equally large."""
_FIXED: Final = 16
"""Bytes of a value that is no text, about."""
_SORTING: Final = "to put it in order"


class Wanted(NamedTuple):
    """A query whose rows are to be put in order."""

    query: str
    """SQL of the rows, in any order."""
    columns: Sequence[str]
    """The columns of the query that are returned."""
    key: str
    """The column to order by, with the id of the case: text, and never the same in two rows."""
    byte_count: int
    """Bytes of all rows, about."""


def in_file_order(evaluation_set: EvaluationSet, columns: dict[str, str], size: int) -> Iterator[pa.RecordBatch]:
    """Stream `__row__` and `columns` in the order of the file, in record batches of about `size` rows.

    `columns` maps names to SQL over `evaluation_set.source`. Raises the errors that `audit.engines.read_errors.reading`
    translates, and AssertionError if a row came out of turn: a defect of this tool.
    """
    last = 0
    for piece in evaluation_set.local_engine.stream(_query(evaluation_set, columns), size):
        rows = piece.column(0).to_numpy()
        if len(rows):
            if rows[0] <= last or (np.diff(rows) <= 0).any():
                raise AssertionError("rows came out of the order of the file")
            last = int(rows[-1])
        yield piece


def in_id_order(
    evaluation_set: EvaluationSet, columns: dict[str, str], size: int, *, at_once: int = AT_ONCE
) -> Iterator[pa.RecordBatch]:
    """Stream `__row__` and `columns` in the order of the ids. Raises as `in_file_order`, and StorageError on a full
    disk.
    """
    with_id = {**columns, _ID: evaluation_set.expressions["case_id"]}
    byte_count = bytes_of(evaluation_set, columns)
    if byte_count > 2 * at_once:
        byte_count = bytes_of(evaluation_set, with_id)
    wanted = Wanted(_query(evaluation_set, with_id), (ROW, *columns), _ID, byte_count)
    return in_order(evaluation_set, wanted, size, at_once=at_once)


def in_order(
    evaluation_set: EvaluationSet, wanted: Wanted, size: int, *, at_once: int = AT_ONCE
) -> Iterator[pa.RecordBatch]:
    """Stream the rows of a query in the order of their ids, by UTF-8 bytes. Raises as `in_id_order`."""
    if wanted.byte_count <= 2 * at_once:
        names = ", ".join(map(identifier, wanted.columns))
        query = f"SELECT {names} FROM ({wanted.query}) ORDER BY {identifier(wanted.key)}"  # noqa: S608 - quoted
        yield from evaluation_set.local_engine.stream(query, size)
        return
    files = min(-(-wanted.byte_count // at_once), MOST_FILES)
    dealt = _Dealt(evaluation_set, wanted, files)
    try:
        dealt.deal()
        yield from dealt.pieces(size)
    finally:
        dealt.remove()


def bytes_of(evaluation_set: EvaluationSet, columns: dict[str, str]) -> int:
    """Bytes that columns of the set take, about; `columns` maps names to SQL over `evaluation_set.source`."""
    connection, name = evaluation_set.connection, evaluation_set.source.name
    kinds = connection.sql(f"{_query(evaluation_set, columns)} LIMIT 0").to_arrow_table().schema
    wide = [sql for field, sql in columns.items() if not pa.types.is_primitive(kinds.field(field).type)]
    fixed = _FIXED * (1 + len(columns)) * evaluation_set.rows
    if not wide:
        return fixed
    lengths = " + ".join(f"coalesce(sum(strlen(CAST({sql} AS VARCHAR))), 0)" for sql in wide)
    ((texts,),) = connection.execute(f"SELECT {lengths} FROM {name}").fetchall()  # noqa: S608 - quoted identifiers
    return fixed + int(texts)


def _query(evaluation_set: EvaluationSet, columns: dict[str, str]) -> str:
    wanted = ", ".join([ROW, *(f"{sql} AS {identifier(name)}" for name, sql in columns.items())])
    return f"SELECT {wanted} FROM {evaluation_set.source.name}"  # noqa: S608 - quoted identifiers


class _Dealt:
    """Files of rows with neighbouring ids, about as many rows in each."""

    def __init__(self, evaluation_set: EvaluationSet, wanted: Wanted, files: int) -> None:
        self._set = evaluation_set
        self._wanted = wanted
        self._files = files
        self._chunk = min(max(_A_CHUNK * evaluation_set.rows // wanted.byte_count, _LEAST), _MOST)
        self._paths: dict[int, Path] = {}

    def deal(self) -> None:
        """Write every row into the file of its id."""
        engine = self._set.local_engine
        # ids travel beside the query, and must not stand in it
        edges = self._edges()
        engine.execute(f"SET VARIABLE {_EDGES} = $edges", {"edges": edges})
        key = identifier(self._wanted.key)
        columns = ", ".join(map(identifier, dict.fromkeys((*self._wanted.columns, self._wanted.key))))
        file = f"CAST({_file_of(key, 0, len(edges) + 1)} AS SMALLINT) AS {_FILE}"
        query = f"SELECT {columns}, {file} FROM ({self._wanted.query})"  # noqa: S608 - quoted identifiers
        try:
            engine.with_little_memory(lambda: self._deal(query), threads=1)
        finally:
            engine.execute(f"RESET VARIABLE {_EDGES}")

    def pieces(self, size: int) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order, file by file. Each file is removed once it is read."""
        for number in sorted(self._paths):
            yield from self._ordered(self._paths.pop(number)).to_batches(max_chunksize=size)
            pa.default_memory_pool().release_unused()  # it would keep what several files took

    def remove(self) -> None:
        """Remove the files that were not read."""
        while self._paths:
            self._paths.popitem()[1].unlink(missing_ok=True)

    def _edges(self) -> list[str]:
        """The lowest id of each file but the first, from a sample of the ids. The sample decides no order."""
        engine, source, key = self._set.local_engine, self._set.source.name, self._set.expressions["case_id"]
        every = max(1, self._set.rows // (self._files * _FOR_AN_EDGE))
        query = f"SELECT {key} FROM {source} WHERE hash({key}) % {every} = 0"  # noqa: S608 - quoted identifiers
        keys = engine.with_little_memory(lambda: engine.sql(query).to_arrow_table().column(0), threads=1)
        places = np.unique(np.arange(1, self._files) * len(keys) // self._files) if len(keys) else np.empty(0, np.int64)
        edges: list[str] = keys.take(pc.sort_indices(keys).take(pa.array(places))).to_pylist()
        return edges

    def _deal(self, query: str) -> None:
        self.remove()
        with contextlib.ExitStack() as stack:
            writers: dict[int, Any] = {}
            for piece in self._set.connection.sql(query).to_arrow_reader(self._chunk):
                file = piece.column(piece.num_columns - 1).to_numpy()
                order = np.argsort(file, kind="stable")
                rows, file = piece.select(piece.schema.names[:-1]).take(pa.array(order)), file[order]
                numbers, starts = np.unique(file, return_index=True)
                with room_on_disk(self._set.source_name, _SORTING):
                    for number, start, end in zip(numbers.tolist(), starts, [*starts[1:], len(file)], strict=True):
                        bucket_rows = rows.slice(start, end - start)
                        if number not in writers:
                            writers[number] = stack.enter_context(self._new(number, bucket_rows.schema))
                        writers[number].write_batch(bucket_rows)
            with room_on_disk(self._set.source_name, _SORTING):
                stack.close()

    def _new(self, number: int, schema: pa.Schema) -> Any:
        path = self._set.private.path / f"places-{number}.arrow"
        self._paths[number] = path
        return pa.ipc.new_stream(str(path), schema)

    def _ordered(self, path: Path) -> pa.Table:
        with room_on_disk(self._set.source_name, _SORTING):
            with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as reader:
                table = reader.read_all()
            path.unlink()
        keys = table.column(self._wanted.key).combine_chunks()
        return table.select(list(self._wanted.columns)).take(pc.sort_indices(keys))


def _file_of(key: str, low: int, high: int) -> str:
    """SQL of the number of a row's file, from `low` to `high` - 1, as nested CASE: few comparisons for many files."""
    if high - low == 1:
        return str(low)
    middle = (low + high) // 2
    below, above = _file_of(key, low, middle), _file_of(key, middle, high)
    return f"CASE WHEN {key} < getvariable('{_EDGES}')[{middle}] THEN {below} ELSE {above} END"
