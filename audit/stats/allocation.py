"""Allocate the cases to draw over the cells of a pool: equally, in proportion, or as much as groups of cells need.

A cell holds N cases, of which n are drawn, and each case drawn then stands for N/n. The weighted cases of a group of
cells are worth Kish's effective size, ``(sum N)^2 / sum N^2/n``. With equal weights that is their number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audit.stats.arrays import FloatArray, IntArray

_BISECTIONS = 200
_ROUNDS = 500
_CLOSE = 1e-6


@dataclass(frozen=True, slots=True)
class GroupCells:
    """Cells of each of G groups; a cell can be in several groups, and in none."""

    cell: IntArray
    """int64[M]: a cell, for each membership."""
    group: IntArray
    """int64[M]: group that the cell is in, for each membership."""
    groups: int

    @classmethod
    def of(cls, members: Sequence[Sequence[int]]) -> GroupCells:
        """Build from the list of cells of each group."""
        cell = np.array([cell_index for some in members for cell_index in some], dtype=np.int64)
        group = np.repeat(np.arange(len(members), dtype=np.int64), [len(some) for some in members])
        return cls(cell, group, len(members))

    def added(self, values: npt.ArrayLike) -> FloatArray:
        """float64[G]: sum over the cells of each group, from a value for each cell."""
        weights = np.asarray(values, dtype=np.float64)[self.cell]
        return np.bincount(self.group, weights=weights, minlength=self.groups).astype(np.float64)

    def spread(self, values: FloatArray, cells: int) -> FloatArray:
        """float64[C]: sum over the groups of each cell, from a value for each group."""
        return np.bincount(self.cell, weights=values[self.group], minlength=cells).astype(np.float64)


def effective_sizes(groups: GroupCells, sizes: npt.ArrayLike, drawn: npt.ArrayLike) -> FloatArray:
    """float64[G]: Kish's effective size of each group; 0 where one of its cells has cases of which none is drawn.

    Parameters
    ----------
    groups : GroupCells
        Cells of each group.
    sizes, drawn : array_like, shape (C,)
        Cases of each cell in the pool, and drawn from it.
    """
    pool, some = np.asarray(sizes, dtype=np.float64), np.asarray(drawn, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        second = groups.added(np.where(pool > 0.0, pool * pool / some, 0.0))
        total = groups.added(pool)
        return np.where((total > 0.0) & np.isfinite(second), total * total / np.where(second > 0.0, second, 1.0), 0.0)


def proportional_counts(shares: npt.ArrayLike, least: npt.ArrayLike, most: npt.ArrayLike, total: int) -> IntArray:
    """Whole numbers that add up to `total`, in proportion to `shares`, between `least` and `most`.

    Parameters
    ----------
    shares : array_like, shape (C,)
        Equal shares for equal numbers, the sizes of the cells for a proportional allocation; not negative.
    least, most : array_like of int, shape (C,)
        Bounds, ``least <= most``.
    total : int
        Sum wanted. Outside of the sums of both bounds, the nearer one is taken.

    Returns
    -------
    ndarray of int64, shape (C,)
        ``clip(f * shares, least, most)`` with the f that gives the sum, rounded down. The remaining cases go, one
        each, to the largest fractions; of equal fractions the first comes first.
    """
    scale = np.asarray(shares, dtype=np.float64)
    low, high = np.asarray(least, dtype=np.int64), np.asarray(most, dtype=np.int64)
    total = int(np.clip(total, low.sum(), high.sum()))
    below, above = 0.0, 1.0
    while np.clip(above * scale, low, high).sum() < total and above < 2.0**100:
        above *= 2.0
    for _ in range(_BISECTIONS):
        middle = (below + above) / 2.0
        if middle in (below, above):
            break
        below, above = (below, middle) if np.clip(middle * scale, low, high).sum() >= total else (middle, above)
    exact = np.clip(above * scale, low, high)
    rounded_down = np.clip(np.floor(exact + 1e-9).astype(np.int64), low, high)
    for sign in (1, -1):
        bound = high if sign > 0 else low
        while sign * (total - int(rounded_down.sum())) > 0:
            open_to = rounded_down != bound
            order = np.lexsort((np.arange(rounded_down.size), -sign * (exact - rounded_down)))
            order = order[open_to[order]][: abs(total - int(rounded_down.sum()))]
            rounded_down[order] += sign
    return rounded_down


def smallest_allocation(
    groups: GroupCells, wanted: npt.ArrayLike, sizes: npt.ArrayLike, least: npt.ArrayLike
) -> FloatArray:
    """Smallest allocation with which every group is worth its wanted number of independent cases.

    Parameters
    ----------
    groups : GroupCells
        Cells of each group.
    wanted : array_like, shape (G,)
        Effective size wanted for each group. A group that cannot reach it gives all its cases.
    sizes, least : array_like, shape (C,)
        Cases in the pool, and the fewest to draw, ``least <= sizes``.

    Returns
    -------
    ndarray of float64, shape (C,)
        Cases to draw from each cell, between `least` and `sizes`; fractions.

    Notes
    -----
    Minimises ``sum n`` under ``sum N^2/n <= (sum N)^2 / wanted`` for each group: a convex programme whose solution is
    ``n = N sqrt(sum of the multipliers of its groups)``, cut to its bounds (Bethel 1989, "Sample allocation in
    multivariate surveys"). Multipliers are found by Chromy's (1987) iteration: each is multiplied by the square of
    the ratio by which its group is off. A last step raises the groups that are still short.
    """
    pool, low = np.asarray(sizes, dtype=np.float64), np.asarray(least, dtype=np.float64).copy()
    target, total = np.asarray(wanted, dtype=np.float64), groups.added(pool)
    exhausted = (target >= total * (1.0 - _CLOSE)) & (total > 0.0)
    low = np.where(groups.spread(exhausted.astype(np.float64), pool.size) > 0.0, pool, low)
    is_wanting = ~exhausted & (target > 0.0) & (total > 0.0)
    if not is_wanting.any():
        return low
    multipliers = np.where(is_wanting, (target / np.where(total > 0.0, total, 1.0)) ** 2, 0.0)
    drawn = low
    for _ in range(_ROUNDS):
        drawn = np.clip(pool * np.sqrt(groups.spread(multipliers, pool.size)), low, pool)
        short = np.where(is_wanting, target / np.maximum(effective_sizes(groups, pool, drawn), 1e-300), 0.0)
        slack = (short < 1.0 - _CLOSE) & (multipliers > 1e-12 * multipliers.max())
        if short.max() <= 1.0 + _CLOSE and not slack.any():
            break
        multipliers = multipliers * np.clip(short, 0.1, 10.0) ** 2
    return _lifted(groups, np.where(is_wanting, target, 0.0), pool, drawn)


def _lifted(groups: GroupCells, target: FloatArray, pool: FloatArray, drawn: FloatArray) -> FloatArray:
    for _ in range(_ROUNDS):
        short = target / np.maximum(effective_sizes(groups, pool, drawn), 1e-300)
        if short.max() <= 1.0 + _CLOSE:
            break
        factor = np.ones(pool.size)
        np.maximum.at(factor, groups.cell, np.maximum(short, 1.0)[groups.group])
        drawn = np.minimum(drawn * factor, pool)
    return drawn
