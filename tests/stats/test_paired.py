"""Two shares of the same cases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.stats.intervals import difference_of_independent, newcombe_difference, wilson
from audit.stats.pairs import mean_of_signed_estimates, newcombe_paired


@pytest.mark.parametrize(
    ("cells", "low", "high", "digits"),
    [
        ((59, 6, 16, 80), -0.1186, -0.0046, 4),  # Cavo et al. 2012, in Fagerland, Lydersen & Laake (2017), ch. 8
        ((1, 1, 7, 12), -0.507, -0.026, 3),  # Bentur et al. 2009, in the same
        ((14, 5, 0, 22), 0.011, 0.226, 3),  # Altman et al. (2000), Statistics with Confidence, p. 52
    ],
)
def test_published_examples(cells: tuple[int, int, int, int], low: float, high: float, digits: int) -> None:
    difference, found_low, found_high = newcombe_paired(*cells)
    assert float(difference) == pytest.approx((cells[1] - cells[2]) / sum(cells), abs=1e-15)
    assert (round(float(found_low), digits), round(float(found_high), digits)) == (low, high)


@given(st.tuples(*[st.integers(0, 300)] * 4).filter(any))
def test_it_holds_its_estimate_and_turns_round(cells: tuple[int, int, int, int]) -> None:
    both, first, second, neither = cells
    difference, low, high = (float(value) for value in newcombe_paired(*cells))
    assert -1.0 <= low <= difference + 1e-12
    assert difference - 1e-12 <= high <= 1.0
    turned = [float(value) for value in newcombe_paired(both, second, first, neither)]
    assert turned == pytest.approx([-difference, -high, -low], abs=1e-12)


def test_pairing_narrows_where_the_shares_go_together() -> None:
    _, low, high = newcombe_paired(40, 3, 3, 54)
    apart = newcombe_difference(43, 100, 43, 100)
    assert high - low < 0.7 * (apart[1] - apart[0])


def test_no_case_is_unknown_and_impossible_counts_are_refused() -> None:
    assert all(np.isnan(value) for value in newcombe_paired(0, 0, 0, 0))
    with pytest.raises(ValueError, match="negative"):
        newcombe_paired(1, -1, 0, 0)


def test_a_difference_of_two_rates_is_newcombes() -> None:
    first, second = ((np.array([x / n]), *wilson([x], [n])) for x, n in ((56, 70), (48, 80)))
    found = difference_of_independent(first, second)
    assert [float(value[0]) for value in found[1:]] == pytest.approx([0.0524, 0.3339], abs=5e-5)


def test_the_mean_allows_a_sign_that_is_not_settled_either_way() -> None:
    estimates = np.array([0.1, -0.2]), np.array([0.05, -0.3]), np.array([0.12, -0.15])
    signs = np.array([1.0, -1.0])
    mean, low, high = mean_of_signed_estimates(signs, np.array([True, True]), estimates)
    assert mean == pytest.approx(0.15)
    assert low == pytest.approx(0.15 - np.hypot(0.05, 0.05) / 2)
    assert high == pytest.approx(0.15 + np.hypot(0.02, 0.1) / 2)
    loose = mean_of_signed_estimates(signs, np.array([True, False]), estimates)
    assert loose[0] == mean
    assert loose[1] == pytest.approx((0.1 - 0.2) / 2 - np.hypot(0.05, 0.1) / 2)
    assert loose[2] == pytest.approx(high)
    assert all(np.isnan(mean_of_signed_estimates(np.array([]), np.array([], dtype=bool), (np.array([]),) * 3)))
