"""Precision and share flagged at another base rate than that of the evaluation set.

An evaluation set is enriched with positives, and neither figure means anything at work. Both are functions of the true
and the false positive rate, which are estimated on different cases and so are independent.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from audit.stats.binomial import FloatArray, checked_fraction

__all__ = ["RateLimits", "flag_rate_at", "precision_at", "ratio_of_independent"]

RateLimits: TypeAlias = tuple[FloatArray, FloatArray, FloatArray]
"""Estimate, lower and upper limit of a rate, each of shape (G,)."""


def flag_rate_at(prevalence: float, tpr: RateLimits, fpr: RateLimits) -> RateLimits:
    """Share of all cases that is flagged where `prevalence` of them are positive.

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
    """Share of the flagged that is positive where `prevalence` of all cases are.

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
    It rises with TPR / FPR, so the limits of that ratio (`ratio_of_independent`) carry over.
    """
    pi = checked_fraction(prevalence, "prevalence")
    low, high = ratio_of_independent(tpr, fpr)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = pi * tpr[0] / (pi * tpr[0] + (1.0 - pi) * fpr[0])
        at_low, at_high = (1.0 / (1.0 + (1.0 - pi) / pi / limit) for limit in (low, high))
    none = np.isnan(value)
    return value, np.where(none, np.nan, at_low), np.where(none, np.nan, at_high)


def ratio_of_independent(first: RateLimits, second: RateLimits) -> tuple[FloatArray, FloatArray]:
    """Limits of the ratio of two independent rates from their own limits.

    Parameters
    ----------
    first, second : triple of ndarray of float64, shape (G,)
        Estimate, lower and upper limit, none negative.

    Returns
    -------
    low, high : ndarray of float64, shape (G,)
        0 where the first rate is 0, inf where the second is.

    Notes
    -----
    MOVER-R: Donner & Zou (2012), Statistical Methods in Medical Research 21, 347-359; see
    `audit.stats.intervals.mover_ratio`, which does the same from counts.
    """
    p1, low1, high1 = first
    p2, low2, high2 = second
    product = p1 * p2
    low_c, low_a = low1 * (2.0 * p1 - low1), high2 * (2.0 * p2 - high2)
    high_c, high_a = high1 * (2.0 * p1 - high1), low2 * (2.0 * p2 - low2)
    with np.errstate(invalid="ignore", divide="ignore"):
        low = low_c / (product + np.sqrt(np.maximum(product * product - low_a * low_c, 0.0)))
        high = (product + np.sqrt(np.maximum(product * product - high_a * high_c, 0.0))) / high_a
    unknown = np.isnan(product)
    return (
        np.where(unknown, np.nan, np.where(p1 == 0.0, 0.0, low)),
        np.where(unknown, np.nan, np.where(p2 == 0.0, np.inf, high)),
    )
