"""Expected cost of errors in a group, and its difference from another group's: intervals that hold at small counts."""

from __future__ import annotations

import numpy as np

from audit.stats.arrays import FloatArray
from audit.stats.rates.binomial import Counts, checked_counts
from audit.stats.rates.intervals import wilson
from audit.stats.rates.mover import RateLimits


def expected_cost(
    missed: Counts, flagged: Counts, cases: Counts, cost_missed: float, cost_flagged: float, level: float = 0.95
) -> RateLimits:
    """Cost of errors per case, with its interval.

    Parameters
    ----------
    missed, flagged : array_like, shape (G,)
        Cases with each of the two errors; no case has both.
    cases : array_like, shape (G,)
        All cases, with and without errors.
    cost_missed, cost_flagged : float
        Cost of one error; not negative.
    level : float
        Two-sided confidence level.

    Returns
    -------
    cost, low, high : ndarray of float64, shape (G,)
        In the unit of the costs, within 0 and the larger of them; nan without cases.

    Raises
    ------
    ValueError
        If counts are negative or the errors exceed the cases, a cost is negative, or the level is not in (0, 1).

    Notes
    -----
    The method of variance estimates recovery for a sum of dependent estimates (Zou 2008, Statistics in Medicine 27,
    eq. 6), on Wilson limits. The cost is written as the lower cost times the share of all errors plus what the dearer
    error costs more, times its share: the second share is part of the first, so that they are positively correlated and
    nothing cancels. With equal costs this is Wilson's interval of the share of errors.
    """
    first, cases_ = checked_counts(missed, cases)
    second, _ = checked_counts(flagged, cases)
    if (first + second > cases_).any():
        raise ValueError("more errors than cases")
    if min(cost_missed, cost_flagged) < 0.0:
        raise ValueError("a cost is not negative")
    dear = first if cost_missed >= cost_flagged else second
    low_cost, more = min(cost_missed, cost_flagged), abs(cost_missed - cost_flagged)
    errors = first + second
    with np.errstate(invalid="ignore", divide="ignore"):
        e, p = errors / cases_, dear / cases_
        correlation = np.sqrt(np.where((dear > 0) & (errors < cases_), p * (1.0 - e) / (e * (1.0 - p)), 0.0))
    (e_low, e_high), (p_low, p_high) = wilson(errors, cases_, level), wilson(dear, cases_, level)
    cost = low_cost * e + more * p
    below = _length(low_cost * (e - e_low), more * (p - p_low), correlation)
    above = _length(low_cost * (e_high - e), more * (p_high - p), correlation)
    return cost, np.maximum(cost - below, 0.0), np.minimum(cost + above, low_cost + more)


def _length(first: FloatArray, second: FloatArray, correlation: FloatArray) -> FloatArray:
    squared = first**2 + second**2 + 2.0 * correlation * first * second
    return np.asarray(np.sqrt(np.maximum(squared, 0.0)))
