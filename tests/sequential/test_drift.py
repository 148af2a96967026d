"""A PASS is put in doubt by later nights that speak against it: soon after a change, and seldom where there is none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.nights import Night, cells, draws, feature, made_plan, only, taken

from audit.stats.boundaries import Boundary
from audit.stats.safe_process import log_factor, new_state
from audit.verdicts.nights.state import State
from audit.verdicts.nights.verdict import Doubt, doubt_of_passes, judge_nights

ALPHA = 0.05
EDGE = Boundary(-0.1, 1.0, True)
YES = np.array([True])


@given(st.lists(st.tuples(st.floats(-3.0, 2.9), st.booleans()), max_size=12))
def test_what_is_kept_is_the_sum_of_evidence_begun_at_each_night(nights: list[tuple[float, bool]]) -> None:
    doubt = Doubt(np.zeros(1), np.zeros(1, dtype=np.int64))
    stated = [gained for gained, has_cases in nights if has_cases]
    for gained, has_cases in nights:
        doubt, doubted = doubt_of_passes(doubt, np.array([gained]), np.array([has_cases]), YES, 1e-30)
        assert not doubted.any()
    parts = [math.exp(sum(stated[k:])) / ((k + 1) * (k + 2)) for k in range(len(stated))]
    assert doubt.evidence[0] == pytest.approx(sum(parts))
    assert doubt.nights[0] == len(stated)


def test_doubt_comes_at_one_over_alpha_and_forgets_and_is_of_groups_that_passed() -> None:
    before = Doubt(np.array([1.0, 1.0, 1.0]), np.array([3, 3, 3]))
    passed = np.array([True, True, False])
    at_the_bar = math.log((1 / ALPHA - 1 / 5) / (1 + 1 / 20))
    factor = np.array([at_the_bar + 1e-9, at_the_bar - 1e-9, 50.0])
    doubt, doubted = doubt_of_passes(before, factor, np.ones(3, dtype=np.bool_), passed, ALPHA)
    assert doubted.tolist() == [True, False, False]
    assert doubt.evidence[0] == doubt.evidence[2] == 0.0
    assert doubt.nights.tolist() == [0, 4, 0]
    assert doubt_of_passes(before, np.array([1e4] * 3), np.ones(3, dtype=np.bool_), passed, ALPHA)[1].tolist() == [
        True, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize("edge", [EDGE, Boundary(0.0, 0.8, True), Boundary(-0.25, 1.25, False)])
@pytest.mark.parametrize(("n", "m"), [(1, 1), (3, 5), (6, 4)])
@pytest.mark.parametrize("rest", [0.2, 0.5, 0.9])
def test_no_pair_of_rates_within_the_limit_makes_a_night_gain_on_average(
    edge: Boundary, n: int, m: int, rest: float
) -> None:
    """Exact: all outcomes of a night are listed, whatever the rest has shown before."""
    from scipy.stats import binom

    own = float(np.clip(edge.edge(np.array([rest]))[0], 0.0, 1.0))
    for shown in ((0, 0), (70, 100), (10, 100)):
        state = new_state(1)._replace(rest_counted=np.array([shown[0]]), rest_cases=np.array([shown[1]]))
        for rate in (own, (own + 1.0) / 2.0):
            mean = sum(
                binom.pmf(x, n, rate) * binom.pmf(y, m, rest) * math.exp(log_factor(state, x, n, y, m, edge)[0])
                for x in range(n + 1)
                for y in range(m + 1)
            )
            assert mean <= 1.0 + 1e-9


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="more can be counted"):
        log_factor(new_state(1), 2, 1, 0, 1, EDGE)


RATES = {"a": 0.8, "b": 0.8, "c": 0.8}


def outcomes(state: State) -> dict[str, str]:
    (rule,) = judge_nights(made_plan(), state, [feature(list(RATES))])
    return {group.group.levels[0].code: group.outcome for group in rule.groups}


def test_a_group_that_becomes_worse_after_a_long_good_past_is_no_pass_and_passes_only_by_what_comes_after() -> None:
    state = taken(made_plan(), draws(120, RATES, 13))
    assert set(outcomes(state).values()) == {"pass"}
    worse = draws(12, {**RATES, "a": 0.4}, 14)
    state = taken(made_plan(), worse, state=state)
    assert outcomes(state)["a"] == "inconclusive"
    assert only(state).doubted[0]
    assert not only(state).failed[0], "a long good past outweighs it in the evidence for a FAIL"
    (rule,) = judge_nights(made_plan(), state, [feature(list(RATES))])
    assert (rule.outcome, rule.because) == ("inconclusive", "group_undecided")
    assert [group.doubted for group in rule.groups] == [True, False, False]
    one_good = taken(made_plan(), draws(1, RATES, 15), state=state)
    assert outcomes(one_good)["a"] == "inconclusive"
    again = taken(made_plan(), draws(60, RATES, 16), state=state)
    assert outcomes(again)["a"] == "pass"
    assert not only(again).doubted[0]


def test_nights_on_which_nobody_of_a_group_comes_say_nothing_of_it() -> None:
    state = taken(made_plan(), draws(60, RATES, 13))
    others: Night = {"b": cells(30, 8), "c": cells(30, 8)}
    after = taken(made_plan(), [others] * 5, state=state)
    assert only(after).nights_since[0] == only(state).nights_since[0]
    assert only(after).nights_since[1] == only(state).nights_since[1] + 5
    assert only(after).drift[0] == only(state).drift[0]


def test_a_pass_that_is_true_of_every_night_is_seldom_put_in_doubt() -> None:
    """At worst, on the limit, from the night after it: at most alpha of histories."""
    rng = np.random.default_rng(17)
    runs, nights = 200, 100
    every = np.ones(runs, dtype=np.bool_)
    doubt, ever = Doubt(np.zeros(runs), np.zeros(runs, dtype=np.int64)), np.zeros(runs, dtype=np.bool_)
    state = new_state(runs)._replace(rest_counted=np.full(runs, 700), rest_cases=np.full(runs, 1000))
    for _ in range(nights):
        n, m = np.full(runs, 30), np.full(runs, 300)
        x, y = rng.binomial(n, 0.6), rng.binomial(m, 0.7)
        factor = log_factor(state, x, n, y, m, EDGE)
        doubt, doubted = doubt_of_passes(doubt, factor, every, every, ALPHA)
        ever |= doubted
    # the 0.9999 quantile of the binomial with alpha
    assert ever.sum() <= 23
