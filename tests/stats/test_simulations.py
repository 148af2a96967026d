"""The runner of simulations computes what it prints, says when a promise is broken, and writes the page of it."""

from __future__ import annotations

import json
import tomllib

import numpy as np
import pytest
from scipy.stats import binomtest

from tools.simulate.__main__ import unmeasured
from tools.simulate.page import MEASURED, TEXT, error_rates_page
from tools.simulate.runner import Counts, Part, Promise, Row, Share, Simulation, grid, label, run
from tools.simulate.table import ATTACKS, PROMISES, TABLE


@pytest.mark.parametrize(("events", "trials"), [(0, 500), (3, 500), (24, 600), (599, 600)])
def test_the_upper_end_is_that_of_clopper_and_pearson(events: int, trials: int) -> None:
    exact = binomtest(events, trials, alternative="less").proportion_ci(0.95, method="exact").high
    assert Share(events, trials).at_most == pytest.approx(exact)


@pytest.mark.parametrize(
    ("promise", "share", "broken"),
    [
        (Promise("at most", 0.05), Share(30, 500), False),
        (Promise("at most", 0.05), Share(50, 500), True),
        (Promise("at most", 0.0), Share(1, 500), True),
        (Promise("at least", 0.8), Share(390, 500), False),
        (Promise("at least", 0.8), Share(360, 500), True),
        (Promise("more than", 0.0), Share(0, 500), True),
        (Promise("about", 0.05), Share(500, 500), False),
        (Promise(), Share(500, 500), False),
        (Promise("at least", 0.85), Share(0, 0), False),
    ],
)
def test_a_promise_is_broken_where_chance_does_not_explain_it(promise: Promise, share: Share, broken: bool) -> None:
    assert promise.is_broken(share) is broken


def test_a_promise_without_a_trial_is_not_kept() -> None:
    name, promised = next((name, promise) for name, promise in PROMISES.items() if promise.kind == "at most")
    nothing, something = Row(name, "a world", Share(0, 0)), Row(name, "another", Share(0, 9))
    assert unmeasured([nothing, Row("of no promise", "a world", Share(0, 0))]) == [name]
    assert unmeasured([nothing, something]) == []
    assert not promised.is_broken(something.measured)


def coin(runs: int, rng: np.random.Generator, chance: float) -> Counts:
    return {"heads": Share(int(rng.binomial(runs, chance)), runs)}


def test_the_worst_world_is_looked_for_and_measured_anew() -> None:
    worlds = grid(chance=(0.2, 0.9, 0.4))
    (row,) = run(Simulation([Part(coin, worlds, worst=4)]), 100, 1)
    assert row.world == "chance 0.9"
    assert row.measured.trials == 400
    assert row.measured.note == "worst of 3"


def test_a_world_has_numbers_of_its_own() -> None:
    simulation = Simulation([Part(coin, grid(chance=(0.2, 0.9, 0.4)), runs=2)], runs=0.5)
    rows = list(run(simulation, 1000, 1))
    assert list(run(simulation, 1000, 1, "0.4")) == rows[2:]
    assert [row.measured.trials for row in rows] == [1000, 1000, 1000]


def test_every_world_of_a_part_has_a_label_of_its_own() -> None:
    for name, simulation in TABLE.items():
        for part in simulation.parts:
            assert len({label(world) for world in part.worlds}) == len(part.worlds), (name, part.measure.__name__)


def test_every_simulation_has_a_place_on_the_page() -> None:
    sections = tomllib.loads(TEXT.read_text(encoding="utf-8"))["section"]
    assert sorted(name for section in sections for name in section["simulations"]) == sorted(TABLE)


def test_the_page_has_every_figure_that_was_kept() -> None:
    page = error_rates_page()
    for simulation, kept in json.loads(MEASURED.read_text(encoding="utf-8")).items():
        assert f"`--only {simulation}`" in page
        for name, record in kept["properties"].items():
            assert str(PROMISES.get(name, Promise())) == record["promised"], name
            assert record["world"] in page


def parts() -> dict[str, Part]:
    """Return the first part of each measure; attacks on releases stand in `tests/disclosure/test_attacks.py`."""
    first: dict[str, Part] = {}
    for name, simulation in TABLE.items():
        for part in simulation.parts if name not in ATTACKS else ():
            module = part.measure.__module__.rpartition(".")[2]
            first.setdefault(f"{module}.{part.measure.__name__}", part)
    return first


@pytest.mark.parametrize("name", sorted(parts()))
def test_every_measure_runs(name: str) -> None:
    """Two trials break few promises; whether they are kept is asked by `make simulate` and the tests of each method."""
    part = parts()[name]
    rows = list(run(Simulation([Part(part.measure, part.worlds[:1])]), 2, 7))
    assert rows
    for row in rows:
        assert not PROMISES.get(row.property, Promise()).is_broken(row.measured), row
