"""Small seeded versions of `tools/simulate/doubts.py`: the bounds are three standard errors wide."""

from __future__ import annotations

import numpy as np
import pytest

from tools.simulate import doubts

RUNS = 1_000


def at_most(share: float, level: float, runs: int) -> bool:
    return share <= level + 3.0 * float(np.sqrt(level * (1.0 - level) / runs))


@pytest.mark.parametrize(
    ("setting", "gap"),
    [
        ("5 large strata", -0.1),
        ("12 strata of 12 and 60", 0.0),
        ("40 sparse strata of 2 and 6", -0.1),
        ("100 pairs of one case each", 0.0),
        ("30 cases in 8 strata, rest 5,000, rare", 0.0),
    ],
)
def test_stratified_intervals_hold_what_they_should(setting: str, gap: float) -> None:
    measured = doubts.stratified(RUNS, np.random.default_rng(21), setting, gap)
    for name in ("stratified difference missed", "stratified ratio missed"):
        assert at_most(measured[name].share, 0.06, RUNS), name
        assert measured[name].share > 0.02
    (shift,) = doubts.composition(RUNS, np.random.default_rng(22), setting, gap).values()
    assert at_most(shift.share, 0.06, RUNS)


@pytest.mark.parametrize("setting", ["5 large strata", "12 strata of 12 and 60"])
def test_the_test_of_the_same_in_all_strata(setting: str) -> None:
    for measured in doubts.same_everywhere(RUNS, np.random.default_rng(24), setting, -0.1).values():
        assert at_most(measured.share, 0.055, measured.trials), measured


@pytest.mark.parametrize("cases", [40, 300])
@pytest.mark.parametrize("limit", [0.1, None])
def test_notes_are_seldom_wrong(cases: int, limit: float | None) -> None:
    rng = np.random.default_rng(25)
    for world in doubts.NOTE_WORLDS:
        wrong = doubts.notes(RUNS, rng, world, cases, limit)["wrong note"]
        assert at_most(wrong.share, 0.055, RUNS), world


def test_notes_find_what_is_there() -> None:
    rng = np.random.default_rng(26)
    for world in doubts.NOTE_WORLDS:
        assert doubts.notes(1_000, rng, world, 2_000)["right note"].share > 0.9, world


@pytest.mark.parametrize("cases", [100, 1_000])
def test_amplification(cases: int) -> None:
    measured = doubts.amplified(RUNS, np.random.default_rng(27), cases, (0.8, 0.2, 0.4), (0.8, 0.1, 0.2))
    for name, share in measured.items():
        assert at_most(share.share, 0.055, RUNS), name
    (total,) = doubts.total_amplification(300, np.random.default_rng(28), 100, (0.2, 0.2, 0.2)).values()
    assert at_most(total.share, 0.05, 300)


def test_the_widest_label_gap_is_not_taken_for_real() -> None:
    (measured,) = doubts.widest_label_gap(300, np.random.default_rng(29), 60, 50).values()
    assert at_most(measured.share, 0.05, 300)


@pytest.mark.parametrize(("positives", "negatives", "fpr"), [(20, 200, 0.1), (100, 1_000, 0.01)])
def test_deployed_rates(positives: int, negatives: int, fpr: float) -> None:
    measured = doubts.at_work(RUNS, np.random.default_rng(30), positives, negatives, 0.8, fpr, 0.01)
    for name, share in measured.items():
        assert at_most(share.share, 0.055, RUNS), name
