"""Differences among all groups of a family: a test of equality, their spread, and the inequality of errors.

Test whether all groups of a family have the same rate: a permutation test on counts, which needs no margin.

A difference between groups is neither a FAIL nor a PASS: with many cases the smallest difference shows.

Spread between the groups of a family: one figure without the part that chance alone would show.

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

Generalised entropy: how unequally a detector's errors fall on single cases, between groups and within them.

A case has a benefit of ``1 + decision - label``: 2 where it was flagged without reason, 0 where it was missed, else 1.
The index measures the inequality of benefits (Speicher et al. 2018). AIF360 computes the same index and takes a flag as
the favourable outcome. The index depends on four counts of each group.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import gammainc, gammaincc, xlogy

from audit.stats.arrays import FloatArray, IntArray
from audit.stats.binomial import Counts, checked_counts, checked_fraction
from audit.stats.bisection import bisected
from audit.stats.bootstrap import replicate_counts

MOST_CASES = 10**9 - 1
"""Largest number of cases that numpy's hypergeometric generator takes."""

_CHUNK_CELLS = 100_000
_TIE = 1e-9


class EqualityTest(NamedTuple):
    """Outcome of the test.

    Attributes
    ----------
    statistic : float
        The largest deviance of a group against its rest.
    p : float
        P-value of "all groups have the same rate".
    replicates : int
        Random divisions that the test drew.
    """

    statistic: float
    p: float
    replicates: int


def equality_p(
    x: Counts, n: Counts, rng: np.random.Generator, replicates: int = 999, enough: int = 50
) -> EqualityTest | None:
    """Test whether all groups of a family have the same rate, by the group that is least like its rest.

    Parameters
    ----------
    x, n : array_like of integers, shape (G,)
        Successes and totals of groups that share no row.
    rng : Generator
        Source of the random divisions; the result depends on nothing else.
    replicates : int
        The most divisions to draw.
    enough : int
        Stop when this many divisions were as extreme as the counts: p is then large and known well enough.

    Returns
    -------
    EqualityTest or None
        None where fewer than two groups have cases or there are more than `MOST_CASES`.

    Raises
    ------
    ValueError
        If not ``0 <= x <= n``.

    Notes
    -----
    Given the totals, equal rates make every division of the successes over the cases equally likely: the counts are
    multivariate hypergeometric, which is drawn from directly and costs the same for any number of cases. The statistic
    is the largest deviance ``2 [x ln(x/(nP)) + ...]`` of the 2 x 2 tables group against rest (max-T in the sense of
    Westfall & Young 1993): unlike a z-score it does not let one success in a group of one outshine all else. Ties
    count as extreme. ``p = (1 + extreme) / (1 + drawn)``, or ``enough / drawn`` where the test stopped at its
    ``enough``-th extreme division (Besag & Clifford 1991); either is valid for any sizes.
    """
    x_, n_ = checked_counts(x, n)
    x_, n_ = x_[n_ > 0], n_[n_ > 0]
    if n_.size < 2 or n_.sum() > MOST_CASES:
        return None
    successes = int(x_.sum())
    statistic = float(_largest_deviance(x_[np.newaxis], n_)[0])
    sizes, extreme, drawn = n_.astype(np.int64), 0, 0
    chunk = max(1, _CHUNK_CELLS // n_.size)
    while drawn < replicates:
        counts = rng.multivariate_hypergeometric(sizes, successes, min(chunk, replicates - drawn), method="marginals")
        hits = np.flatnonzero(_largest_deviance(counts.astype(np.float64), n_) >= statistic - _TIE * (1.0 + statistic))
        if extreme + hits.size >= enough:
            drawn += int(hits[enough - extreme - 1]) + 1
            return EqualityTest(statistic, enough / drawn, drawn)
        extreme, drawn = extreme + hits.size, drawn + counts.shape[0]
    return EqualityTest(statistic, (1.0 + extreme) / (1.0 + drawn), drawn)


def _largest_deviance(x: FloatArray, n: FloatArray) -> FloatArray:
    """Deviance of the group that is least like its rest; ``x`` of shape (R, G), result of shape (R,)."""
    total, successes = n.sum(), x.sum(axis=1, keepdims=True)
    m, y = total - n, successes - x
    with np.errstate(divide="ignore", invalid="ignore"):
        deviance = sum(
            xlogy(part, part * total / (part_size * part_total))
            for part, part_size, part_total in (
                (x, n, successes),
                (n - x, n, total - successes),
                (y, m, successes),
                (m - y, m, total - successes),
            )
        )
    return np.asarray(2.0 * np.max(np.nan_to_num(deviance, nan=0.0), axis=1))


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


_MOST_BENEFIT = 2.0
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
        entropy_of_all = (
            missed.sum(axis=-1) * _inequality(0.0, alpha)
            + right.sum(axis=-1) * _inequality(1.0 / mean, alpha)
            + extra.sum(axis=-1) * _inequality(_MOST_BENEFIT / mean, alpha)
        ) / total
        of_group = np.where(n > 0.0, (right + _MOST_BENEFIT * extra) / np.where(n > 0.0, n, 1.0), 0.0)
        between = (n * _inequality(of_group / mean[..., np.newaxis], alpha)).sum(axis=-1) / total
    return Entropy(np.asarray(entropy_of_all), np.asarray(between), np.asarray(entropy_of_all - between))


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
    `audit.stats.heterogeneity.spread_of_means`), since ``2 mu^2`` times this part is their variance; of
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
