"""Simulation of errors of one clustered comparison in worlds that were found by attacking the test.

Clusters that have rows in the group and in its rest, a few of which treat the two in opposite ways. Clusters of two
kinds whose missed rows weigh more than those found. Clusters of two kinds among the large ones only, beside small ones
that are all alike; and such clusters beside rows of nobody. Each group lies exactly on the margin.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal, NamedTuple

import numpy as np

from audit.stats.arrays import FloatArray, IntArray
from audit.stats.boundaries import margin_boundary
from audit.stats.clusters import Alike, Evened, Tilt, WeightedRate
from audit.stats.effective_test import Comparison, effective_test
from tools.simulate.clustered_comparison import pooled
from tools.simulate.verdict_size import Measured

Event = Literal["pass", "fail"]

LEVELS: dict[Event, tuple[float, ...]] = {"pass": (0.05,), "fail": (0.05, 0.001)}
_ROWS_AT_ONCE = 2_000


class Rows(NamedTuple):
    """Rows of R comparisons by cluster, float64[R, K] each: found ones, missed ones, and what a found one weighs."""

    found: FloatArray
    missed: FloatArray
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class World:
    """A group on the margin, and its rest, of which a low rate is worse."""

    kind: Literal["opposite", "two kinds"]
    clusters: int
    """Number of clusters of two kinds."""
    size: int
    """Rows of each, on each side that it has rows on."""
    rate: float
    """Rate of the good clusters in the middle of both sides (opposite), or of the rest's."""
    margin: float
    bad: float
    """The share of bad clusters (opposite); the rate of good ones as a share of the average (two kinds)."""
    beside: int = 0
    """Clusters of one kind beside those of two."""
    beside_size: int = 1
    weight: float = 1.0
    """Weight of a found row, if a missed one weighs 1."""

    def __str__(self) -> str:
        parts = f"{self.kind}: {self.clusters} of {self.size}, rate {self.rate:g}, margin {self.margin:g}"
        parts += f", {'bad' if self.kind == 'opposite' else 'good'} {self.bad:g}"
        if self.beside:
            parts += f", beside {self.beside} of {self.beside_size}"
        return parts if self.weight == 1.0 else f"{parts}, found rows weigh {self.weight:g}"

    @property
    def possible(self) -> bool:
        """Whether there are such rates."""
        if self.kind == "opposite":
            return self.margin + self.bad <= min(1.0, 2.0 * min(self.rate, 1.0 - self.rate)) * (1.0 - self.bad)
        return self.rate - self.margin > 0.02

    def drawn(self, event: Event, runs: int, rng: np.random.Generator) -> tuple[Rows, Rows]:
        """Return the group and its rest. For `pass` the group looks better than it is, for `fail` worse."""
        if self.kind == "opposite":
            return self._opposite(event, runs, rng)
        own, others = (self._of_rows(rate) for rate in (self.rate - self.margin, self.rate))
        average = 1.0 - own if event == "pass" else own
        good = self.bad * average
        share = (average - good) / (1.0 - good)
        lucky = np.where(rng.random((runs, self.clusters)) < share, 1.0, good)
        uneven = 1.0 - lucky if event == "pass" else lucky
        rates = np.concatenate([uneven, np.full((runs, self.beside), own)], axis=1)
        sizes = np.concatenate([np.full(self.clusters, self.size), np.full(self.beside, self.beside_size)])
        rest = max(5 * self.clusters, 200)
        return (
            self._rows(rates, np.broadcast_to(sizes, rates.shape), rng),
            self._rows(np.full((runs, rest), others), np.full((runs, rest), min(self.size, 20)), rng),
        )

    def _opposite(self, event: Event, runs: int, rng: np.random.Generator) -> tuple[Rows, Rows]:
        shape = runs, self.clusters
        bad, sizes = rng.random(shape) < self.bad, np.full(shape, self.size)
        sign = 1.0 if event == "pass" else -1.0  # of what bad clusters do to the rest's lead
        gap = (self.margin - sign * self.bad) / (1.0 - self.bad)
        low, high = self.rate - gap / 2.0, self.rate + gap / 2.0
        group = np.where(bad, 0.0 if sign > 0 else 1.0, low)
        rest = np.where(bad, 1.0 if sign > 0 else 0.0, high)
        return self._rows(group, sizes, rng), self._rows(rest, sizes, rng)

    def _of_rows(self, rate: float) -> float:
        """Return the rate of rows for which the weighted rate is `rate`."""
        return rate / (rate + self.weight * (1.0 - rate))

    def _rows(self, rates: FloatArray, sizes: IntArray, rng: np.random.Generator) -> Rows:
        found = rng.binomial(sizes, np.clip(rates, 0.0, 1.0)).astype(np.float64)
        return Rows(found, sizes - found, self.weight)


def _side(rows: Rows) -> tuple[WeightedRate, FloatArray, FloatArray, Evened]:
    counted = rows.found * rows.weight
    b, q = counted + rows.missed, counted * rows.weight + rows.missed
    total = b.sum(axis=1)
    rate = counted.sum(axis=1) / total
    deviations = (counted - rate[:, None] * b) / total[:, None]
    s2, s4 = total**2, total**4
    moments = (q.sum(axis=1) / s2, (b**2).sum(axis=1) / s2, (q**2).sum(axis=1) / s4, (q * b**2).sum(axis=1) / s4)
    clusters = (b > 0.0).sum(axis=1).astype(np.float64)
    side = WeightedRate(rate, (deviations**2).sum(axis=1), clusters, *moments, (b**4).sum(axis=1) / s4)
    return side, deviations, total, Evened.of_clusters(counted, b, q)


def _tilt(*sides: Rows) -> Tilt:
    found, missed = (
        sum(of.sum(axis=1) for of in kind) for kind in zip(*((s.found, s.missed) for s in sides), strict=True)
    )
    weight = sides[0].weight
    return Tilt.of((found * weight, missed), (found * weight**2, missed), (found, missed))


def _compared(own: Rows, others: Rows, *, joint: bool) -> Comparison:
    (group, e, total, evened), (rest, f, rest_total, rest_evened) = _side(own), _side(others)
    runs, everyone = len(total), _tilt(own, others)
    return Comparison(
        group,
        rest,
        (e * f).sum(axis=1) if joint else np.zeros(runs),
        pooled([(group, total), (rest, rest_total)]),
        (_tilt(own), everyone),
        (_tilt(others), everyone),
        alike=Alike.of(group, evened),
        rest_alike=Alike.of(rest, rest_evened),
        joint=np.full(runs, joint),
    )


def measured(world: World, event: Event, runs: int, rng: np.random.Generator) -> list[Measured]:
    """Return how often a group on the margin passes, or fails, at each level of `LEVELS`."""
    boundary, hits, done = margin_boundary(event, True, "difference", world.margin), np.zeros(2, dtype=np.int64), 0
    while done < runs:
        some = min(runs - done, max(1, _ROWS_AT_ONCE * 100 // (6 * world.clusters + world.beside)))
        done += some
        compared = _compared(*world.drawn(event, some, rng), joint=world.kind == "opposite")
        for place, level in enumerate(LEVELS[event]):
            hits[place] += (effective_test(compared, boundary, level).p <= level).sum()
    return [
        Measured(str(world), f"false {event.upper()} at {level:g}", int(count), runs, f"<= {100 * level:g} %")
        for level, count in zip(LEVELS[event], hits, strict=False)
    ]


def opposite() -> list[World]:
    """Clusters that have rows on both sides."""
    made = [
        World("opposite", clusters, size, rate, margin, bad)
        for clusters, size, rate, margin, bad in product(
            (15, 20, 40, 60, 200), (10, 50), (0.5, 0.7), (0.05, 0.1, 0.2), (0.02, 0.05, 0.1, 0.2)
        )
    ]
    return [world for world in made if world.possible]


LIMITS = ((0.95, 0.05), (0.95, 0.1), (0.9, 0.1), (0.8, 0.1), (0.5, 0.1))
"""Rates of the rest, and margins."""


def tilted() -> list[World]:
    """Clusters of two kinds, with weights that go with the outcome."""
    return [
        World("two kinds", clusters, 30, rate, margin, good, weight=weight)
        for clusters, (rate, margin), good, weight in product(
            (20, 30, 50, 80), LIMITS, (0.05, 0.4, 0.6, 0.8), (0.25, 0.5, 2.0, 4.0)
        )
    ]


def large() -> list[World]:
    """Large clusters of two kinds, beside small ones and single rows that are all alike."""
    made = []
    for clusters, share, (beside, size), (rate, margin), good in product(
        (10, 15, 30, 60),
        (0.1, 0.3, 0.6, 0.9),
        ((100, 5), (400, 5), (1000, 2), (2000, 1)),
        LIMITS,
        (0.02, 0.4, 0.6, 0.8),
    ):
        rows = round(share / (1.0 - share) * beside * size / clusters)
        if 3 <= rows <= 2_000:
            made.append(World("two kinds", clusters, rows, rate, margin, good, beside=beside, beside_size=size))
    return made


def worst(made: list[World], event: Event, runs: int, rng: np.random.Generator) -> Iterator[Measured]:
    """Find, of many worlds, the one with most errors at each level, and measure it anew ten times as often."""
    screened = [measured(world, event, runs, rng) for world in made]
    for place in range(len(LEVELS[event])):
        at = max(range(len(made)), key=lambda world: screened[world][place].events)
        again = measured(made[at], event, 10 * runs, rng)[place]
        yield Measured(again.setting, again.event, again.events, again.runs, f"{again.expected}, worst of {len(made)}")


def all_settings(runs: int, seed: int) -> Iterator[Measured]:
    """Measure every kind of world, each with its own stream of random numbers."""
    streams = iter(np.random.default_rng(seed).spawn(8))
    for made, event in product((opposite(), tilted(), large()), LEVELS):
        yield from worst(made, event, runs, next(streams))
