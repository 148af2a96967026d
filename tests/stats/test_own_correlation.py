"""The largest correlation of a group's own clusters: against simulation, a bound for any distribution, and its ends."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.stats.own_correlation import (
    UNSEEN_TAIL,
    UPPER_TAIL,
    carrying_number,
    cluster_number,
    enough_clusters,
    largest_correlation,
    too_few_clusters,
)
from audit.stats.weighted_rate import WeightedRate

FloatArray = npt.NDArray[np.float64]


def side(counted: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64]) -> WeightedRate:
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


@pytest.mark.parametrize("clusters", [20, 60])
@pytest.mark.parametrize("correlation", [0.1, 0.3])
@pytest.mark.parametrize("unequal", [True, False])
def test_it_is_rarely_below_the_true_one(clusters: int, correlation: float, unequal: bool) -> None:
    rng = np.random.default_rng(clusters)
    runs, shape = 2_000, (1.0 - correlation) / correlation
    sizes = rng.integers(2, 20, (runs, clusters)) if unequal else np.full((runs, clusters), 10)
    rates = rng.beta(0.4 * shape, 0.6 * shape, (runs, clusters))
    found = largest_correlation(side(rng.binomial(sizes, rates), sizes))
    below = float((found < correlation).mean())
    error = float(np.sqrt(UPPER_TAIL * (1 - UPPER_TAIL) / runs))
    assert below <= UPPER_TAIL + 3 * error
    assert below >= UPPER_TAIL / 10  # an upper end that is never missed would be of no use
    assert np.median(found) < correlation + 0.4


def test_nothing_is_known_where_all_rows_are_alike_or_in_one_cluster() -> None:
    sizes = np.full((3, 5), 4)
    counted = np.array([[4, 4, 4, 4, 4], [0, 0, 0, 0, 0], [4, 0, 4, 0, 4]])
    assert largest_correlation(side(counted, sizes)).tolist() == [1.0, 1.0, 1.0]
    assert largest_correlation(side(np.array([[2]]), np.array([[4]]))).tolist() == [1.0]


def test_rows_that_stand_for_themselves_are_alike_to_nobody() -> None:
    rows = side(np.array([[0, 1] * 10]), np.ones((1, 20), dtype=np.int64))
    assert largest_correlation(rows).tolist() == [0.0]
    assert enough_clusters(rows, np.array([0.01]), 0.05).all()


def test_clusters_that_spread_less_than_rows_at_random_are_not_alike() -> None:
    sizes = np.full((1, 60), 10)
    assert largest_correlation(side(np.full((1, 60), 5), sizes)).tolist() == [0.0]


@given(
    st.integers(2, 120),
    st.integers(1, 30),
    st.lists(st.tuples(st.floats(0, 1), st.floats(0.01, 1)), min_size=1, max_size=6),
)
def test_a_count_of_nothing_is_no_likelier_than_promised(
    clusters: int, size: int, distribution: list[tuple[float, float]]
) -> None:
    """Whatever rates the clusters have: the chance that no row of any is counted, exactly."""
    rates, weights = (np.array(values) for values in zip(*distribution, strict=True))
    shares = weights / weights.sum()
    edge = float((shares * rates).sum())
    none_counted = float((shares * (1.0 - rates) ** size).sum()) ** clusters
    rows = side(np.zeros((1, clusters), dtype=np.int64), np.full((1, clusters), size))
    if size > 1 and enough_clusters(rows, edge, 0.05)[0]:
        assert none_counted <= UNSEEN_TAIL * (1 + 1e-9)


def test_how_many_clusters_are_enough() -> None:
    sizes = np.full((1, 19), 4)
    nineteen, eighteen = side(sizes // 2, sizes), side(sizes[:, 1:] // 2, sizes[:, 1:])
    assert enough_clusters(nineteen, 0.15, 0.05).all()
    assert not enough_clusters(eighteen, 0.15, 0.05).any()
    assert not enough_clusters(nineteen, 0.15, 0.001).any()
    assert enough_clusters(nineteen, 0.15, 0.2).all()  # never above .05
    # large clusters make the rate, however many small ones there are beside them
    uneven = np.array([[200] * 5 + [2] * 95])
    assert cluster_number(side(uneven // 2, uneven))[0] == pytest.approx(1190**2 / (5 * 200**2 + 95 * 4))
    assert too_few_clusters(side(uneven // 2, uneven)).all()
    tens = np.array([[90] * 10 + [3] * 50])
    assert cluster_number(side(tens // 2, tens))[0] == pytest.approx(13.5, abs=0.1)
    assert carrying_number(side(tens // 2, tens))[0] == pytest.approx(11.7, abs=0.1)
    assert [too_few_clusters(side(sizes[:, :k] // 2, sizes[:, :k]))[0] for k in (9, 10)] == [True, False]
