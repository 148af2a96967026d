"""Simulation of changes: how often one is wrongly called worse, and what pairing finds beyond two samples.

Families of groups that share no case, one family with the whole budget. A FAIL is false where the group's true loss is
no larger than the margin.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Final, NamedTuple

import numpy as np

from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.boundaries import margin_boundary
from audit.stats.multiplicity import reject_family
from audit.stats.pairs import BETA, name_paired, screened_paired_p
from audit.stats.score_test import FAIL_BETA, PASS_BETA, screened_p
from audit.verdicts.changes.judge import NAMING_BETA, SEPARATELY
from audit.verdicts.side_tests import ALL_NAMES
from tools.simulate.verdict_size import Measured, zipf_sizes

ALPHA: Final = 0.05
LEVEL: Final = ALL_NAMES * ALPHA
MARGIN: Final = 0.05
OLD_RATE: Final = 0.7
"""Share that the earlier model gets right in every group."""


class Twice(NamedTuple):
    """Counts of the same cases under two models: int64[runs, G] each."""

    lost: IntArray
    gained: IntArray
    right_then: IntArray


def twice(
    rng: np.random.Generator, runs: int, sizes: IntArray, change: FloatArray, differing: FloatArray | float
) -> Twice:
    """Draw groups whose share right changes by `change`, the models differing on `differing` of their cases."""
    lost, gained = (differing - change) / 2.0, (differing + change) / 2.0
    both = OLD_RATE - lost
    cells = np.stack([lost, gained, both, 1.0 - lost - gained - both], axis=-1)
    drawn = rng.multinomial(sizes, cells, size=(runs, sizes.size))
    return Twice(drawn[..., 0], drawn[..., 1], drawn[..., 0] + drawn[..., 2])


def named_paired(drawn: Twice, sizes: IntArray, *, independent: bool = True) -> BoolArray:
    """Return bool[runs, G]: groups named as worse, by pairing case with case."""
    n = np.broadcast_to(sizes, drawn.lost.shape)
    flat = (drawn.lost.ravel(), drawn.gained.ravel(), n.ravel())
    p = screened_paired_p(*flat, MARGIN, "worse", NAMING_BETA).reshape(n.shape)
    return np.stack(
        [
            name_paired(
                p[run], drawn.lost[run], drawn.gained[run], sizes, MARGIN, LEVEL, NAMING_BETA, independent=independent
            ).rejected
            for run in range(len(n))
        ]
    )


def named_separate(drawn: Twice, other: Twice, sizes: IntArray) -> BoolArray:
    """Return bool[runs, G]: groups named as worse, from two samples of different cases."""
    now = other.right_then - other.lost + other.gained
    boundary = margin_boundary("fail", True, "difference", MARGIN)
    n = np.broadcast_to(sizes, now.shape)
    p = screened_p(now.ravel(), n.ravel(), drawn.right_then.ravel(), n.ravel(), boundary, FAIL_BETA).p.reshape(n.shape)
    return np.stack(
        [
            reject_family(p[run], now[run], sizes, drawn.right_then[run], sizes, boundary, LEVEL, SEPARATELY).rejected
            for run in range(len(n))
        ]
    )


def on_the_margin(groups: int, pattern: str) -> FloatArray:
    """Return changes of a family, none of which is worse than the margin."""
    place = np.arange(groups)
    at = {"all": place >= 0, "half": place % 2 == 0, "one in ten": place % 10 == 0}[pattern]
    return np.where(at, -MARGIN, 0.0)


def false_names(
    runs: int, rng: np.random.Generator, sizes: IntArray, pattern: str, differing: float, how: str
) -> Measured:
    """Return how often any group is named although none lost more than the margin."""
    change = on_the_margin(sizes.size, pattern)
    drawn = twice(rng, runs, sizes, change, differing)
    if how == "separate":
        named = named_separate(drawn, twice(rng, runs, sizes, change, differing), sizes)
    else:
        named = named_paired(drawn, sizes, independent=how == "paired")
    setting = f"{sizes.size} groups of {sizes.min()}-{sizes.max()}, {pattern} on the margin, {differing:g} differ"
    return Measured(setting, f"false FAIL, {how}", int(named.any(axis=1).sum()), runs, "<= 5 %")


def power(runs: int, rng: np.random.Generator, groups: int, size: int, differing: float) -> Iterator[Measured]:
    """Return how often one group that lost twice the margin is named, and a group that lost nothing passes."""
    sizes = np.full(groups, size, dtype=np.int64)
    change = np.where(np.arange(groups) == 0, -2.0 * MARGIN, 0.0)
    shares = np.maximum(differing, np.abs(change))
    drawn, other = (twice(rng, runs, sizes, change, shares) for _ in range(2))
    setting = f"{groups} groups of {size}, one lost twice the margin, {differing:g} differ"
    for how, named in (("paired", named_paired(drawn, sizes)), ("separate", named_separate(drawn, other, sizes))):
        yield Measured(setting, f"FAIL of that group, {how}", int(named[:, 0].sum()), runs, "power")
    n = np.full(runs, size)
    within = screened_paired_p(drawn.lost[:, 1], drawn.gained[:, 1], n, MARGIN, "within", BETA) <= ALPHA
    yield Measured(setting, "PASS of another group, paired", int(within.sum()), runs, "power")
    boundary = margin_boundary("pass", True, "difference", MARGIN)
    wrong_now = n - (other.right_then - other.lost + other.gained)[:, 1]
    wrong_then = n - drawn.right_then[:, 1]
    p = screened_p(wrong_now, n, wrong_then, n, boundary, PASS_BETA).p
    yield Measured(setting, "PASS of another group, separate", int((p <= ALPHA).sum()), runs, "power")


def all_settings(runs: int, seed: int) -> Iterator[Measured]:
    """Measure every setting of the documentation, in its order."""
    rng = np.random.default_rng(seed)
    for groups, pattern, differing in product((20, 50, 200), ("all", "half", "one in ten"), (0.05, 0.1, 0.3)):
        sizes = np.full(groups, 200, dtype=np.int64)
        for how in ("paired", "paired, shared cases", "separate"):
            yield false_names(runs, rng, sizes, pattern, differing, how)
    for cases, differing in product((4_000, 20_000), (0.05, 0.1)):
        for how in ("paired", "separate"):
            yield false_names(runs, rng, zipf_sizes(cases), "all", differing, how)
    for groups, size in ((20, 100), (20, 300), (200, 100), (200, 300)):
        for differing in (0.1, 0.3):
            yield from power(runs, rng, groups, size, differing)
