from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from audit.stats.boundaries import margin_boundary
from audit.stats.multiplicity import Method, reject_family
from audit.stats.score_test import exact_p

RATIO = margin_boundary("fail", True, "ratio", 0.8)
METHODS: list[Method] = ["discarding", "any_dependence"]


@st.composite
def families(draw: st.DrawFn) -> tuple[list[float], list[int], list[int]]:
    sizes = draw(st.lists(st.integers(0, 400), min_size=2, max_size=30))
    counts = [draw(st.integers(0, n)) for n in sizes]
    return [draw(st.one_of(st.floats(0, 1e-4), st.floats(0, 1))) for _ in sizes], counts, sizes


@given(families(), st.sampled_from(METHODS), st.floats(1e-4, 0.05))
def test_rejected_is_what_reaches_its_level(
    family: tuple[list[float], list[int], list[int]], method: Method, level: float
) -> None:
    p, x, n = (np.array(values, dtype=float) for values in family)
    y, m = x.sum() - x, n.sum() - n
    # A p-value below what its own counts allow is no p-value; the family's bookkeeping rests on that.
    p = np.maximum(p, exact_p(x, n, y, m, RATIO))
    outcome = reject_family(p, x, n, y, m, RATIO, level, method)
    assert (outcome.local_level <= level * (1 + 1e-12)).all()
    assert (outcome.rejected == (p <= outcome.local_level)).all()
    assert not outcome.rejected[n == 0].any()


@given(families(), st.sampled_from(METHODS), st.randoms(use_true_random=False))
def test_order_does_not_matter_and_smaller_p_reject_no_less(
    family: tuple[list[float], list[int], list[int]], method: Method, random: np.random.Generator
) -> None:
    p, x, n = (np.array(values, dtype=float) for values in family)
    y, m = x.sum() - x, n.sum() - n
    rejected = reject_family(p, x, n, y, m, RATIO, 0.045, method).rejected
    order = np.arange(p.size)
    random.shuffle(order)
    shuffled = reject_family(p[order], x[order], n[order], y[order], m[order], RATIO, 0.045, method).rejected
    assert (shuffled == rejected[order]).all()
    fewer = reject_family(p / 3.0, x, n, y, m, RATIO, 0.045, method).rejected
    assert (fewer >= rejected).all()


def test_small_families_keep_every_group_and_share_the_level() -> None:
    """With nothing discarded and equal sizes this is Holm's procedure."""
    n, m = np.full(4, 300.0), 900.0
    p = np.array([0.0101, 0.013, 0.9, 0.03])
    x, y = np.array([200.0, 200.0, 250.0, 210.0]), 630.0
    outcome = reject_family(p, x, n, y, m, RATIO, 0.04)
    assert outcome.rejected.tolist() == [False, False, False, False]
    outcome = reject_family(np.array([0.0099, 0.013, 0.9, 0.03]), x, n, y, m, RATIO, 0.04)
    assert outcome.rejected.tolist() == [True, True, False, False]
    assert outcome.local_level == pytest.approx(0.02, rel=1e-6)


def test_groups_that_cannot_reach_the_level_cost_nothing() -> None:
    """20 groups of 1 leave the whole level to the two that can use it."""
    n = np.concatenate([[400.0, 400.0], np.ones(17)])
    x = np.concatenate([[200.0, 300.0], np.ones(17)])
    y, m = np.full(n.size, 3_000.0), np.full(n.size, 4_000.0)
    outcome = reject_family(np.full(n.size, 0.9), x, n, y, m, RATIO, 0.04)
    assert outcome.local_level[0] == pytest.approx(0.02, rel=1e-6)


def test_discarding_spares_the_level_for_the_worse_half() -> None:
    """40 groups of 300: 38 above their null median leave a level of about .5 x .04 / 2 to each of the others."""
    n = np.full(40, 300.0)
    x = np.full(40, 250.0)
    x[:2] = 150.0
    y, m = x.sum() - x, n.sum() - n
    outcome = reject_family(np.where(x == 150.0, 0.02, 0.99), x, n, y, m, RATIO, 0.04)
    assert outcome.local_level[0] == pytest.approx(0.5 * 0.04 / 2, rel=0.06)


def test_lower_bounds_spare_the_level_where_groups_are_clearly_within() -> None:
    """39 groups of 3,000 that are surely better than the edge cost next to nothing under any dependence."""
    n = np.full(40, 3_000.0)
    x = np.full(40, 2_100.0)
    n[0], x[0] = 100.0, 40.0
    y, m = x.sum() - x, n.sum() - n
    outcome = reject_family(np.where(n == 100.0, 0.03, 1.0), x, n, y, m, RATIO, 0.04, "any_dependence")
    assert outcome.local_level[0] == pytest.approx(0.04, rel=0.01)
    assert outcome.rejected.tolist() == [True] + [False] * 39


def test_a_margin_of_zero_weighs_everyone_alike() -> None:
    equality = margin_boundary("fail", True, "difference", 0.0)
    n = np.array([100.0, 1_000.0, 10_000.0])
    x, y, m = np.round(n * 0.5), np.full(3, 5_000.0), np.full(3, 10_000.0)
    assert np.ptp(reject_family(np.full(3, 0.9), x, n, y, m, equality, 0.03).local_level) == 0.0


def test_groups_without_cases_or_rest_are_not_part_of_the_family() -> None:
    x, n, y, m = [0.0, 3.0, 0.0], [0.0, 9.0, 9.0], [9.0, 0.0, 0.0], [20.0, 0.0, 30.0]
    for method in METHODS:
        outcome = reject_family([0.0, 0.0, 0.0], x, n, y, m, RATIO, 0.05, method)
        assert outcome.rejected.tolist() == [False, False, False]
        assert outcome.local_level.tolist() == [0.0, 0.0, 0.0]
    assert reject_family([], [], [], [], [], RATIO, 0.05).rejected.shape == (0,)


def test_impossible_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown method"):
        reject_family([0.5], [1], [2], [3], [9], RATIO, 0.05, "holm")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="level"):
        reject_family([0.5], [1], [2], [3], [9], RATIO, 0.0)
    for p in (np.nan, 1.1, -0.1):
        with pytest.raises(ValueError, match="p-values"):
            reject_family([p], [1], [2], [3], [9], RATIO, 0.05)


@pytest.mark.parametrize("method", METHODS)
def test_family_wise_error_at_a_known_rest(method: Method) -> None:
    """50 independent groups on the edge of a rest so large that it is known: 4.5 % up to discreteness and noise."""
    rng = np.random.default_rng(6)
    n, m, y = np.repeat([20.0, 60.0, 200.0, 600.0, 2_000.0], 10), np.full(50, 1e9), np.full(50, 7e8)
    counts = np.arange(2_001.0)
    law = {size: stats.binom.cdf(counts, size, 0.56) for size in np.unique(n)}
    false, runs = 0, 400
    for _ in range(runs):
        x = rng.binomial(n.astype(int), 0.56)
        p = np.array([law[size][k] for size, k in zip(n, x, strict=True)])
        false += bool(reject_family(p, x, n, y, m, RATIO, 0.045, method).rejected.any())
    assert false / runs <= 0.045 + 3 * np.sqrt(0.045 * 0.955 / runs)
    assert false / runs >= 0.02
