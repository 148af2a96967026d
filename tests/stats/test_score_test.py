from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from made.enumerations import rate_with_known_rest_power, rejection_probabilities
from made.tables import EVERY_BOUNDARY, boundaries, tables
from scipy import stats

from audit.stats.boundaries import Boundary, margin_boundary
from audit.stats.intervals import clopper_pearson
from audit.stats.score_test import FAIL_BETA, PASS_BETA, asymptotic_p, exact_p, score_statistic, screened_p


def literal_p(x: int, n: int, y: int, m: int, boundary: Boundary, beta: float) -> float:
    """The definition, every table listed at 160 rates of the rest and at the kink of the edge."""
    if boundary.edge(y / m) <= 0.0:
        return 1.0
    low, high = (float(limit) for limit in clopper_pearson(y, m, 1.0 - beta))
    ceiling = (1.0 - boundary.offset) / boundary.slope
    if low > ceiling:
        return beta
    u, rest = np.arange(n + 1)[:, None], np.arange(m + 1)[None, :]
    rejected = score_statistic(u, n, rest, m, boundary) <= score_statistic(x, n, y, m, boundary) + 1e-9
    best = 0.0
    high = min(high, ceiling)
    for rate in [*np.linspace(low, high, 160), float(np.clip(-boundary.offset / boundary.slope, low, high))]:
        weight = stats.binom.pmf(u, n, float(boundary.edge(rate))) * stats.binom.pmf(rest, m, rate)
        best = max(best, float(weight[rejected].sum()))
    return min(1.0, best + beta)


@given(tables(80, 250), boundaries, st.sampled_from([FAIL_BETA, PASS_BETA]))
def test_exact_p_is_the_definition(table: tuple[int, int, int, int], boundary: Boundary, beta: float) -> None:
    """Never below it, and above it by the factor that covers what lies between the rates tried, and little more."""
    p = float(exact_p(*table, boundary, beta))
    expected = literal_p(*table, boundary, beta)
    assert expected * (1.0 - 1e-9) <= p <= min(1.0, expected * 1.001) + 2.1e-9


def test_merging_steps_only_raises_the_p_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """With 16 and 128 steps instead of 1024: upwards only, and the less the more steps."""
    boundary = margin_boundary("fail", True, "ratio", 0.8)
    x, n, y, m = np.array([380, 1000, 30, 36]), np.array([800, 2000, 60, 80]), 2100, 3000
    exact = exact_p(x, n, y, m, boundary)
    excess = []
    for steps in (16, 128):
        monkeypatch.setattr("audit.stats.score_test.MAX_STEPS", steps)
        merged = exact_p(x, n, y, m, boundary)
        assert (merged >= exact * (1.0 - 1e-12)).all()
        excess.append(merged / exact)
    assert (excess[1] <= excess[0]).all()
    assert excess[1].max() < 1.2


@pytest.mark.parametrize(
    ("x", "n", "y", "m", "nuisance_in_set"),
    [
        (2, 15, 14, 30, True),
        (7, 12, 17, 19, True),
        (0, 8, 9, 20, True),
        (5, 20, 60, 100, False),
        (1, 30, 20, 90, False),
    ],
)
def test_margin_zero_is_barnards_test_over_the_confidence_set(
    x: int, n: int, y: int, m: int, nuisance_in_set: bool
) -> None:
    """The pooled Wald statistic of Barnard's test is the score statistic; our maximum is over fewer rates."""
    barnard = stats.barnard_exact([[x, y], [n - x, m - y]], alternative="less", pooled=True, n=512).pvalue
    p = float(exact_p(x, n, y, m, margin_boundary("fail", True, "difference", 0.0)))
    assert p <= barnard * 1.001 + 2e-6
    if nuisance_in_set:
        assert p >= 0.95 * barnard


def test_groups_do_not_disturb_each_other() -> None:
    rng = np.random.default_rng(4)
    n = np.round(10 ** rng.uniform(0, 3.5, 20))
    m = np.round(10 ** rng.uniform(1, 4.5, 20))
    x, y = rng.binomial(n.astype(int), 0.5), rng.binomial(m.astype(int), 0.7)
    order = rng.permutation(20)
    for boundary in EVERY_BOUNDARY[1::9]:
        together = exact_p(x, n, y, m, boundary)
        assert exact_p(x[order], n[order], y[order], m[order], boundary).tolist() == together[order].tolist()
        assert [float(exact_p(x[k], n[k], y[k], m[k], boundary)) for k in range(20)] == together.tolist()


@given(tables(60, 200), boundaries)
def test_p_rises_with_the_group_count(table: tuple[int, int, int, int], boundary: Boundary) -> None:
    _, n, y, m = table
    p = exact_p(np.arange(n + 1), n, y, m, boundary)
    assert (np.diff(p) >= -1e-9).all()
    assert ((p > 0.0) & (p <= 1.0)).all()


def test_no_group_no_rest_and_no_room_below_the_edge_cannot_reject() -> None:
    ratio, difference = margin_boundary("fail", True, "ratio", 0.8), margin_boundary("fail", True, "difference", 0.1)
    for p in (exact_p, asymptotic_p):
        assert p([0, 0, 0], [0, 9, 9], [5, 0, 0], [9, 0, 9], ratio).tolist() == [1.0, 1.0, 1.0]
        assert p([0], [50], [2], [40], difference).tolist() == [1.0]
    assert exact_p([], [], [], [], ratio).shape == (0,)
    assert screened_p([], [], [], [], ratio).p.shape == (0,)


def test_a_margin_that_no_group_can_exceed_passes() -> None:
    """A rest that finds 1 % cannot be missed by more than 10 points; a rest of 2 cannot show that."""
    boundary = margin_boundary("pass", True, "difference", 0.1)
    p = exact_p([5, 5], [5, 5], [990, 2], [1000, 2], boundary, PASS_BETA)
    assert p[0] == PASS_BETA
    assert p[1] > 0.05


def test_large_counts_stay_close_to_the_normal_law() -> None:
    boundary = margin_boundary("fail", True, "difference", 0.05)
    n, m, y = 10**6, 10**7, 7 * 10**6
    x = np.round(n * 0.65 - np.sqrt(n * 0.65 * 0.35 * 1.1) * np.array([1.7, 3.0, 4.0]))
    ratio = exact_p(x, n, y, m, boundary) / asymptotic_p(x, n, y, m, boundary)
    assert ratio == pytest.approx(1.0, abs=0.08)
    assert float(exact_p(0, n, y, m, boundary)) == pytest.approx(FAIL_BETA, rel=0.01)
    assert float(exact_p(n, n, y, m, boundary)) == pytest.approx(1.0)


@given(tables(300, 3000), boundaries)
def test_what_the_exact_test_rejects_passes_the_screen(table: tuple[int, int, int, int], boundary: Boundary) -> None:
    """Measured over 160,800 tables near .05: the largest asymptotic p-value of a rejected one was .061."""
    beta = FAIL_BETA if boundary.offset <= 0.0 else PASS_BETA
    screened = screened_p(*table, boundary, beta)
    assume(not screened.is_exact)
    assert float(exact_p(*table, boundary, beta)) > 0.05
    assert float(screened.p) == float(asymptotic_p(*table, boundary))


def test_screen_keeps_exact_p_values() -> None:
    boundary = margin_boundary("fail", True, "ratio", 0.8)
    x, n, y, m = np.array([10, 15, 30]), np.array([40, 40, 40]), 700, 1000
    p, is_exact = screened_p(x, n, y, m, boundary)
    assert is_exact.tolist() == [True, True, False]
    assert p[:2].tolist() == exact_p(x[:2], n[:2], y, m, boundary).tolist()


@pytest.mark.parametrize(("x", "n", "y", "m"), [(0.5, 3, 1, 9), (4, 3, 1, 9), (1, 3, 10, 9), (1, 3, -1, 9)])
def test_impossible_counts_are_refused(x: float, n: float, y: float, m: float) -> None:
    with pytest.raises(ValueError, match="counts"):
        exact_p(x, n, y, m, margin_boundary("fail", True, "ratio", 0.8))


MARGINS = [
    margin_boundary("fail", True, "difference", 0.05),
    margin_boundary("fail", True, "ratio", 0.8),
    margin_boundary("fail", False, "ratio", 0.8),
]


@pytest.mark.parametrize(
    ("level", "factor", "n", "planned_size", "planned_mean", "planned_smallest"),
    [(0.05, 2, 100, 0.93, 61, 44), (0.05, 20, 30, 0.96, 77, 76), (0.05, 200, 30, 0.97, 77, 71)],
)
def test_enumerated_size_and_power(
    level: float, factor: int, n: int, planned_size: float, planned_mean: int, planned_smallest: int
) -> None:
    """Size never exceeds the level, and power is what the procedure was chosen for.

    The planned figures were made with 9 rates of the rest and at most 60 merged bins; without merging the size is a
    little closer to the level and the power up to 2 points higher.
    """
    m, worst, powers = n * factor, 0.0, []
    for boundary in MARGINS:
        for rest_rate in (0.1, 0.3, 0.7, 0.9):
            counted = rest_rate if boundary.counts_success else 1.0 - rest_rate
            edge = boundary.offset + boundary.slope * counted
            if not 0.0 < edge < 1.0:
                continue
            better = rate_with_known_rest_power(n, edge, level, 0.8)
            rates = [edge] if better is None else [edge, better]
            rates = [rate if boundary.counts_success else 1.0 - rate for rate in rates]
            size, *power = rejection_probabilities(rates, n, rest_rate, m, boundary, level, FAIL_BETA)
            worst = max(worst, size / level)
            powers += power
    assert planned_size - 0.01 <= worst <= 1.0
    assert planned_mean - 0.5 <= 100 * np.mean(powers) <= planned_mean + 2.0
    assert planned_smallest - 0.5 <= 100 * min(powers) <= planned_smallest + 1.0


@pytest.mark.parametrize(
    ("rate", "scale", "margin", "n", "planned_power", "planned_size"),
    [
        (0.7, "ratio", 0.8, 100, 88.8, 4.9),
        (0.1, "ratio", 0.8, 1000, 70.0, 4.8),
        (0.9, "difference", 0.05, 300, 82.0, 4.8),
    ],
)
def test_enumerated_pass_of_a_group_equal_to_its_rest(
    rate: float, scale: str, margin: float, n: int, planned_power: float, planned_size: float
) -> None:
    boundary = margin_boundary("pass", True, "ratio" if scale == "ratio" else "difference", margin)
    at_margin = rate * margin if scale == "ratio" else rate - margin
    power, size = rejection_probabilities([rate, at_margin], n, rate, 20 * n, boundary, 0.05, PASS_BETA, at_most=60)
    assert 100 * power == pytest.approx(planned_power, abs=0.6)
    assert 100 * size == pytest.approx(planned_size, abs=0.12)
    assert size <= 0.05
