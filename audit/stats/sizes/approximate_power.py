"""Large-sample power of the margin test, and the cases that a group needs before a verdict about it can be expected.

The power is that of the score test, with its variance at the likeliest pair of rates on the edge (Farrington & Manning
1990). Counts are always cases in the metric's denominator: for a true positive rate, cases with a positive label.
"""

from __future__ import annotations

from functools import lru_cache, partial

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from audit.stats.arrays import BoolArray, FloatArray, once_for_equals
from audit.stats.margins.score_statistic import restricted_rates
from audit.stats.rates.binomial import Counts, binomial_cdf, checked_fraction, largest_count
from audit.stats.rates.boundaries import Boundary, counted_rate

_MOST_CASES = 2.0**40
_SELDOM_MORE = 2.0**17
_BISECTIONS = 60
_SAWTOOTH_BELOW = 100_000.0
_SAWTOOTH_STEPS = 400


def rejection_power(
    rate_group: npt.ArrayLike,
    n: Counts,
    rate_rest: npt.ArrayLike,
    m: Counts,
    boundary: Boundary,
    level: npt.ArrayLike,
) -> FloatArray:
    """Probability that the one-sided margin test rejects, in the large-sample approximation.

    Parameters
    ----------
    rate_group, rate_rest : array_like
        True rates of the metric, in its own direction (not counted rates).
    n, m : array_like
        Cases of the group and of its rest, positive.
    boundary : Boundary
        Edge of the hypothesis.
    level : array_like
        Level of the test.

    Returns
    -------
    ndarray of float64
        ``Phi((D - z_level sd_0) / sd_1)``: D the distance below the edge, sd_0 at the restricted rates and sd_1 at
        the true ones. 0 where the rest's rate leaves nothing below the edge; nan where n or m is not positive.
    """
    group, rest = counted_rate(rate_group, boundary), counted_rate(rate_rest, boundary)
    n_, m_ = np.asarray(n, dtype=np.float64), np.asarray(m, dtype=np.float64)
    slope = boundary.slope
    edge = boundary.offset + slope * rest
    null_rest, null_group = restricted_rates(group * n_, n_, rest * m_, m_, boundary)
    with np.errstate(divide="ignore", invalid="ignore"):
        null_sd = np.sqrt(null_group * (1.0 - null_group) / n_ + slope * slope * null_rest * (1.0 - null_rest) / m_)
        true_sd = np.sqrt(group * (1.0 - group) / n_ + slope * slope * rest * (1.0 - rest) / m_)
        reserve = edge - group + ndtri(np.asarray(level, dtype=np.float64)) * null_sd
        power = np.where(true_sd > 0.0, ndtr(reserve / true_sd), np.where(reserve > 0.0, 1.0, 0.0))
    return np.where((n_ > 0) & (m_ > 0), np.where(edge > 0.0, power, 0.0), np.nan)


def cases_to_decide(
    rate_group: npt.ArrayLike,
    rate_rest: npt.ArrayLike,
    rest_cases: Counts,
    boundary: Boundary,
    level: npt.ArrayLike = 0.05,
    power: npt.ArrayLike = 0.8,
) -> FloatArray:
    """Smallest number of a group's own cases at which the margin test rejects with at least the given probability.

    Parameters
    ----------
    rate_group, rate_rest : array_like, shape (G,)
        True (or observed, for "cases still needed") rates of the metric.
    rest_cases : array_like, shape (G,)
        Cases of the rest, which stay as they are.
    boundary : Boundary
        Edge of the hypothesis to be rejected.
    level : array_like
        Level of the test: the family's local level for FAIL, .05 for PASS.
    power : array_like
        Probability wanted.

    Returns
    -------
    ndarray of float64, shape (G,)
        Whole numbers; inf where no number is enough (the group is not below the edge, or the rest is too small).

    Raises
    ------
    ValueError
        If a power is not in (0, 1).

    Notes
    -----
    Bisection finds the smallest n at which `rejection_power` is large enough. It is then raised, in steps of 1 or 1 %,
    until a binomial test that knew the rest's rate would have the power too, because that test bounds the exact test
    and falls far short of the approximation when few cases are expected. Enumerated power of the exact test at the
    answer to "80 %": .75 to .88 (tests/stats/test_approximate_power.py).
    """
    for wanted in set(np.ravel(power).tolist()):
        checked_fraction(wanted, "power")
    arrays = np.broadcast_arrays(
        *(np.asarray(values, dtype=np.float64) for values in (rate_group, rate_rest, rest_cases, level, power))
    )
    found = _cases_to_decide(tuple(each.tobytes() for each in arrays), boundary)
    return found.reshape(arrays[0].shape).copy()


@lru_cache(maxsize=256)  # one look at a set asks three times about most of its groups
def _cases_to_decide(arrays: tuple[bytes, ...], boundary: Boundary) -> FloatArray:
    return once_for_equals(partial(_fewest, boundary), *map(np.frombuffer, arrays))


def _fewest(
    boundary: Boundary, group: FloatArray, rest: FloatArray, m: FloatArray, alpha: FloatArray, power: FloatArray
) -> FloatArray:
    def enough(n: FloatArray, some: BoolArray) -> BoolArray:
        return rejection_power(group[some], n, rest[some], m[some], boundary, alpha[some]) >= power[some]

    every = np.ones(group.shape, dtype=np.bool_)
    possible, few = (enough(np.full(group.shape, most), every) for most in (_MOST_CASES, _SELDOM_MORE))
    low, high = np.zeros(group.shape), np.where(possible, np.where(few, _SELDOM_MORE, _MOST_CASES), 1.0)
    while (open_ := high - low > 1.0).any():
        middle = np.floor((low[open_] + high[open_]) / 2.0)
        reached = enough(middle, open_)
        low[open_], high[open_] = np.where(reached, low[open_], middle), np.where(reached, middle, high[open_])
    high[~possible] = _MOST_CASES
    return np.where(possible, _past_the_sawtooth(high, group, rest, boundary, alpha, power), np.inf)


def _past_the_sawtooth(
    n: FloatArray,
    group_rate: FloatArray,
    rest_rate: FloatArray,
    boundary: Boundary,
    level: FloatArray,
    power: FloatArray,
) -> FloatArray:
    group = counted_rate(group_rate, boundary)
    edge = boundary.offset + boundary.slope * counted_rate(rest_rate, boundary)
    n = n.copy()
    short = np.flatnonzero((n < _SAWTOOTH_BELOW) & (edge > 0.0) & (edge <= 1.0))
    for _ in range(_SAWTOOTH_STEPS):
        top = largest_count(level[short], n[short], edge[short])
        short = short[(binomial_cdf(top, n[short], group[short]) < power[short]) & (n[short] < _SAWTOOTH_BELOW)]
        if not short.size:
            break
        n[short] += np.maximum(1.0, np.floor(n[short] / 100.0))
    return n


def cases_to_pass(
    rate: npt.ArrayLike,
    rest_cases: Counts,
    boundary: Boundary,
    alpha: npt.ArrayLike = 0.05,
    power: npt.ArrayLike = 0.8,
) -> FloatArray:
    """Smallest number of own cases at which a group whose rate equals the rest's passes with the given probability.

    Parameters
    ----------
    rate : array_like, shape (G,)
        Common true rate of the metric.
    rest_cases : array_like, shape (G,)
        Cases of the rest.
    boundary : Boundary
        A boundary of side "pass".
    alpha : array_like
        Level of the PASS test.
    power : array_like
        Probability of a PASS wanted.

    Returns
    -------
    ndarray of float64, shape (G,)
        Whole numbers; inf where the rest is too small for any number to be enough, or the margin is zero.

    Raises
    ------
    ValueError
        If a power is not in (0, 1).
    """
    return cases_to_decide(rate, rate, rest_cases, boundary, alpha, power)


def smallest_decidable_gap(
    n: Counts,
    m: Counts,
    rate_rest: npt.ArrayLike,
    boundary: Boundary,
    level: npt.ArrayLike = 0.05,
    power: float = 0.8,
) -> FloatArray:
    """Smallest true gap to the rest that a boundary of side "fail" declares with the given probability.

    Parameters
    ----------
    n, m : array_like, shape (G,)
        Cases of the group and of its rest.
    rate_rest : array_like, shape (G,)
        True rate of the metric in the rest.
    boundary : Boundary
        A boundary of side "fail".
    level : array_like
        Level of the test.
    power : float
        Probability wanted.

    Returns
    -------
    ndarray of float64, shape (G,)
        ``|rate of the group - rate of the rest|``, at least the margin; inf where even the worst possible group would
        be missed; nan where n or m is 0.

    Raises
    ------
    ValueError
        If the power is not in (0, 1).
    """
    checked_fraction(power, "power")
    n_, m_, rest, alpha = np.broadcast_arrays(
        *(np.asarray(values, dtype=np.float64) for values in (n, m, rate_rest, level))
    )
    counted_rest = counted_rate(rest, boundary)

    def found(group: FloatArray) -> BoolArray:
        return rejection_power(counted_rate(group, boundary), n_, rest, m_, boundary, alpha) >= power

    low, high = np.zeros(rest.shape), boundary.edge(counted_rest)
    possible = found(low)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2.0
        reached = found(middle)
        low, high = np.where(reached, middle, low), np.where(reached, high, middle)
    gap = np.where(possible, np.abs(counted_rest - low), np.inf)
    return np.where((n_ > 0) & (m_ > 0), gap, np.nan)
