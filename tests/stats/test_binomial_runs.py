from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.stats.binomial import CdfAlong, binomial_cdf, reach
from audit.stats.intervals import clopper_pearson


@given(st.floats(0.0, 7.0), st.floats(0.0, 1.0), st.integers(2, 400), st.sampled_from([1e-3, 1e-6]), st.data())
def test_is_the_distribution_function(size: float, share: float, width: int, beta: float, data: st.DataObject) -> None:
    """Over a confidence set of rates, as the exact test asks for it, to the counts' ends and beyond what is likely."""
    n = float(np.floor(10.0**size))
    low, high = clopper_pearson(np.floor(n * share), n, 1.0 - beta)
    rates = (low + (high - low) * np.linspace(0.0, 1.0, 33))[np.newaxis]
    around = float(reach(np.asarray(n), low, 1e-12)) * data.draw(st.floats(0.1, 3.0))
    counts = np.sort(np.clip(np.floor(np.linspace(n * low - around, n * high + around, width)), -1.0, n))[np.newaxis]
    along = CdfAlong(counts, np.array([[n]]), rates)
    for place in (0, 13, 32):
        rate = rates[:, place : place + 1]
        expected = binomial_cdf(counts, n, rate)
        found = along.at(rate)[:, 0]
        assert found == pytest.approx(expected, rel=1e-5, abs=1e-13)
        likely = expected > 1e-3
        assert found[likely] == pytest.approx(expected[likely], rel=1e-7, abs=0.0)


def test_groups_with_other_rates_and_sizes_stand_side_by_side() -> None:
    n, rates = np.array([[1.0], [40.0], [10.0**6]]), np.array([[0.0, 1.0], [0.2, 0.4], [0.69, 0.7]])
    counts = np.array([[-1.0, 0.0, 1.0], [5.0, 12.0, 40.0], [689_500.0, 690_100.0, 700_000.0]])
    along = CdfAlong(counts, n, rates)
    for place in (0, 1):
        rate = rates[:, place : place + 1]
        assert along.at(rate)[:, 0] == pytest.approx(binomial_cdf(counts, n, rate), rel=1e-8, abs=1e-14)


@given(st.integers(1, 10**7), st.floats(0.0, 1.0), st.sampled_from([1e-9, 1e-20]))
def test_reach_leaves_out_less_than_it_says(n: int, rate: float, mass: float) -> None:
    away = float(reach(np.array(float(n)), np.array(rate), mass))
    below, above = np.ceil(n * rate - away) - 1.0, np.floor(n * rate + away)
    assert float(binomial_cdf(below, n, rate)) < mass
    assert float(binomial_cdf(n - above - 1.0, n, 1.0 - rate)) < mass


@pytest.mark.parametrize("n", [1_000.0, 10_000_000.0])
def test_a_rate_of_one_leaves_nothing_below_the_highest_count(n: float) -> None:
    """The nearest rate with finite odds would leave 1e-16 n, which for ten million cases is no rounding."""
    counts = np.array([[-1.0, n - 1.0, n]])
    along = CdfAlong(counts, np.array([[n]]), np.array([[1.0 - 1e-6, 1.0]]))
    assert along.at(np.array([[1.0]])).tolist() == [[[0.0, 0.0, 1.0]]]
