"""Noise: the most even that it can be, bounded, without a mean, and the same for ever under the same key."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, minimize

from audit.disclosure.noise import noise_table

TABLE = noise_table(5, 3.0)


@pytest.mark.parametrize("largest", [3, 5, 8, 10])
def test_every_row_has_no_mean_the_variance_and_no_count_below_zero(largest: int) -> None:
    table = noise_table(largest, 3.0)
    for count in range(largest + 3):
        chances = table.chances(count)
        assert math.isclose(sum(chances.values()), 1.0, abs_tol=1e-9)
        assert max(map(abs, chances), default=0) <= largest
        assert all(count + change >= 0 for change in chances)
        assert abs(sum(change * chance for change, chance in chances.items())) < 1e-8
        variance = sum(change * change * chance for change, chance in chances.items())
        wanted = min(3.0, 0.99 * min(count, largest) * largest)
        assert math.isclose(variance, wanted, abs_tol=1e-7)


def test_the_row_of_large_counts_is_that_of_the_design() -> None:
    published = [0.004, 0.017, 0.052, 0.119, 0.194, 0.229, 0.194, 0.119, 0.052, 0.017, 0.004]
    assert [round(TABLE.chances(10)[change], 3) for change in range(-5, 6)] == published


def test_a_count_of_one_prints_none_or_one_as_often_as_measured() -> None:
    """disclosure.md, section 3: zero stays zero; a true 1 prints 0 / 1 in 62% / 16%."""
    assert TABLE.chances(0) == {0: 1.0}
    assert (round(TABLE.chances(1)[-1], 2), round(TABLE.chances(1)[0], 2)) == (0.62, 0.16)


Vector = np.ndarray[tuple[int], np.dtype[np.float64]]


def unevenness(chances: Vector) -> float:
    return float((chances * np.log(np.maximum(chances, 1e-300))).sum())


def test_no_other_distribution_is_more_even() -> None:
    """A general optimiser, which knows nothing of the closed form, finds the same chances."""
    changes = np.arange(-2, 6)
    sums = [[1.0] * 8, [float(change) for change in changes], [float(change**2) for change in changes]]
    found = minimize(
        unevenness,
        np.full(8, 1 / 8),
        method="SLSQP",
        bounds=Bounds(1e-12, 1.0),
        constraints=LinearConstraint(sums, [1.0, 0.0, 3.0], [1.0, 0.0, 3.0]),
        options={"maxiter": 500, "ftol": 1e-12},
    )
    ours = [TABLE.chances(2)[int(change)] for change in changes]
    np.testing.assert_allclose(ours, found.x, atol=1e-4)


def test_the_table_is_the_same_for_ever() -> None:
    """A table that changed would draw new noise over counts that were published: their mean would be exact."""
    said = repr(TABLE.thresholds).encode()
    assert hashlib.sha256(said).hexdigest() == "21efd8f6eeed4e15b9b1eef150d7135d3e8d99e090483ce69c7f9ae6ab120d56"


@given(st.integers(0, 10**6), st.integers(0, 2**64 - 1))
def test_no_key_changes_a_count_by_more_or_below_zero(count: int, key: int) -> None:
    change = int(TABLE.changes(np.array([count]), np.array([key], dtype=np.uint64))[0])
    assert abs(change) <= 5
    assert count + change >= 0


def test_keys_reach_every_change_as_often_as_the_table_says() -> None:
    keys = np.random.default_rng(1).integers(0, 2**64, 200_000, dtype=np.uint64)
    changes = TABLE.changes(np.full(keys.size, 40), keys)
    for change, chance in TABLE.chances(40).items():
        share = float((changes == change).mean())
        assert abs(share - chance) < 5 * math.sqrt(chance / keys.size)


def test_a_key_of_63_bits_would_be_noticed() -> None:
    """Halved keys make every change negative or none, as once happened unnoticed; this check was missing."""
    keys = np.random.default_rng(1).integers(0, 2**64, 1_000, dtype=np.uint64)
    assert abs(TABLE.changes(np.full(keys.size, 40), keys).mean()) < 0.2
    assert TABLE.changes(np.full(keys.size, 40), keys >> np.uint64(1)).max() <= 0


@pytest.mark.parametrize(("largest", "variance"), [(0, 1.0), (5, 0.0), (5, 25.0), (3, 8.9)])
def test_noise_that_cannot_be_is_refused(largest: int, variance: float) -> None:
    if variance == 8.9:
        assert noise_table(largest, variance).variance == variance  # nearly only the two ends, and it exists
    else:
        with pytest.raises(ValueError, match="noise needs"):
            noise_table(largest, variance)
