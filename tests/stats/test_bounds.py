"""Bounds of a rate whose members are partly unknown, and the fewest changes that move an exact test past its level."""

from __future__ import annotations

from itertools import product
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.stats.arrays import IntArray, Tables
from audit.stats.boundaries import counted_outcome, margin_boundary
from audit.stats.robustness import fewest_to_overturn, rate_bounds
from audit.stats.score_test import FAIL_BETA, PASS_BETA, exact_p


@given(x=st.integers(0, 6), more=st.integers(0, 6), hits=st.integers(0, 4), misses=st.integers(0, 4))
def test_bounds_are_reached_and_never_passed(x: int, more: int, hits: int, misses: int) -> None:
    n = x + more
    low, high = rate_bounds([x], [n], [hits], [misses])
    rates = [
        (x + joined) / (n + joined + left)
        for joined, left in product(range(hits + 1), range(misses + 1))
        if n + joined + left
    ]
    if n:
        assert min(rates) == pytest.approx(low[0])
        assert max(rates) == pytest.approx(high[0])


def test_no_cases_have_no_bounds() -> None:
    low, high = rate_bounds([0], [0], [0], [0])
    assert np.isnan([*low, *high]).all()


@pytest.mark.parametrize(("side", "beta", "level"), [("fail", FAIL_BETA, 1e-4), ("pass", PASS_BETA, 0.05)])
def test_the_fewest_are_those_of_trying_one_after_the_other(side: str, beta: float, level: float) -> None:
    """Misses leave a failing group, or join a passing one, until its test rejects no longer."""
    boundary = margin_boundary("fail" if side == "fail" else "pass", True, "difference", 0.1)
    x, n = np.array([40, 200, 9], dtype=np.int64), np.array([100, 400, 30], dtype=np.int64)
    if side == "pass":
        x = np.array([90, 370, 29], dtype=np.int64)
    y, m = np.full(3, 3200, dtype=np.int64), np.full(3, 4000, dtype=np.int64)
    step, most = (-1 if side == "fail" else 1), np.array([50, 150, 20], dtype=np.int64)

    def tables(changes: IntArray) -> Tables:
        return Tables(x, n + step * changes, y, m)

    found = fewest_to_overturn(tables, most, boundary, beta, np.full(3, level))
    for place in range(3):
        changes = np.arange(most[place] + 1)
        counts = [np.broadcast_to(of[place], changes.shape) for of in (x, n, y, m)]
        own = counts[1] + step * changes
        p = exact_p(
            counted_outcome(counts[0], own, boundary), own, counted_outcome(counts[2], counts[3], boundary), counts[3],
            boundary, beta,
        )  # fmt: skip
        assert p[0] <= level, "the test must reject to begin with"
        above = np.flatnonzero(p > level)
        assert found[place] == (above[0] if above.size else most[place] + 1)


def test_where_nothing_could_change_it_no_number_is_given() -> None:
    boundary = margin_boundary("fail", True, "difference", 0.1)
    x, n, y, m, most = (np.array([count], dtype=np.int64) for count in (100, 1000, 800, 1000, 3))

    def tables(changes: IntArray) -> Tables:
        return Tables(x, n - changes, y, m)

    assert fewest_to_overturn(tables, most, boundary, FAIL_BETA, np.array([1e-3])).tolist() == [4]
    none = np.zeros(1, dtype=np.int64)
    assert fewest_to_overturn(tables, none, boundary, FAIL_BETA, np.array([1e-3])).tolist() == [1]


@given(seed=st.integers(0, 10_000))
def test_what_is_found_is_a_crossing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    boundary = margin_boundary("pass", True, "difference", 0.1)
    n = rng.integers(50, 400, size=4)
    x = rng.binomial(n, 0.85)
    y, m = np.full(4, 800, dtype=np.int64), np.full(4, 1000, dtype=np.int64)
    most = rng.integers(0, 40, size=4)

    def p(changes: IntArray) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        own = n + changes
        counted = counted_outcome(x, own, boundary), counted_outcome(y, m, boundary)
        return cast("np.ndarray[tuple[int], np.dtype[np.float64]]", exact_p(counted[0], own, counted[1], m, boundary))

    level = np.maximum(p(np.zeros(4, dtype=np.int64)), 0.05)

    def tables(changes: IntArray) -> Tables:
        return Tables(x, n + changes, y, m)

    found = fewest_to_overturn(tables, most, boundary, FAIL_BETA, level)
    assert (p(found - 1) <= level).all()
    assert ((p(np.minimum(found, most)) > level) | (found == most + 1)).all()
