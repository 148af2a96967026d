"""Naming groups of one family at the level of the family.

Name groups of one family by two steps, at the family's level however groups and p-values depend on each other.

First, lower bounds of all rates at a joint error of a tenth of the level show who is surely better than the limit. Then
one threshold ``t`` for all p-values is chosen, as large as the others allow (Romano, Shaikh & Wolf 2014). Where all are
surely better but for one bad group, that group has nearly the whole level.

*Why the error is at most the level.* Let group i be within the limit: its rate p is at least b(r), with r the rate of
its rest, and X of n are counted in the group, Y of m in the rest. A p-value is valid, and for every r in a confidence
set of the rest's rate it is at least ``P(X' <= X, Y' >= Y)`` on the edge, since such tables are no less extreme. But
for a chance of ``level / 10``, of all groups together,

1. ``rate``, the larger of the lower bound of p and of b at the lower bound of r (Clopper-Pearson), is at most p;
2. the upper bound r1 of r is at least r, so that ``y1``, which a rest of rate r1 exceeds rarely enough, is exceeded as
   rarely at r, and no table that rejects has ``Y > y1``.

A table with ``Y <= y1`` and a p-value of at most t has ``P(X' <= X; n, b(r2)) <= t / .95``, r2 being the 95 % upper
bound of the rate of a rest that shows y1: some rate of the set is at most r2 and has ``P(Y' >= Y) >= .95``. So X is at
most the count c of `largest_chances`, and a p-value is at most t with a chance of at most ``min(t, P(X' <= c; n,
rate))``. At the true rates the sum of these chances over the groups within the limit grows with t; up to a threshold
where it is 9/10 of the level a false name has at most that chance (union bound). As `largest_chances` gives no smaller
ones, the threshold found is not above that one. Groups named leave the sum, and until the first false name all of them
are beyond the limit.

Name groups of one family of disjoint groups, at a family-wise error of at most the family's level.

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

*Any dependence.* `two_steps`: no group is discarded, and nothing has to be independent.

Test whether some groups of a family are beyond the margin, and how many at least, even where none can be named.

Fisher's combination of the groups that point towards harm (verdict "several are beyond the margin; none can be named").
A sum over all groups would drown in those that are well within the margin, whose p-values lie near 1. The sum over the
groups in the worse half of their own null distribution, each corrected for its selection, does not.

Divide a level over groups whose p-values depend on the level that they are compared with.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv, gammaincc, ndtr

from audit.stats.arrays import BoolArray, FloatArray, IntArray, once_for_equals
from audit.stats.binomial import Counts, binomial_cdf, checked_counts, checked_fraction, largest_count
from audit.stats.bisection import bisected
from audit.stats.boundaries import Boundary, counted_rate
from audit.stats.intervals import clopper_pearson

BOUNDS_SHARE: Final = 0.1
"""Share of a family's level that its bounds may be wrong with."""
_OWN_SHARE: Final = 0.7
"""Share of a group's part of that for its own bound; three bounds of its rest have the others."""
_REST_SHARE: Final = 0.1
_MIDDLE: Final = 0.95
_TOWARDS_LIMIT: Final = 0.25
_BOUND_BISECTIONS: Final = 40


class Bounds(NamedTuple):
    """What is sure about the groups of a family, but for `BOUNDS_SHARE` of its level; (G,) each."""

    n: FloatArray
    """Cases."""
    rate: FloatArray
    """Rate of which each group within the limit has at least as much."""
    edge: FloatArray
    """Highest edge that a table which rejects can have been held against."""

    def of(self, some: BoolArray) -> Bounds:
        """Return the bounds of some of the groups, by bool[G]."""
        return Bounds(self.n[some], self.rate[some], self.edge[some])


def all_bounds(x: Counts, n: Counts, y: Counts, m: Counts, boundary: Boundary, level: float) -> Bounds:
    """Bound the rates of G groups and of their rests, all together.

    Parameters
    ----------
    x, n, y, m : array_like, shape (G,)
        Counted outcomes and totals of each group and of its own rest; n and m positive.
    boundary : Boundary
        Edge of the hypothesis "group rate >= edge(rest rate)".
    level : float
        The family's level.
    """
    x_, n_, y_, m_ = np.broadcast_arrays(*(np.asarray(count, dtype=np.float64) for count in (x, n, y, m)))
    error = level * BOUNDS_SHARE / n_.size
    others = error * _REST_SHARE
    rate = np.maximum(_at_least(x_, n_, error * _OWN_SHARE), boundary.edge(_at_least(y_, m_, others)))
    most = m_ - 1.0 - largest_count(others, m_, _at_least(m_ - y_, m_, others))
    return Bounds(n_, rate, boundary.edge(1.0 - _at_least(m_ - most, m_, 1.0 - _MIDDLE)))


def _at_least(x: FloatArray, n: FloatArray, error: float) -> FloatArray:
    """Lower Clopper-Pearson bounds of rates."""

    def bound(a: FloatArray, b: FloatArray) -> FloatArray:
        return np.asarray(betaincinv(a, b, error))

    return np.where(x > 0.0, once_for_equals(bound, np.where(x > 0.0, x, 1.0), n - x + 1.0), 0.0)


def largest_chances(bounds: Bounds, threshold: float) -> FloatArray:
    """Largest chance, for each group that is within the limit, of a p-value of at most a threshold below .95."""
    return _charges(bounds, threshold, _counts(bounds, threshold))


def _counts(bounds: Bounds, threshold: float, within: tuple[FloatArray, FloatArray] | None = None) -> FloatArray:
    """float64[G]: largest count of each group that a p-value of at most a threshold can have."""
    return largest_count(threshold / _MIDDLE, bounds.n, bounds.edge, within)


def _charges(bounds: Bounds, threshold: float, counts: FloatArray) -> FloatArray:
    return np.minimum(threshold, binomial_cdf(counts, bounds.n, bounds.rate))


def common_level(bounds: Bounds, level: float, beside: int = 0) -> float:
    """Largest threshold for the p-values of some groups, at most ``level``, whose charges fit into nine tenths of it.

    Parameters
    ----------
    bounds : Bounds
        Of the groups in play.
    level : float
        The family's level, below .95.
    beside : int
        Number of further groups that are charged the whole threshold.
    """
    room = (1.0 - BOUNDS_SHARE) * level

    def fits(threshold: float, counts: FloatArray) -> bool:
        return float(_charges(bounds, threshold, counts).sum()) + beside * threshold <= room

    most = _counts(bounds, level)
    if bounds.n.size + beside == 0 or fits(level, most):
        return level
    low, high = room / (bounds.n.size + beside), level
    fewest = _counts(bounds, low)
    for _ in range(_BOUND_BISECTIONS):
        middle = (low + high) / 2.0
        counts = _counts(bounds, middle, (fewest, most))
        if fits(middle, counts):
            low, fewest = middle, counts
        else:
            high, most = middle, counts
    return low


def two_steps(p: FloatArray, bounds: Bounds, level: float) -> tuple[BoolArray, FloatArray]:
    """Name groups: bool[G], and float64[G] the threshold that their p-values had to reach in the last step."""
    rejected = np.zeros(p.shape, dtype=np.bool_)
    while True:
        threshold = common_level(bounds.of(~rejected), level)
        new = ~rejected & (p <= threshold)
        if not new.any():
            return rejected, np.full(p.shape, threshold)
        rejected |= new


def planned_level(n: Counts, m: Counts, rate: float, boundary: Boundary, level: float) -> float:
    """Threshold of the first step for one more group that points to harm, all others answered as expected.

    Parameters
    ----------
    n, m : array_like, shape (G,)
        Cases of each group and of its own rest, positive.
    rate : float
        Rate of the metric that is expected of everyone.
    boundary, level
        As in `all_bounds`.
    """
    bounds = _expected(n, m, rate, boundary, level, 0.0)
    return max(common_level(bounds, level, beside=1), (1.0 - BOUNDS_SHARE) * level / bounds.n.size)


def gives_at_least(least: float, n: Counts, m: Counts, rate: float, boundary: Boundary, level: float) -> bool:
    """Say whether sizes let so many groups be shown to be within the limit that one bad group has a level of ``least``.

    Parameters
    ----------
    n, m, rate, boundary, level
        As in `planned_level`.

    Notes
    -----
    Groups differ, so all are supposed to lie a quarter of the way from the expected rate to the limit. Who is not shown
    to be within it is charged.
    """
    if not boundary.edge(counted_rate(rate, boundary)) > 0.0:
        return False
    bounds = _expected(n, m, rate, boundary, level, _TOWARDS_LIMIT)
    return float(largest_chances(bounds, least).sum()) + least <= (1.0 - BOUNDS_SHARE) * level


def _expected(n: Counts, m: Counts, rate: float, boundary: Boundary, level: float, towards: float) -> Bounds:
    n_, m_ = np.broadcast_arrays(np.asarray(n, dtype=np.float64), np.asarray(m, dtype=np.float64))
    counted = float(counted_rate(rate, boundary))
    expected = counted - towards * (counted - float(boundary.edge(counted)))
    return all_bounds(expected * n_, n_, np.floor(counted * m_), m_, boundary, level)


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
        P-values from `audit.stats.score_test.screened_p` or `exact_p`; those at or below ``level`` must be
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
            is_named = two_steps(p_, all_bounds(x_, n_, y_, m_, boundary, level), level)
        else:
            is_named = _discarding(_family(p_, x_, n_, y_, m_, boundary), level)
        rejected[testable], local_level[testable] = is_named
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
    n: Counts,
    m: Counts,
    rate: float,
    boundary: Boundary,
    level: float,
    method: Method = "discarding",
    groups: Places = ALL,
) -> FloatArray:
    """Level for each group's p-value in the first step, before any answer is known; only for `groups`.

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
        return np.full(n_[groups].shape, planned_level(n_, m_, rate, boundary, level))
    sizes, alike, count = np.unique(np.stack([n_, m_]), axis=1, return_inverse=True, return_counts=True)
    counted = float(counted_rate(rate, boundary))
    group, rest = sizes
    family = _family(np.ones(group.shape), group * counted, group, rest * counted, rest, boundary)
    top, survival = _survivors(family, n_.size)
    presence = binomial_cdf(top, group, counted)
    least_possible = binomial_cdf(0.0, group, family.highest_edge)
    distinct, alike = np.unique(alike.reshape(-1)[groups], return_inverse=True)
    low, high = np.zeros(distinct.shape), np.full(distinct.shape, _LARGEST_PENALTY)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2.0
        levels = weighted_levels(family.power_width, middle[:, np.newaxis], level)
        charged = np.where(survival * levels >= least_possible, levels, 0.0)
        total = charged @ (presence * count) + charged[np.arange(distinct.size), distinct] * (1.0 - presence[distinct])
        low, high = np.where(total <= level, low, middle), np.where(total <= level, middle, high)
    return np.asarray((survival[distinct] * weighted_levels(family.power_width[distinct], high, level))[alike])


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
        levels = weighted_levels(family.power_width, penalty, level)
        return float(np.where(in_play & (survival * levels >= least_possible), levels, 0.0).sum())

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


EXACT_BELOW = 0.1
"""P-values below this number must be exact, as those of `audit.stats.score_test.screened_p` are."""

_SMALLEST_P = 1e-300


class UnnamedTest(NamedTuple):
    """Outcome of the test of one family.

    Attributes
    ----------
    p : float
        P-value of "no group of the family lies beyond the margin"; 1 where no group survives.
    survivors : int
        Number of groups that point towards harm; the sum is over these.
    evidence : tuple of float
        ``-ln q`` of each of them, the smallest first.
    """

    p: float
    survivors: int
    evidence: tuple[float, ...] = ()

    def at_least(self, level: float) -> int:
        """Return a number of groups of which at least so many lie beyond the margin, but for a chance of `level`.

        Notes
        -----
        By closed testing (Marcus, Peritz & Gabriel 1976) with this test for every set of groups: at most as many groups
        are within the margin as the largest set has whose test does not reject (Goeman & Solari 2011). Who does not
        survive adds nothing to a sum, and of all sets with so many survivors the one with the weakest evidence has the
        smallest, so that one set of each number is enough. A set with one survivor is never rejected, as that would
        name it: the number is smaller than that of survivors.
        """
        sums = np.cumsum(self.evidence)[1:]
        possible = np.flatnonzero(gammaincc(np.arange(2, self.survivors + 1), sums) > level)
        return self.survivors - (2 + int(possible[-1]) if possible.size else 1) if self.survivors else 0


def unnamed_p(p: Counts, x: Counts, n: Counts, y: Counts, m: Counts, boundary: Boundary) -> UnnamedTest:
    """Test whether any group of a family lies beyond the margin, without saying which.

    Parameters
    ----------
    p, x, n, y, m : array_like, shape (G,)
        P-values, those below `EXACT_BELOW` exact; and counted outcomes and totals of each group and of its own rest,
        as given to the test. The groups share no row.
    boundary : Boundary
        Edge of the hypothesis "group rate >= edge(rest rate)".

    Returns
    -------
    UnnamedTest
        Groups without cases, without a rest or with nothing below the edge take no part.

    Raises
    ------
    ValueError
        If counts or p-values are impossible.

    Notes
    -----
    A group survives when ``x <= k``, the largest count with ``P(X <= k; n, e) <= 1/2``, and ``w`` is that probability.
    Then ``T = -2 sum ln q`` over the survivors, ``q = min(1, p/w)``, is held against a chi-squared distribution with
    twice as many degrees of freedom as there are survivors. Where p is 0.1 or more, and so may be a screened one,
    ``P(X <= x; n, e)`` is taken if that is larger: an asymptotic p-value is about half a step too small, which the sum
    adds up over the family (up to 1.4 % of families at a level of 1 % without it).

    ``e`` is the edge at the rest's rate that the *total* suggests for a group on the edge, ``n e(r) + m r = x + y``.
    The rest's own rate would let a group's count decide on its own threshold: with 200 groups of 5, of which half lie
    on a ratio of 0.8, groups with one count more then dropped out and the others were not made up for it (an error of
    2 % at a level of 1 %; none with the total, 2,000 runs).

    Given a known rest this is valid: a group at or within the edge has, given survival, a ``q`` that is stochastically
    no smaller than uniform (monotone likelihood ratio; Zhao, Small & Su 2019), and groups that share no row are
    independent. That the rest is shared makes the groups' scores correlate, as a rule negatively, at low rates also
    positively; what that does to ``T`` is measured (`tools.simulate --only many_groups`), not proved.
    """
    p_, x_, n_, y_, m_ = np.broadcast_arrays(
        np.asarray(p, dtype=np.float64), *checked_counts(x, n), *checked_counts(y, m)
    )
    if not ((p_ >= 0.0) & (p_ <= 1.0)).all():
        raise ValueError("p-values must lie in [0, 1]")
    testable = (n_ > 0) & (m_ > 0)
    testable &= boundary.edge(y_ / np.where(m_ > 0, m_, 1.0)) > 0.0
    p_, x_, n_, y_, m_ = (values[testable] for values in (p_, x_, n_, y_, m_))
    edge = boundary.edge(_rest_rate(x_ + y_, n_, m_, boundary))
    survivor_top = largest_count(np.full(n_.shape, 0.5), n_, edge)
    survival = binomial_cdf(survivor_top, n_, edge)
    survives = (x_ <= survivor_top) & (survival > 0.0)
    if not survives.any():
        return UnnamedTest(1.0, 0)
    tail = np.where(p_ < EXACT_BELOW, 0.0, binomial_cdf(x_, n_, edge))
    q = np.minimum(1.0, np.maximum(p_, tail)[survives] / survival[survives])
    # Sums in order of size, so that the order of the groups changes no bit.
    evidence = np.sort(-np.log(np.maximum(q, _SMALLEST_P)))
    count = int(survives.sum())
    return UnnamedTest(float(gammaincc(count, np.cumsum(evidence)[-1])), count, tuple(evidence.tolist()))


def _rest_rate(total: FloatArray, n: FloatArray, m: FloatArray, boundary: Boundary) -> FloatArray:
    """Rate of the rest if the group lies on the edge, from the counts of both together."""
    cases = n + m
    expected = (total + 0.5) * cases / (cases + 1.0)
    return np.clip((expected - n * boundary.offset) / (n * boundary.slope + m), 0.0, 1.0)


_MAX_LEVEL_WIDTH, _MIN_LEVEL_WIDTH = 4.0, 1e-3
_LEVEL_BISECTIONS = 60


def power_width(overall: npt.ArrayLike, size: npt.ArrayLike, boundary: Boundary) -> FloatArray:
    """Width of the margin in standard errors of a group of effective size `size`, at most 4.

    `overall` is the metric's rate over all cases. The weights of `effective_levels` are made from this width (Spjotvoll
    1972).
    """
    rate = counted_rate(overall, boundary)
    edge = boundary.edge(rate)
    width = np.abs(rate - edge)
    n = np.asarray(size, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        in_errors = np.where(width > 0.0, width / np.sqrt(edge * (1.0 - edge) / n), 1.0)
    known = np.nan_to_num(in_errors, nan=0.0, posinf=_MAX_LEVEL_WIDTH)
    return np.where(known > _MAX_LEVEL_WIDTH, _MAX_LEVEL_WIDTH, np.maximum(known, _MIN_LEVEL_WIDTH))


def effective_levels(
    p_at: Callable[[FloatArray], FloatArray], width: npt.ArrayLike, level: float
) -> tuple[BoolArray, FloatArray, FloatArray]:
    """Name groups by weighted Bonferroni with step-down, for p-values that depend on their level.

    Parameters
    ----------
    p_at : callable
        Returns p-values, shape (G,), at levels of shape (G,). A group named at a level must be named at any larger one.
        With `audit.stats.effective_test` it is, because ``(z / t)^2`` rises with the level.
    width : array_like, shape (G,)
        `power_width` of each group, from weights, cluster sizes and the overall rate only.
    level : float
        The family's share of the error.

    Returns
    -------
    rejected : ndarray of bool, shape (G,)
    local_level : ndarray of float64, shape (G,)
        Level for each group in the last step in which it took part.
    p : ndarray of float64, shape (G,)
        The p-values at those levels.

    Raises
    ------
    ValueError
        If the level is not in (0, 1).

    Notes
    -----
    Levels ``min(Phi(-(mu/2 + lambda/mu)), level)`` add up to at most `level` over the groups left; each only rises when
    others have been named, so the family-wise error is at most `level` under any dependence (Bonferroni, Holm 1979),
    clusters that span groups included. Discarding (`reject_family`) is not used: it needs p-values
    that are independent between groups and uniformly conservative on the margin, which effective sizes do not promise.
    """
    checked_fraction(level, "level")
    mu = np.asarray(width, dtype=np.float64)
    left = np.ones(mu.shape, dtype=np.bool_)
    rejected = np.zeros(mu.shape, dtype=np.bool_)
    local, p = np.zeros(mu.shape), np.ones(mu.shape)
    while left.any():
        local = np.where(left, _levels(mu, left, level), local)
        p = np.where(left, p_at(local), p)
        new = left & (p <= local)
        if not new.any():
            break
        rejected |= new
        left &= ~new
    return rejected, local, p


def first_effective_levels(width: npt.ArrayLike, level: float) -> FloatArray:
    """Levels of the first step of `effective_levels`: no answer enters them."""
    mu = np.asarray(width, dtype=np.float64)
    return _levels(mu, np.ones(mu.shape, dtype=np.bool_), checked_fraction(level, "level"))


def _levels(mu: FloatArray, left: BoolArray, level: float) -> FloatArray:
    def within(penalty: float) -> bool:
        return float(weighted_levels(mu, penalty, level)[left].sum()) <= level

    # a negative penalty gives back what the weights of few groups would leave unspent
    penalty = bisected(within, -_LARGEST_PENALTY, _LARGEST_PENALTY, _LEVEL_BISECTIONS)[1]
    return weighted_levels(mu, penalty, level)
