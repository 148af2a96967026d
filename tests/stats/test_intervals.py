from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from audit.stats.arrays import FloatArray
from audit.stats.intervals import clopper_pearson, mover_ratio, newcombe_difference, wilson

Interval = Callable[[npt.ArrayLike, npt.ArrayLike], tuple[FloatArray, FloatArray]]
ORACLES = Path(__file__).parents[1] / "oracles" / "stats_intervals.csv"


def published() -> list[dict[str, str]]:
    with ORACLES.open(encoding="utf-8") as lines:
        return list(csv.DictReader(line for line in lines if not line.startswith("#")))


@pytest.mark.parametrize("case", published(), ids=lambda c: f"{c['interval']}-{c['x1']}-{c['n1']}-{c['x2']}-{c['n2']}")
def test_published_worked_examples(case: dict[str, str]) -> None:
    x1, n1 = int(case["x1"]), int(case["n1"])
    if case["interval"] == "newcombe":
        low, high = newcombe_difference(x1, n1, int(case["x2"]), int(case["n2"]))
    else:
        low, high = {"wilson": wilson, "clopper_pearson": clopper_pearson}[case["interval"]](x1, n1)
    assert float(low) == pytest.approx(float(case["low"]), abs=5.1e-5)
    assert float(high) == pytest.approx(float(case["high"]), abs=5.1e-5)


counts = st.integers(1, 5_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
levels = st.sampled_from([0.8, 0.95, 0.999, 1 - 1e-6])


@given(counts, levels)
def test_single_rates_agree_with_statsmodels(xn: tuple[int, int], level: float) -> None:
    for ours, method in ((wilson, "wilson"), (clopper_pearson, "beta")):
        low, high = ours(*xn, level)
        expected_low, expected_high = proportion_confint(*xn, alpha=1 - level, method=method)
        assert float(low) == pytest.approx(max(0.0, expected_low), abs=1e-9)
        assert float(high) == pytest.approx(min(1.0, expected_high), abs=1e-9)


@given(counts, counts, levels)
def test_difference_agrees_with_statsmodels(a: tuple[int, int], b: tuple[int, int], level: float) -> None:
    low, high = newcombe_difference(*a, *b, level)
    expected = confint_proportions_2indep(*a, *b, method="newcomb", compare="diff", alpha=1 - level)
    assert (float(low), float(high)) == pytest.approx(expected, abs=1e-9)


@given(counts, counts)
def test_ratio_limits_are_where_the_mover_interval_of_the_contrast_touches_zero(
    a: tuple[int, int], b: tuple[int, int]
) -> None:
    low, high = mover_ratio(*a, *b)
    (low1, high1), (low2, high2) = wilson(*a), wilson(*b)
    p1, p2 = a[0] / a[1], b[0] / b[1]

    def contrast_low(ratio: float) -> float:
        return float(p1 - ratio * p2 - np.hypot(p1 - low1, ratio * (high2 - p2)))

    def contrast_high(ratio: float) -> float:
        return float(p1 - ratio * p2 + np.hypot(high1 - p1, ratio * (p2 - low2)))

    if a[0] > 0:
        assert float(low) == pytest.approx(optimize.brentq(contrast_low, 0.0, 1e8, xtol=1e-14), rel=1e-6, abs=1e-12)
    else:
        assert float(low) == 0.0
    if b[0] > 0:
        assert float(high) == pytest.approx(optimize.brentq(contrast_high, 0.0, 1e12, xtol=1e-14), rel=1e-6)
    else:
        assert float(high) == np.inf


@given(counts, counts, levels)
def test_intervals_contain_their_estimate_and_mirror(a: tuple[int, int], b: tuple[int, int], level: float) -> None:
    for interval in (wilson, clopper_pearson):
        low, high = interval(*a, level)
        mirrored_low, mirrored_high = interval(a[1] - a[0], a[1], level)
        assert 0.0 <= low <= a[0] / a[1] <= high <= 1.0
        assert (1.0 - float(high), 1.0 - float(low)) == pytest.approx((float(mirrored_low), float(mirrored_high)))
    low, high = newcombe_difference(*a, *b, level)
    swapped_low, swapped_high = newcombe_difference(*b, *a, level)
    assert -1.0 - 1e-12 <= low <= a[0] / a[1] - b[0] / b[1] <= high <= 1.0 + 1e-12
    assert (float(low), float(high)) == (-float(swapped_high), -float(swapped_low))
    low, high = mover_ratio(*a, *b, level)
    assert 0.0 <= low <= high
    if b[0] > 0:
        ratio = a[0] * b[1] / (a[1] * b[0])
        assert low <= ratio * (1 + 1e-12)
        assert high >= ratio * (1 - 1e-12)


def test_ends_are_exact_and_no_cases_are_unknown() -> None:
    for interval in (wilson, clopper_pearson):
        low, high = interval([0, 7, 0], [7, 7, 0])
        assert low[0] == 0.0
        assert high[1] == 1.0
        assert np.isnan(low[2])
        assert np.isnan(high[2])
    assert np.isnan(newcombe_difference(0, 0, 3, 5)).all()
    assert np.isnan(mover_ratio(3, 5, 0, 0)).all()
    assert np.isnan(mover_ratio(0, 0, 0, 5)).all()
    assert [float(limit) for limit in mover_ratio(0, 5, 0, 5)] == [0.0, np.inf]


def test_many_groups_are_the_same_as_one_by_one() -> None:
    x, n = np.arange(9), np.array([9, 9, 9, 50, 50, 8, 8, 8, 1000])
    for k in range(9):
        for ours in (wilson, clopper_pearson):
            assert [limit[k] for limit in ours(x, n)] == [float(limit) for limit in ours(x[k], n[k])]


@pytest.mark.parametrize(("x", "n", "level"), [(3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1.0), (np.nan, 2, 0.95)])
def test_impossible_arguments_are_refused(x: float, n: float, level: float) -> None:
    for interval in (wilson, clopper_pearson):
        with pytest.raises(ValueError, match=r"counts|level"):
            interval(x, n, level)


def coverage(low: FloatArray, high: FloatArray, n: int) -> FloatArray:
    rates = np.linspace(0.01, 0.99, 197)
    covered = (low[:, None] <= rates) & (rates <= high[:, None])
    return np.asarray((stats.binom.pmf(np.arange(n + 1)[:, None], n, rates) * covered).sum(axis=0) * 100)


@pytest.mark.parametrize(
    ("interval", "n", "smallest", "mean"),
    [
        (wilson, 10, 86.0, 95.4),
        (wilson, 30, 92.4, 95.3),
        (wilson, 100, 92.1, 95.0),
        (wilson, 300, 93.9, 95.0),
        (clopper_pearson, 10, 96.1, 98.3),
        (clopper_pearson, 30, 95.4, 97.4),
        (clopper_pearson, 100, 95.4, 96.4),
        (clopper_pearson, 300, 95.1, 95.8),
    ],
)
def test_enumerated_coverage_of_a_rate(interval: Interval, n: int, smallest: float, mean: float) -> None:
    covered = coverage(*interval(np.arange(n + 1), n), n)
    assert covered.min() == pytest.approx(smallest, abs=0.051)
    assert covered.mean() == pytest.approx(mean, abs=0.051)


@pytest.mark.parametrize(
    ("n1", "newcombe_worst", "mover_worst"), [(10, 92.0, 91.8), (30, 94.3, 94.5), (100, 94.9, 94.7)]
)
def test_enumerated_coverage_against_a_large_rest(n1: int, newcombe_worst: float, mover_worst: float) -> None:
    """The figures were simulated with a standard error of .34; these are exact."""
    n2, worst = 5_000, [100.0, 100.0]
    for rate in (0.02, 0.05, 0.1, 0.3, 0.5):
        centre, reach = n2 * rate, 6 * np.sqrt(n2 * rate)
        x2 = np.arange(int(max(0, centre - reach)), int(centre + reach) + 1)
        x1 = np.arange(n1 + 1)[:, None]
        weight = stats.binom.pmf(x1, n1, rate) * stats.binom.pmf(x2, n2, rate)
        for index, (limits, null) in enumerate(
            ((newcombe_difference(x1, n1, x2, n2), 0.0), (mover_ratio(x1, n1, x2, n2), 1.0))
        ):
            covered = (limits[0] <= null) & (null <= limits[1])
            worst[index] = min(worst[index], float((weight * covered).sum()) * 100)
    assert worst[0] == pytest.approx(newcombe_worst, abs=0.9)
    assert worst[1] == pytest.approx(mover_worst, abs=0.9)
