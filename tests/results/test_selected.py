"""Intervals of rows that were picked for their results: against statsmodels and our own arrays, and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from audit.result.findings.judged import Estimate
from audit.result.reading import Rate
from audit.result.selected import clopper_pearson, limits_of, picked_level, selected
from audit.stats import intervals
from audit.stats.effective_test import few_degrees_factor
from audit.vocabulary.groups import Group
from audit.vocabulary.metrics import METRICS
from tools.simulate.selected import WORLDS, clustered, shown_first

LEVELS = (0.95, 1 - 0.05 * 12 / 97, 1 - 0.05 / 200)


def estimate(x: int, n: int, **values: float) -> Estimate:
    made: dict[str, object] = {"value": x / n, "low": 0.0, "high": 1.0, "exact_low": None, "exact_high": None}
    return Estimate.model_validate(
        {"metric": "true_positive_rate", "group": Group(()), "numerator": x, "denominator": n, "level": 0.95}
        | {"status": "estimated"}
        | made
        | values
    )


def rate(x: int, n: int, **values: float) -> Rate:
    return Rate(Group(()), METRICS["true_positive_rate"], estimate(x, n, **values), None, "low")


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("n", [1, 5, 37, 1_000, 250_000, 9_000_000])
def test_intervals_of_rates_are_those_of_statsmodels(n: int, level: float) -> None:
    for x in {0, 1, n // 9, n // 2, n - n // 7, n - 1, n}:
        expected = proportion_confint(x, n, alpha=1 - level, method="beta")
        found = clopper_pearson(x, n, level)
        np.testing.assert_allclose(found, np.nan_to_num(expected, nan=0.0 if x == 0 else 1.0), rtol=2e-8, atol=1e-12)


def test_the_level_is_that_of_benjamini_and_yekutieli() -> None:
    rows = [rate(x, 100) for x in range(40, 80)]
    shown = selected(rows[:8], rows)
    assert (shown.shown, shown.among, shown.is_part) == (8, 40, True)
    for row, seen in zip(rows, shown.rows, strict=False):
        expected = proportion_confint(seen.estimate.numerator, 100, alpha=8 * 0.05 / 40, method="beta")  # type: ignore[union-attr]
        assert seen.ends == pytest.approx(expected)
        assert seen.estimate.level == pytest.approx(0.99)  # type: ignore[union-attr]
        assert (seen.value, seen.denominator) == (row.value, row.denominator)


def test_nothing_changes_where_all_rows_are_shown() -> None:
    rows = [rate(x, 100) for x in (60, 40, 50)]
    unknown = Rate(Group(()), METRICS["true_positive_rate"], None, None, "low")
    assert selected(rows, [*rows, unknown]).rows == rows
    assert not selected(rows, [*rows, unknown]).is_part
    assert selected([unknown], [*rows, unknown]).rows == [unknown]
    assert selected([], rows).rows == []


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("freedom", [1.3, 3.0, 24.5, 4_000.0])
def test_clusters_widen_by_the_quantile_of_t(freedom: float, level: float) -> None:
    seen = estimate(300, 400, effective_cases=61.7, degrees_of_freedom=freedom)
    n = 61.7 * float(few_degrees_factor(freedom, (1 - level) / 2))
    low, high = intervals.clopper_pearson(n * 0.75, n, level)
    assert limits_of(seen, level) == pytest.approx((float(low), float(high)), rel=1e-8)
    assert limits_of(seen, level)[0] < limits_of(estimate(300, 400), level)[0]


def test_one_cluster_says_nothing() -> None:
    assert limits_of(estimate(3, 40, effective_cases=0.0, degrees_of_freedom=0.0), 0.99) == (0.0, 1.0)
    assert limits_of(estimate(3, 40, effective_cases=5.0), 0.99) == (0.0, 1.0)


def test_a_row_fixed_beforehand_keeps_its_interval() -> None:
    rows = [rate(x, 100, low=x / 100 - 0.01, high=x / 100 + 0.01) for x in range(10, 30)]
    before = [row.ends for row in rows]
    picked = selected(rows[:5], rows)
    assert [row.ends for row in rows] == before
    assert picked_level(0.95, 5 / 20) == pytest.approx(0.9875)
    for seen, (low, high) in zip(picked.rows, before, strict=False):
        assert (seen.ends[0] or 0.0) < (low or 0.0) < (high or 0.0) < (seen.ends[1] or 0.0)


@pytest.mark.parametrize("place", range(6))
def test_of_the_intervals_shown_first_no_more_miss_than_of_all(place: int) -> None:
    measured = shown_first(25, np.random.default_rng(place), WORLDS[place])
    rates = [f"{which}, as shown" for which in ("10 surest", "1 surest", "10 worst", "1 worst")]
    for shown in (measured[event] for event in rates):
        assert shown.events <= 0.05 * shown.trials + 3.0 * math.sqrt(0.05 * 0.95 * shown.trials)
    assert measured["10 surest, of single rows"].share > 0.08


def test_of_clustered_intervals_shown_first_no_more_miss() -> None:
    _, shown = clustered(10, np.random.default_rng(1)).values()
    assert shown.events <= 0.05 * shown.trials + 3.0 * math.sqrt(0.05 * 0.95 * shown.trials)
