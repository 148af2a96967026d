"""AUC from ranks of scores: its value, its interval, and the part that lies within groups.

The AUC is the chance that a case of exploitation scores higher than another case, where ties count one half.
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
from audit.stats.scores.ranked_cases import FamilyPairs, Pairs

MIN_CASES: Final = 5
"""With fewer positives or negatives no interval is given: coverage was measured from this number on (`tools.simulate`).
"""
MOST_BINNING: Final = 0.005
"""Bound of what binning may do to an AUC above which none is given."""
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
    binning: FloatArray
    """float64[G]: most by which the AUC of the scores themselves can be off `value`; nan where a sample is empty."""


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
    binning: float
    """Most by which each AUC of the scores themselves, and their difference, can be off; nan without pairs."""


def auc(pairs: Pairs, level: float = 0.95) -> Auc:
    """AUC with the interval that covered best of those measured.

    Parameters
    ----------
    pairs : Pairs
        Pairs of the cases of each group, or of a group and its rest.
    level : float
        Two-sided confidence level.

    Raises
    ------
    ValueError
        If the level is not in (0, 1).

    Notes
    -----
    Wilson's interval for a share, with t for z and ``n = A'(1-A') / max(v_D, v_N)`` for the number of cases. ``v_D`` is
    DeLong, DeLong & Clarke-Pearson (1988) from midranks; ``v_N`` is method 5 of Newcombe (2006), Statistics in
    Medicine 25, 559-573. The degrees of freedom are Satterthwaite's where ``v_D`` is larger, and never fewer than one
    less than the smaller sample. DeLong's own interval misses the truth up to five times as often as it says where
    positives are few and the AUC is high. It then always makes the detector look better than it is. Both limits are
    moved outwards by `binning`.
    """
    m, n = pairs.m, pairs.n
    with np.errstate(invalid="ignore", divide="ignore"):
        value, binning = pairs.wins / (2.0 * m * n), pairs.binned / (2.0 * m * n)
        share_m, share_n = pairs.by_positive / m, pairs.by_negative / n
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
    low, high = np.maximum(low - binning, 0.0), np.minimum(high + binning, 1.0)
    return Auc(value, low, high, np.where(few, np.nan, delong), variance, np.where(few, np.nan, df), binning)


def split_auc(pairs: FamilyPairs, level: float = 0.95) -> AucSplit:
    """Split the pooled AUC of a family into pairs of the same group and pairs of different groups.

    Parameters
    ----------
    pairs : FamilyPairs
        Pairs of groups that share no rows.
    level : float
        Two-sided confidence level of the difference between the pooled and the within-group AUC.

    Raises
    ------
    ValueError
        If the level is not in (0, 1).

    Notes
    -----
    ``pooled = within_share * within + (1 - within_share) * between`` exactly: all three are quotients of integer pair
    counts. Pairs between groups are the subject of Kallus & Zhou (2019), "The fairness of risk scores beyond
    classification: bipartite ranking and the xAUC metric". The interval has t at one less than the smaller sample. Its
    limits are moved outwards by `binning`.
    """
    checked_fraction(level, "level")
    own, found = pairs.own, pairs.found
    m, n = int(own.m.sum()), int(own.n.sum())
    within_pairs, between_pairs = int((own.m * own.n).sum()), int((found.m * found.n).sum())
    won, won_between, tied, tied_between = (int(of.sum()) for of in (own.wins, found.wins, own.binned, found.binned))
    pooled = _quotient(won + won_between, 2 * m * n)
    within, between = _quotient(won, 2 * within_pairs), _quotient(won_between, 2 * between_pairs)
    binning = _quotient(tied + tied_between, 2 * m * n) + _quotient(tied, 2 * within_pairs)
    df = min(m, n) - 1
    half = float(stdtrit(df, 0.5 + level / 2.0)) * pairs.error if df >= MIN_CASES - 1 else np.nan
    return AucSplit(
        pooled=pooled,
        within=within,
        between=between,
        within_share=_quotient(within_pairs, m * n),
        difference=pooled - within,
        difference_low=pooled - within - half - binning,
        difference_high=pooled - within + half + binning,
        within_pairs=within_pairs,
        pairs=m * n,
        binning=float(np.fmax(binning, _quotient(tied_between, 2 * between_pairs))),
    )


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
