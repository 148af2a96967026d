"""What is computed once for places that are alike is what every place by itself gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.stats.arrays import FloatArray, once_for_equals

few = st.sampled_from([0.0, 1.0, 2.5, np.inf, -3.0, np.nan])


@given(rows=st.lists(st.tuples(few, few), max_size=200))
def test_each_place_has_its_own_number(rows: list[tuple[float, float]]) -> None:
    columns: FloatArray = np.array(rows, dtype=np.float64).reshape(-1, 2).T
    a, b = columns

    def function(x: FloatArray, y: FloatArray) -> FloatArray:
        return np.asarray(2.0 * x - y)

    with np.errstate(invalid="ignore"):
        assert np.array_equal(once_for_equals(function, a, b), function(a, b), equal_nan=True)


@pytest.mark.parametrize(("places", "computed"), [(31, 31), (32, 3), (999, 3)])
def test_many_equal_places_are_computed_once(places: int, computed: int) -> None:
    seen: list[int] = []

    def function(x: FloatArray) -> FloatArray:
        seen.append(x.size)
        return x

    values: FloatArray = np.arange(places, dtype=np.float64) % 3.0
    assert once_for_equals(function, values).tolist() == values.tolist()
    assert seen == [computed]
