"""Two answers about the same cases: differences of shares, and tests of a change between two models.

Two shares of the same cases: flagged against labelled, and how that differs between groups.

Exact test of the change between two models on the same cases: worse by more than a margin, or not.

Each case is right or wrong under the old model and under the new one. Only cases on which they differ show a change:
`lost` were right and are wrong now, `gained` were wrong and are right. Tables are ordered by the score statistic (Tango
1998), and the unknown share of cases on which the models differ ranges over a confidence set (Berger & Boos 1994).

Name the groups of a family that became worse beyond the margin between two models, at a family-wise error.

The method is that of `audit.stats.multiplicity`. Groups whose loss is smaller than the margin are discarded,
and
the others pay for the selection. The level is shared by what a group of that size could show; then step down. Groups
share no rest here, so families of any size are discarded from.

Names that many comparisons of releases share: a group is named where it is also shown to be worse at all, at a level
divided by their number.
"""

from __future__ import annotations

import math
from functools import partial
from itertools import pairwise
from statistics import NormalDist
from typing import Final, Literal, NamedTuple

import numpy as np
from scipy.special import ndtr

from audit.stats.arrays import BoolArray, FloatArray, IntArray, once_for_equals
from audit.stats.binomial import Counts, binomial_cdf, checked_fraction
from audit.stats.intervals import RateLimits, clopper_pearson, wilson
from audit.stats.multiplicity import FamilyRejections, smallest_penalty, weighted_levels


def newcombe_paired(
    in_both: Counts, first_only: Counts, second_only: Counts, neither: Counts, level: float = 0.95
) -> RateLimits:
    """Difference of two shares of the same cases, with Newcombe's score interval.

    Parameters
    ----------
    both, first_only, second_only, neither : array_like, shape (G,)
        The four cells of the paired table.
    level : float
        Two-sided confidence level.

    Returns
    -------
    difference, low, high : ndarray of float64, shape (G,)
        ``(first_only - second_only) / n``, and its limits within [-1, 1]; nan where there is no case.

    Raises
    ------
    ValueError
        If a count is negative or not finite, or the level is not in (0, 1).

    Notes
    -----
    Newcombe (1998), Statistics in Medicine 17, 2635-2650, method 10: Wilson limits of the two shares, added in
    quadrature with their correlation, which is corrected for continuity.
    """
    a, b, c, d = np.broadcast_arrays(
        *(np.asarray(cell, dtype=np.float64) for cell in (in_both, first_only, second_only, neither))
    )
    if not all(np.isfinite(cell).all() and (cell >= 0).all() for cell in (a, b, c, d)):
        raise ValueError("counts must be finite and not negative")
    n = a + b + c + d
    (low1, high1), (low2, high2) = (_wilson_distances(count, n, level) for count in (a + b, a + c))
    product = a * d - b * c
    product = np.where(product > 0.0, np.maximum(product - n / 2.0, 0.0), product)
    scale = np.sqrt((a + b) * (c + d) * (a + c) * (b + d))
    with np.errstate(invalid="ignore", divide="ignore"):
        phi = np.where(scale > 0.0, product / scale, 0.0)
        difference = np.where(n > 0.0, (b - c) / n, np.nan)
    low = difference - np.sqrt(np.maximum(low1**2 - 2.0 * phi * low1 * high2 + high2**2, 0.0))
    high = difference + np.sqrt(np.maximum(high1**2 - 2.0 * phi * high1 * low2 + low2**2, 0.0))
    return difference, np.clip(low, -1.0, 1.0), np.clip(high, -1.0, 1.0)


def mean_of_signed_estimates(
    signs: FloatArray, settled: BoolArray, estimates: RateLimits
) -> tuple[float, float, float]:
    """Mean of independent estimates with signs, some of which may be wrong.

    Parameters
    ----------
    signs : ndarray of float64, shape (G,)
        1 or -1.
    settled : ndarray of bool, shape (G,)
        Whether each sign is known; the limits allow the other signs either way.
    estimates : triple of ndarray of float64, shape (G,)
        Estimate, lower and upper limit.

    Returns
    -------
    mean, low, high : float
        nan where there is no estimate.

    Notes
    -----
    MOVER, as `difference_of_independent`: distances to the limits added in quadrature. Where signs are not
    settled, the mean lies at most twice their absolute estimates away on one side. That is added as it is, because a
    wrong
    sign is not noise that averages out.
    """
    if signs.size == 0:
        return float("nan"), float("nan"), float("nan")
    value, low, high = estimates
    down = np.where(signs > 0.0, value - low, high - value)
    up = np.where(signs > 0.0, high - value, value - low)
    either = np.maximum(value - low, high - value)
    down, up = (np.where(settled, distance, either) for distance in (down, up))
    signed = signs * value
    mean = float(np.mean(signed))
    lowest = float(np.mean(np.where(settled, signed, -np.abs(value))))
    highest = float(np.mean(np.where(settled, signed, np.abs(value))))
    return (
        mean,
        lowest - float(np.sqrt(np.sum(down**2))) / signs.size,
        highest + float(np.sqrt(np.sum(up**2))) / signs.size,
    )


def _wilson_distances(x: FloatArray, n: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    """Distances of the lower and the upper Wilson limit from the rate."""
    low, high = wilson(x, n, level)
    with np.errstate(invalid="ignore"):
        return np.asarray(x / n - low), np.asarray(high - x / n)


BETA: Final = 1e-4
"""Error spent on the confidence set of the share of cases on which the models differ."""
_SHARES: Final = 33
_CLOSER: Final = 33
"""Number of shares that are tried around the best of the first ones."""
_TAIL: Final = 9.0
"""Standard errors of the number of differing cases beyond which nothing is summed: less than 1e-17 is left out."""
_TIE: Final = 1e-9
_BISECTIONS: Final = 60

Sides = Literal["both", "worse", "within"]


class PairedP(NamedTuple):
    """P-values of the two questions."""

    worse: FloatArray
    """Small: the new model is worse by more than the margin."""
    within: FloatArray
    """Small: the new model is not worse by the margin."""


def paired_statistic(lost: Counts, gained: Counts, n: Counts, change: float | FloatArray) -> FloatArray:
    """Score statistic of "the share that is right changed by `change`".

    Parameters
    ----------
    lost, gained, n : array_like
        Cases that the new model gets wrong and the old one did not, the other way round, and all cases; they broadcast.
    change : float or ndarray
        New share minus old share, in (-1, 1).

    Returns
    -------
    ndarray of float64
        Negative where the change is smaller. 0 where nothing varies, nan where there are no cases.

    Notes
    -----
    Tango (1998), Statistics in Medicine 17, 891-908: ``(gained - lost - n D) / sqrt(n (2 q + D - D^2))`` with q the
    likeliest share of lost cases under a change of D, the larger root of ``2n q^2 + B q - lost D (1 - D) = 0`` with
    ``B = (2n + lost - gained) D - lost - gained``, and no less than 0 and -D.
    """
    b, c, total = (np.asarray(count, dtype=np.float64) for count in (lost, gained, n))
    with np.errstate(invalid="ignore", divide="ignore"):
        linear = (2.0 * total + b - c) * change - b - c
        root = np.sqrt(np.maximum(linear * linear + 8.0 * total * b * change * (1.0 - change), 0.0))
        q = np.maximum((root - linear) / (4.0 * total), np.maximum(-change, 0.0))
        variance = total * (2.0 * q + change - change * change)
        distance = c - b - total * change
        z = np.where(variance > 0.0, distance / np.sqrt(np.maximum(variance, 0.0)), 0.0)
    return np.where(total > 0.0, z, np.nan)


def screened_paired_p(
    lost: Counts,
    gained: Counts,
    n: Counts,
    margin: float,
    side: Literal["worse", "within"],
    beta: float = BETA,
    threshold: float = 0.10,
) -> FloatArray:
    """One of the p-values of `paired_p`: exact where it can matter, from the large sample elsewhere.

    Parameters
    ----------
    lost, gained, n, margin, beta
        As in `paired_p`.
    side : {"worse", "within"}
        Which of the two p-values.
    threshold : float
        Groups whose large-sample p-value is at or above it keep that p-value, which must not be compared with a level.

    Returns
    -------
    ndarray of float64, shape (G,)

    Raises
    ------
    ValueError
        As `paired_p`.
    """
    b, c, total = _checked(lost, gained, n, margin, beta)
    z = paired_statistic(b, c, np.maximum(total, 1), -margin)
    p = np.where(total > 0, ndtr(z if side == "worse" else -z), 1.0)
    close = (p < threshold) & (total > 0)
    tables, alike = np.unique(np.stack([b[close], c[close], total[close]]), axis=1, return_inverse=True)
    exact = paired_p(tables[0], tables[1], tables[2], margin, beta, side)
    p[close] = getattr(exact, side)[alike.reshape(-1)]
    return p


def paired_interval(lost: Counts, gained: Counts, n: Counts, level: float) -> tuple[FloatArray, FloatArray]:
    """Score interval of the change in the share of right answers: changes that the statistic does not exclude.

    Parameters
    ----------
    lost, gained, n : array_like of integers, shape (G,)
        As in `paired_statistic`, n positive.
    level : float
        Level of the interval, two-sided.

    Returns
    -------
    low, high : ndarray of float64, shape (G,)

    Notes
    -----
    Tango (1998), section 3: both ends solve ``|z(D)| = z_(1 - alpha/2)``, found by bisection, since z falls with D. The
    interval
    is for large samples; no verdict rests on it.
    """
    checked_fraction(level, "level")
    b, c, total = np.broadcast_arrays(*(np.asarray(count, dtype=np.float64) for count in (lost, gained, n)))
    quantile = float(NormalDist().inv_cdf((1.0 + level) / 2.0))
    flat = [np.ravel(array) for array in (b, c, total)]
    low, high = (once_for_equals(partial(_end, limit), *flat).reshape(b.shape) for limit in (quantile, -quantile))
    return low, high


def _end(limit: float, b: FloatArray, c: FloatArray, total: FloatArray) -> FloatArray:
    low, high = np.full(b.shape, -1.0), np.full(b.shape, 1.0)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2.0
        above = paired_statistic(b, c, total, middle) > limit
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.asarray((low + high) / 2.0)


def paired_p(
    lost: Counts, gained: Counts, n: Counts, margin: float, beta: float = BETA, side: Sides = "both"
) -> PairedP:
    """Exact one-sided p-values of "worse by more than the margin" and of "not worse by the margin".

    Parameters
    ----------
    lost, gained, n : array_like of integers, shape (G,)
        As in `paired_statistic`, group by group; ``lost + gained <= n``.
    margin : float
        The largest loss that is within the limit, a share in (0, 1).
    beta : float
        Error spent on the confidence set, and so the smallest p-value possible.
    side : {"both", "worse", "within"}
        Which of the two to compute; the other one is then 1.

    Returns
    -------
    PairedP
        Two ndarrays of float64, shape (G,); 1 where there are no cases.

    Raises
    ------
    ValueError
        If counts are impossible, or margin or beta is not in (0, 1).

    Notes
    -----
    ``p = beta + max P(z' <= z)`` (or ``>= z``) over 33 shares psi of differing cases across their Clopper-Pearson set
    of level ``1 - beta``, and 33 more around the best of them, as far as a loss of the margin is possible with them
    (psi >= margin); where it is not for any, the question "worse" has ``p = 1`` and "within" has ``p = beta``. With
    3,001 shares the p-value was larger by at most 1.9e-6 in 150 tables. Given the number t of differing cases the
    gained ones are binomial with ``(psi - margin) / (2 psi)``, and the statistic grows with them, so that each t has
    one border and the sum is one of binomial tails.
    """
    b, c, total = _checked(lost, gained, n, margin, beta)
    worse, within = np.ones(b.shape), np.ones(b.shape)
    low, high = clopper_pearson(b + c, np.maximum(total, 1), 1.0 - beta)
    for index in np.ndindex(b.shape):
        if total[index]:
            shares = (float(low[index]), float(high[index]))
            p_values = _largest(int(b[index]), int(c[index]), int(total[index]), margin, shares, beta, side)
            worse[index], within[index] = p_values
    return PairedP(worse, within)


def _checked(
    lost: Counts, gained: Counts, n: Counts, margin: float, beta: float
) -> tuple[IntArray, IntArray, IntArray]:
    b, c, total = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(count, dtype=np.int64)) for count in (lost, gained, n))
    )
    if not ((b >= 0) & (c >= 0) & (b + c <= total)).all():
        raise ValueError("counts must not be negative, and no more cases can differ than there are")
    checked_fraction(margin, "margin")
    checked_fraction(beta, "beta")
    return b, c, total


def _largest(
    b: int, c: int, n: int, margin: float, shares: tuple[float, float], beta: float, side: Sides
) -> tuple[float, float]:
    if shares[1] < margin:
        return 1.0, (1.0 if side == "worse" else beta)
    psi = np.linspace(max(shares[0], margin), shares[1], _SHARES)
    observed = float(paired_statistic(b, c, n, -margin))
    center, spread = n * psi, np.sqrt(n * psi * (1.0 - psi))
    first = max(0, int(np.floor((center - _TAIL * spread).min())) - 1)
    last = min(n, int(np.ceil((center + _TAIL * spread).max())) + 1)
    t = np.arange(first, last + 1)
    at_most, below = _borders(t, n, margin, observed)
    directions = (0, 1) if side == "both" else (0,) if side == "worse" else (1,)

    def tails(shares: FloatArray, direction: int) -> list[float]:
        column_of_shares = shares[:, np.newaxis]
        weights = binomial_cdf(t, n, column_of_shares) - binomial_cdf(t - 1, n, column_of_shares)
        gain = np.maximum(column_of_shares - margin, 0.0) / (2.0 * column_of_shares)
        tail = 1.0 - binomial_cdf(below, t, gain) if direction else binomial_cdf(at_most, t, gain)
        return [float(row @ beyond) for row, beyond in zip(weights, tail, strict=True)]

    largest = [1.0, 1.0]
    for towards in directions:
        tail_chances = tails(psi, towards)
        best = int(np.argmax(tail_chances))
        near = np.linspace(psi[max(best - 1, 0)], psi[min(best + 1, len(psi) - 1)], _CLOSER)
        largest[towards] = min(1.0, max(tail_chances[best], *tails(near, towards)) + beta)
    return largest[0], largest[1]


def _borders(t: IntArray, n: int, margin: float, observed: float) -> tuple[FloatArray, FloatArray]:
    """For each t the most gained cases with a statistic of at most, and of less than, the observed one; -1: none."""

    def most(limit: float) -> FloatArray:
        low, high = np.full(t.shape, -1, dtype=np.int64), t.copy()
        while (low < high).any():
            middle = (low + high + 1) // 2
            fits = paired_statistic(t - middle, middle, n, -margin) <= limit
            low, high = np.where(fits, middle, low), np.where(fits, high, middle - 1)
        return low.astype(np.float64)

    return most(observed + _TIE), most(observed - _TIE)


def pairs_to_pass(differing: float, margin: float, level: float, power: float) -> float:
    """Smallest number of pairs with which a model that is no worse passes the paired test with the given probability.

    Parameters
    ----------
    differing : float
        Share of cases on which the two models differ, lost and gained in equal numbers.
    margin, level, power : float
        Margin and level of the test, and the probability asked for.

    Returns
    -------
    float
        A whole number; no less than the pairs with which two equal models would pass.

    Raises
    ------
    ValueError
        If one of them is not in (0, 1).

    Notes
    -----
    Large sample: ``sqrt(n) margin >= z_level sd_0 + z_power sd_1`` with ``sd_1^2 = differing`` and ``sd_0^2`` the
    variance at the likeliest shares on the margin (Nam 1997, Biometrics 53, 1422-1430). Two equal models pass from
    ``(1 - margin)^n + beta <= level`` on.
    """
    for name, value in (("differing", differing), ("margin", margin), ("level", level), ("power", power)):
        checked_fraction(value, name)
    equal = math.ceil(math.log(max(level - BETA, 1e-12)) / math.log1p(-margin))
    change = -margin
    linear = 2.0 * change - differing
    root = math.sqrt(max(linear * linear + 4.0 * differing * change * (1.0 - change), 0.0))
    q = max((root - linear) / 4.0, margin)
    null = math.sqrt(max(2.0 * q + change - change * change, 0.0))
    normal = NormalDist()
    wanted = -normal.inv_cdf(level) * null + normal.inv_cdf(power) * math.sqrt(differing)
    return float(max(math.ceil((wanted / margin) ** 2), equal))


EXPECTED_DIFFERING: Final = 0.10
"""Share of differing cases that the weights suppose. It decides which groups gain power, never whether a name is valid.
"""
_MAX_WIDTH: Final = 4.0
_FAMILY_SHARES: Final = 65


def name_paired(
    p: Counts,
    lost: Counts,
    gained: Counts,
    n: Counts,
    margin: float,
    level: float,
    beta: float,
    *,
    independent: bool,
) -> FamilyRejections:
    """Name the groups of one family that became worse by more than the margin.

    Parameters
    ----------
    p : array_like, shape (G,)
        P-values of "worse" from `audit.stats.pairs`; those at or below `level` must be exact.
    lost, gained, n : array_like of integers, shape (G,)
        Counts of the paired test.
    margin : float
        The largest loss that is within the limit.
    level : float
        The family's share of the error.
    beta : float
        Error that the test spent on its confidence set: no p-value is smaller.
    independent : bool
        Whether the groups share no case. If they share cases, no group is discarded, and the remaining weighted
        Bonferroni holds under any dependence.

    Returns
    -------
    FamilyRejections
        Groups without cases are never named and do not count. Raises ValueError where the level is not in (0, 1).

    Notes
    -----
    A group survives if ``gained - lost <= -n margin``. With w the smallest probability of that over all shares of
    differing cases, at a loss of exactly the margin, ``P(p <= w t | it survives) <= t`` for a valid p-value, whatever
    the share. A smaller loss makes that rarer for each number of differing cases (monotone likelihood ratio); over all
    of them it is measured and not proved. So the survivors are tested at ``w t`` and charged t, as far as any table of
    their size can reach ``w t``.
    """
    checked_fraction(level, "level")
    p_ = np.atleast_1d(np.asarray(p, dtype=np.float64))
    b, c, total = (np.broadcast_to(np.asarray(count, dtype=np.int64), p_.shape) for count in (lost, gained, n))
    in_play = (total > 0) & ((c - b <= -total * margin + _TIE) if independent else True)
    weight = survival_probability(np.where(in_play, total, 0), margin) if independent else np.ones(p_.shape)
    width = np.minimum(margin * np.sqrt(np.maximum(total, 1) / max(EXPECTED_DIFFERING, margin)), _MAX_WIDTH)
    least, rejected = smallest_paired_p(total, margin, beta), np.zeros(p_.shape, dtype=np.bool_)
    while True:
        penalty = _penalty(width, weight, least, in_play, level)
        local = np.where(in_play | rejected, weight * weighted_levels(width, penalty, level), 0.0)
        new: BoolArray = in_play & (p_ <= local)
        if not new.any():
            return FamilyRejections(rejected, local)
        rejected |= new
        in_play = in_play & ~new


def not_worse_p(lost: Counts, gained: Counts) -> FloatArray:
    """P-value of "the new model is no worse at all", whatever the margin.

    Parameters
    ----------
    lost, gained : array_like of integers, shape (G,)
        Cases that the new model gets wrong and the old one did not, and the other way round.

    Returns
    -------
    ndarray of float64, shape (G,)
        1 where the models differ on no case.

    Notes
    -----
    Of the cases on which the models differ, each is lost with a chance of at most one half if the new one is no worse:
    the exact one-sided test of McNemar (1947), Psychometrika 12, 153-157. It is valid given the number of differing
    cases, and so for any share of them.
    """
    b, c = np.broadcast_arrays(*(np.asarray(count, dtype=np.float64) for count in (lost, gained)))
    return np.asarray(np.where(b > 0.0, binomial_cdf(c, np.maximum(b + c, 1.0), 0.5), 1.0))


def level_among_testable(differing: Counts, level: float) -> float:
    """Level for each `not_worse_p` of a family that keeps the family's error.

    Parameters
    ----------
    differing : array_like of integers, shape (G,)
        Cases of each group on which the models differ, or more than these.
    level : float
        The family's level.

    Returns
    -------
    float
        ``level / k`` with k the smallest number such that at most k groups have enough differing cases to reach
        ``level / k`` at all. The others cost nothing (Tarone 1990, Biometrics 46, 515-522).

    Notes
    -----
    In groups that share no case, the number of differing cases says nothing of their direction, so that k may be read
    from the data. More of them never lower k: where it is not known how an unscored case would differ, it counts as
    differing.
    """
    checked_fraction(level, "level")
    least = np.sort(0.5 ** np.atleast_1d(np.asarray(differing, dtype=np.float64)))
    k = 1
    while np.searchsorted(least, level / k, side="right") > k:
        k += 1
    return level / k


def name_in_series(
    paired: FamilyRejections,
    lost: Counts,
    gained: Counts,
    differing: Counts,
    level: float,
    comparisons: int,
    *,
    independent: bool,
) -> FamilyRejections:
    """Keep the names of groups that became worse at all, at a level that many comparisons share.

    Parameters
    ----------
    paired : FamilyRejections
        Groups named as worse by more than the margin, by `name_paired` at `level`.
    lost, gained : array_like of integers, shape (G,)
        Counts of the paired test.
    differing : array_like of integers, shape (G,)
        Cases on which the models differ, those that one of them did not score included.
    level : float
        The family's level in one comparison.
    comparisons : int
        Number of comparisons, at least 1, fixed before the first: all pairs of releases that may be compared.
    independent : bool
        Whether the groups share no case. If they do, what differs in one says which of its cases differ in another, so
        that all of them divide the level.

    Returns
    -------
    FamilyRejections
        With a level of 0 for a group that is not shown to be worse at all.

    Notes
    -----
    In each comparison, a group that lost at most the margin is named with a chance of at most `level`, as before. Over
    all of them, any group is named against an answer that it is no worse than with a chance of at most `level`: a name
    needs `not_worse_p` at ``level / comparisons``, divided by the testable groups. By the union bound that holds under
    any dependence of releases, which share the cases and the reference's answers. A release that was chosen by its
    answers to these very cases is not covered: see docs/decisions/0056.
    """
    if comparisons < 1:
        raise ValueError("comparisons must be at least 1")
    share, groups = level / comparisons, np.atleast_1d(np.asarray(lost)).size
    is_worse = not_worse_p(lost, gained) <= (level_among_testable(differing, share) if independent else share / groups)
    return FamilyRejections(paired.rejected & is_worse, np.where(is_worse, paired.local_level, 0.0))


def smallest_paired_p(n: Counts, margin: float, beta: float) -> FloatArray:
    """Smallest p-value of "worse" that n cases can have: that of a group in which all of them are lost."""
    total = np.asarray(n, dtype=np.float64)
    return np.where(total > 0, np.minimum(1.0, ((1.0 + margin) / 2.0) ** total + beta), 1.0)


def survival_probability(n: Counts, margin: float) -> FloatArray:
    """Smallest probability, over all shares of differing cases, of finding at least the margin if that is the loss.

    Parameters
    ----------
    n : array_like of integers, shape (G,)
        Cases.
    margin : float
        The loss, in (0, 1).

    Returns
    -------
    ndarray of float64, shape (G,)
        0 where there are no cases. The shares are 65 between the margin and 1, closest near the margin.
    """
    total = np.atleast_1d(np.asarray(n, dtype=np.int64))
    sizes, alike = np.unique(total, return_inverse=True)
    chances = np.array([_least_survival(int(size), margin) if size else 0.0 for size in sizes])
    return np.asarray(chances[alike.reshape(-1)].reshape(total.shape))


def _least_survival(n: int, margin: float) -> float:
    shares = margin + (1.0 - margin) * np.linspace(0.0, 1.0, _FAMILY_SHARES) ** 2
    center, spread = n * shares, _TAIL * np.sqrt(n * shares * (1.0 - shares))
    # for each share the numbers of differing cases that are at all likely, with the one below them: all in one array
    first = np.maximum(0, (center - spread).astype(np.int64) - 1) - 1
    many = np.minimum(n, (center + spread).astype(np.int64) + 1) - first + 1
    ends = np.cumsum(many)
    share, t = np.repeat(shares, many), np.arange(ends[-1]) + np.repeat(first - ends + many, many)
    most = np.floor((t - n * margin) / 2.0 + _TIE)
    survive = np.where(most >= 0.0, binomial_cdf(np.maximum(most, 0.0), t, (share - margin) / (2.0 * share)), 0.0)
    chance = np.diff(binomial_cdf(t, n, share), prepend=0.0)
    return min(float(chance[i + 1 : j] @ survive[i + 1 : j]) for i, j in pairwise((0, *ends.tolist())))


def _penalty(width: FloatArray, weight: FloatArray, least: FloatArray, in_play: BoolArray, level: float) -> float:
    """Smallest penalty at which the groups in play are charged no more than the level."""

    def within(penalty: float) -> bool:
        levels = weighted_levels(width, penalty, level)
        return float(np.where(in_play & (weight * levels >= least), levels, 0.0).sum()) <= level

    return smallest_penalty(within)
