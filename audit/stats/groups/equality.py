"""Test whether all groups of a family have the same rate: a permutation test on counts, which needs no margin.

A difference between groups is neither a FAIL nor a PASS: with many cases the smallest difference shows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import xlogy

from audit.stats.arrays import FloatArray
from audit.stats.rates.binomial import Counts, checked_counts

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
            xlogy(part, part * total / (of * whole))
            for part, of, whole in (
                (x, n, successes),
                (n - x, n, total - successes),
                (y, m, successes),
                (m - y, m, total - successes),
            )
        )
    return np.asarray(2.0 * np.max(np.nan_to_num(deviance, nan=0.0), axis=1))
