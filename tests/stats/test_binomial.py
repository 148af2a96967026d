from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from audit.stats.binomial import binomial_cdf, checked_counts, checked_fraction, largest_count


@given(st.integers(1, 10**6), st.floats(0, 1), st.floats(-0.1, 1.1))
def test_distribution_function_agrees_with_scipy(n: int, p: float, where: float) -> None:
    k = int(where * n)
    expected = float(stats.binom.cdf(k, n, p))
    assert float(binomial_cdf(k, n, p)) == pytest.approx(expected, rel=1e-6, abs=1e-13)


def test_ends_of_the_distribution_function() -> None:
    assert binomial_cdf([-1, 0, 3, 4], 3, 0.5).tolist() == [0.0, 0.125, 1.0, 1.0]
    assert binomial_cdf([0, 1], [0, 1], 1.0).tolist() == [1.0, 1.0]
    assert binomial_cdf([0, 2, 3], 3, [0.0, 1.0, 1.0]).tolist() == [1.0, 0.0, 1.0]


@given(st.integers(1, 10**7), st.floats(1e-9, 0.999999), st.floats(1e-14, 0.99))
def test_largest_count_is_the_last_one_within_the_probability(n: int, p: float, probability: float) -> None:
    k = float(largest_count(probability, n, p))
    assert -1 <= k < n
    assert binomial_cdf(k, n, p) <= probability < binomial_cdf(k + 1, n, p)


def test_impossible_arguments_are_refused() -> None:
    for x, n in ((3, 2), (-1, 4), (np.nan, 3), (1, np.inf)):
        with pytest.raises(ValueError, match="counts must be finite"):
            checked_counts(x, n)
    for value in (0.0, 1.0, -2.0, float("nan")):
        with pytest.raises(ValueError, match="level must lie"):
            checked_fraction(value, "level")
