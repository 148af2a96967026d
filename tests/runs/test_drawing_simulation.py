"""A small seeded version of `tools/simulate/drawing.py`: drawn sets say of a pool what is true of it, on average."""

from __future__ import annotations

import numpy as np
import pytest

from tools.simulate import drawing as simulation

RUNS = {0: 10, 2: 10, 6: 10, 9: 30}
"""Draws by the place of a way. In each way, weights of one group that are a tenth too large are found, whichever group
it is, and those of all rows that are 3 % too large."""
WORST = 4.2
"""Standard errors of the mean: of 24 totals of 10 draws and 12 of 30, one is farther off by chance in one of seventeen
simulations."""


# Clusters across groups, decidable (place 5), take minutes: `make simulate` looks at them with all the others.
@pytest.mark.parametrize("place", [2, 6, 9])
def test_totals_average_to_those_of_the_pool_and_weights_to_one(place: int) -> None:
    pool, way = simulation.made_pool(np.random.default_rng(5)), simulation.WAYS[place]
    weights = simulation.drawn_weights(pool, way, RUNS[place], 1)
    share = pool.share(way)
    looked_at = simulation.totals(pool)
    assert np.abs(simulation.off(weights @ looked_at, share @ looked_at)).max() < WORST
    rows = simulation.off_rows(pool, weights, share)
    assert (np.abs(rows) > 1.96).mean() < 0.10
    found, truth = simulation.rates(pool, weights), simulation.rates(pool, share[np.newaxis])[0]
    assert np.abs(found.mean(axis=0) - truth).max() < 0.05


def test_the_simulation_would_see_a_draw_that_is_wrong() -> None:
    """With rows taken for equally likely totals would be off; sets drawn by their lowest ticket are no equals."""
    rng = np.random.default_rng(5)
    pool, way = simulation.made_pool(rng), simulation.WAYS[0]
    weights = simulation.drawn_weights(pool, way, RUNS[0], 1)
    looked_at = simulation.totals(pool)
    alike = (weights > 0) * (pool.group.size / (weights > 0).sum(axis=1, keepdims=True))
    assert np.abs(simulation.off(alike @ looked_at, looked_at.sum(axis=0))).max() > 10
    tickets = rng.random((600, pool.group.size))
    of_sets = np.full((600, int(pool.key.max()) + 1), 2.0)
    for run in range(600):
        np.minimum.at(of_sets[run], pool.key, tickets[run])
    lowest = np.argsort(of_sets, axis=1)[:, : of_sets.shape[1] // 4]
    drawn = np.zeros_like(of_sets, dtype=bool)
    np.put_along_axis(drawn, lowest, values=True, axis=1)
    large = np.bincount(pool.key) >= 5
    assert drawn[:, large].mean() > 2 * drawn[:, ~large].mean()
