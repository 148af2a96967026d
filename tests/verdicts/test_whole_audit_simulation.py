"""A small seeded version of `tools/simulate/whole_audit.py`: whole audits over a full ladder, judged as any audit
is.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
RUNS = 5


@pytest.fixture
def simulation(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("tools.simulate.whole_audit")


def test_no_whole_audit_of_a_detector_within_the_limit_accuses_anyone(simulation: ModuleType) -> None:
    for world in (simulation.equal(20_000, 0.7), simulation.half_on_margin(20_000, 0.7)):
        measured = simulation.false_fail("seeded", world, RUNS, np.random.default_rng(3))
        assert measured.events <= 1


def test_a_nationality_with_a_large_gap_is_named(simulation: ModuleType) -> None:
    world = simulation.one_gap(200_000, 0.7, "C019", 0.45)
    assert simulation.named("C019", world, RUNS, np.random.default_rng(4)).events == RUNS


def test_a_subregion_with_a_gap_is_named_as_often_as_was_measured_before(simulation: ModuleType) -> None:
    """93 % (100 runs, standard error 2.6); 85 % by discarding."""
    low, _ = simulation.GAPS["S19"]
    measured = simulation.named("S19", simulation.one_gap(40_000, 0.7, "S19", low), 8, np.random.default_rng(5))
    assert "923 of 400" in measured.setting
    assert measured.events >= 5


def test_on_the_margin_means_on_the_margin_of_the_own_rest(simulation: ModuleType) -> None:
    world = simulation.half_on_margin(20_000, 0.7)
    found = (world.cases * world.rates).sum(axis=0)
    cases = world.cases.sum(axis=0)
    rest = (found.sum() - found) / (cases.sum() - cases)
    below = np.arange(cases.size) % 2 == 0
    np.testing.assert_allclose((found / cases)[below], 0.8 * rest[below], rtol=1e-9)
    assert (found / cases)[~below].min() > 0.8 * rest[~below].max()
