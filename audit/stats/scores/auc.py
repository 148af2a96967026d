"""AUC from score histograms: the exact value, its interval, and the part that lies within groups.

The AUC is the chance that a case of exploitation scores higher than another case, where ties count one half. All pairs
are counted in integers from histograms, for all groups in one array operation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from audit.stats.arrays import FloatArray, IntArray
from audit.stats.rates.binomial import checked_fraction
from audit.stats.rates.intervals import score_limits

MIN_CASES: Final = 5
"""With fewer positives or negatives no interval is given: coverage was measured from this number on (`tools.simulate`).
"""
_LEAST_DISTANCE: Final = 0.025
"""Least distance from 0 and 1 at which Newcombe's variance is taken, over the root of the number of pairs."""


@dataclass(frozen=True, slots=True)
class Auc:
    """AUCs of G pairs of samples, with two-sided intervals."""

    value: FloatArray
    """float64[G]; nan where one of the samples is empty."""
    low: FloatArray
    """float64[G]; nan where a sample has fewer than `MIN_CASES`."""
    high: FloatArray
    """float64[G]; nan where a sample has fewer than `MIN_CASES`."""
    delong: FloatArray
    """float64[G]: DeLong's variance alone; nan where a sample has fewer than `MIN_CASES`."""
    variance: FloatArray
    """float64[G]: the larger of DeLong's and Newcombe's; nan where a sample has fewer than `MIN_CASES`."""
    df: FloatArray
    """float64[G]: degrees of freedom of the interval; nan where a sample has fewer than `MIN_CASES`."""


@dataclass(frozen=True, slots=True)
class AucSplit:
    """Pooled AUC of a family of groups that share no rows, split by whether a pair lies within one group."""

    pooled: float
    """AUC over all pairs; nan without pairs."""
    within: float
    """AUC over pairs of the same group; nan without such pairs."""
    between: float
    """AUC over pairs of different groups; nan without such pairs."""
    within_share: float
    """Share of the pairs that lie within a group; nan without pairs."""
    difference: float
    """pooled - within; nan where one of them is nan."""
    difference_low: float
    """Lower end of the interval of the difference; nan where it is not known."""
    difference_high: float
    """Upper end of the interval of the difference; nan where it is not known."""
    within_pairs: int
    """Number of pairs of the same group."""
    pairs: int
    """Number of all pairs."""


def auc(positives: npt.ArrayLike, negatives: npt.ArrayLike, level: float = 0.95) -> Auc:
    """AUC with the interval that covered best of those measured.

    Parameters
    ----------
    positives, negatives : array_like of int, shape (G, B)
        Histograms over the same B score bins, lowest first; they broadcast.
    level : float
        Two-sided confidence level.

    Raises
    ------
    ValueError
        If the shapes differ, a count is negative, or the level is not in (0, 1).

    Notes
    -----
    Wilson's interval for a share, with t for z and ``n = A'(1-A') / max(v_D, v_N)`` for the number of cases. ``v_D`` is
    DeLong, DeLong & Clarke-Pearson (1988) from midranks; ``v_N`` is method 5 of Newcombe (2006), Statistics in
    Medicine 25, 559-573. The degrees of freedom are Satterthwaite's where ``v_D`` is larger, and never fewer than one
    less than the smaller sample. DeLong's own interval misses the truth up to five times as often as it says where
    positives are few and the AUC is high. It then always makes the detector look better than it is.
    """
    pos, neg = _histograms(positives, negatives)
    m, n = pos.sum(axis=1), neg.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.asarray(pair_wins(pos, neg) / (2.0 * m * n))
        by_positive, by_negative = _component_variances(pos, neg, value)
        share_m, share_n = by_positive / m, by_negative / n
        delong = share_m + share_n
        inside: FloatArray = np.clip(value, _LEAST_DISTANCE / np.sqrt(m * n), 1.0 - _LEAST_DISTANCE / np.sqrt(m * n))
        newcombe = _newcombe_variance(inside, m, n)
        least = np.minimum(m, n) - 1.0
        satterthwaite = delong**2 / (share_m**2 / (m - 1) + share_n**2 / (n - 1))
    few = (m < MIN_CASES) | (n < MIN_CASES)
    df = np.where(delong >= newcombe, np.fmax(satterthwaite, least), least)
    variance = np.where(few, np.nan, np.fmax(delong, newcombe))
    t = stdtrit(np.where(few, 1.0, df), 0.5 + checked_fraction(level, "level") / 2.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        low, high = _wilson_limits(value, inside * (1.0 - inside) / variance, t)
    return Auc(value, low, high, np.where(few, np.nan, delong), variance, np.where(few, np.nan, df))


def pair_wins(positives: IntArray, negatives: IntArray) -> IntArray:
    """Twice the pairs in which the positive scores higher, plus the ties; exact.

    Parameters
    ----------
    positives, negatives : ndarray of int64, shape (G, B)
        Histograms over the same bins. The product of the two sample sizes must stay below 2**62.

    Returns
    -------
    ndarray of int64, shape (G,)
        Divided by ``2 m n`` it is the AUC: the Mann-Whitney statistic with ties at one half.
    """
    below = np.cumsum(negatives, axis=1) - negatives
    wins: IntArray = (positives * (2 * below + negatives)).sum(axis=1, dtype=np.int64)
    return wins


def split_auc(positives: npt.ArrayLike, negatives: npt.ArrayLike, level: float = 0.95) -> AucSplit:
    """Split the pooled AUC of a family into pairs of the same group and pairs of different groups.

    Parameters
    ----------
    positives, negatives : array_like of int, shape (G, B)
        Histograms of groups that share no rows.
    level : float
        Two-sided confidence level of the difference between the pooled and the within-group AUC.

    Raises
    ------
    ValueError
        If the shapes differ, a count is negative, or the level is not in (0, 1).

    Notes
    -----
    ``pooled = within_share * within + (1 - within_share) * between`` exactly: all three are quotients of integer pair
    counts. Pairs between groups are the subject of Kallus & Zhou (2019), "The fairness of risk scores beyond
    classification: bipartite ranking and the xAUC metric". The interval is of the sum of DeLong's components of both
    AUCs, group by group (a stratified sample: group sizes are taken as given), with t at one less than the smaller
    sample.
    """
    pos, neg = _histograms(positives, negatives)
    checked_fraction(level, "level")
    own = pair_wins(pos, neg)
    m, n = pos.sum(axis=1), neg.sum(axis=1)
    everyone = int(pair_wins(pos.sum(axis=0, keepdims=True), neg.sum(axis=0, keepdims=True))[0])
    pairs, within_pairs = int(m.sum()) * int(n.sum()), int((m * n).sum())
    won_within = int(own.sum())
    pooled, within = _quotient(everyone, 2 * pairs), _quotient(won_within, 2 * within_pairs)
    error = _difference_error(pos, neg, pairs, within_pairs)
    df = min(int(m.sum()), int(n.sum())) - 1
    half = float(stdtrit(df, 0.5 + level / 2.0)) * error if df >= MIN_CASES - 1 else np.nan
    return AucSplit(
        pooled=pooled,
        within=within,
        between=_quotient(everyone - won_within, 2 * (pairs - within_pairs)),
        within_share=_quotient(within_pairs, pairs),
        difference=pooled - within,
        difference_low=pooled - within - half,
        difference_high=pooled - within + half,
        within_pairs=within_pairs,
        pairs=pairs,
    )


def _histograms(positives: npt.ArrayLike, negatives: npt.ArrayLike) -> tuple[IntArray, IntArray]:
    pos, neg = np.asarray(positives, dtype=np.int64), np.asarray(negatives, dtype=np.int64)
    if pos.ndim != 2 or neg.ndim != 2 or pos.shape[1] != neg.shape[1]:
        raise ValueError("histograms need the shape (groups, bins), over the same bins")
    if (pos < 0).any() or (neg < 0).any():
        raise ValueError("a histogram holds counts")
    both = np.broadcast_arrays(pos, neg)
    return both[0], both[1]


def _placements(pos: IntArray, neg: IntArray) -> tuple[IntArray, IntArray]:
    """For each bin, twice the negatives that a positive beats (ties 1), and twice the positives above a negative."""
    below = np.cumsum(neg, axis=1) - neg
    above = pos.sum(axis=1, keepdims=True) - np.cumsum(pos, axis=1)
    return 2 * below + neg, 2 * above + pos


def _component_variances(pos: IntArray, neg: IntArray, value: FloatArray) -> tuple[FloatArray, FloatArray]:
    """DeLong's S10 and S01: sample variances of the placements of positives and of negatives."""
    beaten, beating = _placements(pos, neg)
    m, n = pos.sum(axis=1), neg.sum(axis=1)
    of_positives = beaten / (2.0 * n[:, np.newaxis]) - value[:, np.newaxis]
    of_negatives = beating / (2.0 * m[:, np.newaxis]) - value[:, np.newaxis]
    return (pos * of_positives**2).sum(axis=1) / (m - 1.0), (neg * of_negatives**2).sum(axis=1) / (n - 1.0)


def _newcombe_variance(a: FloatArray, m: IntArray, n: IntArray) -> FloatArray:
    k = (m + n) / 2.0 - 1.0
    variance: FloatArray = a * (1.0 - a) * (1.0 + k * (1.0 - a) / (2.0 - a) + k * a / (1.0 + a)) / (m * n)
    return variance


def _wilson_limits(value: FloatArray, n: FloatArray, t: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    # an AUC of exactly 0 or 1 is its own limit; this removes the rounding error
    low, high = score_limits(value, n, t)
    return np.where(value == 0.0, np.minimum(low, 0.0), low), np.where(value == 1.0, np.maximum(high, 1.0), high)


def _quotient(numerator: int, denominator: int) -> float:
    return numerator / denominator if denominator else np.nan


def _difference_error(pos: IntArray, neg: IntArray, pairs: int, within_pairs: int) -> float:
    """Standard error of pooled - within, from the contribution of each case within its group and class."""
    if not pairs or not within_pairs:
        return np.nan
    everyone = _placements(pos.sum(axis=0, keepdims=True), neg.sum(axis=0, keepdims=True))
    own = _placements(pos, neg)
    total = 0.0
    for cases, of_all, of_own in zip((pos, neg), everyone, own, strict=True):
        adds = of_all / (2.0 * pairs) - of_own / (2.0 * within_pairs)
        size = cases.sum(axis=1)
        mean = (cases * adds).sum(axis=1) / np.maximum(size, 1)
        squares = (cases * (adds - mean[:, np.newaxis]) ** 2).sum(axis=1)
        # a group of one shows no spread of its own, so its whole deviation from the others counts instead
        alone = size == 1
        overall = (cases * adds).sum() / max(int(size.sum()), 1)
        squares = np.where(
            alone, ((cases * (adds - overall) ** 2).sum(axis=1)), squares * size / np.maximum(size - 1, 1)
        )
        total += float(squares.sum())
    return float(np.sqrt(total))
