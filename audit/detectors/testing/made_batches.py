"""Make batches for the tests from the example rows of the author: cut and spoilt in several ways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from audit.detectors.protocol import ROW_ID

CANARY: Final = "canary-b1d7"
"""Mark in every text of the spoilt batches. It must appear nowhere else."""
AWKWARD: Final = (
    "",
    " ",
    'a "quoted" word',
    "two\nlines\r\nand\ttabs",
    "back\\slash {brace} [bracket] %s $row_id",
    "null\0character",
    "\N{ARABIC LETTER MEEM}\N{ARABIC LETTER REH} \N{CJK UNIFIED IDEOGRAPH-4EBA} \N{MICROSCOPE}",
    "NaN",
    "x" * 20_000,
)
FEWEST_ROWS: Final = 4

Rows: TypeAlias = pa.RecordBatch | pa.Table | Mapping[str, Sequence[Any]]


def features_of(rows: Rows) -> pa.RecordBatch:
    """Make one batch of features from the example. Raises ValueError if it is too small or has a column `row_id`."""
    table = rows if isinstance(rows, pa.RecordBatch | pa.Table) else pa.table(dict(rows))
    if ROW_ID in table.schema.names:
        raise ValueError(f"the example rows hold the features only; {ROW_ID} is added to them")
    if table.num_rows < FEWEST_ROWS or not table.num_columns:
        raise ValueError(f"give at least {FEWEST_ROWS} example rows with every feature: batches are cut from them")
    if isinstance(table, pa.RecordBatch):
        return table
    columns = [column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column for column in table.columns]
    return pa.RecordBatch.from_arrays(columns, names=table.schema.names)


def with_ids(features: pa.RecordBatch, first: int = 0) -> pa.RecordBatch:
    """Make a batch as the harness does: `row_id` counted from `first`, then the features, in memory of its own."""
    ids = pa.array(np.arange(first, first + features.num_rows, dtype=np.int64))
    batch = pa.RecordBatch.from_arrays([ids, *features.columns], names=[ROW_ID, *features.schema.names])
    (copy,) = pa.ipc.open_stream(pa.BufferReader(batch_bytes(batch)))
    return copy


def batch_bytes(batch: pa.RecordBatch) -> bytes:
    """Serialise a batch, to see whether it changes."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def cut(features: pa.RecordBatch, size: int, first: int = 0) -> Iterator[pa.RecordBatch]:
    """Yield batches of `size` rows; the last one has the rest."""
    for start in range(0, features.num_rows, size):
        yield with_ids(features.slice(start, size), first + start)


def with_empty_cells(features: pa.RecordBatch) -> pa.RecordBatch:
    """Empty every column in some rows, and the last row altogether; the other texts hold the canary."""
    rows, width = features.num_rows, features.num_columns
    spoilt = []
    for index, column in enumerate(_marked(features).columns):
        empty = pa.array([row % width == index or row == rows - 1 for row in range(rows)])
        spoilt.append(pc.if_else(empty, pa.scalar(None, column.type), column))
    return pa.RecordBatch.from_arrays(spoilt, names=features.schema.names)


def with_awkward_texts(features: pa.RecordBatch) -> pa.RecordBatch | None:
    """Put in texts that are hard to quote, with the canary in all but the first two; None without a column of text."""
    if not any(map(_is_text, features.schema.types)):
        return None
    table = pa.Table.from_batches([features]).take([row % features.num_rows for row in range(len(AWKWARD))])
    texts = [text if len(text) < 2 else f"{text}{CANARY}" for text in AWKWARD]
    columns = [
        pa.array(texts, type=kind) if _is_text(kind) else column.combine_chunks()
        for kind, column in zip(table.schema.types, table.columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, names=features.schema.names)


def with_other_types(features: pa.RecordBatch) -> pa.RecordBatch:
    """Put text with the canary into every column."""
    texts = pa.array([f"{CANARY} {row}" for row in range(features.num_rows)])
    return pa.RecordBatch.from_arrays([texts] * features.num_columns, names=features.schema.names)


def _marked(features: pa.RecordBatch) -> pa.RecordBatch:
    texts = [f"{CANARY} {row}" for row in range(features.num_rows)]
    columns = [
        pa.array(texts, type=kind) if _is_text(kind) else column
        for kind, column in zip(features.schema.types, features.columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, names=features.schema.names)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
