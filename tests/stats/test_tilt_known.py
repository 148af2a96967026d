"""When rows say enough of how weights go with the outcome for anything to be decided."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from audit.stats.clusters import Tilt

LEVELS = (0.05, 0.001)


def tilt(with_outcome: int, without: int, factor: float = 1.0, *, uneven: bool = True) -> Tilt:
    """Rows without the outcome weigh 1 or 3, in halves; those with it so many times as much."""
    spread = np.array([1.0, 3.0]) if uneven else np.array([2.0, 2.0])
    sums = [np.array([rows * times**power * (spread**power).mean()]) for power in (1, 2)
            for rows, times in ((with_outcome, factor), (without, 1.0))]  # fmt: skip
    rows = np.array([float(with_outcome)]), np.array([float(without)])
    return Tilt.of((sums[0], sums[1]), (sums[2], sums[3]), rows)


def is_known(of: Tilt, rows: int, edge: float, level: float = 0.05) -> bool:
    return bool(of.is_known(np.array([float(rows)]), np.array([edge]), level)[0])


@pytest.mark.parametrize(
    ("factor", "known"), [(1.0, True), (7.9, True), (8.1, False), (1 / 7.9, True), (1 / 8.1, False)]
)
def test_rows_of_one_outcome_may_weigh_eight_times_as_much(factor: float, known: bool) -> None:
    assert is_known(tilt(40, 400, factor), 10, 0.1) is known


def test_where_all_rows_weigh_the_same_nothing_can_go_with_the_outcome() -> None:
    assert is_known(tilt(0, 30, uneven=False), 30, 0.05)
    assert is_known(tilt(4, 30, uneven=False), 30, 0.05)
    assert not is_known(tilt(4, 30), 30, 0.05)
    assert is_known(tilt(5, 30), 30, 0.05)


def test_a_detector_without_errors_can_pass_in_a_large_weighted_set() -> None:
    assert is_known(tilt(0, 5_000), 2_000, 0.05)
    assert not is_known(tilt(0, 5_000), 300, 0.05)
    assert not is_known(tilt(0, 5_000), 10**9, 0.05, level=0.0), "and without a warning"


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("edge", [0.05, 0.1, 0.3])
@pytest.mark.parametrize("seen", [0, 1, 2, 3, 4])
def test_so_few_would_not_be_there_by_chance(seen: int, edge: float, level: float) -> None:
    """Were they 20 times as heavy and the weighted rate on the edge: against scipy's binomial."""
    of = tilt(seen, 100_000)
    rows = next(rows for rows in range(10, 100_000, 10) if is_known(of, rows, edge, level))
    share = edge / (20.0 * (1.0 - edge) + edge)
    assert binom.cdf(seen, rows, share) <= level * 1.1
    assert binom.cdf(seen, rows // 3, share) > level
