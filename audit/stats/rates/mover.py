"""Intervals for a difference and a ratio of two rates from the limits of each (MOVER), correlated or not.

In the method of variance estimates recovery, the distances from the rates to their limits stand for standard errors,
each on the side that matters. With Wilson limits and no correlation the difference is Newcombe's, and the ratio is
`audit.stats.rates.intervals.mover_ratio`, which calls this module.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from audit.stats.arrays import FloatArray

RateLimits: TypeAlias = tuple[FloatArray, FloatArray, FloatArray]
"""Estimate, lower and upper limit, each of shape (G,)."""


class Limits(NamedTuple):
    """A rate with its limits, float64 of shape (G,) each."""

    rate: FloatArray
    low: FloatArray
    high: FloatArray


def difference_of_independent(first: RateLimits, second: RateLimits) -> RateLimits:
    """Difference of two independent estimates, with limits from the limits of each.

    Parameters
    ----------
    first, second : triple of ndarray of float64, shape (G,)
        Estimate, lower and upper limit.

    Returns
    -------
    difference, low, high : ndarray of float64, shape (G,)
        Limits of the same level.

    Notes
    -----
    MOVER: Zou & Donner (2008), Statistics in Medicine 27, 1693-1702. On two Wilson intervals it
    is Newcombe's (1998) method 10.
    """
    difference = first[0] - second[0]
    return (
        difference,
        difference - np.hypot(first[0] - first[1], second[2] - second[0]),
        difference + np.hypot(first[2] - first[0], second[0] - second[1]),
    )


def difference_of_limits(one: Limits, other: Limits, correlation: npt.ArrayLike = 0.0) -> tuple[FloatArray, FloatArray]:
    """Interval for ``one - other``.

    Parameters
    ----------
    one, other : Limits
        Two rates with limits of one level.
    correlation : array_like, shape (G,) or one
        Correlation of the two estimated rates, in [-1, 1].

    Returns
    -------
    low, high : ndarray of float64, shape (G,)
        Within [-1, 1].

    Notes
    -----
    Zou (2007), Psychological Methods 12, 399-413: ``d - sqrt((p-l)^2 - 2 rho (p-l)(u'-p') + (u'-p')^2)`` and likewise
    upwards.
    """
    rho = np.asarray(correlation, dtype=np.float64)
    below, above = one.rate - one.low, one.high - one.rate
    other_below, other_above = other.rate - other.low, other.high - other.rate
    difference = one.rate - other.rate
    low = difference - np.sqrt(_squared(below, other_above, rho))
    high = difference + np.sqrt(_squared(above, other_below, rho))
    return np.maximum(low, -1.0), np.minimum(high, 1.0)


def _squared(one: FloatArray, other: FloatArray, rho: FloatArray) -> FloatArray:
    return np.maximum(one * one - 2.0 * rho * one * other + other * other, 0.0)


def ratio_of_limits(one: Limits, other: Limits, correlation: npt.ArrayLike = 0.0) -> tuple[FloatArray, FloatArray]:
    """Interval for ``one / other``.

    Parameters
    ----------
    one, other, correlation
        As in `difference_of_limits`.

    Returns
    -------
    low, high : ndarray of float64, shape (G,)
        Never negative; ``low == 0`` where `one` is 0, ``high == inf`` where `other` could be 0; nan, nan where
        either rate is nan.

    Notes
    -----
    Donner & Zou (2012): the ratios R at which the interval of ``one - R other`` just reaches 0, that is the roots of
    ``a R^2 - 2 b R + c`` with ``a = u'(2p'-u')``, ``b = p p' - rho (p-l)(u'-p')``, ``c = l(2p-l)`` for the lower limit.
    The lower limit is written as ``c / (b + sqrt(...))``, which stays finite where their own form is 0/0 (an upper
    limit of twice the rate).
    """
    rho = np.asarray(correlation, dtype=np.float64)
    (p, l1, u1), (r, l2, u2) = one, other
    b_low, c_low, a_low = p * r - rho * (p - l1) * (u2 - r), l1 * (2.0 * p - l1), u2 * (2.0 * r - u2)
    b_high, c_high, a_high = p * r - rho * (u1 - p) * (r - l2), u1 * (2.0 * p - u1), l2 * (2.0 * r - l2)
    with np.errstate(divide="ignore", invalid="ignore"):
        low = c_low / (b_low + np.sqrt(np.maximum(b_low * b_low - a_low * c_low, 0.0)))
        high = (b_high + np.sqrt(np.maximum(b_high * b_high - a_high * c_high, 0.0))) / a_high
    finite = (l2 > 0.0) & (a_high > 0.0) & (high > 0.0)
    low = np.where((p > 0.0) & (l1 > 0.0) & np.isfinite(low), np.maximum(low, 0.0), 0.0)
    unknown = np.isnan(p * r)
    return np.where(unknown, np.nan, low), np.where(unknown, np.nan, np.where(finite, high, np.inf))
