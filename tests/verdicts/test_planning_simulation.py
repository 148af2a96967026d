"""A small seeded version of `tools/simulate/planning.py`: what is said to be decidable is decided, in whole audits."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from audit.planning.power import counts_power

ROOT = Path(__file__).parents[2]
RUNS = 16


@pytest.fixture
def simulation(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("tools.simulate.planning")


def as_promised(share: float, power: float = 0.8) -> bool:
    """At least the power, up to three standard errors."""
    return share >= power - 3.0 * float(np.sqrt(power * (1.0 - power) / RUNS))


@pytest.mark.parametrize("place", [2, 9])
def test_a_gap_is_named_and_an_equal_group_passed_with_the_power_promised(simulation: ModuleType, place: int) -> None:
    """`make simulate` has the other worlds."""
    measured = list(simulation.promised(simulation.WORLDS[place], RUNS, np.random.default_rng(11)))
    assert [each.event[:4] for each in measured] == ["FAIL", "PASS"]
    assert all(as_promised(each.share) for each in measured)


def test_a_smaller_gap_is_named_less_often(simulation: ModuleType) -> None:
    """The promise is not kept by chance: at half of what lies beyond the limit it would be broken."""
    world = simulation.WORLDS[0]
    (side,) = simulation.decidable(world).fails_from
    nearer = world.rate - world.limit - (side.disparity - world.limit) / 2.0
    asked = simulation.plan(simulation.rule_of(world))
    found = [one == "fail" for one in simulation.outcomes(world, asked, nearer, RUNS, np.random.default_rng(12))]
    assert float(np.mean(found)) < 0.5


def test_with_clusters_the_promise_is_kept_or_exceeded(simulation: ModuleType) -> None:
    """15 audits on each side, which may fall short by three of their standard errors: `make simulate` judges 500."""
    runs = 15
    setting = simulation.Setting(60, False, 0.8, 0.1, "difference", 0.1, weighted=False)
    for each in simulation.clustered(setting, runs, np.random.default_rng(13)):
        assert each.share >= 0.8 - 3.0 * float(np.sqrt(0.16 / runs))


def test_power_tells_each_group_what_is_tried_here(simulation: ModuleType) -> None:
    """The simulation asks about one group alone, the command about all, of clusters too."""
    setting = simulation.Setting(60, False, 0.8, 0.1, "difference", 0.1, weighted=False)
    counts, moments = simulation.counted(setting, simulation.draw(setting, np.random.default_rng(13)))
    asked = simulation.plan({"metric": "true_positive_rate", "margin": 0.1}, cluster="cluster")
    (family,) = counts_power(asked, counts, [simulation.FEATURE], moments).rules[0].families
    alone = [simulation.group_power(asked, counts, simulation.FEATURE, place, moments) for place in (0, 1)]
    assert list(family.groups[:2]) == alone
    assert alone[0] != simulation.group_power(asked, counts, simulation.FEATURE, 0)
