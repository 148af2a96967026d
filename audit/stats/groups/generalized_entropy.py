"""Generalised entropy: how unequally a detector's errors fall on single cases, between groups and within them.

A case has a benefit of ``1 + decision - label``: 2 where it was flagged without reason, 0 where it was missed, else 1.
The index measures the inequality of benefits (Speicher et al. 2018). AIF360 computes the same index and takes a flag as
the favourable outcome. The index depends on four counts of each group.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import xlogy

from audit.stats.arrays import FloatArray, IntArray
from audit.stats.groups.heterogeneity import Spread, spread_of_means
from audit.stats.rates.binomial import Counts, checked_fraction
from audit.stats.rates.replicates import replicate_counts

_MOST_BENEFIT = 2.0
_FEWEST = 2
_POOLED_CASES = 20.0
"""Number of cases of the whole family that steady the variance of benefits of one group."""


class Entropy(NamedTuple):
    """Index of all cases and its two parts, each of shape (...); nan where nobody has a benefit."""

    total: FloatArray
    between: FloatArray
    within: FloatArray


class EntropyInterval(NamedTuple):
    """Intervals of the three values, and the part between groups after chance is taken off."""

    total: tuple[float, float]
    between: tuple[float, float]
    within: tuple[float, float]
    between_beyond_chance: float


def generalized_entropy(
    true_positive: Counts, false_negative: Counts, false_positive: Counts, true_negative: Counts, alpha: float = 2.0
) -> Entropy:
    """Generalised entropy index of the benefits of all cases, and its parts between and within groups.

    Parameters
    ----------
    true_positive, false_negative, false_positive, true_negative : array_like, shape (..., G)
        Cases of each group; groups without cases are ignored.
    alpha : float
        Above 0, because a missed case has no benefit and any other index of it would be infinite. 2 is half the
        squared coefficient of variation, 1 Theil's index.

    Returns
    -------
    Entropy
        Each part of shape (...).

    Raises
    ------
    ValueError
        If alpha is not above 0.

    Notes
    -----
    ``GE = sum [(b/mu)^alpha - 1] / (n alpha (alpha-1))``, for alpha = 1 ``sum (b/mu) ln(b/mu) / n``. Between groups:
    the index with every benefit replaced by its group's mean. Within groups: the remaining part.
    """
    if not alpha > 0.0:
        raise ValueError(f"alpha must be above 0, not {alpha}")
    missed, extra = np.asarray(false_negative, dtype=np.float64), np.asarray(false_positive, dtype=np.float64)
    right = np.asarray(true_positive, dtype=np.float64) + np.asarray(true_negative, dtype=np.float64)
    n = missed + extra + right
    total = n.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (right + _MOST_BENEFIT * extra).sum(axis=-1) / total
        of_all = (
            missed.sum(axis=-1) * _inequality(0.0, alpha)
            + right.sum(axis=-1) * _inequality(1.0 / mean, alpha)
            + extra.sum(axis=-1) * _inequality(_MOST_BENEFIT / mean, alpha)
        ) / total
        of_group = np.where(n > 0.0, (right + _MOST_BENEFIT * extra) / np.where(n > 0.0, n, 1.0), 0.0)
        between = (n * _inequality(of_group / mean[..., np.newaxis], alpha)).sum(axis=-1) / total
    return Entropy(np.asarray(of_all), np.asarray(between), np.asarray(of_all - between))


def entropy_interval(
    counts: IntArray, rng: np.random.Generator, level: float = 0.95, replicates: int = 999
) -> EntropyInterval | None:
    """Intervals of the index with alpha = 2 and of its parts.

    Parameters
    ----------
    counts : ndarray of int64, shape (G, 4)
        True positives, false negatives, false positives and true negatives.
    rng : Generator
        Source of the replicates.
    level, replicates
        Two-sided level; number of replicates.

    Returns
    -------
    EntropyInterval or None
        None where the index is not defined, or fewer than two groups have two cases.

    Raises
    ------
    ValueError
        If the level is not in (0, 1).

    Notes
    -----
    Total and within: basic bootstrap intervals ``[2 e - q_high, 2 e - q_low]`` over the cases of each group, which
    take off that resampled groups vary too little within. Between: the spread of the groups' mean benefits (see
    `audit.stats.groups.heterogeneity.spread_of_means`), since ``2 mu^2`` times this part is their variance; of
    replicates, which vary by chance twice, an interval would cover too much where groups are equal and too little
    where few differ.
    """
    tail = (1.0 - checked_fraction(level, "level")) / 2.0
    total, _, within = (float(part) for part in generalized_entropy(*counts.T))
    n = counts.sum(axis=1)
    if not np.isfinite(total) or (n >= _FEWEST).sum() < _FEWEST:
        return None
    drawn = np.concatenate(
        [
            np.stack(generalized_entropy(*np.moveaxis(some, -1, 0)))[[0, 2]]
            for some in replicate_counts(counts, replicates, rng)
        ],
        axis=1,
    )
    # A replicate without any benefit has no index.
    drawn = drawn[:, np.isfinite(drawn).all(axis=0)]
    bottoms, tops = np.quantile(drawn, [tail, 1.0 - tail], axis=1)
    ends = [
        (max(2.0 * value - float(top), 0.0), max(2.0 * value - float(bottom), 0.0))
        for value, bottom, top in zip((total, within), bottoms, tops, strict=True)
    ]
    between = _between(counts[n >= _FEWEST].astype(np.float64), level)
    return EntropyInterval(ends[0], (between.low, between.high), ends[1], between.estimate)


def _between(counts: FloatArray, level: float) -> Spread:
    n, missed, extra = counts.sum(axis=1), counts[:, 1], counts[:, 2]
    mean = 1.0 + (extra - missed) / n
    variance = np.maximum((missed + extra) - n * (mean - 1.0) ** 2, 0.0) / (n - 1.0)
    pooled = float((n * variance).sum() / n.sum())
    believed = ((n - 1.0) * variance + _POOLED_CASES * pooled) / (n - 1.0 + _POOLED_CASES)
    overall = float((n * mean).sum() / n.sum())
    if pooled == 0.0:
        index = float((n * (mean - overall) ** 2).sum() / n.sum()) / (2.0 * overall**2)
        return Spread(index, index, index)
    spread = spread_of_means(n, mean, variance, believed, level)
    return Spread(*(end**2 / (2.0 * overall**2) for end in spread))


def _inequality(relative: FloatArray | float, alpha: float) -> FloatArray:
    """Contribution of one benefit, given as a multiple of the mean."""
    relative_ = np.asarray(relative, dtype=np.float64)
    if alpha == 1.0:
        return np.asarray(xlogy(relative_, relative_))
    return np.asarray((relative_**alpha - 1.0) / (alpha * (alpha - 1.0)))
