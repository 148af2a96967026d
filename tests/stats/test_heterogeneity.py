from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from audit.stats.heterogeneity import Spread, spread_between, spread_of_means


def test_the_estimate_is_unbiased_for_any_rates_and_sizes() -> None:
    """Enumerated: all outcomes of three small groups, weighted by their probability."""
    n, p = np.array([2, 3, 5]), np.array([0.2, 0.9, 0.4])
    share = n / n.sum()
    truth = float((share * (p - (share * p).sum()) ** 2).sum())
    expected = 0.0
    for outcome in np.ndindex(*(n + 1)):
        x = np.array(outcome)
        rates = x / n
        own = rates * (1.0 - rates) * n / (n - 1)
        excess = (n * (rates - x.sum() / n.sum()) ** 2).sum() - ((1.0 - share) * own).sum()
        expected += float(np.prod(stats.binom.pmf(x, n, p))) * excess / n.sum()
        spread = spread_between(x, n)
        if spread is not None:
            assert spread.estimate == pytest.approx(float(np.sqrt(max(excess, 0.0) / n.sum())), abs=1e-12)
    assert expected == pytest.approx(truth, rel=1e-10)


def test_large_equal_groups_agree_with_the_noncentral_chi_squared_interval() -> None:
    """With many cases and one within-group variance, N theta / v is a noncentrality with a known interval."""
    n, rates = np.full(6, 200_000.0), 0.5 + np.array([-2.0, -1.0, 0.0, 0.5, 1.0, 1.5]) * 2e-3
    found = spread_of_means(n, rates, np.full(6, 0.25), np.full(6, 0.25), 0.9)
    statistic = float((n * (rates - rates.mean()) ** 2).sum() / 0.25)
    at_least, at_most = (
        stats.ncx2.sf(statistic, 5, n.sum() * found.low**2 / 0.25),
        stats.ncx2.cdf(statistic, 5, n.sum() * found.high**2 / 0.25),
    )
    assert at_least == pytest.approx(0.05, abs=0.003)
    # the price of one scaled chi-squared instead of a noncentral one
    assert at_most == pytest.approx(0.05, abs=0.01)


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), min_size=2, max_size=30), st.floats(0.6, 0.99))
def test_interval_holds_its_estimate_and_grows_with_its_level(counts: list[tuple[int, int]], level: float) -> None:
    x, n = np.array([a for a, _ in counts]), np.array([a + b for a, b in counts])
    narrow, wide = spread_between(x, n, 0.5), spread_between(x, n, level)
    if narrow is None or wide is None:
        kept = n >= 2
        assert kept.sum() < 2 or x[kept].sum() in (0, n[kept].sum())
        return
    assert 0.0 <= wide.low <= narrow.low <= narrow.high <= wide.high
    assert wide.high > 0.0
    other = spread_between(x[::-1], n[::-1], level)
    assert other == pytest.approx(wide, rel=1e-9, abs=1e-9)
    mirrored = spread_between(n - x, n, level)
    assert mirrored == pytest.approx(wide, rel=1e-6, abs=1e-9)


def test_nothing_to_tell_apart() -> None:
    assert spread_between([], []) is None
    assert spread_between([4], [9]) is None
    assert spread_between([1, 0, 7], [1, 1, 9]) is None
    assert spread_between([0, 0], [5, 5]) is None
    assert spread_between([5, 5], [5, 5]) is None


def test_groups_that_agree_too_well_still_leave_room_for_a_spread() -> None:
    spread = spread_between([70, 70, 70, 70], [100, 100, 100, 100])
    assert spread is not None
    assert (spread.estimate, spread.low) == (0.0, 0.0)
    assert 0.01 < spread.high < 0.1


def test_groups_that_are_told_apart_perfectly() -> None:
    """Nobody found in one half, everybody in the other: a spread of one half, and hardly any doubt."""
    spread = spread_between([0, 500, 0, 500], [500, 500, 500, 500])
    assert isinstance(spread, Spread)
    assert spread.estimate == pytest.approx(0.5, rel=1e-12)
    assert 0.45 < spread.low <= 0.5 <= spread.high < 0.55


@pytest.mark.parametrize(
    ("groups", "size", "deviation"), [(4, 30, 0.0), (22, 10, 0.05), (200, 30, 0.1), (22, 300, 0.05)]
)
def test_coverage(groups: int, size: int, deviation: float) -> None:
    rng, runs, n = np.random.default_rng(19), 200, np.full(groups, size)
    held = reaches_zero = 0
    for _ in range(runs):
        rates = np.full(groups, 0.3)
        if deviation:
            strength = 0.21 / deviation**2 - 1.0
            rates = rng.beta(0.3 * strength, 0.7 * strength, groups)
        spread = spread_between(rng.binomial(n, rates), n)
        assert spread is not None
        held += spread.low <= rates.std() <= spread.high
        reaches_zero += spread.low == 0.0
    assert held / runs >= 0.95 - 3.0 * np.sqrt(0.95 * 0.05 / runs)
    if not deviation:
        assert reaches_zero / runs >= 0.95 - 3.0 * np.sqrt(0.95 * 0.05 / runs)


def test_fairlearns_interval_of_the_widest_gap_excludes_none_where_there_is_none_and_ours_does_not() -> None:
    """The percentile interval of a largest difference lies above 0, and above the gap it is for (pitfall P1)."""
    fairlearn = pytest.importorskip("fairlearn.metrics")
    rng = np.random.default_rng(6)
    group = rng.integers(0, 25, 1_500).astype(str)
    flagged = (rng.random(1_500) < 0.3).astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame = fairlearn.MetricFrame(
            metrics=fairlearn.selection_rate,
            y_true=flagged,
            y_pred=flagged,
            sensitive_features=group,
            n_boot=20,
            ci_quantiles=[0.025, 0.975],
            random_state=1,
        )
        low = float(frame.difference_ci()[0])
    names, places = np.unique(group, return_inverse=True)
    n = np.bincount(places, minlength=names.size)
    x = np.bincount(places, weights=flagged, minlength=names.size)
    ours = spread_between(x, n)
    assert low > 0.1
    assert ours is not None
    assert ours.low == 0.0
    assert ours.high < 0.1
