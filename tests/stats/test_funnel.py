from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.stats import power
from audit.stats.boundaries import Boundary, margin_boundary
from audit.stats.multiplicity import reject_family
from audit.stats.power import largest_rejected
from audit.stats.score_test import FAIL_BETA, PASS_BETA, exact_p, exact_rejects, screened_p

FAIL_SIDES = [
    margin_boundary("fail", low, scale, limit)  # type: ignore[arg-type]
    for low in (True, False)
    for scale, limit in (("ratio", 0.8), ("difference", 0.05), ("difference", 0.0))
]
PASS_SIDES = [margin_boundary("pass", True, "ratio", 0.8), margin_boundary("pass", False, "difference", 0.1)]


@st.composite
def families(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    n = np.array(draw(st.lists(st.integers(1, 90), min_size=2, max_size=25)), dtype=float)
    rate = draw(st.floats(0.05, 0.95))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    spread = draw(st.sampled_from([0.0, 0.3]))
    return rng.binomial(n.astype(int), np.clip(rate + spread * rng.normal(size=n.size), 0.0, 1.0)).astype(float), n


@given(families(), st.sampled_from(FAIL_SIDES), st.sampled_from([0.045, 0.2]))
def test_a_group_lies_outside_the_funnel_exactly_where_it_fails(
    family: tuple[np.ndarray, np.ndarray], boundary: Boundary, level: float
) -> None:
    """Every group of the family, with its own rest and the level that it was held against."""
    x, n = family
    y, m = x.sum() - x, n.sum() - n
    p = screened_p(x, n, y, m, boundary, FAIL_BETA, 2.0 * max(level, 0.05)).p
    decision = reject_family(p, x, n, y, m, boundary, level)
    limits = largest_rejected(n, y, m, boundary, decision.local_level)
    assert ((x <= limits) == decision.rejected).all()


@given(families(), st.sampled_from(PASS_SIDES))
def test_a_group_lies_inside_the_funnel_exactly_where_it_passes(
    family: tuple[np.ndarray, np.ndarray], boundary: Boundary
) -> None:
    x, n = family
    y, m = x.sum() - x, n.sum() - n
    limits = largest_rejected(n, y, m, boundary, 0.05, PASS_BETA)
    assert ((x <= limits) == (exact_p(x, n, y, m, boundary, PASS_BETA) <= 0.05)).all()


@pytest.mark.parametrize("boundary", [*FAIL_SIDES, *PASS_SIDES])
def test_is_the_limit_among_all_counts(boundary: Boundary) -> None:
    """Enumerated: of 0 to n, the largest count that the test rejects."""
    for n, y, m, level in ((1, 700, 1_000, 0.5), (17, 65, 100, 0.04), (60, 1_500, 2_000, 0.001), (40, 1, 900, 0.05)):
        p = exact_p(np.arange(n + 1), n, y, m, boundary)
        rejected = np.flatnonzero(p <= level)
        assert int(largest_rejected(n, y, m, boundary, level)) == (rejected.max() if rejected.size else -1)


def test_no_level_no_rejection() -> None:
    assert int(largest_rejected(100, 500, 1_000, FAIL_SIDES[0], 0.0)) == -1
    assert largest_rejected([], [], [], FAIL_SIDES[0], 0.05).size == 0


def test_few_exact_tests_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The asymptotic test points to within a few counts of the answer, at any size and any level."""
    asked = []

    def counted(x: np.ndarray, *others: Any) -> np.ndarray:
        asked.append(x.size)
        return exact_rejects(x, *others)

    monkeypatch.setattr(power, "exact_rejects", counted)
    n = np.array([5, 30, 200, 1_000, 8_000, 30_000])
    largest_rejected(n, 140_000, 200_000, FAIL_SIDES[0], np.array([1e-2, 1e-3, 1e-4, 1e-4, 1e-3, 1e-5]))
    assert sum(asked) <= 5 * n.size
