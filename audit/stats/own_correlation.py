"""How alike the rows of a group's own clusters may be, at the most that its data allow.

The correlation of all groups together says little of a group whose rows are more alike within clusters than theirs, and
few clusters say little themselves. On the margin such a group shows a good rate just when none of its bad clusters was
drawn, and then its variance looks small as well. So two things are asked of it: that it has so many clusters that a bad
one is rarely missed, and that the test holds at the upper end of the correlation that they show. The same is asked of a
rest, which can be as small as a group.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv

from audit.stats.binomial import BoolArray, FloatArray
from audit.stats.weighted_rate import WeightedRate, own_variance, satterthwaite, variance_factor

__all__ = [
    "FEWEST_CLUSTERS",
    "UNSEEN_TAIL",
    "UPPER_TAIL",
    "carrying_number",
    "cluster_number",
    "clusters_wanted",
    "enough_clusters",
    "largest_correlation",
    "lowest_edge",
    "too_few_clusters",
]

UPPER_TAIL: Final = 0.10
"""How often the upper end lies below a group's own correlation. Chosen by simulation: `simulate.unlike_clusters`."""
UNSEEN_TAIL: Final = 0.05
"""How often, at the most, no cluster drawn is counted, were each counted as a whole or not: never above the level."""
FEWEST_CLUSTERS: Final = 10
"""With fewer, false passes reached 5.8 % where clusters were of two kinds: `simulate.unlike_clusters`."""
_STEPS: Final = 40
_NO_PAIRS: Final = 1e-9
_NO_EDGE: Final = 1e-12


def cluster_number(side: WeightedRate) -> FloatArray:
    """float64[G]: how many clusters of one size a group's are worth, ``S^2 / sum_k B^2``; inf without two rows in any.

    Ten large clusters beside a hundred rows of their own are ten: a rate is made of the large ones.
    """
    known = ~_alone(side) & (side.bb > 0.0)
    return np.where(known, 1.0 / np.where(known, side.bb, 1.0), np.inf)


def carrying_number(side: WeightedRate) -> FloatArray:
    """float64[G]: the same where all must not be missed, ``S sqrt(sum B^2 / sum B^4)``: one size again gives K.

    Lower than `cluster_number` where sizes differ: a rate looks good when the large clusters are, whatever the small
    ones do. Ten of 90 rows beside fifty of 3 are 11.7 here and 13.5 there; by those 6.8 % passed on the margin.
    """
    known = ~_alone(side) & (side.bb_bb > 0.0)
    return np.where(known, np.sqrt(side.bb / np.where(known, side.bb_bb, 1.0)), np.inf)


def too_few_clusters(side: WeightedRate) -> BoolArray:
    """bool[G]: whether a group's clusters are worth fewer than ten of one size."""
    return np.asarray(cluster_number(side) < FEWEST_CLUSTERS * (1.0 - _NO_PAIRS), dtype=np.bool_)


def enough_clusters(side: WeightedRate, edge: npt.ArrayLike, level: npt.ArrayLike) -> BoolArray:
    """Whether even a count of 0 could tell a group from the edge, were all rows of a cluster alike.

    Parameters
    ----------
    side : WeightedRate, shape (G,)
        Rates of the groups.
    edge : array_like, shape (G,)
        The counted rate b on the edge of the hypothesis: the share of clusters that would then be counted.
    level : array_like
        The level of the test; above .05 it counts as .05.

    Returns
    -------
    ndarray of bool, shape (G,)
        Whether ``(1 - b)^K`` is at most the level, K the number of clusters; always where no cluster has two rows.

    Notes
    -----
    With K clusters of one size and any distribution of their rates r with mean b, a count of 0 has at most this
    probability, since ``(1 - r)^B <= 1 - r`` for a cluster of B rows; it has exactly this one where each cluster is
    counted whole or not. For clusters of several sizes K is `carrying_number`, which no proof covers.
    """
    wanted = clusters_wanted(edge, level)
    return np.asarray(carrying_number(side) >= wanted * (1.0 - _NO_PAIRS), dtype=np.bool_)


def clusters_wanted(edge: npt.ArrayLike, level: npt.ArrayLike) -> FloatArray:
    """float64[G]: the fewest clusters that are enough, a fraction; inf on an edge of 0, where no number is."""
    b = np.clip(np.asarray(edge, dtype=np.float64), 0.0, 1.0)
    tail = np.clip(np.asarray(level, dtype=np.float64), 1e-300, UNSEEN_TAIL)
    inside = (b > _NO_EDGE) & (b < 1.0)
    wanted = np.log(tail) / np.log1p(-np.where(inside, b, 0.5))
    return np.where(inside, wanted, np.where(b > _NO_EDGE, 0.0, np.inf))


def lowest_edge(side: WeightedRate, level: npt.ArrayLike) -> FloatArray:
    """float64[G]: the lowest counted rate on an edge for which `enough_clusters` holds; 0 without two rows in any."""
    number, tail = carrying_number(side), np.minimum(np.asarray(level, dtype=np.float64), UNSEEN_TAIL)
    clustered = np.isfinite(number)
    return np.where(clustered, 1.0 - tail ** (1.0 / np.where(clustered, number, 1.0)), 0.0)


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
    some = side[:, np.newaxis]
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
