"""The numbers that the method runs on, fixed for all releases of a data set."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Final

from audit.public.about import Unit
from audit.public.release import PublicMethod, TotalName

VARIANCE: Final = 6.0
"""V: with 3 few errors of 60 people are guessed up to 11 points better than naively, with 6 up to 5."""
_PARTS: Final = 2**32
"""Chances are whole multiples of 1 / _PARTS, so that the same key gives the same change everywhere and for ever."""


@dataclass(frozen=True, slots=True)
class Method:
    """Floor, noise, and what cannot occur."""

    floor: int
    """k: no number of people below it is printed or follows."""
    edges: tuple[int, ...]
    """Chances of the changes -D to D added up, in parts of 2^32."""
    absent: tuple[TotalName, ...] = ()
    """Kinds of cases that the plan says this set cannot have."""
    unit: Unit = "row"

    @property
    def row(self) -> int:
        """T: least number of people of a row, and of those beside it."""
        return 2 * self.floor

    @property
    def keep(self) -> int:
        """Least number of people with whom a row of an earlier release stays."""
        return self.floor + self.largest

    @property
    def largest(self) -> int:
        """D: largest change of a number."""
        return len(self.edges) // 2

    def change(self, key: int) -> int:
        """Return the change that a 64-bit key gives."""
        return bisect_right(self.edges, key >> 32) - self.largest

    def public(self) -> PublicMethod:
        """Return what a release says of it: everything but the key."""
        return PublicMethod(
            floor=self.floor,
            row=self.row,
            largest_change=self.largest,
            variance=_variance(self.largest),
            absent=self.absent,
        )


@cache
def method_of(floor: int = 10, absent: tuple[TotalName, ...] = (), unit: Unit = "row") -> Method:
    """Return the method for a floor; the largest change is half of it, rounded up: less hides less, and more gains
    nothing.
    """
    largest = -(-floor // 2)
    chances = chances_of(largest, _variance(largest))
    return Method(floor, tuple(round(edge * _PARTS) for edge in accumulate(chances)), absent, unit)


def _variance(largest: int) -> float:
    """Return V, or less where no law without larger changes has it."""
    return min(VARIANCE, 0.75 * largest**2)


def chances_of(largest: int, variance: float) -> list[float]:
    """Return the chances of the changes -D to D: of all laws with this variance the one of greatest entropy,
    `p(e) ~ exp(-b e^2)`.
    """
    low, high = -5.0, 5.0
    chances: list[float] = []
    for _ in range(200):
        b = (low + high) / 2.0
        weights = [math.exp(-b * change * change) for change in range(-largest, largest + 1)]
        total = math.fsum(weights)
        chances = [weight / total for weight in weights]
        spread = math.fsum(chance * (at - largest) ** 2 for at, chance in enumerate(chances))
        low, high = (b, high) if spread > variance else (low, b)
    return chances
