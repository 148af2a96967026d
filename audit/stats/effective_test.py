"""Test that a group lies beyond (or within) a margin of the rest, where rows have weights or belong to clusters.

The exact tests need independent rows that all count the same. This test replaces the rows of a group by the number of
independent rows that its variance is worth: the *effective size*. It then cuts that size, because few clusters estimate
a variance badly (Korn & Graubard 1998). There are two variances, and the larger one counts: the group's own variance,
and the variance that its weights and cluster sizes give with the correlation of all groups together. The test must also
hold at the largest correlation that the group's own clusters allow (`audit.stats.clusters`). No p-value
is smaller than the chance that none of the group's bad clusters was drawn (`audit.stats.clusters`). The
test is an approximation, measured in ``tools.simulate``. Everything is closed form and vectorised over groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, ndtri, stdtrit

from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.boundaries import Boundary, counted_rate
from audit.stats.clusters import (
    Alike,
    Bundles,
    Tilt,
    WeightedRate,
    chance_unseen,
    design_size,
    own_variance,
    satterthwaite,
    too_few_clusters,
    variance_factor,
)

MIN_DEGREES_OF_FREEDOM = 3.0
"""With fewer, a group can neither pass nor fail: its variance is as good as unknown, as the quantiles of t show."""
_PSEUDO_CASES = 4.0
"""Cases added to the rest before its variance is taken, half of them counted (Agresti & Coull 1998). A rate of 0 or 1
in a small rest does not prove that the rate never varies."""
_LEVEL_WEIGHTS = 1e-9
"""Largest distance of a tilt from 1 that rounding explains."""
_OF_RARER = 0.5
"""Degrees of freedom that one row of the rarer outcome gives to a tilt. Chosen by simulation."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Groups against their rests; every array is float64 of shape (G,)."""

    group: WeightedRate
    """Rates of the metric of each group, not counted rates."""
    rest: WeightedRate
    cross: FloatArray
    """Covariance of the two rates: ``sum_k e_k f_k`` over clusters with rows in group and rest. ``e_k = (A - pB)/S`` is
    of the group, f_k of the rest. 0 without such clusters."""
    correlation: float | FloatArray
    """`pooled_correlation` of the family: one number for all groups, or shape (G,)."""
    tilts: tuple[Tilt, ...] = ()
    """How weights may depend on the outcome; the last one is the tilt of all rows together. The largest variance
    counts. Without tilts the weights must not depend on the outcome: with weights twice as large for one outcome, false
    passes rose to 9 %."""
    rest_tilts: tuple[Tilt, ...] = ()
    least_q: FloatArray | float = 0.0
    """``sum_k Q / S^2`` if the weights of the rows differed as much as the weights within all groups together do. A
    group that drew few heavy rows by chance does not look better for it."""
    alike: Alike | None = None
    """How similar the rows within a cluster are, as the groups' own clusters show; None where nothing is known."""
    rest_alike: Alike | None = None
    """How similar the rows within a cluster of the rest are; None where nothing is known."""
    joint: BoolArray | bool = False
    """bool[G]: whether a cluster can have rows in the group and in its rest."""

    def of_groups(self, places: BoolArray | IntArray) -> Self:
        """Select some of the groups, or repeat them."""
        group_side, rest = (
            tuple(Tilt(*(values[places] for values in tilt)) for tilt in tilts)
            for tilts in (self.tilts, self.rest_tilts)
        )
        numbers = self.correlation, self.least_q, self.joint
        correlation, least_q, joint = (np.broadcast_to(values, self.cross.shape)[places] for values in numbers)
        alike, rest_alike = (
            None if correlations is None else correlations.of_groups(places)
            for correlations in (self.alike, self.rest_alike)
        )
        group, rest_rate, cross = self.group[places], self.rest[places], self.cross[places]
        return type(self)(group, rest_rate, cross, correlation, group_side, rest, least_q, alike, rest_alike, joint)

    def test(self, boundary: Boundary, level: npt.ArrayLike, *, unseen: FloatArray | None = None) -> EffectiveTest:
        """Run `effective_test`."""
        return effective_test(self, boundary, level, unseen=unseen)

    def edge(self, boundary: Boundary) -> FloatArray:
        """Counted rate of the group on the edge of the hypothesis, at the rest's rate; not clipped."""
        return np.asarray(boundary.offset + boundary.slope * counted_rate(self.rest.rate, boundary))

    @property
    def own_correlation(self) -> FloatArray:
        """Largest correlation that is possible within the clusters of the groups."""
        return self._possible(self.alike)

    @property
    def rest_correlation(self) -> FloatArray:
        """Largest correlation that is possible within the clusters of the rests."""
        return self._possible(self.rest_alike)

    def _possible(self, alike: Alike | None) -> FloatArray:
        largest = np.ones(self.cross.shape) if alike is None else alike.largest
        return np.asarray(np.maximum(largest, self.correlation), dtype=np.float64)

    def rest_on_edge(self, boundary: Boundary) -> FloatArray:
        """Counted rate of the rest at which the group, with its counted rate, would lie on the edge.

        The rest then shows too high a rate: the clusters that were missed are those without the counted outcome.
        """
        return np.clip((counted_rate(self.group.rate, boundary) - boundary.offset) / boundary.slope, 0.0, 1.0)

    def unseen(self, boundary: Boundary) -> FloatArray:
        """Compute `chance_unseen` for both sides."""
        group_side, others = (
            (Bundles.all_of(side) if alike is None else alike.bundles).at_least(self.correlation)
            for side, alike in ((self.group, self.alike), (self.rest, self.rest_alike))
        )
        rate, rest_rate = counted_rate(self.group.rate, boundary), counted_rate(self.rest.rate, boundary)
        heavy = (
            _heaviest(self.tilts, with_outcome=boundary.counts_success, shape=rate.shape),
            _heaviest(self.rest_tilts, with_outcome=not boundary.counts_success, shape=rate.shape),
        )
        noise = np.sqrt(self._by_rows(boundary))
        return chance_unseen(group_side, rate, others, rest_rate, boundary, heavy=heavy, joint=self.joint, noise=noise)

    def none_seen(self, boundary: Boundary) -> FloatArray:
        """float64[G]: chance that nobody was drawn of kinds of cases that would put a group on the edge; 0 without
        strata.
        """
        del boundary
        return np.zeros(self.cross.shape)

    def _by_rows(self, boundary: Boundary) -> FloatArray:
        """float64[G]: variance of the distance from the edge if rows within a cluster were independent."""
        edge = np.clip(self.edge(boundary), 0.0, 1.0)
        tilt, _ = _tilted(self.tilts, counted_rate(edge, boundary))
        of_group = edge * (1.0 - edge) * tilt * variance_factor(self.group, 0.0, self.least_q)
        rate, (rest_tilt, _) = self.rest.rate, _tilted(self.rest_tilts, self.rest.rate)
        of_rest = rate * (1.0 - rate) * rest_tilt * variance_factor(self.rest, 0.0)
        return np.asarray(of_group + boundary.slope**2 * of_rest, dtype=np.float64)


class EffectiveTest(NamedTuple):
    """P-values and the figures they rest on, each float64 of shape (G,)."""

    p: FloatArray
    """1 where the test can say nothing: fewer than 3 degrees of freedom or 10 clusters, no rows, nothing below the
    edge."""
    effective_size: FloatArray
    """Smallest number of independent rows that the comparison is worth, before any cut for few degrees of freedom."""
    degrees_of_freedom: FloatArray
    """Degrees of freedom of the variance."""
    too_few_clusters: BoolArray
    """Whether the group has too few clusters to be judged, or so few that chance may have left out every bad one."""


def effective_size(side: WeightedRate, correlation: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Effective size of each rate by itself, and its degrees of freedom: for intervals.

    ``p(1-p)`` over the larger of own and pooled variance, both taken at the rate found. 0 in a group without rows, or
    of one cluster.
    """
    pooled = design_size(side, correlation)
    group_variance, spread = own_variance(side), side.rate * (1.0 - side.rate)
    known = (group_variance > 0.0) & (spread > 0.0)
    size = np.where(known, np.minimum(spread / np.where(known, group_variance, 1.0), pooled), pooled)
    return np.where(np.isinf(group_variance), 0.0, size), satterthwaite(side, correlation)


def few_degrees_factor(df: npt.ArrayLike, level: npt.ArrayLike) -> FloatArray:
    """Share of an effective size that is left at a one-sided level: ``(z / t_df)^2``; 0 at level 0.

    Korn & Graubard (1998).
    """
    tail = np.asarray(level, dtype=np.float64)
    possible = (tail > 0.0) & (tail < 0.5)
    safe = np.where(possible, tail, 0.25)
    return np.where(possible, (ndtri(safe) / stdtrit(np.asarray(df, dtype=np.float64), safe)) ** 2, 0.0)


def effective_test(
    compared: Comparison, boundary: Boundary, level: npt.ArrayLike, *, unseen: FloatArray | None = None
) -> EffectiveTest:
    """One-sided p-values of "the group's counted rate is at or above the edge"; compare them with `level` only.

    Parameters
    ----------
    compared : Comparison
        The groups and their rests.
    boundary : Boundary
        Edge of the hypothesis.
    level : array_like, shape (G,) or one
        The level that the p-value will be compared with; it fixes the quantile of t.
    unseen : ndarray, shape (G,), optional
        `Comparison.unseen` at this boundary. It does not depend on the level, so a caller that tries many computes it
        once.

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

    and p is at least this tail at the largest correlations that the clusters of group and rest allow, without t:
    those already are upper ends. ``v_rest`` is s^2 times the larger of the rest's own and pooled variance, and for that
    second tail at least the one that the rest would have at the rate that puts the group on the edge. The degrees of
    freedom are Satterthwaite's of both parts, never more than the group's own. A tilt is estimated from the
    rows of the rarer outcome: each gives half a degree, and together they give no fewer than 3. Where the tilt is not
    known (the last of `tilts`, that of all rows: `Tilt.is_known`), p is 1.
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
            able &= everyone.is_known(rows, b, level)
    shown = np.maximum(_tail(counted, cut, b, able), _tail(counted, least, b, able))
    unseen = compared.unseen(boundary) if unseen is None else unseen
    tail = np.asarray(level, dtype=np.float64)
    few = too_few_clusters(group) | ((edge > 0.0) & (shown <= tail) & (unseen > tail))
    return EffectiveTest(np.maximum(shown, np.where(able, unseen, 1.0)), least, spread.df, few)


class _Spread(NamedTuple):
    variance: FloatArray
    """Variance of the distance from the edge: the larger of own and pooled."""
    largest: FloatArray
    """Variance at the largest correlations that the clusters of both sides allow."""
    df: FloatArray
    tilt_df: FloatArray


def _spread(compared: Comparison, boundary: Boundary, b: FloatArray) -> _Spread:
    """Variances of `effective_test` on the edge b."""
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
    # the part of the variance from clusters on both sides grows with the correlation, as the other parts do
    apart = of_rest + np.maximum(own_variance(group), pooled)
    known = (apart > 0.0) & np.isfinite(apart)
    grown = np.where(known, possible / np.where(known, apart, 1.0), 1.0)
    against = np.maximum(-shared, 0.0) * np.maximum(grown, 1.0)
    largest = np.maximum(variance, possible + against - np.maximum(shared, 0.0))
    df = _joint_df(group, rest, pooled, of_rest, compared.correlation)
    return _Spread(variance, largest, df, tilt_df)


def _tail(rate: FloatArray, size: FloatArray, edge: FloatArray, able: BoolArray) -> FloatArray:
    n = np.where(able, size, 1.0)
    x = np.where(able, n * rate, 0.0)
    return np.where(able, betainc(n - x, x + 1.0, 1.0 - edge), 1.0)


def _tilted(tilts: Sequence[Tilt], rate: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Factor by which weights that depend on the outcome widen a variance, and its degrees of freedom."""
    factor, df = np.ones(rate.shape), np.full(rate.shape, np.inf)
    for tilt in tilts:
        factor = np.maximum(factor, tilt.at(rate))
        df = np.minimum(df, _OF_RARER * tilt.rarer(rate))
    return factor, np.where(factor > 1.0 + _LEVEL_WEIGHTS, df, np.inf)


def _heaviest(tilts: Sequence[Tilt], *, with_outcome: bool, shape: tuple[int, ...]) -> FloatArray:
    """float64[G]: weight of a row with the outcome (or without it) relative to the average row; at least 1."""
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
    group_df, other = satterthwaite(group, correlation), satterthwaite(rest, correlation)
    finite = np.where(np.isfinite(of_rest), of_rest, 0.0)
    parts = of_group**2 / group_df + finite**2 / other
    joint = np.where(parts > 0.0, (of_group + finite) ** 2 / np.where(parts > 0.0, parts, 1.0), group_df)
    return np.where(np.isfinite(of_rest), np.minimum(group_df, joint), 1.0)
