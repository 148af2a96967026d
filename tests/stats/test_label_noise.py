"""How many wrong labels, or which share of them, change a rate and its test."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.stats.arrays import Tables
from audit.stats.boundaries import counted_outcome, margin_boundary
from audit.stats.robustness import corrected_rate, fewest_flips, fewest_flips_to_rate
from audit.stats.score_test import FAIL_BETA, PASS_BETA, exact_p

TPR = ([1, 0, 0, 0], [1, 1, 0, 0])
FPR = ([0, 0, 1, 0], [0, 0, 1, 1])
PRECISION = ([1, 0, 0, 0], [1, 0, 1, 0])

IntArray = np.ndarray[tuple[int, ...], np.dtype[np.int64]]


def ints(*values: int) -> IntArray:
    return np.array(values, dtype=np.int64)


def test_the_example_of_the_design_takes_39_labels() -> None:
    """40 found, 60 missed, 30 wrongly flagged, 870 left alone: 39 of 1,000 labels bring 40 % to 65 %."""
    found = fewest_flips_to_rate(ints(40), ints(100), [(0, -1), (1, 1)], np.array([[60], [30]]), np.array([0.65]))
    assert found.total.tolist() == [39]
    assert found.by_kind.tolist() == [[39], [0]]


def test_a_share_missed_falls_by_labels_too() -> None:
    """100 missed of 200: 88 of them no victims leaves 12 of 112, more than a tenth; 89 leave 11 of 111, less."""
    found = fewest_flips_to_rate(ints(100), ints(200), [(-1, -1)], np.array([[100]]), np.array([0.1]))
    assert found.total.tolist() == [89]


@given(
    tp=st.integers(1, 25),
    fn=st.integers(1, 25),
    fp=st.integers(0, 25),
    tn=st.integers(0, 25),
    target=st.floats(0.05, 0.95),
)
def test_no_mix_of_labels_is_shorter(tp: int, fn: int, fp: int, tn: int, target: float) -> None:
    up = tp / (tp + fn) < target
    effects, available = ([(0, -1), (1, 1)], (fn, fp)) if up else ([(0, 1), (-1, -1)], (tn, tp))
    found = fewest_flips_to_rate(
        ints(tp), ints(tp + fn), effects, np.array([[available[0]], [available[1]]]), np.array([target])
    )
    enough = []
    for first, second in product(range(available[0] + 1), range(available[1] + 1)):
        x = tp + first * effects[0][0] + second * effects[1][0]
        n = tp + fn + first * effects[0][1] + second * effects[1][1]
        if (x >= target * n - 1e-9 * (tp + fn)) if up else (x <= target * n + 1e-9 * (tp + fn)):
            enough.append(first + second)
    assert found.total[0] == min(enough, default=-1)


@pytest.mark.parametrize(
    ("side", "level", "start", "effects", "available"),
    [
        ("fail", 1e-3, (10, 40), [(0, -1), (1, 1)], (30, 12)),
        ("fail", 1e-3, (10, 40), [(0, -1), (1, 1)], (3, 30)),
        ("pass", 0.05, (58, 60), [(0, 1), (-1, -1)], (9, 58)),
        ("pass", 0.05, (58, 60), [(0, 1), (-1, -1)], (2, 58)),
    ],
)
def test_no_mix_of_labels_overturns_the_exact_test_sooner(
    side: str, level: float, start: tuple[int, int], effects: list[tuple[int, int]], available: tuple[int, int]
) -> None:
    boundary = margin_boundary("fail" if side == "fail" else "pass", True, "difference", 0.1)
    beta = FAIL_BETA if side == "fail" else PASS_BETA
    (x, n), (y, m) = start, (820, 1000)
    found = fewest_flips(
        Tables(ints(x), ints(n), ints(y), ints(m)),
        effects,
        np.array([[available[0]], [available[1]]]),
        boundary,
        beta,
        np.array([level]),
    )
    mixes = np.array(list(product(range(available[0] + 1), range(available[1] + 1))))
    xs = x + mixes @ np.array([effect[0] for effect in effects])
    ns = n + mixes @ np.array([effect[1] for effect in effects])
    near = mixes.sum(axis=1) <= max(found.total[0], 1)
    p = exact_p(
        counted_outcome(xs[near], ns[near], boundary), ns[near], counted_outcome(y, m, boundary), m, boundary, beta
    )
    assert p[0] <= level
    over = mixes[near][p > level].sum(axis=1)
    assert found.total[0] == over.min()
    assert found.by_kind.sum() == found.total[0]
    assert (found.by_kind[:, 0] <= available).all()


def test_a_share_of_wrong_labels_is_undone() -> None:
    """Labels are made wrong at known rates, independently of the decision, and the true rates come back."""
    true = np.array([[300.0, 100.0, 90.0, 510.0]])
    for sensitivity, specificity in ((1.0, 0.9), (0.8, 1.0), (0.85, 0.95)):
        tp, fn, fp, tn = true[0]
        seen = np.array(
            [
                [
                    sensitivity * tp + (1 - specificity) * fp,
                    sensitivity * fn + (1 - specificity) * tn,
                    (1 - sensitivity) * tp + specificity * fp,
                    (1 - sensitivity) * fn + specificity * tn,
                ]
            ]
        )
        for (top, bottom), rate in ((TPR, 0.75), (FPR, 0.15), (PRECISION, 300 / 390)):
            assert corrected_rate(seen, top, bottom, sensitivity, specificity).rate[0] == pytest.approx(rate)


def test_labels_that_are_right_change_nothing() -> None:
    corrected = corrected_rate([[40, 60, 30, 870]], *TPR, 1.0, 1.0)
    assert corrected.rate[0] == pytest.approx(0.4)
    assert corrected.size[0] == pytest.approx(100)


@given(sensitivity=st.floats(0.75, 1.0), specificity=st.floats(0.97, 1.0))
def test_found_victims_do_not_depend_on_those_never_labelled(sensitivity: float, specificity: float) -> None:
    table = [[400, 100, 300, 800]]
    both = corrected_rate(table, *TPR, sensitivity, specificity)
    assert both.rate[0] == pytest.approx(corrected_rate(table, *TPR, 1.0, specificity).rate[0])
    other = corrected_rate(table, *FPR, sensitivity, specificity)
    assert other.rate[0] == pytest.approx(corrected_rate(table, *FPR, sensitivity, 1.0).rate[0])


@given(specificity=st.floats(0.9, 1.0))
def test_doubtful_labels_never_make_a_rate_surer(specificity: float) -> None:
    corrected = corrected_rate([[400, 200, 300, 800]], *TPR, 1.0, specificity)
    assert corrected.size[0] <= 600 * (1 + 1e-9)


def test_labels_more_wrong_than_the_counts_allow_are_said_to_be() -> None:
    corrected = corrected_rate([[40, 60, 30, 870]], *TPR, 1.0, 0.9)
    assert not corrected.possible[0]
    assert np.isnan(corrected.rate[0])


def test_the_effective_size_is_that_of_simulated_labels() -> None:
    """The spread of the corrected rate over repeated samples, against the binomial of the effective size."""
    rng = np.random.default_rng(12)
    cells, specificity = np.array([0.20, 0.10, 0.10, 0.60]), 0.95
    seen = np.array([cells[0] + 0.05 * cells[2], cells[1] + 0.05 * cells[3], 0.95 * cells[2], 0.95 * cells[3]])
    samples = rng.multinomial(3000, seen, size=4000)
    corrected = corrected_rate(samples, *TPR, 1.0, specificity)
    spread = float(np.std(corrected.rate))
    predicted = float(np.median(np.sqrt(corrected.rate * (1 - corrected.rate) / corrected.size)))
    assert float(np.mean(corrected.rate)) == pytest.approx(2 / 3, abs=0.002)
    assert predicted == pytest.approx(spread, rel=0.05)


@pytest.mark.parametrize(("sensitivity", "specificity"), [(0.5, 0.5), (0.0, 1.0), (1.2, 0.9)])
def test_labels_that_say_nothing_are_refused(sensitivity: float, specificity: float) -> None:
    with pytest.raises(ValueError, match=r"wrong as often|sensitivity"):
        corrected_rate([[1, 1, 1, 1]], *TPR, sensitivity, specificity)
