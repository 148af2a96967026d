"""Intervals of rows that are shown first for their results: how many of them miss the true rate.

Groups are ordered as reports order them: by how surely they are low, and by their rate. The intervals of the first rows
are those of single rows (Wilson, 95 %) and those that reports show instead (`audit.result.selected`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from audit.analyses.estimates import estimates
from audit.result.findings.judged import Estimate
from audit.result.reading import Rate
from audit.result.selected import selected
from audit.stats.intervals import wilson
from audit.vocabulary.groups import Axis, Family, Group
from audit.vocabulary.metrics import METRICS
from tools.simulate.audited import group_table, groups_of
from tools.simulate.clusters import moments_of
from tools.simulate.families import zipf_sizes
from tools.simulate.runner import Counts, Share

LEVEL: Final = 0.95
FIRST: Final = 10
_FEWEST: Final = 5
_FOUND: Final = METRICS["true_positive_rate"]
FEATURE: Final = groups_of(40)


@dataclass(frozen=True)
class World:
    """Groups of sizes in proportion to 1, 1/2, 1/3, ... and their true rates."""

    groups: int
    cases: int
    rate: float
    spread: float = 0.0
    """Standard deviation of the true rates."""
    ladder: bool = False
    """Whether sub-regions and regions, which hold the groups, stand in the same table."""


WORLDS: Final = (
    World(200, 20_000, 0.8),
    World(200, 20_000, 0.8, 0.05),
    World(200, 100_000, 0.8, 0.03),
    World(200, 20_000, 0.1),
    World(40, 20_000, 0.8),
    World(200, 20_000, 0.8, 0.05, ladder=True),
)
"""The five worlds in which the selected rows were first looked at, and one with a ladder."""


class Row(NamedTuple):
    """A group with what was seen of it, and its true rate."""

    seen: Rate
    truth: float


def drawn(world: World, rng: np.random.Generator) -> list[Row]:
    """Draw the groups that have enough cases for a rate."""
    sizes = zipf_sizes(world.cases, world.groups)
    truth = np.clip(rng.normal(world.rate, world.spread, sizes.size), 0.01, 0.99)
    x = rng.binomial(sizes, truth)
    if world.ladder:
        masks = [np.arange(sizes.size) % parts == part for parts in (22, 5) for part in range(parts)]
        truth = np.append(truth, [(truth * sizes)[mask].sum() / sizes[mask].sum() for mask in masks])
        x = np.append(x, [x[mask].sum() for mask in masks])
        sizes = np.append(sizes, [sizes[mask].sum() for mask in masks])
    low, high = wilson(x, sizes, LEVEL)
    return [
        Row(_rate(int(x[row]), int(sizes[row]), float(low[row]), float(high[row])), float(truth[row]))
        for row in np.flatnonzero(sizes >= _FEWEST)
    ]


def _rate(x: int, n: int, low: float, high: float) -> Rate:
    seen = Estimate(
        metric="true_positive_rate", group=Group(()), numerator=x, denominator=n, value=x / n, low=low, high=high,
        exact_low=None, exact_high=None, level=LEVEL, status="estimated",
    )  # fmt: skip
    return Rate(Group(()), METRICS[seen.metric], seen, None, "low")


def drawn_clustered(rng: np.random.Generator) -> list[Row]:
    """Draw 40 groups of 12 to 39 clusters of 10 cases, which are alike by .1, at a true rate of .8."""
    sizes = 12 + np.arange(len(FEATURE.levels)) % 28
    group_of_cluster = np.repeat(np.arange(sizes.size), sizes)
    clusters = group_of_cluster.size
    flagged = np.repeat(rng.beta(0.8 * 9.0, 0.2 * 9.0, clusters), 10) > rng.random(10 * clusters)
    group = np.repeat(group_of_cluster, 10)
    moments = moments_of(
        FEATURE, group, np.repeat(np.arange(clusters), 10), flagged, np.ones(group.size), weighted=False, unit=1.0
    )
    table = group_table(np.bincount(group[flagged], minlength=sizes.size), 10 * sizes)
    family = table.family(Family((Axis("group", "level"),)), {"group": FEATURE})
    rates = estimates([family], [_FOUND], level=LEVEL, min_denominator=_FEWEST, moments=moments)
    return [Row(Rate(rate.group, _FOUND, rate, None, "low"), 0.8) for rate in rates]


Order = Callable[[Row], float]
Missed = tuple[int, int]
"""Misses of intervals of single rows, and of those that are shown."""


def orders(*, low_is_worse: bool) -> dict[str, Order]:
    """Return how reports put the worst first: by the mildest end of the interval, and by the rate."""
    sign = 1.0 if low_is_worse else -1.0
    return {
        "surest": lambda row: sign * (row.seen.ends[int(low_is_worse)] or 0.0),
        "worst": lambda row: sign * (row.seen.value or 0.0),
    }


def misses(rates: Sequence[Rate], truths: Sequence[float]) -> int:
    """Count the intervals that do not hold the truth."""
    return sum(
        not (rate.ends[0] or 0.0) <= truth <= (rate.ends[1] or 0.0) for rate, truth in zip(rates, truths, strict=True)
    )


def of_first(rows: Sequence[Row], order: Order, count: int) -> Missed:
    """Count the misses among the first rows."""
    first = sorted(rows, key=order)[:count]
    seen, truths = [row.seen for row in first], [row.truth for row in first]
    return misses(seen, truths), misses(selected(seen, [row.seen for row in rows]).rows, truths)


def _counts(missed: Sequence[Missed], count: int, which: str) -> Counts:
    plain, shown = (sum(pair[kind] for pair in missed) for kind in (0, 1))
    trials = len(missed) * count
    return {f"{which}, of single rows": Share(plain, trials), f"{which}, as shown": Share(shown, trials)}


def shown_first(runs: int, rng: np.random.Generator, world: World) -> Counts:
    """Count the intervals shown first that miss the truth, by how rows are ordered."""
    by = orders(low_is_worse=world.rate > 0.5)
    missed: dict[tuple[str, int], list[Missed]] = {(name, count): [] for name in by for count in (FIRST, 1)}
    missed_of_all, every = 0, 0
    for _ in range(runs):
        rows = drawn(world, rng)
        for (name, count), results in missed.items():
            results.append(of_first(rows, by[name], count))
        missed_of_all += misses([row.seen for row in rows], [row.truth for row in rows])
        every += len(rows)
    counts = {"all rows, of single rows": Share(missed_of_all, every)}
    for (name, count), results in missed.items():
        counts |= _counts(results, count, f"{count} {name}")
    return counts


def clustered(runs: int, rng: np.random.Generator) -> Counts:
    """Count the same where cases belong to clusters."""
    surest = orders(low_is_worse=True)["surest"]
    return _counts([of_first(drawn_clustered(rng), surest, FIRST) for _ in range(runs)], FIRST, f"{FIRST} surest")
