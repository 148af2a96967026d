"""The best values of one attribute, in many searches at a time: the step of a subset scan."""

from __future__ import annotations

from typing import Final

import numpy as np

from audit.stats.arrays import BoolArray, FloatArray
from audit.stats.scan.scan_starts import bernoulli_score

_LARGEST_SEVERITY: Final = 30.0
"""Log odds ratio that stands for an infinite one, where all cases of a subset are harmed."""
SEVERITIES: Final = np.geomspace(0.01, 10.0, 28)
"""Log odds ratios that are tried; the best of them is then moved to its maximum."""
REFINEMENTS: Final = 4
"""How often they are moved at most."""
TOLERANCE: Final = 1e-9
"""Gain that counts as none."""
_ROUNDING: Final = 1e-9
"""More, for each case, than the sums behind a score are rounded by."""
_AT_A_TIME: Final = 512
"""Number of searches whose ratios are tried at a time, so that the arrays stay in the processor's cache."""


def best_values(
    harmed: FloatArray, cases: FloatArray, expected: FloatArray, penalty: float
) -> tuple[BoolArray, FloatArray]:
    """Choose the values of one attribute that maximise the penalised score.

    Parameters
    ----------
    harmed, cases : ndarray of float64, shape (V, P)
        Sums over each value, within the values chosen for the other attributes.
    expected : ndarray of float64, shape (P,)
        Expected rate of each search.
    penalty : float
        Penalty of each value named. Naming none, which leaves the attribute free, costs nothing.

    Returns
    -------
    chosen : ndarray of bool, shape (V, P)
        The values; all of them where naming none scores best.
    score : ndarray of float64, shape (P,)
        Score less the penalty of these values.

    Notes
    -----
    ``max_S F(S) - penalty |S| = max_theta sum_v max(0, h_v theta - n_v log(1 - p + p e^theta) - penalty)``: 28 log odds
    ratios are tried. Each is rated by the score of its subset at that subset's own maximum. The best then alternates
    with it, which never lowers the score. If scores were compared at the ratios tried, a subset between two of them
    would lose to a worse one on a ratio. The best single value is tried too: penalties can leave it a range of ratios
    between two of those tried.
    """
    alone = bernoulli_score(harmed, cases, expected)
    at = _best_severity(harmed, cases, expected, penalty, alone)
    chosen = _worthwhile(harmed, cases, expected, penalty, at)
    score = _penalised(harmed, cases, expected, penalty, chosen)
    worst, single = alone.argmax(axis=0), alone.max(axis=0) - penalty
    lone = np.flatnonzero(single > score)
    chosen[:, lone] = np.arange(len(harmed))[:, None] == worst[lone]
    score[lone] = single[lone]
    left = np.arange(len(expected))
    for _ in range(REFINEMENTS):
        of = harmed.take(left, 1), cases.take(left, 1), expected[left]
        again = _worthwhile(*of, penalty, _severity(*of, chosen.take(left, 1)))
        next_score = _penalised(*of, penalty, again)
        # what gains nothing once gains nothing again
        better = next_score > score[left] + TOLERANCE
        left = left[better]
        if not left.size:
            break
        chosen[:, left], score[left] = again[:, better], next_score[better]
    free = bernoulli_score(harmed.sum(axis=0), cases.sum(axis=0), expected)
    without = free >= score
    return chosen | without, np.where(without, free, score)


def _best_severity(
    harmed: FloatArray, cases: FloatArray, expected: FloatArray, penalty: float, alone: FloatArray
) -> FloatArray:
    """float64[P]: of the log odds ratios tried, the one with the best subset; the first where no score is above 0.

    The first, too, where at most one value is worth its penalty at its own best ratio, so that no ratio has another:
    `alone` holds the scores there.
    """
    able = alone + _ROUNDING * (1.0 + cases) > penalty
    count = able.sum(axis=0)
    rates, of_rate = np.unique(expected, return_inverse=True)
    offsets = np.log1p(rates * np.expm1(SEVERITIES)[:, None])
    best, in_order = np.full(len(expected), SEVERITIES[0]), np.argsort(count, kind="stable")
    for start in range(int(np.searchsorted(count, 2, sorter=in_order)), len(count), _AT_A_TIME):
        which = in_order[start : start + _AT_A_TIME]
        rows = np.argsort(~able.take(which, 1), axis=0, kind="stable")[: count[which[-1]]]
        h, n = harmed[rows, which], cases[rows, which]
        worth = h * SEVERITIES[:, None, None] - n * offsets.take(of_rate[which], 1)[:, None]
        np.greater(worth, penalty, out=worth)
        # sums of whole numbers, so that their order changes no bit
        sums = np.einsum("lvp,svp->lsp", np.stack([h, n, np.ones(h.shape)]), worth)
        # most ratios choose the values of the one before
        new = np.ones(sums.shape[1:], dtype=np.bool_)
        new[1:] = (sums[:, 1:] != sums[:, :-1]).any(axis=0)
        at = np.flatnonzero(new)
        h, n, named = (each.take(at) for each in sums.reshape(3, -1))
        scores = np.full(new.shape, -np.inf)
        scores.put(at, bernoulli_score(h, n, expected[which][at % len(which)]) - penalty * named)
        best[which] = SEVERITIES[np.where(scores.max(axis=0) > 0.0, scores.argmax(axis=0), 0)]
    return best


def _worthwhile(
    harmed: FloatArray, cases: FloatArray, expected: FloatArray, penalty: float, theta: FloatArray
) -> BoolArray:
    return np.asarray(harmed * theta - cases * np.log1p(expected * np.expm1(theta)) > penalty)


def _severity(harmed: FloatArray, cases: FloatArray, expected: FloatArray, chosen: BoolArray) -> FloatArray:
    """Log odds ratio that fits the chosen values best."""
    h, n = (harmed * chosen).sum(axis=0), (cases * chosen).sum(axis=0)
    some = (h > 0.0) & (h < n)
    rate = np.where(some, h / np.where(n > 0.0, n, 1.0), 0.5)
    theta = np.log(rate / (1.0 - rate)) - np.log(expected / (1.0 - expected))
    return np.clip(np.where(some, theta, np.where(h > 0.0, _LARGEST_SEVERITY, 0.0)), 0.0, _LARGEST_SEVERITY)


def _penalised(
    harmed: FloatArray, cases: FloatArray, expected: FloatArray, penalty: float, chosen: BoolArray
) -> FloatArray:
    score = bernoulli_score((harmed * chosen).sum(axis=0), (cases * chosen).sum(axis=0), expected)
    return np.asarray(score - penalty * chosen.sum(axis=0))
