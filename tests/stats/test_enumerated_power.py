"""The power from critical counts, against every count of group and rest, and what follows from it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made.enumerations import rejection_probabilities

from audit.stats.boundaries import Side, counted_rate, margin_boundary
from audit.stats.power import (
    EXACT_UP_TO,
    CriticalCounts,
    Design,
    Limit,
    critical_counts,
    enumerated_power,
    exact_power,
    failing_rate,
    farthest_rate,
    passing_edge,
    required_cases,
)
from audit.stats.score_test import FAIL_BETA, PASS_BETA

SETTINGS: list[tuple[Side, bool, float, float, float, int, int, float]] = [
    ("fail", True, 0.1, 0.8, 0.55, 30, 300, 0.05),
    ("fail", True, 0.1, 0.8, 0.5, 30, 300, 3e-3),
    ("fail", True, 0.1, 0.95, 0.7, 12, 100, 0.02),
    ("fail", False, 0.05, 0.1, 0.3, 40, 60, 0.01),
    ("fail", False, 0.05, 0.02, 0.2, 25, 400, 0.01),
    ("pass", True, 0.15, 0.8, 0.8, 60, 600, 0.05),
    ("pass", True, 0.2, 0.9, 0.9, 15, 40, 0.05),
    ("pass", False, 0.1, 0.05, 0.05, 30, 200, 0.05),
    ("pass", True, 0.25, 0.7, 0.7, 60, 50, 0.05),
]


@pytest.mark.parametrize(("side", "low", "margin", "rest", "own", "n", "m", "level"), SETTINGS)
def test_the_power_is_that_of_every_count_of_the_rest_asked_by_itself(
    side: Side, low: bool, margin: float, rest: float, own: float, n: int, m: int, level: float
) -> None:
    boundary = margin_boundary(side, low, "difference", margin)
    beta = FAIL_BETA if side == "fail" else PASS_BETA
    ours = float(enumerated_power(critical_counts(n, m, rest, boundary, level, beta), counted_rate(own, boundary)))
    (every,) = rejection_probabilities([own], n, rest, m, boundary, level, beta)
    assert ours == pytest.approx(every, abs=0.006)  # between counts of the rest it is interpolated


def test_a_rest_of_few_possible_counts_is_listed() -> None:
    boundary = margin_boundary("fail", True, "difference", 0.1)
    critical = critical_counts(10, 30, 0.95, boundary, 0.05)
    assert critical.weights.sum() == pytest.approx(1.0)
    (every,) = rejection_probabilities([0.5], 10, 0.95, 30, boundary, 0.05, FAIL_BETA)
    assert float(enumerated_power(critical, 0.5)) == pytest.approx(every, abs=1e-6)


def test_the_farthest_rate_has_just_the_power() -> None:
    critical = CriticalCounts(10, np.array([3.0, 4.0]), np.array([0.5, 0.5]))
    rate = farthest_rate(critical, 0.8)
    assert rate is not None
    assert float(enumerated_power(critical, rate)) == pytest.approx(0.8, abs=1e-6)
    assert farthest_rate(CriticalCounts(10, np.array([-1.0, 0.0]), np.array([0.5, 0.5])), 0.8) is None
    with pytest.raises(ValueError, match="power"):
        farthest_rate(critical, 1.0)


@pytest.mark.parametrize(
    ("low", "rate", "limit", "n", "m"),
    [
        (True, 0.8, 0.1, 60, 240),
        (True, 0.8, 0.1, 100, 100),
        (False, 0.8, 0.1, 12, 300),
        (True, 0.15, 0.05, 12, 300),
        (False, 0.15, 0.05, 60, 240),
        (False, 0.15, 0.05, 100, 100),
        (True, 0.95, 0.02, 12, 300),
        (False, 0.95, 0.02, 60, 240),
        (True, 0.95, 0.02, 100, 100),
    ],
)  # each size with each rate and with each direction
def test_what_is_said_to_be_decided_is_decided_with_the_power(
    low: bool, rate: float, limit: float, n: int, m: int
) -> None:
    """Among them counts with one p-value, which once led the search for the critical count astray."""
    side = Limit(low, "difference", limit, rate)
    failing = failing_rate(side, n, m, 0.01, 0.8)
    if failing is not None:
        boundary = margin_boundary("fail", low, "difference", limit)
        (power,) = rejection_probabilities([failing], n, rate, m, boundary, 0.01, FAIL_BETA)
        assert power == pytest.approx(0.8, abs=0.02)
        assert side.disparity(failing) > limit
    edge = passing_edge(side, n, m, 0.05, 0.8)
    widest = (rate if low else 1.0 - rate) - 1e-3
    at, nearer = (side.disparity(edge), 0.97 * side.disparity(edge)) if edge is not None else (None, widest)
    if at is not None:
        assert _passes(low, at, rate, n, m) >= 0.78
    assert _passes(low, nearer, rate, n, m) < 0.82


def _passes(low: bool, margin: float, rate: float, n: int, m: int) -> float:
    boundary = margin_boundary("pass", low, "difference", margin)
    return rejection_probabilities([rate], n, rate, m, boundary, 0.05, PASS_BETA)[0]


def test_where_no_gap_and_no_margin_would_do_there_is_none() -> None:
    side = Limit(True, "difference", 0.1, 0.8)
    assert failing_rate(side, 3, 1_000, 1e-4, 0.8) is None
    assert failing_rate(side, 100, 1_000, FAIL_BETA, 0.8) is None
    assert failing_rate(Limit(True, "difference", 0.1, 0.05), 1_000, 10_000, 0.05, 0.8) is None
    assert passing_edge(side, 2, 2, 0.05, 0.99) is None


def test_no_step_where_the_large_sample_power_takes_over() -> None:
    for side in (Limit(True, "difference", 0.1, 0.8), Limit(False, "ratio", 0.8, 0.1)):
        exact, large = (failing_rate(side, EXACT_UP_TO + more, 20_000, 1e-3, 0.8) for more in (0, 1))
        assert exact == pytest.approx(large, abs=0.02)
        exact, large = (passing_edge(side, EXACT_UP_TO + more, 20_000, 0.05, 0.8) for more in (0, 1))
        assert exact == pytest.approx(large, abs=0.02)


def test_a_group_many_times_as_large_as_its_rest_is_decided_by_the_rest() -> None:
    side = Limit(True, "difference", 0.1, 0.8)
    rate = failing_rate(side, 5_000, 20, 1e-3, 0.8)
    assert rate == failing_rate(side, 400, 20, 1e-3, 0.8)
    assert rate is not None
    boundary = margin_boundary("fail", True, "difference", 0.1)
    (power,) = rejection_probabilities([rate], 400, 0.8, 20, boundary, 1e-3, FAIL_BETA)
    assert power == pytest.approx(0.8, abs=0.02)


def test_a_ratio_is_a_ratio_whichever_way_harm_lies() -> None:
    assert Limit(True, "ratio", 0.8, 0.5).disparity(0.25) == 0.5
    assert Limit(False, "ratio", 0.8, 0.25).disparity(0.5) == 0.5
    assert Limit(True, "ratio", 0.8, 0.5).disparity(0.0) == 0.0
    assert Limit(True, "difference", 0.1, 0.5).disparity(0.2) == pytest.approx(0.3)


@settings(max_examples=8)
@given(st.floats(0.1, 0.9), st.integers(5, 80), st.booleans(), st.sampled_from([0.05, 0.005]))
def test_more_cases_decide_smaller_disparities_up_to_the_saw_tooth(
    rate: float, n: int, low: bool, level: float
) -> None:
    """A few cases more can lose what one count more costs; with half as many again there is always a gain."""
    side, m = Limit(low, "difference", 0.05, rate), 5_000
    few, more = (failing_rate(side, size, m, level, 0.8) for size in (n, n + n // 2 + 5))
    if few is not None:
        assert more is not None
        assert side.disparity(more) <= side.disparity(few) + 0.25 / n
    narrow, wide = (passing_edge(side, size, m, 0.05, 0.8) for size in (n + n // 2 + 5, n))
    if wide is not None:
        assert narrow is not None
        assert side.disparity(narrow) <= 1.01 * side.disparity(wide)


@pytest.mark.parametrize(
    ("low", "rate", "margin", "rest"),
    [(True, 0.8, 0.1, 1_000), (False, 0.1, 0.05, 20_000), (True, 0.97, 0.05, 500), (True, 0.5, 0.2, 200)],
)
def test_from_the_number_found_on_the_power_is_reached_and_before_it_is_not(
    low: bool, rate: float, margin: float, rest: int
) -> None:
    boundary = margin_boundary("pass", low, "difference", margin)
    design = Design(rate, rate, boundary, PASS_BETA, lambda _: rest, lambda _: 0.05)
    found = required_cases(design, 0.8)
    assert found is not None
    (power,) = rejection_probabilities([rate], found.cases, rate, rest, boundary, 0.05, PASS_BETA, at_most=60)
    assert found.power == pytest.approx(power, abs=0.02)
    assert all(
        exact_power(design, found.cases + more) >= 0.8 for more in range(0, found.cases // 5, found.cases // 25 + 1)
    )
    assert any(exact_power(design, found.cases - less) < 0.8 for less in range(1, 8))


def test_no_number_of_cases_where_none_is_enough() -> None:
    boundary = margin_boundary("pass", True, "difference", 0.05)
    assert required_cases(Design(0.7, 0.7, boundary, PASS_BETA, lambda _: 100, lambda _: 0.05), 0.8) is None
    # large samples promise 805 cases; counted, the power of a group of 20 times its rest is .62
    wide = Design(0.8, 0.8, margin_boundary("pass", True, "difference", 0.2), PASS_BETA, lambda _: 8, lambda _: 0.05)
    assert required_cases(wide, 0.8) is None
    assert exact_power(wide, 160) == pytest.approx(0.62, abs=0.02)
    fail = margin_boundary("fail", True, "difference", 0.1)
    assert required_cases(Design(0.5, 0.8, fail, FAIL_BETA, lambda _: 10_000, lambda _: 1e-7), 0.8) is None
    with pytest.raises(ValueError, match="power"):
        required_cases(Design(0.5, 0.8, fail, FAIL_BETA, lambda _: 10_000, lambda _: 0.01), 0.0)
