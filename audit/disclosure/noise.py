"""The noise that a secret key adds to a count: as even as it can be at its variance, and never more than a stated size.

The table of a count x holds the chances of every change e with |e| <= D that leaves no count below zero: of all
distributions with mean 0 and variance V the one of greatest entropy, `p(e) ~ exp(a e - b e^2)`. A count of 0 stays 0.
The chances are kept as whole parts of 2^32, so that the same key gives the same change everywhere and for ever.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from audit.stats.arrays import IntArray

UIntArray = npt.NDArray[np.uint64]

PARTS: Final = 2**32
"""Chances are whole multiples of 1 / PARTS; the upper half of a 64-bit key picks among them."""
_STEPS: Final = 200
_CLOSE: Final = 1e-13


@dataclass(frozen=True, slots=True)
class NoiseTable:
    """What a key does to a count: one row for each count below `largest`, and one for every larger one."""

    largest: int
    """D: no count changes by more."""
    variance: float
    """V of every count that is large enough to have it."""
    thresholds: tuple[tuple[int, ...], ...]
    """Row x (0 to D): 2 D + 1 whole numbers that do not fall; the change is `-D + how many of them the key reaches`."""

    def changes(self, counts: IntArray, keys: UIntArray) -> IntArray:
        """int64, as `counts`: the change of each count under its 64-bit key."""
        rows = np.asarray(self.thresholds, dtype=np.uint64)[np.minimum(counts, self.largest)]
        upper = (keys >> np.uint64(32))[..., np.newaxis]
        reached: IntArray = (upper >= rows).sum(axis=-1, dtype=np.int64)
        return reached - self.largest

    def chances(self, count: int) -> Mapping[int, float]:
        """The chance of every change that a count can have."""
        edges = (0, *self.thresholds[min(count, self.largest)], PARTS)
        return {
            place - self.largest: (high - low) / PARTS
            for place, (low, high) in enumerate(pairwise(edges))
            if high > low
        }


def noise_table(largest: int, variance: float) -> NoiseTable:
    """The table for a largest change and a variance.

    Parameters
    ----------
    largest : int
        D, at least 1.
    variance : float
        V. A count too small to reach it with no count below zero gets the largest variance that it can have, less a
        hundredth.

    Raises
    ------
    ValueError
        If no distribution on -D..D has this variance and more entropy than every other.
    """
    if largest < 1 or not 0.0 < variance < largest * largest:
        raise ValueError("noise needs a largest change of 1 or more, and a variance between 0 and its square")
    rows = []
    for count in range(largest + 1):
        low = -min(count, largest)
        chances = _most_even(low, largest, variance) if count else {0: 1.0}
        rows.append(_thresholds(chances, largest))
    return NoiseTable(largest, float(variance), tuple(rows))


def _thresholds(chances: Mapping[int, float], largest: int) -> tuple[int, ...]:
    """Cumulated chances before each change from -D + 1 to D, in whole parts; PARTS where nothing is left."""
    edges, total = [], 0.0
    for change in range(-largest, largest):
        total += chances.get(change, 0.0)
        edges.append(min(round(total * PARTS), PARTS))
    highest = max(chances)
    return tuple(PARTS if place - largest >= highest else edge for place, edge in enumerate(edges))


def _most_even(low: int, high: int, variance: float) -> dict[int, float]:
    """The chances of `low`..`high` with mean 0, the variance, and the greatest entropy; Newton's method on both."""
    wanted = min(variance, 0.99 * -low * high)
    changes = [float(change) for change in range(low, high + 1)]
    tilt, curve = 0.0, 1.0 / (2.0 * wanted)
    for _ in range(_STEPS):
        chances = _chances(changes, tilt, curve)
        moments = [sum(p * e**power for p, e in zip(chances, changes, strict=True)) for power in range(5)]
        miss_mean, miss_square = moments[1], moments[2] - wanted
        if abs(miss_mean) < _CLOSE and abs(miss_square) < _CLOSE:
            break
        # Derivatives of both moments by tilt and curve are covariances of e and -e^2.
        a, b = moments[2] - moments[1] ** 2, -(moments[3] - moments[1] * moments[2])
        c, d = moments[3] - moments[1] * moments[2], -(moments[4] - moments[2] ** 2)
        determinant = a * d - b * c
        step_tilt = (miss_mean * d - b * miss_square) / determinant
        step_curve = (a * miss_square - c * miss_mean) / determinant
        damp = min(1.0, 1.0 / max(abs(step_tilt), abs(step_curve), 1e-300))
        tilt, curve = tilt - damp * step_tilt, curve - damp * step_curve
    else:
        raise ValueError(f"no most even noise between {low} and {high} has variance {wanted:g}")
    return dict(zip(range(low, high + 1), _chances(changes, tilt, curve), strict=True))


def _chances(changes: list[float], tilt: float, curve: float) -> list[float]:
    exponents = [tilt * change - curve * change * change for change in changes]
    top = max(exponents)
    weights = [math.exp(exponent - top) for exponent in exponents]
    total = math.fsum(weights)
    return [weight / total for weight in weights]
