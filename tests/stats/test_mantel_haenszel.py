"""Mantel-Haenszel estimates and stratified score intervals, against published examples and other people's code."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats
from statsmodels.stats.contingency_tables import StratifiedTable
from statsmodels.stats.proportion import confint_proportions_2indep

from audit.stats.mantel_haenszel import (
    LEAST_EXPECTED,
    StratumPairs,
    common_difference,
    common_ratio,
    conditioning_shift,
    difference_interval,
    ratio_interval,
    same_in_all_strata,
)

Row = tuple[int, int, int, int]

TOLBUTAMIDE: list[Row] = [(8, 106, 5, 120), (22, 98, 16, 85)]
"""Deaths in the University Group Diabetes Program under 55 and above: Rothman, Epidemiology: An Introduction, ch. 8."""
THREE_TRIALS: list[Row] = [(21, 41, 2, 12), (14, 31, 12, 34), (11, 23, 9, 16)]
"""From the tests of MetidaFreq.jl, with the answer of metafor's rma.mh(measure = "RD")."""


def pairs_of(*strata: Row) -> StratumPairs:
    x, n, y, m = (np.array(column) for column in zip(*strata, strict=True))
    return StratumPairs.of_counts(x, n, y, m, np.zeros(len(strata), dtype=np.int64), 1)


def strata(largest: int, *, least: int = 1) -> st.SearchStrategy[list[Row]]:
    side = st.integers(least, largest).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
    return st.lists(st.tuples(side, side).map(lambda both: (*both[0], *both[1])), min_size=1, max_size=6)


def test_the_textbook_example() -> None:
    pairs = pairs_of(*TOLBUTAMIDE)
    assert common_difference(pairs)[0] == pytest.approx(0.035, abs=5e-4)
    assert common_ratio(pairs)[0] == pytest.approx(1.33, abs=5e-3)


def test_difference_and_satos_standard_error_are_those_of_metafor() -> None:
    value, error = common_difference(pairs_of(*THREE_TRIALS))
    assert (float(value[0]), float(error[0])) == pytest.approx((0.114863, 0.082751), abs=5e-7)


@given(strata(60))
def test_ratio_agrees_with_statsmodels(rows: list[Row]) -> None:
    value, error = common_ratio(pairs_of(*rows))
    tables = [np.array([[x, n - x], [y, m - y]]) for x, n, y, m in rows]
    if not any(y for *_, y, _ in rows):
        assert np.isnan(value[0])
        return
    table = StratifiedTable([each.astype(np.float64) for each in tables])
    assert float(value[0]) == pytest.approx(float(table.riskratio_pooled), rel=1e-12)
    assert np.isnan(error[0]) == (not any(x for x, *_ in rows))


@pytest.mark.parametrize(
    ("row", "low", "high"),
    [
        ((56, 70, 48, 80), 0.0528, 0.3382),
        ((9, 10, 3, 10), 0.1700, 0.8406),
        ((5, 56, 0, 29), -0.0326, 0.1933),
        ((10, 10, 0, 10), 0.6636, 1.0),
    ],
)
def test_one_stratum_gives_the_interval_of_miettinen_and_nurminen(row: Row, low: float, high: float) -> None:
    """Newcombe (1998), Statistics in Medicine 17, 873-890, table II, method 6."""
    found = difference_interval(pairs_of(row))
    assert (float(found[0][0]), float(found[1][0])) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize("row", [(3, 20, 10, 200), (15, 40, 30, 60), (1, 9, 50, 60)])
def test_one_stratum_gives_the_score_interval_of_statsmodels_for_ratios(row: Row) -> None:
    found = ratio_interval(pairs_of(row))
    expected = confint_proportions_2indep(*row, method="score", compare="ratio", correction=True)
    assert (float(found[0][0]), float(found[1][0])) == pytest.approx(expected, rel=1e-6)


def score(rows: Sequence[Row], value: float, ratio: bool) -> float:
    """The stratified statistic with rates found by a general optimiser."""
    top, spread = 0.0, 0.0
    for x, n, y, m in rows:

        def unlikely(q: float, x: int = x, n: int = n, y: int = y, m: int = m) -> float:
            p = q * value if ratio else q + value
            return float(-stats.binom.logpmf(x, n, p) - stats.binom.logpmf(y, m, q))

        bounds = (1e-12, min(1.0, 1.0 / value) - 1e-12) if ratio else (max(0.0, -value) + 1e-12, min(1.0, 1.0 - value))
        q = float(optimize.minimize_scalar(unlikely, bounds=bounds, method="bounded", options={"xatol": 1e-12}).x)
        p, factor = (q * value, value) if ratio else (q + value, 1.0)
        weight = n * m / (n + m)
        top += weight * (x / n - factor * y / m - (0.0 if ratio else value))
        spread += weight**2 * (p * (1 - p) / n + factor**2 * q * (1 - q) / m) * (n + m) / (n + m - 1)
    return float(top / np.sqrt(spread))


@pytest.mark.parametrize("rows", [TOLBUTAMIDE, THREE_TRIALS, [(1, 3, 4, 6), (0, 2, 5, 9), (2, 2, 1, 1)]])
def test_limits_are_where_the_stratified_statistic_is_1_96(rows: list[Row]) -> None:
    (low,), (high,) = difference_interval(pairs_of(*rows))
    assert score(rows, low, ratio=False) == pytest.approx(1.959964, abs=1e-4)
    assert score(rows, high, ratio=False) == pytest.approx(-1.959964, abs=1e-4)
    (low,), (high,) = ratio_interval(pairs_of(*rows))
    assert score(rows, low, ratio=True) == pytest.approx(1.959964, abs=1e-4)
    assert score(rows, high, ratio=True) == pytest.approx(-1.959964, abs=1e-4)


@given(strata(30))
def test_intervals_hold_their_estimate_and_turn_round_with_the_sides(rows: list[Row]) -> None:
    pairs, swapped = pairs_of(*rows), pairs_of(*((y, m, x, n) for x, n, y, m in rows))
    (value,), (low,), (high,) = common_difference(pairs)[0], *difference_interval(pairs)
    assert -1.0 <= low <= value + 1e-12
    assert value - 1e-12 <= high <= 1.0
    assert low < high or abs(value) == 1.0
    assert [float(end[0]) for end in difference_interval(swapped)] == pytest.approx([-high, -low], abs=1e-9)
    (ratio,), (low,), (high,) = common_ratio(pairs)[0], *ratio_interval(pairs)
    if np.isnan(ratio):
        assert np.isnan(low) or high == np.inf
        return
    assert low <= ratio * (1 + 1e-9)
    assert ratio <= high * (1 + 1e-9)
    if low > 0 and high < np.inf:
        assert [float(end[0]) for end in ratio_interval(swapped)] == pytest.approx([1 / high, 1 / low], rel=1e-6)


def test_nothing_counted_still_has_a_width() -> None:
    (low,), (high,) = difference_interval(pairs_of((0, 20, 0, 200)))
    assert low == pytest.approx(-0.019, abs=1e-3)
    assert high == pytest.approx(0.162, abs=1e-3)
    (low,), (high,) = ratio_interval(pairs_of((0, 20, 10, 200)))
    assert low == 0.0
    assert 1.0 < high < 10.0
    (low,), (high,) = ratio_interval(pairs_of((10, 20, 0, 200)))
    assert low > 1.0
    assert high == np.inf


def test_a_stratum_without_a_case_on_one_side_says_nothing() -> None:
    alone = pairs_of(*THREE_TRIALS)
    joined = pairs_of(*THREE_TRIALS, (5, 9, 0, 0), (0, 0, 7, 8), (0, 0, 0, 0))
    assert alone.strata == joined.strata == 3
    for function in (difference_interval, ratio_interval, conditioning_shift, common_difference, common_ratio):
        assert [float(a[0]) for a in function(alone)] == [float(b[0]) for b in function(joined)]


def test_groups_do_not_touch_each_other_and_one_without_strata_is_unknown() -> None:
    rows = [*TOLBUTAMIDE, *THREE_TRIALS]
    x, n, y, m = (np.array(column) for column in zip(*rows, strict=True))
    both = StratumPairs.of_counts(x, n, y, m, np.array([0, 0, 2, 2, 2]), 3)
    for function in (difference_interval, ratio_interval, conditioning_shift, common_difference, common_ratio):
        for place, alone in ((0, pairs_of(*TOLBUTAMIDE)), (2, pairs_of(*THREE_TRIALS))):
            assert [float(a[place]) for a in function(both)] == pytest.approx([float(b[0]) for b in function(alone)])
        assert all(np.isnan(a[1]) for a in function(both))
    p, tested = same_in_all_strata(both, "difference")
    assert np.isnan(p[1])
    assert tested.tolist() == [2, 0, 3]


def test_the_same_in_all_strata_and_not() -> None:
    same = pairs_of((50, 100, 400, 1000), (30, 100, 200, 1000), (80, 100, 700, 1000))
    other = pairs_of((70, 100, 400, 1000), (10, 100, 200, 1000), (80, 100, 700, 1000))
    assert same_in_all_strata(same, "difference")[0] == pytest.approx(1.0)
    assert same_in_all_strata(other, "difference")[0] < 1e-6
    doubled = pairs_of((20, 100, 100, 1000), (40, 100, 200, 1000), (80, 100, 400, 1000))
    assert same_in_all_strata(doubled, "ratio")[0] == pytest.approx(1.0)
    assert same_in_all_strata(doubled, "difference")[0] < 1e-3


def test_strata_too_small_for_the_test_are_left_out_of_it() -> None:
    small = (0, 3, 1, 3)
    assert LEAST_EXPECTED == 2.0
    p, tested = same_in_all_strata(pairs_of((50, 100, 400, 1000), (30, 100, 200, 1000), small), "difference")
    assert tested == 2
    assert p == same_in_all_strata(pairs_of((50, 100, 400, 1000), (30, 100, 200, 1000)), "difference")[0]
    p, tested = same_in_all_strata(pairs_of((50, 100, 400, 1000), small), "difference")
    assert tested == 1
    assert np.isnan(p)


def test_the_shift_is_conditional_minus_crude() -> None:
    pairs = pairs_of(*TOLBUTAMIDE)
    (shift,), (low,), (high,) = conditioning_shift(pairs)
    crude = 30 / 204 - 21 / 205
    assert shift == pytest.approx(float(common_difference(pairs)[0][0]) - crude, abs=1e-12)
    assert low < shift < high
    one = conditioning_shift(pairs_of((8, 106, 5, 120)))
    assert [float(value[0]) for value in one] == pytest.approx([0.0, 0.0, 0.0], abs=1e-15)


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="counts"):
        pairs_of((5, 4, 0, 1))
    with pytest.raises(ValueError, match="level"):
        difference_interval(pairs_of((1, 4, 0, 1)), 1.0)
