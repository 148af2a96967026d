"""The AUC is that of scikit-learn and scipy, its interval covers, and the pooled one splits exactly."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, t
from sklearn.metrics import roc_auc_score

from audit.stats.auc import MIN_CASES, Auc, AucSplit, RankedCases, auc, count_pairs, split_auc
from tools.simulate import scores

Histograms = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]

HISTOGRAM = st.lists(st.integers(0, 6), min_size=7, max_size=7)
GROUPS = st.lists(st.tuples(HISTOGRAM, HISTOGRAM), min_size=1, max_size=6)


@pytest.fixture(params=[3, 1 << 14])
def piece(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines at a time: a few, so that groups go on from one piece to the next, and all of them."""
    monkeypatch.setattr("audit.stats.auc._PIECE", request.param)


def scores_of(histogram: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    return np.repeat(np.arange(histogram.size, dtype=np.float64), histogram)


def ranked(pos: npt.ArrayLike, neg: npt.ArrayLike, binned: npt.ArrayLike | None = None) -> RankedCases:
    """Cases of histograms over the same scores; bins without cases have no line."""
    positives, negatives = np.asarray(pos), np.asarray(neg)
    rank, group = np.nonzero((positives + negatives).T)
    ties = np.zeros(positives.shape[1]) if binned is None else np.asarray(binned)
    found = positives[group, rank], negatives[group, rank]
    return RankedCases.of(len(positives), group, rank, *found, ties.astype(np.bool_))


def own_auc(pos: npt.ArrayLike, neg: npt.ArrayLike, level: float = 0.95) -> Auc:
    return auc(count_pairs(ranked(pos, neg)).own, level)


def split(pos: npt.ArrayLike, neg: npt.ArrayLike) -> AucSplit:
    return split_auc(count_pairs(ranked(pos, neg)))


def wins(pos: npt.ArrayLike, neg: npt.ArrayLike) -> npt.NDArray[np.int64]:
    return count_pairs(ranked(pos, neg)).own.wins


def made(rng: np.random.Generator, groups: int, bins: int = 200) -> Histograms:
    return rng.poisson(1.5, (groups, bins)), rng.poisson(2.5, (groups, bins))


def test_it_is_that_of_scikit_learn_and_of_the_mann_whitney_statistic() -> None:
    pos, neg = made(np.random.default_rng(1), 5)
    values = own_auc(pos, neg).value
    for place in range(5):
        x, y = scores_of(pos[place]), scores_of(neg[place])
        labels = np.concatenate([np.ones(x.size), np.zeros(y.size)])
        assert values[place] == pytest.approx(roc_auc_score(labels, np.concatenate([x, y])), abs=1e-12)
        assert wins(pos, neg)[place] == 2 * mannwhitneyu(x, y).statistic


def by_every_pair(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    """AUC, DeLong's variance and Newcombe's of two samples of scores, pair by pair."""
    won = (x[:, np.newaxis] > y) + (x[:, np.newaxis] == y) / 2.0
    delong = won.mean(axis=1).var(ddof=1) / x.size + won.mean(axis=0).var(ddof=1) / y.size
    a, k = won.mean(), (x.size + y.size) / 2.0 - 1.0
    newcombe = a * (1 - a) * (1 + k * (1 - a) / (2 - a) + k * a / (1 + a)) / (x.size * y.size)
    return float(a), float(delong), float(newcombe)


@pytest.mark.usefixtures("piece")
@pytest.mark.parametrize("bins", [7, 60, 5000])
def test_the_variance_is_that_of_delong_by_every_pair(bins: int) -> None:
    """Of each group, of its positives against the others' negatives, and of their positives against its negatives."""
    rng = np.random.default_rng(2)
    pos, neg = rng.poisson(24 / bins, (6, bins)), rng.poisson(36 / bins, (6, bins))
    cases = ranked(pos, neg)
    larger = 0
    for which, pairs in enumerate(count_pairs(cases)[:3]):
        found = auc(pairs)
        for place in range(6):
            own = np.arange(6) == place
            x, y = scores_of(pos[place]), scores_of(neg[place])
            x = scores_of(pos[~own].sum(axis=0)) if which == 2 else x
            y = scores_of(neg[~own].sum(axis=0)) if which == 1 else y
            value, delong, newcombe = by_every_pair(x, y)
            assert found.value[place] == pytest.approx(value, rel=1e-14)
            assert found.delong[place] == pytest.approx(delong, rel=1e-12)
            assert found.variance[place] == pytest.approx(max(delong, newcombe), rel=1e-12)
            larger += delong > newcombe
    assert 0 < larger < 18


def test_the_published_ratings_of_hanley_and_mcneil() -> None:
    """Hanley & McNeil (1982), Radiology 143, 29-36, table I: 51 abnormal and 58 normal images on five ratings.

    They give 0.893 with a standard error of 0.032; Stata's manual, [R] roctab, gives DeLong's on the same data: 0.8932
    and 0.0307, 95 % from 0.83295 to 0.95339.
    """
    found = own_auc([[3, 2, 2, 11, 33]], [[33, 6, 6, 11, 2]])
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
    straight, turned = own_auc(pos, neg), own_auc(pos[:, ::-1], neg[:, ::-1])
    assert turned.low == pytest.approx(1.0 - straight.high)
    assert turned.high == pytest.approx(1.0 - straight.low)
    swapped = own_auc(neg[:, ::-1], pos[:, ::-1])
    for name in ("value", "low", "high", "df"):
        assert getattr(swapped, name) == pytest.approx(getattr(straight, name))


@given(GROUPS)
def test_limits_hold_the_value_and_exist_where_both_samples_do(groups: list[tuple[list[int], list[int]]]) -> None:
    pos, neg = (np.array([pair[side] for pair in groups]) for side in (0, 1))
    found = own_auc(pos, neg)
    enough = (pos.sum(axis=1) >= MIN_CASES) & (neg.sum(axis=1) >= MIN_CASES)
    assert (np.isfinite(found.value) == ((pos.sum(axis=1) > 0) & (neg.sum(axis=1) > 0))).all()
    for limit in (found.low, found.high, found.df, found.variance):
        assert (np.isfinite(limit) == enough).all()
    assert (found.low[enough] <= found.value[enough]).all()
    assert (found.value[enough] <= found.high[enough]).all()
    assert (found.low[enough] < found.high[enough]).all()
    wider = own_auc(pos, neg, 0.99)
    assert (wider.low[enough] <= found.low[enough]).all()
    assert (wider.high[enough] >= found.high[enough]).all()


@given(GROUPS)
def test_the_pooled_auc_is_the_weighted_mean_of_within_and_between(groups: list[tuple[list[int], list[int]]]) -> None:
    pos, neg = (np.array([pair[side] for pair in groups]) for side in (0, 1))
    found = split(pos, neg)
    pooled = wins(pos.sum(axis=0, keepdims=True), neg.sum(axis=0, keepdims=True))[0]
    between = sum(
        int(wins(pos[i : i + 1], neg[j : j + 1])[0]) for i in range(len(groups)) for j in range(len(groups)) if i != j
    )
    assert pooled == wins(pos, neg).sum() + between
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
    found = split(pos, neg)
    assert own_auc(pos, neg).value == pytest.approx([0.5, 0.5])
    assert found.within == pytest.approx(0.5)
    assert found.pooled > 0.85
    assert found.between == pytest.approx(2500 * 4 / (2500 * 4 + 25 * 4))
    assert found.difference_low > 0.3


def test_one_group_has_nothing_between() -> None:
    pos, neg = made(np.random.default_rng(4), 1)
    found = split(pos, neg)
    assert found.within_share == 1.0
    assert np.isnan(found.between)
    assert found.difference == found.difference_low == found.difference_high == 0.0


@pytest.mark.usefixtures("piece")
def test_the_error_of_the_split_is_that_of_every_case() -> None:
    """Case by case: what each adds to the pooled AUC and to the one within, by counting pairs."""
    rng = np.random.default_rng(8)
    pos, neg = rng.poisson(0.5, (5, 12)), rng.poisson(0.7, (5, 12))
    pos[1], neg[2], pos[3], neg[4] = 0, 0, 0, 0
    pos[1, 4] = neg[2, 7] = 1  # groups of one positive, one negative, no positive, no negative
    x, y = ([scores_of(histogram[group]) for group in range(5)] for histogram in (pos, neg))
    everyone = np.concatenate(x), np.concatenate(y)
    pairs = everyone[0].size * everyone[1].size
    within = sum(x[group].size * y[group].size for group in range(5))

    def right(score: float, others: npt.NDArray[np.float64], sign: int) -> float:
        return float((np.sign(sign * (score - others)) + 1).sum() / 2)

    total = 0.0
    for own, of_own, of_all, sign in ((x, y, everyone[1], 1), (y, x, everyone[0], -1)):
        adds = [
            [right(score, of_all, sign) / pairs - right(score, of_own[group], sign) / within for score in own[group]]
            for group in range(5)
        ]
        overall = float(np.mean(np.concatenate(adds)))
        for each in filter(None, adds):
            total += (each[0] - overall) ** 2 if len(each) == 1 else len(each) * float(np.var(each, ddof=1))
    found = split(pos, neg)
    half = t.ppf(0.975, min(everyone[0].size, everyone[1].size) - 1) * np.sqrt(total)
    assert found.difference_high - found.difference == pytest.approx(half, rel=1e-12)


@given(GROUPS, st.integers(2, 4))
def test_scores_that_share_a_bin_are_off_by_no_more_than_the_bound(
    groups: list[tuple[list[int], list[int]]], width: int
) -> None:
    pos, neg = (np.array([pair[side] for pair in groups]) for side in (0, 1))
    starts = np.arange(0, pos.shape[1], width)
    binned = np.diff(np.append(starts, pos.shape[1])) > 1
    coarse = ranked(np.add.reduceat(pos, starts, axis=1), np.add.reduceat(neg, starts, axis=1), binned)
    exact = ranked(pos, neg)
    for of_bins, of_scores in zip(count_pairs(coarse)[:3], count_pairs(exact)[:3], strict=True):
        assert (np.abs(of_bins.wins - of_scores.wins) <= of_bins.binned).all()
        assert (of_scores.binned == 0).all()
        assert ((of_bins.m == of_scores.m) & (of_bins.n == of_scores.n)).all()
        found, without = auc(of_bins), auc(of_bins._replace(binned=of_scores.binned))
        known = np.isfinite(found.low)
        assert found.low[known] == pytest.approx(np.maximum(without.low - found.binning, 0.0)[known])
        assert found.high[known] == pytest.approx(np.minimum(without.high + found.binning, 1.0)[known])
    of_coarse, true = split_auc(count_pairs(coarse)), split_auc(count_pairs(exact))
    for name in ("pooled", "within", "between", "difference"):
        off = abs(getattr(of_coarse, name) - getattr(true, name))
        assert np.isnan(off) or off <= of_coarse.binning + 1e-12
    assert true.binning == 0 or true.pairs == 0


def test_groups_without_cases_and_no_cases_at_all() -> None:
    nobody = np.zeros((3, 0), dtype=np.int64)
    for cases in (ranked(nobody, nobody), ranked([[0, 0], [0, 2], [0, 0]], [[0, 0], [1, 0], [0, 0]])):
        for pairs in count_pairs(cases)[:3]:
            assert np.isnan(auc(pairs).low).all()
    assert count_pairs(cases).own.wins.tolist() == [0, 4, 0]
    assert np.isnan(split(nobody, nobody).pooled)


def test_what_is_not_ranked_or_counted_is_refused() -> None:
    one, two = np.array([1, 1]), np.array([0, 1])
    ties = np.zeros(2, dtype=np.bool_)
    with pytest.raises(ValueError, match="ascending rank"):
        RankedCases.of(1, two * 0, two[::-1], one, one, ties)
    with pytest.raises(ValueError, match="counts"):
        RankedCases.of(1, two * 0, two, one, -one, ties)
    for level in (0.0, 1.0):
        with pytest.raises(ValueError, match="level"):
            own_auc([[1, 2]], [[1, 2]], level)
        with pytest.raises(ValueError, match="level"):
            split_auc(count_pairs(ranked([[1, 2]], [[1, 2]])), level)


@pytest.mark.parametrize(
    ("value", "spread", "positives", "negatives"),
    [(0.6, 1.5, 5, 200), (0.8, 1.0, 10, 10), (0.8, 0.67, 30, 30), (0.95, 1.0, 5, 5), (0.95, 1.5, 30, 1000)],
)
def test_it_covers_with_few_positives_and_few_negatives(
    value: float, spread: float, positives: int, negatives: int
) -> None:
    runs = 1000
    rng = np.random.default_rng([5, positives, negatives])
    chances = scores.binormal(value, spread)
    found = scores.missed(runs, rng, chances, positives, negatives)
    assert scores.true_auc(*chances) == pytest.approx(value, abs=1e-4)
    limit = 0.05 + 3.0 * np.sqrt(0.05 * 0.95 / runs)
    assert (found.too_high + found.too_low) / runs <= limit
    assert found.too_high / runs <= 0.025 + 3.0 * np.sqrt(0.025 * 0.975 / runs)
    assert found.width < (0.75 if min(positives, negatives) < 10 else 0.46)


def test_the_interval_of_pooled_against_within_covers() -> None:
    found = scores.pooled_beyond_within(300, np.random.default_rng(6), 5, 200, 0.5)["pooled less within missed"]
    assert found.share <= 0.05 + 3.0 * np.sqrt(0.05 * 0.95 / 300)
