"""What a model may return: every row is usable, abstained or failed, and nothing is repaired."""

from __future__ import annotations

import decimal
import fractions
import math
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.detectors.answers import CheckedAnswers, read_answers
from audit.detectors.protocol import REASONS, STATUSES, Answers, answer_schema
from audit.errors import DetectorError, ExitCode

UNIT = (0.0, 1.0)
CANARY = "canary-7f3a"


def read(returned: Any, rows: int, answers: Answers = "score") -> CheckedAnswers:
    return read_answers(returned, rows, answers, UNIT, where="model:score, batch 3")


def words(checked: CheckedAnswers) -> list[str]:
    """One word a row: the score, `abstain`, or the reason of the failure."""
    said = []
    for score, status, reason in zip(checked.scores, checked.status, checked.reason, strict=True):
        if STATUSES[status] == "ok":
            said.append(repr(float(score)))
        else:
            assert math.isnan(score)
            said.append(str(STATUSES[status]) if reason < 0 else str(REASONS[reason]))
    return said


SAME_SCORES: list[Any] = [
    [0.25, None, 1],
    (0.25, None, np.float32(1)),
    [np.float64(0.25), None, decimal.Decimal(1)],
    [fractions.Fraction(1, 4), None, True + 0],
    np.array([0.25, None, 1.0], dtype=object),
    np.ma.MaskedArray([0.25, 0.9, 1.0], mask=[False, True, False]),
    pa.array([0.25, None, 1.0]),
    pa.array([0.25, None, 1.0], type=pa.float32()),
    pa.array([decimal.Decimal("0.25"), None, decimal.Decimal("1.00")]),
    pa.chunked_array([[0.25], [None, 1.0]]),
    pd.Series([0.25, None, 1.0], dtype=object),
    pd.Series([0.25, None, 1.0], dtype="Float64"),
    pd.Series([0.25, None, 1.0], dtype=pd.ArrowDtype(pa.float64())),
    pd.Series([0.25, pd.NA, 1.0], dtype=object),
]


@pytest.mark.parametrize("returned", SAME_SCORES, ids=lambda value: type(value).__name__)
def test_every_container_says_the_same(returned: Any) -> None:
    assert words(read(returned, 3)) == ["0.25", "abstain", "1.0"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (float("nan"), "not_finite"),
        (float("inf"), "not_finite"),
        (-float("inf"), "not_finite"),
        (np.float32("nan"), "not_finite"),
        (decimal.Decimal("NaN"), "not_finite"),
        (decimal.Decimal("sNaN"), "not_a_number"),
        (1.0000001, "out_of_range"),
        (-1e-300, "out_of_range"),
        (10**400, "not_finite"),
        (2**70, "out_of_range"),
        ("0.5", "not_a_number"),
        (b"0.5", "not_a_number"),
        (0.5 + 0j, "not_a_number"),
        ([0.5], "not_a_number"),
        (True, "not_a_number"),
        (pd.NaT, "not_a_number"),
        (object(), "not_a_number"),
        (None, "abstain"),
        (0, "0.0"),
        (-0.0, "-0.0"),
        (1, "1.0"),
    ],
)
def test_a_bad_value_loses_its_own_row_only(value: Any, said: str) -> None:
    assert words(read([0.5, value, 0.75], 3)) == ["0.5", said, "0.75"]


@given(st.lists(st.floats(width=64) | st.none(), max_size=40))
def test_floats_are_kept_exactly_or_failed(values: list[float | None]) -> None:
    checked = read(values, len(values))
    for value, score, status in zip(values, checked.scores, checked.status, strict=True):
        if value is None:
            assert STATUSES[status] == "abstain"
        elif math.isfinite(value) and 0.0 <= value <= 1.0:
            assert STATUSES[status] == "ok"
            assert score == value
        else:
            assert STATUSES[status] == "invalid_output"


@given(st.lists(st.floats(width=64), min_size=1, max_size=40))
def test_list_numpy_arrow_and_series_agree(values: list[float]) -> None:
    expected = words(read(values, len(values)))
    for returned in (np.array(values), pa.array(values), pd.Series(values)):
        assert words(read(returned, len(values))) == expected


def test_nan_in_a_pandas_series_of_floats_is_no_abstention() -> None:
    assert words(read(pd.Series([0.5, float("nan")]), 2)) == ["0.5", "not_finite"]


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ([True, False, None], ["1.0", "0.0", "abstain"]),
        ([1, 0, 1.0], ["1.0", "0.0", "1.0"]),
        ([np.True_, np.int8(0), np.float32(1)], ["1.0", "0.0", "1.0"]),
        (np.array([True, False, True]), ["1.0", "0.0", "1.0"]),
        (pa.array([True, None, False]), ["1.0", "abstain", "0.0"]),
        (pd.Series([True, None, False], dtype="boolean"), ["1.0", "abstain", "0.0"]),
        ([2, 0.5, "flagged"], ["not_a_decision"] * 3),
        ([float("nan"), -1, 1], ["not_a_decision", "not_a_decision", "1.0"]),
    ],
)
def test_decisions(returned: Any, said: list[str]) -> None:
    assert words(read(returned, 3, "decision")) == said


@pytest.mark.parametrize(
    "returned",
    [[True, False], [True, None], np.array([True, False]), pa.array([True, False]), pd.Series([True, False])],
    ids=lambda value: type(value).__name__,
)
def test_decisions_where_scores_are_expected_end_the_run(returned: Any) -> None:
    with pytest.raises(DetectorError, match="got true and false where scores are expected") as caught:
        read(returned, 2)
    assert 'answers = "decision"' in caught.value.hint


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ([0.5], "2 rows were given and 1 answers came back"),
        ([0.5] * 3, "2 rows were given and 3 answers came back"),
        (np.zeros((2, 2)), "an array with 2 dimensions"),
        (np.float64(0.5), "got something else"),
        (np.array(0.5), "an array with 0 dimensions"),
        (0.5, "got something else"),
        (None, "got something else"),
        (CANARY, "got something else"),
        (CANARY.encode(), "got something else"),
        ({CANARY: 1, "b": 2}, "got something else"),
        (iter([0.5, 0.5]), "got something else"),
        (pd.DataFrame({"p": [0.5, 0.5]}), "got something else"),
        (pa.table({"p": [0.5, 0.5]}), "got something else"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_return_value_of_the_wrong_shape_ends_the_run(returned: Any, message: str) -> None:
    with pytest.raises(DetectorError, match=message) as caught:
        read(returned, 2)
    assert str(caught.value).startswith("model:score, batch 3: ")
    assert caught.value.exit_code is ExitCode.NOT_JUDGED
    assert CANARY not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_answer_has_the_schema_of_the_protocol() -> None:
    batch = read([0.5, None, float("nan")], 3).batch(pa.array([7, 8, 9]))
    assert batch.schema == answer_schema()
    assert batch.to_pydict() == {
        "row_id": [7, 8, 9],
        "score": [0.5, None, None],
        "status": ["ok", "abstain", "invalid_output"],
        "reason": [None, None, "not_finite"],
    }
