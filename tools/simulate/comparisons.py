"""Errors of one weighted or clustered comparison: thousands of them, statistics alone, in one array.

A group exactly on the margin of a rest with `ratio` times its clusters, correlation pooled over the two. FAIL is also
tested at .001, which is where groups of a family are tested. Then worlds that were found by attacking the test:
clusters that have rows on both sides, a few of which treat the two in opposite ways; clusters of two kinds whose missed
rows weigh more; and such ones among the large clusters only, beside small ones that are all alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Final, Literal, NamedTuple

import numpy as np

from audit.stats.arrays import FloatArray, IntArray
from audit.stats.boundaries import Boundary, Side, margin_boundary
from audit.stats.clusters import MAX_CORRELATION, Alike, Evened, Tilt, WeightedRate
from audit.stats.effective_test import Comparison, effective_size, effective_test, few_degrees_factor
from audit.stats.intervals import Limits, difference_of_limits, ratio_of_limits, wilson
from tools.simulate.clusters import WEIGHT_CV, Setting, cluster_sizes, drawn_rate, lognormal, rates_of
from tools.simulate.runner import Counts, Share

ERRORS: Final[Mapping[str, tuple[Side, float]]] = {
    "false PASS": ("pass", 0.05),
    "false FAIL": ("fail", 0.05),
    "false FAIL at .001": ("fail", 0.001),
}
"""Errors of a comparison on the margin: the side that is tested, and its level."""
_ROWS_AT_ONCE: Final = 1_000_000


class Summed(NamedTuple):
    """One side of R comparisons by cluster, from float64[R, K] sums of weights of cases with the outcome, of all, and
    of all squared.
    """

    rate: WeightedRate
    deviations: FloatArray
    """float64[R, K]"""
    total: FloatArray
    sums: tuple[FloatArray, FloatArray, FloatArray]

    @classmethod
    def of(cls, a: FloatArray, b: FloatArray, q: FloatArray) -> Summed:
        """Sum up a side."""
        total = b.sum(axis=1)
        rate = a.sum(axis=1) / total
        deviations = (a - rate[:, None] * b) / total[:, None]
        s2, s4 = total**2, total**4
        moments = WeightedRate(
            rate=rate,
            residual=(deviations**2).sum(axis=1),
            clusters=(b > 0.0).sum(axis=1).astype(np.float64),
            q=q.sum(axis=1) / s2,
            bb=(b**2).sum(axis=1) / s2,
            q_q=(q**2).sum(axis=1) / s4,
            q_bb=(q * b**2).sum(axis=1) / s4,
            bb_bb=(b**4).sum(axis=1) / s4,
        )
        return cls(moments, deviations, total, (a, b, q))

    @property
    def alike(self) -> Alike:
        """What its clusters allow of a correlation of their own."""
        return Alike.of(self.rate, Evened.of_clusters(*self.sums))


def pooled(*sides: Summed) -> FloatArray:
    """Correlation within clusters of every simulated pair, as `pooled_correlation` has it of one."""
    excess, pairs = np.zeros(sides[0].total.shape), np.zeros(sides[0].total.shape)
    for moments, _, total, _ in sides:
        spread = moments.rate * (1.0 - moments.rate)
        known = spread > 0.0
        excess += np.where(known, (moments.residual / np.where(known, spread, 1.0) - moments.q) * total**2, 0.0)
        pairs += np.where(known, (moments.bb - moments.q) * total**2, 0.0)
    return np.clip(excess / np.maximum(pairs, 1e-9), 0.0, MAX_CORRELATION)


def _covariance(group: Summed, rest: Summed, shared: int) -> FloatArray:
    return np.asarray((group.deviations[:, :shared] * rest.deviations[:, :shared]).sum(axis=1))


def compared(group: Summed, rest: Summed, shared: int, tilts: tuple[Tilt, Tilt, Tilt] | None = None) -> Comparison:
    """Compare two sides that share so many clusters; `tilts` of the group, the rest and both, where weights differ."""
    return Comparison(
        group.rate,
        rest.rate,
        _covariance(group, rest, shared),
        pooled(group, rest),
        () if tilts is None else (tilts[0], tilts[2]),
        () if tilts is None else (tilts[1], tilts[2]),
        alike=group.alike,
        rest_alike=rest.alike,
        joint=np.full(len(group.total), shared > 0),
    )


def errors(
    runs: int,
    at_once: int,
    compare: Callable[[int], Comparison],
    boundary: Callable[[Side], Boundary],
    side: Side | None = None,
) -> Counts:
    """Count the errors of so many comparisons, `at_once` in an array; of one side's test, or of both."""
    wanted = {name: error for name, error in ERRORS.items() if side in (None, error[0])}
    events = dict.fromkeys(wanted, 0)
    for start in range(0, runs, at_once):
        comparison = compare(min(at_once, runs - start))
        for name, (tested, level) in wanted.items():
            events[name] += int((effective_test(comparison, boundary(tested), level).p <= level).sum())
    return {name: Share(count, runs) for name, count in events.items()}


def _pair(setting: Setting, runs: int, rng: np.random.Generator, ratio: float) -> tuple[Summed, Summed, int]:
    """Draw the group on the margin and its rest, and say how many clusters they share."""
    k, others = setting.clusters, max(2, round(setting.clusters * ratio))
    u, v = rng.random((runs, k)), rng.random((runs, others))
    shared = min(k, others) if setting.spanning else 0
    v[:, :shared] = u[:, :shared]
    on_margin = replace(setting, groups=2, beside=1).on_margin
    group = _drawn(setting, rates_of(setting, u, on_margin, rest=False), rng)
    return group, _drawn(setting, rates_of(setting, v, setting.rate, rest=True), rng), shared


def _drawn(setting: Setting, rates: FloatArray, rng: np.random.Generator) -> Summed:
    sizes = cluster_sizes(setting, (rates.shape[0], rates.shape[1]), rng)
    if not setting.weighted:
        rows = sizes.astype(np.float64)
        return Summed.of(rng.binomial(sizes, rates).astype(np.float64), rows, rows)
    at = np.repeat(np.arange(rates.size), sizes.ravel())
    w = lognormal(rng, WEIGHT_CV, at.size)
    hit = rng.random(at.size) < rates.ravel()[at]
    a, b, q = (
        np.bincount(at, part, rates.size).reshape(rates.shape).astype(np.float64) for part in (w * hit, w, w * w)
    )
    return Summed.of(a, b, q)


def one_comparison(runs: int, rng: np.random.Generator, setting: Setting, ratio: float) -> Counts:
    """Count errors of a group on the margin beside a rest of `ratio` times its clusters."""
    rows = (setting.clusters + max(2, round(setting.clusters * ratio))) * setting.size

    def compare(some: int) -> Comparison:
        return compared(*_pair(setting, some, rng, ratio))

    return errors(runs, max(1, _ROWS_AT_ONCE // rows), compare, setting.boundary)


def coverage(runs: int, rng: np.random.Generator, setting: Setting, ratio: float) -> Counts:
    """Count how often 95 % intervals of a rate, and of its difference and ratio to the rest, miss the true value."""
    group, rest, shared = _pair(setting, runs, rng, ratio)
    icc = pooled(group, rest)

    def limits_of(side: WeightedRate) -> Limits:
        size, degrees = effective_size(side, icc)
        n = np.maximum(size * few_degrees_factor(degrees, 0.025), 1e-9)
        return Limits(side.rate, *wilson(np.minimum(n * side.rate, n), n))

    limits, rest_limits = limits_of(group.rate), limits_of(rest.rate)
    spread = np.sqrt(np.maximum(group.rate.residual * rest.rate.residual, 1e-300))
    rho = np.clip(_covariance(group, rest, shared) / spread, -1.0, 1.0)
    truth = replace(setting, groups=2, beside=1).on_margin
    intervals = {
        "rate missed": ((limits.low, limits.high), truth),
        "difference missed": (difference_of_limits(limits, rest_limits, rho), truth - setting.rate),
        "ratio missed": (ratio_of_limits(limits, rest_limits, rho), truth / setting.rate),
    }
    return {
        name: Share(int(((low > value) | (high < value)).sum()), runs)
        for name, ((low, high), value) in intervals.items()
    }


def informative(
    runs: int,
    rng: np.random.Generator,
    setting: Setting,
    rows: int,
    ratio: int,
    spread: float,
    factor: float,
    *,
    weighted: bool = True,
) -> Counts:
    """Count errors where rows are independent and a row with the outcome weighs `factor` times as much.

    Without `weighted` the test is not told, as if weights carried nothing.
    """

    def side(n: int, rate: float) -> tuple[Summed, list[FloatArray]]:
        success = rng.random((runs, n)) < drawn_rate(rate, factor)
        w = lognormal(rng, spread, (runs, n)) * np.where(success, factor, 1.0)
        powers = w, w * w, np.ones_like(w)
        sums = [(power * kind).sum(axis=1).astype(np.float64) for power in powers for kind in (success, ~success)]
        return Summed.of(w * success, w, w * w), sums

    group, sums = side(rows, replace(setting, groups=2, beside=1).on_margin)
    rest, rest_sums = side(rows * ratio, setting.rate)
    tilt, rest_tilt, everyone = (
        Tilt.of((parts[0], parts[1]), (parts[2], parts[3]), (parts[4], parts[5]))
        for parts in (sums, rest_sums, [x + y for x, y in zip(sums, rest_sums, strict=True)])
    )
    least_q = (group.rate.q * rows + ratio * rest.rate.q * rows * ratio) / (1 + ratio) / rows
    tilts, rest_tilts = ((tilt, everyone), (rest_tilt, everyone)) if weighted else ((), ())
    comparison = Comparison(
        group.rate, rest.rate, np.zeros(runs), 0.0, tilts, rest_tilts, least_q if weighted else 0.0
    )  # fmt: skip
    return errors(runs, runs, lambda _: comparison, setting.boundary)


class Rows(NamedTuple):
    """Rows of R comparisons by cluster, float64[R, K], and what a row with the outcome weighs beside one without."""

    hits: FloatArray
    others: FloatArray
    weight: float

    def summed(self) -> Summed:
        """Sum them up."""
        counted = self.hits * self.weight
        return Summed.of(counted, counted + self.others, counted * self.weight + self.others)


@dataclass(frozen=True, slots=True)
class Hidden:
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
    """Weight of a row with the outcome, if one without weighs 1."""

    @property
    def possible(self) -> bool:
        """Whether there are such rates."""
        return self.margin + self.bad <= min(1.0, 2.0 * min(self.rate, 1.0 - self.rate)) * (1.0 - self.bad)

    def drawn(self, side: Side, runs: int, rng: np.random.Generator) -> tuple[Rows, Rows]:
        """Draw the group and its rest. For `pass` the group looks better than it is, for `fail` worse."""
        if self.kind == "opposite":
            return self._opposite(side, runs, rng)
        rate, others = (drawn_rate(rate, self.weight) for rate in (self.rate - self.margin, self.rate))
        average = 1.0 - rate if side == "pass" else rate
        good = self.bad * average
        lucky = np.where(rng.random((runs, self.clusters)) < (average - good) / (1.0 - good), 1.0, good)
        uneven = 1.0 - lucky if side == "pass" else lucky
        rates = np.concatenate([uneven, np.full((runs, self.beside), rate)], axis=1)
        sizes = np.concatenate([np.full(self.clusters, self.size), np.full(self.beside, self.beside_size)])
        rest = (runs, max(5 * self.clusters, 200))
        group = self._rows(rates, np.broadcast_to(sizes, rates.shape), rng)
        return group, self._rows(np.full(rest, others), np.full(rest, min(self.size, 20)), rng)

    def _opposite(self, side: Side, runs: int, rng: np.random.Generator) -> tuple[Rows, Rows]:
        shape = runs, self.clusters
        bad, sizes = rng.random(shape) < self.bad, np.full(shape, self.size)
        sign = 1.0 if side == "pass" else -1.0  # of what bad clusters do to the rest's lead
        gap = (self.margin - sign * self.bad) / (1.0 - self.bad)
        group = np.where(bad, 0.0 if sign > 0 else 1.0, self.rate - gap / 2.0)
        rest = np.where(bad, 1.0 if sign > 0 else 0.0, self.rate + gap / 2.0)
        return self._rows(group, sizes, rng), self._rows(rest, sizes, rng)

    def _rows(self, rates: FloatArray, sizes: IntArray, rng: np.random.Generator) -> Rows:
        hits = rng.binomial(sizes, np.clip(rates, 0.0, 1.0)).astype(np.float64)
        return Rows(hits, sizes - hits, self.weight)


def _tilt(*sides: Rows) -> Tilt:
    hits = np.sum([rows.hits.sum(axis=1) for rows in sides], axis=0)
    others = np.sum([rows.others.sum(axis=1) for rows in sides], axis=0)
    weight = sides[0].weight
    return Tilt.of((hits * weight, others), (hits * weight**2, others), (hits, others))


def hidden(runs: int, rng: np.random.Generator, world: Hidden, side: Side) -> Counts:
    """Count how often a group on the margin passes, or fails at each level."""
    shared = world.clusters if world.kind == "opposite" else 0

    def compare(some: int) -> Comparison:
        group, rest = world.drawn(side, some, rng)
        return compared(group.summed(), rest.summed(), shared, (_tilt(group), _tilt(rest), _tilt(group, rest)))

    at_once = max(1, 200_000 // (6 * world.clusters + world.beside))
    return errors(
        runs, at_once, compare, lambda tested: margin_boundary(tested, True, "difference", world.margin), side
    )


_LIMITS: Final = ((0.95, 0.05), (0.95, 0.1), (0.9, 0.1), (0.8, 0.1), (0.5, 0.1))
"""Rates of the rest, and margins."""


def opposite() -> list[Hidden]:
    """Clusters that have rows on both sides."""
    sizes = product((15, 20, 40, 60, 200), (10, 50), (0.5, 0.7), (0.05, 0.1, 0.2), (0.02, 0.05, 0.1, 0.2))
    return [world for world in (Hidden("opposite", *values) for values in sizes) if world.possible]


def tilted() -> list[Hidden]:
    """Clusters of two kinds, with weights that go with the outcome."""
    return [
        Hidden("two kinds", clusters, 30, rate, margin, good, weight=weight)
        for clusters, (rate, margin), good, weight in product(
            (20, 30, 50, 80), _LIMITS, (0.05, 0.4, 0.6, 0.8), (0.25, 0.5, 2.0, 4.0)
        )
    ]


def large() -> list[Hidden]:
    """Large clusters of two kinds, beside small ones and single rows that are all alike."""
    worlds = []
    small = ((100, 5), (400, 5), (1000, 2), (2000, 1))
    for clusters, share, (beside, size), (rate, margin), good in product(
        (10, 15, 30, 60), (0.1, 0.3, 0.6, 0.9), small, _LIMITS, (0.02, 0.4, 0.6, 0.8)
    ):
        rows = round(share / (1.0 - share) * beside * size / clusters)
        if 3 <= rows <= 2_000:
            worlds.append(Hidden("two kinds", clusters, rows, rate, margin, good, beside=beside, beside_size=size))
    return worlds


UNLIKE_CLUSTERS: Final = ((10, 50), (12, 30), (20, 20), (30, 10), (30, 100), (100, 10))
"""Clusters of the group, and rows of each. Fewer than ten are never judged."""
_UNLIKE_LIMITS: Final = ((0.95, 0.10, True), (0.9, 0.10, True), (0.7, 0.10, True), (0.9, 0.05, True),
                         (0.1, 0.05, False), (0.05, 0.10, False), (0.2, 0.10, True), (0.15, 0.10, True),
                         (0.3, 0.10, False))  # fmt: skip
"""Rate of everyone else, margin, and whether a low rate harms."""


def unlike(clusters: int, size: int, **others: object) -> list[Setting]:
    """Return worlds whose group has another correlation within clusters than everyone else, without weights."""
    correlations = ((0.3, 0.1), (0.5, 0.02), (0.7, 0.1), (0.9, 0.05))
    worlds = [
        Setting(clusters, False, rate, rest, "difference", margin, low, False, False, own_correlation=group, size=size)
        for (rate, margin, low), (group, rest) in product(_UNLIKE_LIMITS, correlations)
    ]
    return [replace(setting, **others) for setting in worlds]  # type: ignore[arg-type]


def exchanged(worlds: list[Setting]) -> list[Setting]:
    """Return the worlds with the two correlations the other way round."""
    return [replace(setting, own_correlation=setting.correlation, correlation=setting.of_group) for setting in worlds]


def two_kinds(clusters: int, size: int, large: int = 0, mixed: str = "group") -> list[Setting]:
    """Return worlds with clusters of two kinds: most nearly as good as all the others', a few bad in every row."""
    worlds = [
        Setting(clusters, False, rate, 0.05, "difference", margin, low, False, False, good=good, bad=bad, mixed=mixed,
                size=size, large=large)
        for (rate, margin, low), good, bad in product(_UNLIKE_LIMITS, (0.05, 0.4, 0.6, 0.8), ("missed", "found"))
    ]  # fmt: skip
    return [setting for setting in worlds if replace(setting, groups=2).possible]
