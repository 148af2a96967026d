"""Intervals of what scores are worth: AUC, calibration errors, costs of errors, and a measure of one's own.

How often they miss the truth, small groups and few negatives included; and how often right scores are called wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final, NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri

from audit.stats.arrays import FloatArray, IntArray
from audit.stats.auc import RankedCases, auc, count_pairs, split_auc
from audit.stats.bootstrap import expanded_percentiles, resampled_places
from audit.stats.calibration import CalibrationBins, mean_gap, miscalibration
from audit.stats.intervals import difference_of_independent
from audit.stats.operating_points import expected_cost
from tools.simulate.runner import Counts, Share, grid

BINS: Final = 200
LEVEL: Final = 0.95
_CHUNK: Final = 500
"""Replicates at a time: their histograms fill an array of replicates x bins."""
_NEARLY: Final = 1e-12


class Missed(NamedTuple):
    """What an interval did in one world: misses on either side, and its mean width."""

    too_high: int
    too_low: int
    width: float


@cache
def binormal(value: float, spread: float, levels: int = BINS) -> tuple[FloatArray, FloatArray]:
    """Chances of each score bin for positives and negatives: two normal scores with an AUC and a ratio of spreads.

    The score is the normal one carried to [0, 1] so that every bin has the same share of an even mixture of both.
    """
    shift = ndtri(value) * np.hypot(1.0, spread)
    points = np.linspace(-9.0, 9.0 + shift + 9.0 * spread, 400_001)
    mixture = (ndtr(points) + ndtr((points - shift) / spread)) / 2.0
    edges = np.interp(np.arange(1, levels) / levels, mixture, points)
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
    truth, too_high, too_low, width = true_auc(*chances), 0, 0, 0.0
    for start in range(0, runs, _CHUNK):
        size = min(_CHUNK, runs - start)
        cases = ranked(rng.multinomial(positives, chances[0], size), rng.multinomial(negatives, chances[1], size))
        drawn = auc(count_pairs(cases).own, LEVEL)
        too_high += int((drawn.low > truth + _NEARLY).sum())
        too_low += int((drawn.high < truth - _NEARLY).sum())
        width += float((drawn.high - drawn.low).sum())
    return Missed(too_high, too_low, width / runs)


def auc_missed(runs: int, rng: np.random.Generator, value: float, positives: int) -> Counts:
    """Count misses of one AUC and number of positives over negatives and spreads: on average, and at worst."""
    worlds = [(n, spread) for n in (5, 10, 30, 50, 200, 1000) for spread in (1.0, 1.5, 0.67)]
    results = {world: missed(runs, rng, binormal(value, world[1]), positives, world[0]) for world in worlds}
    either = {world: result.too_high + result.too_low for world, result in results.items()}
    high = {world: result.too_high for world, result in results.items()}
    width = sum(result.width for result in results.values()) / len(results)
    counts = {"AUC missed, on average": Share(sum(either.values()), runs * len(results), f"width {width:.3f}")}
    for name, events in (("AUC missed, at worst", either), ("lower limit of AUC too high, at worst", high)):
        world = max(events, key=events.__getitem__)
        counts[name] = Share(events[world], runs, f"{world[0]} negatives, spread {world[1]:g}")
    return counts


def ordinal(runs: int, rng: np.random.Generator, value: float, sizes: tuple[int, int], levels: int = 7) -> Counts:
    """Count misses for a score of few levels, so that most pairs are ties."""
    result = missed(runs, rng, binormal(value, 1.0, levels), *sizes)
    return {"AUC of tied scores missed": Share(result.too_high + result.too_low, runs, f"width {result.width:.3f}")}


def pooled_beyond_within(runs: int, rng: np.random.Generator, groups: int, cases: int, shift: float = 0.5) -> Counts:
    """Count misses of pooled less within-group AUC, where scores and base rates of groups move together."""
    edges = ndtri(np.arange(1, BINS) / BINS) * 2.0
    means = np.array([[mean + 1.2, mean] for mean in np.linspace(0.0, 2.0 * shift, groups)])
    below = ndtr(edges - means[:, :, np.newaxis])
    chances = np.diff(np.concatenate([np.zeros((groups, 2, 1)), below, np.ones((groups, 2, 1))], axis=2), axis=2)
    m = np.maximum(1, np.round(cases * np.linspace(0.1, 0.1 + shift, groups))).astype(np.int64)
    n = cases - m
    expected = [chances[:, side] * size[:, np.newaxis] for side, size in ((0, m), (1, n))]
    within = sum(size * true_auc(t[0], t[1]) for size, t in zip(m * n, chances, strict=True)) / (m * n).sum()
    pooled = true_auc(expected[0].sum(axis=0) / m.sum(), expected[1].sum(axis=0) / n.sum())
    outside = 0
    for _ in range(runs):
        cases_of = ranked(rng.multinomial(m, chances[:, 0]), rng.multinomial(n, chances[:, 1]))
        drawn = split_auc(count_pairs(cases_of), LEVEL)
        outside += not drawn.difference_low <= pooled - within <= drawn.difference_high
    return {"pooled less within missed": Share(outside, runs)}


def _true_chance(score: FloatArray, truth: str) -> FloatArray:
    """Return the true chance where scores are `right`, `half a logit too low`, or have `half the slope` around 0.2."""
    if truth == "right":
        return score
    if truth == "half a logit too low":
        return np.asarray(1.0 / (1.0 + (1.0 - score) / score * np.exp(-0.5)))
    logit = np.log(score / (1.0 - score))
    return np.asarray(1.0 / (1.0 + np.exp(-(logit + np.log(0.25)) / 2.0)))


def _binned(
    runs: int, rng: np.random.Generator, cases: int, shape: tuple[float, float], truth: str
) -> Iterator[tuple[CalibrationBins, FloatArray]]:
    """Draw groups of `cases`, with the mean gap that is true of each group's own scores."""
    bins, at_once = 10, max(1, 2_000_000 // cases)
    for start in range(0, runs, at_once):
        size = min(at_once, runs - start)
        scores = np.clip(rng.beta(*shape, (size, cases)), 1e-12, 1.0 - 1e-12)
        chance = _true_chance(scores, truth)
        labels = (rng.random(scores.shape) < chance).astype(np.float64)
        at = (np.arange(size)[:, np.newaxis] * bins + np.floor(scores * bins).astype(np.int64)).ravel()
        sums = [
            np.bincount(at, weights.ravel(), size * bins).reshape(size, bins).astype(np.float64)
            for weights in (np.ones_like(scores), labels, scores, scores**2)
        ]
        yield CalibrationBins(*sums), (chance - scores).mean(axis=1)


def calibration(
    runs: int, rng: np.random.Generator, cases: int, shape: tuple[float, float], truth: str = "right"
) -> Counts:
    """Count how often scores are called wrong at .05 and .01, and how often their mean gap is missed."""
    kind = "right" if truth == "right" else "wrong"
    counts = dict.fromkeys((f"{kind} scores rejected at .05", f"{kind} scores rejected at .01", "mean gap missed"), 0)
    at_5, at_1, outside = counts
    for bins, truly in _binned(runs, rng, cases, shape, truth):
        p, gap = miscalibration(bins).p_value, mean_gap(bins, LEVEL)
        counts[at_5] += int((p <= 0.05).sum())
        counts[at_1] += int((p <= 0.01).sum())
        counts[outside] += int(((truly < gap.low) | (truly > gap.high)).sum())
    return {name: Share(count, runs) for name, count in counts.items()}


def costs(
    runs: int, rng: np.random.Generator, cases: int, shares: tuple[float, float], cost: tuple[float, float]
) -> Counts:
    """Count misses of the cost of a group, and of its difference from 2,000 others with the same shares of errors."""
    sides = []
    for size in (cases, 2_000):
        drawn = rng.multinomial(size, [*shares, 1.0 - sum(shares)], runs)
        sides.append(expected_cost(drawn[:, 0], drawn[:, 1], np.full(runs, size), *cost, LEVEL))
    truth = cost[0] * shares[0] + cost[1] * shares[1]
    intervals = {
        "cost missed": (sides[0], truth),
        "difference of costs missed": (difference_of_independent(*sides), 0.0),
    }
    return {
        name: Share(int(((low > value + _NEARLY) | (high < value - _NEARLY)).sum()), runs)
        for name, ((_, low, high), value) in intervals.items()
    }


def own_measure(runs: int, rng: np.random.Generator, sizes: Sequence[int], rate: float, icc: float) -> Counts:
    """Count misses of a share as a measure of one's own, over clusters of these sizes whose rows are alike by `icc`.

    Counted are intervals that miss among those that are stated, and runs in which none is.
    """
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    misses = silent = 0
    for _ in range(runs):
        chance = np.full(len(sizes), rate)
        if icc:
            strength = (1.0 - icc) / icc
            chance = rng.beta(rate * strength, (1.0 - rate) * strength, len(sizes))
        values = rng.binomial(1, chance[clusters])
        replicates = np.array([values[rows].mean() for rows in resampled_places(clusters, 199, rng)])
        limits = expanded_percentiles(replicates, len(sizes), LEVEL)
        silent += limits is None
        misses += limits is not None and not limits[0] <= rate <= limits[1]
    return {"own measure missed": Share(misses, runs - silent), "no interval is stated": Share(silent, runs)}


OWN_ROWS: Final = grid(sizes=[(1,) * rows for rows in (10, 30, 100, 300)], rate=(0.1, 0.3), icc=(0.0,))
OWN_CLUSTERS: Final = grid(sizes=[(2, 6, 10, 14) * k for k in (3, 8, 25)], rate=(0.1, 0.5), icc=(0.1, 0.3))
