"""Simulation of repeated blind challenges on the same cases: how often a model on the limit passes in the end.

A group of 200 cases; every model of the vendor truly misses 30 % of such cases, which is the limit. Told the rate, a
vendor keeps what was better and changes it again (as Blum and Hardt 2015 attack a leaderboard). Told which of three
outcomes, it flips answers until the outcome turns, and then feels single cases at that border. Told "not passed" and
nothing else, there is nothing to climb, and it sends other models.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Final

import numpy as np
from scipy.stats import binom

from audit.stats.arrays import BoolArray
from tools.simulate.verdict_size import Measured

ALPHA: Final = 0.05
CASES: Final = 200
MISSED: Final = 0.3
CHANGED: Final = 0.3
"""Share of the cases on which a vendor's next model differs from the one before."""
ATTEMPTS: Final = (1, 5, 10, 20, 50)


@cache
def borders(alpha: float) -> tuple[int, int]:
    """Return the most missed with which the group passes at a level, and the fewest with which it fails.

    By the exact binomial test: the rest is so large that its rate, and so the limit, is known. The test of an audit,
    which does not know it, passes no group at a level of 0.001.
    """
    missed = np.arange(CASES + 1)
    passes = missed[binom.cdf(missed, CASES, MISSED) <= alpha]
    fails = missed[binom.sf(missed - 1, CASES, MISSED) <= alpha]
    return int(passes.max()), int(fails.min())


def rates_told(rng: np.random.Generator, runs: int, attempts: int, alpha: float) -> BoolArray:
    """Return bool[runs]: a vendor passes that keeps whichever model missed fewer, and changes it again."""
    most, _ = borders(alpha)
    kept = rng.random((runs, CASES)) < MISSED
    passed: BoolArray = kept.sum(axis=1) <= most
    for _ in range(attempts - 1):
        anew = rng.random((runs, CASES)) < CHANGED
        other = np.where(anew, rng.random((runs, CASES)) < MISSED, kept)
        better = other.sum(axis=1) < kept.sum(axis=1)
        kept = np.where(better[:, np.newaxis], other, kept)
        passed |= kept.sum(axis=1) <= most
    return passed


def outcomes_told(rng: np.random.Generator, runs: int, attempts: int, alpha: float) -> BoolArray:
    """Return bool[runs]: a vendor passes that pads its answers up to the border of FAIL, and feels cases there."""
    most, fails = borders(alpha)
    passed = np.zeros(runs, dtype=np.bool_)
    for run in range(runs):
        missed = rng.random(CASES) < MISSED
        passed[run] = _padded(rng.permutation(CASES), missed, attempts, most, fails)
    return passed


def _padded(order: np.ndarray, missed: BoolArray, attempts: int, most: int, fails: int) -> bool:
    """Play one vendor: an attempt for its model, some to find the border and to feel, and the last to gain by it."""
    if missed.sum() <= most:
        return True
    left = attempts - 2
    # how many answers must be flipped, in an order of its own, until the outcome is FAIL: halved at each attempt
    padded = missed.sum() + np.concatenate([[0], np.cumsum(np.where(missed[order], -1, 1))])
    low, high = 0, CASES
    while high - low > 1 and left > 0:
        middle, left = (low + high) // 2, left - 1
        low, high = (low, middle) if padded[middle] >= fails else (middle, high)
    mended = missed.copy()
    if padded[high] == fails:  # one answer fewer would be enough: flipped, each case tells whether it was missed
        for case in order[high : high + max(left, 0)]:
            mended[case] = False
    return attempts > 1 and bool(mended.sum() <= most)


def one_bit_told(rng: np.random.Generator, runs: int, attempts: int, alpha: float) -> BoolArray:
    """Return bool[runs]: a vendor passes that is told "not passed" and sends another model each time."""
    most, _ = borders(alpha)
    return np.asarray((rng.binomial(CASES, MISSED, size=(runs, attempts)) <= most).any(axis=1))


Vendor = Callable[[np.random.Generator, int, int, float], BoolArray]
COLUMNS: Final[tuple[tuple[str, Vendor, bool], ...]] = (
    ("rates told, alpha", rates_told, False),
    ("rates told, alpha/K", rates_told, True),
    ("three outcomes and padding, alpha/K", outcomes_told, True),
    ('only "not passed", alpha', one_bit_told, False),
    ('only "not passed", alpha/K', one_bit_told, True),
)


def false_pass(runs: int, rng: np.random.Generator, column: str, attempts: int) -> Measured:
    """Return how often a model on the limit passes within so many attempts."""
    vendor, divided = next((vendor, divided) for name, vendor, divided in COLUMNS if name == column)
    passed = vendor(rng, runs, attempts, ALPHA / attempts if divided else ALPHA)
    expected = "<= 5 %" if vendor is one_bit_told and divided else "no promise"
    return Measured(f"{CASES} cases on the limit, at most {attempts} times", column, int(passed.sum()), runs, expected)


def all_settings(runs: int, seed: int) -> Iterator[Measured]:
    """Measure every setting of the documentation, in its order."""
    rng = np.random.default_rng(seed)
    for attempts in ATTEMPTS:
        for column, _, _ in COLUMNS:
            yield false_pass(runs, rng, column, attempts)
