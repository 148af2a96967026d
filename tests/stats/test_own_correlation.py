"""How alike a group's own clusters may be, and how few bad ones may have been drawn: simulation, and exact chances."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.clusters import over_rows
from scipy import stats

from audit.stats.arrays import FloatArray, IntArray
from audit.stats.boundaries import margin_boundary
from audit.stats.clusters import (
    CLASSES,
    UPPER_TAIL,
    Alike,
    Bundles,
    Evened,
    WeightedRate,
    chance_unseen,
    cluster_number,
    clusters_factor_needed,
    size_class,
    too_few_clusters,
)

WITHIN = margin_boundary("pass", low_is_worse=True, scale="difference", margin=0.1)


def side(counted: IntArray, sizes: IntArray) -> WeightedRate:
    """Rates of G groups from int64[G, K] counted and all rows of each cluster."""
    b = sizes.astype(np.float64)
    s = b.sum(axis=1)
    rate = counted.sum(axis=1) / s
    return WeightedRate(
        rate=rate,
        residual=((counted - rate[:, None] * b) ** 2).sum(axis=1) / s**2,
        clusters=(b > 0).sum(axis=1).astype(np.float64),
        q=1.0 / s,
        bb=(b**2).sum(axis=1) / s**2,
        q_q=(b**2).sum(axis=1) / s**4,
        q_bb=(b**3).sum(axis=1) / s**4,
        bb_bb=(b**4).sum(axis=1) / s**4,
    )


def evened(counted: IntArray, sizes: IntArray) -> Evened:
    rows = sizes.astype(np.float64)
    return Evened.of_clusters(counted.astype(np.float64), rows, rows)


def largest_correlation(counted: IntArray, sizes: IntArray) -> FloatArray:
    return Alike.of(side(counted, sizes), evened(counted, sizes)).largest


@pytest.mark.parametrize("clusters", [20, 60])
@pytest.mark.parametrize("correlation", [0.1, 0.3])
@pytest.mark.parametrize("unequal", [True, False])
def test_it_is_rarely_below_the_true_one(clusters: int, correlation: float, unequal: bool) -> None:
    rng = np.random.default_rng(clusters)
    runs, shape = 2_000, (1.0 - correlation) / correlation
    sizes = rng.integers(2, 20, (runs, clusters)) if unequal else np.full((runs, clusters), 10)
    rates = rng.beta(0.4 * shape, 0.6 * shape, (runs, clusters))
    counted = rng.binomial(sizes, rates)
    by_size, found = Alike.of(side(counted, sizes)).largest, largest_correlation(counted, sizes)
    error = float(np.sqrt(UPPER_TAIL * (1 - UPPER_TAIL) / runs))
    assert UPPER_TAIL / 10 <= (by_size < correlation).mean() <= UPPER_TAIL + 3 * error  # never missed, it were no use
    assert 0.0 < (found < correlation).mean() <= UPPER_TAIL + 3 * error  # of two looks the larger end counts
    assert np.median(found) < correlation + 0.4


def test_nothing_is_known_where_all_rows_are_alike_or_in_one_cluster() -> None:
    sizes = np.full((3, 5), 4)
    counted = np.array([[4, 4, 4, 4, 4], [0, 0, 0, 0, 0], [4, 0, 4, 0, 4]])
    assert largest_correlation(counted, sizes).tolist() == [1.0, 1.0, 1.0]
    assert largest_correlation(np.array([[2]]), np.array([[4]])).tolist() == [1.0]


def test_rows_that_stand_for_themselves_are_alike_to_nobody() -> None:
    counted, sizes = np.array([[0, 1] * 10]), np.ones((1, 20), dtype=np.int64)
    assert largest_correlation(counted, sizes).tolist() == [0.0]
    bundles = evened(counted, sizes).bundles
    assert np.isinf(bundles.number).all()
    assert chance_unseen(bundles, [0.01], bundles, [0.9], WITHIN).tolist() == [0.0]


def test_clusters_that_spread_less_than_rows_at_random_are_not_alike() -> None:
    sizes = np.full((1, 60), 10)
    assert largest_correlation(np.full((1, 60), 5), sizes).tolist() == [0.0]


def test_small_clusters_are_heard_beside_large_ones() -> None:
    """Ten large clusters of which by chance all are good, and a hundred small ones of which every fifth is bad."""
    sizes = np.array([[180] * 10 + [6] * 100])
    counted = np.where(np.arange(110) % 5 == 4, sizes, 0)
    counted[:, :10] = 0
    by_size = Alike.of(side(counted, sizes)).largest[0]
    assert by_size < 0.3
    assert largest_correlation(counted, sizes)[0] == 1.0


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), min_size=2, max_size=30))
def test_clusters_evened_are_sums_over_clusters(clusters: list[tuple[int, int]]) -> None:
    sizes = np.array([[size for size, _ in clusters]])
    counted = np.array([[min(hits, size) for size, hits in clusters]])
    found = evened(counted, sizes)
    p = counted.sum() / sizes.sum()
    bundled = [(size, min(hits, size)) for size, hits in clusters if size > 1]
    h = [(1 - 1 / size) / size**2 for size, _ in bundled]
    terms = [weight * (hits - p * size) ** 2 for weight, (size, hits) in zip(h, bundled, strict=True)]
    assert found.rate.residual[0] == pytest.approx(sum(terms), abs=1e-12)
    assert found.rate.bb[0] == pytest.approx(sum(1 - 1 / size for size, _ in bundled))
    assert found.rate.q[0] == pytest.approx(sum((1 - 1 / size) / size for size, _ in bundled))
    assert found.rate.clusters[0] == len(bundled)
    if bundled:
        total = sum(size for size, _ in bundled)
        assert found.bundles.number[0, -1] == pytest.approx(total**2 / sum(size**2 for size, _ in bundled))
        assert found.bundles.share[0, -1] == pytest.approx(total / sizes.sum())
        assert found.bundles.shown[0, -1] == pytest.approx(sum(hits for _, hits in bundled) / total)


def known_rest() -> Bundles:
    return Bundles.none(1)


def of(number: float, alike: float = 0.0, share: float = 1.0, shown: float = np.nan) -> Bundles:
    return Bundles(*(np.array([[value]]) for value in (number, share, shown, alike)))


@given(st.integers(2, 60), st.floats(0, 0.9), st.floats(0.05, 0.95), st.integers(0, 60))
def test_the_chance_is_that_of_two_kinds_of_clusters(clusters: int, good: float, share: float, drawn: int) -> None:
    """Good clusters at one rate and bad ones counted whole, cluster by cluster, against the binomial distribution."""
    drawn = min(drawn, clusters - 1)
    seen = drawn / clusters
    x, edge = good + seen * (1 - good), good + share * (1 - good)
    boundary = margin_boundary("pass", low_is_worse=True, scale="difference", margin=edge)
    alike = seen * (1 - seen) * (1 - good) ** 2 / (x * (1 - x)) if 0 < x < 1 else 0.0
    found = chance_unseen(of(clusters, alike), [x], known_rest(), [0.0], boundary)[0]
    expected = stats.binom.cdf(drawn, clusters, share) if x < edge - 1e-9 else 1.0
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_no_test_of_clusters_that_all_look_the_same_can_be_surer() -> None:
    """Nineteen of twenty equal clusters suffice at .05 where none is counted and the edge is .15 (.85^19 = .046)."""
    boundary = margin_boundary("pass", low_is_worse=True, scale="difference", margin=0.15)

    def none_counted(number: float) -> float:
        return float(chance_unseen(of(number), [0.0], known_rest(), [0.0], boundary)[0])

    assert none_counted(19) == pytest.approx(0.85**19)
    assert none_counted(19) <= 0.05 < none_counted(18)
    # rows that stand for themselves show their own rate, so that clusters must have been luckier
    assert chance_unseen(of(19, share=0.5, shown=1.0), [0.1], known_rest(), [0.0], boundary)[0] == pytest.approx(
        0.9**19
    )


def test_a_rest_of_few_clusters_may_lack_good_ones() -> None:
    within = margin_boundary("pass", low_is_worse=True, scale="difference", margin=0.1)
    many, few = known_rest(), of(12)
    # a group as good as known that is counted in .20, beside a rest counted in .15: on the edge the rest is at .10
    assert chance_unseen(many, [0.2], few, [0.15], within)[0] == pytest.approx((0.10 / 0.15) ** 12)
    both = chance_unseen(of(12), [0.2], few, [0.15], within)[0]
    alone = chance_unseen(of(12), [0.2], many, [0.15], within)[0]
    assert both >= max(alone, (0.10 / 0.15) ** 12)


@given(st.floats(11, 400), st.floats(0.01, 0.2), st.floats(0, 1), st.floats(0.3, 1))
def test_with_so_many_times_as_many_clusters_the_chance_is_the_level(
    number: float, rate: float, alike: float, share: float
) -> None:
    group, error = of(number, alike, share), np.array([0.02])
    times = clusters_factor_needed(group, rate, error, known_rest(), WITHIN, 0.05)

    def chance(factor: FloatArray) -> float:
        seen = np.minimum(rate + error / np.sqrt(factor), 1.0)
        return float(chance_unseen(group.times(factor), seen, known_rest(), rate, WITHIN)[0])

    assert chance(times) <= 0.05
    assert chance(times * 0.999) > 0.05


def test_large_clusters_make_the_rate_however_many_small_ones_are_beside_them() -> None:
    uneven = np.array([[200] * 5 + [2] * 95])
    assert cluster_number(side(uneven // 2, uneven))[0] == pytest.approx(1190**2 / (5 * 200**2 + 95 * 4))
    assert too_few_clusters(side(uneven // 2, uneven)).all()
    tens = np.array([[90] * 10 + [3] * 50])
    assert cluster_number(side(tens // 2, tens))[0] == pytest.approx(13.5, abs=0.1)
    sizes = np.full((1, 10), 6)
    assert [too_few_clusters(side(sizes[:, :k] // 2, sizes[:, :k]))[0] for k in (9, 10)] == [True, False]


def test_a_few_large_clusters_are_not_lost_among_many_small_ones() -> None:
    """Eight clusters with three tenths of the rows that show no bad one, beside four hundred that are as they are."""
    boundary = margin_boundary("pass", low_is_worse=True, scale="difference", margin=0.15)
    sizes = np.array([[107] * 8 + [5] * 400])
    missed = np.where(np.arange(408) < 8, 0, np.arange(408) % 2).reshape(1, -1)
    bundles = evened(sizes - missed, sizes).bundles
    seen = missed.sum() / sizes.sum()
    found = chance_unseen(bundles, [seen], known_rest(), [0.0], boundary)[0]
    share = 8 * 107 / sizes.sum()
    assert found == pytest.approx((1.0 - (0.15 - seen) / share) ** 8)
    together = of(1.0 / float((sizes**2).sum() / sizes.sum() ** 2), shown=1.0 - seen)
    assert chance_unseen(together, [seen], known_rest(), [0.0], boundary)[0] < found / 5


def test_clusters_that_are_too_few_to_make_up_for_it_hide_nothing() -> None:
    """One pair among two thousand rows: were both missed instead of found, the group would be where it is."""
    assert chance_unseen(of(1.0, share=0.001, shown=1.0), [0.1], known_rest(), [0.1], WITHIN)[0] == 0.0
    # with half of the rows it could
    assert chance_unseen(of(1.0, share=0.5, shown=1.0), [0.1], known_rest(), [0.1], WITHIN)[0] == pytest.approx(0.8)


def test_a_cluster_on_both_sides_can_be_bad_for_one_and_good_for_the_other() -> None:
    """One share v of unseen clusters moves the group by ``v (1 - x)`` and the rest by ``v y``: ``(1 - v)^K``."""
    x, y, k = 0.3, 0.3, 40.0
    v = 0.1 / (1 - x + y)
    both = chance_unseen(of(k), [x], of(k), [y], WITHIN, joint=[True])[0]
    assert both == pytest.approx((1 - v) ** k, rel=0.1)
    assert both <= (1 - v) ** k * (1 + 1e-9)
    apart = chance_unseen(of(k), [x], of(k), [y], WITHIN)[0]
    assert apart < both / 3


@given(st.integers(5, 60), st.floats(0.05, 0.6), st.floats(1, 6))
def test_a_bad_cluster_that_weighs_more_is_rarer(clusters: int, share: float, heavy: float) -> None:
    """A share v of the weight in clusters h times as heavy as others: ``v / (h (1 - v) + v)`` of all clusters."""
    boundary = margin_boundary("pass", low_is_worse=True, scale="difference", margin=share)

    def chance(seen: float) -> float:
        bad = (share - seen) / (1 - seen)
        return float((1 - bad / (heavy * (1 - bad) + bad)) ** clusters) if seen < share else 1.0

    asked = of(clusters), [0.0], known_rest(), [0.0], boundary
    assert chance_unseen(*asked, heavy=([heavy], 1.0))[0] == pytest.approx(chance(0.0))
    # and as much rarer where luck in rows comes together with luck in clusters
    noise = share / 3
    expected = over_rows(chance, noise) if chance(0.0) < 0.25 else chance(0.0)
    assert chance_unseen(*asked, heavy=([heavy], 1.0), noise=[noise])[0] == pytest.approx(expected)


def test_classes_of_size_are_of_twice_the_size_each() -> None:
    sizes = np.array([100.0, 51.0, 50.0, 26.0, 25.0, 1e-9])
    assert size_class(sizes, 100.0).tolist() == [CLASSES - 1 - away for away in (0, 0, 1, 1, 2, 36)]


def test_a_giant_elsewhere_puts_no_two_sizes_into_one_class() -> None:
    sizes = np.array([[86.0] * 10 + [5.0] * 400])
    for largest in (86.0, 2e5, 86.0 * 2**30):
        found = Evened.of_clusters(sizes * 0.9, sizes, sizes, largest).bundles
        assert found.number[np.isfinite(found.number)].tolist() == pytest.approx(
            [10.0, 2860**2 / (10 * 86**2 + 400 * 25)]
        )


@given(st.floats(0, 0.9), st.floats(0, 0.9))
def test_looked_at_in_the_ways_of_both_the_larger_chance_counts_in_any_order(one: float, other: float) -> None:
    """Of clusters of one size, whose number is the same before and after unscored rows are left out."""
    first, second = of(40, one, shown=0.8), of(40, other, shown=0.8)

    def chance(bundles: Bundles) -> float:
        return float(chance_unseen(bundles, [0.2], known_rest(), [0.2], WITHIN)[0])

    larger = max(chance(first), chance(second))
    assert chance(first.with_views_of(second)) == chance(second.with_views_of(first)) == larger
