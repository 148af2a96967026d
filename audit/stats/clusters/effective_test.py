"""Test that a group lies beyond (or within) a margin of the rest, where rows have weights or belong to clusters.

The exact tests need independent rows that count alike. Here a group's rate is replaced by as many independent rows as
its variance is worth, the *effective size*, and the size is cut again for how little its clusters tell of that
variance (Korn & Graubard 1998). Two variances are known and the larger is taken: the group's own, which few clusters
estimate badly, and the one that its weights and cluster sizes give with the correlation that all groups show together.
The test must also hold at the largest correlation that the group's own clusters allow
(`audit.stats.clusters.own_correlation`), and no p-value is smaller than the chance that none of its bad clusters was
drawn (`audit.stats.clusters.unseen_clusters`). An approximation, measured in ``tools.simulate``; everything is closed
form and vectorised over groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, ndtri, stdtrit

from audit.stats.clusters.own_correlation import Alike
from audit.stats.clusters.unseen_clusters import Bundles, chance_unseen, too_few_clusters
from audit.stats.clusters.weighted_rate import (
    Tilt,
    WeightedRate,
    design_size,
    own_variance,
    satterthwaite,
    variance_factor,
)
from audit.stats.rates.binomial import BoolArray, FloatArray
from audit.stats.rates.boundaries import Boundary, counted_rate

__all__ = [
    "MIN_DEGREES_OF_FREEDOM",
    "Comparison",
    "EffectiveTest",
    "effective_size",
    "effective_test",
    "few_degrees_factor",
]

MIN_DEGREES_OF_FREEDOM = 3.0
"""With fewer a group can neither pass nor fail: the quantiles of t say that its variance is as good as unknown."""
_PSEUDO_CASES = 4.0
"""Added to the rest, half of them counted, before its variance is taken (Agresti & Coull 1998): a rate of 0 or 1 in a
small rest is no proof that it does not vary."""
_LEVEL_WEIGHTS = 1e-9
"""How far from 1 a tilt may be by rounding."""
_OF_RARER = 0.5
"""Degrees of freedom that one row of the rarer outcome gives to a tilt. Chosen by simulation."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Groups against their rests; every array is float64 of shape (G,)."""

    group: WeightedRate
    """Rates of the metric, not counted rates."""
    rest: WeightedRate
    cross: FloatArray
    """``sum_k e_k f_k`` over clusters with rows in group and rest, ``e_k = (A - pB)/S`` of the group and f_k of the
    rest: the covariance of the two rates. 0 without such clusters."""
    correlation: float | FloatArray
    """`pooled_correlation` of the family; one for all, or (G,)."""
    tilts: tuple[Tilt, ...] = ()
    """How weights may go with the outcome, everyone's last; the largest variance counts. Without them weights must not
    go with it: false passes rose to 9 % with weights twice as large for one outcome."""
    rest_tilts: tuple[Tilt, ...] = ()
    least_q: FloatArray | float = 0.0
    """``sum_k Q / S^2`` of as many rows, were their weights as unlike as those within all groups together: a group that
    drew few heavy rows by chance does not look better for it."""
    alike: Alike | None = None
    """What the groups' own clusters show of how alike their rows are; None where nothing is known."""
    rest_alike: Alike | None = None
    """The same of the rests."""
    joint: npt.NDArray[np.bool_] | bool = False
    """bool[G]: whether a cluster can have rows in the group and in its rest."""

    def some(self, places: BoolArray) -> Comparison:
        """The same of some groups."""
        own, rest = (
            tuple(Tilt(*(values[places] for values in tilt)) for tilt in tilts)
            for tilts in (self.tilts, self.rest_tilts)
        )
        correlation, least_q = (
            np.broadcast_to(np.asarray(values, dtype=np.float64), places.shape)[places]
            for values in (self.correlation, self.least_q)
        )
        alike, rest_alike = (None if of is None else of.some(places) for of in (self.alike, self.rest_alike))
        group, rest_rate, cross = self.group[places], self.rest[places], self.cross[places]
        joint = np.broadcast_to(np.asarray(self.joint, dtype=np.bool_), places.shape)[places]
        return Comparison(group, rest_rate, cross, correlation, own, rest, least_q, alike, rest_alike, joint)

    def edge(self, boundary: Boundary) -> FloatArray:
        """The counted rate on the edge of the hypothesis, at the rest's rate; not clipped."""
        return np.asarray(boundary.offset + boundary.slope * counted_rate(self.rest.rate, boundary))

    @property
    def own_correlation(self) -> FloatArray:
        """The largest correlation within the groups that is possible."""
        return self._possible(self.alike)

    @property
    def rest_correlation(self) -> FloatArray:
        """The same within the rests."""
        return self._possible(self.rest_alike)

    def _possible(self, alike: Alike | None) -> FloatArray:
        largest = np.ones(self.cross.shape) if alike is None else alike.largest
        return np.asarray(np.maximum(largest, self.correlation), dtype=np.float64)

    def rest_on_edge(self, boundary: Boundary) -> FloatArray:
        """The rest's counted rate with which a group as counted would be on the edge.

        The rest then shows too high a rate, so it is clusters that are not counted that were missed.
        """
        return np.clip((counted_rate(self.group.rate, boundary) - boundary.offset) / boundary.slope, 0.0, 1.0)

    def unseen(self, boundary: Boundary) -> FloatArray:
        """`chance_unseen` of both sides."""
        own, others = (
            (Bundles.all_of(side) if alike is None else alike.bundles).at_least(self.correlation)
            for side, alike in ((self.group, self.alike), (self.rest, self.rest_alike))
        )
        rate, rest_rate = counted_rate(self.group.rate, boundary), counted_rate(self.rest.rate, boundary)
        heavy = (
            _heaviest(self.tilts, with_outcome=boundary.counts_success, shape=rate.shape),
            _heaviest(self.rest_tilts, with_outcome=not boundary.counts_success, shape=rate.shape),
        )
        noise = np.sqrt(self._by_rows(boundary))
        return chance_unseen(own, rate, others, rest_rate, boundary, heavy=heavy, joint=self.joint, noise=noise)

    def _by_rows(self, boundary: Boundary) -> FloatArray:
        """float64[G]: the variance of the distance from the edge, were rows alike to nobody."""
        edge = np.clip(self.edge(boundary), 0.0, 1.0)
        tilt, _ = _tilted(self.tilts, counted_rate(edge, boundary))
        of_group = edge * (1.0 - edge) * tilt * variance_factor(self.group, 0.0, self.least_q)
        rate, (rest_tilt, _) = self.rest.rate, _tilted(self.rest_tilts, self.rest.rate)
        of_rest = rate * (1.0 - rate) * rest_tilt * variance_factor(self.rest, 0.0)
        return np.asarray(of_group + boundary.slope**2 * of_rest, dtype=np.float64)


class EffectiveTest(NamedTuple):
    """P-values and what they rest on, each float64 of shape (G,)."""

    p: FloatArray
    """1 where nothing can be said: fewer than 3 degrees of freedom or 10 clusters, no rows, nothing below the edge."""
    effective_size: FloatArray
    """Independent rows that the comparison is worth at the least, before any cut for few degrees of freedom."""
    degrees_of_freedom: FloatArray
    """Of the variance."""
    too_few_clusters: BoolArray
    """Whether a group has too few clusters to be judged, or so few that by chance no bad one may have been drawn."""


def effective_size(side: WeightedRate, correlation: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Effective size of each rate by itself, and its degrees of freedom: for intervals.

    ``p(1-p)`` over the larger of own and pooled variance, both taken at the rate found. 0 in a group without rows, or
    of one cluster.
    """
    pooled = design_size(side, correlation)
    own, spread = own_variance(side), side.rate * (1.0 - side.rate)
    told = (own > 0.0) & (spread > 0.0)
    size = np.where(told, np.minimum(spread / np.where(told, own, 1.0), pooled), pooled)
    return np.where(np.isinf(own), 0.0, size), satterthwaite(side, correlation)


def few_degrees_factor(df: npt.ArrayLike, level: npt.ArrayLike) -> FloatArray:
    """What is left of an effective size at a one-sided level: ``(z / t_df)^2`` (Korn & Graubard 1998); 0 at level 0."""
    tail = np.asarray(level, dtype=np.float64)
    possible = (tail > 0.0) & (tail < 0.5)
    safe = np.where(possible, tail, 0.25)
    return np.where(possible, (ndtri(safe) / stdtrit(np.asarray(df, dtype=np.float64), safe)) ** 2, 0.0)


def effective_test(
    compared: Comparison, boundary: Boundary, level: npt.ArrayLike, *, unseen: FloatArray | None = None
) -> EffectiveTest:
    """One-sided p-values of "the group's counted rate is at or above the edge", to be held against `level` only.

    Parameters
    ----------
    compared : Comparison
        The groups and their rests.
    boundary : Boundary
        Edge of the hypothesis.
    level : array_like, shape (G,) or one
        The level that the p-value is going to be compared with; it fixes the quantile of t.
    unseen : ndarray, shape (G,), optional
        `Comparison.unseen` at this boundary, where many levels are tried: it depends on none.

    Returns
    -------
    EffectiveTest

    Notes
    -----
    With ``b`` the edge at the rest's rate and s its slope::

        v(I)   = h b(1-b) sum_k [Q + I (B^2 - Q)] / S^2 + v_rest - max(0, cross),   h = max(1, tilts at b)
        v_own  = K/(K-1) sum e^2 + v_rest - cross,                                  cross = 2 s sum e f
        n_eff  = b(1-b) / max(v_own, v(I_pooled)) (z / t_df)^2,                     x = n_eff times the counted rate
        p      = I_{1-b}(n_eff - x, x + 1)             the binomial tail P(X <= x), for any real x and n_eff

    and p is at least the same tail at the largest correlations that the clusters of group and rest allow, without t:
    those already are upper ends. ``v_rest`` is s^2 times the larger of the rest's own and pooled variance, and for that
    second tail at least the one that the rest would have at the rate that puts the group on the edge. The degrees of
    freedom are Satterthwaite's of both parts, never more than the group's own. What is known of a tilt rests on the
    rows of the rarer outcome, of which each gives half a degree; together they give no fewer than 3. Where it is not
    told (the last of `tilts`, everyone's: `Tilt.is_told`), p is 1.
    """
    group, rest, edge = compared.group, compared.rest, compared.edge(boundary)
    counted = counted_rate(group.rate, boundary)
    inside = (edge > 0.0) & (edge < 1.0) & (group.clusters > 1.0) & (rest.clusters > 1.0)
    b = np.where(inside, edge, 0.5)
    spread = _spread(compared, boundary, b)
    inside &= (spread.variance > 0.0) & np.isfinite(spread.variance)
    size, least = (np.where(inside, b * (1.0 - b) / np.where(inside, v, 1.0), 0.0) for v in spread[:2])
    cut = size * few_degrees_factor(np.minimum(spread.df, np.maximum(spread.tilt_df, MIN_DEGREES_OF_FREEDOM)), level)
    able: BoolArray = inside & (spread.df >= MIN_DEGREES_OF_FREEDOM) & ~too_few_clusters(group)
    able &= (cut > 0.0) & (counted < 1.0)
    if compared.tilts and compared.rest_tilts:
        rows = np.minimum(compared.tilts[0].rows, compared.rest_tilts[0].rows)
        for everyone in (compared.tilts[-1], compared.rest_tilts[-1]):
            able &= everyone.is_told(rows, b, level)
    shown = np.maximum(_tail(counted, cut, b, able), _tail(counted, least, b, able))
    unseen = compared.unseen(boundary) if unseen is None else unseen
    tail = np.asarray(level, dtype=np.float64)
    few = too_few_clusters(group) | ((edge > 0.0) & (shown <= tail) & (unseen > tail))
    return EffectiveTest(np.maximum(shown, np.where(able, unseen, 1.0)), least, spread.df, few)


class _Spread(NamedTuple):
    variance: FloatArray
    """Of the distance from the edge: the larger of own and pooled."""
    largest: FloatArray
    """The same at the largest correlations that the clusters of both sides allow."""
    df: FloatArray
    tilt_df: FloatArray


def _spread(compared: Comparison, boundary: Boundary, b: FloatArray) -> _Spread:
    """The variances of `effective_test` on the edge b."""
    group, rest = compared.group, compared.rest
    tilt, tilt_df = _tilted(compared.tilts, counted_rate(b, boundary))
    of_rest = _variance_of_rest(rest, boundary, compared.correlation, compared.rest_tilts)
    shared = 2.0 * boundary.slope * compared.cross

    def of_group(correlation: npt.ArrayLike) -> FloatArray:
        return np.asarray(b * (1.0 - b) * tilt * variance_factor(group, correlation, compared.least_q))

    pooled = of_group(compared.correlation)
    variance = of_rest + np.maximum(own_variance(group) - shared, pooled - np.maximum(shared, 0.0))
    rest_rate = compared.rest_on_edge(boundary)
    rest_factor = variance_factor(rest, compared.rest_correlation)
    of_worst_rest = boundary.slope**2 * rest_rate * (1.0 - rest_rate) * rest_factor
    of_worst_rest = of_worst_rest * _tilted(compared.rest_tilts, counted_rate(rest_rate, boundary))[0]
    possible = of_group(compared.own_correlation) + np.maximum(of_rest, of_worst_rest)
    # what clusters on both sides add to the variance grows with how alike rows are, as the rest of it does
    apart = of_rest + np.maximum(own_variance(group), pooled)
    told = (apart > 0.0) & np.isfinite(apart)
    grown = np.where(told, possible / np.where(told, apart, 1.0), 1.0)
    against = np.maximum(-shared, 0.0) * np.maximum(grown, 1.0)
    largest = np.maximum(variance, possible + against - np.maximum(shared, 0.0))
    df = _joint_df(group, rest, pooled, of_rest, compared.correlation)
    return _Spread(variance, largest, df, tilt_df)


def _tail(rate: FloatArray, size: FloatArray, edge: FloatArray, able: BoolArray) -> FloatArray:
    n = np.where(able, size, 1.0)
    x = np.where(able, n * rate, 0.0)
    return np.where(able, betainc(n - x, x + 1.0, 1.0 - edge), 1.0)


def _tilted(tilts: Sequence[Tilt], rate: FloatArray) -> tuple[FloatArray, FloatArray]:
    """By how much weights that go with the outcome widen a variance, and on how many degrees of freedom that rests."""
    factor, df = np.ones(rate.shape), np.full(rate.shape, np.inf)
    for tilt in tilts:
        factor = np.maximum(factor, tilt.at(rate))
        df = np.minimum(df, _OF_RARER * tilt.rarer(rate))
    return factor, np.where(factor > 1.0 + _LEVEL_WEIGHTS, df, np.inf)


def _heaviest(tilts: Sequence[Tilt], *, with_outcome: bool, shape: tuple[int, ...]) -> FloatArray:
    """float64[G]: how many times as heavy as the average a row with the outcome is, or one without it; at least 1."""
    heaviest = np.ones(shape)
    for tilt in tilts:
        rows = tilt.rows_with if with_outcome else tilt.rows_without
        heaviest = np.maximum(heaviest, 1.0 / np.where(rows > 0.0, rows, 1.0))
    return heaviest


def _variance_of_rest(
    rest: WeightedRate, boundary: Boundary, correlation: npt.ArrayLike, tilts: Sequence[Tilt]
) -> FloatArray:
    factor = variance_factor(rest, correlation) * _tilted(tilts, rest.rate)[0]
    size = np.where(factor > 0.0, 1.0 / np.where(factor > 0.0, factor, 1.0), 0.0)
    smoothed = (rest.rate * size + _PSEUDO_CASES / 2.0) / (size + _PSEUDO_CASES)
    return np.asarray(boundary.slope**2 * np.maximum(own_variance(rest), smoothed * (1.0 - smoothed) * factor))


def _joint_df(
    group: WeightedRate, rest: WeightedRate, of_group: FloatArray, of_rest: FloatArray, correlation: npt.ArrayLike
) -> FloatArray:
    own, other = satterthwaite(group, correlation), satterthwaite(rest, correlation)
    finite = np.where(np.isfinite(of_rest), of_rest, 0.0)
    parts = of_group**2 / own + finite**2 / other
    joint = np.where(parts > 0.0, (of_group + finite) ** 2 / np.where(parts > 0.0, parts, 1.0), own)
    return np.where(np.isfinite(of_rest), np.minimum(own, joint), 1.0)
