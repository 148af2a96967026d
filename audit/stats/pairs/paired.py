"""Two shares of the same cases: flagged against labelled, and how that differs between groups."""

from __future__ import annotations

import numpy as np

from audit.stats.arrays import BoolArray, FloatArray
from audit.stats.rates.binomial import Counts
from audit.stats.rates.intervals import wilson
from audit.stats.rates.mover import RateLimits


def newcombe_paired(
    both: Counts, first_only: Counts, second_only: Counts, neither: Counts, level: float = 0.95
) -> RateLimits:
    """Difference of two shares of the same cases, with Newcombe's score interval.

    Parameters
    ----------
    both, first_only, second_only, neither : array_like, shape (G,)
        The four cells of the paired table.
    level : float
        Two-sided confidence level.

    Returns
    -------
    difference, low, high : ndarray of float64, shape (G,)
        ``(first_only - second_only) / n``, and its limits within [-1, 1]; nan where there is no case.

    Raises
    ------
    ValueError
        If a count is negative or not finite, or the level is not in (0, 1).

    Notes
    -----
    Newcombe (1998), Statistics in Medicine 17, 2635-2650, method 10: Wilson limits of the two shares, added in
    quadrature with their correlation, which is corrected for continuity.
    """
    a, b, c, d = np.broadcast_arrays(
        *(np.asarray(cell, dtype=np.float64) for cell in (both, first_only, second_only, neither))
    )
    if not all(np.isfinite(cell).all() and (cell >= 0).all() for cell in (a, b, c, d)):
        raise ValueError("counts must be finite and not negative")
    n = a + b + c + d
    (low1, high1), (low2, high2) = (_wilson_distances(count, n, level) for count in (a + b, a + c))
    product = a * d - b * c
    product = np.where(product > 0.0, np.maximum(product - n / 2.0, 0.0), product)
    scale = np.sqrt((a + b) * (c + d) * (a + c) * (b + d))
    with np.errstate(invalid="ignore", divide="ignore"):
        phi = np.where(scale > 0.0, product / scale, 0.0)
        difference = np.where(n > 0.0, (b - c) / n, np.nan)
    low = difference - np.sqrt(np.maximum(low1**2 - 2.0 * phi * low1 * high2 + high2**2, 0.0))
    high = difference + np.sqrt(np.maximum(high1**2 - 2.0 * phi * high1 * low2 + low2**2, 0.0))
    return difference, np.clip(low, -1.0, 1.0), np.clip(high, -1.0, 1.0)


def mean_of_signed_estimates(
    signs: FloatArray, settled: BoolArray, estimates: RateLimits
) -> tuple[float, float, float]:
    """Mean of independent estimates with signs, some of which may be wrong.

    Parameters
    ----------
    signs : ndarray of float64, shape (G,)
        1 or -1.
    settled : ndarray of bool, shape (G,)
        Whether each sign is known; the limits allow the other signs either way.
    estimates : triple of ndarray of float64, shape (G,)
        Estimate, lower and upper limit.

    Returns
    -------
    mean, low, high : float
        nan where there is no estimate.

    Notes
    -----
    MOVER, as `difference_of_independent`: distances to the limits added in quadrature. Where signs are not
    settled, the mean lies at most twice their absolute estimates away on one side. That is added as it is, because a
    wrong
    sign is not noise that averages out.
    """
    if signs.size == 0:
        return float("nan"), float("nan"), float("nan")
    value, low, high = estimates
    down = np.where(signs > 0.0, value - low, high - value)
    up = np.where(signs > 0.0, high - value, value - low)
    either = np.maximum(value - low, high - value)
    down, up = (np.where(settled, distance, either) for distance in (down, up))
    signed = signs * value
    mean = float(np.mean(signed))
    lowest = float(np.mean(np.where(settled, signed, -np.abs(value))))
    highest = float(np.mean(np.where(settled, signed, np.abs(value))))
    return (
        mean,
        lowest - float(np.sqrt(np.sum(down**2))) / signs.size,
        highest + float(np.sqrt(np.sum(up**2))) / signs.size,
    )


def _wilson_distances(x: FloatArray, n: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    """Distances of the lower and the upper Wilson limit from the rate."""
    low, high = wilson(x, n, level)
    with np.errstate(invalid="ignore"):
        return np.asarray(x / n - low), np.asarray(high - x / n)
