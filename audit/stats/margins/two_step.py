"""Name groups of one family by two steps, at the family's level however groups and p-values depend on each other.

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
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from scipy.special import betaincinv

from audit.stats.arrays import BoolArray, FloatArray, once_for_equals
from audit.stats.rates.binomial import Counts, binomial_cdf, largest_count
from audit.stats.rates.boundaries import Boundary, counted_rate

BOUNDS_SHARE: Final = 0.1
"""Share of a family's level that its bounds may be wrong with."""
_OWN_SHARE: Final = 0.7
"""Share of a group's part of that for its own bound; three bounds of its rest have the others."""
_REST_SHARE: Final = 0.1
_MIDDLE: Final = 0.95
_TOWARDS_LIMIT: Final = 0.25
_BISECTIONS: Final = 40


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
    for _ in range(_BISECTIONS):
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
    own = counted - towards * (counted - float(boundary.edge(counted)))
    return all_bounds(own * n_, n_, np.floor(counted * m_), m_, boundary, level)
