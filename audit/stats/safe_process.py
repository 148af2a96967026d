"""Evidence that a group is beyond a margin of the rest, which may be read every night while new cases arrive.

A p-value that is read again and again finds something in the end. The product of likelihood ratios kept here has a mean
of at most 1 while the group is within the margin, at any time of stopping. So a rule that fails a group once the
product
reaches 1/a is wrong in at most the share a of whole histories (Ville 1939).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.binomial import Counts, checked_fraction
from audit.stats.boundaries import Boundary
from audit.stats.score_test import restricted_rates

_LEAST_RATE: Final = 1e-6


class SafeState(NamedTuple):
    """State of the process for each group; every field has shape (G,)."""

    counted: IntArray
    """Counted outcomes of the group so far."""
    cases: IntArray
    """Cases of the group so far."""
    rest_counted: IntArray
    """Counted outcomes of the rest so far."""
    rest_cases: IntArray
    """Cases of the rest so far."""
    log_e: FloatArray
    """Natural logarithm of the evidence against "the group is within the margin"."""


def new_state(groups: int) -> SafeState:
    """Start the process of so many groups, with nothing seen yet."""
    zeros = np.zeros(groups, dtype=np.int64)
    return SafeState(zeros, zeros, zeros, zeros, np.zeros(groups))


def take_in(state: SafeState, x: Counts, n: Counts, y: Counts, m: Counts, boundary: Boundary) -> SafeState:
    """Add new cases to the evidence, each of them once.

    Parameters
    ----------
    state : SafeState
        State so far, of the same model, metric and margin.
    x, n, y, m : array_like of integers, shape (G,)
        Counted outcomes and totals of each group and of its rest among the new cases; where a group or its rest has
        none, the evidence stays as it is.
    boundary : Boundary
        The edge of the hypothesis "group rate >= edge(rest rate)" that evidence is collected against.

    Returns
    -------
    SafeState

    Raises
    ------
    ValueError
        If counts are impossible.

    Notes
    -----
    Turner, Ly & Grünwald (2024), "Generic E-variables for exact sequential k-sample tests that allow for optional
    stopping", J. Statistical Planning and Inference 230: the likelihood of an alternative over that of its projection
    onto the convex hypothesis, the nearest point of the edge. The alternative is learnt from earlier
    cases alone: the rest's rate with half a case of each kind added, the group's with one case at twice the margin (at
    the rest's rate, where the edge lies on the other side of it).
    """
    x_, n_, y_, m_ = _checked(x, n, y, m)
    rest = (state.rest_counted + 0.5) / (state.rest_cases + 1.0)
    group = np.clip((state.counted + _planned(rest, boundary)) / (state.cases + 1.0), _LEAST_RATE, 1.0 - _LEAST_RATE)
    return SafeState(
        state.counted + x_,
        state.cases + n_,
        state.rest_counted + y_,
        state.rest_cases + m_,
        state.log_e + _gained(group, rest, _Counted(x_, n_, y_, m_), boundary),
    )


def log_factor(state: SafeState, x: Counts, n: Counts, y: Counts, m: Counts, boundary: Boundary) -> FloatArray:
    """float64[G]: logarithm of the factor on the evidence from new cases alone, whatever the group showed before.

    Parameters are those of `take_in`. The alternative is the group at twice the margin, but at least at half of the
    edge, with
    the rest as earlier cases have shown it. So it can see a change on the last night as well as on the first; an
    alternative
    learnt from a long past would say that there is none. The mean of the factor is at most 1 while the group is within
    the
    margin, since the alternative is fixed before the new cases. Raises ValueError if counts are impossible.
    """
    x_, n_, y_, m_ = _checked(x, n, y, m)
    rest = (state.rest_counted + 0.5) / (state.rest_cases + 1.0)
    edge = boundary.edge(rest)
    group = np.clip(np.maximum(_planned(rest, boundary), edge / 2.0), _LEAST_RATE, 1.0 - _LEAST_RATE)
    return _gained(group, rest, _Counted(x_, n_, y_, m_), boundary)


def e_holm(
    log_e: FloatArray, level: float, shares: FloatArray | None = None, rejected: BoolArray | None = None
) -> BoolArray:
    """Hypotheses that the evidence rejects; any true one is rejected with at most this chance, at any time.

    Parameters
    ----------
    log_e : ndarray of float64, shape (G,)
        Logarithms of the evidence against each; they may depend on each other in any way.
    level : float
        Chance of any false rejection, in (0, 1).
    shares : ndarray of float64, shape (G,)
        Share of the level that each hypothesis has. Shares add up to at most 1 and are fixed before the evidence; equal
        where
        not given. The remaining share belongs to hypotheses that are still to come, and is never freed.
    rejected : ndarray of bool, shape (G,)
        Hypotheses that were rejected earlier; they stay rejected.

    Returns
    -------
    ndarray of bool, shape (G,)

    Raises
    ------
    ValueError
        If the level or the shares are out of range.

    Notes
    -----
    Holm (1979) with 1/E in the place of p-values (Vovk & Wang 2021, Annals of Statistics 49, 1736-1754), with weights.
    When a true hypothesis j is the first to be rejected, all rejected before are false ones, so that the bar
    (1 - their shares) / (level x share of j) is at least (shares of all true ones) / (level x share of j): the weighted
    mean of the evidence against the true ones is then at least 1/level, and it is evidence itself. That holds over time
    as well, since the mean is over the same hypotheses each night, seen (E = 1 so far) or not.
    """
    checked_fraction(level, "level")
    group_shares = np.full(log_e.shape, 1.0 / max(log_e.size, 1)) if shares is None else shares
    if not ((group_shares > 0.0).all() and group_shares.sum() <= 1.0 + 1e-9):
        raise ValueError("shares must be positive and add up to at most 1")
    is_rejected: BoolArray = np.zeros(log_e.shape, dtype=np.bool_) if rejected is None else rejected.copy()
    while True:
        # the remaining share is at least a hypothesis' own share, apart from rounding
        left = np.maximum(1.0 - group_shares[is_rejected].sum(), group_shares)
        more = ~is_rejected & (log_e >= np.log(left / group_shares) - np.log(level))
        if not more.any():
            return is_rejected
        is_rejected |= more


def mean_log_e(log_e: FloatArray, shares: FloatArray) -> float:
    """Logarithm of the evidence against "all of these hypotheses are true": mean of E, weighted by their shares.

    The share left to hypotheses still to come counts as E = 1. Arrays have shape (G,); shares as in `e_holm`.
    """
    left = max(1.0 - float(shares.sum()), 0.0)
    terms = np.append(log_e + np.log(shares), np.log(left) if left > 0.0 else -np.inf)
    return float(np.logaddexp.reduce(terms))


class _Counted(NamedTuple):
    x: IntArray
    n: IntArray
    y: IntArray
    m: IntArray


def _checked(x: Counts, n: Counts, y: Counts, m: Counts) -> tuple[IntArray, ...]:
    x_, n_, y_, m_ = np.broadcast_arrays(*(np.asarray(count, dtype=np.int64) for count in (x, n, y, m)))
    if not ((x_ >= 0) & (x_ <= n_) & (y_ >= 0) & (y_ <= m_)).all():
        raise ValueError("counts must not be negative, and no more can be counted than there are cases")
    return x_, n_, y_, m_


def _planned(rest: FloatArray, boundary: Boundary) -> FloatArray:
    """Rate of the group at twice the margin, or at the rest's rate where the edge lies on the other side of it."""
    planned: FloatArray = np.minimum(2.0 * (boundary.offset + boundary.slope * rest) - rest, rest)
    return np.clip(planned, 0.0, 1.0)


def _gained(group: FloatArray, rest: FloatArray, new: _Counted, boundary: Boundary) -> FloatArray:
    """Log likelihood of these rates over that of the nearest ones on the edge; 0 where the cases say nothing."""
    x, n, y, m = new
    counts = (n > 0) & (m > 0) & (group < boundary.edge(rest))
    safe_n, safe_m = np.where(counts, n, 1), np.where(counts, m, 1)
    nearest_rest, nearest = restricted_rates(safe_n * group, safe_n, safe_m * rest, safe_m, boundary)
    with np.errstate(divide="ignore", invalid="ignore"):
        gained = _times(x, np.log(group / nearest)) + _times(n - x, np.log((1.0 - group) / (1.0 - nearest)))
        gained += _times(y, np.log(rest / nearest_rest)) + _times(m - y, np.log((1.0 - rest) / (1.0 - nearest_rest)))
    return np.where(counts, gained, 0.0)


def _times(count: IntArray, logarithm: FloatArray) -> FloatArray:
    return np.where(count > 0, count * logarithm, 0.0)
