"""Coverage of the true rate by intervals from protected counts, beside those from exact counts, by size of group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from audit.disclosure.exact import ExactCounts
from audit.disclosure.rates import intervals
from audit.public.figures import RATES
from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.rates.intervals import wilson
from tools.simulate.disclosure_world import People as Set
from tools.simulate.disclosure_world import counted, method, world_lattice
from tools.simulate.verdict_size import Measured
from tools.simulate.whole_audit import GENDERS, NATIONALITIES

CLASSES: Final = ((20, 49), (50, 99), (100, 299), (300, 999))
LEVEL: Final = 0.95
HOWS: Final = ("protected", "exact", "protected counts, noise left out")


def all_settings(runs: int, seed: int) -> Iterator[Measured]:
    """Measure every class of size, over all its groups and over those whose rate is printed, in `runs` sets."""
    yield from covered(runs, np.random.default_rng(seed))


def covered(runs: int, rng: np.random.Generator, rows: int = 64_000) -> list[Measured]:
    """Coverage of the share of victims found."""
    lattice = world_lattice()
    tally: dict[tuple[int, str, str], list[int]] = {}
    for _ in range(runs):
        set_, rate = _people_with_rates(rng, rows)
        exact = counted(lattice, set_)
        truth = lattice.add_up(rate * exact.finest[:, 0]) / np.maximum(exact.counts[:, 0], 1)
        _tally(exact, truth, tally)
    return [
        Measured(
            f"victims {CLASSES[place][0]} to {CLASSES[place][1]}, {which}", f"covered, {how}", hits, of, "95% or so"
        )
        for (place, which, how), (hits, of) in sorted(
            tally.items(), key=lambda item: (item[0][1], item[0][0], item[0][2])
        )
    ]


def _people_with_rates(rng: np.random.Generator, rows: int) -> tuple[Set, FloatArray]:
    weights = np.outer(np.array([GENDERS[code] for code in sorted(GENDERS)]), 1.0 / np.arange(1, NATIONALITIES + 1))
    weights = np.concatenate([weights, np.zeros((len(GENDERS), 1))], axis=1).ravel()
    group = rng.choice(weights.size, size=rows, p=weights / weights.sum())
    rate = np.clip(rng.normal(0.8, 0.05, weights.size), 0.02, 0.98)
    victim = rng.uniform(size=rows) < 0.4
    flagged = rng.uniform(size=rows) < np.where(victim, rate[group], 0.1)
    return Set(group, victim, flagged, rng.integers(0, 2**64, size=rows, dtype=np.uint64)), rate


def _tally(exact: ExactCounts, truth: FloatArray, tally: dict[tuple[int, str, str], list[int]]) -> None:
    changed = exact.counts + method().noise.changes(exact.counts, exact.keys)
    usable = (changed[:, 0] >= 20) & (changed[:, 1] > 0) & (changed[:, 1] < changed[:, 0])
    k = method().floor
    printed = usable & np.logical_and.reduce(
        [counts >= k for table in (exact.counts, changed) for counts in (table[:, 1], table[:, 0] - table[:, 1])]
    )
    limits = _limits(exact.counts, changed, usable)
    for place, (least, most) in enumerate(CLASSES):
        of_size = (changed[:, 0] >= least) & (changed[:, 0] <= most)
        for which, groups in (("all groups", usable & of_size), ("groups with a printed rate", printed & of_size)):
            inside = groups[usable]
            for how, (low, high) in zip(HOWS, limits, strict=True):
                hit = (low <= truth[usable]) & (truth[usable] <= high)
                entry = tally.setdefault((place, which, how), [0, 0])
                entry[0] += int(hit[inside].sum())
                entry[1] += int(inside.sum())


def _limits(exact: IntArray, changed: IntArray, usable: BoolArray) -> Sequence[tuple[FloatArray, FloatArray]]:
    of = RATES["true_positive_rate"]
    _, low, high, _ = intervals(changed[usable, :4], of, method().noise.variance, LEVEL)
    outward = np.floor(low * 100) / 100, np.ceil(high * 100) / 100
    alone = wilson(exact[usable, 0] - exact[usable, 1], exact[usable, 0], LEVEL)
    naive = wilson(changed[usable, 0] - changed[usable, 1], changed[usable, 0], LEVEL)
    exactly = np.floor(alone[0] * 100) / 100, np.ceil(alone[1] * 100) / 100
    return outward, exactly, (np.floor(naive[0] * 100) / 100, np.ceil(naive[1] * 100) / 100)
