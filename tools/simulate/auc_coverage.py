"""Simulation of how often the interval of an AUC misses the truth, small groups and few negatives included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from audit.stats.arrays import FloatArray, IntArray
from audit.stats.auc import RankedCases, auc, count_pairs, split_auc
from tools.simulate.verdict_size import Measured

BINS = 200
LEVEL = 0.95
AUCS = (0.5, 0.6, 0.8, 0.95)
POSITIVES = (5, 10, 30, 100)
NEGATIVES = (5, 10, 30, 50, 200, 1000)
SPREADS = (1.0, 1.5, 0.67)
_CHUNK = 500
"""Replicates at a time: their histograms fill an array of replicates x bins."""


@dataclass(frozen=True)
class Missed:
    """Counts of what the interval did in one setting."""

    truth: float
    too_high: int
    """Replicates whose lower limit lies above the truth: the detector would be called better than it is."""
    too_low: int
    """Replicates whose upper limit lies below it."""
    runs: int
    width: float
    """Mean width."""

    def either(self) -> int:
        """Replicates whose interval lies on either side of the truth."""
        return self.too_high + self.too_low

    def called_better(self) -> int:
        """Replicates whose interval lies above the truth."""
        return self.too_high


def binormal(value: float, spread: float, levels: int = BINS) -> tuple[FloatArray, FloatArray]:
    """Chances of each score bin for positives and negatives: two normal scores with an AUC and a ratio of spreads.

    The score is the normal one carried to [0, 1] so that every bin has the same share of an even mixture of both.
    """
    shift = ndtri(value) * np.hypot(1.0, spread)
    grid = np.linspace(-9.0, 9.0 + shift + 9.0 * spread, 400_001)
    mixture = (ndtr(grid) + ndtr((grid - shift) / spread)) / 2.0
    edges = np.interp(np.arange(1, levels) / levels, mixture, grid)
    positive = np.diff(np.concatenate([[0.0], ndtr((edges - shift) / spread), [1.0]]))
    negative = np.diff(np.concatenate([[0.0], ndtr(edges), [1.0]]))
    return positive, negative


def ranked(positives: IntArray, negatives: IntArray) -> RankedCases:
    """Cases of histograms over the same scores, int64[G, B] both."""
    groups, scores = positives.shape
    rank, group = np.divmod(np.arange(groups * scores), groups)
    return RankedCases.of(groups, group, rank, positives.T.ravel(), negatives.T.ravel(), np.zeros(scores, np.bool_))


def true_auc(positive: FloatArray, negative: FloatArray) -> float:
    """AUC of two discrete distributions over the same bins, ties one half."""
    below = np.cumsum(negative) - negative
    return float((positive * (below + negative / 2.0)).sum())


def missed(
    runs: int, rng: np.random.Generator, chances: tuple[FloatArray, FloatArray], positives: int, negatives: int
) -> Missed:
    """Draw both samples `runs` times and compare the interval with the truth."""
    truth = true_auc(*chances)
    too_high = too_low = 0
    width = 0.0
    for start in range(0, runs, _CHUNK):
        size = min(_CHUNK, runs - start)
        cases = ranked(rng.multinomial(positives, chances[0], size), rng.multinomial(negatives, chances[1], size))
        drawn = auc(count_pairs(cases).own, LEVEL)
        too_high += int((drawn.low > truth + 1e-12).sum())
        too_low += int((drawn.high < truth - 1e-12).sum())
        width += float((drawn.high - drawn.low).sum())
    return Missed(truth, too_high, too_low, runs, width / runs)


def interval(runs: int, rng: np.random.Generator, value: float, positives: int) -> Iterator[Measured]:
    """One AUC and number of positives over all numbers of negatives and ratios of spreads: on average, and at worst."""
    found = {
        (negatives, spread): missed(runs, rng, binormal(value, spread), positives, negatives)
        for negatives in NEGATIVES
        for spread in SPREADS
    }
    setting = f"AUC {value:g}, {positives} positives"
    total = sum(each.too_high + each.too_low for each in found.values())
    width = sum(each.width for each in found.values()) / len(found)
    yield Measured(setting, "interval misses, on average", total, runs * len(found), f"<= 5 %; width {width:.3f}")
    for event, count in (("interval misses", Missed.either), ("lower limit too high", Missed.called_better)):
        at = max(found, key=lambda key: count(found[key]))
        share = "5" if event == "interval misses" else "2.5"
        worst = f"{setting}, {at[0]} negatives, spread {at[1]:g}"
        yield Measured(worst, f"{event}, worst of {len(found)}", count(found[at]), runs, f"{share} %")


def ordinal(runs: int, rng: np.random.Generator, value: float, sizes: tuple[int, int], levels: int = 7) -> Measured:
    """Return a score of few levels, so that most pairs are ties."""
    found = missed(runs, rng, binormal(value, 1.0, levels), *sizes)
    setting = f"AUC {value:g}, {sizes[0]} + {sizes[1]}, {levels} scores"
    return Measured(setting, "interval misses", found.either(), runs, f"<= 5 %; width {found.width:.3f}")


def pooled_beyond_within(runs: int, rng: np.random.Generator, cases: int, groups: int, shift: float) -> Measured:
    """Groups whose scores and base rates move together: does the interval of pooled - within cover its truth?"""
    prevalence = np.linspace(0.1, 0.1 + shift, groups)
    edges = ndtri(np.arange(1, BINS) / BINS) * 2.0
    places = np.linspace(0.0, 2.0 * shift, groups)
    spread = np.array([[place + 1.2, place] for place in places])
    tables = np.diff(
        np.concatenate(
            [np.zeros((groups, 2, 1)), ndtr(edges - spread[:, :, np.newaxis]), np.ones((groups, 2, 1))], axis=2
        ),
        axis=2,
    )
    m = np.maximum(1, np.round(cases * prevalence)).astype(np.int64)
    n = cases - m
    expected = [tables[:, side] * size[:, np.newaxis] for side, size in ((0, m), (1, n))]
    within = sum(size * true_auc(t[0], t[1]) for size, t in zip(m * n, tables, strict=True)) / (m * n).sum()
    pooled = true_auc(expected[0].sum(axis=0) / m.sum(), expected[1].sum(axis=0) / n.sum())
    outside = 0
    for _ in range(runs):
        drawn = split_auc(
            count_pairs(ranked(rng.multinomial(m, tables[:, 0]), rng.multinomial(n, tables[:, 1]))), LEVEL
        )
        outside += not drawn.difference_low <= pooled - within <= drawn.difference_high
    return Measured(f"pooled - within, {groups} groups of {cases}", "interval misses", outside, runs, "5 %")


def all_settings(runs: int, seed: int) -> Iterator[Measured]:
    """Measure every setting, each with its own stream of random numbers."""
    streams = iter(np.random.default_rng(seed).spawn(64))
    for value in AUCS:
        for positives in POSITIVES:
            yield from interval(runs, next(streams), value, positives)
    for value in AUCS:
        for sizes in ((5, 200), (10, 50), (30, 200)):
            yield ordinal(runs, next(streams), value, sizes)
    for groups, cases in ((3, 100), (20, 50), (20, 500), (50, 20)):
        yield pooled_beyond_within(runs, next(streams), cases, groups, 0.5)
