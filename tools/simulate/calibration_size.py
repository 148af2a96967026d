"""Simulation of calibration errors: their size by chance, how often right scores are rejected, and wrong ones too."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from audit.stats.arrays import FloatArray
from audit.stats.calibration import CalibrationBins, mean_gap, miscalibration
from tools.simulate.verdict_size import Measured

Truth = Callable[[FloatArray], FloatArray]

BINS = 10
LEVEL = 0.95
SCORES = ((1.0, 4.0), (0.5, 10.0), (2.0, 2.0))
"""Beta distributions of the score: few cases are likely, hardly any is, half are."""
CASES = (5, 10, 30, 100, 300, 1000)
_ROWS = 2_000_000
"""Rows drawn at a time."""


def half_a_logit_too_low(score: FloatArray) -> FloatArray:
    """Return the true chance where every score is half a logit too low."""
    return np.asarray(1.0 / (1.0 + (1.0 - score) / score * np.exp(-0.5)))


def half_the_slope(score: FloatArray) -> FloatArray:
    """Return the true chance where scores are too sure: half the slope on the logit around 0.2."""
    logit = np.log(score / (1.0 - score))
    return np.asarray(1.0 / (1.0 + np.exp(-(logit + np.log(0.25)) / 2.0)))


def drawn(
    runs: int, rng: np.random.Generator, cases: int, shape: tuple[float, float], truth: Truth
) -> Iterator[tuple[CalibrationBins, FloatArray]]:
    """Groups of `cases`, with the mean gap that is true of each group's own scores."""
    at_once = max(1, _ROWS // cases)
    for start in range(0, runs, at_once):
        size = min(at_once, runs - start)
        scores = np.clip(rng.beta(*shape, (size, cases)), 1e-12, 1.0 - 1e-12)
        chance = truth(scores)
        labels = (rng.random(scores.shape) < chance).astype(np.float64)
        place = np.arange(size)[:, np.newaxis] * BINS + np.floor(scores * BINS).astype(np.int64)
        sums = [
            np.bincount(place.ravel(), weights.ravel(), size * BINS).reshape(size, BINS).astype(np.float64)
            for weights in (np.ones_like(scores), labels, scores, scores**2)
        ]
        yield CalibrationBins(*sums), (chance - scores).mean(axis=1)


def called_wrong(
    runs: int, rng: np.random.Generator, cases: int, shape: tuple[float, float], truth: Truth = np.positive
) -> tuple[Measured, Measured, Measured]:
    """Return how often "the scores are right" is rejected at .05 and .01, and how often the mean gap is missed."""
    at_5 = at_1 = outside = 0
    for bins, truly in drawn(runs, rng, cases, shape, truth):
        p, gap = miscalibration(bins).p_value, mean_gap(bins, LEVEL)
        at_5 += int((p <= 0.05).sum())
        at_1 += int((p <= 0.01).sum())
        outside += int(((truly < gap.low) | (truly > gap.high)).sum())
    right = truth is np.positive
    kind = "right" if right else truth.__name__.replace("_", " ")
    setting = f"{kind}, Beta({shape[0]:g}, {shape[1]:g}), {cases} cases"
    return (
        Measured(setting, "called wrong at .05", at_5, runs, "5 %" if right else "power"),
        Measured(setting, "called wrong at .01", at_1, runs, "1 %" if right else "power"),
        Measured(setting, "mean gap missed", outside, runs, "<= 5 %"),
    )


def all_settings(runs: int, seed: int) -> Iterator[Measured]:
    """Measure every setting, each with its own stream of random numbers."""
    streams = iter(np.random.default_rng(seed).spawn(64))
    for shape in SCORES:
        for cases in CASES:
            yield from called_wrong(runs, next(streams), cases, shape)
    for truth in (half_a_logit_too_low, half_the_slope):
        for cases in CASES[2:]:
            yield from called_wrong(runs, next(streams), cases, (1.0, 4.0), truth)
