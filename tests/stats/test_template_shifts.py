"""Shifts over templates: against scipy and statsmodels where they have an answer, and by a small seeded simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from statsmodels.stats.multitest import multipletests

from audit.stats.pairs.template_shifts import MIN_TEMPLATES, holm, mean_interval, shift_tests, undetected_share

SHIFTS = arrays(np.float64, st.integers(10, 30), elements=st.floats(-1, 1, allow_subnormal=False))


@given(SHIFTS, st.sampled_from([0.8, 0.95, 0.999]))
def test_the_interval_is_student_s(shifts: np.ndarray, level: float) -> None:
    mean, low, high = mean_interval(shifts, level)
    if np.ptp(shifts) == 0:
        assert low == pytest.approx(mean)
        return
    wanted = stats.ttest_1samp(shifts, 0.0).confidence_interval(level)
    assert (mean, low, high) == pytest.approx((shifts.mean(), wanted.low, wanted.high), abs=1e-9)


def test_an_interval_needs_two_templates() -> None:
    assert mean_interval(np.array([]), 0.95) == (None, None, None)
    assert mean_interval(np.array([0.2]), 0.95) == (0.2, None, None)
    assert mean_interval(np.full(12, 0.25), 0.95) == (0.25, 0.25, 0.25)


def test_p_values_are_student_s_without_skewness() -> None:
    rng = np.random.default_rng(1)
    half = rng.normal(0, 0.02, 10)
    symmetric = [np.concatenate([half, -half]) + shift for shift in (0.0, 0.03, 0.06, -0.04)]
    tests = shift_tests(symmetric, symmetric, 0.05)
    for place, sample in enumerate(symmetric):
        up = stats.ttest_1samp(sample, 0.05, alternative="less").pvalue
        down = stats.ttest_1samp(sample, -0.05, alternative="greater").pvalue
        beyond = stats.ttest_1samp(sample, 0.05, alternative="greater").pvalue
        # all have the same variance, so that pooling changes nothing, and no skewness
        assert tests.within[place] == pytest.approx(max(up, down), rel=1e-9)
        assert tests.above[place] == pytest.approx(beyond, rel=1e-9)


@given(st.lists(SHIFTS, min_size=4, max_size=6), st.floats(0.01, 0.5))
def test_p_values_are_at_least_student_s(samples: list[np.ndarray], margin: float) -> None:
    tests = shift_tests(samples, samples, margin)
    for place, sample in enumerate(samples):
        if sample.std() < 1e-6:
            continue
        above = stats.ttest_1samp(sample, margin, alternative="greater").pvalue
        below = stats.ttest_1samp(sample, -margin, alternative="less").pvalue
        # above one half a larger variance makes p smaller, and nothing is decided there
        assert tests.above[place] >= min(above, 0.5) - 1e-9
        assert tests.below[place] >= min(below, 0.5) - 1e-9


@given(SHIFTS, st.floats(0.01, 0.4), st.floats(0.0, 0.4))
def test_a_wider_margin_passes_more_easily_and_fails_less(shifts: np.ndarray, margin: float, more: float) -> None:
    near, far = (shift_tests([shifts] * 3, [shifts] * 3, edge) for edge in (margin, margin + more))
    assert far.within[0] <= near.within[0] + 1e-12
    assert far.above[0] >= near.above[0] - 1e-12
    assert far.below[0] >= near.below[0] - 1e-12


@pytest.mark.parametrize("first", [0.125, 0.25])
def test_a_distance_below_what_skewness_takes_counts_for_nothing(first: float) -> None:
    """Found by Hypothesis: nearer to the margin than the correction the p-value jumped down."""
    shifts = np.array([first, first, -0.4375, first, *[0.0] * 6])
    near, far = (shift_tests([shifts] * 3, [shifts] * 3, margin) for margin in (0.015625, 0.0234375))
    assert far.within[0] <= near.within[0]
    assert far.above[0] >= near.above[0]


def test_the_two_sides_mirror_each_other() -> None:
    rng = np.random.default_rng(2)
    samples = [rng.exponential(0.05, 15) for _ in range(4)]
    ours = shift_tests(samples, samples, 0.05)
    mirrored = shift_tests([-one for one in samples], [-one for one in samples], 0.05)
    assert np.allclose(ours.above, mirrored.below)
    assert np.allclose(ours.within, mirrored.within)


def test_shifts_that_do_not_vary_are_decided_without_dividing_by_zero() -> None:
    same = [np.full(MIN_TEMPLATES, shift) for shift in (0.0, 0.04, 0.06, -0.06)]
    tests = shift_tests(same, same, 0.05)
    assert tests.within.tolist() == [0.0, 0.0, 1.0, 1.0]
    assert tests.above.tolist() == [1.0, 1.0, 0.0, 1.0]
    assert tests.below.tolist() == [1.0, 1.0, 1.0, 0.0]


@pytest.mark.parametrize("margin", [0.05, 0.1, 0.3])
@pytest.mark.parametrize("dust", [0.0, 1e-17, -1e-17, 3e-16, -3e-16])
def test_a_constant_shift_on_the_margin_is_neither_within_nor_beyond(margin: float, dust: float) -> None:
    """Scores of 0.35 and 0.3 differ by 0.04999999999999999, and ten of them by something else again."""
    noise = dust * np.array([1.0, 0.0, 2.0] * 5)
    for shift in (margin, -margin, 0.3 + margin - 0.3):
        for others in (0, 4):
            samples = [shift + noise, *[np.zeros(15)] * others]
            tests = shift_tests(samples, samples, margin)
            assert (tests.within[0], tests.above[0], tests.below[0]) == (1.0, 1.0, 1.0)


def test_comparisons_that_cannot_be_tested_lend_no_strength() -> None:
    """k and the degrees of freedom are those of a lone change where the others have too few templates."""
    rng = np.random.default_rng(5)
    alone, few = rng.exponential(0.02, 12), rng.normal(0, 0.02, MIN_TEMPLATES - 1)
    wanted, ours = (shift_tests(each, each, 0.05) for each in ([alone], [alone, few, few, few]))
    assert ours.within[0] == wanted.within[0]
    assert ours.above[0] == wanted.above[0]


def test_rounding_noise_on_a_constant_shift_changes_nothing() -> None:
    noise = np.array([0.0, 1e-17, -1e-17, 2e-17] * 5)
    for shift, passes in ((0.03, True), (0.07, False)):
        tests = shift_tests([shift + noise] * 5, [shift + noise] * 5, 0.05)
        assert bool(tests.within[0] < 1e-6) is passes
        assert bool(tests.above[0] < 1e-6) is not passes


def test_nothing_is_decided_with_nine_templates() -> None:
    few, enough = np.full(MIN_TEMPLATES - 1, 0.5), np.full(MIN_TEMPLATES, 0.5)
    tests = shift_tests([few, enough], [few, enough], 0.05)
    assert np.isnan([tests.within[0], tests.above[0], tests.below[0]]).all()
    assert tests.above[1] == 0.0


def test_variants_that_were_not_scored_speak_against_either_verdict() -> None:
    known = np.full(12, 0.0)
    lowest, highest = known - 0.3, known + 0.3
    tests = shift_tests([lowest], [highest], 0.05)
    assert tests.within[0] == 1.0
    assert (tests.above[0], tests.below[0]) == (1.0, 1.0)


@given(arrays(np.float64, st.integers(1, 12), elements=st.floats(0, 0.2)), st.floats(0.01, 0.1))
def test_holm_is_statsmodels(p: np.ndarray, level: float) -> None:
    ours = holm(p, level)
    wanted, *_ = multipletests(p, alpha=level, method="holm")
    assert ours.rejected.tolist() == wanted.tolist()
    assert ((p <= ours.level) == ours.rejected).all()


def test_holm_leaves_out_what_was_not_tested() -> None:
    ours = holm(np.array([np.nan, 0.02, np.nan, 0.03]), 0.05)
    assert ours.rejected.tolist() == [False, True, False, True]
    assert np.isnan(ours.level).tolist() == [True, False, True, False]


def test_the_share_that_could_hide_is_the_exact_limit_of_none_seen() -> None:
    wanted = stats.binomtest(0, 20, alternative="less").proportion_ci(0.95, method="exact").high
    assert undetected_share(20, 0.95) == pytest.approx(wanted)


SETTINGS = [
    (shape, comparisons, templates)
    for shape in ("normal", "Student's t with 3 df", "exponential", "lognormal, mirrored")
    for comparisons in (2, 20)
    for templates in (10, 20, 50)
]


@pytest.mark.parametrize(("shape", "comparisons", "templates"), SETTINGS)
def test_verdicts_on_the_margin_are_rarely_wrong(shape: str, comparisons: int, templates: int) -> None:
    """A small part of `make simulate`: 250 runs, standard error 1.4 points, so 9 % is nearly three beyond 5 %."""
    from tools.simulate.swaps import on_the_margin

    seed = [len(shape), comparisons, templates]
    fails, passes, _ = on_the_margin(250, np.random.default_rng(seed), shape, comparisons, templates)
    assert fails.share <= 0.09
    assert passes.share <= 0.09
