"""Bisection of one number."""

from __future__ import annotations

from collections.abc import Callable


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
