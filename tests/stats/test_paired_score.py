"""The exact paired score test: Tango's published example, the likelihood, sums over all tables, and its size."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import multinomial

from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.intervals import clopper_pearson
from audit.stats.pairs import BETA, paired_p, paired_statistic


@st.composite
def tables(draw: st.DrawFn, most: int = 150) -> tuple[int, int, int]:
    n = draw(st.integers(1, most))
    lost = draw(st.integers(0, n))
    return lost, draw(st.integers(0, n - lost)), n


def all_tables(n: int) -> tuple[IntArray, IntArray]:
    lost, gained = np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij")
    possible = lost + gained <= n
    return lost[possible], gained[possible]


def chances(n: int, change: float, differ: float) -> FloatArray:
    """Of each of `all_tables`."""
    lost, gained = all_tables(n)
    cells = np.stack([lost, gained, n - lost - gained], axis=-1)
    return np.asarray(multinomial.pmf(cells, n, [(differ - change) / 2, (differ + change) / 2, 1 - differ]))


def test_the_example_that_was_published_with_the_statistic() -> None:
    """Tango (1998), Statistics in Medicine 17: 44 pairs of which one differs, margin 0.1: Z = 1.709."""
    assert paired_statistic(1, 0, 44, -0.1) == pytest.approx(1.709, abs=5e-4)


@given(tables(), st.floats(-0.4, 0.4))
def test_the_variance_is_taken_at_the_likeliest_rates_under_the_change(
    table: tuple[int, int, int], change: float
) -> None:
    lost, gained, n = table

    def unlikely(q: float) -> float:
        cells = [(lost, q), (gained, q + change), (n - lost - gained, 1 - 2 * q - change)]
        return -sum(count * math.log(max(rate, 1e-300)) for count, rate in cells if count)

    least, most = max(0.0, -change), (1.0 - change) / 2.0
    q = minimize_scalar(unlikely, bounds=(least, most), method="bounded", options={"xatol": 1e-12}).x
    variance = n * (2 * q + change - change * change)
    if variance > 1e-6:
        found = float(paired_statistic(lost, gained, n, change))
        assert found == pytest.approx((gained - lost - n * change) / np.sqrt(variance), rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("n", [9, 40])
@pytest.mark.parametrize("change", [-0.02, -0.1, -0.3])
def test_the_statistic_grows_with_the_gained_among_those_that_differ(n: int, change: float) -> None:
    for differ in range(n + 1):
        gained = np.arange(differ + 1)
        assert (np.diff(paired_statistic(differ - gained, gained, n, change)) > -1e-9).all()


@given(tables(40), st.sampled_from([0.02, 0.05, 0.1, 0.25]))
def test_the_sum_is_that_over_all_tables(table: tuple[int, int, int], margin: float) -> None:
    lost, gained, n = table
    low, high = (float(end[0]) for end in clopper_pearson([lost + gained], [n], 1 - BETA))
    p = paired_p(lost, gained, n, margin)
    if high < margin:
        assert (p.worse[0], p.within[0]) == (1.0, BETA)
        return
    every = all_tables(n)
    z, here = paired_statistic(*every, n, -margin), float(paired_statistic(lost, gained, n, -margin))
    fits = z <= here + 1e-9, z >= here - 1e-9
    for side, found in enumerate((p.worse[0], p.within[0])):
        grid = np.linspace(max(low, margin), high, 33)
        tails = [chances(n, -margin, differ)[fits[side]].sum() for differ in grid]
        best = int(np.argmax(tails))
        near = np.linspace(grid[max(best - 1, 0)], grid[min(best + 1, 32)], 33)
        tails += [chances(n, -margin, differ)[fits[side]].sum() for differ in near]
        assert found == pytest.approx(min(1.0, max(tails) + BETA), abs=1e-9)


def rejected(n: int, margin: float, side: Literal["worse", "within"], level: float) -> BoolArray:
    """Whether each of `all_tables` is rejected."""
    lost, gained = all_tables(n)
    return np.asarray(getattr(paired_p(lost, gained, np.full(lost.shape, n), margin, side=side), side) <= level)


@pytest.mark.parametrize("side", ["worse", "within"])
def test_it_errs_no_more_often_than_it_says(side: Literal["worse", "within"]) -> None:
    n, margin, level = 30, 0.1, 0.05
    at = rejected(n, margin, side, level)
    sizes = [chances(n, -margin, differ)[at].sum() for differ in np.linspace(margin, 0.9, 40)]
    assert max(sizes) <= level
    assert max(sizes) > 0.5 * level, "and is not so careful that it finds nothing"


def test_no_test_passes_a_group_that_did_not_change_much_more_often() -> None:
    """A group of 300, right in 80 %, where both models redraw 6 %: Neyman and Pearson's test of a null bounds all."""
    n, margin, level, differ = 300, 0.05, 0.05, 2 * (2 * 0.06 * 0.94 + 0.06**2) * 0.8 * 0.2
    lost, gained = (cells.ravel() for cells in np.meshgrid(np.arange(40), np.arange(40), indexing="ij"))
    cells = np.stack([lost, gained, n - lost - gained], axis=-1)
    unchanged = np.asarray(multinomial.pmf(cells, n, [differ / 2, differ / 2, 1 - differ]))
    bounds = []
    for share in np.linspace(margin + 0.001, 0.1, 30):
        worse = np.asarray(multinomial.pmf(cells, n, [(share + margin) / 2, (share - margin) / 2, 1 - share]))
        order = np.argsort(worse / unchanged)
        bounds.append(np.interp(level, np.cumsum(worse[order]), np.cumsum(unchanged[order])))
    likely = unchanged > 1e-9
    p = paired_p(lost[likely], gained[likely], np.full(likely.sum(), n), margin, side="within").within
    power = unchanged[likely][p <= level].sum()
    assert min(bounds) - 0.002 < power < min(bounds)
    assert min(bounds) ** 10 < 0.925, "ten such groups pass together in no more, whatever the test"


def test_a_change_that_is_plain_is_found_and_none_is_passed() -> None:
    p = paired_p([60, 10, 5], [0, 10, 5], [300, 300, 20], 0.05)
    assert p.worse[0] < 0.01
    assert p.within[0] == pytest.approx(1.0, abs=1e-3)
    assert p.within[1] < 0.01
    assert min(p.worse[2], p.within[2]) > 0.05, "twenty cases tell of neither"


def test_no_cases_tell_nothing() -> None:
    p = paired_p(0, 0, 0, 0.1)
    assert (p.worse[0], p.within[0]) == (1.0, 1.0)


@pytest.mark.parametrize(("table", "margin"), [((2, 2, 3), 0.1), ((-1, 0, 3), 0.1), ((0, 0, 3), 0.0), ((0, 0, 3), 1.0)])
def test_what_cannot_be_is_refused(table: tuple[int, int, int], margin: float) -> None:
    with pytest.raises(ValueError, match=r"counts|margin"):
        paired_p(*table, margin)
