"""Errors of one comparison in a stratified sample: a group exactly on the margin of its rest, in a finite population.

Of every stratum n of N cases are drawn without replacement. Strata are drawn with very different chances, or known in
full; the outcome lies where few are drawn, where many are, or everywhere; groups are a fiftieth to half of everybody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np

from audit.stats.arrays import BoolArray, IntArray
from audit.stats.boundaries import Scale, margin_boundary
from audit.stats.strata import SampledCounts, on_the_edge
from tools.simulate.comparisons import ERRORS
from tools.simulate.runner import Counts, Share, World

DESIGNS: Final[dict[str, tuple[tuple[int, int], ...]]] = {
    "1,000 of a million and 5,000 in full": ((972_000, 1_000), (5_000, 5_000)),
    "200 of 100,000 and 1,000 in full": ((100_000, 200), (1_000, 1_000)),
    "100 of 1,000 and 100 of 200": ((1_000, 100), (200, 100)),
    "200 of 40,000, 200 of 4,000, 200 of 400": ((40_000, 200), (4_000, 200), (400, 200)),
    "30 strata of 10 in 40 to 1,200": tuple((40 * number, 10) for number in range(1, 31)),
    "300 of 3,000": ((3_000, 300),),
    "900 of 1,000": ((1_000, 900),),
}


@dataclass(frozen=True)
class Setting:
    """A population to draw from."""

    design: str
    lies: str
    """Where the outcome is: `everywhere`, `heavy` (the stratum drawn most rarely alone) or `light` (all but it)."""
    share: float
    """Share of everybody who is in the group."""
    rate: float
    """Rate of the rest."""
    scale: Scale
    margin: float
    low: bool
    """Whether a low rate harms."""
    declared: bool = False
    """Whether it is known that the outcome is nowhere but where it lies, and that there everybody has it."""
    thin: bool = False
    """Whether a twentieth as much of the stratum that is drawn most rarely is of the group as of the others."""
    denominator: float = 0.5
    """Share of everybody who is in the denominator of the rate."""

    @property
    def strata(self) -> IntArray:
        """int64[H, 2]: cases there are, and cases drawn."""
        return np.array(DESIGNS[self.design], dtype=np.int64)

    def population(self) -> IntArray | None:
        """int64[H, 5]: cases of the group with and without the outcome, of the rest likewise, others; or None."""
        sizes = self.strata[:, 0]
        heavy = np.argmax(sizes / self.strata[:, 1])
        here = np.ones(sizes.size, dtype=np.bool_)
        if self.lies != "everywhere":
            here = (np.arange(sizes.size) == heavy) == (self.lies == "heavy")
        share = np.full(sizes.size, self.share)
        if self.thin:
            share[heavy] /= 20.0
        group, others = (np.round(sizes * self.denominator * part).astype(np.int64) for part in (share, 1.0 - share))
        rest_hits = _spread(self.rate, others, here)
        rest_rate = rest_hits.sum() / others.sum()
        slope, offset = 1.0, -self.margin if self.low else self.margin
        if self.scale == "ratio":
            slope, offset = (self.margin if self.low else 1.0 / self.margin), 0.0
        edge = offset + slope * rest_rate
        hits = _spread(edge, group, here)
        # whole cases cannot lie on every margin: a twentieth of the way from the rest is near enough
        away = abs(hits.sum() / max(group.sum(), 1) - edge) > 0.05 * abs(edge - rest_rate)
        if group.sum() < 5 or away or not 0.0 < edge < 1.0 or rest_hits.sum() == 0:
            return None
        return np.stack([hits, group - hits, rest_hits, others - rest_hits, sizes - group - others], axis=1)


def _spread(rate: float, cases: IntArray, here: BoolArray) -> IntArray:
    """int64[H]: cases with the outcome, as many of each stratum where it lies, that make the rate of all `rate`."""
    wanted = rate * cases.sum()
    share = wanted / max(int(cases[here].sum()), 1)
    if not 0.0 <= share <= 1.0:
        return np.zeros_like(cases)
    hits = np.where(here, np.floor(share * cases), 0).astype(np.int64)
    left = round(wanted) - int(hits.sum())
    for stratum in np.argsort(-np.where(here, cases - hits, -1), kind="stable")[: max(left, 0)]:
        hits[stratum] += 1
    return hits


def drawn(
    setting: Setting, people: IntArray, runs: int, rng: np.random.Generator
) -> tuple[SampledCounts, SampledCounts]:
    """Draw `runs` samples; the group and the rest of each, by success."""
    strata = setting.strata
    seen = np.stack(
        [
            rng.multivariate_hypergeometric(stratum, n, size=runs, method="marginals")
            for stratum, n in zip(people, strata[:, 1], strict=True)
        ],
        axis=1,
    ).astype(np.float64)
    chance = strata[:, 1] / strata[:, 0]
    order = np.argsort(chance, kind="stable")
    unseen = (strata[:, 0] - strata[:, 1]).astype(np.float64)
    can = np.ones((2, len(strata)))
    if setting.declared:
        can = np.stack([(people[:, [0, 2]].sum(axis=1) > 0), (people[:, [1, 3]].sum(axis=1) > 0)]).astype(np.float64)
    room = tuple(np.broadcast_to(unseen * kind, seen.shape[:2])[:, order] for kind in can)
    group, rest = (
        SampledCounts(seen[:, order, at], seen[:, order, at + 1], chance[order], (room[0], room[1])) for at in (0, 2)
    )
    return group, rest


def errors(runs: int, rng: np.random.Generator, setting: Setting, people: IntArray | None = None) -> Counts:
    """Count false PASSes and FAILs at .05, and false FAILs at .001, in the setting's population or another."""
    people = setting.population() if people is None else people
    if people is None:
        return {}
    group, rest = drawn(setting, people, runs, rng)
    counts = {}
    for name, (side, level) in ERRORS.items():
        edge = margin_boundary(side, setting.low, setting.scale, setting.margin)
        sides = (group, rest) if edge.counts_success else (group.complement, rest.complement)
        counts[name] = Share(int((on_the_edge(*sides, edge).p(level) <= level).sum()), runs)
    return counts


def settings(design: str, lies: str, *, declared: bool = False, thin: bool = False) -> list[World]:
    """Rates from .002 to .5, groups of a fiftieth to half, differences and ratios, low and high."""
    limits: tuple[tuple[Scale, float], ...] = (("ratio", 0.8), ("difference", 0.02), ("difference", 0.1))
    worlds = [
        Setting(design, lies, share, rate, scale, margin, low, declared, thin)
        for share, rate, (scale, margin), low in product((0.02, 0.1, 0.5), (0.002, 0.1, 0.5), limits, (True, False))
    ]
    return [{"setting": setting} for setting in worlds if setting.population() is not None]


def kinds() -> Iterator[list[World]]:
    """Every design, with the outcome wherever it can be; declared or not, with the group everywhere or hardly where few
    are drawn.
    """
    for design, strata in DESIGNS.items():
        for lies, declared, thin in product(("everywhere", "heavy", "light"), (False, True), (False, True)):
            several = len(strata) > 1
            if (several or (lies == "everywhere" and not thin)) and not (declared and lies == "everywhere"):
                worlds = settings(design, lies, declared=declared, thin=thin)
                if worlds:
                    yield worlds
