"""Test that a group lies beyond (or within) a margin of the rest, where rows have weights or belong to clusters.

The exact tests need independent rows that count alike. Here a group's rate is replaced by as many independent rows as
its variance is worth, the *effective size*, and the size is cut again for how little its clusters tell of that
variance (Korn & Graubard 1998). Two variances are known and the larger is taken: the group's own, which few clusters
estimate badly, and the one that its weights and cluster sizes give with the correlation that all groups show together.
An approximation, measured in ``simulate/weighted_clusters.py``; everything is closed form and vectorised over groups.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, ndtr, ndtri, stdtrit

from audit.stats.binomial import BoolArray, FloatArray, checked_fraction
from audit.stats.boundaries import Boundary, counted_rate

__all__ = [
    "MIN_DEGREES_OF_FREEDOM",
    "EffectiveTest",
    "Tilt",
    "WeightedRate",
    "design_size",
    "effective_levels",
    "effective_size",
    "effective_test",
    "pooled_correlation",
    "power_width",
    "satterthwaite",
]

MIN_DEGREES_OF_FREEDOM = 3.0
"""With fewer a group can neither pass nor fail: the quantiles of t say that its variance is as good as unknown."""
MAX_CORRELATION = 0.95
_MAX_WIDTH, _MIN_WIDTH = 4.0, 1e-3
_LARGEST_PENALTY = 400.0
_BISECTIONS = 60
_PSEUDO_CASES = 4.0
"""Added to the rest, half of them counted, before its variance is taken (Agresti & Coull 1998): a rate of 0 or 1 in a
small rest is no proof that it does not vary."""


@dataclass(frozen=True)
class WeightedRate:
    """Weighted rates of G groups (or of their rests) with what their variances are made of.

    With y in {0, 1}, and for cluster k of a group ``A = sum w y``, ``B = sum w``, ``Q = sum w^2``, ``S = sum_k B``. A
    row without a cluster is a cluster by itself. All are of shape (G,); the value in a group without rows is free.
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

    def __getitem__(self, place: npt.NDArray[np.bool_] | npt.NDArray[np.int64] | slice) -> WeightedRate:
        """The same of some of the groups."""
        return WeightedRate(*(getattr(self, field.name)[place] for field in fields(self)))


class Tilt(NamedTuple):
    """How weights go with the outcome: mean weights of rows with and without it, relative to all; (G,) each.

    With sums of weights ``S_1, S_0``, of their squares ``Q_1, Q_0`` and rows ``n_1, n_0`` of either outcome.
    """

    squares_with: FloatArray
    """``(Q_1 / S_1) / (Q / S)``."""
    squares_without: FloatArray
    rows_with: FloatArray
    """``(n_1 / S_1) / (n / S)``."""
    rows_without: FloatArray

    @classmethod
    def of(cls, weights: Pair, squares: Pair, rows: Pair) -> Tilt:
        """From the sums with and without the outcome; level where one of them has no rows."""
        told = (weights[0] > 0.0) & (weights[1] > 0.0)
        (s1, s0), (q1, q0), (n1, n0) = (
            tuple(np.where(told, of_outcome, 1.0) for of_outcome in pair) for pair in (weights, squares, rows)
        )
        s, q, n = s1 + s0, q1 + q0, n1 + n0
        return cls(*(np.where(told, value, 1.0) for value in (
            q1 * s / (s1 * q), q0 * s / (s0 * q), n1 * s / (s1 * n), n0 * s / (s0 * n)
        )))  # fmt: skip

    def at(self, rate: FloatArray) -> FloatArray:
        """How many times as large a weighted rate's variance is, were it `rate`, as with weights that tell nothing."""
        squares = (1.0 - rate) * self.squares_with + rate * self.squares_without
        return squares * (rate * self.rows_with + (1.0 - rate) * self.rows_without)


Pair: TypeAlias = tuple[FloatArray, FloatArray]
"""Of rows with the outcome, and of rows without it."""


class EffectiveTest(NamedTuple):
    """P-values and what they rest on, each float64 of shape (G,)."""

    p: FloatArray
    """1 where nothing can be said: fewer than 3 degrees of freedom, no rows, or nothing below the edge."""
    effective_size: FloatArray
    """Independent rows that the comparison is worth, before the cut for few degrees of freedom."""
    degrees_of_freedom: FloatArray
    """Of the variance."""


def pooled_correlation(side: WeightedRate, total: npt.ArrayLike) -> float:
    """Intracluster correlation over all groups together: how alike the rows of a cluster are.

    Parameters
    ----------
    side : WeightedRate
        Disjoint groups of one metric.
    total : array_like, shape (G,)
        Their sums of weights ``S``.

    Returns
    -------
    float
        Within [0, .95]; 0 where no cluster has two rows. Groups in which all rows are alike say nothing and are left
        out.

    Notes
    -----
    ``[sum_g (sum_k (A - pB)^2 / (p(1-p)) - sum_k Q)] / sum_g sum_k (B^2 - Q)``: with correlation I the expectation of
    ``(A - pB)^2`` is ``p(1-p) [Q + I (B^2 - Q)]``.
    """
    size = np.asarray(total, dtype=np.float64)
    spread = side.rate * (1.0 - side.rate)
    told = (size > 0.0) & (spread > 0.0)
    if not told.any():
        return 0.0
    some, squared = side[told], size[told] ** 2
    excess = (some.residual / spread[told] - some.q) * squared
    pairs = float(((some.bb - some.q) * squared).sum())
    if not pairs > 1e-12 * float((some.bb * squared).sum()):
        return 0.0
    return float(np.clip(excess.sum() / pairs, 0.0, MAX_CORRELATION))


def design_size(side: WeightedRate, correlation: npt.ArrayLike) -> FloatArray:
    """Independent rows that weights and cluster sizes are worth: ``S^2 / sum_k [Q + I (B^2 - Q)]``.

    Kish (1965): with equal weights the reciprocal of the design effect ``1 + (n/K - 1) I`` per row; without clusters
    ``(sum w)^2 / sum w^2``. 0 in a group without rows.
    """
    made_of = _made_of(side, correlation)
    return np.where(made_of > 0.0, 1.0 / np.where(made_of > 0.0, made_of, 1.0), 0.0)


def _made_of(side: WeightedRate, correlation: npt.ArrayLike) -> FloatArray:
    correlated = np.asarray(correlation, dtype=np.float64) * (side.bb - side.q)
    return np.asarray(side.q + correlated, dtype=np.float64)


def satterthwaite(side: WeightedRate, correlation: npt.ArrayLike) -> FloatArray:
    """Degrees of freedom of a variance estimate: ``max(1, (sum c)^2 / sum c^2 - 1)``, ``c = Q + I (B^2 - Q)``.

    Satterthwaite (1946): K - 1 for K clusters of one size, fewer where some are much larger than others.
    """
    icc = np.asarray(correlation, dtype=np.float64)
    squares = (1.0 - icc) ** 2 * side.q_q + 2.0 * icc * (1.0 - icc) * side.q_bb + icc * icc * side.bb_bb
    made_of = _made_of(side, icc)
    known = (squares > 0.0) & (side.clusters > 0.0)
    df = np.where(known, made_of * made_of / np.where(known, squares, 1.0), 1.0) - 1.0
    # rounding may carry the quotient past the number of clusters, which it cannot exceed
    return np.maximum(np.minimum(df, side.clusters - 1.0), 1.0)


def _own(side: WeightedRate) -> FloatArray:
    clusters = side.clusters
    return np.where(clusters > 1.0, side.residual * clusters / np.where(clusters > 1.0, clusters - 1.0, 1.0), np.inf)


def effective_size(side: WeightedRate, correlation: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Effective size of each rate by itself, and its degrees of freedom: for intervals.

    ``p(1-p)`` over the larger of own and pooled variance, both taken at the rate found. 0 in a group without rows, or
    of one cluster.
    """
    pooled = design_size(side, correlation)
    own, spread = _own(side), side.rate * (1.0 - side.rate)
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
    group: WeightedRate,
    rest: WeightedRate,
    cross: npt.ArrayLike,
    boundary: Boundary,
    correlation: npt.ArrayLike,
    level: npt.ArrayLike,
    tilts: Sequence[Tilt] = (),
    rest_tilts: Sequence[Tilt] = (),
) -> EffectiveTest:
    """One-sided p-values of "the group's counted rate is at or above the edge", to be held against `level` only.

    Parameters
    ----------
    group, rest : WeightedRate, shape (G,)
        Rates of the metric (not counted rates) in each group and in its rest.
    cross : array_like, shape (G,)
        ``sum_k e_k f_k`` over clusters with rows in group and rest, ``e_k = (A - pB)/S`` of the group and f_k of the
        rest: the covariance of the two rates. 0 without such clusters.
    boundary : Boundary
        Edge of the hypothesis.
    correlation : array_like
        `pooled_correlation` of the family; one for all, or (G,).
    level : array_like, shape (G,) or one
        The level that the p-value is going to be compared with; it fixes the quantile of t.
    tilts, rest_tilts : sequence of Tilt
        How weights may go with the outcome; the largest variance counts. Without them weights must not go with it:
        false passes rose to 9 % with weights twice as large for one outcome.

    Returns
    -------
    EffectiveTest

    Notes
    -----
    With ``b`` the edge at the rest's rate and s its slope::

        v_own  = K/(K-1) sum e^2 + v_rest - cross,          cross = 2 s sum e f
        v_pool = h b(1-b) sum_k [Q + I (B^2 - Q)] / S^2 + v_rest - max(0, cross),   h = max(1, tilts at b)
        n_eff  = b(1-b) / max(v_own, v_pool) (z / t_df)^2,  x = n_eff times the counted rate
        p      = I_{1-b}(n_eff - x, x + 1)                  the binomial tail P(X <= x), for any real x and n_eff

    ``v_rest`` is s^2 times the larger of the rest's own and pooled variance; the degrees of freedom are Satterthwaite's
    of both parts, never more than the group's own: a small rest is as uncertain as the group.
    """
    edge = boundary.offset + boundary.slope * counted_rate(rest.rate, boundary)
    counted = counted_rate(group.rate, boundary)
    inside = (edge > 0.0) & (edge < 1.0) & (group.clusters > 1.0) & (rest.clusters > 1.0)
    b = np.where(inside, edge, 0.5)
    of_group = b * (1.0 - b) * _made_of(group, correlation) * _tilted(tilts, counted_rate(b, boundary))
    of_rest = _variance_of_rest(rest, boundary, correlation, rest_tilts)
    shared = 2.0 * boundary.slope * np.asarray(cross, dtype=np.float64)
    variance = of_rest + np.maximum(_own(group) - shared, of_group - np.maximum(shared, 0.0))
    df = _joint_df(group, rest, of_group, of_rest, correlation)
    inside &= (variance > 0.0) & np.isfinite(variance)
    raw = np.where(inside, b * (1.0 - b) / np.where(inside, variance, 1.0), 0.0)
    size = raw * few_degrees_factor(df, level)
    able: BoolArray = inside & (df >= MIN_DEGREES_OF_FREEDOM) & (size > 0.0) & (counted < 1.0)
    return EffectiveTest(_tail(counted, size, b, able), raw, df)


def _tail(rate: FloatArray, size: FloatArray, edge: FloatArray, able: BoolArray) -> FloatArray:
    n = np.where(able, size, 1.0)
    x = np.where(able, n * rate, 0.0)
    return np.where(able, betainc(n - x, x + 1.0, 1.0 - edge), 1.0)


def _tilted(tilts: Sequence[Tilt], rate: FloatArray) -> FloatArray:
    factor = np.ones(rate.shape)
    for tilt in tilts:
        factor = np.maximum(factor, tilt.at(rate))
    return factor


def _variance_of_rest(
    rest: WeightedRate, boundary: Boundary, correlation: npt.ArrayLike, tilts: Sequence[Tilt]
) -> FloatArray:
    made_of = _made_of(rest, correlation) * _tilted(tilts, rest.rate)
    size = np.where(made_of > 0.0, 1.0 / np.where(made_of > 0.0, made_of, 1.0), 0.0)
    smoothed = (rest.rate * size + _PSEUDO_CASES / 2.0) / (size + _PSEUDO_CASES)
    return np.asarray(boundary.slope**2 * np.maximum(_own(rest), smoothed * (1.0 - smoothed) * made_of))


def _joint_df(
    group: WeightedRate, rest: WeightedRate, of_group: FloatArray, of_rest: FloatArray, correlation: npt.ArrayLike
) -> FloatArray:
    own, other = satterthwaite(group, correlation), satterthwaite(rest, correlation)
    finite = np.where(np.isfinite(of_rest), of_rest, 0.0)
    parts = of_group**2 / own + finite**2 / other
    joint = np.where(parts > 0.0, (of_group + finite) ** 2 / np.where(parts > 0.0, parts, 1.0), own)
    return np.where(np.isfinite(of_rest), np.minimum(own, joint), 1.0)


def power_width(overall: npt.ArrayLike, size: npt.ArrayLike, boundary: Boundary) -> FloatArray:
    """How many standard errors of a group of effective size `size` the margin is wide, at most 4.

    `overall` is the metric's rate over everyone. What the weights of `effective_levels` are made of (Spjotvoll 1972).
    """
    rate = counted_rate(overall, boundary)
    edge = boundary.edge(rate)
    width = np.abs(rate - edge)
    n = np.asarray(size, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        in_errors = np.where(width > 0.0, width / np.sqrt(edge * (1.0 - edge) / n), 1.0)
    known = np.nan_to_num(in_errors, nan=0.0, posinf=_MAX_WIDTH)
    return np.where(known > _MAX_WIDTH, _MAX_WIDTH, np.maximum(known, _MIN_WIDTH))


def effective_levels(
    p_at: Callable[[FloatArray], FloatArray], width: npt.ArrayLike, level: float
) -> tuple[BoolArray, FloatArray, FloatArray]:
    """Name groups by weighted Bonferroni with step-down, for p-values that depend on the level they are held against.

    Parameters
    ----------
    p_at : callable
        P-values, shape (G,), at levels of shape (G,). A group named at a level must be named at any larger one; that
        of `effective_test` is, because ``(z / t)^2`` rises with the level.
    width : array_like, shape (G,)
        `power_width` of each group, from weights, cluster sizes and the overall rate only.
    level : float
        The family's share of the error.

    Returns
    -------
    rejected : ndarray of bool, shape (G,)
    local_level : ndarray of float64, shape (G,)
        The level each group was held against in the last step in which it took part.
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
    clusters that span groups included. Discarding (`audit.stats.multiplicity`) is not used: it needs p-values that are
    independent between groups and uniformly conservative on the margin, which effective sizes do not promise.
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


def _levels(mu: FloatArray, left: BoolArray, level: float) -> FloatArray:
    def levels(penalty: float) -> FloatArray:
        return np.minimum(ndtr(-(mu / 2.0 + penalty / mu)), level)

    # a negative penalty gives back what the weights of few groups would leave unspent
    low, high = -_LARGEST_PENALTY, _LARGEST_PENALTY
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2.0
        if float(levels(middle)[left].sum()) <= level:
            high = middle
        else:
            low = middle
    return levels(high)
