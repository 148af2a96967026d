"""Simulation of how often intervals of the cost of errors, and of one's own measure, miss the truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from audit.stats.bootstrap import expanded_percentiles, resampled_places
from audit.stats.intervals import difference_of_independent
from audit.stats.operating_points import expected_cost
from tools.simulate.verdict_size import Measured

LEVEL = 0.95
REST = 2_000
"""Cases of everyone else."""
REPLICATES = 199
_MORE_COSTS = 10
"""An interval of costs is a closed form, so that more of them can be simulated in the same time."""
SHARES = ((0.02, 0.02), (0.05, 0.1), (0.2, 0.1), (0.02, 0.3), (0.4, 0.4))
"""Shares missed and wrongly flagged."""
COSTS = ((10.0, 1.0), (1.0, 1.0), (1.0, 10.0))
SIZES = (5, 10, 30, 100, 300)


def costs(
    runs: int, rng: np.random.Generator, cases: int, shares: tuple[float, float], cost: tuple[float, float]
) -> tuple[Measured, Measured]:
    """Return the cost of a group, and its difference from a rest with the same shares."""
    sides = []
    for size in (cases, REST):
        drawn = rng.multinomial(size, [*shares, 1.0 - sum(shares)], runs)
        sides.append(expected_cost(drawn[:, 0], drawn[:, 1], np.full(runs, size), *cost, LEVEL))
    truth = cost[0] * shares[0] + cost[1] * shares[1]
    setting = f"{cases} cases, {shares[0]:g} missed at {cost[0]:g}, {shares[1]:g} flagged at {cost[1]:g}"
    missed = [
        int(((low > of + 1e-12) | (high < of - 1e-12)).sum())
        for (_, low, high), of in ((sides[0], truth), (difference_of_independent(*sides), 0.0))
    ]
    return (
        Measured(setting, "cost: interval misses", missed[0], runs, "5 %"),
        Measured(setting, "difference: interval misses", missed[1], runs, "5 %"),
    )


def own_measure(
    runs: int, rng: np.random.Generator, sizes: Sequence[int], rate: float, icc: float
) -> tuple[Measured, Measured]:
    """Return a share as a measure of one's own, over clusters of the sizes given whose rows are alike by `icc`.

    Counted are intervals that miss among those that are stated, and runs in which none is.
    """
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    missed = silent = 0
    for _ in range(runs):
        chance = np.full(len(sizes), rate)
        if icc:
            strength = (1.0 - icc) / icc
            chance = rng.beta(rate * strength, (1.0 - rate) * strength, len(sizes))
        values = rng.binomial(1, chance[clusters])
        replicates = np.array([values[places].mean() for places in resampled_places(clusters, REPLICATES, rng)])
        limits = expanded_percentiles(replicates, len(sizes), LEVEL)
        silent += limits is None
        missed += limits is not None and not limits[0] <= rate <= limits[1]
    rows = f"clusters of 2 to 14, ICC {icc:g}" if icc else "rows"
    setting = f"own measure: {len(sizes)} {rows}, share {rate:g}"
    return (
        Measured(setting, "interval misses", missed, max(runs - silent, 1), "5 %"),
        Measured(setting, "no interval is stated", silent, runs, ""),
    )


def all_settings(runs: int, seed: int) -> Iterator[Measured]:
    """Measure every setting, each with its own stream of random numbers."""
    streams = iter(np.random.default_rng(seed).spawn(128))
    for cases in SIZES:
        for shares in SHARES:
            for cost in COSTS:
                yield from costs(_MORE_COSTS * runs, next(streams), cases, shares, cost)
    for rows in (10, 30, 100, 300):
        for rate in (0.1, 0.3):
            yield from own_measure(runs, next(streams), [1] * rows, rate, 0.0)
    for clusters in (12, 32, 100):
        for rate in (0.1, 0.5):
            for icc in (0.1, 0.3):
                yield from own_measure(runs, next(streams), [2, 6, 10, 14] * (clusters // 4), rate, icc)
