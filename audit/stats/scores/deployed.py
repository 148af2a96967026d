"""Precision and share flagged at another base rate than that of the evaluation set.

An evaluation set is enriched with positives, so neither figure of the set holds in use. Both are functions of the true
and the false positive rate, which are estimated on different cases and so are independent.
"""

from __future__ import annotations

import numpy as np

from audit.stats.rates.binomial import checked_fraction
from audit.stats.rates.mover import Limits, RateLimits, ratio_of_limits


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
    Precision rises with TPR / FPR, so the limits of that ratio (`audit.stats.rates.mover.ratio_of_limits`) carry over.
    """
    pi = checked_fraction(prevalence, "prevalence")
    low, high = ratio_of_limits(Limits(*tpr), Limits(*fpr))
    with np.errstate(invalid="ignore", divide="ignore"):
        value = pi * tpr[0] / (pi * tpr[0] + (1.0 - pi) * fpr[0])
        at_low, at_high = (1.0 / (1.0 + (1.0 - pi) / pi / limit) for limit in (low, high))
    none = np.isnan(value)
    return value, np.where(none, np.nan, at_low), np.where(none, np.nan, at_high)
