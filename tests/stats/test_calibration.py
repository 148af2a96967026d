"""Errors of calibration are what a pass over the rows gives, their bias is what is said of it, and the test holds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2
from sklearn.calibration import calibration_curve

from audit.stats.arrays import FloatArray
from audit.stats.calibration import CalibrationBins, holm_adjusted, mean_gap, miscalibration

Truth = Callable[[FloatArray], FloatArray]

BINS = 10
ROWS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40)


def binned(scores: FloatArray, labels: FloatArray) -> CalibrationBins:
    """`scores` and `labels`: (groups, cases)."""
    groups = scores.shape[0]
    place = np.minimum(np.floor(scores * BINS).astype(np.int64), BINS - 1)
    flat = (np.arange(groups)[:, np.newaxis] * BINS + place).ravel()

    def total(weights: FloatArray) -> FloatArray:
        added = np.bincount(flat, weights.ravel(), groups * BINS).reshape(groups, BINS)
        return np.asarray(added, dtype=np.float64)

    return CalibrationBins(total(np.ones_like(scores)), total(labels), total(scores), total(scores**2))


def drawn(seed: int, groups: int, cases: int, truth: Truth = np.positive) -> tuple[CalibrationBins, FloatArray]:
    """Beta(1, 4) scores, as in the design, and the mean gap that is true of each group's own scores."""
    rng = np.random.default_rng(seed)
    scores = rng.beta(1.0, 4.0, (groups, cases))
    return binned(scores, (rng.random(scores.shape) < truth(scores)).astype(np.float64)), (truth(scores) - scores).mean(
        axis=1
    )


def too_low(score: FloatArray) -> FloatArray:
    return np.asarray(1.0 / (1.0 + (1.0 - score) / score * np.exp(-0.5)))


def test_the_error_is_that_of_a_pass_over_the_rows() -> None:
    rng = np.random.default_rng(1)
    scores, labels = rng.random((1, 400)), (rng.random((1, 400)) < 0.4).astype(np.float64)
    found = miscalibration(binned(scores, labels))
    rates, means = calibration_curve(labels[0], scores[0], n_bins=BINS)
    sizes = np.bincount(np.floor(scores[0] * BINS).astype(np.int64), minlength=BINS)
    assert found.error[0] == pytest.approx((sizes / 400 * np.abs(rates - means)).sum())
    squared = (sizes / 400 * ((rates - means) ** 2 - rates * (1 - rates) / (sizes - 1))).sum()
    assert found.squared_error[0] == pytest.approx(squared)
    gap = mean_gap(binned(scores, labels))
    assert gap.gap[0] == pytest.approx((labels - scores).mean())


@pytest.mark.parametrize(("cases", "plug_in"), [(30, 0.133), (100, 0.076), (300, 0.044), (1000, 0.025)])
def test_a_perfect_score_has_the_error_that_is_taken_off(cases: int, plug_in: float) -> None:
    """The figures of the design note, for ten bins and Beta(1, 4) scores: what a plug-in error accuses anyone of."""
    runs = 1500
    found = miscalibration(drawn(cases, runs, cases)[0])
    error = 3.0 * found.error.std() / np.sqrt(runs)
    assert found.error.mean() == pytest.approx(plug_in, abs=max(0.0015, error))
    left = (found.error - found.by_chance).mean()
    assert abs(left) <= (0.010 if cases == 30 else 0.003)
    assert found.error.mean() > 10 * abs(left)
    assert abs(found.squared_error.mean()) <= 3.0 * found.squared_error.std() / np.sqrt(runs)


@pytest.mark.parametrize("cases", [10, 30, 100, 1000])
def test_right_scores_are_rarely_called_wrong(cases: int) -> None:
    runs = 2500
    p = miscalibration(drawn(50 + cases, runs, cases)[0]).p_value
    for level in (0.05, 0.01):
        assert (p <= level).mean() <= level + 3.0 * np.sqrt(level * (1 - level) / runs)
    assert (p <= 0.05).mean() >= 0.03


def test_wrong_scores_are_found_with_enough_cases() -> None:
    assert (miscalibration(drawn(2, 300, 1000, too_low)[0]).p_value <= 0.05).mean() > 0.97
    assert (miscalibration(drawn(2, 300, 100, too_low)[0]).p_value <= 0.05).mean() > 0.2
    assert miscalibration(drawn(2, 300, 1000, too_low)[0]).squared_error.mean() > 0.004


def test_with_many_cases_it_is_the_chi_square_test() -> None:
    bins, _ = drawn(3, 40, 20_000)
    few = CalibrationBins(*(values[:, :7] for values in (bins.cases, bins.positives, bins.scores, bins.squares)))
    chance = few.scores / few.cases
    statistic = ((few.positives - few.scores) ** 2 / (few.cases * chance * (1 - chance))).sum(axis=1)
    assert miscalibration(few).p_value == pytest.approx(chi2.sf(statistic, 7), abs=0.01)


@pytest.mark.parametrize("cases", [10, 30, 300])
def test_the_interval_of_the_mean_gap_covers(cases: int) -> None:
    runs = 2000
    for truth in (np.positive, too_low):
        bins, gap = drawn(70 + cases, runs, cases, truth)
        found = mean_gap(bins)
        assert ((found.low <= gap) & (gap <= found.high)).mean() >= 0.95 - 3.0 * np.sqrt(0.05 * 0.95 / runs)


@given(ROWS)
def test_nothing_is_unknown_of_a_group_with_a_case(rows: list[tuple[float, bool]]) -> None:
    scores, labels = (np.array([[float(row[side]) for row in rows]]) for side in (0, 1))
    bins = binned(scores, labels)
    found, gap = miscalibration(bins), mean_gap(bins)
    assert 0.0 <= found.error[0] <= 1.0 + 1e-9
    assert 0.0 <= found.by_chance[0] <= 0.5
    assert found.squared_error[0] <= 1.0
    assert 0.0 <= found.p_value[0] <= 1.0
    assert gap.low[0] <= gap.gap[0] + 1e-9
    assert gap.gap[0] <= gap.high[0] + 1e-9


def test_scores_of_0_and_1_leave_nothing_to_chance() -> None:
    three = np.array([[3.0, 0.0]])
    none = np.zeros_like(three)
    assert miscalibration(CalibrationBins(three, none, none, none)).p_value[0] == 1.0
    assert miscalibration(CalibrationBins(three, three / 3, none, none)).p_value[0] == 0.0
    assert miscalibration(CalibrationBins(three, three, three, three)).p_value[0] == 1.0


def test_one_case_at_one_half_says_nothing() -> None:
    one = np.array([[1.0]])
    found = miscalibration(CalibrationBins(one, one, one / 2, one / 4))
    assert found.p_value[0] == 1.0
    assert found.squared_error[0] == 0.0


def test_a_group_without_cases_is_unknown() -> None:
    none = np.zeros((1, BINS))
    bins = CalibrationBins(none, none, none, none)
    found, gap = miscalibration(bins), mean_gap(bins)
    for values in (found.error, found.by_chance, found.squared_error, found.p_value, gap.gap, gap.low, gap.high):
        assert np.isnan(values[0])


def test_sums_that_no_scores_have_are_refused() -> None:
    one, two = np.array([[1.0]]), np.array([[2.0]])
    for cases, positives, scores, squares in ((one, two, one, one), (one, one, two, one), (one, one, one / 2, one)):
        with pytest.raises(ValueError, match=r"positives|scores"):
            CalibrationBins(cases, positives, scores, squares)
    with pytest.raises(ValueError, match="shape"):
        CalibrationBins(one, one, one, np.array([1.0]))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_adjusted_p_values_are_those_of_statsmodels(p: list[float]) -> None:
    from statsmodels.stats.multitest import multipletests

    assert holm_adjusted(p) == pytest.approx(multipletests(p, method="holm")[1])
