"""Changes of a model: how often one is wrongly called worse, and what pairing finds beyond two samples.

Families of groups that share no case, one family with the whole budget. A FAIL is false where the group's true loss is
no larger than the margin. Then repeated blind challenges on the same 200 cases: every model of the vendor truly misses
30 % of such cases, which is the limit. Told the rate, a vendor keeps what was better and changes it again (as Blum and
Hardt 2015 attack a leaderboard). Told which of three outcomes, it flips answers until the outcome turns, and then feels
single cases at that border. Told "not passed" and nothing else, there is nothing to climb, and it sends other models.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final, NamedTuple

import numpy as np
from scipy.stats import binom

from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.boundaries import margin_boundary
from audit.stats.multiplicity import reject_family
from audit.stats.pairs import BETA, name_paired, screened_paired_p
from audit.stats.score_test import FAIL_BETA, PASS_BETA, screened_p
from tools.simulate.audited import ALL_NAMES, NAMING_BETA, SEPARATELY
from tools.simulate.runner import Counts, Share

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
    right_twice = OLD_RATE - lost
    cells = np.stack([lost, gained, right_twice, 1.0 - lost - gained - right_twice], axis=-1)
    drawn = rng.multinomial(sizes, cells, size=(runs, sizes.size))
    return Twice(drawn[..., 0], drawn[..., 1], drawn[..., 0] + drawn[..., 2])


def named_paired(drawn: Twice, sizes: IntArray, *, independent: bool = True) -> BoolArray:
    """Return bool[runs, G]: groups named as worse, by pairing case with case."""
    n = np.broadcast_to(sizes, drawn.lost.shape)
    flat = (drawn.lost.ravel(), drawn.gained.ravel(), n.ravel())
    p = screened_paired_p(*flat, MARGIN, "worse", NAMING_BETA).reshape(n.shape)
    return np.stack(
        [
            name_paired(p_of_run, lost, gained, sizes, MARGIN, LEVEL, NAMING_BETA, independent=independent).rejected
            for p_of_run, lost, gained in zip(p, drawn.lost, drawn.gained, strict=True)
        ]
    )


def named_separate(drawn: Twice, other: Twice, sizes: IntArray) -> BoolArray:
    """Return bool[runs, G]: groups named as worse, from two samples of different cases."""
    now, then = other.right_then - other.lost + other.gained, drawn.right_then
    boundary = margin_boundary("fail", True, "difference", MARGIN)
    n = np.broadcast_to(sizes, now.shape)
    p = screened_p(now.ravel(), n.ravel(), then.ravel(), n.ravel(), boundary, FAIL_BETA).p.reshape(n.shape)
    return np.stack(
        [
            reject_family(p_of_run, x, sizes, y, sizes, boundary, LEVEL, SEPARATELY).rejected
            for p_of_run, x, y in zip(p, now, then, strict=True)
        ]
    )


def false_names(runs: int, rng: np.random.Generator, sizes: IntArray, every: int, differing: float, how: str) -> Counts:
    """Count families in which a group is named although none lost more than the margin, and every so-manieth as much.

    `how`: `paired`, `paired, shared cases` of groups, or `separate` samples.
    """
    change = np.where(np.arange(sizes.size) % every == 0, -MARGIN, 0.0)
    drawn = twice(rng, runs, sizes, change, differing)
    if how == "separate":
        named = named_separate(drawn, twice(rng, runs, sizes, change, differing), sizes)
    else:
        named = named_paired(drawn, sizes, independent=how == "paired")
    return {f"false FAIL of a change, {how}": Share(int(named.any(axis=1).sum()), runs)}


def power(runs: int, rng: np.random.Generator, groups: int, size: int, differing: float) -> Counts:
    """Count how often one group that lost twice the margin is named, and a group that lost nothing passes."""
    sizes = np.full(groups, size, dtype=np.int64)
    change = np.where(np.arange(groups) == 0, -2.0 * MARGIN, 0.0)
    drawn, other = (twice(rng, runs, sizes, change, np.maximum(differing, np.abs(change))) for _ in range(2))
    n = np.full(runs, size)
    boundary = margin_boundary("pass", True, "difference", MARGIN)
    wrong_now = n - (other.right_then - other.lost + other.gained)[:, 1]
    passes = {
        "paired": screened_paired_p(drawn.lost[:, 1], drawn.gained[:, 1], n, MARGIN, "within", BETA),
        "separate": screened_p(wrong_now, n, n - drawn.right_then[:, 1], n, boundary, PASS_BETA).p,
    }
    named = {"paired": named_paired(drawn, sizes), "separate": named_separate(drawn, other, sizes)}
    counts = {f"the changed group FAILs, {how}": Share(int(names[:, 0].sum()), runs) for how, names in named.items()}
    return counts | {f"another group PASSes, {how}": Share(int((p <= ALPHA).sum()), runs) for how, p in passes.items()}


CASES: Final = 200
MISSED: Final = 0.3
CHANGED: Final = 0.3
"""Share of the cases on which a vendor's next model differs from the one before."""


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
    best = rng.random((runs, CASES)) < MISSED
    passed: BoolArray = best.sum(axis=1) <= most
    for _ in range(attempts - 1):
        anew = rng.random((runs, CASES)) < CHANGED
        other = np.where(anew, rng.random((runs, CASES)) < MISSED, best)
        better = other.sum(axis=1) < best.sum(axis=1)
        best = np.where(better[:, np.newaxis], other, best)
        passed |= best.sum(axis=1) <= most
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
        mended[order[high : high + max(left, 0)]] = False
    return attempts > 1 and bool(mended.sum() <= most)


def one_bit_told(rng: np.random.Generator, runs: int, attempts: int, alpha: float) -> BoolArray:
    """Return bool[runs]: a vendor passes that is told "not passed" and sends another model each time."""
    most, _ = borders(alpha)
    return np.asarray((rng.binomial(CASES, MISSED, size=(runs, attempts)) <= most).any(axis=1))


Vendor = Callable[[np.random.Generator, int, int, float], BoolArray]
VENDORS: Final[dict[str, tuple[Vendor, bool]]] = {
    "rates told, alpha": (rates_told, False),
    "rates told, alpha/K": (rates_told, True),
    "three outcomes and padding, alpha/K": (outcomes_told, True),
    'only "not passed", alpha': (one_bit_told, False),
    'only "not passed", alpha/K': (one_bit_told, True),
}
"""What a vendor is told and does, and whether alpha is divided by the number of attempts."""


def false_pass(runs: int, rng: np.random.Generator, told: str, attempts: int) -> Counts:
    """Count how often a model on the limit passes within so many attempts."""
    vendor, divided = VENDORS[told]
    passed = vendor(rng, runs, attempts, ALPHA / attempts if divided else ALPHA)
    return {f"blind PASS: {told}": Share(int(passed.sum()), runs)}
