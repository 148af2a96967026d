"""A changed word: how often it is wrongly named or passed, if its true mean shift is the margin.

Templates are independent draws. Shifts lie between -1 and 1, the whole range of scores; every shape has its mean on the
margin, upwards. So a PASS is false, and so is a FAIL. "Rare" shifts are nothing in most templates and large in a few.
The other changes of a family lend a change no strength, so that one alone shows how often it passes; of twenty that are
all on the margin any may fail.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np

from audit.stats.arrays import FloatArray
from audit.stats.template_shifts import holm, mean_interval, shift_tests
from tools.simulate.runner import Counts, Share

MARGIN: Final = 0.05
WIDE: Final = 0.2
"""A margin that twenty texts can decide."""
ALPHA: Final = 0.05
BUDGET: Final = 0.9 * ALPHA / 3
"""Largest budget of one side of one family: that of a plan with one rate, judged on one side, beside it."""
FAMILY: Final = 20
_SCATTER: Final = 0.025

Shape = tuple[int, int]
Draw = Callable[[np.random.Generator, Shape, float], FloatArray]


def _around(scatter: Callable[[np.random.Generator, Shape], FloatArray], times: float = 0.5) -> Draw:
    """Shape whose standard deviation is `times` the margin; what would lie beyond the range is cut on both sides."""

    def draw(rng: np.random.Generator, shape: Shape, margin: float) -> FloatArray:
        return margin + np.clip(times * margin * scatter(rng, shape), margin - 1.0, 1.0 - margin)

    return draw


def _rare(share: float, shift: float, times: float = 0.0) -> Draw:
    """`shift`, or `times` the margin, in a share of templates; in others what brings the mean there, with scatter."""

    def draw(rng: np.random.Generator, shape: Shape, margin: float) -> FloatArray:
        rare = min(1.0, times * margin) if times else shift
        others = (margin - share * rare) / (1.0 - share) + _SCATTER * margin * rng.normal(size=shape)
        return np.where(rng.random(shape) < share, rare, others)

    return draw


def _spread(rng: np.random.Generator, shape: Shape, margin: float) -> FloatArray:
    """Beta-distributed between -1 and 1: most templates at one end or the other."""
    return np.asarray(2.0 * rng.beta(0.1 * (1.0 + margin), 0.1 * (1.0 - margin), size=shape) - 1.0)


def _flips(rng: np.random.Generator, shape: Shape, margin: float) -> FloatArray:
    """Decisions without scores: one in twenty changes back, as many more change to flagged as the margin asks."""
    return np.asarray(rng.choice([-1.0, 0.0, 1.0], size=shape, p=[0.05, 0.9 - margin, 0.05 + margin]))


def _normal(rng: np.random.Generator, shape: Shape) -> FloatArray:
    return rng.normal(size=shape)


def _exponential(rng: np.random.Generator, shape: Shape) -> FloatArray:
    return rng.exponential(size=shape) - 1.0


def _lognormal(rng: np.random.Generator, shape: Shape) -> FloatArray:
    return np.asarray((rng.lognormal(size=shape) - math.exp(0.5)) / math.sqrt((math.e - 1.0) * math.e))


SHAPES: Final[dict[str, Draw]] = {
    "all alike": lambda _rng, shape, margin: np.full(shape, margin),
    "normal": _around(_normal),
    "normal, wide": _around(_normal, 2.0),
    "Student's t with 3 df": _around(lambda rng, shape: rng.standard_t(3, size=shape) / math.sqrt(3.0)),
    "exponential": _around(_exponential),
    "exponential, mirrored": _around(lambda rng, shape: -_exponential(rng, shape)),
    "lognormal": _around(_lognormal),
    "lognormal, mirrored": _around(lambda rng, shape: -_lognormal(rng, shape)),
    "10 times the margin in 1 of 10": _rare(0.1, 0.0, 10),
    "20 times the margin in 1 of 20": _rare(0.05, 0.0, 20),
    "1 in 50": _rare(0.02, 1.0),
    "-0.5 in 1 of 10": _rare(0.1, -0.5),
    "-0.5 in 1 of 20": _rare(0.05, -0.5),
    "-0.3 in 1 of 10": _rare(0.1, -0.3),
    "-1 in 1 of 100": _rare(0.01, -1.0),
    "at both ends": _spread,
    "decisions that change": _flips,
}


def on_the_margin(
    runs: int, rng: np.random.Generator, shape: str, templates: int, margin: float, unscored: float = 0.0
) -> Counts:
    """Count false PASSes and FAILs of a change on the margin, alone in its family; some templates are not scored."""
    shifts = SHAPES[shape](rng, (runs, templates), margin)
    lost = rng.random(shifts.shape) < unscored
    tests = shift_tests(list(np.where(lost, -1.0, shifts)), list(np.where(lost, 1.0, shifts)), margin)
    fails = np.minimum(tests.above, tests.below) <= BUDGET
    return {
        "false PASS of a word": Share(int((tests.within <= ALPHA).sum()), runs),
        "false FAIL of a word": Share(int(fails.sum()), runs),
    }


def family_on_the_margin(runs: int, rng: np.random.Generator, shape: str, templates: int) -> Counts:
    """Count families with a false FAIL, of twenty changes that are all on the margin."""
    shifts = list(SHAPES[shape](rng, (runs * FAMILY, templates), MARGIN))
    tests = shift_tests(shifts, shifts, MARGIN)
    fails = [
        holm(above, BUDGET).rejected.any() or holm(below, BUDGET).rejected.any()
        for above, below in zip(tests.above.reshape(runs, -1), tests.below.reshape(runs, -1), strict=True)
    ]
    return {"any false FAIL of twenty words": Share(sum(map(bool, fails)), runs)}


def intervals(runs: int, rng: np.random.Generator, shape: str, templates: int) -> Counts:
    """Count Student's intervals that miss the margin, on which the mean lies."""
    missed = 0
    for shifts in SHAPES[shape](rng, (runs, templates), MARGIN):
        _, low, high = mean_interval(shifts, 0.95)
        missed += low is None or high is None or not low - 1e-12 <= MARGIN <= high + 1e-12
    return {"mean shift missed": Share(missed, runs)}


def power(runs: int, rng: np.random.Generator, templates: int, mean: float, scatter: float = _SCATTER) -> Counts:
    """Count PASSes, and FAILs of one change of 20 and of 176, with normal shifts around a mean."""
    shifts = list(np.clip(mean + scatter * rng.normal(size=(runs, templates)), -1.0, 1.0))
    tests = shift_tests(shifts, shifts, MARGIN)
    fails = {f"FAIL of a word of {changes}": tests.above <= BUDGET / changes for changes in (20, 176)}
    counts = {"PASS of a word": tests.within <= ALPHA} | fails
    return {name: Share(int(events.sum()), runs) for name, events in counts.items()}
