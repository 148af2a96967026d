"""Exact unconditional test that a group lies beyond (or within) a margin of the rest.

Tables are ordered by the score statistic (Chan 1998) and the rest's unknown rate ranges over a confidence set (Berger
& Boos 1994). No size lies above its level in designs that are small enough to list (`tools/simulate/exact_sizes.py`).
A count that mixes several rates has lighter tails than the binomial (Hoeffding 1956); for two counts this is simulated.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from scipy.special import bdtrik, ndtr

from audit.stats.arrays import BoolArray, FloatArray
from audit.stats.margins.rejection_region import largest_rejection_probability
from audit.stats.margins.score_statistic import score_statistic
from audit.stats.rates.binomial import Counts, checked_counts, checked_fraction
from audit.stats.rates.boundaries import Boundary
from audit.stats.rates.intervals import clopper_pearson

FAIL_BETA = 1e-6
"""Error spent on the confidence set of the rest's rate when testing for FAIL."""
PASS_BETA = 1e-3
"""Error spent on the confidence set when testing for PASS, where levels are never as small."""

_STEP = 0.25
"""Distance of neighbouring rates of the rest: standard errors of the rest between them, plus standard errors of the
group between their edges."""
_LEAST_RATES = 9
_MISSED = 1.0005
"""Factor that covers what the largest probability may lie above the parabola through the largest ones tried."""
_RULER = 129
_SLICES = 33
"""Rates of the rest between which a bound is enough."""
_FEW = 8
"""Of so many slices one is looked at first."""
_CLEAR = 0.95
"""Share of a limit that leaves room for what `exact_p` adds to a probability."""
_LEAST_LIMIT = 1e-6
_HAIR = 1e-8
_DIGITS = 12
"""Decimals of a rate of the rest: libraries differ in the last digit of an arcsine, and p-values must not."""
_MOST_KNOWN = 20_000
_KNOWN: Final[dict[tuple[object, ...], float]] = {}


class ScreenedP(NamedTuple):
    """P-values, and which of them are exact."""

    p: FloatArray
    is_exact: BoolArray


def asymptotic_p(x: Counts, n: Counts, y: Counts, m: Counts, boundary: Boundary) -> FloatArray:
    """One-sided p-value of the score test, without continuity correction.

    Parameters
    ----------
    x, n, y, m : array_like, shape (G,)
        Counted outcomes and totals of each group and of its rest.
    boundary : Boundary
        Edge of the hypothesis "group rate >= edge(rest rate)".

    Returns
    -------
    ndarray of float64, shape (G,)
        1 where there is no group, no rest, or nothing below the edge (``edge(y/m) <= 0``).

    Raises
    ------
    ValueError
        If counts are impossible.

    Notes
    -----
    Too small by a factor of up to 5 at level 2.5e-4: use it to screen, never to decide.
    """
    x_, n_, y_, m_, testable = _testable(x, n, y, m, boundary)
    z = score_statistic(x_, np.where(testable, n_, 1.0), y_, np.where(testable, m_, 1.0), boundary)
    return np.where(testable, ndtr(z), 1.0)


def exact_p(x: Counts, n: Counts, y: Counts, m: Counts, boundary: Boundary, beta: float = FAIL_BETA) -> FloatArray:
    """One-sided exact p-value of the score-ordered unconditional test.

    Parameters
    ----------
    x, n, y, m : array_like of integers, shape (G,)
        Counted outcomes and totals of each group and of its rest; n up to 1e6 and m up to 1e7 were tried.
    boundary : Boundary
        Edge of the hypothesis "group rate >= edge(rest rate)".
    beta : float
        Error spent on the confidence set of the rest's rate, and so the smallest p-value possible.

    Returns
    -------
    ndarray of float64, shape (G,)
        1 where there is no group, no rest, or nothing below the edge (``edge(y/m) <= 0``).

    Raises
    ------
    ValueError
        If counts are impossible or not integers, or beta is not in (0, 1).

    Notes
    -----
    ``p = beta + max_r P(z(U, Y) <= z(x, y))`` with ``U ~ Bin(n, edge(r))``, ``Y ~ Bin(m, r)`` and r in the
    Clopper-Pearson set of level ``1 - beta``, as far as the unclipped edge stays within 1. Beyond that ceiling no group
    can be worse than the rest by the margin, and where the whole set lies there the p-value is ``beta``. Below the kink
    ``r = -offset / slope`` the edge is 0, nobody of the group is counted, and the probability grows with r: the search
    begins at the kink, where the largest probability often is. Without it the size was up to 1.24 times the level.

    Rates of the rest are tried at steps of a quarter of a standard error, of rest and group together. A parabola
    through the largest and its neighbours, and a factor of 1.0005, cover what lies between them. By brute force over
    all tables of 200 designs, half of them with a group larger than its rest, no size lay above its level. Where more
    than 256 steps are summed the sum is smooth in r: then every fourth rate is tried, and those around the best.

    The sum over U and Y is exact up to 1e-9 as long as either count has at most 1024 values in play; beyond that the
    rejection region is coarsened outwards, which can only raise the p-value (by at most 2 % in the cases tried, the
    worst being n = 100,000 against 200,000).
    """
    return _exact(x, n, y, m, boundary, beta, None)


def exact_rejects(
    x: Counts, n: Counts, y: Counts, m: Counts, boundary: Boundary, level: Counts, beta: float = FAIL_BETA
) -> BoolArray:
    """Whether `exact_p` is at most a level: about ten times as fast for large groups, without the digits.

    Parameters
    ----------
    x, n, y, m, boundary, beta
        As in `exact_p`.
    level : array_like, shape (G,)
        Level that each p-value must reach.

    Returns
    -------
    ndarray of bool, shape (G,)
        ``exact_p(x, n, y, m, boundary, beta) <= level``.

    Raises
    ------
    ValueError
        As in `exact_p`.
    """
    level_ = np.asarray(level, dtype=np.float64)
    return np.asarray(_exact(x, n, y, m, boundary, beta, level_) <= level_)


def _exact(
    x: Counts, n: Counts, y: Counts, m: Counts, boundary: Boundary, beta: float, level: FloatArray | None
) -> FloatArray:
    """P-values, or numbers on the same side of the level as they are."""
    checked_fraction(beta, "beta")
    x_, n_, y_, m_, testable = _testable(x, n, y, m, boundary)
    if any(not np.array_equal(counts, np.floor(counts)) for counts in (x_, n_, y_, m_)):
        raise ValueError("the exact test needs whole counts")
    p = np.ones(x_.shape)
    group, total, rest, rest_total = x_[testable], n_[testable], y_[testable], m_[testable]
    low, high = clopper_pearson(rest, rest_total, 1.0 - beta)
    ceiling = (1.0 - boundary.offset) / boundary.slope
    possible = low <= ceiling
    low, high = np.minimum(low, ceiling), np.minimum(high, ceiling)
    low = np.clip(-boundary.offset / boundary.slope, low, high)
    limit = None if level is None else np.broadcast_to(level, x_.shape)[testable] - beta
    worst = _largest_over_rest(group, total, rest, rest_total, low, high, boundary, limit)
    p[testable] = np.minimum(1.0, np.where(possible, worst, 0.0) + beta)
    return p


def _largest_over_rest(
    x: FloatArray,
    n: FloatArray,
    y: FloatArray,
    m: FloatArray,
    low: FloatArray,
    high: FloatArray,
    boundary: Boundary,
    limit: FloatArray | None,
) -> FloatArray:
    """Largest probability over rates of the rest from low to high; where it lies clearly below the limit, a bound."""
    if limit is None:
        return _remembered(x, n, y, m, low, high, boundary)
    is_open = ~_is_clear(x, n, y, m, low, high, boundary, limit)
    worst = limit * _CLEAR
    some = x[is_open], n[is_open], y[is_open], m[is_open], low[is_open], high[is_open]
    worst[is_open] = _largest_listed(*some, boundary, limit[is_open])
    return np.asarray(worst)


def _remembered(
    x: FloatArray, n: FloatArray, y: FloatArray, m: FloatArray, low: FloatArray, high: FloatArray, boundary: Boundary
) -> FloatArray:
    """Largest probabilities, each computed once: verdicts, doubts and plans ask for the same tables."""
    if len(_KNOWN) > _MOST_KNOWN:
        _KNOWN.clear()
    asked = [(boundary, *table) for table in zip(*(each.tolist() for each in (x, n, y, m, low, high)), strict=True)]
    known = {table: _KNOWN.get(table) for table in asked}  # another thread may clear the others
    new = np.array([place for place, table in enumerate(asked) if known[table] is None], dtype=np.int64)
    if new.size:
        found = _largest_listed(x[new], n[new], y[new], m[new], low[new], high[new], boundary, None)
        fresh = dict(zip((asked[place] for place in new.tolist()), found.tolist(), strict=True))
        known |= fresh
        _KNOWN.update(fresh)
    return np.array([known[table] for table in asked], dtype=np.float64)


def _is_clear(
    x: FloatArray,
    n: FloatArray,
    y: FloatArray,
    m: FloatArray,
    low: FloatArray,
    high: FloatArray,
    boundary: Boundary,
    limit: FloatArray,
) -> BoolArray:
    """Whether the largest probability lies below the limit by a bound for which no table is listed.

    What is rejected beside a count of the rest grows with that count. So at any rate the probability is at most the
    chance that the rest's count lies above some t, and the chance that the group's is one of those rejected beside t.
    Both are halves of the limit here; between two rates they are at most those of the nearer end.
    """
    rates = low[:, None] + (high - low)[:, None] * np.linspace(0.0, 1.0, _SLICES)
    half = (np.where(limit > _LEAST_LIMIT, limit, np.nan) * _CLEAR / 2.0)[:, None]
    observed = score_statistic(x, n, y, m, boundary)[:, None] + _HAIR
    clear = np.arange(x.size)
    for slices in (np.arange(0, _SLICES - 1, _FEW), np.arange(_SLICES - 1)):  # most are not, as a few show
        tails, own_n, own_m, own = half[clear], n[clear, None], m[clear, None], rates[clear]
        most = np.minimum(np.ceil(bdtrik(1.0 - tails, own_m, own[:, slices + 1])), own_m)
        least = np.maximum(bdtrik(tails, own_n, boundary.edge(own[:, slices])), 0.0)
        clear = clear[np.all(score_statistic(least, own_n, most, own_m, boundary) > observed[clear], axis=1)]
    found = np.zeros(x.shape, dtype=np.bool_)
    found[clear] = True
    return found


def _largest_listed(
    x: FloatArray,
    n: FloatArray,
    y: FloatArray,
    m: FloatArray,
    low: FloatArray,
    high: FloatArray,
    boundary: Boundary,
    limit: FloatArray | None,
) -> FloatArray:
    """Largest probability over rates of the rest from low to high, in steps close enough for each group."""
    even = np.linspace(0.0, 1.0, _RULER)
    ruler = low[:, None] + (high - low)[:, None] * even
    away = np.sqrt(m)[:, None] * _angle(ruler) + np.sqrt(n)[:, None] * _angle(boundary.edge(ruler))
    away -= away[:, :1]
    count = np.maximum(_LEAST_RATES, np.ceil(away[:, -1] / _STEP).astype(np.int64) + 1)
    rates = [_spread(ruler[group], away[group], int(tried)) for group, tried in enumerate(count)]
    own = None if limit is None else limit / _MISSED
    return np.asarray(largest_rejection_probability(x, n, y, m, rates, boundary, limit=own) * _MISSED)


def _spread(ruler: FloatArray, away: FloatArray, count: int) -> FloatArray:
    """float64[R]: rates of the rest at equal steps of `away` from the first of the ruler to its last."""
    rates = np.round(np.interp(np.linspace(0.0, away[-1], count), away, ruler), _DIGITS)
    rates[0], rates[-1] = ruler[0], ruler[-1]
    return np.asarray(rates)


def _angle(rate: FloatArray) -> FloatArray:
    """Arcsine transform: a binomial rate of n cases then has a standard error of 1 / sqrt(n) everywhere."""
    return np.asarray(2.0 * np.arcsin(np.sqrt(np.clip(rate, 0.0, 1.0))))


def screened_p(
    x: Counts,
    n: Counts,
    y: Counts,
    m: Counts,
    boundary: Boundary,
    beta: float = FAIL_BETA,
    threshold: float = 0.10,
) -> ScreenedP:
    """Exact p-values where they can matter, asymptotic ones elsewhere.

    Parameters
    ----------
    x, n, y, m, boundary, beta
        As in `exact_p`.
    threshold : float
        Groups with an asymptotic p-value at or above it keep that p-value.

    Returns
    -------
    ScreenedP
        ``p`` and ``is_exact``, both of shape (G,). Only exact p-values may be compared with a level.

    Raises
    ------
    ValueError
        As in `exact_p`, or if the threshold is not in (0, 1).
    """
    checked_fraction(threshold, "threshold")
    x_, n_, y_, m_ = np.broadcast_arrays(*(np.asarray(counts, dtype=np.float64) for counts in (x, n, y, m)))
    p = asymptotic_p(x_, n_, y_, m_, boundary)
    is_exact = p < threshold
    p[is_exact] = exact_p(x_[is_exact], n_[is_exact], y_[is_exact], m_[is_exact], boundary, beta)
    return ScreenedP(p, is_exact)


def _testable(
    x: Counts, n: Counts, y: Counts, m: Counts, boundary: Boundary
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, BoolArray]:
    x_, n_ = checked_counts(x, n)
    y_, m_ = checked_counts(y, m)
    x_, n_, y_, m_ = np.broadcast_arrays(x_, n_, y_, m_)
    rest_rate = y_ / np.where(m_ > 0, m_, 1.0)
    return x_, n_, y_, m_, (n_ > 0) & (m_ > 0) & (boundary.edge(rest_rate) > 0.0)
