"""Binomial probabilities and distribution functions, one at a time and in runs.

Binomial probabilities and the array types the other modules share.

Binomial distribution functions at many counts and several rates at once, faster than one incomplete beta each.

They are close enough to say which of several sums is the largest, or on which side of a level a sum lies. The reported
number is then computed by `audit.stats.binomial`.
"""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, gammaln, ndtri, xlog1py, xlogy

from audit.stats.arrays import FloatArray, IntArray, once_for_equals

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
    flat = [np.ravel(array) for array in np.broadcast_arrays(limit, trials, rate, low, high)]
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


_UNSEEN = 1e-20
"""Probability below the summed counts that is left out."""
_RUN = 0.15
"""Longest run of counts that is taken together, in standard errors."""
_STIRLING = 16.0
_CLOSEST = 1e-16
"""Rates this near to 0 or 1 have no finite odds in double precision."""


def reach(n: FloatArray, rate: FloatArray, mass: float) -> FloatArray:
    """Distance from a binomial's mean with probability below ``mass`` beyond it on either side (Bernstein)."""
    log_mass = -np.log(mass)
    third = log_mass / 3.0
    return np.asarray(third + np.sqrt(third * third + 2.0 * log_mass * n * rate * (1.0 - rate)))


class _Runs(NamedTuple):
    """Runs of counts from the first that matters, none longer than a part of a standard error; each float64[G, T]."""

    length: FloatArray
    middle: FloatArray
    place: IntArray
    """int64[G, W]: number of runs that end at or before each of the counts."""


class CdfAlong:
    """P(X <= k) at increasing counts k, for X binomial at any of several rates.

    The counts between two neighbours are summed in runs of up to 0.15 standard errors: the length of the run times the
    probability in its middle, with its second and fourth derivatives. A run of one count is exact. Probabilities above
    .001 are off by less than 1e-7 of them, those above 1e-9 by less than 1e-5 (tests).

    Parameters
    ----------
    counts : ndarray of float64, shape (G, W)
        Whole numbers from -1 to n, increasing along a row.
    n : ndarray of float64, shape (G, 1)
        Numbers of trials.
    rates : ndarray of float64, shape (G, R)
        Rates that `at` will be called with, increasing along a row.
    """

    def __init__(self, counts: FloatArray, n: FloatArray, rates: FloatArray) -> None:
        chances = np.clip(rates, _CLOSEST, 1.0 - _CLOSEST)
        self._runs = runs = _runs(counts, n, chances)
        self._at_most_n = np.where(counts >= n, 1.0, 0.0)
        self._n, self._centre = n, chances[:, chances.shape[1] // 2 : chances.shape[1] // 2 + 1]
        self._log = _log_probability(runs.middle, n, self._centre)
        self._away = runs.middle - n * self._centre
        self._slope = np.log((n - runs.middle + 0.5) / (runs.middle + 0.5)) + _log_odds(self._centre)
        bend = -1.0 / (runs.middle + 0.5) - 1.0 / (n - runs.middle + 0.5)
        square = runs.length * runs.length
        second = (square - 1.0) / 24.0
        fourth = second * (3.0 * square - 7.0) / 240.0
        # derivatives of a run's probability are polynomials in those of its logarithm
        self._fixed = runs.length * (1.0 + bend * (second + 3.0 * fourth * bend))
        self._squared = runs.length * (second + 6.0 * fourth * bend)
        self._to_fourth = runs.length * fourth

    @property
    def cells(self) -> int:
        """Number of runs in all: the size of each array that `at` makes for one rate."""
        return self._runs.length.size

    def at(self, rates: FloatArray) -> FloatArray:
        """float64[G, R, W]: the distribution function at the counts, at some of the rates (float64[G, R])."""
        chances = np.clip(rates, _CLOSEST, 1.0 - _CLOSEST)
        tilt = (_log_odds(chances) - _log_odds(self._centre))[:, :, None]
        density = self._away[:, None] * tilt
        density += self._log[:, None] - (self._n * _divergence(self._centre, chances))[:, :, None]
        np.exp(density, out=density)
        steepness = self._slope[:, None] + tilt
        steepness *= steepness
        curve = self._to_fourth[:, None] * steepness
        curve += self._squared[:, None]
        curve *= steepness
        curve += self._fixed[:, None]
        density *= curve
        sums = np.zeros((*density.shape[:2], density.shape[2] + 1))
        np.cumsum(density, axis=2, out=sums[:, :, 1:])
        first = np.arange(0, sums.size, sums.shape[2]).reshape(*sums.shape[:2], 1)
        cdf = sums.take(first + self._runs.place[:, None])  # in a third of the time of `take_along_axis`
        certain = rates >= 1.0
        # at the rate closest to 1 that has odds, n times its distance from 1 is left below the highest count
        return np.where(certain[:, :, None], self._at_most_n[:, None], cdf) if certain.any() else cdf


def _runs(counts: FloatArray, n: FloatArray, rates: FloatArray) -> _Runs:
    low, high = rates[:, :1], rates[:, -1:]
    start = np.maximum(np.floor(n * low - reach(n, low, _UNSEEN)), -1.0)
    end = np.minimum(np.ceil(n * high + reach(n, high, _UNSEEN)), n)
    end = np.maximum(np.minimum(end, counts[:, -1:]), start)
    narrowest = np.sqrt(n * np.minimum(low * (1.0 - low), high * (1.0 - high)))
    longest = np.maximum(np.floor(_RUN * narrowest), 1.0)
    most = int(np.max(np.ceil((end - start) / longest), initial=0.0))
    grid = np.minimum(start + longest * np.arange(most + 1.0), end)
    inside = np.clip(counts, start, end)
    ends = np.concatenate([inside, grid], axis=1)
    order = np.argsort(ends, axis=1, kind="stable")
    inverse = np.empty_like(order)
    np.put_along_axis(inverse, order, np.broadcast_to(np.arange(order.shape[1]), order.shape), axis=1)
    ends = np.take_along_axis(ends, order, axis=1)
    length = np.diff(ends, axis=1)
    return _Runs(length, np.clip(ends[:, :-1] + (length + 1.0) / 2.0, 0.0, n), inverse[:, : counts.shape[1]])


def _log_odds(rate: FloatArray) -> FloatArray:
    return np.asarray(np.log(rate) - np.log1p(-rate))


def _divergence(centre: FloatArray, rate: FloatArray) -> FloatArray:
    """Kullback-Leibler divergence of the rate from the centre, for one trial."""
    # from the same logarithms as the odds, so that rates next to 0 and 1 cancel
    heads, tails = np.log(centre) - np.log(rate), np.log1p(-centre) - np.log1p(-rate)
    return np.asarray(centre * heads + (1.0 - centre) * tails)


def _log_probability(counts: FloatArray, n: FloatArray, rate: FloatArray) -> FloatArray:
    """Logarithm of the binomial probability in Loader's form, which loses no digits for large n; smooth."""
    away = counts - n * rate
    deviance = xlog1py(counts, away / (n * rate)) + xlog1py(n - counts, -away / (n * (1.0 - rate)))
    return np.asarray(_log_excess(n) - _log_excess(counts) - _log_excess(n - counts) - deviance)


def _log_excess(count: FloatArray) -> FloatArray:
    """log(k!) - k log k + k, by Stirling's series from 16 on."""
    small = count < _STIRLING
    large = np.where(small, _STIRLING, count)
    inverse = 1.0 / (large * large)
    series = (1.0 / 12.0 - inverse * (1.0 / 360.0 - inverse * (1.0 / 1260.0 - inverse / 1680.0))) / large
    excess = 0.5 * np.log(2.0 * np.pi * large) + series
    if small.any():
        few = count[small]
        excess[small] = gammaln(few + 1.0) - xlogy(few, few) + few
    return np.asarray(excess)
