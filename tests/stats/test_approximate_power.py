from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.enumerations import rejection_probabilities
from scipy.special import ndtri

from audit.stats.boundaries import Scale, Side, margin_boundary
from audit.stats.power import cases_to_decide, cases_to_pass, rejection_power, smallest_decidable_gap
from audit.stats.score_test import FAIL_BETA, PASS_BETA

PLANS: list[tuple[bool, Scale, float, float, int]] = [
    (True, "ratio", 0.8, 0.7, 300),
    (True, "ratio", 0.8, 0.9, 100_000),
    (True, "ratio", 0.8, 0.5, 3_000),
    (True, "ratio", 0.8, 0.1, 100_000),
    (False, "ratio", 0.8, 0.7, 300),
    (False, "ratio", 0.8, 0.5, 3_000),
    (True, "difference", 0.05, 0.9, 300),
    (True, "difference", 0.05, 0.7, 100_000),
    (False, "difference", 0.05, 0.1, 3_000),
    (True, "difference", 0.1, 0.7, 3_000),
    (True, "difference", 0.1, 0.1, 3_000),
    (False, "difference", 0.1, 0.1, 300),
]


@pytest.mark.parametrize(("low_is_worse", "scale", "margin", "rate", "m"), PLANS)
def test_enumerated_power_at_the_planned_size(
    low_is_worse: bool, scale: Scale, margin: float, rate: float, m: int
) -> None:
    boundary = margin_boundary("pass", low_is_worse, scale, margin)
    n = float(cases_to_pass(rate, m, boundary))
    (power,) = rejection_probabilities([rate], int(n), rate, m, boundary, 0.05, PASS_BETA, at_most=40)
    assert 0.75 <= power <= 0.88


@pytest.mark.parametrize(
    ("low_is_worse", "group", "rest", "level"),
    [(True, 0.42, 0.7, 0.05), (True, 0.42, 0.7, 3e-4), (False, 0.2, 0.1, 3e-4), (True, 0.05, 0.1, 0.05)],
)
def test_enumerated_power_of_a_group_beyond_the_margin(
    low_is_worse: bool, group: float, rest: float, level: float
) -> None:
    boundary = margin_boundary("fail", low_is_worse, "ratio", 0.8)
    n = float(cases_to_decide(group, rest, 20_000, boundary, level))
    (power,) = rejection_probabilities([group], int(n), rest, 20_000, boundary, level, FAIL_BETA, at_most=40)
    assert 0.75 <= power <= 0.88
    gap = float(smallest_decidable_gap(n, 20_000, rest, boundary, level))
    assert gap == pytest.approx(abs(group - rest), rel=0.05)


@given(st.floats(0.05, 0.95), st.floats(0.02, 0.2), st.sampled_from(["fail", "pass"]), st.integers(1, 10**5))
def test_gap_and_cases_are_inverse(rest: float, excess: float, side: Side, m: int) -> None:
    if side == "pass":
        boundary = margin_boundary("pass", True, "difference", excess)
        n = cases_to_pass(rest, m, boundary)
        assert not np.isfinite(n) or float(rejection_power(rest, n, rest, m, boundary, 0.05)) >= 0.8
        return
    boundary = margin_boundary("fail", True, "ratio", 0.8)
    group = max(0.0, 0.8 * rest - excess)
    n = cases_to_decide(group, rest, m, boundary)
    if np.isfinite(n):
        assert float(smallest_decidable_gap(n, m, rest, boundary)) <= rest - group + 1e-9


def test_planning_agrees_with_the_textbook_formula() -> None:
    """``n = (z_alpha s_b + z_power s)^2 / (margin^2 - ...)``, s_b on the edge, for a rest of 199 n.

    Ours is a few per cent larger at so high a power, where a binomial's tail is heavier than the normal one.
    """
    per_group = 1.0 - (1.0 - 0.8 ** (1 / 200)) / 2.0
    for rate, edge, low_is_worse in ((0.7, 0.65, True), (0.1, 0.15, False)):
        spread, edge_spread = np.sqrt(rate * (1.0 - rate)), np.sqrt(edge * (1.0 - edge))
        textbook = ((ndtri(0.95) * edge_spread + ndtri(per_group) * spread) / 0.05) ** 2 * (1.0 + 1.0 / 199.0)
        boundary = margin_boundary("pass", low_is_worse, "difference", 0.05)
        ours = float(cases_to_pass(rate, 199 * textbook, boundary, power=per_group))
        assert 1.0 <= ours / textbook <= 1.07


def test_a_rest_that_is_too_small_is_never_enough() -> None:
    boundary = margin_boundary("pass", True, "difference", 0.05)
    needed = cases_to_pass(0.7, [100, 500, 5_000, 500_000], boundary)
    assert needed[0] == np.inf
    assert (np.diff(needed[1:]) <= 0).all()
    assert cases_to_pass(0.7, 10**6, margin_boundary("pass", True, "difference", 0.0)) == np.inf


def test_a_group_on_the_edge_is_never_decided() -> None:
    boundary = margin_boundary("fail", True, "ratio", 0.8)
    assert cases_to_decide([0.56, 0.6, 0.9], 0.7, 10**6, boundary).tolist() == [np.inf, np.inf, np.inf]
    assert smallest_decidable_gap([3, 0], [1_000, 1_000], 0.1, boundary)[0] == np.inf
    assert np.isnan(smallest_decidable_gap([3, 0], [1_000, 1_000], 0.1, boundary)[1])


def test_more_cases_never_lose_power() -> None:
    boundary = margin_boundary("pass", False, "ratio", 0.8)
    power = rejection_power(0.3, np.arange(1, 3_000), 0.3, 5_000, boundary, 0.05)
    assert (np.diff(power) >= -1e-12).all()
    assert np.isnan(rejection_power(0.3, 0, 0.3, 5_000, boundary, 0.05))
    assert float(rejection_power(0.01, 50, 0.04, 500, margin_boundary("fail", True, "difference", 0.05), 0.05)) == 0.0


def test_impossible_power_is_refused() -> None:
    boundary = margin_boundary("pass", True, "ratio", 0.8)
    with pytest.raises(ValueError, match="power"):
        cases_to_pass(0.5, 100, boundary, power=1.0)
    with pytest.raises(ValueError, match="power"):
        smallest_decidable_gap(10, 100, 0.5, boundary, power=0.0)
