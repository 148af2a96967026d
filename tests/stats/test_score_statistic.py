from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.tables import boundaries, tables
from scipy import optimize, stats
from statsmodels.stats.proportion import test_proportions_2indep as proportions_test

from audit.stats.boundaries import Boundary, margin_boundary
from audit.stats.score_test import restricted_rates, score_statistic


def rate_by_bisection(x: int, n: int, y: int, m: int, boundary: Boundary) -> float:
    """Root of the score function, the slow way."""
    a, s = boundary.offset, boundary.slope
    low, high = max(0.0, -a / s), min(1.0, (1.0 - a) / s)
    for _ in range(200):
        r = (low + high) / 2.0
        q = a + s * r
        if not (low < r < high and 0.0 < q < 1.0):
            break
        slope = s * (x / q - (n - x) / (1.0 - q)) + y / r - (m - y) / (1.0 - r)
        low, high = (r, high) if slope > 0.0 else (low, r)
    return (low + high) / 2.0


@given(tables(10**6, 10**7), boundaries)
def test_closed_form_agrees_with_bisection(table: tuple[int, int, int, int], boundary: Boundary) -> None:
    rest, group = restricted_rates(*table, boundary)
    assert float(rest) == pytest.approx(rate_by_bisection(*table, boundary), abs=1e-11)
    assert 0.0 <= group <= 1.0


@pytest.mark.parametrize("boundary", [Boundary(0.0, slope, True) for slope in (0.5, 0.8, 1.0, 1.25)])
def test_statistic_agrees_with_statsmodels(boundary: Boundary) -> None:
    """For differences other than 0 theirs is wrong up to 0.14.6 (statsmodels issue 10269): see the next test."""
    for x, n, y, m in ((7, 30, 200, 600), (45, 100, 1400, 2000), (3, 12, 30, 90), (1, 40, 7, 55), (28, 30, 55, 80)):
        theirs = proportions_test(x, n, y, m, value=boundary.slope, method="score", compare="ratio", correction=False)
        assert float(score_statistic(x, n, y, m, boundary)) == pytest.approx(theirs.statistic, rel=1e-9)


@pytest.mark.parametrize("difference", [-0.3, -0.05, 0.05, 0.1])
def test_restricted_rates_maximise_the_likelihood(difference: float) -> None:
    for x, n, y, m in ((7, 30, 200, 600), (45, 100, 1400, 2000), (3, 12, 30, 90), (1, 40, 7, 55), (28, 30, 55, 80)):

        def minus_log_likelihood(r: float, x: int = x, n: int = n, y: int = y, m: int = m) -> float:
            return -float(stats.binom.logpmf(x, n, r + difference) + stats.binom.logpmf(y, m, r))

        bounds = (max(0.0, -difference) + 1e-12, min(1.0, 1.0 - difference) - 1e-12)
        best = optimize.minimize_scalar(minus_log_likelihood, bounds=bounds, method="bounded", options={"xatol": 1e-10})
        rest, group = restricted_rates(x, n, y, m, Boundary(difference, 1.0, True))
        assert float(rest) == pytest.approx(best.x, abs=1e-5)
        assert float(group - rest) == pytest.approx(difference, abs=1e-14)


def test_published_interval_for_a_difference() -> None:
    """Fagerland, Lydersen & Laake (2015) print (0.028, 0.34) for 7/34 against 1/34."""
    for low, high, z, printed in ((0.0, 0.17, 1.96, 0.028), (0.18, 0.6, -1.96, 0.34)):
        limit = optimize.brentq(
            lambda d, z=z: float(score_statistic(7, 34, 1, 34, Boundary(d, 1.0, True))) - z, low, high
        )
        assert float(f"{limit:.2g}") == printed


@given(tables(500, 5_000), boundaries)
def test_counting_the_other_outcome_turns_the_sign(table: tuple[int, int, int, int], boundary: Boundary) -> None:
    x, n, y, m = table
    mirrored = Boundary(1.0 - boundary.offset - boundary.slope, boundary.slope, not boundary.counts_success)
    assert float(score_statistic(x, n, y, m, boundary)) == pytest.approx(
        -float(score_statistic(n - x, n, m - y, m, mirrored)), rel=1e-7, abs=1e-7
    )


@given(tables(60, 300), boundaries)
def test_statistic_rises_with_the_group_and_falls_with_the_rest(
    table: tuple[int, int, int, int], boundary: Boundary
) -> None:
    _, n, _, m = table
    z = score_statistic(np.arange(n + 1)[:, None], n, np.arange(m + 1), m, boundary)
    assert (np.diff(z, axis=0) >= -1e-9).all()
    assert (np.diff(z, axis=1) <= 1e-9).all()


def test_a_corner_without_variation_is_neither_above_nor_below() -> None:
    assert float(score_statistic(0, 5, 0, 9, margin_boundary("fail", True, "ratio", 0.8))) == 0.0
    assert float(score_statistic(5, 5, 9, 9, margin_boundary("pass", True, "ratio", 0.8))) == 0.0
    assert np.isnan(score_statistic(0, 0, 3, 9, margin_boundary("fail", True, "ratio", 0.8)))


@given(st.integers(1, 50), st.integers(1, 50))
def test_equal_rates_on_the_line_of_equality_score_zero(n: int, factor: int) -> None:
    equality = margin_boundary("fail", True, "difference", 0.0)
    assert float(score_statistic(n, 2 * n, n * factor, 2 * n * factor, equality)) == pytest.approx(0.0, abs=1e-12)
