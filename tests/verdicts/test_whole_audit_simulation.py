"""A small seeded version of `tools.simulate --only whole_audit`: whole audits over a full ladder, judged as any audit
is.
"""

from __future__ import annotations

import numpy as np

from tools.simulate import ladders

RUNS = 5


def test_no_whole_audit_of_a_detector_within_the_limit_accuses_anyone() -> None:
    for world in (ladders.equal(20_000), ladders.on_limit(20_000)):
        measured = ladders.errors(RUNS, np.random.default_rng(3), world)
        assert measured["any false FAIL"].events <= 1


def test_a_nationality_with_a_large_gap_is_named() -> None:
    (measured,) = ladders.named(RUNS, np.random.default_rng(4), "C019", 0.45, cases=200_000).values()
    assert measured.events == RUNS


def test_a_subregion_with_a_gap_is_named_as_often_as_was_measured_before() -> None:
    """93 % (100 runs, standard error 2.6); 85 % by discarding."""
    assert "923 of 40000" in ladders.one_gap(40_000, "S19", 0.50).name
    (measured,) = ladders.named(8, np.random.default_rng(5), "S19", 0.50).values()
    assert measured.events >= 5


def test_on_the_margin_means_on_the_margin_of_the_own_rest() -> None:
    world = ladders.on_limit(20_000)
    found = (world.cases * world.rates).sum(axis=0)
    cases = world.cases.sum(axis=0)
    rest = (found.sum() - found) / (cases.sum() - cases)
    below = np.arange(cases.size) % 2 == 0
    np.testing.assert_allclose((found / cases)[below], 0.8 * rest[below], rtol=1e-9)
    assert (found / cases)[~below].min() > 0.8 * rest[~below].max()
