"""Data sets under the null, the p-value of the best subset, and its confirmation on other cases."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy.stats import binomtest, fisher_exact

from audit.stats.arrays import IntArray
from audit.stats.subset_scan import (
    ClusterCells,
    bernoulli_score,
    calibrated_scan,
    clustered_confirmation,
    clustered_sets,
    detectable_rate,
    exact_confirmation,
    null_sets,
    size_bins,
)

LEVELS = (12, 3, 2)


def table(rng: np.random.Generator, rows: int, rate: float) -> tuple[IntArray, IntArray, IntArray]:
    codes = np.stack([rng.integers(0, count, rows) for count in LEVELS], axis=1)
    distinct, place = np.unique(codes, axis=0, return_inverse=True)
    return distinct, np.bincount(place), np.bincount(place, rng.random(rows) < rate).astype(np.int64)


@pytest.mark.parametrize("cases", [np.arange(1, 40), np.full(10, 500)])
def test_null_sets_spread_the_harmed_cases_over_the_rows(cases: IntArray) -> None:
    harmed = int(cases.sum() // 3)
    drawn = np.concatenate(list(null_sets(cases, harmed, 3000, 700, np.random.default_rng(1))))
    assert drawn.shape == (3000, len(cases))
    assert (drawn.sum(axis=1) == harmed).all()
    assert (drawn <= cases).all()
    assert drawn.mean(axis=0) == pytest.approx(cases * harmed / cases.sum(), rel=0.06, abs=0.04)


def test_the_p_value_is_uniform_where_nobody_is_treated_differently() -> None:
    """It fails where 10 of 60 are at most .05, or fewer than 17 or more than 43 at most one half."""
    rng = np.random.default_rng(3)
    runs, low, found = 60, 0, []
    for _ in range(runs):
        codes, cases, harmed = table(rng, 250, 0.25)
        scan = calibrated_scan(codes, LEVELS, cases, harmed, penalty=1.0, replicates=19, rng=rng)
        found.append(scan.p)
        low += scan.p <= 0.05
    assert binomtest(low, runs, 0.05, alternative="greater").pvalue > 1e-3
    assert binomtest(sum(p <= 0.5 for p in found), runs, 0.5).pvalue > 1e-3


def test_a_subset_that_is_worse_has_the_smallest_p_value_and_the_same_seed_the_same_answer() -> None:
    rng = np.random.default_rng(4)
    codes, cases, harmed = table(rng, 2_000, 0.2)
    worse = (codes[:, 0] == 5) & (codes[:, 1] == 2)
    harmed = np.where(worse, cases * 4 // 5, harmed)
    first, second = (
        calibrated_scan(codes, LEVELS, cases, harmed, penalty=1.0, replicates=39, rng=np.random.default_rng(9))
        for _ in range(2)
    )
    assert first.p == 1 / 40
    assert first.chosen[0].nonzero()[0].tolist() == [5]
    assert first.chosen[1].nonzero()[0].tolist() == [2]
    assert first.chosen[2].all()
    assert (first.null_scores == second.null_scores).all()
    assert (first.score, first.evaluated) == (second.score, second.evaluated)


def test_the_critical_score_is_where_the_p_value_reaches_the_level() -> None:
    codes, cases, harmed = table(np.random.default_rng(6), 400, 0.3)
    scan = calibrated_scan(codes, LEVELS, cases, harmed, penalty=1.0, replicates=99, rng=np.random.default_rng(0))
    critical = scan.critical_score(0.05)
    assert (1 + (scan.null_scores >= critical + 1e-6).sum()) / 100 <= 0.05
    assert (1 + (scan.null_scores >= critical).sum()) / 100 > 0.05
    assert scan.critical_score(0.005) == np.inf


def test_the_detectable_rate_is_the_one_whose_score_passes() -> None:
    rate = detectable_rate(6.0, 300, 0.2, 1.0)
    assert rate is not None
    assert float(bernoulli_score(300 * rate, 300, 0.2)) - 1.0 == pytest.approx(6.0, abs=1e-6)
    assert detectable_rate(6.0, 4, 0.2, 1.0) is None


@pytest.mark.parametrize("hit", [0, 1])
def test_without_any_variation_there_is_nothing_to_search(hit: int) -> None:
    with pytest.raises(ValueError, match="nobody or everybody"):
        calibrated_scan(
            np.zeros((1, 1), dtype=np.int64), [1], np.array([9]), np.array([9 * hit]),
            penalty=1.0, replicates=19, rng=np.random.default_rng(0),
        )  # fmt: skip


def clustered(
    rng: np.random.Generator, clusters: int, size: int, cells: int
) -> tuple[ClusterCells, IntArray, IntArray]:
    """Clusters of one size, each within one cell, of which a few are almost entirely harmed."""
    cell = np.concatenate([np.arange(cells), rng.integers(0, cells, clusters - cells)])
    harmed = rng.binomial(size, np.where(rng.random(clusters) < 0.1, 0.9, 0.1))
    of = ClusterCells(cell, np.arange(clusters), np.full(clusters, size), harmed)
    return of, np.bincount(cell) * size, np.bincount(cell, harmed).astype(np.int64)


def test_whole_clusters_change_places() -> None:
    rng = np.random.default_rng(2)
    cells, _, _ = clustered(rng, 60, 8, 60)
    drawn = np.concatenate(list(clustered_sets(cells, 60, 20, 8, rng)))
    expected = Counter(cells.harmed.tolist())
    assert all(Counter(row.tolist()) == expected for row in drawn)
    assert len({tuple(row.tolist()) for row in drawn}) == 20


def test_clusters_over_several_cells_of_several_sizes_keep_the_mean() -> None:
    rng = np.random.default_rng(12)
    sizes = rng.integers(1, 12, 300)
    cluster = np.repeat(np.arange(300), 2)
    cases = np.stack([sizes, sizes[::-1]], axis=1).ravel()
    harmed = rng.binomial(cases, np.repeat(rng.beta(1, 3, 300), 2))
    of = ClusterCells(np.tile([0, 1], 300), cluster, cases, harmed)
    drawn = np.concatenate(list(clustered_sets(of, 2, 400, 100, rng)))
    assert drawn.sum(axis=1).mean() == pytest.approx(harmed.sum(), rel=0.03)
    shares = drawn.mean(axis=0) / np.bincount(of.cell, cases)
    assert shares[0] == pytest.approx(shares[1], rel=0.03)


def test_clusters_keep_the_error_where_rows_alone_would_not() -> None:
    rng = np.random.default_rng(7)
    runs, alarms, naive = 24, 0, 0
    codes = np.stack(np.unravel_index(np.arange(72), LEVELS), axis=1)
    for run in range(runs):
        cells, cases, harmed = clustered(rng, 200, 10, 72)
        scan = calibrated_scan(codes, LEVELS, cases, harmed, penalty=1.0, replicates=19, rng=rng, clusters=cells)
        alarms += scan.p <= 0.05
        if run < 10:
            naive += calibrated_scan(codes, LEVELS, cases, harmed, penalty=1.0, replicates=19, rng=rng).p <= 0.05
    assert binomtest(alarms, runs, 0.05, alternative="greater").pvalue > 1e-3
    assert naive > 7


def test_clusters_of_about_one_size_share_a_bin() -> None:
    sizes = np.array([1] * 30 + [2] * 5 + [3] * 16 + [9] * 3)
    assert size_bins(sizes).tolist() == [0] * 30 + [1] * 5 + [2] * 19
    assert size_bins(np.array([4, 4, 7])).tolist() == [0, 0, 0]


@pytest.mark.parametrize("low_is_worse", [True, False])
def test_confirmation_is_one_sided_towards_harm(low_is_worse: bool) -> None:
    flagged = (60, 900) if low_is_worse else (140, 900)
    found = exact_confirmation(flagged[0], 200, flagged[1], 1800, low_is_worse, 0.025)
    other_side = exact_confirmation(flagged[0], 200, flagged[1], 1800, not low_is_worse, 0.025)
    square = np.array([[flagged[0], 200 - flagged[0]], [flagged[1], 1800 - flagged[1]]])
    conditional = fisher_exact(square, "less" if low_is_worse else "greater").pvalue
    assert found.p <= conditional + 1e-5
    assert found.able
    assert other_side.p > 0.99


def test_three_cases_among_many_can_confirm_nothing_at_a_rate_of_one_half() -> None:
    assert not exact_confirmation(0, 3, 500, 1000, True, 0.025).able
    assert exact_confirmation(0, 8, 500, 1000, True, 0.025).able
    assert exact_confirmation(0, 0, 500, 1000, True, 0.025) == (1.0, False)


def test_rows_that_are_their_own_clusters_are_confirmed_about_as_exactly() -> None:
    rng = np.random.default_rng(5)
    rows, cases = np.arange(2_000), np.ones(2_000, dtype=np.int64)
    inside = rows < 200
    flagged = (rng.random(2_000) < np.where(inside, 0.4, 0.5)).astype(np.int64)
    own = clustered_confirmation(flagged, cases, rows, inside, True, 0.025)
    exact = exact_confirmation(int(flagged[inside].sum()), 200, int(flagged[~inside].sum()), 1_800, True, 0.025)
    assert own.able
    assert own.p == pytest.approx(exact.p, rel=0.35)


def test_a_few_alike_clusters_confirm_nothing() -> None:
    """Six of six clusters harmed, ten rows each: sixty rows to an exact test, and six to this one."""
    cluster, cases = np.arange(106), np.full(106, 10)
    inside = cluster < 6
    flagged = np.where(inside, 0, np.where(cluster % 2 == 0, 10, 0))
    found = clustered_confirmation(flagged, cases, cluster, inside, True, 0.025)
    assert found.p > 0.005
    assert exact_confirmation(0, 60, int(flagged.sum()), 1_000, True, 0.025).p < 1e-5
    two = clustered_confirmation(flagged, cases, cluster, cluster < 2, True, 0.025)
    assert not two.able
    assert not clustered_confirmation(flagged, cases, cluster, cluster < 0, True, 0.025).able
    # nobody found in six clusters: with so few of them nothing could confirm it, which is no sign against it
    six = clustered_confirmation(np.where(cluster < 6, 0, flagged), cases, cluster, cluster < 6, True, 0.025)
    assert six == (1.0, False)
