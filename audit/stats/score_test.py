"""Exact unconditional test that a group lies beyond (or within) a margin of the rest.

Tables are ordered by the score statistic (Chan 1998) and the rest's unknown rate ranges over a confidence set (Berger
& Boos 1994). The p-value is valid for any sizes; a group that mixes several rates has a lighter tail than the binomial
(Hoeffding 1956), so it stays valid there too.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from audit.stats.binomial import BoolArray, Counts, FloatArray, binomial_cdf, checked_counts, checked_fraction
from audit.stats.boundaries import Boundary
from audit.stats.intervals import clopper_pearson
from audit.stats.score_statistic import score_statistic

FAIL_BETA = 1e-6
"""Error spent on the confidence set of the rest's rate when testing for FAIL."""
PASS_BETA = 1e-3
"""The same for PASS, where levels are never as small."""

_REST_RATES = 9
_TIE = 1e-9
_REST_BINS = 384
_LOG_NEGLIGIBLE = np.log(1e12)
_CHUNK_CELLS = 300_000


class ScreenedP(NamedTuple):
    """P-values and which of them are exact."""

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
    ``p = beta + max_r P(z(U, Y) <= z(x, y))`` with ``U ~ Bin(n, edge(r))``, ``Y ~ Bin(m, r)`` and 9 values of r
    across the Clopper-Pearson set of level ``1 - beta``. Y is exact while its support within the set has at most 384
    points; beyond that neighbouring values share a bin and every value in it is treated as the largest, which can only
    raise the p-value. Mass below 1e-12 outside the support is counted as rejected.
    """
    checked_fraction(beta, "beta")
    x_, n_, y_, m_, testable = _testable(x, n, y, m, boundary)
    if any(not np.array_equal(counts, np.floor(counts)) for counts in (x_, n_, y_, m_)):
        raise ValueError("the exact test needs whole counts")
    p = np.ones(x_.shape)
    rows = np.flatnonzero(testable)
    support = _RestSupport.of(y_[rows], m_[rows], beta)
    order = np.argsort(support.bins, kind="stable")
    while order.size:
        # The width depends on the group alone, so that its p-value does not depend on its companions.
        width = int(support.bins[order[0]])
        same = order[support.bins[order] == width][: max(1, _CHUNK_CELLS // (width * _REST_RATES))]
        chosen = rows[same]
        p[chosen] = _exact_chunk(x_[chosen], n_[chosen], y_[chosen], m_[chosen], boundary, support.take(same))
        order = order[same.size :]
    p[rows] = np.minimum(1.0, p[rows] + beta)
    return p


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


class _RestSupport(NamedTuple):
    """Values of the rest's count worth enumerating, for a confidence set of its rate."""

    rates: FloatArray  # (G, 9)
    start: FloatArray  # (G,) smallest value
    stride: FloatArray  # (G,) values per bin
    stop: FloatArray  # (G,) largest value
    bins: FloatArray  # (G,) a power of two, so that groups share few shapes

    @classmethod
    def of(cls, y: FloatArray, m: FloatArray, beta: float) -> _RestSupport:
        low, high = clopper_pearson(y, m, 1.0 - beta)
        rates = low[:, None] + (high - low)[:, None] * np.linspace(0.0, 1.0, _REST_RATES)
        start = np.floor(np.maximum(m * low - _reach(m, low), 0.0))
        stop = np.ceil(np.minimum(m * high + _reach(m, high), m))
        stride = np.ceil((stop - start + 1.0) / _REST_BINS)
        needed = np.ceil((stop - start + 1.0) / stride)
        bins = np.minimum(2.0 ** np.ceil(np.log2(np.maximum(needed, 16.0))), _REST_BINS)
        return cls(rates, start, stride, stop, bins)

    def take(self, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> _RestSupport:
        return _RestSupport(*(values[rows] for values in self))


def _reach(m: FloatArray, rate: FloatArray) -> FloatArray:
    """Distance from the mean beyond which a binomial has mass below 1e-12 (Bernstein's inequality)."""
    third = _LOG_NEGLIGIBLE / 3.0
    return np.asarray(third + np.sqrt(third * third + 2.0 * _LOG_NEGLIGIBLE * m * rate * (1.0 - rate)))


def _exact_chunk(
    x: FloatArray, n: FloatArray, y: FloatArray, m: FloatArray, boundary: Boundary, support: _RestSupport
) -> FloatArray:
    """Largest rejection probability over the rest's rates, for groups with equally many bins."""
    bins = int(support.bins[0])
    tops = support.start[:, None] + support.stride[:, None] * np.arange(1.0, bins + 1.0) - 1.0
    tops = np.minimum(tops, support.stop[:, None])
    limit = score_statistic(x, n, y, m, boundary) + _TIE
    largest = _largest_rejected(tops, n, m, limit, boundary)

    best = np.zeros(x.shape)
    for column in range(_REST_RATES):
        rate = support.rates[:, column]
        weight = _bin_weights(tops, m, rate)
        heavy = weight > 1e-15
        group = np.ones(tops.shape)
        trials = np.broadcast_to(n[:, None], tops.shape)[heavy]
        chance = np.broadcast_to(boundary.edge(rate)[:, None], tops.shape)[heavy]
        group[heavy] = binomial_cdf(largest[heavy], trials, chance)
        best = np.maximum(best, (weight * group).sum(axis=1) + np.exp(-_LOG_NEGLIGIBLE))
    return best


def _bin_weights(tops: FloatArray, m: FloatArray, rate: FloatArray) -> FloatArray:
    """Probability of each bin of the rest's count; the first bin also takes everything below it."""
    trials, chance = m[:, None], rate[:, None]
    away = tops - trials * chance
    reach = _reach(trials, chance)
    near = np.abs(away) <= reach
    below = np.where(away > 0.0, 1.0, 0.0)
    below[near] = binomial_cdf(
        tops[near], np.broadcast_to(trials, tops.shape)[near], np.broadcast_to(chance, tops.shape)[near]
    )
    return np.diff(below, axis=1, prepend=0.0)


def _largest_rejected(
    rest_counts: FloatArray, n: FloatArray, m: FloatArray, limit: FloatArray, boundary: Boundary
) -> FloatArray:
    """Largest group count whose score is at most ``limit``, for every count of the rest; -1 where there is none.

    The result increases along ``rest_counts``, so every sixteenth value brackets those between.
    """
    groups, width = rest_counts.shape
    anchors = np.append(np.arange(0, width - 1, 16), width - 1)
    lowest = np.full((groups, anchors.size), -1.0)
    at_anchors = _bisect(rest_counts[:, anchors], lowest, lowest + 1.0 + n[:, None], n, m, limit, boundary)
    position = np.minimum(np.arange(width) // 16, anchors.size - 2)
    return _bisect(rest_counts, at_anchors[:, position], at_anchors[:, position + 1], n, m, limit, boundary)


def _bisect(
    rest_counts: FloatArray,
    low: FloatArray,
    high: FloatArray,
    n: FloatArray,
    m: FloatArray,
    limit: FloatArray,
    boundary: Boundary,
) -> FloatArray:
    """Largest whole number in [low, high] with a score at most ``limit``, where ``low`` itself is known to qualify."""
    low, high = low.copy(), high.copy()
    for _ in range(int(np.ceil(np.log2(np.max(high - low) + 1.0)))):
        middle = np.ceil((low + high) / 2.0)
        qualifies = score_statistic(middle, n[:, None], rest_counts, m[:, None], boundary) <= limit[:, None]
        low = np.where(qualifies, middle, low)
        high = np.where(qualifies, high, middle - 1.0)
    return low
