"""What is left out and looked at quickly, held against every sum at every rate."""

from __future__ import annotations

from typing import Any, TypeAlias
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.tables import EVERY_BOUNDARY, boundaries
from scipy.special import ndtri

from audit.stats import score_test
from audit.stats.arrays import FloatArray
from audit.stats.boundaries import Boundary
from audit.stats.score_test import FAIL_BETA, PASS_BETA, exact_p, exact_rejects

Tables: TypeAlias = tuple[FloatArray, FloatArray, FloatArray, FloatArray]


def plain_p(tables: Tables, boundary: Boundary, beta: float) -> FloatArray:
    """The p-values with nothing left out: no sum is called negligible, and every rate is worth an exact one."""
    with patch.object(score_test, "_UNSEEN", -1.0), patch.object(score_test, "_CLOSE", 1.0):
        return exact_p(*tables, boundary, beta)


def drawn(seed: int, boundary: Boundary, *, most: float, size: int) -> Tables:
    """Groups of 1 to 10^most cases against rests of 1/100 to 10,000 times as many, mostly near the edge."""
    rng = np.random.default_rng(seed)
    n = np.floor(10.0 ** rng.uniform(0.0, most, size))
    m = np.floor(np.minimum(n * 10.0 ** rng.uniform(-2.0, 4.0, size) + 1.0, 10.0**7))
    rate = rng.uniform(0.02, 0.98, size)
    y = rng.binomial(m.astype(np.int64), rate).astype(np.float64)
    edge = boundary.edge(y / m)
    away = ndtri(10.0 ** rng.uniform(-7.0, -0.3, size)) * rng.choice([1.0, 3.0], size)
    x = np.clip(np.round(n * edge + away * np.sqrt(n * edge * (1.0 - edge))), 0.0, n)
    return x, n, y, m


@given(st.integers(0, 10**6), boundaries, st.sampled_from([FAIL_BETA, PASS_BETA]))
def test_what_is_left_out_shows_in_no_p_value(seed: int, boundary: Boundary, beta: float) -> None:
    """1e-12 is what steps that do not matter add to a sum, and is all there is in sums far below `NEGLIGIBLE`."""
    tables = drawn(seed, boundary, most=3.5, size=6)
    p, plain = exact_p(*tables, boundary, beta), plain_p(tables, boundary, beta)
    assert p == pytest.approx(plain, rel=1e-13, abs=1e-12)


@pytest.mark.parametrize("boundary", EVERY_BOUNDARY[1::5])
def test_nor_in_that_of_a_large_group(boundary: Boundary) -> None:
    tables = drawn(7, boundary, most=6.5, size=24)
    p, plain = exact_p(*tables, boundary, PASS_BETA), plain_p(tables, boundary, PASS_BETA)
    assert p == pytest.approx(plain, rel=1e-13, abs=1e-12)


@given(st.integers(0, 10**6), boundaries)
def test_quick_sums_are_close(seed: int, boundary: Boundary) -> None:
    """Twice as close as they are trusted to be."""
    off: list[float] = []
    x, n, y, m = drawn(seed, boundary, most=5.0, size=6)

    def both(staircase: Any, rates: FloatArray, edge: Boundary, **_: bool) -> FloatArray:
        exact = score_test._sums(staircase, rates, edge)
        quick = score_test._QuickSums(staircase, rates, edge).at(rates) + score_test.NEGLIGIBLE
        allowed = 0.5 * (score_test._CLOSE * exact + score_test._CLOSE_SMALL)
        off.append(float((np.abs(quick - exact) / allowed).max(initial=0.0)))
        return np.asarray(exact.max(axis=1))

    with patch.object(score_test, "_largest", both):
        exact_p(x, n, y, m, boundary)
    assert max(off, default=0.0) < 1.0


def test_a_sum_that_is_not_computed_has_its_bound_in_its_place() -> None:
    boundary = EVERY_BOUNDARY[0]
    tables = (np.array([100.0]), np.array([1_000.0]), np.array([70_000.0]), np.array([100_000.0]))
    plain = plain_p(tables, boundary, FAIL_BETA)
    assert exact_p(*tables, boundary, FAIL_BETA) == pytest.approx(plain, rel=1e-12)
    with patch.object(score_test, "_sums", side_effect=AssertionError("was computed")):
        assert float(exact_p(*tables, boundary, FAIL_BETA)[0]) >= FAIL_BETA + score_test.NEGLIGIBLE


@given(st.integers(0, 10**6), boundaries, st.sampled_from([FAIL_BETA, PASS_BETA]), st.data())
def test_rejects_where_the_p_value_is_at_most_the_level(
    seed: int, boundary: Boundary, beta: float, data: st.DataObject
) -> None:
    """Also at the p-value itself, and a hair on either side of it."""
    tables = drawn(seed, boundary, most=3.5, size=6)
    p = exact_p(*tables, boundary, beta)
    level = p * data.draw(st.sampled_from([0.5, 1.0 - 1e-9, 1.0 - 1e-15, 1.0, 1.0 + 1e-15, 1.0 + 1e-9, 2.0]))
    assert exact_rejects(*tables, boundary, level, beta).tolist() == (p <= level).tolist()
    assert exact_rejects(*tables, boundary, 0.05, beta).tolist() == (p <= 0.05).tolist()


def test_rejects_large_groups_where_the_p_value_is_at_most_the_level() -> None:
    boundary = EVERY_BOUNDARY[13]
    tables = drawn(8, boundary, most=6.0, size=24)
    p = exact_p(*tables, boundary, FAIL_BETA)
    for share in (1.0 - 1e-5, 1.0, 1.0 + 1e-5):
        assert exact_rejects(*tables, boundary, p * share, FAIL_BETA).tolist() == (p <= p * share).tolist()


def test_what_is_clear_without_a_list_of_tables_is_rejected_by_its_p_value() -> None:
    """A bound stands in the place of most p-values of large groups: never of one above its level."""
    clear = 0
    for seed in range(24):
        boundary = EVERY_BOUNDARY[seed % len(EVERY_BOUNDARY)]
        tables = drawn(seed, boundary, most=5.0, size=12)
        p = exact_p(*tables, boundary, PASS_BETA)
        with patch.object(score_test, "_largest_listed", side_effect=lambda x, *_: np.ones(x.shape)):
            rejected = exact_rejects(*tables, boundary, 0.05, PASS_BETA)
        assert np.all(p[rejected] <= 0.05)
        clear += int(rejected.sum())
    assert clear > 0
