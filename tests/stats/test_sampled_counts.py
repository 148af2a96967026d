"""Stratified samples: variances against textbook formulas, and populations against a numerical optimum."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import binom

from audit.stats.arrays import FloatArray
from audit.stats.boundaries import margin_boundary
from audit.stats.strata import SampledCounts, on_the_edge, rate_limits

SIZES, DRAWN = np.array([972_648, 5_082]), np.array([1_047, 5_082])
"""Strata in the shape of benefit checks published of Sweden: a random sample, and all whom a model selected."""
WOMEN, MEN = ([0, 1_597], [372, 0]), ([0, 884], [365, 0])
"""Flagged and left alone, of those who did nothing wrong, in each stratum."""


def side(counted: list[int], other: list[int], *, by_decision: bool = True) -> SampledCounts:
    seen = [np.array([values], dtype=np.float64) for values in (counted, other)]
    undrawn = (SIZES - DRAWN).astype(np.float64)[np.newaxis]
    room = undrawn * (0.0 if by_decision else 1.0)
    return SampledCounts(seen[0], seen[1], DRAWN / SIZES, (room, undrawn))


CHANCE = np.array([0.01, 1.0])


def _beside(rare: npt.ArrayLike, known: npt.ArrayLike) -> FloatArray:
    return np.stack([np.asarray(rare, dtype=np.float64), np.asarray(known, dtype=np.float64)], axis=1)


def p_of(group: SampledCounts, rest: SampledCounts, kind: str, scale: str, margin: float) -> float:
    edge = margin_boundary(kind, False, scale, margin)  # type: ignore[arg-type]
    sides = (group, rest) if edge.counts_success else (group.complement, rest.complement)
    return float(on_the_edge(*sides, edge).p(0.05)[0])


def of_the_estimator(values: list[tuple[int, float]], size: int, drawn: int) -> float:
    """Variance of a total by simple random sampling without replacement, from (rows, value) (Cochran 1977, 2.20)."""
    sampled = np.repeat([value for _, value in values], [rows for rows, _ in values])
    sampled = np.concatenate([sampled, np.zeros(drawn - sampled.size)])
    return float(size**2 * (1.0 - drawn / size) / drawn * np.var(sampled, ddof=1))


def test_the_variance_of_a_difference_is_that_of_the_stratified_estimator_with_its_correction() -> None:
    women, men = side(*WOMEN), side(*MEN)
    totals = [float(of.total[0]) for of in (women, men)]
    rates = [float(of.rate[0]) for of in (women, men)]
    assert rates == pytest.approx([0.0046, 0.0026], abs=1e-4)
    # linearised: e = (y - R) / S of each case, + for women and - for men; nothing varies in the stratum known in full
    values = [(372, -rates[0] / totals[0]), (365, rates[1] / totals[1])]
    textbook = of_the_estimator(values, 972_648, 1_047)
    parts = [float(of.raised_to(of.rate).variance[0]) for of in (women, men)]
    # cases are taken as drawn one by one, so that the variance is never smaller, and here 5 % larger
    assert 1.0 < sum(parts) / textbook < 1.06
    relative = [(372, -1.0 / totals[0]), (365, 1.0 / totals[1])]
    of_the_ratio = sum(part / rate**2 for part, rate in zip(parts, rates, strict=True))
    assert of_the_ratio == pytest.approx(of_the_estimator(relative, 972_648, 1_047), rel=0.01)
    # each error is about five per cent of its rate, as far as 372 and 365 of 1,047 say
    for of, rate in zip((women, men), rates, strict=True):
        assert np.sqrt(of.raised_to(of.rate).variance[0]) / rate == pytest.approx(0.0525, abs=0.001)


def test_the_variance_of_one_rate_is_that_of_poisson_sampling() -> None:
    seen = SampledCounts(
        np.array([[3.0, 20.0, 9.0]]),
        np.array([[12.0, 5.0, 4.0]]),
        np.array([0.01, 0.2, 1.0]),
        (np.full((1, 3), 1e6),) * 2,
    )
    weights, rate, total = 1.0 / seen.chance, seen.rate[0], seen.total[0]
    textbook = sum(
        rows * weight * (weight - 1.0) * ((y - rate) / total) ** 2
        for y, of in ((1.0, seen.counted[0]), (0.0, seen.other[0]))
        for rows, weight in zip(of, weights, strict=True)
    )
    assert seen.raised_to(seen.rate).variance[0] == pytest.approx(textbook, rel=1e-6)


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 30)), min_size=2, max_size=2),
    st.floats(0.05, 0.9),
)
def test_the_likeliest_population_is_the_one_that_an_optimiser_finds(rows: list[tuple[int, int]], part: float) -> None:
    seen = [np.array([[float(pair[place]) for pair in rows]]) for place in (0, 1)]
    chance, room = np.array([0.02, 0.3]), np.array([[5_000.0, 400.0]])
    of = SampledCounts(seen[0], seen[1], chance, (room, room))
    rate = of.rate + (1.0 - of.rate) * part * 0.5
    found = of.raised_to(rate)
    counts = np.concatenate([seen[0][0], seen[1][0]])
    chances = np.concatenate([chance, chance])

    def lost(hidden: FloatArray) -> float:
        hidden = np.maximum(hidden, 1e-9)
        whole = counts + hidden
        logs = np.where(counts > 0.0, counts * np.log(np.maximum(counts, 1e-300) / (whole * chances)), 0.0)
        return float(2.0 * (logs + hidden * np.log(hidden / (whole * (1.0 - chances)))).sum())

    def excess(hidden: FloatArray) -> float:
        whole = counts + hidden
        return float((1.0 - rate[0]) * whole[:2].sum() - rate[0] * whole[2:].sum()) / float(of.total[0])

    start = np.maximum(counts * (1.0 - chances) / chances, 1.0)
    best = minimize(
        lost,
        start,
        bounds=[(0.0, most) for most in (*room[0], *room[0])],
        constraints=[{"type": "eq", "fun": excess}],
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-10},
    )
    if best.success and abs(best.fun) < 500.0:
        assert found.deviance[0] <= best.fun * 1.001 + 1e-3


def test_a_case_like_the_published_one_is_decided_where_the_strata_are_decisions() -> None:
    women, men = side(*WOMEN), side(*MEN)
    assert p_of(women, men, "fail", "ratio", 0.8) < 1e-4
    assert p_of(women, men, "pass", "difference", 0.005) < 1e-10
    assert p_of(men, women, "pass", "ratio", 0.8) < 1e-10
    low, high = rate_limits(women, 0.95)
    assert low[0] == pytest.approx(0.00415, abs=5e-5)
    assert high[0] == pytest.approx(0.00510, abs=5e-5)


def test_0_of_737_flagged_may_be_a_thousand_of_a_million_where_nothing_says_that_they_are_not_there() -> None:
    women, men = (side(*of, by_decision=False) for of in (WOMEN, MEN))
    assert p_of(women, men, "fail", "ratio", 0.8) > 0.3
    # a wide limit is still kept: so many would have been seen
    assert p_of(women, men, "pass", "difference", 0.02) < 0.01
    _, high = rate_limits(women, 0.95)
    assert high[0] == pytest.approx(0.0046 + (1.0 - 0.025 ** (1.0 / 372.0)), abs=0.001)


def test_strata_known_in_full_leave_nothing_to_chance() -> None:
    chance, room = np.array([1.0]), (np.zeros((1, 1)), np.zeros((1, 1)))
    group = SampledCounts(np.array([[30.0]]), np.array([[70.0]]), chance, room)
    rest = SampledCounts(np.array([[25.0]]), np.array([[75.0]]), chance, room)
    assert p_of(group, rest, "fail", "difference", 0.04) == 0.0
    assert p_of(group, rest, "pass", "difference", 0.04) == 1.0
    assert p_of(group, rest, "pass", "difference", 0.06) == 0.0
    assert [float(end[0]) for end in rate_limits(group, 0.95)] == pytest.approx([0.30, 0.30], abs=1e-9)


@pytest.mark.parametrize("scale", ["difference", "ratio"])
def test_the_worst_that_a_group_known_in_full_can_be_fails_most_surely(scale: str) -> None:
    nobody = np.zeros((6, 2))
    found = np.array([0.0, 1.0, 2.0, 5.0, 10.0, 30.0])
    group = SampledCounts(_beside(0 * found, found), _beside(0 * found, 100.0 - found), CHANCE, (nobody, nobody))
    all_of_rest = np.full(6, 200.0)
    left = _beside(np.full(6, 39_600.0), 0 * found)
    rest = SampledCounts(_beside(all_of_rest, 0 * found), _beside(all_of_rest, 0 * found), CHANCE, (left, left))
    p = on_the_edge(group, rest, margin_boundary("fail", True, scale, 0.1 if scale == "difference" else 0.8)).p(0.05)  # type: ignore[arg-type]
    assert (np.diff(p) >= 0.0).all()
    assert p[0] < 1e-30
    assert 1e-8 < p[-1] < 1e-3
    harmless = margin_boundary("pass", False, scale, 0.1 if scale == "difference" else 0.8)  # type: ignore[arg-type]
    sides = (group, rest) if harmless.counts_success else (group.complement, rest.complement)
    within = on_the_edge(*sides, harmless).p(0.05)
    assert within[0] < 1e-30


def test_a_rest_that_is_drawn_is_all_that_chance_can_move_beside_a_group_known_in_full() -> None:
    rng, size, drawn = np.random.default_rng(11), 4_000, 40
    for rate in (0.0, 0.05, 0.3):
        found = rng.hypergeometric(round(size * (rate + 0.1)), size - round(size * (rate + 0.1)), drawn, 2_000)
        nobody, none = np.zeros((2_000, 2)), np.zeros(2_000)
        own = np.full(2_000, 1_000.0 * rate)
        group = SampledCounts(_beside(none, own), _beside(none, 1_000.0 - own), CHANCE, (nobody, nobody))
        left = _beside(np.full(2_000, float(size - drawn)), none)
        rest = SampledCounts(_beside(found, none), _beside(drawn - found, none), CHANCE, (left, left))
        p = on_the_edge(group, rest, margin_boundary("fail", True, "difference", 0.1)).p(0.05)
        assert float((p <= 0.05).mean()) <= 0.05 + 3 * 0.0049


def test_a_group_seen_only_where_all_are_known_may_be_where_few_were_drawn() -> None:
    group, rest = side([0, 11], [0, 39], by_decision=True), side([0, 0], [500, 2_450], by_decision=True)
    assert p_of(group, rest, "fail", "difference", 0.02) > 0.1
    assert rate_limits(group, 0.95)[0][0] < 0.02
    # no more than 11 of 50 can have been flagged, whoever else there is
    assert p_of(group, rest, "pass", "difference", 0.3) == 0.0


def test_a_simple_sample_of_many_is_judged_as_binomial_counts_are() -> None:
    chance, room = np.array([1e-6]), (np.full((1, 1), 1e9), np.full((1, 1), 1e9))
    group = SampledCounts(np.array([[40.0]]), np.array([[160.0]]), chance, room)
    low, high = rate_limits(group, 0.95)
    assert binom.cdf(40, 200, high[0]) == pytest.approx(0.025, abs=0.004)
    assert binom.sf(39, 200, low[0]) == pytest.approx(0.025, abs=0.004)


def test_a_case_drawn_alone_says_nothing() -> None:
    few = SampledCounts(np.array([[0.0]]), np.array([[3.0]]), np.array([0.01]), (np.full((1, 1), 1e3),) * 2)
    assert float(on_the_edge(few, few, margin_boundary("pass", False, "difference", 0.3)).p(0.05)[0]) == 1.0
