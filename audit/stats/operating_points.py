"""Rates at an operating point: other base rates, costs of errors, other thresholds and capacities.

Precision and share flagged at another base rate than that of the evaluation set.

An evaluation set is enriched with positives, so neither figure of the set holds in use. Both are functions of the true
and the false positive rate, which are estimated on different cases and so are independent.

Expected cost of errors in a group, and its difference from another group's: intervals that hold at small counts.

Results of every threshold and every capacity, for all groups at once, from score histograms.

A sweep describes. A threshold that was chosen on the cases that judge the detector makes the verdict void.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from audit.stats.arrays import FloatArray, IntArray
from audit.stats.binomial import Counts, checked_counts, checked_fraction
from audit.stats.intervals import Limits, RateLimits, newcombe_difference, ratio_of_limits, wilson


def flag_rate_at(prevalence: float, tpr: RateLimits, fpr: RateLimits) -> RateLimits:
    """Share of all cases that is flagged if `prevalence` of them are positive.

    Parameters
    ----------
    prevalence : float
        Share of positives, taken as known.
    tpr, fpr : triple of ndarray of float64, shape (G,)
        True and false positive rate with limits.

    Returns
    -------
    value, low, high : ndarray of float64, shape (G,)
        ``pi TPR + (1 - pi) FPR``; limits of the same level.

    Raises
    ------
    ValueError
        If the prevalence is not in (0, 1).

    Notes
    -----
    MOVER for a sum of independent estimates: Zou & Donner (2008), Statistics in Medicine 27, 1693-1702.
    """
    pi = checked_fraction(prevalence, "prevalence")
    value = pi * tpr[0] + (1.0 - pi) * fpr[0]
    return (
        value,
        value - np.hypot(pi * (tpr[0] - tpr[1]), (1.0 - pi) * (fpr[0] - fpr[1])),
        value + np.hypot(pi * (tpr[2] - tpr[0]), (1.0 - pi) * (fpr[2] - fpr[0])),
    )


def precision_at(prevalence: float, tpr: RateLimits, fpr: RateLimits) -> RateLimits:
    """Share of flagged cases that is positive if `prevalence` of all cases are.

    Parameters
    ----------
    prevalence : float
        Share of positives, taken as known.
    tpr, fpr : triple of ndarray of float64, shape (G,)
        True and false positive rate with limits.

    Returns
    -------
    value, low, high : ndarray of float64, shape (G,)
        ``pi TPR / (pi TPR + (1 - pi) FPR)``; limits of the same level. nan where both rates are 0: nobody is flagged.

    Raises
    ------
    ValueError
        If the prevalence is not in (0, 1).

    Notes
    -----
    Precision rises with TPR / FPR, so the limits of that ratio (`audit.stats.intervals.ratio_of_limits`) carry over.
    """
    pi = checked_fraction(prevalence, "prevalence")
    low, high = ratio_of_limits(Limits(*tpr), Limits(*fpr))
    with np.errstate(invalid="ignore", divide="ignore"):
        value = pi * tpr[0] / (pi * tpr[0] + (1.0 - pi) * fpr[0])
        at_low, at_high = (1.0 / (1.0 + (1.0 - pi) / pi / limit) for limit in (low, high))
    none = np.isnan(value)
    return value, np.where(none, np.nan, at_low), np.where(none, np.nan, at_high)


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


NOBODY: Final = -1
"""Value of `LargestGap.group` where no group has enough cases to be compared."""


@dataclass(frozen=True, slots=True)
class LargestGap:
    """At each of T steps, the group whose rate is most surely far from that of the rest; nan where there is none."""

    group: IntArray
    """int64[T]: place of the group, or `NOBODY`."""
    difference: FloatArray
    """float64[T]: rate of the group minus rate of the rest."""
    low: FloatArray
    """float64[T]: lower end of an interval that holds for all groups compared at this step together."""
    high: FloatArray
    """float64[T]: upper end of an interval that holds for all groups compared at this step together."""


def flagged_at_edges(cases: IntArray) -> IntArray:
    """Cases at or above every bin edge.

    Parameters
    ----------
    cases : ndarray of int64, shape (..., B)
        Histograms, lowest bin first.

    Returns
    -------
    ndarray of int64, shape (..., B + 1)
        Entry k: cases in bin k and above, which a threshold at the lower edge of bin k flags; entry B is 0.
    """
    flagged = np.zeros((*cases.shape[:-1], cases.shape[-1] + 1), dtype=np.int64)
    flagged[..., :-1] = np.cumsum(cases[..., ::-1], axis=-1)[..., ::-1]
    return flagged


def edges_flagging(flagged: IntArray, shares: npt.ArrayLike) -> IntArray:
    """For each share of all cases, the edge that flags the nearest number of cases.

    Parameters
    ----------
    flagged : ndarray of int64, shape (B + 1,)
        Result of `flagged_at_edges` for all cases.
    shares : array_like, shape (T,)
        Shares of all cases that can be reviewed.

    Returns
    -------
    ndarray of int64, shape (T,)
        Edges from 0 to B. Of two equally near edges it is the higher one, which flags fewer.
    """
    wanted = np.asarray(shares, dtype=np.float64) * float(flagged[0])
    distance = np.abs(flagged[np.newaxis, :] - wanted[:, np.newaxis])
    last: IntArray = flagged.size - 1 - np.argmin(distance[:, ::-1], axis=1)
    return last


def largest_gap(x: IntArray, n: IntArray, min_cases: int, level: float = 0.95) -> LargestGap:
    """Find the group most surely far from its rest at each step.

    Parameters
    ----------
    x : ndarray of int64, shape (G, T)
        Cases flagged of each group, at each step.
    n : ndarray of int64, shape (G,)
        Cases of each group; the groups share none.
    min_cases : int
        A group is compared if it and its rest have at least this many cases.
    level : float
        Two-sided confidence level of all groups compared at a step together.

    Raises
    ------
    ValueError
        If counts are impossible, or the level is not in (0, 1).

    Notes
    -----
    Newcombe's (1998) hybrid score interval at level ``1 - (1 - level) / C`` for C groups compared (Bonferroni): the
    largest of many gaps is picked because it is large, and an interval for one group would not allow for that. Of
    groups whose interval excludes 0, the one whose interval is farthest from 0 is taken, so that a few extreme cases do
    not hide many. Where there is none, the group with the largest difference is taken.
    """
    checked_fraction(level, "level")
    compared = (n >= min_cases) & (n.sum() - n >= min_cases) & (n > 0) & (n.sum() > n)
    steps = x.shape[1]
    unknown = np.full(steps, np.nan)
    if not compared.any():
        return LargestGap(np.full(steps, NOBODY, dtype=np.int64), unknown, unknown, unknown)
    places = np.flatnonzero(compared)
    group, rest = x[places], x.sum(axis=0, keepdims=True) - x[places]
    own_n, rest_n = n[places, np.newaxis], (n.sum() - n[places])[:, np.newaxis]
    difference = group / own_n - rest / rest_n
    low, high = newcombe_difference(group, own_n, rest, rest_n, 1.0 - (1.0 - level) / places.size)
    sure = np.maximum(low, -high)
    farthest = np.where((sure > 0.0).any(axis=0), np.argmax(sure, axis=0), np.argmax(np.abs(difference), axis=0))
    at = (farthest, np.arange(steps))
    return LargestGap(places[farthest], difference[at], low[at], high[at])
