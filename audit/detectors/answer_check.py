"""Check the answer of any detector to a batch: same rows, same order, and only words of the closed lists."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from audit.detectors.answers import NO_REASON, OK, CheckedAnswers, CodeArray, check_numbers
from audit.detectors.protocol import REASONS, ROW_ID, STATUSES, Answers, answer_schema
from audit.errors import DetectorError

_NULL = -1


def accept_answer(
    answer: pa.RecordBatch, row_ids: pa.Array, answers: Answers, score_range: tuple[float, float], *, where: str
) -> CheckedAnswers:
    """Check an answer against the protocol.

    Parameters
    ----------
    answer : pyarrow.RecordBatch
        With the columns of `protocol.answer_schema()`.
    row_ids : pyarrow.Array of int64[n]
        The ids of the batch, in its order.
    answers, score_range
        The kind and range of answers that the plan asks for.
    where : str
        Who answered which batch, to begin an error with.

    Returns
    -------
    CheckedAnswers
        n rows. A score that is null, not finite or out of range although its status is `ok` has become
        `invalid_output`.

    Raises
    ------
    DetectorError
        Columns, rows, order or words are not those of the protocol. Row ids and words are counted, never repeated.
    """
    if not isinstance(answer, pa.RecordBatch) or sorted(answer.schema.names) != sorted(answer_schema().names):
        raise _amiss(where, "the answer is no RecordBatch with the columns row_id, score, status and reason")
    _check_ids(answer.column(ROW_ID), row_ids, where)
    status = _codes(answer.column("status"), STATUSES, where, "status")
    reason = _codes(answer.column("reason"), REASONS, where, "reason")
    if (status == _NULL).any():
        raise _amiss(where, f"{int((status == _NULL).sum())} rows have no status")
    scores = answer.column("score")
    kind = scores.type
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind)):
        raise _amiss(where, "the score column holds no numbers")
    present = scores.is_valid().to_numpy(zero_copy_only=False)
    numbers = scores.cast(pa.float64(), safe=False).fill_null(np.nan).to_numpy(zero_copy_only=False)
    missing = np.zeros(len(numbers), dtype=np.bool_)
    checked = check_numbers(numbers, missing, answers, score_range, is_number=present)
    answered = status == OK
    return CheckedAnswers(
        np.where(answered, checked.scores, np.nan),
        np.where(answered, checked.status, status).astype(np.int8),
        np.where(answered, checked.reason, reason).astype(np.int8),
    )


def _check_ids(got: pa.Array, row_ids: pa.Array, where: str) -> None:
    if not pa.types.is_integer(got.type):
        raise _amiss(where, "row_id holds no whole numbers")
    if got.cast(pa.int64(), safe=False).equals(row_ids):
        return
    came, went = Counter(got.to_pylist()), Counter(row_ids.to_pylist())
    missing = sum(1 for row in went if row not in came)
    surplus = sum(1 for row in came if row not in went)
    repeated = sum(count - 1 for row, count in came.items() if row in went)
    if missing or surplus or repeated:
        raise _amiss(where, f"{missing} row ids are missing, {surplus} were never given, {repeated} are repeated")
    raise _amiss(where, "the rows came back in another order")


def _codes(words: pa.Array, known: Sequence[enum.StrEnum], where: str, what: str) -> CodeArray:
    """int8[n]: the place of each word in the list of known words; `_NULL` for an empty cell."""
    if pa.types.is_null(words.type):
        return np.full(len(words), NO_REASON, dtype=np.int8)
    encoded = words if pa.types.is_dictionary(words.type) else words.dictionary_encode()
    if not (pa.types.is_string(encoded.type.value_type) or pa.types.is_large_string(encoded.type.value_type)):
        raise _amiss(where, f"{what} holds no words")
    code_by_word = {str(word): code for code, word in enumerate(known)}
    codes = [code_by_word.get(word) for word in encoded.dictionary.to_pylist()]
    # an unused entry of a dictionary does no harm; a used one that nobody knows does
    at = encoded.indices.fill_null(len(codes)).to_numpy(zero_copy_only=False)
    unknown = [entry for entry, code in enumerate(codes) if code is None]
    if np.isin(at, unknown).any():
        raise _amiss(where, f"{int(np.isin(at, unknown).sum())} rows have a {what} that the protocol does not know")
    table = np.array([_NULL if code is None else code for code in codes] + [_NULL], dtype=np.int8)
    taken: CodeArray = table[at]
    return taken


def _amiss(where: str, what: str) -> DetectorError:
    return DetectorError(
        f"{where}: {what}",
        slug="detector-protocol",
        hint="see audit.detectors.protocol for what an answer must hold",
    )
