"""Names among groups judged one by one: survival by enumeration, budgets, published statistics, a small simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import multinomial, norm
from statsmodels.stats.contingency_tables import mcnemar

from audit.stats.arrays import FloatArray, IntArray
from audit.stats.pairs import (
    BETA,
    name_paired,
    paired_interval,
    paired_p,
    paired_statistic,
    pairs_to_pass,
    screened_paired_p,
    smallest_paired_p,
    survival_probability,
)
from tools.simulate.changes import MARGIN, false_names, named_paired, named_separate, twice

NAMING = 1e-6


def chances(n: int, margin: float, differ: float) -> tuple[IntArray, IntArray, FloatArray]:
    lost, gained = np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij")
    possible = lost + gained <= n
    lost, gained = lost[possible], gained[possible]
    cells = np.stack([lost, gained, n - lost - gained], axis=-1)
    law = multinomial.pmf(cells, n, [(differ + margin) / 2, (differ - margin) / 2, 1 - differ])
    return lost, gained, np.asarray(law)


@pytest.mark.parametrize(("n", "margin"), [(1, 0.05), (7, 0.2), (20, 0.05), (21, 0.05)])
def test_no_share_of_differing_cases_makes_survival_rarer_than_it_is_said_to_be(n: int, margin: float) -> None:
    least = 1.0
    for differ in np.linspace(margin, 1.0, 40):
        lost, gained, law = chances(n, margin, float(differ))
        least = min(least, float(law[gained - lost <= -n * margin + 1e-9].sum()))
    assert survival_probability([n], margin)[0] == pytest.approx(least, abs=2e-3)


@pytest.mark.parametrize(("n", "margin", "differ"), [(24, 0.1, 0.15), (30, 0.05, 0.3), (21, 0.05, 0.1)])
def test_among_survivors_no_group_within_the_margin_is_named_more_often_than_it_pays_for(
    n: int, margin: float, differ: float
) -> None:
    lost, gained, law = chances(n, margin, differ)
    kept = gained - lost <= -n * margin + 1e-9
    close = kept & (law > 1e-9) & (paired_statistic(lost, gained, n, -margin) < -1.5)
    p = screened_paired_p(lost[close], gained[close], n, margin, "worse", NAMING)
    for loss in (margin, margin / 2.0, 0.0):
        law = chances(n, loss, differ)[2]
        survive = law[kept].sum()
        for level in (0.05, 0.01, 0.002):
            named = law[close][p <= survival_probability([n], margin)[0] * level].sum()
            assert named / survive <= level + 1e-5


def test_all_lost_is_the_smallest_p_value() -> None:
    for n in (1, 4, 9):
        found = paired_p([n], [0], [n], 0.05, NAMING).worse[0]
        assert smallest_paired_p([n], 0.05, NAMING)[0] <= found + 1e-9


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 200)), min_size=1, max_size=12))
def test_a_name_is_a_p_value_at_its_level_and_levels_stay_within_the_familys(
    groups: list[tuple[int, int, int]],
) -> None:
    lost, gained, same = (np.array(one) for one in zip(*groups, strict=True))
    n = lost + gained + same
    p = screened_paired_p(lost, gained, n, 0.05, "worse", NAMING)
    for independent in (True, False):
        found = name_paired(p, lost, gained, n, 0.05, 0.045, NAMING, independent=independent)
        assert (found.rejected == ((p <= found.local_level) & (n > 0))).all()
        assert (found.local_level <= 0.045).all()


def test_at_no_margin_the_statistic_is_the_root_of_mcnemars() -> None:
    for lost, gained, n in ((10, 4, 100), (3, 9, 50), (25, 25, 90)):
        table = [[n - lost - gained, lost], [gained, 0]]
        expected = mcnemar(table, exact=False, correction=False).statistic
        assert float(paired_statistic(lost, gained, n, 0.0)) ** 2 == pytest.approx(expected)


@pytest.mark.parametrize(("lost", "gained", "n"), [(10, 4, 100), (0, 0, 40), (12, 0, 60), (30, 31, 200)])
def test_the_ends_of_the_interval_are_where_the_statistic_reaches_the_quantile(lost: int, gained: int, n: int) -> None:
    low, high = paired_interval([lost], [gained], [n], 0.95)
    z = norm.ppf(0.975)

    def distance(change: float, side: float) -> float:
        return float(paired_statistic(lost, gained, n, change)) - side

    assert low[0] == pytest.approx(brentq(distance, -0.999, 0.999, args=(z,)), abs=1e-6)
    assert high[0] == pytest.approx(brentq(distance, -0.999, 0.999, args=(-z,)), abs=1e-6)


@pytest.mark.parametrize(("differing", "margin"), [(0.02, 0.05), (0.05, 0.05), (0.2, 0.1)])
def test_planned_pairs_give_about_the_power_asked_for_and_never_less_than_no_change_needs(
    differing: float, margin: float
) -> None:
    n = int(pairs_to_pass(differing, margin, 0.05, 0.8))
    rng = np.random.default_rng(3)
    differ = rng.binomial(n, differing, 250)
    gained = rng.binomial(differ, 0.5)
    passed = screened_paired_p(differ - gained, gained, n, margin, "within", BETA) <= 0.05
    assert 0.70 <= passed.mean() <= 0.95
    assert screened_paired_p([0], [0], n, margin, "within", BETA)[0] <= 0.05


@pytest.mark.parametrize(("how", "differing"), [("paired", 0.1), ("separate", 0.1)])
def test_no_group_on_the_margin_is_accused_more_often_than_allowed(how: str, differing: float) -> None:
    runs = 80
    (found,) = false_names(runs, np.random.default_rng(5), np.full(20, 150), 1, differing, how).values()
    assert found.share <= 0.05 + 3.0 * np.sqrt(0.05 * 0.95 / runs)


def test_pairing_finds_what_two_samples_do_not() -> None:
    rng, sizes = np.random.default_rng(6), np.full(20, 300)
    change = np.where(np.arange(20) == 0, -2.0 * MARGIN, 0.0)
    shares = np.maximum(0.1, np.abs(change))
    drawn, other = (twice(rng, 60, sizes, change, shares) for _ in range(2))
    paired, separate = named_paired(drawn, sizes)[:, 0].mean(), named_separate(drawn, other, sizes)[:, 0].mean()
    assert paired >= 2.0 * separate
    assert paired >= 0.5
