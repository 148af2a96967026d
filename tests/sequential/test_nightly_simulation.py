"""A small seeded version of `tools.simulate --only nightly`: whole histories, through the code that `gate` runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tools.simulate import nights as simulation
from tools.simulate.audited import Sample
from tools.simulate.runner import Simulation, run
from tools.simulate.table import TABLE

RUNS = 3


@pytest.mark.parametrize("sample", ["fresh", "growing"])
def test_no_history_on_the_margin_accuses_anyone(sample: Sample) -> None:
    world = simulation.on_the_margin(200, 0.7)
    (measured,) = simulation.false_fail(RUNS, np.random.default_rng(3), world, sample, 40).values()
    assert measured.events == 0


def test_a_large_gap_is_found_and_later_than_by_one_audit() -> None:
    world = simulation.one_gap(100, 0.7, 0.35, 0.15)
    measured = simulation.detection(RUNS, np.random.default_rng(4), world, (3, 25), "fail")
    once = [share.events for name, share in measured.items() if "one audit" in name]
    nightly = [share.events for name, share in measured.items() if "one audit" not in name]
    assert nightly[-1] == RUNS
    assert nightly[0] <= once[0]


def test_the_world_lies_on_the_margin_and_never_beyond_it() -> None:
    world = simulation.on_the_margin(100, 0.7)
    widest = []
    for night in (0, simulation.LATE_FROM):
        rates = world.rates[world.since <= night]
        widest.append(((rates.sum() - rates) / (rates.size - 1) - rates).max())
    assert widest[0] == pytest.approx(simulation.MARGIN)
    assert 0.9 * simulation.MARGIN < widest[1] < simulation.MARGIN


def test_one_world_alone_gives_what_it_gives_with_the_others() -> None:
    detection, doubt = TABLE["nightly"].parts[2:]
    few = Simulation([replace(detection, worlds=detection.worlds[1:2]), replace(doubt, worlds=doubt.worlds[1:3])], 1.0)
    together = list(run(few, 3, 7))
    alone = [row for text in ("at 0.4", "gap 0.2", "gap 0.3") for row in run(few, 3, 7, text)]
    assert together == alone
    assert len(together) == 6 + 4 + 4


def test_a_change_after_a_pass_puts_it_in_doubt() -> None:
    before, then = simulation.one_gap(400, 0.7, 0.0, 0.2), simulation.one_gap(400, 0.7, 0.4, 0.2)
    rng = np.random.default_rng(5)
    assert simulation.nights_to_doubt((before, then), 20, 10, rng) in range(1, 11)
    assert simulation.nights_to_doubt((before, before), 0, 20, rng) is None
