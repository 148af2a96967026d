"""Simulation of errors of verdicts if clusters are not what the pooled correlation supposes.

The rows of a group on the margin to its rest are more alike within clusters than everyone else's, or those of a small
rest are. Cluster rates follow a beta distribution or two points, or are whole: one kind has the outcome in one case of
a hundred, or lacks it. Or most clusters are nearly as good as all the others', and a few lack the outcome altogether:
the worst that there is, for they are easily not drawn. One comparison at a time, then whole audits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np

from tools.simulate.clustered_comparison import worst_comparisons
from tools.simulate.verdict_size import Measured
from tools.simulate.weighted_clusters import Setting, decided, on_the_margin

CLUSTERS = ((10, 50), (12, 30), (20, 20), (30, 10), (30, 100), (100, 10))
"""Clusters of the group, and rows of each. Fewer than ten are never judged."""
CORRELATIONS = ((0.3, 0.1), (0.5, 0.02), (0.7, 0.1), (0.9, 0.05))
"""Correlations within clusters of the group, and of everyone else."""
LIMITS = ((0.95, 0.10, True), (0.9, 0.10, True), (0.7, 0.10, True), (0.9, 0.05, True), (0.1, 0.05, False),
          (0.05, 0.10, False), (0.2, 0.10, True), (0.15, 0.10, True), (0.3, 0.10, False))  # fmt: skip
"""Rate of everyone else, margin, and whether a low rate harms."""


GOOD = (0.05, 0.4, 0.6, 0.8)
"""The rate of good clusters, as a share of the average, beside few that are bad in every row."""
MIXED = (*((*shape, 0) for shape in CLUSTERS), (110, 6, 10), (120, 6, 20), (60, 3, 10), (310, 1, 10), (320, 1, 20))
"""Clusters of the group, rows of each, and how many of them are thirty times as large."""
SHAPES = ("beta", "two", "whole")


def unlike(
    clusters: int, size: int, *, unequal: bool, shape: str = "beta", spanning: bool = False, large: int = 0
) -> list[Setting]:
    """Measure all rates, limits and correlations for one size, without weights."""
    return [
        Setting(
            clusters,
            spanning=spanning,
            rate=rate,
            correlation=others,
            scale="difference",
            margin=margin,
            low=low,
            unequal=unequal,
            weighted=False,
            two_points=shape == "two",
            whole=shape == "whole",
            own_correlation=own,
            size=size,
            large=large,
        )
        for (rate, margin, low), (own, others) in product(LIMITS, CORRELATIONS)
    ]


def two_kinds(clusters: int, size: int, large: int, mixed: str = "group") -> list[Setting]:
    """Measure all rates and limits of clusters of two kinds, a few of which are bad in every row."""
    made = [
        Setting(
            clusters,
            spanning=False,
            rate=rate,
            correlation=0.05,
            scale="difference",
            margin=margin,
            low=low,
            unequal=False,
            weighted=False,
            good=good,
            bad=bad,
            mixed=mixed,
            size=size,
            large=large,
        )
        for (rate, margin, low), good, bad in product(LIMITS, GOOD, ("missed", "found"))
    ]
    return [setting for setting in made if replace(setting, groups=2).possible]


def all_settings(runs: int, seed: int) -> Iterator[Measured]:
    """Find the worst rates, limits and correlations for each size and shape, measured anew four times as often."""
    streams = iter(np.random.default_rng(seed).spawn(256))
    for clusters, size, large in MIXED:
        yield from worst_comparisons(two_kinds(clusters, size, large), runs, next(streams), (5.0,))
    for ratio in (0.1, 0.2, 0.3, 0.5, 1.0):
        yield from worst_comparisons(two_kinds(100, 10, 0, "rest"), runs, next(streams), (ratio,))
    for (clusters, size), unequal, shape in product(CLUSTERS, (False, True), SHAPES):
        made = unlike(clusters, size, unequal=unequal, shape=shape)
        yield from worst_comparisons(made, runs, next(streams), (5.0,))
    for large, shape in product((10, 20), SHAPES):
        made = unlike(large + 50, 3, unequal=False, shape=shape, large=large)
        yield from worst_comparisons(made, runs, next(streams), (5.0,))
    for ratio, shape in product((0.1, 0.2, 0.3), SHAPES):
        made = [
            replace(one, own_correlation=one.correlation, correlation=one.of_group)
            for one in unlike(100, 10, unequal=False, shape=shape)
        ]
        yield from worst_comparisons(made, runs, next(streams), (ratio,))
    for clusters, size in ((12, 30), (30, 10)):
        made = unlike(clusters, size, unequal=True, spanning=True)
        yield from worst_comparisons(made, runs, next(streams), (5.0,))
    for clusters, size in ((10, 50), (12, 30), (20, 20)):
        world = Setting(clusters, False, 0.95, 0.1, "difference", 0.10, unequal=False, own_correlation=0.3, size=size)
        yield from on_the_margin(world, runs, next(streams))
        alike = Setting(clusters, False, 0.95, 0.1, "difference", 0.10, unequal=False, gap=0.95, size=size)
        yield decided(alike, runs, next(streams), "pass")
    for (clusters, size, large), bad in product(((20, 20, 0), (30, 10, 0), (110, 6, 10)), ("missed", "found")):
        few = Setting(
            clusters, False, 0.9, 0.02, "difference", 0.10, unequal=False, good=0.6, bad=bad, size=size, large=large
        )
        yield from on_the_margin(few, runs, next(streams))
