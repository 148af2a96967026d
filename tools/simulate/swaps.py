"""Simulation of how often a changed word is wrongly named or passed, if its true mean shift is the margin.

Templates are independent draws. All comparisons of a family are on the margin, upwards; then one of them is, and the
others are well within it. Shifts within a template scatter as named below, always with a standard deviation of half the
margin, so that ten templates could decide. "Rare" shifts are nothing in most templates and large in some.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from audit.stats.arrays import FloatArray
from audit.stats.pairs.template_shifts import holm, mean_interval, shift_tests
from tools.simulate.verdict_size import Measured

MARGIN: Final = 0.05
DEVIATION: Final = 0.5 * MARGIN
ALPHA: Final = 0.05
BUDGET: Final = 0.9 * ALPHA / 3
"""Largest budget of one side of one family: that of a plan with one rate, judged on one side, beside it."""
LEVEL: Final = 0.95
TEMPLATES: Final = (10, 20, 50)
FAMILIES: Final = (1, 2, 20, 176)
_MANY: Final = 176

Draw = Callable[[np.random.Generator, int, int], FloatArray]


def _normal(rng: np.random.Generator, comparisons: int, templates: int) -> FloatArray:
    drawn: FloatArray = rng.normal(size=(comparisons, templates))
    return drawn


def _heavy(rng: np.random.Generator, comparisons: int, templates: int) -> FloatArray:
    drawn: FloatArray = rng.standard_t(3, size=(comparisons, templates)) / np.sqrt(3.0)
    return drawn


def _exponential(rng: np.random.Generator, comparisons: int, templates: int) -> FloatArray:
    return rng.exponential(size=(comparisons, templates)) - 1.0


def _lognormal(rng: np.random.Generator, comparisons: int, templates: int) -> FloatArray:
    drawn = rng.lognormal(0.0, 1.0, size=(comparisons, templates))
    scaled: FloatArray = (drawn - np.exp(0.5)) / np.sqrt((np.e - 1.0) * np.e)
    return scaled


def _rare(share: float) -> Draw:
    def draw(rng: np.random.Generator, comparisons: int, templates: int) -> FloatArray:
        some = rng.random((comparisons, templates)) < share
        scaled: FloatArray = (some - share) / np.sqrt(share * (1.0 - share))
        return scaled

    return draw


def _shared(rng: np.random.Generator, comparisons: int, templates: int) -> FloatArray:
    """Templates move all comparisons together, as one that every nationality word shares with its anchor does."""
    drawn: FloatArray = np.sqrt(0.5) * (rng.normal(size=(1, templates)) + rng.normal(size=(comparisons, templates)))
    return drawn


def _mirrored(draw: Draw) -> Draw:
    return lambda rng, comparisons, templates: -draw(rng, comparisons, templates)


SHAPES: Final[dict[str, Draw]] = {
    "normal": _normal,
    "normal, templates shared": _shared,
    "Student's t with 3 df": _heavy,
    "exponential": _exponential,
    "exponential, mirrored": _mirrored(_exponential),
    "lognormal": _lognormal,
    "lognormal, mirrored": _mirrored(_lognormal),
    "rare, 3 in 10": _rare(0.3),
    "rare, 2 in 10": _rare(0.2),
    "rare, 2 in 10, mirrored": _mirrored(_rare(0.2)),
    "rare, 1 in 10": _rare(0.1),
}


def on_the_margin(
    runs: int, rng: np.random.Generator, shape: str, comparisons: int, templates: int
) -> tuple[Measured, ...]:
    """False FAILs of any comparison, false PASSes of one, and intervals that miss, with all on the margin."""
    fails = passes = missed = 0
    for _ in range(runs):
        shifts = list(MARGIN + DEVIATION * SHAPES[shape](rng, comparisons, templates))
        tests = shift_tests(shifts, shifts, MARGIN)
        fails += bool(holm(tests.above, BUDGET).rejected.any() or holm(tests.below, BUDGET).rejected.any())
        passes += bool(tests.within[0] <= ALPHA)
        _, low, high = mean_interval(shifts[0], LEVEL)
        missed += low is None or high is None or not low - 1e-12 <= MARGIN <= high + 1e-12
    setting = f"{templates} templates, {comparisons} comparisons, {shape}"
    return (
        Measured(setting, "any false FAIL", fails, runs, "1.5 to 3 %"),
        Measured(setting, "false PASS of one", passes, runs, "5 %"),
        Measured(setting, "interval misses", missed, runs, "5 %"),
    )


def one_on_the_margin(
    runs: int, rng: np.random.Generator, shape: str, comparisons: int, templates: int
) -> tuple[Measured, ...]:
    """False PASS of the one on the margin where the others do not move on average; how often one of those passes."""
    passes = others = 0
    for _ in range(runs):
        shifts = DEVIATION * SHAPES[shape](rng, comparisons, templates)
        shifts[0] += MARGIN
        tests = shift_tests(list(shifts), list(shifts), MARGIN)
        passes += bool(tests.within[0] <= ALPHA)
        others += bool(tests.within[1] <= ALPHA)
    setting = f"{templates} templates, one of {comparisons} on the margin, {shape}"
    return (
        Measured(setting, "false PASS of it", passes, runs, "5 %"),
        Measured(setting, "PASS of one that does not move", others, runs, ""),
    )


def power(runs: int, rng: np.random.Generator, comparisons: int, templates: int, times: float) -> Measured:
    """Return how often one comparison that shifts by `times` the margin is named among others that do not move."""
    named = 0
    for _ in range(runs):
        shifts = DEVIATION * _normal(rng, comparisons, templates)
        shifts[0] += times * MARGIN
        tests = shift_tests(list(shifts), list(shifts), MARGIN)
        named += bool(holm(tests.above, BUDGET).rejected[0])
    setting = f"{templates} templates, one of {comparisons} at {times:g} times the margin, normal"
    return Measured(setting, "FAIL of it", named, runs, "")


def all_settings(runs: int, seed: int) -> Iterator[Measured]:
    """Measure every setting, each with its own stream of random numbers."""
    streams = iter(np.random.default_rng(seed).spawn(512))
    for shape in SHAPES:
        for comparisons in FAMILIES:
            fewer = max(runs // 8, 1) if comparisons == _MANY else runs
            for templates in TEMPLATES:
                yield from on_the_margin(fewer, next(streams), shape, comparisons, templates)
                if comparisons in {2, 20}:
                    yield from one_on_the_margin(fewer, next(streams), shape, comparisons, templates)
    for comparisons in (2, _MANY):
        for templates in TEMPLATES:
            for times in (2.0, 3.0):
                yield power(max(runs // 8, 1), next(streams), comparisons, templates, times)
