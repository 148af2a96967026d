"""Simulation of intervals of rows that are shown first for their results: how many of them miss the true rate.

Groups are ordered as reports order them: by how surely they are low, and by their rate. The intervals of the first rows
are those of single rows (Wilson, 95 %) and those that reports show instead (`audit.result.selected`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from audit.analyses.estimates import estimates
from audit.counting.clusters import ClusterTable
from audit.counting.family_moments import CELLS
from audit.counting.moments import Moments
from audit.counting.table import FLAGGED, NOT_FLAGGED, POSITIVE, CountsTable
from audit.result.findings.judged import Disparity, Estimate
from audit.result.reading import Rate
from audit.result.selected import comparison_limits, picked_level, selected
from audit.stats.intervals import wilson
from audit.vocabulary.groups import Axis, Family, Group, LevelName, SensitiveFeature
from audit.vocabulary.metrics import Cell
from tools.simulate.verdict_size import Measured, zipf_sizes

LEVEL = 0.95
FIRST = 10
_FEWEST = 5
_CLUSTERS = range(12, 40)
"""Clusters of a group, of which it has as many as its place among the groups gives."""


class World(NamedTuple):
    """Groups of sizes in proportion to 1, 1/2, 1/3, ... and their true rates."""

    groups: int
    cases: int
    rate: float
    spread: float = 0.0
    """Standard deviation of the true rates."""
    ladder: bool = False
    """Whether sub-regions and regions, which hold the groups, stand in the same table."""

    def __str__(self) -> str:
        spread = f", sd {self.spread:g}" if self.spread else ""
        above = ", with regions" if self.ladder else ""
        return f"{self.groups} groups, {self.cases:,} cases, rate {self.rate:g}{spread}{above}"


WORLDS = (
    World(200, 20_000, 0.8),
    World(200, 20_000, 0.8, 0.05),
    World(200, 100_000, 0.8, 0.03),
    World(200, 20_000, 0.1),
    World(40, 20_000, 0.8),
    World(200, 20_000, 0.8, 0.05, ladder=True),
)
"""The five worlds in which the selected rows were first looked at, and one with a ladder."""


class Row(NamedTuple):
    """A group with what was seen of it, its true rate, and what was seen of its rest, with that one's true rate."""

    seen: Rate
    truth: float
    rest: tuple[int, int] = (0, 0)
    rest_truth: float = 0.0


def drawn(world: World, rng: np.random.Generator) -> list[Row]:
    """Draw the groups that have enough cases for a rate."""
    sizes = zipf_sizes(world.cases, world.groups)
    truth = np.clip(rng.normal(world.rate, world.spread, sizes.size), 0.01, 0.99)
    x, everyone, harmed = rng.binomial(sizes, truth), int(sizes.sum()), float((truth * sizes).sum())
    found = int(x.sum())
    if world.ladder:
        held = [np.arange(sizes.size) % parts == part for parts in (22, 5) for part in range(parts)]
        truth = np.append(truth, [(truth * sizes)[mask].sum() / sizes[mask].sum() for mask in held])
        x = np.append(x, [x[mask].sum() for mask in held])
        sizes = np.append(sizes, [sizes[mask].sum() for mask in held])
    low, high = wilson(x, sizes, LEVEL)
    y, m = found - x, everyone - sizes
    rest_truth = (harmed - truth * sizes) / m
    return [
        Row(
            _rate(int(x[at]), int(sizes[at]), float(low[at]), float(high[at])),
            float(truth[at]),
            (int(y[at]), int(m[at])),
            float(rest_truth[at]),
        )
        for at in np.flatnonzero(sizes >= _FEWEST)
    ]


def _rate(x: int, n: int, low: float, high: float) -> Rate:
    seen = Estimate(
        metric="true_positive_rate", group=Group(()), numerator=x, denominator=n, value=x / n, low=low, high=high,
        exact_low=None, exact_high=None, level=LEVEL, status="estimated",
    )  # fmt: skip
    return Rate(Group(()), seen.metric, seen, None, "low")


FEATURE = SensitiveFeature(
    name="group", column="group", coding="categorical", rungs=("level",),
    levels=tuple(LevelName(rung="level", code=f"{place:03}", name=f"{place:03}") for place in range(40)),
    given_to_detector=False,
)  # fmt: skip


def drawn_clustered(rng: np.random.Generator) -> list[Row]:
    """Draw 40 groups of 12 to 39 clusters of 10 cases, which are alike by .1, at a true rate of .8."""
    sizes = np.array([_CLUSTERS[place % len(_CLUSTERS)] for place in range(len(FEATURE.levels))])
    own = np.repeat(np.arange(sizes.size), sizes)
    found = np.repeat(rng.beta(0.8 * 9.0, 0.2 * 9.0, own.size), 10) > rng.random(10 * own.size)
    group, cluster = np.repeat(own, 10), np.repeat(np.arange(own.size), 10)
    cell = np.where(found, CELLS.index(Cell.TP), CELLS.index(Cell.FN)).astype(np.int64)
    ones = np.ones(group.size)
    codes = tuple((level.code,) for level in FEATURE.levels)
    cells: dict[tuple[str, ...], npt.NDArray[np.int64]] = {}
    for place, code in enumerate(codes):
        table = np.zeros((3, 4), dtype=np.int64)
        mine = found[group == place]
        table[POSITIVE, FLAGGED], table[POSITIVE, NOT_FLAGGED] = mine.sum(), mine.size - mine.sum()
        cells[code] = table
    table_of = ClusterTable.of(cluster, group, cell, ones, ones)
    moments = Moments((FEATURE,), codes, table_of, weighted=False, clustered=True)
    family = CountsTable.of(("group",), cells).family(Family((Axis("group", "level"),)), {"group": FEATURE})
    made = estimates([family], level=LEVEL, min_denominator=_FEWEST, moments=moments)
    return [
        Row(Rate(each.group, each.metric, each, None, "low"), 0.8)
        for each in made
        if each.metric == "true_positive_rate"
    ]


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
    """Count the intervals that do not hold the true rate."""
    return sum(
        not (rate.ends[0] or 0.0) <= truth <= (rate.ends[1] or 0.0) for rate, truth in zip(rates, truths, strict=True)
    )


def of_first(rows: Sequence[Row], order: Order, count: int) -> Missed:
    """Count the misses among the first rows."""
    first = sorted(rows, key=order)[:count]
    seen, truths = [row.seen for row in first], [row.truth for row in first]
    return misses(seen, truths), misses(selected(seen, [row.seen for row in rows]).rows, truths)


def differences_missed(rows: Sequence[Row], order: Order) -> int:
    """Count the first rows whose difference to the rest, at the level shown, misses the truth."""
    level, missed = picked_level(LEVEL, FIRST / len(rows)), 0
    for row in sorted(rows, key=order)[:FIRST]:
        own, (y, m) = row.seen.estimate, row.rest
        if own is None:
            continue
        seen = Disparity(
            metric=own.metric, group=own.group, compared_with="rest", other_numerator=y, other_denominator=m,
            difference=own.numerator / own.denominator - y / m, difference_low=None, difference_high=None,
            ratio=None, ratio_low=None, ratio_high=None, level=LEVEL, status="estimated",
        )  # fmt: skip
        limits = comparison_limits(seen, own, level)
        missed += limits is None or not limits[0][0] <= row.truth - row.rest_truth <= limits[0][1]
    return missed


def shown_first(world: World, runs: int, rng: np.random.Generator) -> Iterator[Measured]:
    """Measure what share of the intervals shown first misses the truth, by how rows are ordered."""
    by = orders(low_is_worse=world.rate > 0.5)
    found: dict[tuple[str, int], list[Missed]] = {(name, count): [] for name in by for count in (FIRST, 1)}
    of_all, every, differences = 0, 0, 0
    for _ in range(runs):
        rows = drawn(world, rng)
        for (name, count), missed in found.items():
            missed.append(of_first(rows, by[name], count))
        differences += differences_missed(rows, by["surest"])
        of_all += misses([row.seen for row in rows], [row.truth for row in rows])
        every += len(rows)
    yield Measured(str(world), "all rows, of single rows", of_all, every, "about 5 %")
    for (name, count), missed in found.items():
        yield from _measured(str(world), f"{count} {name}", missed, count)
    yield Measured(str(world), f"{FIRST} surest, difference", differences, runs * FIRST, "<= 5 %")


def _measured(setting: str, which: str, missed: Sequence[Missed], count: int) -> Iterator[Measured]:
    plain, shown = (sum(each[kind] for each in missed) for kind in (0, 1))
    yield Measured(setting, f"{which}, of single rows", plain, len(missed) * count, "too many")
    yield Measured(setting, f"{which}, as shown", shown, len(missed) * count, "<= 5 %")


def clustered(runs: int, rng: np.random.Generator) -> Iterator[Measured]:
    """Measure the same where cases belong to clusters."""
    surest = orders(low_is_worse=True)["surest"]
    missed = [of_first(drawn_clustered(rng), surest, FIRST) for _ in range(runs)]
    yield from _measured("40 groups of 12 to 39 clusters of 10 cases, alike by .1", f"{FIRST} surest", missed, FIRST)


def all_settings(runs: int, seed: int) -> Iterator[Measured]:
    """Measure every world, each with its own stream of random numbers."""
    streams = iter(np.random.default_rng(seed).spawn(len(WORLDS) + 1))
    for world in WORLDS:
        yield from shown_first(world, runs, next(streams))
    yield from clustered(runs, next(streams))
