"""Answers come out of a child as they were checked there; and any bytes are read without harm."""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.detectors.answer_check import accept_answer
from audit.detectors.isolation.packed import BYTES_A_ROW, pack, unpack
from audit.detectors.protocol import REASONS, STATUSES, Reason, Status, answer_batch
from audit.errors import DetectorError

IDS = pa.array([0, 1, 2], pa.int64())
GOOD: dict[str, Any] = {
    "row_id": IDS,
    "score": pa.array([0.25, None, float("nan")]),
    "status": pa.array(["ok", "abstain", "ok"]),
    "reason": pa.array([None, None, None], pa.string()),
}


def shown(answer: Any) -> str:
    """What the harness makes of an answer: the checked values, or the error."""
    try:
        checked = accept_answer(answer, IDS, "score", (0.0, 1.0), where="here")
    except DetectorError as error:
        return str(error)
    return repr((checked.scores.tobytes(), checked.status.tolist(), checked.reason.tolist()))


AMISS: dict[str, Any] = {
    "nothing is": {},
    "32 bits": {"row_id": pa.array([0, 1, 2], pa.int32()), "score": pa.array([0.1, 0.2, 0.3], pa.float32())},
    "unsigned": {"row_id": pa.array([0, 1, 2], pa.uint64())},
    "whole numbers": {"score": pa.array([0, 1, None])},
    "no scores at all": {"score": pa.nulls(3)},
    "scores as text": {"score": pa.array(["0.1", "0.2", "0.3"])},
    "ids as text": {"row_id": pa.array(["0", "1", "2"])},
    "an id missing": {"row_id": pa.array([0, None, 2], pa.int64())},
    "another order": {"row_id": pa.array([2, 1, 0], pa.int64())},
    "an id twice": {"row_id": pa.array([0, 0, 2], pa.int64())},
    "an unknown word": {"status": pa.array(["ok", "fine", "ok"])},
    "an unknown reason": {"reason": pa.array(["because", None, None])},
    "a known reason": {"status": pa.array(["error"] * 3), "reason": pa.array(["crashed", None, "unreadable"])},
    "no status": {"status": pa.array([None, "ok", "ok"])},
    "status as numbers": {"status": pa.array([0, 0, 0])},
    "reason as numbers": {"reason": pa.array([0, 0, 0])},
    "null columns": {"status": pa.nulls(3), "reason": pa.nulls(3)},
    "a dictionary": {"status": pa.array(["ok", "abstain", "ok"]).dictionary_encode()},
    "a null in the dictionary": {
        "status": pa.DictionaryArray.from_arrays(pa.array([0, 1, 0], pa.int8()), pa.array(["ok", None]))
    },
}


def through(answer: Any) -> Any:
    """What comes out of a child: the answer as it was checked there. Raises its error."""
    return unpack(pack(accept_answer(answer, IDS, "score", (0.0, 1.0), where="here")), IDS)


@pytest.mark.parametrize("what", AMISS)
def test_the_harness_says_the_same_of_an_answer_that_came_out_of_a_child(what: str) -> None:
    answer = pa.record_batch({**GOOD, **AMISS[what]})
    said = shown(answer)
    if said.startswith("here:"):  # an error of the check
        with pytest.raises(DetectorError, match=re.escape(said)):
            through(answer)
    else:
        assert shown(through(answer)) == said


@pytest.mark.parametrize(
    "answer",
    [None, [0.1, 0.2, 0.3], pa.table(GOOD), pa.record_batch({"row_id": IDS}), pa.record_batch({**GOOD, "more": IDS})],
)
def test_what_is_no_answer_is_refused_in_the_child(answer: Any) -> None:
    with pytest.raises(DetectorError, match="RecordBatch"):
        through(answer)


@given(
    rows=st.lists(
        st.tuples(st.floats(0.0, 1.0, width=64), st.sampled_from(STATUSES), st.sampled_from(REASONS) | st.none())
    )
)
def test_every_answer_of_the_protocol_comes_through_bit_by_bit(
    rows: list[tuple[float, Status, Reason | None]],
) -> None:
    ids = pa.array(range(len(rows)), pa.int64())
    answer = answer_batch(
        ids,
        [row[0] if row[1] == Status.OK else None for row in rows],
        [row[1] for row in rows],
        [None if row[1] == Status.OK else row[2] for row in rows],
    )
    back = unpack(pack(accept_answer(answer, ids, "score", (0.0, 1.0), where="here")), ids)
    assert back is not None
    for name in ("row_id", "score"):
        column, came = answer.column(name), back.column(name)
        assert came.type == column.type
        assert came.is_null().equals(column.is_null())
        assert came.drop_null().to_numpy().tobytes() == column.drop_null().to_numpy().tobytes()
    for name in ("status", "reason"):
        assert back.column(name).to_pylist() == answer.column(name).to_pylist()


@given(content=st.binary(max_size=60))
def test_any_bytes_are_an_answer_that_is_checked_or_none(content: bytes) -> None:
    answer = unpack(content, pa.array(range(len(content) // BYTES_A_ROW), pa.int64()))
    if answer is not None:
        answer.validate(full=True)
        assert answer.num_rows == len(content) // BYTES_A_ROW


def test_an_answer_has_one_length_and_known_words() -> None:
    packed = pack(accept_answer(pa.record_batch(GOOD), IDS, "score", (0.0, 1.0), where="here"))
    assert len(packed) == 3 * BYTES_A_ROW
    assert unpack(packed, IDS) is not None
    for other in (packed[:-1], packed + b"\0", b"", packed[:-2] + bytes([len(STATUSES), 255])):
        assert unpack(other, IDS) is None
    assert unpack(packed[:-1] + bytes([len(REASONS)]), IDS) is None
