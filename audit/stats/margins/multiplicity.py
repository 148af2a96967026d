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
  20 are not discarded from (``w = 1``), and what a caller leaves unspent is for the remaining doubt.

*Any dependence.* `audit.stats.margins.two_step`: no group is discarded, and nothing has to be independent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias, get_args

import numpy as np
from scipy.special import ndtr

from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.margins.two_step import all_bounds, gives_at_least, planned_level, two_steps
from audit.stats.rates.binomial import Counts, binomial_cdf, checked_counts, checked_fraction, largest_count
from audit.stats.rates.bisection import bisected
from audit.stats.rates.boundaries import Boundary, counted_rate
from audit.stats.rates.intervals import clopper_pearson

Method = Literal["discarding", "any_dependence"]
Places: TypeAlias = IntArray | slice
ALL = slice(None)

DISCARDING_MIN_GROUPS = 20
"""Smaller families keep all groups: the rest they share would carry discarding up to 7 % at a nominal 5 %."""

_REST_ERROR = 1e-6
_MAX_WIDTH = 4.0
_LARGEST_PENALTY = 400.0
_BISECTIONS = 40


class FamilyRejections(NamedTuple):
    """Groups of one family that may be named, and the levels of their tests.

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
    """Arrays of shape (G,) that discarding needs, for the testable groups of a family."""

    p: FloatArray
    x: FloatArray
    n: FloatArray
    edge: FloatArray
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
        between groups, clusters that span groups), and names more where most groups are surely within the limit.

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
        p_, x_, n_, y_, m_ = (values[testable] for values in (p_, x_, n_, y_, m_))
        if method == "any_dependence":
            found = two_steps(p_, all_bounds(x_, n_, y_, m_, boundary, level), level)
        else:
            found = _discarding(_family(p_, x_, n_, y_, m_, boundary), level)
        rejected[testable], local_level[testable] = found
    return FamilyRejections(rejected, local_level)


def method_by_sizes(n: Counts, m: Counts, rate: float, boundary: Boundary, level: float) -> Method:
    """Choose the method for a family of disjoint groups, before any answer is known.

    Parameters
    ----------
    n, m : array_like, shape (G,)
        Cases of each group and of its own rest, positive.
    rate : float
        Rate of the metric that is expected of everyone.
    boundary, level
        As in `reject_family`.

    Returns
    -------
    Method
        "any_dependence" where it gives a group that points to harm at least what the other method could: half of the
        level with discarding, whose survivors pay for a chance of at most one half, and an equal share without.
    """
    groups = np.size(n)
    least = level / (2 if groups >= DISCARDING_MIN_GROUPS else max(groups, 1))
    spared = groups > 0 and gives_at_least(least, n, m, rate, boundary, level)
    return "any_dependence" if spared else "discarding"


def first_step_levels(
    n: Counts, m: Counts, rate: float, boundary: Boundary, level: float, method: Method = "discarding", of: Places = ALL
) -> FloatArray:
    """Level for each group's p-value in the first step, before any answer is known; only for the groups `of`.

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
    is kept; the rest shows the rate supposed. "any_dependence": all other groups show it too. Later steps only raise a
    level.
    """
    checked_fraction(level, "level")
    n_, m_ = np.broadcast_arrays(np.asarray(n, dtype=np.float64), np.asarray(m, dtype=np.float64))
    if n_.size == 0:
        return np.zeros(n_.shape)
    if method == "any_dependence":
        return np.full(n_[of].shape, planned_level(n_, m_, rate, boundary, level))
    sizes, alike, count = np.unique(np.stack([n_, m_]), axis=1, return_inverse=True, return_counts=True)
    counted = float(counted_rate(rate, boundary))
    own, rest = sizes
    family = _family(np.ones(own.shape), own * counted, own, rest * counted, rest, boundary)
    top, survival = _survivors(family, n_.size)
    presence = binomial_cdf(top, own, counted)
    least_possible = binomial_cdf(0.0, own, family.highest_edge)
    asked, alike = np.unique(alike.reshape(-1)[of], return_inverse=True)
    low, high = np.zeros(asked.shape), np.full(asked.shape, _LARGEST_PENALTY)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2.0
        given = weighted_levels(family.power_width, middle[:, np.newaxis], level)
        charged = np.where(survival * given >= least_possible, given, 0.0)
        total = charged @ (presence * count) + charged[np.arange(asked.size), asked] * (1.0 - presence[asked])
        low, high = np.where(total <= level, low, middle), np.where(total <= level, middle, high)
    return np.asarray((survival[asked] * weighted_levels(family.power_width[asked], high, level))[alike])


def _checked_p(p: Counts) -> FloatArray:
    values = np.asarray(p, dtype=np.float64)
    if not ((values >= 0.0) & (values <= 1.0)).all():
        raise ValueError("p-values must lie in [0, 1]")
    return values


def _family(p: FloatArray, x: FloatArray, n: FloatArray, y: FloatArray, m: FloatArray, boundary: Boundary) -> _Family:
    _, high = clopper_pearson(y, m, 1.0 - _REST_ERROR)
    return _Family(
        p=p,
        x=x,
        n=n,
        edge=boundary.edge((y + 0.5) / (m + 1.0)),
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


def smallest_penalty(holds: Callable[[float], bool]) -> float:
    """Smallest penalty that meets a condition, which holds for the largest one and down to some point."""
    return 0.0 if holds(0.0) else bisected(holds, 0.0, _LARGEST_PENALTY, _BISECTIONS)[1]
