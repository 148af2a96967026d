"""A small seeded version of `tools/simulate/nightly.py`: whole histories, through the code that `gate` runs."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
RUNS = 3


@pytest.fixture
def simulation(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("tools.simulate.nightly")


@pytest.mark.parametrize("sample", ["fresh", "growing"])
def test_no_history_on_the_margin_accuses_anyone(simulation: ModuleType, sample: str) -> None:
    world = simulation.on_the_margin(200, 0.7)
    measured = simulation.false_fail("seeded", world, 40, RUNS, np.random.default_rng(3), sample)
    assert measured.events == 0


def test_a_large_gap_is_found_and_later_than_by_one_audit(simulation: ModuleType) -> None:
    world = simulation.one_gap(100, 0.7, 0.35, 0.15)
    rows = list(simulation.detection("seeded", world, (3, 25), RUNS, np.random.default_rng(4), "fail"))
    nightly = [row.events for row in rows if "nightly" in row.event]
    once = [row.events for row in rows if "one audit" in row.event]
    assert nightly[-1] == RUNS
    assert nightly[0] <= once[0]


def test_the_world_lies_on_the_margin_and_never_beyond_it(simulation: ModuleType) -> None:
    world = simulation.on_the_margin(100, 0.7)
    widest = []
    for night in (0, simulation.LATE_FROM):
        rates = world.rates[world.since <= night]
        widest.append(((rates.sum() - rates) / (rates.size - 1) - rates).max())
    assert widest[0] == pytest.approx(simulation.MARGIN)
    assert 0.9 * simulation.MARGIN < widest[1] < simulation.MARGIN


def test_one_setting_alone_gives_what_it_gives_with_the_others(
    simulation: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["found-at-.4", "doubt-at-.4"]
    chosen = {name: simulation.SETTINGS[name] if name in names else lambda *_: iter(()) for name in simulation.SETTINGS}
    monkeypatch.setattr(simulation, "SETTINGS", chosen)
    together = list(simulation.all_settings(3, 7))
    assert together == [row for name in names for row in simulation.all_settings(3, 7, name)]
    assert len(together) == 10


def test_a_change_after_a_pass_puts_it_in_doubt(simulation: ModuleType) -> None:
    before, then = simulation.one_gap(400, 0.7, 0.0, 0.2), simulation.one_gap(400, 0.7, 0.4, 0.2)
    rng = np.random.default_rng(5)
    assert simulation.nights_to_doubt((before, then), 20, 10, rng) in range(1, 11)
    assert simulation.nights_to_doubt((before, before), 0, 20, rng) is None
