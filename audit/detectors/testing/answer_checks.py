"""Check one answer against the protocol, and compare two answers to the same rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audit.detectors.protocol import REASONS, ROW_ID, STATUSES, RunContext, Status, answer_schema
from audit.detectors.testing.promises import Findings, Promise

_SAYS = frozenset({str(Status.OK), str(Status.ABSTAIN)})


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to n rows that has the form of the protocol."""

    scores: npt.NDArray[np.float64]
    """float64[n]: scores; NaN without a score."""
    status: tuple[str | None, ...]
    """n words: the status of each row."""

    @property
    def answered(self) -> bool:
        """Whether some row has an answer or an abstention."""
        return any(word in _SAYS for word in self.status)


def read_answer(returned: Any, batch: pa.RecordBatch, ctx: RunContext, findings: Findings, where: str) -> Answer | None:
    """Check the return value of `score` for `batch`; None if it does not have the form of an answer."""
    if not _has_schema(returned, findings, where):
        return None
    same = returned.column(ROW_ID).equals(batch.column(ROW_ID))
    if not findings.hold(Promise.ROWS, same, f"{where}: {_amiss(returned, batch)}"):
        return None
    status, reason = returned.column("status").to_pylist(), returned.column("reason").to_pylist()
    _check_words(status, reason, findings, where)
    _check_scores(returned.column("score"), status, ctx, findings, where)
    scores = returned.column("score").fill_null(np.nan).to_numpy(zero_copy_only=False)
    return Answer(scores, tuple(status))


def _has_schema(returned: Any, findings: Findings, where: str) -> bool:
    schema = answer_schema()
    if not isinstance(returned, pa.RecordBatch):
        what = f"{where}: a {type(returned).__name__} came back, not a pyarrow.RecordBatch"
        return findings.hold(Promise.SCHEMA, holds=False, words=what)
    if returned.schema.names != schema.names:
        what = f"{where}: the columns are not {', '.join(schema.names)}, in this order"
        return findings.hold(Promise.SCHEMA, holds=False, words=what)
    for field in schema:
        kind = returned.schema.field(field.name).type
        fits = kind == field.type or (pa.types.is_dictionary(field.type) and _is_words(kind, field.name))
        if not findings.hold(Promise.SCHEMA, fits, f"{where}: {field.name} is {kind}, not {field.type}"):
            return False
    return True


def _is_words(kind: pa.DataType, name: str) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or (name == "reason" and pa.types.is_null(kind))


def _amiss(returned: pa.RecordBatch, batch: pa.RecordBatch) -> str:
    if returned.num_rows != batch.num_rows:
        return f"{batch.num_rows} rows were given and {returned.num_rows} came back"
    same_set = sorted(map(str, returned.column(ROW_ID).to_pylist())) == sorted(
        map(str, batch.column(ROW_ID).to_pylist())
    )
    return "the rows came back in another order" if same_set else "the row ids are not those of the batch"


def _check_words(status: list[Any], reason: list[Any], findings: Findings, where: str) -> None:
    none = sum(word is None for word in status)
    findings.hold(Promise.WORDS, none == 0, f"{where}: {none} rows have no status")
    strange = sum(word is not None and word not in STATUSES for word in status)
    findings.hold(Promise.WORDS, strange == 0, f"{where}: {strange} rows have a status that the protocol does not know")
    strange = sum(word is not None and word not in REASONS for word in reason)
    findings.hold(Promise.WORDS, strange == 0, f"{where}: {strange} rows have a reason that the protocol does not know")
    contradictory = sum(word == Status.OK and why is not None for word, why in zip(status, reason, strict=True))
    findings.hold(Promise.WORDS, contradictory == 0, f"{where}: {contradictory} rows are ok and have a reason")


def _check_whole(scores: list[float], ctx: RunContext, findings: Findings, where: str) -> None:
    if ctx.answers in {"ordinal", "class"}:
        wrong = sum(not float(score).is_integer() for score in scores)
        what = "levels" if ctx.answers == "ordinal" else "places of classes"
        findings.hold(Promise.SCORES, wrong == 0, f"{where}: {wrong} {what} are no whole numbers")


def _check_scores(column: pa.Array, status: list[Any], ctx: RunContext, findings: Findings, where: str) -> None:
    low, high = ctx.score_range
    scores = column.to_pylist()
    ok = [score for score, word in zip(scores, status, strict=True) if word == Status.OK]
    others = [score for score, word in zip(scores, status, strict=True) if word in STATUSES and word != Status.OK]
    without = sum(score is None for score in ok)
    findings.hold(Promise.SCORES, without == 0, f"{where}: {without} rows are ok and have no score")
    ok_scores = [score for score in ok if score is not None]
    wrong = sum(not np.isfinite(score) for score in ok_scores)
    findings.hold(Promise.SCORES, wrong == 0, f"{where}: {wrong} rows are ok and their score is not finite")
    finite = [score for score in ok_scores if np.isfinite(score)]
    if ctx.answers == "decision":
        wrong = sum(score not in {0.0, 1.0} for score in finite)
        findings.hold(Promise.SCORES, wrong == 0, f"{where}: {wrong} decisions are neither 1 nor 0")
    else:
        wrong = sum(not low <= score <= high for score in finite)
        what = f"{where}: {wrong} rows are ok and their score lies outside [{low:g}, {high:g}]"
        findings.hold(Promise.SCORES, wrong == 0, what)
        _check_whole(finite, ctx, findings, where)
    surplus = sum(score is not None for score in others)
    findings.hold(Promise.SCORES, surplus == 0, f"{where}: {surplus} rows have a score and are not ok")


def same_bits(answer: Answer, other: Answer) -> bool:
    """Whether two answers are the same to the last bit."""
    return answer.status == other.status and answer.scores.tobytes() == other.scores.tobytes()


def difference(answer: Answer, other: Answer) -> tuple[int, float]:
    """Number of rows with another status, and the largest difference of scores."""
    moved = sum(a != b for a, b in zip(answer.status, other.status, strict=True))
    finite = np.isfinite(answer.scores) & np.isfinite(other.scores)
    return moved, float(np.max(np.abs(answer.scores[finite] - other.scores[finite]), initial=0.0))


def joined(answers: list[Answer]) -> Answer:
    """Join the answers to batches that follow each other."""
    return Answer(
        np.concatenate([answer.scores for answer in answers]),
        tuple(word for answer in answers for word in answer.status),
    )
