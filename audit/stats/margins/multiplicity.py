"""Name groups of one family of disjoint groups, at a family-wise error of at most the family's level.

A family is a set of groups that share no row, such as all countries, or all crosses of gender and region. Families
are combined by splitting the level between them, which needs no independence.

*Discarding.* Groups in the better half of their own null distribution are dropped, and the others pay for having been
selected (Zhao, Small & Su 2019; Ellis, Pecanka & Goeman 2020); the level is shared in proportion to what a group of
that size could show (weights ``Phi(-(mu/2 + lambda/mu))``, Spjotvoll 1972); then step down. What is particular here:

- A group is charged the level ``t`` it is given, or nothing when not even a count of 0 could reach ``t``. Charging the
  largest value below ``t`` that is attainable at the *upper end* of the confidence set of the rest's rate, as is
  tempting, is not valid: it is not what the group attains at the true rate, and named a group in 9.9 % of simulated
  audits at a nominal 4.5 % (20 groups of 10, half of them on the margin; 3 % as it is done here).
- Survival, ``x <= k`` with ``k`` the largest count of probability at most one half, and its probability ``w`` are both
  taken at the rest's estimated rate ``(y + 1/2) / (m + 1)``, so that they belong together.
- Discarding is exact for a known rest. With the rest that the groups share, 22 groups of 100 erred in 4.2 % (all on a
  margin of zero, 8,000 runs) and 4.5 % (half on a ratio of .8, 4,000 runs) at a nominal 4.5 %; smaller families than
  20 are not discarded from (``w = 1``), and what a caller leaves unspent covers the remaining doubt.

*Any dependence.* Two steps (Romano, Shaikh & Wolf 2014): lower confidence bounds for all rates of the family at a joint
error of ``level / 9``, then one common level ``t <= level`` such that the probabilities ``min(t, P(U <= c))`` sum to at
most ``level``, with c the largest count that can reach ``t`` and U at the larger of its lower bound and the lowest
edge; then step down.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, get_args

import numpy as np
from scipy.special import betaincinv, ndtr

from audit.stats.arrays import BoolArray, FloatArray
from audit.stats.rates.binomial import Counts, binomial_cdf, checked_counts, checked_fraction, largest_count
from audit.stats.rates.bisection import bisected
from audit.stats.rates.boundaries import Boundary, counted_rate
from audit.stats.rates.intervals import clopper_pearson

Method = Literal["discarding", "any_dependence"]

DISCARDING_MIN_GROUPS = 20
"""Smaller families keep all groups: the rest they share would carry discarding up to 7 % at a nominal 5 %."""

_REST_ERROR = 1e-6
_MAX_WIDTH = 4.0
_LOWER_BOUND_SHARE = 1.0 / 9.0
_LARGEST_PENALTY = 400.0
_BISECTIONS = 40


class FamilyRejections(NamedTuple):
    """Outcome of one family.

    Attributes
    ----------
    rejected : ndarray of bool, shape (G,)
        Groups that may be named.
    local_level : ndarray of float64, shape (G,)
        The level each group's p-value was held against in the last step, never above the family's level; 0 for a
        group that cannot be tested. ``rejected`` is ``p <= local_level``.
    """

    rejected: BoolArray
    local_level: FloatArray


class _Family(NamedTuple):
    """Arrays of shape (G,) that both methods need, for the testable groups of a family."""

    p: FloatArray
    x: FloatArray
    n: FloatArray
    edge: FloatArray
    lowest_edge: FloatArray
    highest_edge: FloatArray
    power_width: FloatArray


def reject_family(
    p: Counts,
    x: Counts,
    n: Counts,
    y: Counts,
    m: Counts,
    boundary: Boundary,
    level: float,
    method: Method = "discarding",
) -> FamilyRejections:
    """Name the groups of one family that lie beyond the margin.

    Parameters
    ----------
    p : array_like, shape (G,)
        P-values from `audit.stats.margins.score_test.screened_p` or `exact_p`; those at or below ``level`` must be
        exact.
    x, n, y, m : array_like, shape (G,)
        Counted outcomes and totals of each group and of its own rest, as given to the test.
    boundary : Boundary
        Edge of the hypothesis.
    level : float
        The family's share of the error: .045 divided by the number of families leaves room for what "Notes" admits.
    method : {"discarding", "any_dependence"}
        "discarding" needs groups that are independent given their sizes. "any_dependence" does not (rows shared
        between groups, clusters that span groups); it spends another ``level / 9`` on lower bounds.

    Returns
    -------
    FamilyRejections
        Groups without cases (n = 0), without a rest (m = 0) or with nothing below the edge are never rejected and do
        not count towards the family's size.

    Raises
    ------
    ValueError
        If counts or p-values are impossible, the level is not in (0, 1), or the method is unknown.
    """
    if method not in get_args(Method):
        raise ValueError(f"unknown method {method!r}")
    checked_fraction(level, "level")
    p_, x_, n_, y_, m_ = np.broadcast_arrays(_checked_p(p), *checked_counts(x, n), *checked_counts(y, m))
    testable = (n_ > 0) & (m_ > 0)
    testable &= boundary.edge(y_ / np.where(m_ > 0, m_, 1.0)) > 0.0
    rejected, local_level = np.zeros(p_.shape, dtype=np.bool_), np.zeros(p_.shape)
    if testable.any():
        family = _family(p_[testable], x_[testable], n_[testable], y_[testable], m_[testable], boundary)
        judge = _discarding if method == "discarding" else _any_dependence
        rejected[testable], local_level[testable] = judge(family, level)
    return FamilyRejections(rejected, local_level)


def first_step_levels(
    n: Counts, m: Counts, rate: float, boundary: Boundary, level: float, method: Method = "discarding"
) -> FloatArray:
    """Level for each group's p-value in the first step, before any answer is known.

    Parameters
    ----------
    n, m : array_like, shape (G,)
        Cases of each group and of its own rest, positive.
    rate : float
        True rate of the metric, supposed for all but the group in question, which is supposed to point to harm.
    boundary, level, method
        As in `reject_family`.

    Returns
    -------
    ndarray of float64, shape (G,)

    Notes
    -----
    "discarding": every other group is charged with the probability that it is kept, in place of whether it
    is kept; the rest shows the rate supposed. "any_dependence": the level that is certain, ``level / G``, since its
    first
    step depends on what is found. Later steps only raise a level.
    """
    checked_fraction(level, "level")
    n_, m_ = np.broadcast_arrays(np.asarray(n, dtype=np.float64), np.asarray(m, dtype=np.float64))
    if method == "any_dependence" or n_.size == 0:
        return np.full(n_.shape, level / max(n_.size, 1))
    sizes, alike, count = np.unique(np.stack([n_, m_]), axis=1, return_inverse=True, return_counts=True)
    counted = float(counted_rate(rate, boundary))
    own, rest = sizes
    family = _family(np.ones(own.shape), own * counted, own, rest * counted, rest, boundary)
    top, survival = _survivors(family, n_.size)
    presence = binomial_cdf(top, own, counted)
    least_possible = binomial_cdf(0.0, own, family.highest_edge)
    low, high = np.zeros(own.shape), np.full(own.shape, _LARGEST_PENALTY)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2.0
        given = weighted_levels(family.power_width, middle[:, np.newaxis], level)
        charged = np.where(survival * given >= least_possible, given, 0.0)
        total = charged @ (presence * count) + np.diag(charged) * (1.0 - presence)
        low, high = np.where(total <= level, low, middle), np.where(total <= level, middle, high)
    return np.asarray((survival * weighted_levels(family.power_width, high, level))[alike.reshape(-1)])


def _checked_p(p: Counts) -> FloatArray:
    values = np.asarray(p, dtype=np.float64)
    if not ((values >= 0.0) & (values <= 1.0)).all():
        raise ValueError("p-values must lie in [0, 1]")
    return values


def _family(p: FloatArray, x: FloatArray, n: FloatArray, y: FloatArray, m: FloatArray, boundary: Boundary) -> _Family:
    low, high = clopper_pearson(y, m, 1.0 - _REST_ERROR)
    return _Family(
        p=p,
        x=x,
        n=n,
        edge=boundary.edge((y + 0.5) / (m + 1.0)),
        lowest_edge=boundary.edge(low),
        highest_edge=boundary.edge(high),
        power_width=_power_width(x + y, n + m, n, boundary),
    )


def _power_width(x_all: FloatArray, n_all: FloatArray, n: FloatArray, boundary: Boundary) -> FloatArray:
    """Width of the margin in standard errors of the group, at most 4: the weights are made from it."""
    overall = x_all / n_all
    edge = boundary.edge(overall)
    width = np.abs(overall - edge)
    with np.errstate(divide="ignore", invalid="ignore"):
        in_errors = np.where(width > 0.0, width / np.sqrt(edge * (1.0 - edge) / n), 1.0)
    # A margin of zero does not say which group could show more, so all groups then weigh the same.
    return np.minimum(in_errors, _MAX_WIDTH)


def _discarding(family: _Family, level: float) -> tuple[BoolArray, FloatArray]:
    survivor_top, survival = _survivors(family, family.n.size)
    in_play = (family.x <= survivor_top) & (survival > 0.0)
    least_possible = binomial_cdf(0.0, family.n, family.highest_edge)

    def charge(penalty: float) -> float:
        given = weighted_levels(family.power_width, penalty, level)
        return float(np.where(in_play & (survival * given >= least_possible), given, 0.0).sum())

    rejected = np.zeros(family.n.shape, dtype=np.bool_)
    while True:
        penalty = smallest_penalty(lambda value: charge(value) <= level)
        local_level = survival * weighted_levels(family.power_width, penalty, level)
        new = in_play & (family.p <= local_level)
        if not new.any():
            return rejected, local_level
        rejected |= new
        in_play &= ~new


def _survivors(family: _Family, groups: int) -> tuple[FloatArray, FloatArray]:
    """Largest count at which a group is kept, and its probability on the edge; small families keep every group."""
    if groups < DISCARDING_MIN_GROUPS:
        return family.n, np.ones(family.n.shape)
    top = largest_count(np.full(family.n.shape, 0.5), family.n, family.edge)
    return top, binomial_cdf(top, family.n, family.edge)


def weighted_levels(width: FloatArray, penalty: FloatArray | float, level: float) -> FloatArray:
    """Levels of groups whose margins are so many standard errors wide (Spjotvoll 1972), at most `level`."""
    return np.minimum(ndtr(-(width / 2.0 + penalty / width)), level)


def _any_dependence(family: _Family, level: float) -> tuple[BoolArray, FloatArray]:
    bound_error = level * _LOWER_BOUND_SHARE / family.n.size
    lower_bound = np.where(
        family.x > 0.0,
        betaincinv(np.maximum(family.x, 1.0), family.n - family.x + 1.0, bound_error),
        0.0,
    )
    rate = np.maximum(family.lowest_edge, lower_bound)
    in_play = np.ones(family.n.shape, dtype=np.bool_)
    rejected = np.zeros(family.n.shape, dtype=np.bool_)
    while True:
        threshold = _common_level(family, rate, in_play, level)
        new = in_play & (family.p <= threshold)
        if not new.any():
            return rejected, np.full(family.n.shape, threshold)
        rejected |= new
        in_play &= ~new


def _common_level(family: _Family, rate: FloatArray, in_play: BoolArray, level: float) -> float:
    """Largest threshold up to ``level`` at which the groups in play are named by mistake ``level`` of the time."""
    n, edge, rate = family.n[in_play], family.highest_edge[in_play], rate[in_play]

    def is_within(threshold: float, top: FloatArray) -> bool:
        return float(np.minimum(threshold, binomial_cdf(top, n, rate)).sum()) <= level

    if not in_play.any() or is_within(level, largest_count(level, n, edge)):
        return level
    low, high = level / n.size, level
    low_top, high_top = largest_count(low, n, edge), largest_count(high, n, edge)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2.0
        top = largest_count(middle, n, edge, within=(low_top, high_top))
        if is_within(middle, top):
            low, low_top = middle, top
        else:
            high, high_top = middle, top
    return low


def smallest_penalty(holds: Callable[[float], bool]) -> float:
    """Smallest penalty that meets a condition, which holds for the largest one and down to some point."""
    return 0.0 if holds(0.0) else bisected(holds, 0.0, _LARGEST_PENALTY, _BISECTIONS)[1]
