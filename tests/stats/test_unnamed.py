from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from audit.stats.boundaries import Boundary, margin_boundary
from audit.stats.multiplicity import unnamed_p
from audit.stats.score_test import exact_p, screened_p

RATIO = margin_boundary("fail", True, "ratio", 0.8)
WRONGLY_FLAGGED = margin_boundary("fail", False, "ratio", 0.8)
SIDES = [RATIO, WRONGLY_FLAGGED, margin_boundary("fail", True, "difference", 0.05)]


@st.composite
def families(draw: st.DrawFn, most: int = 25) -> tuple[list[int], list[int]]:
    sizes = draw(st.lists(st.integers(0, 200), min_size=2, max_size=most))
    return [draw(st.integers(0, n)) for n in sizes], sizes


def test_is_fishers_sum_over_the_survivors_each_made_up_for_its_survival() -> None:
    """Three groups of 40 below their median, two above it: SciPy's Fisher over p / P(X <= median)."""
    n, x = np.full(5, 40.0), np.array([15.0, 14.0, 12.0, 35.0, 36.0])
    m, y = np.full(5, 4_000.0), np.full(5, 2_800.0)
    p = exact_p(x, n, y, m, RATIO)
    outcome = unnamed_p(p, x, n, y, m, RATIO)
    rest = ((x + y + 0.5) * 4_040 / 4_041) / (40 * 0.8 + 4_000)
    edge = 0.8 * rest[:3]
    median = stats.binom.ppf(0.5, 40, edge)
    top = np.where(stats.binom.cdf(median, 40, edge) <= 0.5, median, median - 1.0)
    expected = stats.combine_pvalues(p[:3] / stats.binom.cdf(top, 40, edge), method="fisher").pvalue
    assert outcome.survivors == 3
    assert outcome.p == pytest.approx(float(expected), rel=1e-9)


def test_nobody_who_points_towards_harm_is_no_evidence() -> None:
    n, x = np.full(4, 50.0), np.full(4, 50.0)
    for nobody in (
        unnamed_p(np.ones(4), x, n, 3 * x, 3 * n, RATIO),
        unnamed_p([], [], [], [], [], RATIO),
        unnamed_p([0.01], [0], [0], [1], [2], RATIO),
    ):
        assert nobody.at_least(0.5) == 0
        assert nobody == (1.0, 0, ())


@given(families(5), st.sampled_from(SIDES), st.sampled_from([0.3, 0.05, 0.001]))
def test_the_number_beyond_is_that_of_closed_testing_by_every_intersection(
    family: tuple[list[int], list[int]], boundary: Boundary, level: float
) -> None:
    """A set of groups is rejected if every set that holds it is; the largest that is not gives the number."""
    x, n = (np.array(values, dtype=float) for values in family)
    y, m = x.sum() - x, n.sum() - n
    p = screened_p(x, n, y, m, boundary).p
    sets = [np.array(chosen, dtype=bool) for chosen in product([False, True], repeat=n.size)]
    tests = [unnamed_p(p[some], x[some], n[some], y[some], m[some], boundary) for some in sets]
    local = [test.survivors > 1 and test.p <= level for test in tests]
    closed = [all(reject for other, reject in zip(sets, local, strict=True) if (other >= some).all()) for some in sets]
    not_rejected = max(int(some.sum()) for some, reject in zip(sets, closed, strict=True) if not reject)
    assert unnamed_p(p, x, n, y, m, boundary).at_least(level) == n.size - not_rejected
    # nobody is named by it
    assert not any(reject for some, reject in zip(sets, closed, strict=True) if some.sum() == 1)


def test_a_number_is_smaller_than_that_of_the_groups_that_point_towards_harm() -> None:
    """Ten groups at 10 % beside forty at 70 %: nine of them at least, and none by name."""
    n = np.full(50, 60.0)
    x = np.where(np.arange(50) < 10, 6.0, 42.0)
    y, m = x.sum() - x, n.sum() - n
    found = unnamed_p(screened_p(x, n, y, m, RATIO).p, x, n, y, m, RATIO)
    assert (found.survivors, found.at_least(0.01)) == (10, 9)


def test_a_p_value_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        unnamed_p([1.5], [1], [2], [3], [4], RATIO)


@given(families(), st.sampled_from(SIDES), st.randoms(use_true_random=False))
def test_order_changes_no_bit_and_more_harm_is_more_evidence(
    family: tuple[list[int], list[int]], boundary: Boundary, random: np.random.Generator
) -> None:
    x, n = (np.array(values, dtype=float) for values in family)
    y, m = x.sum() - x, n.sum() - n
    p = screened_p(x, n, y, m, boundary).p
    outcome = unnamed_p(p, x, n, y, m, boundary)
    order = np.arange(n.size)
    random.shuffle(order)
    assert unnamed_p(p[order], x[order], n[order], y[order], m[order], boundary) == outcome
    assert 0.0 <= outcome.p <= 1.0
    assert unnamed_p(p / 2.0, x, n, y, m, boundary).p <= outcome.p


def test_a_groups_own_count_does_not_move_its_threshold() -> None:
    """200 groups of 5: survival is the same question for each of them, whatever it counted itself."""
    n = np.full(200, 5.0)
    x = np.array([4.0] * 60 + [3.0] * 16 + [2.0] * 4 + [5.0] * 120)
    y, m = x.sum() - x, n.sum() - n
    outcome = unnamed_p(screened_p(x, n, y, m, WRONGLY_FLAGGED).p, x, n, y, m, WRONGLY_FLAGGED)
    assert outcome.survivors in (80, 20)
    assert outcome.p > 0.01


@pytest.mark.parametrize(
    ("groups", "size", "boundary", "rest"),
    [(200, 5, WRONGLY_FLAGGED, 0.925), (60, 40, RATIO, 0.78), (22, 100, SIDES[2], 0.72)],
)
def test_half_on_the_margin_is_called_beyond_it_at_most_at_the_level(
    groups: int, size: int, boundary: Boundary, rest: float
) -> None:
    rng, runs, n = np.random.default_rng(3), 150, np.full(groups, size)
    on_edge = np.arange(groups) % 2 == 0
    # the others at `rest`, and the edge to the mixture that half of them and half of these make up
    total, own = float(n.sum()), float(size)
    low = rest
    for _ in range(50):
        everyone = (n * np.where(on_edge, low, rest)).sum()
        low = float(boundary.edge((everyone - own * low) / (total - own)))
    x = rng.binomial(n, np.where(on_edge, low, rest), (runs, groups))
    y, m = x.sum(axis=1, keepdims=True) - x, n.sum() - n
    all_n, all_m = (np.broadcast_to(of, x.shape).ravel() for of in (n, m))
    p = screened_p(x.ravel(), all_n, y.ravel(), all_m, boundary).p.reshape(x.shape)
    events = sum(unnamed_p(own, of, n, rest, m, boundary).p <= 0.01 for own, of, rest in zip(p, x, y, strict=True))
    assert events / runs <= 0.01 + 3.0 * np.sqrt(0.01 * 0.99 / runs)


def test_many_small_gaps_that_nobody_could_be_named_for_are_found_together() -> None:
    """Every tenth of 200 groups of 100 at .45 against .70: in half of the audits at least."""
    rng, n = np.random.default_rng(8), np.full(200, 100)
    rates = np.where(np.arange(200) % 10 == 0, 0.45, 0.70)
    found = 0
    for _ in range(40):
        x = rng.binomial(n, rates)
        y, m = x.sum() - x, n.sum() - n
        found += unnamed_p(screened_p(x, n, y, m, RATIO).p, x, n, y, m, RATIO).p <= 0.01
    assert found >= 20
