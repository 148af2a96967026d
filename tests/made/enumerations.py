"""Exact size and power of the margin test, by listing every count: no simulation error."""

from __future__ import annotations

import numpy as np
from scipy import optimize, stats

from audit.stats.arrays import FloatArray
from audit.stats.boundaries import Boundary, counted_rate
from audit.stats.score_test import asymptotic_p, exact_p


def critical_counts(
    n: int, rest_counts: FloatArray, m: int, boundary: Boundary, level: float, beta: float
) -> FloatArray:
    """Largest group count that is rejected, for every count of the rest; -1 for none.

    Those of every eighth count of the rest are looked for near what large samples say, and the others near these. One
    that is found at an end of where it was looked for may lie beyond, so that it is looked for again among all.
    """

    def found(some: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
        low, high = low.copy(), high.copy()
        while (is_open := high > low).any():
            middle = np.ceil((low[is_open] + high[is_open]) / 2.0)
            rejects = exact_p(np.maximum(middle, 0.0), n, some[is_open], m, boundary, beta) <= level
            rejects |= middle < 0.0
            low[is_open] = np.where(rejects, middle, low[is_open])
            high[is_open] = np.where(rejects, high[is_open], middle - 1.0)
        return low

    def near(some: FloatArray, about: FloatArray, reach: float) -> FloatArray:
        low, high = np.maximum(np.floor(about) - reach, -1.0), np.minimum(np.ceil(about) + reach, float(n))
        tops = found(some, low, high)
        again = ((tops == low) & (low > -1.0)) | ((tops == high) & (high < n))
        tops[again] = found(some[again], np.full(again.sum(), -1.0), np.full(again.sum(), float(n)))
        return tops

    every = np.arange(n + 1.0)
    places = np.arange(rest_counts.size)
    anchors = np.unique(np.append(places[::8], places[-1]))
    of_large = [(asymptotic_p(every, n, y, m, boundary) <= level).sum() - 1.0 for y in rest_counts[anchors]]
    at_anchors = near(rest_counts[anchors], np.array(of_large), 3.0)
    return near(rest_counts, np.interp(places, anchors, at_anchors), 1.0)


def rejection_probabilities(
    group_rates: list[float],
    n: int,
    rest_rate: float,
    m: int,
    boundary: Boundary,
    level: float,
    beta: float,
    at_most: int = 10**6,
) -> list[float]:
    """Probability of rejecting at each true rate of the group; rates are the metric's.

    Where the rest has more than ``at_most`` counts in play, evenly spaced ones stand for those around them.
    """
    rest = float(counted_rate(rest_rate, boundary))
    reach = 5.0 * np.sqrt(m * rest * (1.0 - rest)) + 1.0
    first, last = max(0, int(m * rest - reach)), min(m, int(m * rest + reach))
    points = np.unique(np.linspace(first, last, min(at_most, last - first + 1)).astype(int)).astype(float)
    borders = np.concatenate([[-1.0], np.floor((points[1:] + points[:-1]) / 2.0), [m]])
    weights = np.diff(stats.binom.cdf(borders, m, rest))
    tops = critical_counts(n, points, m, boundary, level, beta)
    return [
        float((weights * stats.binom.cdf(tops, n, float(counted_rate(rate, boundary)))).sum()) for rate in group_rates
    ]


def rate_with_known_rest_power(n: int, edge: float, level: float, power: float) -> float | None:
    """Counted rate at which the randomised test that knows the rest's rate has a power; None where none has."""
    top = int(stats.binom.ppf(level, n, edge))
    while stats.binom.cdf(top, n, edge) > level:
        top -= 1
    share = (level - stats.binom.cdf(top, n, edge)) / stats.binom.pmf(top + 1, n, edge)

    def excess(rate: float) -> float:
        return float(stats.binom.cdf(top, n, rate) + share * stats.binom.pmf(top + 1, n, rate)) - power

    return float(optimize.brentq(excess, 0.0, edge)) if excess(0.0) > 0.0 else None
