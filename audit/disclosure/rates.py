"""Rates of a row and of everyone else, from printed numbers. A range includes the change of the numbers.

A rate r of x among d people has, beside the sampling variance r (1 - r) / d, that of the changes: V times the sum of
squares of how much each printed number moves the rate; for a rate of errors V (1 + r^2) / d^2. The range is Wilson's at
the effective size r (1 - r) / variance.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import ndtri

from audit.public.release import PublicMethod, PublicRate, Side
from audit.stats.intervals import score_limits
from audit.vocabulary.metrics import MetricName

if TYPE_CHECKING:
    from audit.disclosure.draws import Draw


@dataclass(frozen=True, slots=True)
class RateOf:
    """Rate as sums of printed numbers: victims, missed, others, wrongly flagged."""

    top: tuple[int, int, int, int]
    """Factor of each number in the numerator."""
    bottom: tuple[int, int, int, int]
    """Factor of each number in the denominator."""
    needs: tuple[str, ...] = ()
    """Kinds of cases that must be absent from the set: the rate counts them, and they are in no printed number."""

    @property
    def side(self) -> Side:
        """Side whose people the rate is about."""
        if not any(self.bottom[2:]):
            return "positives"
        return "negatives" if not any(self.bottom[:2]) else "both"

    @property
    def counts_errors(self) -> bool:
        """Whether the rate, of one side, is that of its errors."""
        return (self.top[1] if self.side == "positives" else self.top[3]) == 1


RATES: Final[Mapping[MetricName, RateOf]] = {
    "true_positive_rate": RateOf((1, -1, 0, 0), (1, 0, 0, 0)),
    "false_negative_rate": RateOf((0, 1, 0, 0), (1, 0, 0, 0)),
    "false_positive_rate": RateOf((0, 0, 0, 1), (0, 0, 1, 0)),
    "true_negative_rate": RateOf((0, 0, 1, -1), (0, 0, 1, 0)),
    "precision": RateOf((1, -1, 0, 0), (1, -1, 0, 1)),
    "accuracy": RateOf((1, -1, 1, -1), (1, 0, 1, 0)),
    "selection_rate": RateOf((1, -1, 0, 1), (1, 0, 1, 0), ("unlabelled",)),
    "base_rate": RateOf((1, 0, 0, 0), (1, 0, 1, 0), ("unscored",)),
}
"""Every metric, in numbers that a release prints."""


Sides = tuple["Draw | None", "Draw | None"]
"""Numbers of victims and of others; None for the side that a row has not."""


def rate_of(metric: MetricName, row: Sides, everyone: Sides | None, method: PublicMethod, level: float) -> PublicRate:
    """Compute a rate of a row from its printed numbers.

    Parameters
    ----------
    row, everyone : tuple of Draw or None
        Both sides of the row, and of everyone for the rate of everyone else; None for everyone.
    level : float
        Level of the likely range.
    """
    of, found = RATES[metric], dict[str, float | None](value=None, low=None, high=None)
    if any(name not in method.absent for name in of.needs):
        return PublicRate(metric=metric, **found)
    if everyone is not None:
        found["rest"] = _rest(of, everyone, row)
    numbers = [number for side in row for number in ((0, 0) if side is None else (side.people, side.errors))]
    known = [number for number in numbers if number is not None]
    if len(known) < len(numbers):
        found["at_least"], found["at_most"] = _bounds(of, row, method)
        return PublicRate(metric=metric, **found)
    top, bottom = _sum(known, of.top), _sum(known, of.bottom)
    if 0 < top < bottom:
        rate = top / bottom
        moves = sum((up - rate * down) ** 2 for up, down in zip(of.top, of.bottom, strict=True))
        low, high = likely_range(rate, bottom, method.variance * moves / bottom**2, level)
        found |= {"value": rate, "low": low, "high": high}
    return PublicRate(metric=metric, **found)


def likely_range(rate: float, people: float, noise: float, level: float) -> tuple[float, float]:
    """Return the range of a rate, rounded outwards to whole per cents, or to tenths below 5 per cent.

    Parameters
    ----------
    people : float
        The denominator, or the effective number of people.
    noise : float
        Variance of the rate that the change of its numbers brings.
    """
    spread = rate * (1.0 - rate)
    size = spread / (spread / people + noise)
    # as `wilson` does, without its checks of whole columns: the rate is no end of its range here
    low, high = score_limits(np.asarray(rate * size / size), np.asarray(size), _quantile(level))
    return rounded_down(float(low)), rounded_up(float(high))


@cache
def _quantile(level: float) -> float:
    return float(ndtri(0.5 + level / 2.0))


def rounded_down(share: float) -> float:
    """Round a share down to a whole per cent, or to a tenth of one below 5 per cent."""
    parts = 1000 if share < 0.05 else 100
    return math.floor(share * parts + 1e-9) / parts


def rounded_up(share: float) -> float:
    """Round a share up to a whole per cent, or to a tenth of one below 5 per cent."""
    parts = 1000 if share < 0.05 else 100
    return math.ceil(share * parts - 1e-9) / parts


def _middle(side: Draw | None) -> tuple[int, int] | None:
    """Numbers of a side; in the place of few errors, or right answers, the middle of what they may be."""
    if side is None:
        return 0, 0
    if side.errors is not None:
        return side.people, side.errors
    if side.few is None or side.fewer_than is None:
        return None
    few = side.fewer_than // 2
    return side.people, few if side.few == "errors" else side.people - few


def _rest(of: RateOf, everyone: Sides, own: Sides) -> float | None:
    numbers: list[int] = []
    for whole, part in zip(everyone, own, strict=True):
        of_all, of_own = _middle(whole), _middle(part)
        if of_all is None or of_own is None:
            return None
        numbers += [of_all[0] - of_own[0], of_all[1] - of_own[1]]
    top, bottom = _sum(numbers, of.top), _sum(numbers, of.bottom)
    return round(top / bottom, 4) if 0 < top < bottom else None


def _bounds(of: RateOf, row: Sides, method: PublicMethod) -> tuple[float | None, float | None]:
    """The least and the most that a rate of one side can be, where what it has few of is bounded."""
    side = row[0 if of.side == "positives" else 1]
    if of.side == "both" or side is None or side.few is None or side.fewer_than is None:
        return None, None
    most = (side.fewer_than - 1) / max(side.people - method.largest_change, side.fewer_than)
    if (side.few == "errors") == of.counts_errors:
        return None, rounded_up(most)
    return rounded_down(1.0 - most), None


def _sum(numbers: Sequence[int], factors: Sequence[int]) -> int:
    return sum(number * factor for number, factor in zip(numbers, factors, strict=True))
