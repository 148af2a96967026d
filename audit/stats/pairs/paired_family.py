"""Name the groups of a family that became worse beyond the margin between two models, at a family-wise error.

The method is that of `audit.stats.margins.multiplicity`. Groups whose loss is smaller than the margin are discarded,
and
the others pay for the selection. The level is shared by what a group of that size could show; then step down. Groups
share no rest here, so families of any size are discarded from.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np

from audit.stats.arrays import BoolArray, FloatArray
from audit.stats.margins.multiplicity import FamilyRejections, smallest_penalty, weighted_levels
from audit.stats.rates.binomial import Counts, binomial_cdf, checked_fraction

EXPECTED_DIFFERING: Final = 0.10
"""Share of differing cases that the weights suppose. It decides which groups gain power, never whether a name is valid.
"""
_MAX_WIDTH: Final = 4.0
_SHARES: Final = 65
_TAIL: Final = 9.0
_TIE: Final = 1e-9


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
        P-values of "worse" from `audit.stats.pairs.paired_score`; those at or below `level` must be exact.
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
    found = np.array([_least_survival(int(size), margin) if size else 0.0 for size in sizes])
    return np.asarray(found[alike.reshape(-1)].reshape(total.shape))


def _least_survival(n: int, margin: float) -> float:
    shares = margin + (1.0 - margin) * np.linspace(0.0, 1.0, _SHARES) ** 2
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
        given = weighted_levels(width, penalty, level)
        return float(np.where(in_play & (weight * given >= least), given, 0.0).sum()) <= level

    return smallest_penalty(within)
