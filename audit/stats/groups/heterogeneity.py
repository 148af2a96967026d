"""Spread between the groups of a family: one figure without the part that chance alone would show.

The figure is the standard deviation of the groups' true rates around the family's rate. Each group is weighted by its
cases, so it says how far the rate of a case's group typically lies from the average. It says nothing about groups
outside the family. Unlike the gap between the highest and the lowest rate it does not grow with the number of groups,
and its interval reaches 0 where the groups are equal.

Rates shrunk towards the mean of their family: for ranking and display, never for a verdict.

The rates of a family are taken as draws from one beta distribution, fitted by moments. A group's shrunk rate is its
posterior mean: close to the family's mean with few cases, close to its own rate with many.

Shrunk rates may rank, because an extreme raw rate of a small group is mostly noise. They may not decide. Intervals that
come with such rates cover 57 to 100 % instead of 95 % on average over the groups. One group that differs from all
others
is the group an audit is for, and it is covered in 56 to 91 % (mean rate .1) or 0 to 0.7 % (.7) of cases with 10 to 300
cases of its own. If such rates decided on a PASS, a group exactly on the margin passed in every one of 24 simulated
settings (199 equal groups beside it).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import gammainc, gammaincc

from audit.stats.arrays import FloatArray
from audit.stats.rates.binomial import Counts, checked_counts, checked_fraction
from audit.stats.rates.bisection import bisected

_FEWEST = 2
"""Least number of groups, and of cases of a group: one case shows nothing of the chance that must be taken off."""
_LEAST = 0.05
"""Least distance from perfect agreement, as a share: groups that agree better than chance are taken to be this far
away."""
_BISECTIONS = 60


class Spread(NamedTuple):
    """Standard deviation between groups, in shares.

    Attributes
    ----------
    estimate : float
        Chance taken off; 0 where the groups lie no further apart than chance explains.
    low, high : float
        Ends of the interval.
    """

    estimate: float
    low: float
    high: float


def spread_between(x: Counts, n: Counts, level: float = 0.95) -> Spread | None:
    """Standard deviation of the true rates of the groups of a family, weighted by cases.

    Parameters
    ----------
    x, n : array_like, shape (G,)
        Successes and totals of groups that share no row; groups of fewer than two cases are left out.
    level : float
        Two-sided confidence level.

    Returns
    -------
    Spread or None
        None where fewer than two groups are left, or where all cases or none are successes.

    Raises
    ------
    ValueError
        If not ``0 <= x <= n``, or the level is not in (0, 1).

    Notes
    -----
    `spread_of_means` with ``x/n`` as means; what is believed about the groups' variances follows from shrunk rates.
    """
    x_, n_ = checked_counts(x, n)
    x_, n_ = x_[n_ >= _FEWEST], n_[n_ >= _FEWEST]
    if n_.size < _FEWEST or not 0.0 < x_.sum() < n_.sum():
        return None
    prior = beta_prior(x_, n_)
    # Not weaker than one case: groups that differ in everything would seem to have no variance within.
    shrunk = shrunk_rates(x_, n_, prior._replace(strength=max(prior.strength, 1.0)))
    return spread_of_means(n_, x_ / n_, x_ / n_ * (1.0 - x_ / n_) * n_ / (n_ - 1.0), shrunk * (1.0 - shrunk), level)


def spread_of_means(
    n: FloatArray, mean: FloatArray, variance: FloatArray, believed_variance: FloatArray, level: float = 0.95
) -> Spread:
    """Standard deviation of the true means of the groups of a family, weighted by cases.

    Parameters
    ----------
    n, mean, variance : ndarray of float64, shape (G,)
        Cases of each of at least two groups, at least two in each; their mean and their sample variance, over n - 1.
    believed_variance : ndarray of float64, shape (G,)
        Steadier estimates of the same variances, some of them above 0; they shape the interval, not the estimate.
    level : float
        Two-sided confidence level.

    Returns
    -------
    Spread

    Raises
    ------
    ValueError
        If the level is not in (0, 1).

    Notes
    -----
    With ``w`` the groups' shares of the N cases, ``r`` their means, ``P`` that of all and ``s`` their variances,

        D = sum n (r - P)^2 - sum (1-w) s

    has mean ``N theta``, theta being the weighted variance of the true means, whatever they are and however small the
    groups; the estimate is ``sqrt(max(D, 0) / N)``. Its variance is, with true within-group variances ``v`` and true
    means ``p``, about

        2 [sum n/(n-1) v^2 (1-2w) + (sum w v)^2] + 4 sum n (p - sum w p)^2 v

    for small groups too, because taking ``s`` off leaves only products of different cases. ``D + sum (1-w) v`` is taken
    as a multiple of a chi-squared variable with that mean and variance (Patnaik 1949; exact for normal means and one
    ``v`` when theta is 0), and the interval is where a two-sided test of theta does not reject. At the upper end the
    tail is divided by its value at theta = 0 (Read 2002), so that no interval says that there is no spread at all.
    """
    tail = (1.0 - checked_fraction(level, "level")) / 2.0
    total, share = float(n.sum()), n / n.sum()
    away = mean - (share * mean).sum()
    excess = float((n * away**2).sum() - ((1.0 - share) * variance).sum())
    tails = _distribution(n, share, mean, believed_variance, excess)
    at_zero, largest = tails(0.0)[0], 4.0 * float((share * away**2).sum()) + 4.0 * float(believed_variance.max())
    low = _last(lambda theta: tails(theta)[1] <= tail, largest)
    high = _last(lambda theta: tails(theta)[0] > tail * at_zero, largest)
    return Spread(float(np.sqrt(max(excess, 0.0) / total)), float(np.sqrt(low)), float(np.sqrt(high)))


def _distribution(
    n: FloatArray, share: FloatArray, mean: FloatArray, variance: FloatArray, excess: float
) -> Callable[[float], tuple[float, float]]:
    """Return the function theta -> (P(D <= excess), P(D >= excess))."""
    total, average = float(n.sum()), float((share * variance).sum())
    away = n * (mean - (share * mean).sum()) ** 2
    typical = float((away * variance).sum() / away.sum()) if away.any() else average
    by_chance = 2.0 * (float((n / (n - 1.0) * variance**2 * (1.0 - 2.0 * share)).sum()) + average**2)
    offset = float(((1.0 - share) * variance).sum())

    def tails(theta: float) -> tuple[float, float]:
        expected = offset + total * theta
        scale = (by_chance + 4.0 * total * theta * typical) / (2.0 * expected)
        shape, at = expected / (2.0 * scale), max(excess + offset, _LEAST * offset) / (2.0 * scale)
        return float(gammainc(shape, at)), float(gammaincc(shape, at))

    return tails


def _last(holds: Callable[[float], bool], upper: float) -> float:
    """Largest value in [0, upper] up to which a condition holds; 0 where it holds nowhere."""
    return bisected(lambda value: not holds(value), 0.0, upper, _BISECTIONS)[0] if holds(0.0) else 0.0


_REWEIGHTINGS = 20
"""Number of rounds. More of them change no digit that is shown."""


class BetaPrior(NamedTuple):
    """Beta distribution fitted to the rates of a family.

    Attributes
    ----------
    mean : float
        Mean of the distribution; nan where no group has a case.
    strength : float
        Number of cases that it is worth, ``alpha + beta``; inf where the rates differ no more than by chance.
    """

    mean: float
    strength: float


def beta_prior(x: Counts, n: Counts) -> BetaPrior:
    """Fit a beta distribution to the true rates of the groups of a family, by moments.

    Parameters
    ----------
    x, n : array_like, shape (G,)
        Successes and totals; groups without cases are ignored.

    Returns
    -------
    BetaPrior

    Raises
    ------
    ValueError
        If not ``0 <= x <= n``.

    Notes
    -----
    Kleinman (1973), Journal of the American Statistical Association 68, 46-54. With weights ``w`` that sum to one, mean
    ``mu = sum w x/n`` and ``S = sum w (x/n - mu)^2``, the share of the variance that lies between groups is
    ``rho = (S / (mu (1-mu)) - sum w (1-w)/n) / sum w (1-w) (1 - 1/n)``; the weights follow from it as
    ``n / (1 + rho (n-1))``, starting from ``rho = 0``. The strength is ``1/rho - 1``.
    """
    x_, n_ = checked_counts(x, n)
    x_, n_ = x_[n_ > 0], n_[n_ > 0]
    if not n_.size:
        return BetaPrior(np.nan, np.inf)
    rates, between = x_ / n_, 0.0
    mean = float(x_.sum() / n_.sum())
    for _ in range(_REWEIGHTINGS):
        weights = n_ / (1.0 + between * (n_ - 1.0))
        weights = weights / weights.sum()
        mean = float((weights * rates).sum())
        within, free = mean * (1.0 - mean), weights * (1.0 - weights)
        room = float((free * (1.0 - 1.0 / n_)).sum())
        if within <= 0.0 or room <= 0.0:
            return BetaPrior(mean, np.inf)
        spread = float((weights * (rates - mean) ** 2).sum())
        between = min(max((spread / within - float((free / n_).sum())) / room, 0.0), 1.0)
    return BetaPrior(mean, 1.0 / between - 1.0 if between > 0.0 else np.inf)


def shrunk_rates(x: Counts, n: Counts, prior: BetaPrior) -> FloatArray:
    """Return ``(x + strength mean) / (n + strength)`` for each group; the mean where the strength is infinite.

    Parameters
    ----------
    x, n : array_like, shape (G,)
        Successes and totals.
    prior : BetaPrior
        From `beta_prior`.

    Returns
    -------
    ndarray of float64, shape (G,)
        nan where there is neither a case nor a prior.

    Raises
    ------
    ValueError
        If not ``0 <= x <= n``.
    """
    x_, n_ = checked_counts(x, n)
    if not np.isfinite(prior.strength):
        return np.full(n_.shape, prior.mean)
    total = n_ + prior.strength
    with np.errstate(invalid="ignore"):
        return np.where(total > 0.0, (x_ + prior.strength * prior.mean) / np.where(total > 0.0, total, 1.0), np.nan)
