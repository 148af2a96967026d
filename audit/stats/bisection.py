"""Bisection of one number."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from audit.stats.arrays import FloatArray


def bisected(holds: Callable[[float], bool], low: float, high: float, halvings: int) -> tuple[float, float]:
    """Ends of the interval that is left around the smallest number that meets a condition.

    Parameters
    ----------
    holds : callable
        The condition; it holds at `high` and down to some number. It is not asked at `low` and `high`.
    low, high : float
        Ends of the first interval.
    halvings : int
        How often to halve it.
    """
    for _ in range(halvings):
        middle = (low + high) / 2.0
        low, high = (low, middle) if holds(middle) else (middle, high)
    return low, high


def falling_root(
    function: Callable[[FloatArray], FloatArray],
    ends: tuple[FloatArray, FloatArray],
    values: tuple[FloatArray, FloatArray],
    precision: npt.ArrayLike,
) -> tuple[FloatArray, FloatArray]:
    """Find the roots of G falling functions between `ends`, where their `values` are above and below 0.

    Parameters
    ----------
    precision : array_like, shape (G,)
        Value so near 0 that a root is found.

    Returns
    -------
    root, high : ndarray of float64, shape (G,)
        The place last tried, and the nearest one known not to lie below the root.

    Notes
    -----
    The Illinois method (Dowell & Jarratt 1971), with every fourth step a bisection. A root that is found stays as it
    is, so that no group's depends on the others.
    """
    (low, high), (above, below) = ends, values
    root, side, done = high, np.zeros(low.shape), (low == high) | (below >= 0.0) | (above <= 0.0)
    for step in range(60):
        if done.all():
            break
        gap = above - below
        secant = high + (low - high) * np.where(gap > 0.0, -below / np.where(gap > 0.0, gap, 1.0), 0.5)
        inside = (secant > low) & (secant < high) & (step % 4 < 3)
        root = np.where(done, root, np.where(inside, secant, (low + high) / 2.0))
        value = function(root)
        up, left = value > 0.0, ~done
        below = np.where(left, np.where(up, np.where(side > 0.0, below / 2.0, below), value), below)
        above = np.where(left, np.where(up, value, np.where(side < 0.0, above / 2.0, above)), above)
        near = np.abs(value) <= precision
        low, high = np.where(left & up, root, low), np.where(left & (near | ~up), root, high)
        side = np.where(up, 1.0, -1.0)
        done = done | near | (high - low <= 1e-14 * np.abs(high))
    return root, high
