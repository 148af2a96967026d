"""The AUC is that of scikit-learn and scipy, its interval covers, and the pooled one splits exactly."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score

from audit.stats.scores.auc import MIN_CASES, auc, pair_wins, split_auc

Histograms = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]

ROOT = Path(__file__).parents[2]
HISTOGRAM = st.lists(st.integers(0, 6), min_size=7, max_size=7)
GROUPS = st.lists(st.tuples(HISTOGRAM, HISTOGRAM), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def driver() -> ModuleType:
    sys.path.insert(0, str(ROOT))
    try:
        spec = importlib.util.spec_from_file_location("auc_coverage", ROOT / "tools" / "simulate" / "auc_coverage.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["auc_coverage"] = module
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(ROOT))
    return module


def scores_of(histogram: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    return np.repeat(np.arange(histogram.size, dtype=np.float64), histogram)


def made(rng: np.random.Generator, groups: int, bins: int = 200) -> Histograms:
    return rng.poisson(1.5, (groups, bins)), rng.poisson(2.5, (groups, bins))


def test_it_is_that_of_scikit_learn_and_of_the_mann_whitney_statistic() -> None:
    pos, neg = made(np.random.default_rng(1), 5)
    values = auc(pos, neg).value
    for place in range(5):
        x, y = scores_of(pos[place]), scores_of(neg[place])
        labels = np.concatenate([np.ones(x.size), np.zeros(y.size)])
        assert values[place] == pytest.approx(roc_auc_score(labels, np.concatenate([x, y])), abs=1e-12)
        assert pair_wins(pos, neg)[place] == 2 * mannwhitneyu(x, y).statistic


def test_the_variance_is_that_of_delong_by_every_pair() -> None:
    rng = np.random.default_rng(2)
    pos, neg = rng.poisson(0.4, (6, 60)), rng.poisson(0.6, (6, 60))
    found = auc(pos, neg)
    larger = 0
    for place in range(6):
        x, y = scores_of(pos[place]), scores_of(neg[place])
        wins = (x[:, np.newaxis] > y) + (x[:, np.newaxis] == y) / 2.0
        delong = wins.mean(axis=1).var(ddof=1) / x.size + wins.mean(axis=0).var(ddof=1) / y.size
        a, k = wins.mean(), (x.size + y.size) / 2.0 - 1.0
        newcombe = a * (1 - a) * (1 + k * (1 - a) / (2 - a) + k * a / (1 + a)) / (x.size * y.size)
        assert found.delong[place] == pytest.approx(delong, rel=1e-12)
        assert found.variance[place] == pytest.approx(max(delong, newcombe), rel=1e-12)
        larger += delong > newcombe
    assert 0 < larger < 6


def test_the_published_ratings_of_hanley_and_mcneil() -> None:
    """Hanley & McNeil (1982), Radiology 143, 29-36, table I: 51 abnormal and 58 normal images on five ratings.

    They give 0.893 with a standard error of 0.032; Stata's manual, [R] roctab, gives DeLong's on the same data: 0.8932
    and 0.0307, 95 % from 0.83295 to 0.95339.
    """
    found = auc([[3, 2, 2, 11, 33]], [[33, 6, 6, 11, 2]])
    error = np.sqrt(found.delong[0])
    assert found.value[0] == pytest.approx(0.8932, abs=5e-5)
    assert error == pytest.approx(0.0307, abs=5e-5)
    assert found.value[0] - 1.959964 * error == pytest.approx(0.83295, abs=5e-6)
    assert found.value[0] + 1.959964 * error == pytest.approx(0.95339, abs=5e-6)
    assert np.sqrt(found.variance[0]) == pytest.approx(0.032, abs=5e-4)
    assert found.low[0] < 0.83295
    assert found.high[0] < 0.95339


def test_turning_the_score_and_the_labels_round_turns_the_interval_round() -> None:
    pos, neg = made(np.random.default_rng(3), 4, 20)
    straight, turned = auc(pos, neg), auc(pos[:, ::-1], neg[:, ::-1])
    assert turned.low == pytest.approx(1.0 - straight.high)
    assert turned.high == pytest.approx(1.0 - straight.low)
    swapped = auc(neg[:, ::-1], pos[:, ::-1])
    for name in ("value", "low", "high", "df"):
        assert getattr(swapped, name) == pytest.approx(getattr(straight, name))


@given(GROUPS)
def test_limits_hold_the_value_and_exist_where_both_samples_do(groups: list[tuple[list[int], list[int]]]) -> None:
    pos, neg = (np.array([pair[side] for pair in groups]) for side in (0, 1))
    found = auc(pos, neg)
    enough = (pos.sum(axis=1) >= MIN_CASES) & (neg.sum(axis=1) >= MIN_CASES)
    assert (np.isfinite(found.value) == ((pos.sum(axis=1) > 0) & (neg.sum(axis=1) > 0))).all()
    for limit in (found.low, found.high, found.df, found.variance):
        assert (np.isfinite(limit) == enough).all()
    assert (found.low[enough] <= found.value[enough]).all()
    assert (found.value[enough] <= found.high[enough]).all()
    assert (found.low[enough] < found.high[enough]).all()
    wider = auc(pos, neg, 0.99)
    assert (wider.low[enough] <= found.low[enough]).all()
    assert (wider.high[enough] >= found.high[enough]).all()


@given(GROUPS)
def test_the_pooled_auc_is_the_weighted_mean_of_within_and_between(groups: list[tuple[list[int], list[int]]]) -> None:
    pos, neg = (np.array([pair[side] for pair in groups]) for side in (0, 1))
    found = split_auc(pos, neg)
    pooled = pair_wins(pos.sum(axis=0, keepdims=True), neg.sum(axis=0, keepdims=True))[0]
    between = sum(
        int(pair_wins(pos[i : i + 1], neg[j : j + 1])[0])
        for i in range(len(groups))
        for j in range(len(groups))
        if i != j
    )
    assert pooled == pair_wins(pos, neg).sum() + between
    if found.pairs == 0:
        assert np.isnan(found.pooled)
        return
    assert found.pooled == pytest.approx(pooled / (2 * found.pairs))
    within = found.within_share * found.within if found.within_pairs else 0.0
    rest = (1.0 - found.within_share) * found.between if found.pairs > found.within_pairs else 0.0
    assert found.pooled == pytest.approx(within + rest, abs=1e-12)


def test_a_pooled_auc_beyond_every_group_is_seen_between_groups() -> None:
    """Two groups in which the score knows nothing, and one of which has the positives and the higher scores."""
    pos, neg = np.zeros((2, 10), dtype=np.int64), np.zeros((2, 10), dtype=np.int64)
    pos[0, [0, 1]], neg[0, [0, 1]], pos[1, [8, 9]], neg[1, [8, 9]] = 5, 50, 50, 5
    found = split_auc(pos, neg)
    assert auc(pos, neg).value == pytest.approx([0.5, 0.5])
    assert found.within == pytest.approx(0.5)
    assert found.pooled > 0.85
    assert found.between == pytest.approx(2500 * 4 / (2500 * 4 + 25 * 4))
    assert found.difference_low > 0.3


def test_one_group_has_nothing_between() -> None:
    pos, neg = made(np.random.default_rng(4), 1)
    found = split_auc(pos, neg)
    assert found.within_share == 1.0
    assert np.isnan(found.between)
    assert found.difference == found.difference_low == found.difference_high == 0.0


def test_what_is_no_histogram_is_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        auc([[1, 2]], [[1, 2, 3]])
    with pytest.raises(ValueError, match="shape"):
        auc([1, 2], [1, 2])
    with pytest.raises(ValueError, match="counts"):
        auc([[1, -2]], [[1, 2]])
    with pytest.raises(ValueError, match="level"):
        auc([[1, 2]], [[1, 2]], 1.0)
    with pytest.raises(ValueError, match="level"):
        split_auc([[1, 2]], [[1, 2]], 0.0)


@pytest.mark.parametrize(
    ("value", "spread", "positives", "negatives"),
    [(0.6, 1.5, 5, 200), (0.8, 1.0, 10, 10), (0.8, 0.67, 30, 30), (0.95, 1.0, 5, 5), (0.95, 1.5, 30, 1000)],
)
def test_it_covers_with_few_positives_and_few_negatives(
    driver: ModuleType, value: float, spread: float, positives: int, negatives: int
) -> None:
    runs = 1000
    rng = np.random.default_rng([5, positives, negatives])
    found = driver.missed(runs, rng, driver.binormal(value, spread), positives, negatives)
    assert found.truth == pytest.approx(value, abs=1e-4)
    limit = 0.05 + 3.0 * np.sqrt(0.05 * 0.95 / runs)
    assert (found.too_high + found.too_low) / runs <= limit
    assert found.too_high / runs <= 0.025 + 3.0 * np.sqrt(0.025 * 0.975 / runs)
    assert found.width < (0.75 if min(positives, negatives) < 10 else 0.46)


def test_the_interval_of_pooled_against_within_covers(driver: ModuleType) -> None:
    found = driver.pooled_beyond_within(300, np.random.default_rng(6), 200, 5, 0.5)
    assert found.share <= 0.05 + 3.0 * np.sqrt(0.05 * 0.95 / 300)


def test_two_hundred_bins_lose_next_to_nothing(driver: ModuleType) -> None:
    assert abs(driver.binning_error(np.random.default_rng(7), 100_000)) < 1e-4
    assert abs(driver.binning_error(np.random.default_rng(7), 100_000, 4)) > 1e-3
