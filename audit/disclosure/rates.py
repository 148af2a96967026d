"""Rates and intervals from protected counts. An interval includes the noise; it is rounded outwards to whole per cents.

A rate r = x/d over protected counts has, beside the sampling variance r (1 - r) / d, that of the noise: V times the sum
of squares of how much each drawn count moves the rate. For a rate of errors that is V (1 + r^2) / d^2. The interval is
Wilson's at the effective size r (1 - r) / variance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from audit.public.figures import RATES, RateOf
from audit.public.table import PublicGroup, PublicMethod, PublicRate, PublicSide, PublicTable, SizeClass, Why
from audit.stats.arrays import FloatArray, IntArray
from audit.stats.rates.intervals import wilson
from audit.vocabulary.metrics import METRICS, MetricName

DRAWN: Final = ("positives", "missed", "negatives", "wrongly_flagged")
"""The counts with noise of their own that rates are made of."""


_CLASSES: Final[tuple[tuple[int, SizeClass], ...]] = (
    (1000, "1000 or more"), (300, "300-999"), (100, "100-299"), (50, "50-99"), (20, "20-49"), (0, "below 20")
)  # fmt: skip


def effective(top: FloatArray, bottom: FloatArray, moves: FloatArray, variance: float) -> tuple[FloatArray, FloatArray]:
    """Successes and size at which a sample without noise would be as sure.

    Parameters
    ----------
    top, bottom : ndarray of float64, shape (G,)
        Numerator and denominator, protected; the rate must lie strictly between 0 and 1.
    moves : ndarray of float64, shape (G, 4)
        How often each drawn count stands in the numerator less the rate times how often in the denominator.
    variance : float
        V of each drawn count.
    """
    rate = top / bottom
    spread = rate * (1.0 - rate)
    size = spread / (spread / bottom + variance * (moves * moves).sum(axis=1) / (bottom * bottom))
    return rate * size, size


def public_rates(
    table: PublicTable, metrics: Sequence[MetricName] = tuple(METRICS), level: float = 0.95
) -> tuple[PublicRate, ...]:
    """Every rate of every group of a table, from the table alone."""
    return tuple(rate for metric in metrics for rate in _rates(table, metric, level))


def _rates(table: PublicTable, metric: MetricName, level: float) -> list[PublicRate]:
    of = RATES[metric]
    whys = [why_no_rate(row, of, table.method) for row in table.groups]
    shown = [place for place, why in enumerate(whys) if why is None]
    drawn = np.array([drawn_counts(table.groups[place]) for place in shown], dtype=np.int64).reshape(-1, len(DRAWN))
    value, low, high, bottom = intervals(drawn, of, table.method.variance, level)
    at = {place: where for where, place in enumerate(shown)}
    made = []
    for place, row in enumerate(table.groups):
        where, bound = at.get(place), bound_of(row, metric, table.method)
        made.append(
            PublicRate.model_construct(
                metric=metric,
                group=row.group,
                value=None if where is None else float(value[where]),
                low=None if where is None else math.floor(low[where] * 100) / 100,
                high=None if where is None else math.ceil(high[where] * 100) / 100,
                level=level,
                at_most=None if bound is None or bound[1] is None else math.ceil(100 * bound[1]) / 100,
                at_least=None if bound is None or bound[0] is None else math.floor(100 * bound[0]) / 100,
                size=None if where is None else size_class(int(bottom[where])),
                why=whys[place],
            )
        )
    return made


def intervals(
    drawn: IntArray, of: RateOf, variance: float, level: float
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Rate, lower and upper limit, and denominator of each row of drawn counts int64[G, 4]."""
    top, bottom = sums(drawn, of)
    rate = top / bottom
    moves = np.array(of.top)[np.newaxis] - rate[:, np.newaxis] * np.array(of.bottom)[np.newaxis]
    successes, size = effective(top, bottom, moves, variance)
    low, high = wilson(successes, size, level)
    return rate, low, high, bottom


def sums(drawn: IntArray, of: RateOf) -> tuple[FloatArray, FloatArray]:
    """Numerator and denominator, float64[G] each, of drawn counts int64[G, 4]."""
    counts = drawn.astype(np.float64)
    top: FloatArray = counts @ np.array(of.top, dtype=np.float64)
    bottom: FloatArray = counts @ np.array(of.bottom, dtype=np.float64)
    return top, bottom


def bound_of(row: PublicGroup, metric: MetricName, method: PublicMethod) -> tuple[float | None, float | None] | None:
    """Where a side shows only that its errors, or what is right, are few: the least and the most that the rate can be.

    None where nothing of the kind follows.
    """
    at = side_of(metric)
    if at is None:
        return None
    side = (row.positives, row.negatives)[at]
    few = few_of(side, method)
    if few is None:
        return None
    most = few[0] / few[1]
    errors = metric in ("false_negative_rate", "false_positive_rate")
    return (None, most) if errors == (side.shown == "few_errors") else (1.0 - most, None)


def few_of(side: PublicSide, method: PublicMethod) -> tuple[int, int] | None:
    """The most that the few can be, and the fewest cases among which they can be."""
    if side.cases is None or side.shown not in ("few_errors", "few_correct"):
        return None
    changes = 1 if side.shown == "few_errors" else 2
    most = method.floor - 1 + changes * method.largest_change
    fewest = max(side.cases - method.largest_change, method.floor)
    return min(most, fewest), fewest


def size_class(cases: int) -> SizeClass:
    """How large a protected denominator is."""
    return next(name for least, name in _CLASSES if cases >= least)


def drawn_counts(row: PublicGroup) -> IntArray:
    """int64[4]: `DRAWN` of a row; 0 in the place of what is not shown."""
    sides = (row.positives, row.negatives)
    return np.array([number or 0 for side in sides for number in (side.cases, side.errors)], dtype=np.int64)


def side_of(metric: MetricName) -> int | None:
    """0 for a rate among positives, 1 for one among negatives, None for a rate over both."""
    of = RATES[metric]
    if not any(of.bottom[2:]):
        return 0
    return 1 if not any(of.bottom[:2]) else None


def why_no_rate(row: PublicGroup, of: RateOf, method: PublicMethod) -> Why | None:
    """Why the rate has no value; None where it has one."""
    if any(name not in method.absent for name in of.needs):
        return "not_in_table"
    uses = [top or bottom for top, bottom in zip(of.top, of.bottom, strict=True)]
    for side, total, errors in ((row.positives, uses[0], uses[1]), (row.negatives, uses[2], uses[3])):
        if side.why == "cannot_occur" and (total or errors):
            return "cannot_occur"
        if total and side.cases is None:
            return "small_or_withheld"
        if errors and side.shown != "value":
            return side.why or "small_or_withheld"
    return None
