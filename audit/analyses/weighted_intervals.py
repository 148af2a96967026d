"""Rates of weighted and clustered sets with their intervals, of groups and of those they are compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from audit.analyses.weighted_rates import correlation
from audit.counting.family_moments import Cells, FamilyMoments
from audit.counting.table import FamilyCounts
from audit.stats.arrays import FloatArray
from audit.stats.clusters import WeightedRate
from audit.stats.effective_test import effective_size, few_degrees_factor
from audit.stats.intervals import Limits, clopper_pearson, difference_of_limits, ratio_of_limits, wilson
from audit.vocabulary.metrics import Metric

if TYPE_CHECKING:
    from audit.counting.strata import StratifiedFamily


class RateIntervals(NamedTuple):
    """Rates of G groups with their intervals; float64[G] each."""

    rate: FloatArray
    low: FloatArray
    high: FloatArray
    """Wilson's limits at the effective size, with the quantile of t."""
    exact_low: FloatArray
    exact_high: FloatArray
    """Clopper-Pearson's limits at the effective size."""
    effective: FloatArray
    """Effective size, before the cut for few degrees of freedom; nan where every case is one, inf where the population
    is known in full."""
    degrees_of_freedom: FloatArray
    """Degrees of freedom of its variance; nan where every case is one."""

    @property
    def limits(self) -> Limits:
        """Rates with Wilson's limits."""
        return Limits(self.rate, self.low, self.high)


def rate_intervals(of: FamilyMoments, family: FamilyCounts, metric: Metric, level: float) -> RateIntervals:
    """Estimate every group's rate of a metric. Where its rows are independent and weigh the same, it is taken from
    counts.
    """
    cells: Cells = (metric.numerator, metric.denominator)
    found = _side_intervals(of, cells, level)
    alike = of.counts_alike(metric.denominator, rest=False)
    if not alike.any():
        return found
    x, n = family.numerator(metric), family.denominator(metric)
    counted = (x / np.maximum(n, 1), *wilson(x, n, level), *clopper_pearson(x, n, level))
    unknown = np.full(x.shape, np.nan)
    weighted = (found.rate, found.low, found.high, found.exact_low, found.exact_high)
    rate, low, high, exact_low, exact_high = (
        np.where(alike, exact, other) for exact, other in zip(counted, weighted, strict=True)
    )
    return RateIntervals(
        rate=rate,
        low=low,
        high=high,
        exact_low=exact_low,
        exact_high=exact_high,
        effective=np.where(alike, unknown, found.effective),
        degrees_of_freedom=np.where(alike, unknown, found.degrees_of_freedom),
    )


def _side_intervals(of: FamilyMoments, cells: Cells, level: float, *, rest: bool = False) -> RateIntervals:
    side = of.rest(cells) if rest else of.own(cells)
    if not of.by_strata:
        return _intervals(side, correlation(of, cells), level)
    from audit.counting.strata import MOST_DEGREES

    low, high = cast("StratifiedFamily", of).limits(cells, level, rest=rest)
    size, degrees = effective_size(side, 0.0)
    sure = degrees > MOST_DEGREES
    size, degrees = np.where(sure, np.inf, size), np.where(sure, np.inf, degrees)
    return RateIntervals(side.rate, low, high, low, high, size, degrees)


def _intervals(side: WeightedRate, icc: float, level: float) -> RateIntervals:
    size, degrees = effective_size(side, icc)
    cut = size * few_degrees_factor(degrees, (1.0 - level) / 2.0)
    known = cut > 0.0
    n = np.where(known, cut, 1.0)
    x = np.minimum(n * side.rate, n)
    (low, high), (exact_low, exact_high) = wilson(x, n, level), clopper_pearson(x, n, level)
    # one cluster tells nothing of how clusters differ, so it excludes nothing
    return RateIntervals(
        rate=side.rate,
        low=np.where(known, low, 0.0),
        high=np.where(known, high, 1.0),
        exact_low=np.where(known, exact_low, 0.0),
        exact_high=np.where(known, exact_high, 1.0),
        effective=size,
        degrees_of_freedom=degrees,
    )


class Contrast(NamedTuple):
    """Groups against others: values and limits, float64[G] each; nan where the others have nothing to divide by."""

    difference: tuple[FloatArray, FloatArray, FloatArray]
    ratio: tuple[FloatArray, FloatArray, FloatArray]
    share: FloatArray
    """Group's part of the weight of both."""


def contrast(
    of: FamilyMoments, family: FamilyCounts, metric: Metric, level: float, reference: int | None = None
) -> Contrast:
    """Compare every group with its rest, or with the group at place `reference`, with what their clusters share."""
    cells: Cells = (metric.numerator, metric.denominator)
    own = rate_intervals(of, family, metric, level)
    units = of.units(metric.denominator)
    if reference is None:
        side, cross = of.rest(cells), of.cross(cells, cells)
        others, others_units = _side_intervals(of, cells, level, rest=True), units.sum() - units
        spread = side.residual
    else:
        at = np.full(units.shape, reference)
        picked = (own.rate, own.low, own.high, own.exact_low, own.exact_high, own.effective, own.degrees_of_freedom)
        others, others_units = RateIntervals(*(values[at] for values in picked)), units[at]
        cross, spread = of.between(reference, cells), of.own(cells).residual[at]
    product = of.own(cells).residual * spread
    shared = np.where(product > 0.0, cross / np.sqrt(np.where(product > 0.0, product, 1.0)), 0.0)
    rho = np.clip(shared, -1.0, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient = own.rate / others.rate
    together = units + others_units
    return Contrast(
        difference=(own.rate - others.rate, *difference_of_limits(own.limits, others.limits, rho)),
        ratio=(quotient, *ratio_of_limits(own.limits, others.limits, rho)),
        share=units / np.where(together > 0.0, together, 1.0),
    )
