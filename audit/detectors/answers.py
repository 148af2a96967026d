"""Read the return value of a model for a batch: each row has a usable answer, an abstention, or a counted failure.

Nothing is clipped, rounded or repaired. A return value of the wrong shape ends the run. A single bad value only loses
its own row, which is then counted as failed.
"""

from __future__ import annotations

import decimal
import numbers
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audit.detectors.protocol import REASONS, ROW_ID, STATUSES, Answers, Reason, RunContext, Status, answer_schema
from audit.errors import DetectorError
from audit.stats.arrays import BoolArray, FloatArray

OK: Final = STATUSES.index(Status.OK)
ABSTAIN: Final = STATUSES.index(Status.ABSTAIN)
INVALID_OUTPUT: Final = STATUSES.index(Status.INVALID_OUTPUT)
NO_REASON: Final = -1

CodeArray = npt.NDArray[np.int8]

ACCEPTED = "a list, a numpy or pyarrow array, or a pandas Series, with one answer for each row"


@dataclass(frozen=True, slots=True)
class CheckedAnswers:
    """The answers to a batch of n rows, every one of them accounted for."""

    scores: FloatArray
    """float64[n]: finite and in range where the status is `OK`; NaN elsewhere."""
    status: CodeArray
    """int8[n]: indices into `protocol.STATUSES`."""
    reason: CodeArray
    """int8[n]: indices into `protocol.REASONS`; `NO_REASON` where there is none."""

    @property
    def failed(self) -> int:
        """Number of rows with neither an answer nor an abstention."""
        return int(((self.status != OK) & (self.status != ABSTAIN)).sum())

    @property
    def failures(self) -> Counter[tuple[Status, Reason | None]]:
        """Number of failed rows, by status and reason."""
        failed = (self.status != OK) & (self.status != ABSTAIN)
        pairs = Counter(zip(self.status[failed].tolist(), self.reason[failed].tolist(), strict=True))
        return Counter({(STATUSES[s], None if r == NO_REASON else REASONS[r]): rows for (s, r), rows in pairs.items()})

    def batch(self, row_ids: pa.Array) -> pa.RecordBatch:
        """Convert to an answer of the protocol."""
        answered = self.status == OK
        schema = answer_schema()
        statuses = pa.DictionaryArray.from_arrays(pa.array(self.status), pa.array([str(word) for word in STATUSES]))
        reason = pa.array(self.reason, mask=self.reason == NO_REASON)
        reasons = pa.DictionaryArray.from_arrays(reason, pa.array([str(word) for word in REASONS]))
        scores = pa.array(self.scores, mask=~answered)
        return pa.RecordBatch.from_arrays([row_ids, scores, statuses, reasons], schema=schema)


def read_answers(
    returned: Any,
    rows: int,
    answers: Answers,
    score_range: tuple[float, float],
    *,
    where: str,
    classes: Sequence[str] = (),
) -> CheckedAnswers:
    """Read the return value of a model for a batch.

    Parameters
    ----------
    returned : sequence, numpy array, pyarrow array or pandas Series
        One answer a row. None (a null, pandas' NA, a masked element) abstains. NaN is no abstention.
    rows : int
        Rows of the batch.
    answers : {"score", "decision", "ordinal", "class"}
        The kind of answer that the plan asks for. A decision is true or false, 1 or 0. A level is a whole number. A
        class is its name, or the whole number that is its name.
    score_range : (float, float)
        Lowest and highest score, both allowed.
    where : str
        Who answered which batch, to begin an error with.
    classes : sequence of str
        With `answers = "class"`: the names of the classes.

    Raises
    ------
    DetectorError
        The return value has another type, or not one answer for each row.
    """
    values, missing = _as_array(returned, where)
    if values.ndim != 1:
        raise DetectorError(
            f"{where}: got an array with {values.ndim} dimensions",
            slug="answers-shape",
            hint=f"return {ACCEPTED}; of class probabilities, the column of the positive class",
        )
    if len(values) != rows:
        raise DetectorError(
            f"{where}: {rows} rows were given and {len(values)} answers came back", slug="answers-length"
        )
    if answers == "class":
        return check_classes(_places(values, classes), missing, len(classes))
    if answers != "decision" and _only_truth_values(values, missing):
        raise DetectorError(f"{where}: got true and false where scores are expected", slug="answers-are-decisions")
    numbers_, is_number = _as_numbers(values, truth_values=answers == "decision")
    return check_numbers(numbers_, missing, answers, score_range, is_number=is_number)


def protocol_answer(batch: pa.RecordBatch, returned: Any, ctx: RunContext, *, where: str) -> pa.RecordBatch:
    """Convert the return value of a model to an answer of the protocol. Raises as `read_answers` does."""
    rows, span = batch.num_rows, ctx.score_range
    return read_answers(returned, rows, ctx.answers, span, where=where, classes=ctx.classes).batch(batch.column(ROW_ID))


def check_numbers(
    values: FloatArray,
    missing: BoolArray,
    answers: Answers,
    score_range: tuple[float, float],
    *,
    is_number: BoolArray | None = None,
) -> CheckedAnswers:
    """Check n answers as numbers: scores, levels, decisions, or places of classes."""
    if answers == "decision":
        return check_decisions(values, missing)
    if answers == "class":
        return check_classes(values, missing, round(score_range[1]) + 1)
    if answers == "ordinal":
        return check_levels(values, missing, score_range, is_number=is_number)
    return check_scores(values, missing, score_range, is_number=is_number)


def check_scores(
    scores: FloatArray, missing: BoolArray, score_range: tuple[float, float], *, is_number: BoolArray | None = None
) -> CheckedAnswers:
    """Check every score: usable, an abstention if `missing`, or invalid with a reason."""
    low, high = score_range
    finite = np.isfinite(scores)
    with np.errstate(invalid="ignore"):
        inside = finite & (scores >= low) & (scores <= high)
    reason = np.full(len(scores), REASONS.index(Reason.OUT_OF_RANGE), dtype=np.int8)
    reason[~finite] = REASONS.index(Reason.NOT_FINITE)
    if is_number is not None:
        reason[~is_number] = REASONS.index(Reason.NOT_A_NUMBER)
        inside &= is_number
    return _account(scores, missing, inside, reason)


def check_levels(
    levels: FloatArray, missing: BoolArray, score_range: tuple[float, float], *, is_number: BoolArray | None = None
) -> CheckedAnswers:
    """Check every level of an ordinal scale: a score that is a whole number. 2.5 is no level, and is not rounded."""
    checked = check_scores(levels, missing, score_range, is_number=is_number)
    with np.errstate(invalid="ignore"):
        between = (checked.status == OK) & (levels != np.floor(levels))
    return CheckedAnswers(
        np.where(between, np.nan, checked.scores),
        np.where(between, INVALID_OUTPUT, checked.status).astype(np.int8),
        np.where(between, REASONS.index(Reason.NOT_A_LEVEL), checked.reason).astype(np.int8),
    )


def check_classes(places: FloatArray, missing: BoolArray, classes: int) -> CheckedAnswers:
    """Check every class, given as a place from 0 to below `classes`: known, an abstention if `missing`, or unknown."""
    with np.errstate(invalid="ignore"):
        known = (places >= 0) & (places < classes) & (places == np.floor(places))
    reason = np.full(len(places), REASONS.index(Reason.UNKNOWN_CLASS), dtype=np.int8)
    return _account(places, missing, known, reason)


def check_decisions(decisions: FloatArray, missing: BoolArray) -> CheckedAnswers:
    """Check every decision: 1 or 0, an abstention if `missing`, or invalid."""
    usable = (decisions == 0.0) | (decisions == 1.0)
    reason = np.full(len(decisions), REASONS.index(Reason.NOT_A_DECISION), dtype=np.int8)
    return _account(decisions, missing, usable, reason)


def _account(scores: FloatArray, missing: BoolArray, usable: BoolArray, reason: CodeArray) -> CheckedAnswers:
    answered = usable & ~missing
    status = np.where(missing, ABSTAIN, np.where(usable, OK, INVALID_OUTPUT)).astype(np.int8)
    reason = np.where(missing | usable, NO_REASON, reason).astype(np.int8)
    return CheckedAnswers(np.where(answered, scores, np.nan), status, reason)


def _as_array(returned: Any, where: str) -> tuple[npt.NDArray[Any], BoolArray]:
    """The values as a numpy array, and a mask of the missing ones. A missing place can hold any value."""
    if isinstance(returned, pa.Array | pa.ChunkedArray):
        return _from_arrow(returned)
    if isinstance(returned, np.ma.MaskedArray):
        return np.asarray(returned.data), np.ma.getmaskarray(returned)
    if _is_series(returned):
        if not isinstance(returned.dtype, np.dtype):
            missing = returned.isna().to_numpy(dtype=bool)
            return returned.to_numpy(dtype=object), missing
        returned = returned.to_numpy()
    if isinstance(returned, np.ndarray):
        return returned, _missing_in(returned)
    if isinstance(returned, Sequence) and not isinstance(returned, str | bytes | bytearray):
        values = _from_sequence(returned)
        return values, _missing_in(values)
    raise DetectorError(f"{where}: got something else than answers", slug="answers-type", hint=f"return {ACCEPTED}")


def _from_sequence(returned: Sequence[Any]) -> npt.NDArray[Any]:
    """Make an array element by element, so that numpy turns none into text and joins no nested lists."""
    values = np.empty(len(returned), dtype=object)
    for index, value in enumerate(returned):
        values[index] = value
    return values


def _from_arrow(returned: pa.Array | pa.ChunkedArray) -> tuple[npt.NDArray[Any], BoolArray]:
    if isinstance(returned, pa.ChunkedArray):
        returned = returned.combine_chunks()
    missing = np.asarray(returned.is_null(nan_is_null=False).to_numpy(zero_copy_only=False))
    kind = returned.type
    if pa.types.is_boolean(kind):
        return returned.fill_null(False).to_numpy(zero_copy_only=False), missing
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers_ = returned.cast(pa.float64(), safe=False).fill_null(0.0)
        return numbers_.to_numpy(zero_copy_only=False), missing
    return _from_sequence(returned.to_pylist()), missing


def _is_series(returned: Any) -> bool:
    return type(returned).__module__.partition(".")[0] == "pandas" and type(returned).__name__ == "Series"


def _missing_in(values: npt.NDArray[Any]) -> BoolArray:
    if values.dtype != np.dtype(object) or values.ndim != 1:
        return np.zeros(len(values) if values.ndim else 0, dtype=np.bool_)
    return np.fromiter((value is None or type(value).__name__ == "NAType" for value in values), np.bool_, len(values))


def _places(values: npt.NDArray[Any], classes: Sequence[str]) -> FloatArray:
    """float64[n]: the place of each value among the names of the classes; NaN if it is none of them."""
    index_by_name: dict[str | None, float] = {name: float(at) for at, name in enumerate(classes)}
    indices = (index_by_name.get(_class_name(value), np.nan) for value in values.tolist())
    return np.fromiter(indices, np.float64, len(values))


def _class_name(value: Any) -> str | None:
    """A class as a person writes it: 1 and 1.0 are `1`. A truth value is a decision, and no class."""
    if isinstance(value, str):
        return str(value)
    number = _number(value, truth_values=False)
    return str(int(number)) if number is not None and number.is_integer() else None


def _only_truth_values(values: npt.NDArray[Any], missing: BoolArray) -> bool:
    if missing.all():
        return False
    if values.dtype == np.dtype(object):
        return all(isinstance(value, bool | np.bool_) for value in values[~missing])
    return values.dtype.kind == "b"


def _as_numbers(values: npt.NDArray[Any], *, truth_values: bool) -> tuple[FloatArray, BoolArray]:
    """float64[n], and a mask of the values that are numbers. NaN is a number here; true and false only if allowed."""
    if values.dtype.kind in "fiub":
        with np.errstate(over="ignore"):
            return values.astype(np.float64), np.ones(len(values), dtype=np.bool_)
    read = np.full(len(values), np.nan)
    is_number = np.zeros(len(values), dtype=np.bool_)
    if values.dtype == np.dtype(object):
        for index, value in enumerate(values):
            number = _number(value, truth_values=truth_values)
            if number is not None:
                read[index], is_number[index] = number, True
    return read, is_number


def _number(value: Any, *, truth_values: bool) -> float | None:
    if type(value) is float:  # nearly always, and asking for Real takes ten times as long
        return value
    if isinstance(value, bool | np.bool_):
        return float(value) if truth_values else None
    if not isinstance(value, numbers.Real | decimal.Decimal):
        return None
    try:
        return float(value)
    except OverflowError:
        return float("inf")
    except (TypeError, ValueError):
        return None
