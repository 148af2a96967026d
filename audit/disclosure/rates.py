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

from audit.public.release import PublicMethod, PublicRate, Side, TotalName
from audit.stats.intervals import score_limits
from audit.vocabulary.metrics import METRICS, OTHERS, VICTIMS, Cell, Metric

if TYPE_CHECKING:
    from audit.disclosure.draws import Draw


@dataclass(frozen=True, slots=True)
class RateOf:
    """Rate as sums of printed numbers: victims, missed, others, wrongly flagged."""

    top: tuple[int, ...]
    """Factor of each number in the numerator."""
    bottom: tuple[int, ...]
    """Factor of each number in the denominator."""
    side: Side
    """Side whose people the rate is about: all of them are its denominator, or both sides are in it."""
    counts_errors: bool
    """Whether the rate, of one side, is that of its errors."""
    needs: tuple[TotalName, ...] = ()
    """Kinds of cases that must be absent from the set: the rate counts them, and they are in no printed number."""


_PRINTED: Final[Mapping[Cell, tuple[int, int, int, int]]] = {
    Cell.TP: (1, -1, 0, 0),
    Cell.FN: (0, 1, 0, 0),
    Cell.FP: (0, 0, 0, 1),
    Cell.TN: (0, 0, 1, -1),
}
"""Factors of the printed numbers that make up each cell."""
_UNPRINTED: Final[Mapping[Cell, TotalName]] = {
    Cell.UNLABELLED_FLAGGED: "unlabelled",
    Cell.UNLABELLED_NOT_FLAGGED: "unlabelled",
    Cell.UNSCORED_POSITIVE: "unscored",
    Cell.UNSCORED_NEGATIVE: "unscored",
    Cell.UNSCORED_UNLABELLED: "unscored",
}
"""Kind of the cases of every other cell."""
_SIDES: Final[Mapping[frozenset[Cell], Side]] = {VICTIMS: "positives", OTHERS: "negatives"}


@cache
def rate_in_print(metric: Metric) -> RateOf:
    """Return a rate in the numbers that a release prints: they follow from its cells, whoever declares it."""
    top, bottom = (
        tuple(map(sum, zip(*(_PRINTED.get(cell, (0, 0, 0, 0)) for cell in cells), strict=True)))
        for cells in (metric.numerator, metric.denominator)
    )
    return RateOf(
        top,
        bottom,
        _SIDES.get(frozenset(metric.denominator), "both"),
        not {Cell.FN, Cell.FP}.isdisjoint(metric.numerator),
        tuple(dict.fromkeys(_UNPRINTED[cell] for cell in metric.denominator if cell in _UNPRINTED)),
    )


def is_told_by_rows(metric: Metric, method: PublicMethod) -> bool:
    """Whether a row may say what a rule on a rate says of its people.

    A word on a rate that a plan declares must follow from numbers that the row prints: it has none where the rate
    counts cases that are in no printed number, or neither errors, nor right answers, nor flags.
    """
    if metric.name in METRICS:
        return True
    return metric.suffered is not None and set(rate_in_print(metric).needs) <= set(method.absent)


Sides = tuple["Draw | None", "Draw | None"]
"""Numbers of victims and of others; None for the side that a row has not."""


def rate_of(metric: Metric, row: Sides, everyone: Sides | None, method: PublicMethod, level: float) -> PublicRate:
    """Compute a rate of a row from its printed numbers.

    Parameters
    ----------
    row, everyone : tuple of Draw or None
        Both sides of the row, and of everyone for the rate of everyone else; None for everyone.
    level : float
        Level of the likely range.
    """
    weights, shares = rate_in_print(metric), dict[str, float | None](value=None, low=None, high=None)
    if any(name not in method.absent for name in weights.needs):
        return PublicRate(metric=metric.name, **shares)
    if everyone is not None:
        shares["rest"] = _rest(weights, everyone, row)
    numbers = [number for side in row for number in ((0, 0) if side is None else (side.people, side.errors))]
    known = [number for number in numbers if number is not None]
    if len(known) < len(numbers):
        shares["at_least"], shares["at_most"] = _bounds(weights, row, method)
        return PublicRate(metric=metric.name, **shares)
    top, bottom = _sum(known, weights.top), _sum(known, weights.bottom)
    if 0 < top < bottom:
        rate = top / bottom
        moves = sum((up - rate * down) ** 2 for up, down in zip(weights.top, weights.bottom, strict=True))
        low, high = likely_range(rate, bottom, method.variance * moves / bottom**2, level)
        shares |= {"value": rate, "low": low, "high": high}
    return PublicRate(metric=metric.name, **shares)


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


def _rest(weights: RateOf, everyone: Sides, row: Sides) -> float | None:
    numbers: list[int] = []
    for total, part in zip(everyone, row, strict=True):
        everyone_numbers, of_own = _middle(total), _middle(part)
        if everyone_numbers is None or of_own is None:
            return None
        numbers += [everyone_numbers[0] - of_own[0], everyone_numbers[1] - of_own[1]]
    top, bottom = _sum(numbers, weights.top), _sum(numbers, weights.bottom)
    return round(top / bottom, 4) if 0 < top < bottom else None


def _bounds(weights: RateOf, row: Sides, method: PublicMethod) -> tuple[float | None, float | None]:
    """The least and the most that a rate of one side can be, where what it has few of is bounded."""
    side = row[0 if weights.side == "positives" else 1]
    if weights.side == "both" or side is None or side.few is None or side.fewer_than is None:
        return None, None
    most = (side.fewer_than - 1) / max(side.people - method.largest_change, side.fewer_than)
    if (side.few == "errors") == weights.counts_errors:
        return None, rounded_up(most)
    return rounded_down(1.0 - most), None


def _sum(numbers: Sequence[int], factors: Sequence[int]) -> int:
    return sum(number * factor for number, factor in zip(numbers, factors, strict=True))
