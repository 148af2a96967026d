"""Weighted rates of groups whose rows may belong to clusters, and the parts of their variances."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from audit.stats.arrays import BoolArray, FloatArray, IntArray

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

    def __getitem__(self, place: Place) -> WeightedRate:
        """Select some of the groups, or add an axis."""
        return WeightedRate(*(getattr(self, field.name)[place] for field in fields(self)))


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
        (``tools.simulate.informative_weights``).
        """
        factor = np.maximum(self.rows_with, self.rows_without) / np.minimum(self.rows_with, self.rows_without)
        few = np.minimum(self.fewest, _FEWEST_KNOWN)
        with np.errstate(divide="ignore"):  # at level 0 no number of rows is enough
            wanted = _HEAVIEST * (2.0 * few - np.log(np.asarray(level, dtype=np.float64))) / np.maximum(edge, 1e-9)
        return np.asarray(((self.fewest >= _FEWEST_KNOWN) | (rows >= wanted)) & (factor <= _MOST_TILTED))

    def rarer(self, rate: FloatArray) -> FloatArray:
        """Expected rows of the rarer outcome, if the weighted rate is `rate`."""
        having, lacking = rate * self.rows_with, (1.0 - rate) * self.rows_without
        both = having + lacking
        return self.rows * np.minimum(having, lacking) / np.where(both > 0.0, both, 1.0)


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
