"""How alike the rows of a group's own clusters may be, at the most that its data allow.

The correlation of all groups together says little of a group whose rows are more alike within clusters than theirs, and
few clusters say little themselves. On the margin such a group shows a good rate just when none of its bad clusters was
drawn, and then its variance looks small as well. So two things are asked of it: that it has so many clusters that a bad
one is rarely missed, and that the test holds at the upper end of the correlation that they show.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv

from audit.stats.binomial import BoolArray, FloatArray
from audit.stats.weighted_rate import WeightedRate, own_variance, satterthwaite, variance_factor

__all__ = ["FEWEST_CLUSTERS", "UNSEEN_TAIL", "UPPER_TAIL", "enough_clusters", "largest_correlation", "too_few_clusters"]

UPPER_TAIL: Final = 0.10
"""How often the upper end lies below a group's own correlation. Chosen by simulation: `simulate.unlike_clusters`."""
UNSEEN_TAIL: Final = 0.05
"""How often, at the most, no cluster drawn is counted, were each counted as a whole or not at all."""
FEWEST_CLUSTERS: Final = 10
"""With fewer, false passes reached 5.8 % where clusters were of two kinds: `simulate.unlike_clusters`."""
_STEPS: Final = 40
_NO_PAIRS: Final = 1e-9


def too_few_clusters(side: WeightedRate) -> BoolArray:
    """bool[G]: whether a group's rows come from fewer than ten clusters, some of them with two rows."""
    return np.asarray(~_alone(side) & (side.clusters < FEWEST_CLUSTERS), dtype=np.bool_)


def enough_clusters(side: WeightedRate, edge: npt.ArrayLike) -> BoolArray:
    """Whether even a count of 0 could tell a group from the edge, were all rows of a cluster alike: (1 - b)^K <= .05.

    Parameters
    ----------
    side : WeightedRate, shape (G,)
        Rates of the groups.
    edge : array_like, shape (G,)
        The counted rate b on the edge of the hypothesis: the share of clusters that would then be counted.

    Returns
    -------
    ndarray of bool, shape (G,)
        Always where no cluster has two rows.

    Notes
    -----
    Whatever the distribution of cluster rates r with mean b, a count of 0 has at most this probability, since
    ``(1 - r)^B <= 1 - r`` for a cluster of B rows; it has exactly this one where each cluster is counted whole or not.
    """
    unseen = (1.0 - np.clip(np.asarray(edge, dtype=np.float64), 0.0, 1.0)) ** side.clusters
    return np.asarray(_alone(side) | (unseen <= UNSEEN_TAIL), dtype=np.bool_)


def largest_correlation(side: WeightedRate, shown: FloatArray | None = None) -> FloatArray:
    """Upper end of a one-sided 90 % interval for the intracluster correlation of each group by itself.

    Parameters
    ----------
    side : WeightedRate, shape (G,)
        Rates of the groups.
    shown : ndarray, shape (G,), optional
        The own variance over p(1-p), where it is supposed and not taken from the rates.

    Returns
    -------
    ndarray of float64, shape (G,)
        Within [0, 1]; 1 where all rows have the same outcome or there is but one cluster, since nothing is known
        then; 0 where no cluster has two rows.

    Notes
    -----
    With correlation I the own variance over p(1-p) is expected to be ``f(I) = sum_k [Q + I (B^2 - Q)] / S^2`` and is
    taken for a chi-squared variable with Satterthwaite's degrees of freedom at I. The largest I for which it is not
    below the quantile at .10 is returned, to a fortieth, and between two fortieths by a straight line.
    """
    told = side.clusters > 1.0
    if shown is None:
        spread = side.rate * (1.0 - side.rate)
        told &= spread > 0.0
        shown = np.where(told, own_variance(side), 1.0) / np.where(told, spread, 1.0)
    some = WeightedRate(*(np.asarray(values)[:, np.newaxis] for values in _fields(side)))
    grid = np.linspace(0.0, 1.0, _STEPS + 1)
    half = satterthwaite(some, grid) / 2.0
    room = shown[:, np.newaxis] - variance_factor(some, grid) * gammaincinv(half, UPPER_TAIL) / half
    possible = room >= 0.0
    last = np.where(possible.any(axis=1), _STEPS - np.argmax(possible[:, ::-1], axis=1), 0)
    rows = np.arange(last.size)
    before, after = room[rows, last], room[rows, np.minimum(last + 1, _STEPS)]
    crossed = (before > 0.0) & (after < 0.0)
    beyond = np.where(crossed, before / np.where(crossed, before - after, 1.0), 0.0)
    largest = np.where(told, np.minimum(grid[last] + beyond / _STEPS, 1.0), 1.0)
    return np.where(_alone(side), 0.0, largest)


def _alone(side: WeightedRate) -> BoolArray:
    """bool[G]: whether no cluster has two rows of the group."""
    return np.asarray(side.bb - side.q <= _NO_PAIRS * side.bb, dtype=np.bool_)


def _fields(side: WeightedRate) -> tuple[FloatArray, ...]:
    return side.rate, side.residual, side.clusters, side.q, side.bb, side.q_q, side.q_bb, side.bb_bb
