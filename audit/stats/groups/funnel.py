"""Counts up to which the exact test rejects, for a group of a given size: where the verdict changes.

A funnel plot drawn from normal approximations disagrees with exact verdicts for just those small groups that it is
meant for. These limits come from the test itself.
"""

from __future__ import annotations

import numpy as np

from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.margins.score_test import FAIL_BETA, asymptotic_p, exact_rejects
from audit.stats.rates.binomial import Counts, checked_counts
from audit.stats.rates.boundaries import Boundary


def largest_rejected(
    n: Counts, y: Counts, m: Counts, boundary: Boundary, level: Counts, beta: float = FAIL_BETA
) -> IntArray:
    """Largest count of a group at which `audit.stats.margins.score_test.exact_p` is at most its level.

    Parameters
    ----------
    n : array_like of integers, shape (G,)
        Sizes of the groups.
    y, m : array_like of integers, shape (G,)
        Counted outcomes and totals of the rest of each.
    boundary, beta
        As in `exact_p`.
    level : array_like, shape (G,)
        Level that the p-value of each group must reach.

    Returns
    -------
    ndarray of int64, shape (G,)
        A count ``x`` is rejected exactly when it is at most the answer; -1 where no count is rejected.

    Raises
    ------
    ValueError
        As in `exact_p`.

    Notes
    -----
    The p-value increases in the count. The search starts at the critical count of the asymptotic score test and strides
    away from it until the answer is enclosed: two or three exact tests of each group as a rule.
    """
    y_, m_ = checked_counts(y, m)
    n_, y_, m_, level_ = np.broadcast_arrays(
        np.asarray(n, dtype=np.float64), y_, m_, np.asarray(level, dtype=np.float64)
    )

    def rejects(x: FloatArray, some: BoolArray) -> BoolArray:
        return exact_rejects(x[some], n_[some], y_[some], m_[some], boundary, level_[some], beta)

    start = asymptotic_limit(n_, y_, m_, boundary, level_)
    # `low` is known to be rejected (-1: trivially so), `high` known not to be (n + 1: no such count).
    low, high = np.full(n_.shape, -1.0), n_ + 1.0
    probe, stride = np.clip(start, 0.0, n_), np.ones(n_.shape)
    while (open_ := high - low > 1.0).any():
        rejected = np.zeros(n_.shape, dtype=np.bool_)
        rejected[open_] = rejects(probe, open_)
        low = np.where(open_ & rejected, probe, low)
        high = np.where(open_ & ~rejected, probe, high)
        strides_on = np.where(rejected, high > n_, low < 0.0)
        middle = np.floor((low + high) / 2.0)
        away = np.where(rejected, np.minimum(low + stride, n_), np.maximum(high - stride, 0.0))
        probe = np.where(strides_on, away, middle)
        stride = stride * 2.0
    return np.asarray(low, dtype=np.int64)


def asymptotic_limit(n: FloatArray, y: FloatArray, m: FloatArray, boundary: Boundary, level: FloatArray) -> FloatArray:
    """Largest count with an asymptotic p-value up to the level; -1 where there is none."""
    low, high = np.full(n.shape, -1.0), n.copy()
    for _ in range(int(np.ceil(np.log2(np.max(n, initial=0.0) + 2.0))) + 1):
        middle = np.ceil((low + high) / 2.0)
        up = asymptotic_p(np.maximum(middle, 0.0), n, y, m, boundary) <= level
        low, high = np.where(up, np.maximum(middle, low), low), np.where(up, high, np.maximum(middle - 1.0, low))
    return low
