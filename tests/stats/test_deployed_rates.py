"""Precision and share flagged at another base rate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.stats.intervals import RateLimits, wilson
from audit.stats.operating_points import flag_rate_at, precision_at

counts = st.integers(1, 2_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def rate(x: int, n: int) -> RateLimits:
    low, high = wilson([x], [n])
    return np.array([x / n]), low, high


@given(counts, counts)
def test_at_the_base_rate_of_the_set_they_are_the_rates_of_the_set(
    found: tuple[int, int], wrong: tuple[int, int]
) -> None:
    (tp, positives), (fp, negatives) = found, wrong
    prevalence = positives / (positives + negatives)
    flags = flag_rate_at(prevalence, rate(*found), rate(*wrong))
    assert float(flags[0][0]) == pytest.approx((tp + fp) / (positives + negatives), abs=1e-12)
    assert 0.0 <= flags[1][0] <= flags[0][0] <= flags[2][0] <= 1.0
    right = precision_at(prevalence, rate(*found), rate(*wrong))
    if tp + fp == 0:
        assert all(np.isnan(value[0]) for value in right)
        return
    assert float(right[0][0]) == pytest.approx(tp / (tp + fp), abs=1e-12)
    assert 0.0 <= right[1][0] <= right[0][0] + 1e-12
    assert right[0][0] - 1e-12 <= right[2][0] <= 1.0


def test_a_worked_example() -> None:
    """At one case in a thousand, a detector that finds 90 % and wrongly flags 5 % is right in 1.77 % of its flags."""
    tpr, fpr = rate(900, 1000), rate(500, 10_000)
    assert float(precision_at(0.001, tpr, fpr)[0][0]) == pytest.approx(0.0009 / (0.0009 + 0.04995), abs=1e-15)
    assert float(flag_rate_at(0.001, tpr, fpr)[0][0]) == pytest.approx(0.05085, abs=1e-15)


def test_no_wrong_flag_leaves_the_upper_end_at_one_and_none_right_the_lower_at_zero() -> None:
    assert precision_at(0.01, rate(5, 10), rate(0, 100))[2][0] == 1.0
    low = precision_at(0.01, rate(0, 10), rate(5, 100))
    assert (low[0][0], low[1][0]) == (0.0, 0.0)
    assert 0.0 < low[2][0] < 1.0
    with pytest.raises(ValueError, match="prevalence"):
        precision_at(0.0, rate(5, 10), rate(0, 100))
