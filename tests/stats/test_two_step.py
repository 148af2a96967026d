"""Two steps: what a family's bounds promise, counted over every table, and who is chosen for them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from audit.stats.boundaries import Boundary, margin_boundary
from audit.stats.multiplicity import (
    BOUNDS_SHARE,
    all_bounds,
    largest_chances,
    method_by_sizes,
    planned_level,
    two_steps,
)
from audit.stats.score_test import exact_p

RATIO = margin_boundary("fail", True, "ratio", 0.8)
MARGIN = margin_boundary("fail", True, "difference", 0.1)
WRONGLY_FLAGGED = margin_boundary("fail", False, "ratio", 0.8)


@pytest.mark.parametrize(
    ("n", "m", "own", "rest", "boundary"),
    [
        (20, 40, 0.56, 0.7, RATIO),
        (18, 60, 0.5, 0.5, MARGIN),
        (20, 40, 0.875, 0.9, WRONGLY_FLAGGED),
    ],
)
def test_no_charge_is_below_the_chance_of_that_p_value_but_for_a_tenth_of_the_level(
    n: int, m: int, own: float, rest: float, boundary: Boundary
) -> None:
    """Every table of a group within the limit: how likely are those whose charges promise too little?"""
    level = 0.2
    x, y = (table.ravel().astype(float) for table in np.meshgrid(np.arange(n + 1), np.arange(m + 1), indexing="ij"))
    chance = stats.binom.pmf(x, n, own) * stats.binom.pmf(y, m, rest)
    p = exact_p(x, np.full(x.shape, n), y, np.full(x.shape, m), boundary)
    thresholds = (0.001, 0.01, 0.05, 0.1, 0.2)
    true = {threshold: float(chance[p <= threshold].sum()) for threshold in thresholds}
    # each table as the only group of a family of that level
    bounds = all_bounds(x, np.full(x.shape, n), y, np.full(x.shape, m), boundary, level * x.size)
    too_low = [largest_chances(bounds, threshold) < true[threshold] - 1e-12 for threshold in thresholds]
    broken = float(chance[np.logical_or.reduce(too_low)].sum())
    assert broken <= BOUNDS_SHARE * level
    assert true[0.05] <= 0.05


def test_the_bound_of_a_rate_is_that_of_clopper_and_pearson_at_its_part_of_a_tenth() -> None:
    n, x = np.array([400.0, 900.0]), np.array([300.0, 600.0])
    bounds = all_bounds(x, n, np.full(2, 7_000.0), np.full(2, 10_000.0), RATIO, 0.01)
    assert bounds.rate == pytest.approx(stats.beta.ppf(0.7 * 0.1 * 0.01 / 2, x, n - x + 1))
    # a rest of 70 % can, but for a tenth of that part each, be of r, show 1 - F more, and be taken for higher still
    part = 0.1 * 0.1 * 0.01 / 2
    highest = stats.beta.ppf(1 - part, 7_001, 3_000)
    shown = stats.binom.isf(part, 10_000, highest)
    assert bounds.edge == pytest.approx(0.8 * stats.beta.ppf(0.95, shown + 1, 10_000 - shown), rel=1e-3)


def test_who_is_surely_within_the_limit_costs_nothing_and_who_is_not_is_charged_in_full() -> None:
    n = np.array([3_000.0, 3_000.0, 50.0])
    x, m, y = np.array([2_100.0, 1_700.0, 35.0]), np.full(3, 50_000.0), np.full(3, 35_000.0)
    bounds = all_bounds(x, n, y, m, RATIO, 0.01)
    assert largest_chances(bounds, 0.005) == pytest.approx([0.0, 0.005, 0.005], abs=1e-9)


def test_with_nobody_surely_within_it_is_holms_procedure_at_nine_tenths_of_the_level() -> None:
    n, x = np.full(4, 40.0), np.full(4, 24.0)
    p = np.array([0.0089, 0.0119, 0.5, 0.0181])
    rejected, level = two_steps(p, all_bounds(x, n, np.full(4, 700.0), np.full(4, 1_000.0), RATIO, 0.04), 0.04)
    assert rejected.tolist() == [True, True, False, False]
    assert level == pytest.approx([0.018] * 4)


def test_sizes_and_the_plan_choose_and_a_bad_group_then_has_more_than_by_discarding() -> None:
    large, small = np.full(22, 1_500.0), np.full(22, 300.0)
    few, tiny = np.array([20_000.0, 20_000.0, 30.0]), np.full(3, 100.0)
    chosen = [method_by_sizes(n, n.sum() - n, 0.7, RATIO, 0.0054) for n in (large, small, few, tiny)]
    assert chosen == ["any_dependence", "discarding", "any_dependence", "discarding"]
    assert planned_level(large, large.sum() - large, 0.7, RATIO, 0.0054) > 0.85 * 0.0054
    assert planned_level(small, small.sum() - small, 0.7, RATIO, 0.0054) == pytest.approx(0.9 * 0.0054 / 22, rel=0.2)


def test_where_no_group_could_be_beyond_the_limit_at_the_expected_rate_nothing_is_chosen() -> None:
    n = np.full(5, 10_000.0)
    none = margin_boundary("fail", True, "difference", 0.0)
    chosen = [method_by_sizes(n, n.sum() - n, *of, 0.01) for of in ((0.05, MARGIN), (0.5, MARGIN), (0.5, none))]
    assert chosen == ["discarding", "any_dependence", "discarding"]
    assert method_by_sizes([], [], 0.5, MARGIN, 0.01) == "discarding"
