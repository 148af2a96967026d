"""Ids that are whole numbers: two rows with one are refused, near together (by a set of bits) and far apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made.sets import made_plan

from audit.engines import duckdb
from audit.errors import DataError
from audit.evaluation.evaluation_set import open_evaluation_set

WHOLE = st.integers(-40, 40) | st.sampled_from([-(2**63), 2**63 - 1, -(2**31), 2**31 - 1, 0])


def opened(numbers: list[int], kind: pa.DataType) -> int:
    columns = {"exploited": "1", "gender": "woman", "text": "x"}
    table = pa.table(
        {"case_id": pa.array(numbers, kind), **{name: [cell] * len(numbers) for name, cell in columns.items()}}
    )
    with open_evaluation_set(made_plan(None, groups={"gender": {"column": "gender"}}), Path(), table) as evaluation_set:
        return evaluation_set.rows


@settings(max_examples=40)
@given(st.lists(WHOLE, min_size=1, max_size=30), st.sampled_from([16, 32, 64]))
def test_a_number_twice_is_refused_and_no_other(numbers: list[int], bits: int) -> None:
    numbers = [number for number in numbers if -(2 ** (bits - 1)) <= number < 2 ** (bits - 1)] or [7]
    kind = {16: pa.int16(), 32: pa.int32(), 64: pa.int64()}[bits]
    twice = [number for place, number in enumerate(numbers) if number in numbers[:place]]
    if not twice:
        assert opened(numbers, kind) == len(numbers)
        return
    with pytest.raises(DataError, match="seen before") as caught:
        opened(numbers, kind)
    assert caught.value.slug == "duplicate-ids"
    assert not any(str(number) in str(caught.value) for number in twice if abs(number) > 40)


def test_numbers_close_together_are_not_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("hashed")

    monkeypatch.setattr(duckdb, "repeated_hashes", refuse)
    assert opened(list(range(1_000, 3_000)), pa.int64()) == 2_000
    for numbers in ([1, 1], [1, 2**40]):
        with pytest.raises(AssertionError, match="hashed"):
            opened(numbers, pa.int64())
