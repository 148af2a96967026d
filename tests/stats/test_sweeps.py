"""A sweep is what each threshold would have flagged, and its largest gap is no larger than chance allows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from audit.stats.intervals import newcombe_difference
from audit.stats.operating_points import NOBODY, edges_flagging, flagged_at_edges, largest_gap


def test_every_edge_flags_what_a_threshold_there_flags() -> None:
    rng = np.random.default_rng(1)
    cases = rng.integers(0, 4, (3, 2, 30))
    flagged = flagged_at_edges(cases)
    assert flagged.shape == (3, 2, 31)
    assert (flagged[..., -1] == 0).all()
    for edge in range(31):
        assert (flagged[..., edge] == cases[..., edge:].sum(axis=-1)).all()


def test_the_rates_are_those_of_the_roc_curve() -> None:
    rng = np.random.default_rng(2)
    pos, neg = rng.integers(0, 9, 40), rng.integers(0, 9, 40)
    scores = np.repeat(np.concatenate([np.arange(40), np.arange(40)]), np.concatenate([pos, neg]))
    labels = np.repeat([1, 0], [pos.sum(), neg.sum()])
    fpr, tpr, thresholds = roc_curve(labels, scores, drop_intermediate=False)
    edges = thresholds[1:].astype(np.int64)
    assert flagged_at_edges(pos)[edges] / pos.sum() == pytest.approx(tpr[1:])
    assert flagged_at_edges(neg)[edges] / neg.sum() == pytest.approx(fpr[1:])


@given(st.lists(st.integers(0, 5), min_size=1, max_size=20), st.floats(0, 1))
def test_a_capacity_is_met_as_nearly_as_bins_allow(cases: list[int], share: float) -> None:
    flagged = flagged_at_edges(np.array(cases))
    edge = int(edges_flagging(flagged, [share])[0])
    nearest = np.abs(flagged - share * sum(cases)).min()
    assert abs(flagged[edge] - share * sum(cases)) == nearest
    assert edge == len(cases) or (np.abs(flagged[edge + 1 :] - share * sum(cases)) > nearest).all()


def test_the_largest_gap_is_found_among_groups_with_enough_cases() -> None:
    n = np.array([100, 200, 4, 50])
    x = np.array([[50, 10], [100, 180], [4, 4], [31, 10]])
    found = largest_gap(x, n, 5)
    assert found.group.tolist() == [3, 1]
    assert found.difference == pytest.approx([31 / 50 - 154 / 304, 180 / 200 - 24 / 154])
    low, high = newcombe_difference([31, 180], [50, 200], [154, 24], [304, 154], 1.0 - 0.05 / 3)
    assert found.low == pytest.approx(low)
    assert found.high == pytest.approx(high)
    assert found.low[0] < 0 < found.high[0]
    assert largest_gap(x, n, 1).group.tolist() == [2, 1]


def test_a_few_cases_far_out_do_not_hide_many() -> None:
    """Five of five, against 40 % of a thousand and 60 % of the others: the first could be chance, the second not."""
    found = largest_gap(np.array([[5], [400], [600]]), np.array([5, 1000, 1000]), 5)
    assert found.group.tolist() in ([1], [2])
    assert abs(found.difference[0]) == pytest.approx(0.2, abs=0.01)


def test_without_enough_cases_nobody_is_farthest() -> None:
    for n, x in (([3, 2], [[1], [1]]), ([9], [[4]]), ([9, 0], [[4], [0]]), ([0, 0], [[0], [0]])):
        found = largest_gap(np.array(x), np.array(n), 5)
        assert found.group.tolist() == [NOBODY]
        assert np.isnan(found.difference).all()
        assert np.isnan(found.low).all()


def test_the_interval_of_the_largest_gap_allows_for_having_been_picked() -> None:
    """Twenty groups with one rate: the largest gap is far from 0, and its interval holds 0 as often as it says."""
    rng = np.random.default_rng(3)
    n = np.full(20, 60)
    runs = 800
    found = largest_gap(rng.binomial(60, 0.4, (20, runs)), n, 5)
    assert np.abs(found.difference).mean() > 0.1
    outside = ((found.low > 0) | (found.high < 0)).mean()
    assert outside <= 0.05 + 3.0 * np.sqrt(0.05 * 0.95 / runs)
    alone = newcombe_difference(rng.binomial(60, 0.4, runs), 60, 480, 1200)
    assert (found.high - found.low).mean() > (alone[1] - alone[0]).mean()


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="counts"):
        largest_gap(np.array([[9], [1]]), np.array([5, 5]), 1)
    with pytest.raises(ValueError, match="level"):
        largest_gap(np.array([[1], [1]]), np.array([5, 5]), 1, 1.5)
