"""Shifts over templates: against exact fractions, scipy and statsmodels, and by small simulations."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from scipy.special import gammaln
from statsmodels.stats.multitest import multipletests

from audit.stats.arrays import FloatArray
from audit.stats.template_shifts import (
    MIN_TEMPLATES,
    holm,
    least_templates,
    mean_interval,
    mean_p_value,
    shift_tests,
    undetected_share,
)

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


@given(st.lists(st.integers(-64, 64), min_size=1, max_size=9, unique=True), st.integers(-63, 63))
def test_the_p_value_is_the_exact_sum_over_partial_fractions(numbers: list[int], edge: int) -> None:
    """The chance that a sum of exponential variables is positive, in fractions, where their factors all differ."""
    c = [Fraction(number - edge, 64) for number in numbers if number not in (edge, 64)] + [Fraction(64 - edge, 64)]
    wanted = sum(
        math.prod((one / (one - other) for other in c if other != one), start=Fraction(1)) for one in c if one > 0
    )
    shifts = np.array([[number / 64 for number in numbers if number != 64]])
    assert mean_p_value(shifts, edge / 64)[0] == pytest.approx(float(wanted), rel=1e-8, abs=1e-12)


@pytest.mark.parametrize("templates", [10, 59, 200, 1000])
@pytest.mark.parametrize("edge", [0.05, 0.3])
def test_the_p_value_of_shifts_of_0_and_1_is_clopper_and_pearson_s(templates: int, edge: float) -> None:
    for ones in {0, 1, 2, int(edge * templates / 2), int(edge * templates), templates // 2, templates}:
        shifts = np.array([[1.0] * ones + [0.0] * (templates - ones)])
        wanted = stats.binom.cdf(ones, templates, edge)
        assert mean_p_value(shifts, edge)[0] == pytest.approx(wanted, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize(("templates", "mean"), [(10, -0.3), (59, 0.0), (100, 0.02), (100, -0.02), (400, 0.04)])
def test_shifts_that_are_all_alike_have_the_chance_that_the_rest_was_not_drawn(templates: int, mean: float) -> None:
    margin = 0.05
    tests = shift_tests([np.full(templates, mean)], [np.full(templates, mean)], margin)
    if abs(mean) < margin:
        assert tests.within[0] == pytest.approx((0.95 / (1 - abs(mean))) ** templates, rel=1e-5)
    else:
        assert tests.below[0] == pytest.approx((1.05 / (1 - mean)) ** templates, rel=1e-5)


def test_the_p_value_is_that_of_weights_drawn_at_random() -> None:
    """Where no formula is: uniform weights over the draws and one draw of 1 that nobody made."""
    rng = np.random.default_rng(4)
    for shifts in (rng.normal(0, 0.1, 40), rng.choice([-1.0, 0.0, 1.0], 30), 2 * rng.beta(0.1, 0.1, 15) - 1):
        weights = rng.dirichlet(np.ones(len(shifts) + 1), 40_000)
        edge = float(shifts.mean()) + 0.05
        drawn = float((weights @ np.append(shifts, 1.0) >= edge).mean())
        assert mean_p_value(shifts[None], edge)[0] == pytest.approx(drawn, abs=4 * 0.0025)


@given(SHIFTS, st.integers(0, 9), st.floats(0, 1), st.floats(-0.5, 0.5))
def test_a_shift_that_is_larger_never_makes_the_p_value_smaller(
    shifts: np.ndarray, place: int, towards: float, edge: float
) -> None:
    higher = shifts.copy()
    higher[place] += towards * (1.0 - higher[place])
    assert mean_p_value(higher[None], edge)[0] >= mean_p_value(shifts[None], edge)[0] - 1e-7


@given(SHIFTS, st.floats(0.01, 0.4), st.floats(0.0, 0.4))
def test_a_wider_margin_passes_more_easily_and_fails_less(shifts: np.ndarray, margin: float, more: float) -> None:
    near, far = (shift_tests([shifts], [shifts], edge) for edge in (margin, margin + more))
    assert far.within[0] <= near.within[0] + 1e-7
    assert far.above[0] >= near.above[0] - 1e-7
    assert far.below[0] >= near.below[0] - 1e-7


def test_the_two_sides_mirror_each_other() -> None:
    rng = np.random.default_rng(2)
    samples = [rng.exponential(0.05, 15) for _ in range(4)]
    ours = shift_tests(samples, samples, 0.05)
    mirrored = shift_tests([-one for one in samples], [-one for one in samples], 0.05)
    assert np.allclose(ours.above, mirrored.below)
    assert np.allclose(ours.within, mirrored.within)


@pytest.mark.parametrize("margin", [0.05, 0.1, 0.3])
@pytest.mark.parametrize("dust", [0.0, 1e-17, -1e-17, 3e-16, -3e-16])
def test_a_constant_shift_on_the_margin_is_neither_within_nor_beyond(margin: float, dust: float) -> None:
    """Scores of 0.35 and 0.3 differ by 0.04999999999999999, and ten of them by something else again."""
    noise = dust * np.array([1.0, 0.0, 2.0] * 5)
    for shift in (margin, -margin, 0.3 + margin - 0.3):
        samples = [shift + noise]
        tests = shift_tests(samples, samples, margin)
        assert min(tests.within[0], tests.above[0], tests.below[0]) > 0.999


def test_a_change_is_tested_as_if_it_were_alone() -> None:
    """Others, with more texts or fewer, lend it nothing; nor does the order of its own texts."""
    rng = np.random.default_rng(5)
    one, longer, few = rng.exponential(0.02, 12), rng.normal(0, 0.02, 30), rng.normal(0, 0.02, MIN_TEMPLATES - 1)
    wanted, ours = (shift_tests(each, each, 0.05) for each in ([one], [longer, few, one[::-1], few]))
    assert ours.within[2] == pytest.approx(wanted.within[0], rel=1e-12)
    assert ours.above[2] == pytest.approx(wanted.above[0], rel=1e-12)


def test_nothing_is_decided_with_nine_templates() -> None:
    few, enough = np.full(MIN_TEMPLATES - 1, 0.9), np.full(MIN_TEMPLATES, 0.9)
    tests = shift_tests([few, enough], [few, enough], 0.05)
    assert np.isnan([tests.within[0], tests.above[0], tests.below[0]]).all()
    assert tests.above[1] < 0.003


def test_variants_that_were_not_scored_speak_against_either_verdict() -> None:
    lowest, highest = np.full(80, -0.03), np.full(80, 0.03)
    known = shift_tests([np.zeros(80)], [np.zeros(80)], 0.05)
    tests = shift_tests([lowest], [highest], 0.05)
    assert known.within[0] < 0.05 < tests.within[0]
    assert min(tests.above[0], tests.below[0]) > 0.99


@pytest.mark.parametrize(("margin", "wanted"), [(0.01, 299), (0.02, 149), (0.05, 59), (0.1, 29), (0.2, 14), (0.3, 10)])
def test_the_templates_that_a_pass_takes_where_nothing_moves(margin: float, wanted: int) -> None:
    """For a margin of 0.05 the well-known 59: 0.95 to the power of 59 is the first below 0.05."""
    assert least_templates(0.0, margin, 0.05) == wanted


@given(st.floats(0.01, 0.3), st.floats(-0.9, 0.9), st.floats(1e-5, 0.2))
def test_the_fewest_templates_are_just_enough(margin: float, mean: float, level: float) -> None:
    assume(abs(abs(mean) - margin) > 0.01)
    needed = least_templates(mean, margin, level)
    assert needed is not None
    for templates in (needed, needed - 1):
        shifts = [np.full(templates, mean)]
        tests = shift_tests(shifts, shifts, margin)
        p = tests.within[0] if abs(mean) < margin else min(tests.above[0], tests.below[0])
        assert not p > level * (1 + 1e-4) if templates == needed else not p <= level * (1 - 1e-4)


def test_the_guide_says_how_many_texts_it_takes() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "how-to" / "probes.md").read_text(encoding="utf-8")
    part = guide.split("## How many texts it takes", 1)[1].split("\n## ", 1)[0]
    rows = [
        [float(re.sub(r"[^\d.]", "", cell)) for cell in line.strip("|").split("|")]
        for line in part.splitlines()
        if re.match(r"\| \d", line)
    ]
    passes, fails = (list(of) for _, of in itertools.groupby(rows, key=len))
    assert passes == [
        [margin, *(least_templates(share * margin, margin, 0.05) for share in (0.0, 0.25, 0.5, 0.75))]
        for margin in (0.02, 0.05, 0.1, 0.2, 0.3)
    ]
    budget = 0.9 * 0.05 / 3  # one rule on one rate of one family, judged on one side, and the two sides of the probe
    assert fails == [
        [points, *(least_templates(points / 100, 0.05, budget / changes) for changes in (1, 20, 176))]
        for points in (10.0, 15.0, 20.0, 30.0, 50.0)
    ]


def test_on_the_margin_no_number_of_templates_tells() -> None:
    assert least_templates(0.05, 0.05, 0.05) is None
    assert least_templates(-0.05 - 1e-9, 0.05, 0.05) is None


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


def exact_sizes(
    rng: np.random.Generator, templates: int, values: int, edge: float, levels: tuple[float, ...]
) -> FloatArray:
    """Largest share of p-values up to each level, over distributions on a few drawn values, their mean on the edge.

    Parameters
    ----------
    rng : Generator
    templates : int
        Size of a sample; every sample is counted with its multinomial chance.
    values : int
        Values that shifts can take: one below the edge, one above it, others anywhere.
    edge : float
    levels : tuple of float

    Returns
    -------
    ndarray of float64, shape (len(levels),)
        The share as a multiple of its level: above 1 the test would not hold.
    """
    ends = [rng.uniform(-1.0, edge), 1.0 if rng.random() < 0.4 else rng.uniform(edge, 1.0)]
    support = np.sort(np.concatenate([ends, rng.uniform(-1.0, 1.0, values - 2)]))
    counts = np.array(list(_compositions(templates, values)))
    p = mean_p_value(np.array([np.repeat(support, times) for times in counts]), edge)
    chances = rng.dirichlet(np.full(values, 0.5), 400)
    mean = chances @ support
    pulled = np.where(mean < edge, values - 1, 0)
    moved = (edge - mean) / (support[pulled] - mean)
    chances *= (1.0 - moved)[:, None]
    chances[np.arange(len(chances)), pulled] += moved
    chances = chances[(moved >= 0.0) & (moved <= 1.0)]
    ways = gammaln(templates + 1) - gammaln(counts + 1).sum(axis=1)
    of_samples = np.exp(ways + np.log(np.maximum(chances, 1e-300)) @ counts.T)
    return np.array([(of_samples @ (p <= level)).max(initial=0.0) / level for level in levels])


def _compositions(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    if parts == 1:
        yield (total,)
        return
    for head in range(total + 1):
        yield from ((head, *tail) for tail in _compositions(total - head, parts - 1))


@pytest.mark.parametrize(("values", "templates"), [(2, 15), (3, 10), (4, 8)])
def test_no_small_distribution_is_called_within_or_beyond_too_often(values: int, templates: int) -> None:
    """Every sample counted with its chance: what is proved for two values holds for three and four as well."""
    rng = np.random.default_rng([values, templates])
    for edge in (-0.3, -0.05, 0.05, 0.3) * 4:
        assert (exact_sizes(rng, templates, values, edge, (0.1, 0.05, 0.01, 0.001)) <= 1.0 + 1e-6).all()


RARE = [
    ("10 times the margin in 1 of 10", 20, 0.2),
    ("20 times the margin in 1 of 20", 60, 0.05),
    ("20 times the margin in 1 of 20", 100, 0.05),
    ("-0.5 in 1 of 10", 10, 0.05),
    ("-0.5 in 1 of 20", 50, 0.05),
    ("-0.3 in 1 of 10", 20, 0.05),
    ("normal", 100, 0.05),
    ("lognormal, mirrored", 60, 0.2),
    ("decisions that change", 100, 0.2),
]


@pytest.mark.parametrize(("shape", "templates", "margin"), RARE)
def test_verdicts_on_the_margin_are_rarely_wrong(shape: str, templates: int, margin: float) -> None:
    """A small part of `make simulate`: 400 runs, standard error 1.1 points, so 8.3 % is three beyond 5 %."""
    from tools.simulate.swaps import on_the_margin

    rng = np.random.default_rng([len(shape), templates])
    passes, fails = on_the_margin(400, rng, shape, templates, margin).values()
    assert passes.share <= 0.083
    assert fails.share <= 0.04


def test_a_shift_of_twenty_points_is_found_in_a_hundred_texts_and_none_is_passed() -> None:
    from tools.simulate.swaps import power

    passes, few, many = power(50, np.random.default_rng(6), 100, 0.2, 0.025).values()
    assert (passes.share, few.share, many.share) == (0.0, 1.0, 1.0)
    passes, few, _ = power(50, np.random.default_rng(7), 100, 0.0, 0.025).values()
    assert (passes.share, few.share) == (1.0, 0.0)
