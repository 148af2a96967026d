"""Simulation of errors of one weighted and clustered comparison: thousands of them, statistics alone, in one array.

A group exactly on the margin of a rest with `ratio` times its clusters, correlation pooled over the two. FAIL is also
tested at .001, which is where groups of a family are tested.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np

from audit.stats.arrays import FloatArray, IntArray
from audit.stats.boundaries import margin_boundary
from audit.stats.clusters import MAX_CORRELATION, Alike, Evened, WeightedRate
from audit.stats.effective_test import Comparison, effective_size, effective_test, few_degrees_factor
from audit.stats.intervals import Limits, difference_of_limits, ratio_of_limits, wilson
from tools.simulate.verdict_size import Measured
from tools.simulate.weighted_clusters import WEIGHT_CV, Setting, cluster_sizes, rates_of, settings

LEVEL, SMALL_LEVEL = 0.05, 0.001
_ROWS_AT_ONCE = 1_000_000
_EVENTS = (("false PASS", "<= 5 %"), ("false FAIL", "<= 5 %"), ("false FAIL at .001", "<= 0.1 %"))


def _side(
    setting: Setting, quantiles: FloatArray, rate: float, rng: np.random.Generator, *, rest: bool
) -> tuple[WeightedRate, FloatArray, FloatArray, Evened]:
    """Compute, for R sides with float64[R, K] clusters, rates, deviations, sums of weights, and evened weights."""
    runs, k = quantiles.shape
    rates = rates_of(setting, quantiles, rate, rest=rest)
    sizes = cluster_sizes(setting, (runs, k), rng)
    a, b, q = _weighted_sums(rates, sizes, rng) if setting.weighted else _counts(rates, sizes, rng)
    total = b.sum(axis=1)
    found = a.sum(axis=1) / total
    deviations = (a - found[:, None] * b) / total[:, None]
    s2, s4 = total**2, total**4
    return (
        WeightedRate(
            rate=found,
            residual=(deviations**2).sum(axis=1),
            clusters=np.full(runs, float(k)),
            q=q.sum(axis=1) / s2,
            bb=(b**2).sum(axis=1) / s2,
            q_q=(q**2).sum(axis=1) / s4,
            q_bb=(q * b**2).sum(axis=1) / s4,
            bb_bb=(b**4).sum(axis=1) / s4,
        ),
        deviations,
        total,
        Evened.of_clusters(a, b, q),
    )


def _counts(rates: FloatArray, sizes: IntArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray, FloatArray]:
    rows = sizes.astype(np.float64)
    return rng.binomial(sizes, rates).astype(np.float64), rows, rows


def _weighted_sums(
    rates: FloatArray, sizes: IntArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray, FloatArray]:
    at = np.repeat(np.arange(rates.size), sizes.ravel())
    w = np.exp(rng.normal(0.0, np.sqrt(np.log(1.0 + WEIGHT_CV**2)), at.size))
    hit = rng.random(at.size) < rates.ravel()[at]
    a, b, q = (
        np.asarray(np.bincount(at, of, rates.size).reshape(rates.shape), dtype=np.float64) for of in (w * hit, w, w * w)
    )
    return a, b, q


def pooled(sides: list[tuple[WeightedRate, FloatArray]]) -> FloatArray:
    """`pooled_correlation` of every simulated pair."""
    excess, pairs = np.zeros(sides[0][1].shape), np.zeros(sides[0][1].shape)
    for side, total in sides:
        spread = side.rate * (1.0 - side.rate)
        known = spread > 0.0
        excess += np.where(known, (side.residual / np.where(known, spread, 1.0) - side.q) * total**2, 0.0)
        pairs += np.where(known, (side.bb - side.q) * total**2, 0.0)
    return np.clip(excess / np.maximum(pairs, 1e-9), 0.0, MAX_CORRELATION)


def one_comparison(setting: Setting, runs: int, rng: np.random.Generator, ratio: float) -> tuple[Measured, ...]:
    """False PASS and false FAIL at .05, and false FAIL at .001."""
    k, others = setting.clusters, max(2, round(setting.clusters * ratio))
    boundaries = [
        margin_boundary("pass", setting.low, "ratio" if setting.scale == "ratio" else "difference", setting.margin),
        margin_boundary("fail", setting.low, "ratio" if setting.scale == "ratio" else "difference", setting.margin),
    ]
    events, done = np.zeros(3, dtype=np.int64), 0
    while done < runs:
        some = min(runs - done, max(1, _ROWS_AT_ONCE // ((k + others) * setting.size)))
        done += some
        u, v = rng.random((some, k)), rng.random((some, others))
        shared = min(k, others) if setting.spanning else 0
        v[:, :shared] = u[:, :shared]
        on_margin = replace(setting, groups=2, beside=1).on_margin
        group, e, total, evened = _side(setting, u, on_margin, rng, rest=False)
        rest, f, rest_total, rest_evened = _side(setting, v, setting.rate, rng, rest=True)
        cross = (e[:, :shared] * f[:, :shared]).sum(axis=1)
        icc = pooled([(group, total), (rest, rest_total)])
        alike, rest_alike = Alike.of(group, evened), Alike.of(rest, rest_evened)
        for place, (boundary, level) in enumerate(
            ((boundaries[0], LEVEL), (boundaries[1], LEVEL), (boundaries[1], SMALL_LEVEL))
        ):
            compared = Comparison(
                group, rest, cross, icc, alike=alike, rest_alike=rest_alike, joint=np.full(some, shared > 0)
            )
            events[place] += (effective_test(compared, boundary, level).p <= level).sum()
    name = f"{setting}, rest {ratio:g} times as large"
    return tuple(
        Measured(name, event, int(count), runs, promised)
        for count, (event, promised) in zip(events, _EVENTS, strict=True)
    )


def coverage(setting: Setting, runs: int, rng: np.random.Generator, ratio: float) -> tuple[Measured, ...]:
    """Return how often 95 % intervals of a rate, and of its difference and ratio to the rest, hold the true value."""
    k, others = setting.clusters, max(2, round(setting.clusters * ratio))
    u, v = rng.random((runs, k)), rng.random((runs, others))
    shared = min(k, others) if setting.spanning else 0
    v[:, :shared] = u[:, :shared]
    own_rate = replace(setting, groups=2, beside=1).on_margin
    group, e, total, _ = _side(setting, u, own_rate, rng, rest=False)
    rest, f, rest_total, _ = _side(setting, v, setting.rate, rng, rest=True)
    icc = pooled([(group, total), (rest, rest_total)])
    sides = []
    for side in (group, rest):
        size, degrees = effective_size(side, icc)
        n = np.maximum(size * few_degrees_factor(degrees, 0.025), 1e-9)
        sides.append(Limits(side.rate, *wilson(np.minimum(n * side.rate, n), n)))
    spread = np.sqrt(np.maximum(group.residual * rest.residual, 1e-300))
    rho = np.clip((e[:, :shared] * f[:, :shared]).sum(axis=1) / spread, -1.0, 1.0)
    name = f"{setting}, rest {ratio:g} times as large"
    truths = (
        ("rate covered", (sides[0].low, sides[0].high), own_rate),
        ("difference covered", difference_of_limits(sides[0], sides[1], rho), own_rate - setting.rate),
        ("ratio covered", ratio_of_limits(sides[0], sides[1], rho), own_rate / setting.rate),
    )
    return tuple(
        Measured(name, event, int(((low <= truth) & (truth <= high)).sum()), runs, "95 %")
        for event, (low, high), truth in truths
    )


def worst_comparisons(
    made: list[Setting], runs: int, rng: np.random.Generator, ratios: tuple[float, ...]
) -> Iterator[Measured]:
    """Find the setting with most errors of each kind, and measure it anew four times as often."""
    worlds = list(product(made, ratios))
    screened = [one_comparison(setting, runs, rng, ratio) for setting, ratio in worlds]
    for place in range(len(_EVENTS)):
        worst = max(range(len(worlds)), key=lambda world: screened[world][place].events)
        again = one_comparison(worlds[worst][0], 4 * runs, rng, worlds[worst][1])[place]
        yield replace(again, expected=f"{again.expected}, worst of {len(worlds)}")


def all_settings(runs: int, seed: int) -> Iterator[Measured]:
    """Measure every setting, each with its own stream of random numbers."""
    streams = iter(np.random.default_rng(seed).spawn(64))
    for clusters, spanning in product((10, 30, 100, 300), (False, True)):
        ratios = (0.5, 1.0, 4.0, 20.0) if clusters < 100 else (1.0, 4.0)
        yield from worst_comparisons(settings(clusters, spanning=spanning), runs, next(streams), ratios)
    for clusters in (10, 30, 100):
        made = settings(clusters, spanning=False, unequal=False)
        yield from worst_comparisons(made, runs, next(streams), (1.0, 4.0))
        two = [replace(setting, two_points=True) for setting in made]
        yield from worst_comparisons(two, runs, next(streams), (1.0, 4.0))
    for clusters, spanning, rate, icc in product((10, 30, 100), (False, True), (0.1, 0.5), (0.1, 0.3)):
        setting = Setting(clusters, spanning, rate, icc, "ratio", 0.8)
        yield from coverage(setting, 2 * runs, next(streams), 4.0)
