"""The answers to a batch as bytes of one layout: nothing in them has to be followed, unpacked or believed.

Arrow's own format holds offsets, dictionaries and compressed parts, and a model that has taken over its process could
write any of them. Here there are six columns of fixed width behind one another, in the order of `_COLUMNS`, and the
harness makes a batch with the schema of the protocol from them. Whatever is amiss with an answer (a column of another
type, a word that is not known, rows missing) comes through as what it is, so that the check of the harness says the
same as it would of a detector in its own process.
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
"""Bytes that the answer to a row takes."""
_NULL, _UNKNOWN = -1, -2
_ANOTHER_WORD: Final = "?"


class Amiss(enum.IntFlag):
    """What cannot be said in columns of fixed width."""

    NO_BATCH = 1
    NO_IDS = 2
    NO_NUMBERS = 4
    NO_STATUS = 8
    NO_REASON = 16


def pack(answer: Any) -> bytes:
    """The answer of a detector, whatever it is, as bytes."""
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
    """The answer that was packed, or another one that the harness will refuse for the same reason; None if it is none.

    Any bytes can be given, and no more memory is taken than they have.
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
    """int8[n]: the place of each word among the known ones; and `flag` where the column holds no words."""
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
    """The words of the codes; every code that is none is a word that nobody knows."""
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
