"""Allocations against closed forms, another optimiser, and what they promise."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import Bounds, NonlinearConstraint, minimize

from audit.stats.allocation import GroupCells, effective_sizes, proportional_counts, smallest_allocation

CELLS = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 10)), min_size=1, max_size=30)


@given(cells=CELLS, total=st.integers(0, 5_000), equal=st.booleans())
def test_a_filled_allocation_has_the_size_asked_within_its_bounds(
    cells: list[tuple[int, int]], total: int, equal: bool
) -> None:
    pool = np.array([size for size, _ in cells])
    least = np.minimum([low for _, low in cells], pool)
    drawn = proportional_counts(np.ones(pool.size) if equal else pool, least, pool, total)
    assert int(drawn.sum()) == min(max(total, int(least.sum())), int(pool.sum()))
    assert np.all((least <= drawn) & (drawn <= pool))
    inner = (least < drawn) & (drawn < pool)
    if equal and inner.any():
        assert np.ptp(drawn[inner]) <= 1
        assert np.all(drawn[drawn == pool] <= drawn[inner].max())


def test_proportional_shares_are_those_of_largest_remainders() -> None:
    assert proportional_counts([5, 3, 3], [0, 0, 0], [9, 9, 9], 10).tolist() == [4, 3, 3]
    assert proportional_counts([1, 1, 1], [0, 0, 0], [9, 9, 9], 10).tolist() == [4, 3, 3]
    assert proportional_counts([100, 10, 1], [1, 1, 1], [100, 10, 1], 56).tolist() == [50, 5, 1]


@given(
    cells=st.lists(st.tuples(st.integers(1, 50), st.integers(1, 50)), min_size=1, max_size=8),
)
def test_worth_is_the_effective_size_of_the_weights_written_out(cells: list[tuple[int, int]]) -> None:
    sizes = np.array([max(pool, drawn) for pool, drawn in cells], dtype=np.float64)
    drawn = np.array([min(pool, drawn) for pool, drawn in cells], dtype=np.int64)
    weights = np.repeat(sizes / drawn, drawn)
    kish = weights.sum() ** 2 / (weights**2).sum()
    assert effective_sizes(GroupCells.of([range(len(cells))]), sizes, drawn)[0] == pytest.approx(kish)


def test_a_group_with_a_cell_of_which_nothing_is_drawn_is_worth_nothing() -> None:
    groups = GroupCells.of([[0, 1], [1], [2]])
    assert effective_sizes(groups, [10, 10, 0], [0, 5, 0]).tolist() == [0.0, 5.0, 0.0]


def test_one_group_is_served_in_proportion() -> None:
    drawn = smallest_allocation(GroupCells.of([[0, 1, 2]]), [30.0], [100, 200, 300], [0, 0, 0])
    np.testing.assert_allclose(drawn, [5, 10, 15], rtol=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_fewest_agrees_with_a_general_optimiser(seed: int) -> None:
    """SciPy's SLSQP on the same convex programme: rows and columns of a table as groups."""
    rng = np.random.default_rng(seed)
    rows, columns = 3, 4
    pool = rng.integers(20, 2_000, rows * columns).astype(np.float64)
    members = [[r * columns + c for c in range(columns)] for r in range(rows)]
    members += [[r * columns + c for r in range(rows)] for c in range(columns)]
    groups = GroupCells.of(members)
    wanted = np.minimum(rng.integers(20, 400, len(members)), 0.8 * groups.added(pool))
    least = np.minimum(2.0, pool)
    drawn = smallest_allocation(groups, wanted, pool, least)
    assert np.all(effective_sizes(groups, pool, drawn) >= wanted * (1 - 1e-5))

    def short(n: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return 1.0 - groups.added(pool**2 / n) * wanted / groups.added(pool) ** 2

    best = minimize(  # type: ignore[call-overload]
        lambda n: float(n.sum()) / 100.0,
        np.maximum(drawn * 1.05, least).clip(max=pool).tolist(),
        bounds=Bounds(least, pool),
        constraints=NonlinearConstraint(short, 0.0, np.inf),
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-10},
    )
    assert best.success
    assert float(drawn.sum()) == pytest.approx(100.0 * float(best.fun), rel=2e-3)


def test_a_group_without_enough_cases_gives_all_and_takes_nothing_from_others() -> None:
    groups = GroupCells.of([[0], [1]])
    assert smallest_allocation(groups, [50.0, 20.0], [10, 1_000], [5, 5]).tolist() == pytest.approx([10.0, 20.0])


def test_nothing_beyond_the_least_is_drawn_where_nothing_is_wanted() -> None:
    assert smallest_allocation(GroupCells.of([[0, 1]]), [0.0], [10, 10], [2, 3]).tolist() == [2.0, 3.0]
