"""Binomial probabilities and the array types the other modules share."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, ndtri

from audit.stats.arrays import FloatArray, once_for_equals

Counts: TypeAlias = npt.ArrayLike
"""One count for each group: anything that numpy turns into an array."""

_WIDE: Final = 32
_OFF: Final = 4.0


def binomial_cdf(k: npt.ArrayLike, n: npt.ArrayLike, p: npt.ArrayLike) -> FloatArray:
    """P(X <= k) for X binomial, as an incomplete beta function.

    Parameters
    ----------
    k, n, p : array_like
        Counts, numbers of trials and success probabilities; they broadcast.

    Returns
    -------
    ndarray of float64
        0 where ``k < 0``, 1 where ``k >= n`` (so also where ``n = 0 <= k``).

    Notes
    -----
    ``P(X <= k) = I_{1-p}(n-k, k+1)`` (Abramowitz & Stegun 26.5.24). This form is accurate in the lower tail, where
    one minus an upper tail would have lost every digit.
    """
    k_, n_, p_ = np.broadcast_arrays(
        np.floor(np.asarray(k, dtype=np.float64)), np.asarray(n, dtype=np.float64), np.asarray(p, dtype=np.float64)
    )
    inside = (k_ >= 0) & (k_ < n_)
    return np.where(
        inside,
        betainc(np.where(inside, n_ - k_, 1.0), np.where(inside, k_ + 1.0, 1.0), 1.0 - p_),
        np.where(k_ < 0, 0.0, 1.0),
    )


def largest_count(
    probability: npt.ArrayLike,
    n: npt.ArrayLike,
    p: npt.ArrayLike,
    within: tuple[FloatArray, FloatArray] | None = None,
) -> FloatArray:
    """Largest k with P(X <= k) at most a probability.

    Parameters
    ----------
    probability, n, p : array_like
        Probabilities below 1, numbers of trials (at least one of them) and success probabilities; they broadcast.
    within : pair of ndarray of float64, optional
        Known bounds of the answer, which save time.

    Returns
    -------
    ndarray of float64
        Whole numbers; -1 where even P(X = 0) is larger than the probability.
    """
    limit, trials, rate = np.broadcast_arrays(*(np.asarray(values, dtype=np.float64) for values in (probability, n, p)))
    low, high = within or (np.full(trials.shape, -1.0), trials - 1.0)
    flat = [np.ravel(each) for each in np.broadcast_arrays(limit, trials, rate, low, high)]
    return once_for_equals(_bisected, *flat).reshape(trials.shape)


def _bisected(limit: FloatArray, trials: FloatArray, rate: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    if np.max(high - low, initial=0.0) > _WIDE:
        # the answer of a normal distribution with this skewness is off by a few, which is looked at before it is used
        score = ndtri(np.clip(limit, 1e-300, 1.0 - 1e-15))
        about = trials * rate + score * np.sqrt(trials * rate * (1.0 - rate)) + (score**2 - 1.0) * (0.5 - rate) / 3.0
        below, above = (np.clip(np.floor(about) + off, low, high) for off in (-_OFF, _OFF))
        low = np.where(binomial_cdf(below, trials, rate) <= limit, below, low)
        high = np.where(binomial_cdf(above, trials, rate) > limit, above - 1.0, high)
    for _ in range(int(np.ceil(np.log2(np.max(high - low, initial=0.0) + 1.0)))):
        middle = np.ceil((low + high) / 2.0)
        small = binomial_cdf(middle, trials, rate) <= limit
        low, high = np.where(small, middle, low), np.where(small, high, middle - 1.0)
    return low


def checked_counts(x: Counts, n: Counts) -> tuple[FloatArray, FloatArray]:
    """Broadcast successes and totals as floats.

    Raises
    ------
    ValueError
        If anything is not finite, or not ``0 <= x <= n``.
    """
    x_, n_ = np.broadcast_arrays(np.asarray(x, dtype=np.float64), np.asarray(n, dtype=np.float64))
    if not (np.isfinite(x_).all() and np.isfinite(n_).all() and (x_ >= 0).all() and (x_ <= n_).all()):
        raise ValueError("counts must be finite with 0 <= successes <= total")
    return x_, n_


def checked_fraction(value: float, name: str) -> float:
    """Return ``value`` if it lies strictly between 0 and 1.

    Raises
    ------
    ValueError
        If it does not.
    """
    if not 0.0 < value < 1.0:
        raise ValueError(f"{name} must lie strictly between 0 and 1, not {value}")
    return float(value)
