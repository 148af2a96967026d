"""A small seeded version of `tools/simulate/planning.py`: what is said to be decidable is decided, in whole audits."""

from __future__ import annotations

import numpy as np
import pytest

from audit.planning.power import counts_power
from tools.simulate import planning as simulation
from tools.simulate.audited import plan_of
from tools.simulate.clusters import FEATURE, Setting, counted, draw

RUNS = 16


def as_promised(share: float, power: float = 0.8) -> bool:
    """At least the power, up to three standard errors."""
    return share >= power - 3.0 * float(np.sqrt(power * (1.0 - power) / RUNS))


@pytest.mark.parametrize("place", [2, 9])
def test_a_gap_is_named_and_an_equal_group_passed_with_the_power_promised(place: int) -> None:
    """`make simulate` has the other worlds."""
    measured = simulation.promised(RUNS, np.random.default_rng(11), simulation.WORLDS[place])
    assert [name.split(",")[0] for name in measured] == ["the smallest gap FAILs", "an equal group PASSes"]
    assert all(as_promised(share.share) for share in measured.values())


def test_a_smaller_gap_is_named_less_often() -> None:
    """The promise is not kept by chance: at half of what lies beyond the limit it would be broken."""
    world = simulation.WORLDS[0]
    (side,) = simulation.decidable(world).fails_from
    assert side.disparity is not None
    nearer = world.rate - world.limit - (side.disparity - world.limit) / 2.0
    outcomes = simulation.outcomes(world, world.plan(), nearer, RUNS, np.random.default_rng(12))
    assert sum(groups[world.place] == "fail" for groups in outcomes) < 0.5 * RUNS


def test_with_clusters_the_promise_is_kept_or_exceeded() -> None:
    """15 audits on each side, which may fall short by three of their standard errors: `make simulate` judges 500."""
    runs = 15
    setting = Setting(60, False, 0.8, 0.1, "difference", 0.1, weighted=False)
    measured = simulation.clustered(runs, np.random.default_rng(13), setting)
    assert len(measured) == 2
    for share in measured.values():
        assert share.share >= 0.8 - 3.0 * float(np.sqrt(0.16 / runs))


def test_power_tells_each_group_what_is_tried_here() -> None:
    """The simulation asks about one group alone, the command about all, of clusters too."""
    setting = Setting(60, False, 0.8, 0.1, "difference", 0.1, weighted=False)
    counts, moments = counted(setting, draw(setting, np.random.default_rng(13)))
    asked = plan_of([{"margin": 0.1}], evaluation_set={"cluster": "cluster"})
    (family,) = counts_power(asked, counts, [FEATURE], moments).rules[0].families
    alone = [simulation.group_power(asked, counts, FEATURE, place, moments) for place in (0, 1)]
    assert list(family.groups[:2]) == alone
    assert alone[0] != simulation.group_power(asked, counts, FEATURE, 0)
