"""Calibration by group from bins: error, gap and test. Calibrated means that a score of 0.3 is right in 3 cases of 10.

Everything is computed from sums over score bins: cases, positives, the score and its square. A plug-in error is never
0,
even for a perfect score, and grows as groups get smaller. So the error expected by chance is taken off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincc

from audit.stats.arrays import FloatArray
from audit.stats.intervals import wilson

LEAST_CASES: Final = 10
"""Least number of cases. From it on, test and interval were measured to keep their level (`tools.simulate`); with 5
cases they miss it slightly."""
_CERTAIN: Final = 1e-6
"""Variance below which the scores of a bin leave nothing to chance: they are 0 or 1."""
_LEAST_SKEW: Final = 0.01


@dataclass(frozen=True, slots=True)
class CalibrationBins:
    """Sums of G groups in each of B score bins, lowest first."""

    cases: FloatArray
    """float64[G, B]: labelled cases, as whole numbers."""
    positives: FloatArray
    """float64[G, B]: cases labelled as exploitation."""
    scores: FloatArray
    """float64[G, B]: sum of the scores, each in [0, 1]."""
    squares: FloatArray
    """float64[G, B]: sum of the squared scores."""

    def __post_init__(self) -> None:
        """Refuse shapes that differ, and sums that no scores in [0, 1] have."""
        shapes = {np.shape(values) for values in (self.cases, self.positives, self.scores, self.squares)}
        if len(shapes) != 1 or self.cases.ndim != 2:
            raise ValueError("calibration needs four arrays of the shape (groups, bins)")
        if (self.positives < 0).any() or (self.positives > self.cases).any():
            raise ValueError("counts must be finite with 0 <= positives <= cases")
        slack = 1e-5 * self.cases
        if (self.scores > self.cases + slack).any() or (self.squares > self.scores + slack).any():
            raise ValueError("scores must lie in [0, 1]")


@dataclass(frozen=True, slots=True)
class Miscalibration:
    """Distance of the scores of G groups from the observed rates; nan for a group without cases."""

    error: FloatArray
    """float64[G]: expected calibration error: mean over cases of the distance of their bin's rate and mean score."""
    by_chance: FloatArray
    """float64[G]: mean of that error if the scores were right."""
    squared_error: FloatArray
    """float64[G]: squared error with its bias taken off; can be negative. Bins of one case add nothing."""
    p_value: FloatArray
    """float64[G]: p-value of "in every bin the scores are right"."""


@dataclass(frozen=True, slots=True)
class MeanGap:
    """Observed rate minus mean score of G groups; nan for a group without cases."""

    observed: FloatArray
    """float64[G]: positives over cases."""
    mean_score: FloatArray
    """float64[G]: mean score."""
    gap: FloatArray
    """float64[G]: observed - mean score. Above 0 the scores are too low for the group."""
    low: FloatArray
    """float64[G]: lower end of the interval of the gap."""
    high: FloatArray
    """float64[G]: upper end of the interval of the gap."""


def miscalibration(bins: CalibrationBins) -> Miscalibration:
    """Expected calibration error, its mean by chance, the bias-corrected squared error, and a test.

    Parameters
    ----------
    bins : CalibrationBins
        Sums by group and score bin.

    Notes
    -----
    With ``d_k`` the rate less the mean score of bin k and ``w_k`` its share of the cases, the error is
    ``sum w_k |d_k|`` (Naeini, Cooper & Hauskrecht 2015). If the scores are right, ``d_k`` has mean 0 and variance
    ``v_k = sum s(1-s) / n_k^2``, so that the error has about the mean ``sum w_k sqrt(2 v_k / pi)``. The squared error
    is ``sum w_k (d_k^2 - r_k (1 - r_k) / (n_k - 1))`` with ``r_k`` the rate of the bin (Kumar, Liang & Ma 2019).

    The test is Pearson's sum of squares ``sum (x_k - S_k)^2 / V_k`` over bins, with S_k the sum of scores and V_k the
    binomial variance at the bin's mean score. Its first three moments under "the scores are right" are exact, and a
    gamma distribution with these moments gives the p-value. It keeps its level from ten cases in all on
    (`tools.simulate`), where
    chi-square does not. Scores differ within a bin, so counts vary a little less than binomial ones: the safe side.
    """
    n = bins.cases
    total = n.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = n / total[:, np.newaxis]
        rate, mean = bins.positives / n, bins.scores / n
        distance = rate - mean
        variance = np.maximum(bins.scores - bins.squares, 0.0) / n**2
        noise = np.where(n > 1, rate * (1.0 - rate) / (n - 1.0), distance**2)
        error = np.where(n > 0, share * np.abs(distance), 0.0).sum(axis=1)
        by_chance = np.where(n > 0, share * np.sqrt(2.0 * variance / np.pi), 0.0).sum(axis=1)
        squared = np.where(n > 0, share * (distance**2 - noise), 0.0).sum(axis=1)
    empty = total == 0
    return Miscalibration(
        error=np.where(empty, np.nan, error),
        by_chance=np.where(empty, np.nan, by_chance),
        squared_error=np.where(empty, np.nan, squared),
        p_value=np.where(empty, np.nan, _pearson_p(bins)),
    )


def mean_gap(bins: CalibrationBins, level: float = 0.95) -> MeanGap:
    """Observed rate minus mean score, with an interval.

    Parameters
    ----------
    bins : CalibrationBins
        Sums by group and score bin.
    level : float
        Two-sided confidence level.

    Raises
    ------
    ValueError
        If the level is not in (0, 1).

    Notes
    -----
    The interval is Wilson's for the observed rate, less the mean score. The scores of these cases are taken as given
    and their labels as random. It is wider than necessary where scores separate the cases well, since it does not use
    them to explain the labels. It is valid where no case or every case is positive.
    """
    n, x = bins.cases.sum(axis=1), bins.positives.sum(axis=1)
    low, high = wilson(x, n, level)
    with np.errstate(invalid="ignore", divide="ignore"):
        observed, mean = x / n, bins.scores.sum(axis=1) / n
    return MeanGap(observed, mean, observed - mean, low - mean, high - mean)


def _pearson_p(bins: CalibrationBins) -> FloatArray:
    """P-value of Pearson's statistic by a gamma distribution with its exact mean, variance and skewness."""
    n = bins.cases
    chance = np.clip(np.divide(bins.scores, n, out=np.full_like(n, 0.5), where=n > 0), 0.0, 1.0)
    variance = n * chance * (1.0 - chance)
    uncertain = variance > _CERTAIN
    second = np.where(uncertain, variance, 1.0)
    statistic = np.where(uncertain, (bins.positives - bins.scores) ** 2 / second, 0.0).sum(axis=1)
    mean, spread, third = (np.where(uncertain, moment, 0.0).sum(axis=1) for moment in _pearson_moments(chance, second))
    random = spread > 1e-9
    spread = np.where(random, spread, 1.0)
    shape = 4.0 / np.maximum(third / spread**1.5, _LEAST_SKEW) ** 2
    # the statistic of one case at a chance of one half cannot vary, and says nothing
    p = np.where(random, gammaincc(shape, np.maximum((statistic - mean) / np.sqrt(spread / shape) + shape, 0.0)), 1.0)
    impossible = (~uncertain & (np.abs(bins.positives - bins.scores) > 0.5)).any(axis=1)
    return np.where(impossible, 0.0, p)


def _pearson_moments(chance: FloatArray, variance: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean, variance and third central moment of (x - n p)^2 / V for binomial x, from the cumulants of x."""
    bernoulli_variance = chance * (1.0 - chance)
    k3, k4, k6 = (
        (1.0 - 2.0 * chance),
        (1.0 - 6.0 * bernoulli_variance),
        (1.0 - 30.0 * bernoulli_variance + 120.0 * bernoulli_variance**2),
    )
    fourth = 3.0 + k4 / variance
    sixth = 15.0 + (15.0 * k4 + 10.0 * k3**2) / variance + k6 / variance**2
    return np.ones_like(chance), fourth - 1.0, sixth - 3.0 * fourth + 2.0


def holm_adjusted(p: npt.ArrayLike) -> FloatArray:
    """Holm's (1979) adjusted p-values: at or below alpha where the step-down procedure rejects at alpha.

    Parameters
    ----------
    p : array_like, shape (G,)
        p-values of one family, under any dependence.

    Returns
    -------
    ndarray of float64, shape (G,)
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    steps = np.maximum.accumulate(values[order] * np.arange(values.size, 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted
