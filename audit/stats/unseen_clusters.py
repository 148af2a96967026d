"""The chance that so few bad clusters were drawn, were clusters of two kinds: no valid test has a smaller p-value.

A group whose clusters look good may have bad ones that were not drawn, and those drawn say little of their number.
With clusters of two kinds, good ones at one rate and bad ones that are counted whole, the correlation seen says at
which rate the good ones are, and what is left is a binomial test of how many bad ones there are. Data that such a group
gives on the edge with some chance cannot be told from it by any test that holds for every distribution of cluster
rates; with this and the upper end of the correlation errors stay at their level (``simulate.unlike_clusters``).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
from scipy.special import betainc

from audit.stats.binomial import BoolArray, FloatArray
from audit.stats.boundaries import Boundary
from audit.stats.weighted_rate import Place, WeightedRate

__all__ = ["FEWEST_CLUSTERS", "Bundles", "chance_unseen", "cluster_number", "times_wanted", "too_few_clusters"]

FEWEST_CLUSTERS = 10
"""With fewer, false passes reached 5.8 % where clusters were of two kinds: `simulate.unlike_clusters`."""
_NO_PAIRS = 1e-9
_SAME = 1e-12
_RATES = 21
_MOST_TIMES = 2.0**20
_BISECTIONS = 30


@dataclass(frozen=True, slots=True)
class Bundles:
    """The clusters of G groups that have two rows or more: a row that belongs to nobody hides nothing."""

    number: FloatArray
    """float64[G]: how many of one size they are worth, ``(sum B)^2 / sum B^2``; inf where there are none."""
    share: FloatArray
    """float64[G]: the share of all weight that they hold, in (0, 1]."""

    alike: FloatArray
    """float64[G]: how alike their rows are found to be, within [0, 1]."""

    @classmethod
    def of(cls, total: FloatArray, bundled: FloatArray, squares: FloatArray) -> Bundles:
        """From the sums of weight of all rows, of those in such clusters, and of the squares of the clusters' sums."""
        some = (squares > 0.0) & (total > 0.0)
        number = np.where(some, bundled**2 / np.where(some, squares, 1.0), np.inf)
        share = np.where(some, np.clip(bundled / np.where(some, total, 1.0), 1e-9, 1.0), 1.0)
        return cls(number, share, np.zeros(number.shape))

    @classmethod
    def all_of(cls, side: WeightedRate) -> Bundles:
        """All clusters, where it is not known which have two rows."""
        number = cluster_number(side)
        return cls(number, np.ones(number.shape), np.zeros(number.shape))

    def __getitem__(self, place: Place) -> Bundles:
        """Of some of the groups."""
        return Bundles(*(getattr(self, field.name)[place] for field in fields(self)))

    def at_worst(self, other: Bundles) -> Bundles:
        """The fewer of the two, the larger share, and the larger correlation."""
        return Bundles(
            np.minimum(self.number, other.number),
            np.maximum(self.share, other.share),
            np.maximum(self.alike, other.alike),
        )

    def at_least(self, correlation: npt.ArrayLike) -> Bundles:
        """With rows no less alike than that."""
        return Bundles(self.number, self.share, np.maximum(self.alike, correlation))

    def times(self, factor: FloatArray) -> Bundles:
        """With so many times as many clusters."""
        return Bundles(self.number * factor, self.share, self.alike)


def cluster_number(side: WeightedRate) -> FloatArray:
    """float64[G]: how many clusters of one size a group's are worth, ``S^2 / sum_k B^2``; inf without two rows in any.

    Ten large clusters beside a hundred rows of their own are ten: a rate is made of the large ones.
    """
    known = ~without_pairs(side) & (side.bb > 0.0)
    return np.where(known, 1.0 / np.where(known, side.bb, 1.0), np.inf)


def too_few_clusters(side: WeightedRate) -> BoolArray:
    """bool[G]: whether a group's clusters are worth fewer than ten of one size."""
    return np.asarray(cluster_number(side) < FEWEST_CLUSTERS * (1.0 - _NO_PAIRS), dtype=np.bool_)


def without_pairs(side: WeightedRate) -> BoolArray:
    """Whether no cluster has two rows of the group."""
    return np.asarray(side.bb - side.q <= _NO_PAIRS * side.bb, dtype=np.bool_)


def chance_unseen(
    group: Bundles,
    rate: npt.ArrayLike,
    rest: Bundles,
    rest_rate: npt.ArrayLike,
    boundary: Boundary,
) -> FloatArray:
    """The largest chance, on the edge, of so few bad clusters of the group and so few good ones of the rest.

    Parameters
    ----------
    group, rest : Bundles, shape (G,)
        Clusters of the groups, and of their rests.
    rate, rest_rate : array_like, shape (G,)
        Their counted rates.
    boundary : Boundary
        Edge of the hypothesis.

    Returns
    -------
    ndarray of float64, shape (G,)
        1 for a group on or beyond the edge; 0 where rows are independent, since they hide nothing.

    Notes
    -----
    Of K clusters a share u is counted whole and all others have the rate g. With ``x = g + u (1 - g)`` seen and the
    correlation I, ``u (1 - u) (1 - g)^2 = I x (1 - x)`` gives ``g = x (1 - I)``. On the edge b the share would be
    ``v = (b - g) / (1 - g)``, and so few or fewer are drawn with chance ``P(Bin(K, v) <= K u)``; where none is, with
    ``((1 - b) / (1 - x))^K``. Rows that stand for themselves show the true rate: with a share w of rows in clusters
    these show ``b - (b - x) / w``, or 0. Of the rest it is clusters without the outcome of which few may be seen: the
    same with ``1 - r`` for b. The product of both is taken at the largest of 21 rates r of the rest, from the one that
    puts the group on the edge ``b(r)`` to the one seen.
    """
    shape = group.number.shape
    x, y = (np.broadcast_to(np.asarray(of, dtype=np.float64), shape) for of in (rate, rest_rate))
    below = x < boundary.edge(y)
    lowest = np.clip((x - boundary.offset) / boundary.slope, 0.0, y)[:, np.newaxis]
    r = lowest + (y[:, np.newaxis] - lowest) * np.linspace(0.0, 1.0, _RATES)
    own = _chance(group, boundary.edge(r), x[:, np.newaxis])
    of_rest = _chance(rest, 1.0 - r, 1.0 - y[:, np.newaxis])
    hiding = np.isfinite(group.number) | np.isfinite(rest.number)
    return np.where(below, (own * of_rest).max(axis=1), np.where(hiding, 1.0, 0.0))


def _chance(of: Bundles, true: FloatArray, seen: FloatArray) -> FloatArray:
    """The chance of so few clusters that are counted whole, of G groups at each of several true rates."""
    number, share, alike = (values[:, np.newaxis] for values in (of.number, of.share, of.alike))
    clusters = np.maximum(true - (true - seen) / share, 0.0)
    lucky = clusters < true - _SAME
    good = clusters * (1.0 - alike)
    left = np.where(lucky, 1.0 - good, 1.0)
    drawn, there = np.clip((clusters - good) / left, 0.0, 1.0), np.clip((true - good) / left, 0.0, 1.0)
    k = np.where(np.isinf(number), 1.0, number)
    chance = betainc(np.maximum(k * (1.0 - drawn), _SAME), k * drawn + 1.0, 1.0 - there)
    return np.where(lucky, np.where(np.isinf(number), 0.0, chance), 1.0)


def times_wanted(
    group: Bundles, rate: float, error: FloatArray, rest: Bundles, boundary: Boundary, level: float
) -> FloatArray:
    """How many times as many clusters, like those there are, it takes until the chance is at most a level.

    Parameters
    ----------
    group, rest : Bundles, shape (G,)
        Clusters of the groups, and of their rests, which stay as they are.
    rate : float
        The counted rate of both.
    error : ndarray, shape (G,)
        How far above its rate a group may come out, with the clusters that it has; it shrinks with their square root.
    boundary : Boundary
        Edge of the hypothesis.
    level : float
        The level of the test.

    Returns
    -------
    ndarray of float64, shape (G,)
        inf where no number would do, and less than 1 where fewer would.
    """
    low, high = (np.full(error.shape, sign * np.log(_MOST_TIMES)) for sign in (-1.0, 1.0))

    def enough(logarithm: FloatArray) -> BoolArray:
        times = np.exp(logarithm)
        seen = np.minimum(rate + error / np.sqrt(times), 1.0)
        return np.asarray(chance_unseen(group.times(times), seen, rest, rate, boundary) <= level, dtype=np.bool_)

    possible = enough(high)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2.0
        reached = enough(middle)
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    return np.where(possible, np.exp(high), np.inf)
