"""Weighted rates of rows that come in clusters, their variances, and what clusters that were not drawn could hide.

Weighted rates of groups whose rows may belong to clusters, and the parts of their variances.

The chance that so few bad clusters were drawn, if clusters are of two kinds: no valid test has a smaller p-value.

A group whose clusters look good may have bad clusters that were not drawn, and the clusters drawn say little about how
many there are. Suppose that clusters are of two kinds: good ones at one rate, and bad ones in which every row is
counted. Then the correlation seen gives the rate of the good ones, and what is left is a binomial test of the number of
bad ones. If such a group on the edge gives the data with some chance, then no test that holds for every distribution of
cluster rates can tell the group from it. With this bound and the upper end of the correlation, errors stay at their
level (``tools.simulate --only unlike_clusters``).

The largest similarity of rows within a group's own clusters that its data allow.

The correlation of all groups together says little about a group whose rows are more similar within clusters than those
of the others, and few clusters say little about themselves. So the test must also hold at the upper end of the
correlation that the group's own clusters show. The same goes for the rest, which can be as small as a group.

Clusters are weighted in two ways. Weighted by their size they give the variance of the rate, but small clusters then
hardly count. Weighted by the information they carry about the similarity of rows, a hundred small clusters count beside
ten large ones that all happened to be good. The larger upper end counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, gammaincinv

from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.boundaries import Boundary, counted_rate

MAX_CORRELATION = 0.95
Place: TypeAlias = BoolArray | IntArray | slice | tuple[slice, IntArray | None]


@dataclass(frozen=True)
class WeightedRate:
    """Weighted rates of G groups (or of their rests), with the parts of their variances.

    With y in {0, 1}, cluster k of a group has ``A = sum w y``, ``B = sum w``, ``Q = sum w^2``; ``S = sum_k B``. A
    row without a cluster is a cluster by itself. All fields have shape (G,); a group without rows may have any value.
    """

    rate: FloatArray
    """``sum_k A / S`` (Hajek 1971)."""
    residual: FloatArray
    """``sum_k (A - rate B)^2 / S^2``: the linearised variance, without its small-sample factor."""
    clusters: FloatArray
    """K: clusters with any weight."""
    q: FloatArray
    """``sum_k Q / S^2``."""
    bb: FloatArray
    """``sum_k B^2 / S^2``."""
    q_q: FloatArray
    """``sum_k Q^2 / S^4``."""
    q_bb: FloatArray
    """``sum_k Q B^2 / S^4``."""
    bb_bb: FloatArray
    """``sum_k B^4 / S^4``."""

    def __getitem__(self, rows: Place) -> WeightedRate:
        """Select some of the groups, or add an axis."""
        return WeightedRate(*(getattr(self, field.name)[rows] for field in fields(self)))


_ALIKE: Final = 1e-9
_FEWEST_KNOWN: Final = 5
_MOST_TILTED: Final = 8.0
_HEAVIEST: Final = 20.0


class Tilt(NamedTuple):
    """Dependence of weights on the outcome: mean weights of rows with and without it, relative to all; (G,) each.

    ``S_1, S_0`` are sums of weights, ``Q_1, Q_0`` sums of their squares and ``n_1, n_0`` numbers of rows, with and
    without
    the outcome.
    """

    squares_with: FloatArray
    """``(Q_1 / S_1) / (Q / S)``."""
    squares_without: FloatArray
    rows_with: FloatArray
    """``(n_1 / S_1) / (n / S)``."""
    rows_without: FloatArray
    rows: FloatArray
    """``n``: number of rows with either outcome."""
    fewest: FloatArray
    """``min(n_1, n_0)``: rows of the rarer outcome; inf where all rows weigh the same, so that weights cannot depend on
    it."""

    @classmethod
    def of(cls, weights: Pair, squares: Pair, rows: Pair) -> Tilt:
        """Build from the sums with and without the outcome; level where one of them has no rows."""
        known = (weights[0] > 0.0) & (weights[1] > 0.0)
        (s1, s0), (q1, q0), (n1, n0) = (
            tuple(np.where(known, of_outcome, 1.0) for of_outcome in pair) for pair in (weights, squares, rows)
        )
        s, q, n = s1 + s0, q1 + q0, n1 + n0
        relative = (q1 * s / (s1 * q), q0 * s / (s0 * q), n1 * s / (s1 * n), n0 * s / (s0 * n))
        first, second, third, fourth = (np.where(known, value, 1.0) for value in relative)
        alike = sum(squares) * sum(rows) <= sum(weights) ** 2 * (1.0 + _ALIKE)
        return cls(first, second, third, fourth, rows[0] + rows[1], np.where(alike, np.inf, np.minimum(*rows)))

    def at(self, rate: FloatArray) -> FloatArray:
        """Factor by which the dependence of weights on the outcome changes a rate's variance, if the rate is `rate`."""
        squares = (1.0 - rate) * self.squares_with + rate * self.squares_without
        return squares * (rate * self.rows_with + (1.0 - rate) * self.rows_without)

    def is_known(self, rows: FloatArray, edge: FloatArray, level: npt.ArrayLike) -> BoolArray:
        """bool[G]: whether enough rows show how weights depend on the outcome, and the dependence is not too strong.

        Rows of one outcome may weigh at most 8 times as much as rows of the other. If fewer than 5 of all rows have one
        outcome, the dependence cannot be seen. Then the group and its rest must have enough `rows`: if the rate were on
        the
        `edge` and rows with the outcome weighed 20 times as much, so few of them would be there by chance less often
        than
        `level`. Without this condition false passes reached 22 % with 30 rows a group
        (``tools.simulate --only informative_weights``).
        """
        factor = np.maximum(self.rows_with, self.rows_without) / np.minimum(self.rows_with, self.rows_without)
        few = np.minimum(self.fewest, _FEWEST_KNOWN)
        with np.errstate(divide="ignore"):  # at level 0 no number of rows is enough
            wanted = _HEAVIEST * (2.0 * few - np.log(np.asarray(level, dtype=np.float64))) / np.maximum(edge, 1e-9)
        return np.asarray(((self.fewest >= _FEWEST_KNOWN) | (rows >= wanted)) & (factor <= _MOST_TILTED))

    def rarer(self, rate: FloatArray) -> FloatArray:
        """Expected rows of the rarer outcome, if the weighted rate is `rate`."""
        having, lacking = rate * self.rows_with, (1.0 - rate) * self.rows_without
        labelled = having + lacking
        return self.rows * np.minimum(having, lacking) / np.where(labelled > 0.0, labelled, 1.0)


Pair: TypeAlias = tuple[FloatArray, FloatArray]
"""A value for rows with the outcome, and one for rows without it."""


def pooled_correlation(side: WeightedRate, total: npt.ArrayLike) -> float:
    """Intracluster correlation over all groups together: how similar the rows of a cluster are.

    Parameters
    ----------
    side : WeightedRate
        Disjoint groups of one metric.
    total : array_like, shape (G,)
        Their sums of weights ``S``.

    Returns
    -------
    float
        Within [0, .95]; 0 where no cluster has two rows. Groups in which all rows have one outcome say nothing and are
        left
        out.

    Notes
    -----
    ``[sum_g (sum_k (A - pB)^2 / (p(1-p)) - sum_k Q)] / sum_g sum_k (B^2 - Q)``: with correlation I the expectation of
    ``(A - pB)^2`` is ``p(1-p) [Q + I (B^2 - Q)]``.
    """
    size = np.asarray(total, dtype=np.float64)
    spread = side.rate * (1.0 - side.rate)
    known = (size > 0.0) & (spread > 0.0)
    if not known.any():
        return 0.0
    some, squared = side[known], size[known] ** 2
    excess = (some.residual / spread[known] - some.q) * squared
    pairs = float(((some.bb - some.q) * squared).sum())
    if not pairs > 1e-12 * float((some.bb * squared).sum()):
        return 0.0
    return float(np.clip(excess.sum() / pairs, 0.0, MAX_CORRELATION))


def design_size(side: WeightedRate, correlation: npt.ArrayLike, least_q: npt.ArrayLike = 0.0) -> FloatArray:
    """Number of independent rows that weights and cluster sizes are worth: ``S^2 / sum_k [Q + I (B^2 - Q)]``.

    Kish (1965): with equal weights the reciprocal of the design effect ``1 + (n/K - 1) I`` per row; without clusters
    ``(sum w)^2 / sum w^2``. 0 in a group without rows.
    """
    factor = variance_factor(side, correlation, least_q)
    return np.where(factor > 0.0, 1.0 / np.where(factor > 0.0, factor, 1.0), 0.0)


def variance_factor(side: WeightedRate, correlation: npt.ArrayLike, least_q: npt.ArrayLike = 0.0) -> FloatArray:
    """Factor on p(1-p) in the variance: ``sum_k [Q + I (B^2 - Q)] / S^2``, with a sum of Q of at least `least_q`."""
    correlated = np.asarray(correlation, dtype=np.float64) * (side.bb - side.q)
    return np.asarray(np.maximum(side.q, least_q) + correlated, dtype=np.float64)


def satterthwaite(side: WeightedRate, correlation: npt.ArrayLike) -> FloatArray:
    """Degrees of freedom of a variance estimate: ``max(1, (sum c)^2 / sum c^2 - 1)``, ``c = Q + I (B^2 - Q)``.

    Satterthwaite (1946): K - 1 for K clusters of one size, fewer where some are much larger than others.
    """
    icc = np.asarray(correlation, dtype=np.float64)
    squares = (1.0 - icc) ** 2 * side.q_q + 2.0 * icc * (1.0 - icc) * side.q_bb + icc * icc * side.bb_bb
    factor = variance_factor(side, icc)
    known = (squares > 0.0) & (side.clusters > 0.0)
    df = np.where(known, factor * factor / np.where(known, squares, 1.0), 1.0) - 1.0
    # the quotient cannot exceed the number of clusters, but rounding may carry it there
    return np.maximum(np.minimum(df, side.clusters - 1.0), 1.0)


def own_variance(side: WeightedRate) -> FloatArray:
    """``K/(K-1)`` times the residual: the variance that the group's own clusters show; inf with fewer than two."""
    clusters = side.clusters
    return np.where(clusters > 1.0, side.residual * clusters / np.where(clusters > 1.0, clusters - 1.0, 1.0), np.inf)


CLASSES: Final = 40
"""Number of size classes of clusters. Each class holds clusters of twice the size of the class before; the first class
also holds everything smaller. There are enough of them that one giant cluster elsewhere puts no two sizes that differ
by more into one class: weights differ by up to 2^29."""

FEWEST_CLUSTERS = 10
"""With fewer, false passes reached 5.8 % where clusters were of two kinds: `tools.simulate --only unlike_clusters`."""
_NO_PAIRS = 1e-9
_TINY = 1e-300
_SAME = 1e-12
_SHARE_GRID = np.linspace(0.0, 1.0, 21)
_LARGE = 0.25
"""A chance above every level that a plan can declare, whatever the rows show."""
_NOISE = (
    (0.0, 0.7285714285714286),
    (1.1544053947399682, 0.2401231786050127),
    (2.366759410734541, 0.03075712396758652),
    (3.7504397177257425, 0.000548268855972217),
)
"""Standard errors and their shares: the seven nodes of Gauss-Hermite, with those below 0 counted as 0."""
_MOST_TIMES = 2.0**20
_PRECISION = 1e-6
"""Precision of the logarithm of the factor in `clusters_factor_needed`."""
_FACTORS: dict[tuple[object, ...], FloatArray] = {}
"""Factors found before: who is judged alone is asked again for every change of a plan that might let it pass."""
_MOST_FACTORS = 64


class ClassSums(NamedTuple):
    """Sums over the clusters of two rows or more of G groups, by C classes of size, the smallest first.

    float64[G, C] each, with ``B = sum w`` of a cluster.
    """

    counted: FloatArray | None
    """Weight of the rows that have the outcome; None where the outcome is not used."""
    weight: FloatArray
    """``sum B``."""
    squares: FloatArray
    """``sum B^2``."""


def size_class(weight: FloatArray, largest: npt.ArrayLike) -> IntArray:
    """Size class of a cluster by its weight. The last class holds `largest`; each class is twice the one before."""
    share = np.where(weight > 0.0, weight, 1.0) / np.maximum(largest, _TINY)
    size_index = np.ceil(np.log2(np.maximum(share, _TINY)) - _SAME) + CLASSES - 1
    classes: IntArray = np.clip(size_index, 0, CLASSES - 1).astype(np.int64)
    return classes


@dataclass(frozen=True, slots=True)
class Bundles:
    """The clusters of G groups that have two rows or more. A row that belongs to no cluster hides nothing.

    There are C views of the clusters: the largest alone, then also those half as large, and so on until all are in. All
    fields are float64 of shape (G, C).
    """

    number: FloatArray
    """Clusters of equal size that they are worth, ``(sum B)^2 / sum B^2``; inf without any, or if the next view is the
    same."""
    share: FloatArray
    """Share of all weight that lies in them, in (0, 1]."""
    shown: FloatArray
    """Rate of the metric in them; nan where it is not known."""
    alike: FloatArray
    """Correlation found within all clusters, within [0, 1]."""

    @classmethod
    def of(cls, total: FloatArray, sums: ClassSums) -> Bundles:
        """Build from the weight of all rows, float64[G], and the sums over clusters."""
        there = sums.weight > _NO_PAIRS * np.maximum(sums.weight.sum(axis=1, keepdims=True), _TINY)
        weight, squares = (_from_the_largest(sum_of_class, there) for sum_of_class in sums[1:])
        some = (squares > 0.0) & (total > 0.0)[:, np.newaxis]
        positive_total = np.where(total > 0.0, total, 1.0)[:, np.newaxis]
        shown = np.full(weight.shape, np.nan)
        if sums.counted is not None:
            counted = _from_the_largest(sums.counted, there)
            shown = np.clip(counted / np.where(some, weight, 1.0), 0.0, 1.0)
        # where the next class is empty, the next view would have the same clusters
        twice = np.concatenate([weight[:, 1:] == weight[:, :-1], np.zeros((len(weight), 1), dtype=np.bool_)], axis=1)
        return cls(
            number=np.where(some & ~twice, weight**2 / np.where(some, squares, 1.0), np.inf),
            share=np.where(some, np.clip(weight / positive_total, 1e-9, 1.0), 1.0),
            shown=np.where(some, shown, np.nan),
            alike=np.zeros(weight.shape),
        )

    @classmethod
    def none(cls, groups: int, views: int = 1) -> Bundles:
        """Build for G groups without any such cluster."""
        nothing = np.zeros((groups, views))
        return cls(nothing + np.inf, nothing + 1.0, nothing + np.nan, nothing)

    @classmethod
    def all_of(cls, side: WeightedRate) -> Bundles:
        """Take all clusters, for rates of which nobody knows which clusters have two rows."""
        number = cluster_number(side)[:, np.newaxis]
        return cls(number, np.ones(number.shape), side.rate[:, np.newaxis], np.zeros(number.shape))

    def __getitem__(self, rows: Place) -> Bundles:
        """Select some of the groups."""
        return Bundles(*(getattr(self, field.name)[rows] for field in fields(self)))

    def beside(self, other: Bundles) -> Bundles:
        """Put two sides of G groups beside each other: arrays of shape (2, G, C), C being that of the wider."""
        most = max(self.number.shape[1], other.number.shape[1])
        wide = [
            bundles.with_views_of(Bundles.none(len(bundles.number), most - bundles.number.shape[1]))
            for bundles in (self, other)
        ]
        return Bundles(*(np.stack([getattr(bundles, field.name) for bundles in wide]) for field in fields(self)))

    def with_views_of(self, other: Bundles) -> Bundles:
        """Add the views of another object of the same groups."""
        pairs = [(getattr(self, field.name), getattr(other, field.name)) for field in fields(self)]
        return Bundles(*(np.concatenate(pair, axis=1) for pair in pairs))

    def at_least(self, correlation: npt.ArrayLike) -> Bundles:
        """Raise the correlation to at least this one, which is a number or float64[G]."""
        correlations = np.broadcast_to(np.asarray(correlation, dtype=np.float64), self.number.shape[:1])[:, np.newaxis]
        return replace(self, alike=np.maximum(self.alike, correlations))

    def times(self, factor: FloatArray) -> Bundles:
        """Multiply the number of clusters by a factor, float64[G]."""
        return replace(self, number=self.number * factor[:, np.newaxis])

    @property
    def can_hide(self) -> BoolArray:
        """bool[G]: whether the group has any such cluster."""
        return np.asarray(np.isfinite(self.number).any(axis=-1))


def _from_the_largest(values: FloatArray, there: BoolArray) -> FloatArray:
    """float64[G, C]: sums over the largest class, over the two largest, and so on."""
    return np.cumsum(np.where(there, np.maximum(values, 0.0), 0.0)[:, ::-1], axis=1)


def cluster_number(side: WeightedRate) -> FloatArray:
    """float64[G]: number of clusters of equal size, ``S^2 / sum_k B^2``; inf if no cluster has two rows.

    Ten large clusters beside a hundred single rows count as ten, because the large ones make the rate.
    """
    known = ~without_pairs(side) & (side.bb > 0.0)
    return np.where(known, 1.0 / np.where(known, side.bb, 1.0), np.inf)


def too_few_clusters(side: WeightedRate) -> BoolArray:
    """bool[G]: whether a group's clusters are worth fewer than ten of one size."""
    return np.asarray(cluster_number(side) < FEWEST_CLUSTERS * (1.0 - _NO_PAIRS), dtype=np.bool_)


def without_pairs(side: WeightedRate) -> BoolArray:
    """bool[G]: whether no cluster has two rows of the group."""
    return np.asarray(side.bb - side.q <= _NO_PAIRS * side.bb, dtype=np.bool_)


def chance_unseen(
    group: Bundles,
    rate: npt.ArrayLike,
    rest: Bundles,
    rest_rate: npt.ArrayLike,
    boundary: Boundary,
    *,
    heavy: tuple[npt.ArrayLike, npt.ArrayLike] = (1.0, 1.0),
    joint: npt.ArrayLike = False,
    noise: npt.ArrayLike = 0.0,
) -> FloatArray:
    """Largest chance, on the edge, that so few bad clusters of the group and good ones of the rest were drawn.

    Parameters
    ----------
    group, rest : Bundles of G groups
        Clusters of the groups, and of their rests.
    rate, rest_rate : array_like, shape (G,)
        Their counted rates.
    boundary : Boundary
        Edge of the hypothesis.
    heavy : tuple of two array_like, shape (G,)
        Weight, relative to the average, of a row that is counted in the group, and of one that is not counted in
        the rest; 1 or more. A bad cluster then weighs so many times as much as others, and fewer of them are as bad.
    joint : array_like of bool, shape (G,)
        Whether a cluster can have rows in the group and in its rest.
    noise : array_like, shape (G,)
        Standard error of the distance between the group's rate and the edge that comes from rows, not from clusters.
        Luck in clusters and in rows can come together: the chance is averaged over what rows may have done.

    Returns
    -------
    ndarray of float64, shape (G,)
        1 for a group on or beyond the edge; 0 where rows are independent, since they hide nothing.

    Notes
    -----
    A share u of the K clusters is counted whole and all others have the rate g. With ``c = g + u (1 - g)`` seen in them
    and the correlation I, ``u (1 - u) (1 - g)^2 = I c (1 - c)`` gives ``g = c (1 - I)``. Were all rows but theirs as
    they are seen, and the group, seen at x, on the edge b, their true rate would be ``t = c + (b - x) / w``, w being
    their share of all weight; where that is above 1 these clusters alone cannot hide it. The share of bad ones would be
    ``v = (t - g) / (1 - g)``, and so few or fewer are drawn with chance ``P(Bin(K, v) <= K u)``; where none is, and all
    rows are in them, with ``((1 - b) / (1 - x))^K``. The largest chance over the classes of size counts: few large
    clusters can hide what hundreds of small ones beside them do not.

    In the rest, the clusters of which few may be seen are those without the outcome: use ``1 - r`` for b. What counts
    is the worst rate r of the rest, from the one that puts the group on the edge ``b(r)`` to the one seen (of 21, and
    of 21 around the worst of these): there the product of both chances, and their minimum where clusters have rows on
    both sides, since the same cluster can then be bad for the one and good for the other.
    """
    shape = group.number.shape[:1]
    x, y = (np.broadcast_to(np.asarray(array, dtype=np.float64), shape) for array in (rate, rest_rate))
    weight = [np.broadcast_to(np.maximum(np.asarray(array, dtype=np.float64), 1.0), shape) for array in heavy]
    either, away = (np.broadcast_to(np.asarray(array), shape) for array in (joint, noise))
    others = replace(rest, shown=1.0 - counted_rate(rest.shown, boundary))
    clusters = replace(group, shown=counted_rate(group.shown, boundary)).beside(others)
    return _Sides(clusters, x, y, boundary, np.stack(weight), either.astype(np.bool_)).averaged(away)


class _Sides(NamedTuple):
    """Arguments of `chance_unseen`."""

    clusters: Bundles
    """float64[2, G, C] each: of groups by what is counted in them, and of rests by what is not."""
    rate: FloatArray
    rest_rate: FloatArray
    boundary: Boundary
    heavy: FloatArray
    """float64[2, G]."""
    joint: BoolArray

    def averaged(self, noise: FloatArray) -> FloatArray:
        """float64[G]: the chance averaged over the noise of rows, or without that noise if this is larger."""
        hiding = self.clusters.can_hide.any(axis=0)
        below = self.rate < self.boundary.edge(self.rest_rate)
        chance = np.where(below, self.chance(), np.where(hiding, 1.0, 0.0))
        open_ = np.flatnonzero(hiding & (noise > 0.0) & (chance < _LARGE))
        if not open_.size:
            return chance
        errors = np.array([noise_error for noise_error, _ in _NOISE[1:]])[:, np.newaxis]
        rate = np.minimum(self.rate[open_] + errors * noise[open_], 1.0)
        moved = self.of_groups(np.tile(open_, len(errors)), rate.ravel())
        beyond = moved.rate >= moved.boundary.edge(moved.rest_rate)
        chances = np.where(beyond, 1.0, moved.chance(refined=False)).reshape(rate.shape)
        over_rows = _NOISE[0][1] * chance[open_]
        for (_, share), chance_there in zip(_NOISE[1:], chances, strict=True):
            over_rows += share * chance_there
        chance[open_] = np.maximum(chance[open_], over_rows)
        return chance

    def of_groups(self, places: IntArray, rate: FloatArray) -> _Sides:
        """Select some of the groups, at other rates."""
        rest_rate, heavy, joint = self.rest_rate[places], self.heavy[:, places], self.joint[places]
        return _Sides(self.clusters[:, places], rate, rest_rate, self.boundary, heavy, joint)

    def chance(self, *, refined: bool = True) -> FloatArray:
        """float64[G]: the largest chance over the rates of the rest, for groups within the edge."""
        y = self.rest_rate
        lowest = np.clip((self.rate - self.boundary.offset) / self.boundary.slope, 0.0, y)
        largest_chance, worst = self.largest(lowest, y)
        if not refined:
            return largest_chance
        step = (y - lowest) / (_SHARE_GRID.size - 1)
        nearer, _ = self.largest(np.maximum(worst - step, lowest), np.minimum(worst + step, y))
        return np.maximum(largest_chance, nearer)

    def largest(self, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
        """float64[G] each: the largest chance over rates of the rest from `low` to `high`, and the rate that has it."""
        r = low[:, np.newaxis] + (high - low)[:, np.newaxis] * _SHARE_GRID
        group_chances, of_rest = self.at(np.stack([self.boundary.edge(r), 1.0 - r]))
        chance = np.where(self.joint[:, np.newaxis], np.minimum(group_chances, of_rest), group_chances * of_rest)
        best = np.arange(r.shape[0]), np.argmax(chance, axis=1)
        return chance[best], r[best]

    def at(self, true: FloatArray) -> FloatArray:
        """float64[2, G, R]: chance of so few clusters that are counted whole, at each of R true rates."""
        seen = np.stack([self.rate, 1.0 - self.rest_rate])[:, :, np.newaxis]
        shift = true - seen
        without = np.where(shift > _SAME, 0.0, 1.0)
        bundles = self.clusters
        ways = np.isfinite(bundles.number).any(axis=(0, 1))
        if not ways.any():
            return without
        number, share, rate, alike = (
            part[:, :, ways] for part in (bundles.number, bundles.share, bundles.shown, bundles.alike)
        )
        rate = np.where(np.isnan(rate), seen, rate)
        needed = rate[..., np.newaxis] + shift[:, :, np.newaxis] / share[..., np.newaxis]
        places = np.nonzero(np.isfinite(number)[..., np.newaxis] & (shift > _SAME)[:, :, np.newaxis] & (needed < 1.0))
        at = places[:3]
        shown, k, h = rate[at], number[at], self.heavy[at[:2]]
        good = shown * (1.0 - alike[at])
        left = np.maximum(1.0 - good, _SAME)
        drawn, there = ((value - good) / left for value in (shown, needed[places]))
        drawn, there = (np.clip(v / (h * (1.0 - v) + v), 0.0, 1.0) for v in (drawn, there))
        chance = np.zeros(needed.shape)
        chance[places] = betainc(np.maximum(k * (1.0 - drawn), _SAME), k * drawn + 1.0, 1.0 - there)
        return np.asarray(np.maximum(without, chance.max(axis=2)))


def noise_of_rows(rate: float, rows: tuple[npt.ArrayLike, npt.ArrayLike], boundary: Boundary) -> FloatArray:
    """float64[G]: `noise` of `chance_unseen` for a rest of counted rate `rate` and a group on the edge.

    `rows` holds ``sum Q / S^2`` of groups and of rests.
    """
    edge = float(boundary.edge(rate))
    group, rest = (np.asarray(side_rows, dtype=np.float64) for side_rows in rows)
    return np.asarray(np.sqrt(edge * (1.0 - edge) * group + boundary.slope**2 * rate * (1.0 - rate) * rest))


def clusters_factor_needed(
    group: Bundles,
    rate: float,
    error: FloatArray,
    rest: Bundles,
    boundary: Boundary,
    level: float,
    *,
    joint: npt.ArrayLike = False,
    rows: tuple[npt.ArrayLike, npt.ArrayLike] = (0.0, 0.0),
) -> FloatArray:
    """Factor by which the number of clusters must grow until the chance is at most a level.

    Parameters
    ----------
    group, rest : Bundles of G groups
        Clusters of the groups, and of their rests, which stay as they are.
    rate : float
        The counted rate of both.
    error : ndarray, shape (G,)
        Distance above its true rate that a group may show with its present clusters; it shrinks with their square root.
    boundary : Boundary
        Edge of the hypothesis.
    level : float
        The level of the test.
    joint : array_like of bool, shape (G,)
        As in `chance_unseen`.
    rows : tuple of two array_like, shape (G,)
        ``sum Q / S^2`` of the groups with their present clusters, and of their rests: for `noise_of_rows`.

    Returns
    -------
    ndarray of float64, shape (G,)
        inf where no number is enough; below 1 where fewer clusters would be enough.
    """
    own_rows, rest_rows, spans = (np.broadcast_to(np.asarray(array), error.shape) for array in (*rows, joint))
    parts = [getattr(side, part.name) for side in (group, rest) for part in fields(side)]
    arrays = [array.tobytes() for array in (*parts, error, own_rows, rest_rows, spans)]
    key = (rate, boundary, level, error.shape, *arrays)
    if key not in _FACTORS:
        if len(_FACTORS) >= _MOST_FACTORS:
            _FACTORS.clear()
        _FACTORS[key] = _clusters_factor(group, rate, error, rest, boundary, level, spans, (own_rows, rest_rows))
    return _FACTORS[key].copy()


def _clusters_factor(
    group: Bundles,
    rate: float,
    error: FloatArray,
    rest: Bundles,
    boundary: Boundary,
    level: float,
    spans: BoolArray,
    rows: tuple[FloatArray, FloatArray],
) -> FloatArray:
    from scipy.optimize.elementwise import find_root  # 0.2 s, and no audit without clusters needs it

    own_rows, rest_rows = rows

    def excess(logarithm: FloatArray, row: IntArray) -> FloatArray:
        times = np.exp(logarithm)
        seen = np.minimum(rate + error[row] / np.sqrt(times), 1.0)
        noise = noise_of_rows(rate, (own_rows[row] / times, rest_rows[row]), boundary)
        sides = group[row].times(times), seen, rest[row], np.full(row.shape, rate)
        chance = chance_unseen(*sides, boundary, joint=spans[row], noise=noise)
        return np.log(np.maximum(chance, _TINY) / level)

    every, most = np.arange(error.size), np.full(error.shape, np.log(_MOST_TIMES))
    root = find_root(excess, (-most, most), args=(every,), tolerances={"xatol": _PRECISION, "fatol": 0.0})
    low, high = root.bracket
    # both ends on one side of the level: it is never reached, or reached with the fewest already
    never, always = root.f_bracket[1] > 0.0, root.f_bracket[0] <= 0.0
    return np.where(never, np.inf, np.exp(np.where(always, low, high)))


UPPER_TAIL: Final = 0.10
"""How often the upper end lies below the true correlation of a group. Chosen by simulation:
`tools.simulate --only unlike_clusters`."""
_STEPS: Final = 40
_NOTHING: Final = 1e-9
"""Share of a cluster's pairs of rows below which only rounding is left."""
_CORRELATION_GRID: Final = np.linspace(0.0, 1.0, _STEPS + 1)


class Evened(NamedTuple):
    """Clusters of G groups that have two rows or more, each weighted by its information on how similar its rows are."""

    rate: WeightedRate
    """Rates of the groups, with ``h = (1 - Q/B^2) / B^2`` instead of ``1/S^2`` in every sum over clusters: a pair
    counts half of a cluster of many rows, and a single row does not count. Not a variance of the rate."""
    bundles: Bundles
    """The clusters as they could hide bad ones."""

    @classmethod
    def of_clusters(
        cls, counted: FloatArray, weight: FloatArray, squared: FloatArray, largest: float | None = None
    ) -> Evened:
        """Build from float64[G, K] of A, B and Q of each group's clusters.

        Classes of size are relative to each group's own largest cluster, or to `largest`, the largest weight of all
        groups.
        """
        total = weight.sum(axis=1)
        rate = counted.sum(axis=1) / total
        h = evened_weight(weight, squared)
        residual = (h * (counted - rate[:, np.newaxis] * weight) ** 2).sum(axis=1)
        powers = (power.sum(axis=1) for power in evened_powers(h, weight, squared))
        measure = weight.max(axis=1, keepdims=True) if largest is None else largest
        size_indices = np.where(h > 0.0, size_class(weight, measure), -1)
        kinds = (counted, weight, weight**2)
        by_class = [np.zeros((len(weight), CLASSES)) for _ in kinds]
        for size_index in set(np.unique(size_indices).tolist()) - {-1}:
            for sums, kind in zip(by_class, kinds, strict=True):
                sums[:, size_index] = np.where(size_indices == size_index, kind, 0.0).sum(axis=1)
        return cls(WeightedRate(rate, residual, *powers), Bundles.of(total, ClassSums(*by_class)))


def evened_weight(b: FloatArray, q: FloatArray) -> FloatArray:
    """Weight ``h = (1 - Q/B^2) / B^2`` of each cluster: 0 for a single row and for an empty cluster."""
    some = b > 0.0
    divisor = np.where(some, b, 1.0)
    pairs = 1.0 - q / divisor / divisor
    return np.where(some & (pairs > _NOTHING), pairs / divisor / divisor, 0.0)


def evened_powers(h: FloatArray, b: FloatArray, q: FloatArray) -> tuple[FloatArray, ...]:
    """For each cluster: whether it counts, hQ, hB^2, (hQ)^2, hQ hB^2, (hB^2)^2."""
    hq, hbb = h * q, h * b * b
    return (h > 0.0).astype(np.float64), hq, hbb, hq * hq, hq * hbb, hbb * hbb


class Alike(NamedTuple):
    """How similar the rows within a cluster are, as the clusters of G groups show it."""

    largest: FloatArray
    """float64[G]: largest correlation that the clusters allow (`largest_correlation`)."""
    bundles: Bundles
    """The clusters that could hide bad ones, with the correlation found."""

    @classmethod
    def of(cls, side: WeightedRate, evened: Evened | None = None) -> Alike:
        """Measure it from the clusters of `side`, and from `evened` as well where that is given."""
        bundles = Bundles.all_of(side) if evened is None else evened.bundles
        sides = (side,) if evened is None else (side, evened.rate)
        return cls._of(sides, [_shown(weighted) for weighted in sides], bundles)

    @classmethod
    def supposing(cls, correlation: float, side: WeightedRate, evened: Evened) -> Alike:
        """Suppose a correlation, and give what these clusters would then be expected to show."""
        sides = (side, evened.rate)
        return cls._of(sides, [variance_factor(weighted, correlation) for weighted in sides], evened.bundles)

    @classmethod
    def _of(cls, sides: Sequence[WeightedRate], shown: Sequence[FloatArray], bundles: Bundles) -> Alike:
        pairs = list(zip(sides, shown, strict=True))
        largest = np.max(np.stack([largest_correlation(weighted, variance) for weighted, variance in pairs]), axis=0)
        least_correlation = np.max(np.stack([_found(weighted, variance) for weighted, variance in pairs]), axis=0)
        return cls(largest, bundles.at_least(least_correlation))

    def worse_of(self, other: Alike) -> Alike:
        """Take the worse of two measurements of the same groups."""
        return Alike(np.maximum(self.largest, other.largest), self.bundles.with_views_of(other.bundles))

    def of_groups(self, places: Place) -> Alike:
        """Select some of the groups."""
        return Alike(self.largest[places], self.bundles[places])


def largest_correlation(side: WeightedRate, shown: FloatArray) -> FloatArray:
    """Upper end of a one-sided 90 % interval for the intracluster correlation of each group by itself.

    Parameters
    ----------
    side : WeightedRate, shape (G,)
        Rates of the groups.
    shown : ndarray, shape (G,)
        Own variance over p(1-p); inf where it is not known.

    Returns
    -------
    ndarray of float64, shape (G,)
        Within [0, 1]; 1 where nothing is known, 0 where no cluster has two rows.

    Notes
    -----
    With correlation I the own variance over p(1-p) is expected to be ``f(I) = sum_k h [Q + I (B^2 - Q)]``, h being
    ``1/S^2`` or that of `Evened`, and is taken for a chi-squared variable with Satterthwaite's degrees of freedom at I.
    The largest I for which it is not below the quantile at .10 is returned, to a fortieth, and between two fortieths by
    a straight line.
    """
    some = side[:, np.newaxis]
    half = satterthwaite(some, _CORRELATION_GRID) / 2.0
    room = shown[:, np.newaxis] - variance_factor(some, _CORRELATION_GRID) * gammaincinv(half, UPPER_TAIL) / half
    possible = room >= 0.0
    last = np.where(possible.any(axis=1), _STEPS - np.argmax(possible[:, ::-1], axis=1), 0)
    rows = np.arange(last.size)
    before, after = room[rows, last], room[rows, np.minimum(last + 1, _STEPS)]
    crossed = (before > 0.0) & (after < 0.0) & np.isfinite(before)
    step = np.where(crossed, before, 1.0) - np.where(crossed, after, 0.0)
    beyond = np.where(crossed, before, 0.0) / step
    return np.where(without_pairs(side), 0.0, np.minimum(_CORRELATION_GRID[last] + beyond / _STEPS, 1.0))


def _shown(side: WeightedRate) -> FloatArray:
    """float64[G]: own variance over p(1-p); inf where all rows have one outcome, or there is only one cluster."""
    spread = side.rate * (1.0 - side.rate)
    known = (side.clusters > 1.0) & (spread > 0.0)
    return np.where(known, np.where(known, own_variance(side), 0.0) / np.where(known, spread, 1.0), np.inf)


def _found(side: WeightedRate, shown: FloatArray) -> FloatArray:
    """float64[G]: correlation at which the own variance is the expected one; 0 where it is not known."""
    known = np.isfinite(shown) & ~without_pairs(side)
    pairs = np.where(known, side.bb - side.q, 1.0)
    return np.where(known, np.clip((np.where(known, shown, 0.0) - side.q) / pairs, 0.0, 1.0), 0.0)
