"""Evidence over nights: its mean is at most 1 within the margin, and who looks at it each night is seldom misled."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.special import comb

from audit.stats.arrays import FloatArray, IntArray
from audit.stats.boundaries import Boundary, Scale, Side, margin_boundary
from audit.stats.safe_process import SafeState, e_holm, new_state, take_in


def chance(counts: IntArray, cases: int, rate: float) -> FloatArray:
    """Binomial probabilities written out: those of scipy overflow at a rate of 1e-308."""
    return np.asarray(comb(cases, counts) * rate**counts * (1.0 - rate) ** (cases - counts))


def mean_factor(state: SafeState, sizes: tuple[int, int], boundary: Boundary, group: float, rest: float) -> float:
    """The mean of what new cases multiply the evidence with, over all that they can be."""
    n, m = sizes
    x, y = (grid.ravel() for grid in np.meshgrid(np.arange(n + 1), np.arange(m + 1), indexing="ij"))
    every = SafeState._make(np.broadcast_to(field, x.shape) for field in state)
    gained = take_in(every, x, n, y, m, boundary).log_e - every.log_e
    return float((chance(x, n, group) * chance(y, m, rest) * np.exp(gained)).sum())


@st.composite
def states(draw: st.DrawFn) -> SafeState:
    n, m = draw(st.integers(0, 60)), draw(st.integers(0, 400))
    x, y = draw(st.integers(0, n)), draw(st.integers(0, m))
    return SafeState(np.array([x]), np.array([n]), np.array([y]), np.array([m]), np.zeros(1))


@given(
    state=states(),
    sizes=st.tuples(st.integers(1, 9), st.integers(1, 20)),
    question=st.tuples(st.sampled_from(["fail", "pass"]), st.booleans(), st.sampled_from(["difference", "ratio"])),
    rest=st.floats(0.02, 0.98),
    beyond=st.floats(0.0, 1.0),
)
def test_it_gains_nothing_on_average_within_the_margin(
    state: SafeState, sizes: tuple[int, int], question: tuple[Side, bool, Scale], rest: float, beyond: float
) -> None:
    boundary = margin_boundary(*question, 0.05 if question[2] == "difference" else 0.8)
    assume(boundary.offset + boundary.slope * rest <= 1.0)
    edge = float(boundary.edge(rest))
    assert mean_factor(state, sizes, boundary, edge + beyond * (1.0 - edge), rest) <= 1.0 + 1e-9


def nights(group: float, nights: int, histories: int, seed: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """float64[nights, histories]: 20 cases of the group and 400 of everyone else each night, of whom 70 % are found."""
    rng = np.random.default_rng(seed)
    boundary = margin_boundary("fail", True, "difference", 0.05)
    state, evidence = new_state(histories), []
    for _ in range(nights):
        x, y = rng.binomial(20, group, histories), rng.binomial(400, 0.7, histories)
        state = take_in(state, x, 20, y, 400, boundary)
        evidence.append(state.log_e)
    return np.array(evidence)


def test_looked_at_every_night_it_errs_in_few_histories_and_finds_what_is_there() -> None:
    at_the_margin = nights(0.65, 200, 2000, 1).max(axis=0) >= np.log(20)
    assert at_the_margin.mean() <= 0.05
    assert at_the_margin.mean() > 0.001, "it is not asleep"
    far_beyond = nights(0.45, 30, 300, 2).max(axis=0) >= np.log(20)
    assert far_beyond.mean() > 0.95


def test_nothing_new_changes_nothing() -> None:
    boundary = margin_boundary("fail", True, "ratio", 0.8)
    before = take_in(new_state(2), [3, 9], [10, 10], [70, 70], [100, 100], boundary)
    after = take_in(before, [0, 0], [0, 0], [0, 5], [0, 10], boundary)
    assert after.log_e.tolist() == before.log_e.tolist()
    assert after.rest_cases.tolist() == [100, 110]


def test_a_group_as_good_as_the_rest_gains_no_evidence_for_a_fail_and_much_for_a_pass() -> None:
    counts = (np.array([700]), np.array([1000]), np.array([7000]), np.array([10000]))
    fail, both = margin_boundary("fail", True, "difference", 0.1), new_state(1)
    for _ in range(3):
        both = take_in(both, *counts, fail)
    assert both.log_e[0] < -20
    passing, state = margin_boundary("pass", True, "difference", 0.1), new_state(1)
    for _ in range(3):
        state = take_in(state, counts[1] - counts[0], counts[1], counts[3] - counts[2], counts[3], passing)
    assert state.log_e[0] > 20


def test_several_hypotheses_share_one_level() -> None:
    assert e_holm(np.log([61.0, 39.0, 1.0]), 0.05).tolist() == [True, False, False]
    assert e_holm(np.log([61.0, 41.0, 1.0]), 0.05).tolist() == [True, True, False]
    assert e_holm(np.log([61.0, 41.0, 21.0]), 0.05).tolist() == [True, True, True]
    assert e_holm(np.log([59.0, 41.0, 21.0]), 0.05).tolist() == [False, False, False]


@pytest.mark.parametrize("counts", [(3, 2, 0, 0), (-1, 2, 0, 0), (0, 0, 4, 3)])
def test_impossible_counts_are_refused(counts: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="counts"):
        take_in(new_state(1), *counts, margin_boundary("fail", True, "difference", 0.1))
