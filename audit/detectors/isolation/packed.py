"""Pack the answers to a batch into bytes of a fixed layout, with no offsets to follow and nothing to decompress.

Arrow's own format holds offsets, dictionaries and compressed parts, and a model that has taken over its process could
write any of them. Here six columns of fixed width follow each other, in the order of `_COLUMNS`, and the harness makes
a batch with the schema of the protocol from them. Every fault of an answer (a column of another type, an unknown word,
missing rows) is preserved, so that the check of the harness reports the same fault as for a detector in its own
process.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audit.detectors.protocol import REASONS, ROW_ID, STATUSES, answer_schema

Bytes = bytes | bytearray | memoryview

_COLUMNS: Final[tuple[tuple[str, np.dtype[Any]], ...]] = (
    (ROW_ID, np.dtype("<i8")),
    ("row_id is there", np.dtype("i1")),
    ("score", np.dtype("<f8")),
    ("score is there", np.dtype("i1")),
    ("status", np.dtype("i1")),
    ("reason", np.dtype("i1")),
)
BYTES_A_ROW: Final = sum(kind.itemsize for _, kind in _COLUMNS)
"""Bytes of the answer to a row."""
_NULL, _UNKNOWN = -1, -2
_ANOTHER_WORD: Final = "?"


class Amiss(enum.IntFlag):
    """Faults that columns of fixed width cannot hold."""

    NO_BATCH = 1
    NO_IDS = 2
    NO_NUMBERS = 4
    NO_STATUS = 8
    NO_REASON = 16


def pack(answer: Any) -> bytes:
    """Pack the answer of a detector, which can be any object."""
    if not isinstance(answer, pa.RecordBatch) or sorted(answer.schema.names) != sorted(answer_schema().names):
        return bytes([Amiss.NO_BATCH])
    amiss = Amiss(0)
    ids, scores = answer.column(ROW_ID), answer.column("score")
    if not pa.types.is_integer(ids.type):
        amiss |= Amiss.NO_IDS
        ids = pa.nulls(len(ids), pa.int64())
    if not (pa.types.is_floating(scores.type) or pa.types.is_integer(scores.type) or pa.types.is_null(scores.type)):
        amiss |= Amiss.NO_NUMBERS
        scores = pa.nulls(len(scores), pa.float64())
    statuses, status_amiss = _codes(answer.column("status"), STATUSES, Amiss.NO_STATUS)
    reasons, reason_amiss = _codes(answer.column("reason"), REASONS, Amiss.NO_REASON)
    columns = [
        _plain(ids.cast(pa.int64(), safe=False), 0),
        _there(ids),
        _plain(scores.cast(pa.float64(), safe=False), 0.0),
        _there(scores),
        statuses,
        reasons,
    ]
    packed = b""
    for column, (_, kind) in zip(columns, _COLUMNS, strict=True):
        packed += np.asarray(column, dtype=kind).tobytes()
    return bytes([amiss | status_amiss | reason_amiss]) + packed


def unpack(content: Bytes) -> pa.RecordBatch | None:
    """Unpack an answer; a faulty one becomes an answer with the same fault. Returns None if the bytes are no answer.

    Any bytes can be given, and no more memory is used than they have.
    """
    if not content or (len(content) - 1) % BYTES_A_ROW or content[0] >= 2 * Amiss.NO_REASON:
        return None
    amiss, rows = Amiss(content[0]), (len(content) - 1) // BYTES_A_ROW
    if amiss & Amiss.NO_BATCH:
        return pa.record_batch({}) if not rows else None
    found: dict[str, npt.NDArray[Any]] = {}
    place = 1
    for name, kind in _COLUMNS:
        found[name] = np.frombuffer(content, dtype=kind, count=rows, offset=place).astype(kind.newbyteorder("="))
        place += rows * kind.itemsize
    columns = {
        ROW_ID: _nothing(rows, pa.float64())
        if amiss & Amiss.NO_IDS
        else pa.array(found[ROW_ID], mask=found["row_id is there"] == 0),
        "score": _nothing(rows, pa.string())
        if amiss & Amiss.NO_NUMBERS
        else pa.array(found["score"], mask=found["score is there"] == 0, from_pandas=False),
    }
    for name, words, flag in (("status", STATUSES, Amiss.NO_STATUS), ("reason", REASONS, Amiss.NO_REASON)):
        columns[name] = _nothing(rows, pa.int64()) if amiss & flag else _words(found[name], words)
    return pa.record_batch(columns)


def _codes(column: pa.Array, known: Sequence[str], flag: Amiss) -> tuple[npt.NDArray[np.int8], Amiss]:
    """int8[n]: the place of each word among the known words; and `flag` if the column holds no words."""
    if pa.types.is_null(column.type):
        return np.full(len(column), _NULL, dtype=np.int8), Amiss(0)
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    if not (pa.types.is_string(encoded.type.value_type) or pa.types.is_large_string(encoded.type.value_type)):
        return np.full(len(column), _NULL, dtype=np.int8), flag
    place = {str(word): code for code, word in enumerate(known)}
    codes = [place.get(word, _UNKNOWN) for word in encoded.dictionary.to_pylist()]
    at = encoded.indices.fill_null(len(codes)).to_numpy(zero_copy_only=False)
    return np.array([*codes, _NULL], dtype=np.int8)[at], Amiss(0)


def _words(codes: npt.NDArray[np.int8], known: Sequence[str]) -> pa.Array:
    """Turn codes into words; an invalid code becomes an unknown word."""
    unknown = (codes < _NULL) | (codes >= len(known))
    at = np.where(unknown, len(known), codes).astype(np.int8)
    words = pa.array([*map(str, known), *([_ANOTHER_WORD] if unknown.any() else [])])
    return pa.DictionaryArray.from_arrays(pa.array(at, mask=codes == _NULL), words)


def _plain(column: pa.Array, instead: float) -> npt.NDArray[Any]:
    plain: npt.NDArray[Any] = column.fill_null(instead).to_numpy(zero_copy_only=False)
    return plain


def _there(column: pa.Array) -> npt.NDArray[Any]:
    there: npt.NDArray[Any] = column.is_valid().to_numpy(zero_copy_only=False)
    return there


def _nothing(rows: int, kind: pa.DataType) -> pa.Array:
    return pa.nulls(rows, kind)
