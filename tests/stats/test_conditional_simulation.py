"""Small seeded versions of `tools/simulate/conditional.py`: the bounds are three standard errors wide."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

RUNS = 1_000


@pytest.fixture(scope="module")
def driver() -> ModuleType:
    sys.path.insert(0, str(Path(__file__).parents[2]))
    try:
        return importlib.import_module("tools.simulate.conditional")
    finally:
        sys.path.pop(0)


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
def test_stratified_intervals_hold_what_they_should(driver: ModuleType, setting: str, gap: float) -> None:
    measured = list(driver.stratified_intervals(RUNS, np.random.default_rng(21), setting, gap))
    for row in measured:
        if row.event == "score interval misses":
            assert at_most(row.share, 0.06, RUNS), row
            assert row.share > 0.02
    assert at_most(driver.shift_interval(RUNS, np.random.default_rng(22), setting, gap).share, 0.06, RUNS)


def test_a_standard_error_at_the_estimate_does_not_hold_for_small_groups_and_rare_events(driver: ModuleType) -> None:
    rows = driver.stratified_intervals(RUNS, np.random.default_rng(23), "30 cases in 8 strata, rest 5,000, rare", 0.0)
    assert {row.event: row.share for row in rows}["Sato interval misses (not used)"] > 0.15


@pytest.mark.parametrize("setting", ["5 large strata", "12 strata of 12 and 60"])
def test_the_test_of_the_same_in_all_strata(driver: ModuleType, setting: str) -> None:
    for row in driver.same_everywhere(RUNS, np.random.default_rng(24), setting, -0.1):
        assert at_most(row.share, 0.055, row.runs), row


@pytest.mark.parametrize("cases", [40, 300])
@pytest.mark.parametrize("limit", [0.1, None])
def test_notes_are_seldom_wrong(driver: ModuleType, cases: int, limit: float | None) -> None:
    for row in driver.wrong_notes(RUNS, np.random.default_rng(25), cases, limit):
        if row.event == "wrong note":
            assert at_most(row.share, 0.055, RUNS), row


def test_notes_find_what_is_there(driver: ModuleType) -> None:
    for row in driver.wrong_notes(1_000, np.random.default_rng(26), 2_000, 0.1):
        assert row.event == "wrong note" or row.share > 0.9, row


@pytest.mark.parametrize("cases", [100, 1_000])
def test_amplification(driver: ModuleType, cases: int) -> None:
    for row in driver.amplified(RUNS, np.random.default_rng(27), cases, (0.8, 0.2, 0.4), (0.8, 0.1, 0.2)):
        assert at_most(row.share, 0.055, RUNS), row
    assert at_most(driver.total_amplification(300, np.random.default_rng(28), 100, (0.2, 0.2, 0.2)).share, 0.05, 300)


def test_the_widest_label_gap_is_not_taken_for_real(driver: ModuleType) -> None:
    assert at_most(driver.widest_label_gap(300, np.random.default_rng(29), 60, 50).share, 0.05, 300)


@pytest.mark.parametrize(("positives", "negatives", "fpr"), [(20, 200, 0.1), (100, 1_000, 0.01)])
def test_deployed_rates(driver: ModuleType, positives: int, negatives: int, fpr: float) -> None:
    for row in driver.at_work(RUNS, np.random.default_rng(30), positives, negatives, 0.8, fpr, 0.01):
        assert at_most(row.share, 0.055, RUNS), row
