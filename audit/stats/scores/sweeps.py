"""Results of every threshold and every capacity, for all groups at once, from score histograms.

A sweep describes. A threshold that was chosen on the cases that judge the detector makes the verdict void.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from audit.stats.arrays import FloatArray, IntArray
from audit.stats.rates.binomial import checked_fraction
from audit.stats.rates.intervals import newcombe_difference

NOBODY: Final = -1
"""Value of `LargestGap.group` where no group has enough cases to be compared."""


@dataclass(frozen=True, slots=True)
class LargestGap:
    """At each of T steps, the group whose rate is most surely far from that of the rest; nan where there is none."""

    group: IntArray
    """int64[T]: place of the group, or `NOBODY`."""
    difference: FloatArray
    """float64[T]: rate of the group minus rate of the rest."""
    low: FloatArray
    """float64[T]: lower end of an interval that holds for all groups compared at this step together."""
    high: FloatArray
    """float64[T]: upper end of an interval that holds for all groups compared at this step together."""


def flagged_at_edges(cases: IntArray) -> IntArray:
    """Cases at or above every bin edge.

    Parameters
    ----------
    cases : ndarray of int64, shape (..., B)
        Histograms, lowest bin first.

    Returns
    -------
    ndarray of int64, shape (..., B + 1)
        Entry k: cases in bin k and above, which a threshold at the lower edge of bin k flags; entry B is 0.
    """
    flagged = np.zeros((*cases.shape[:-1], cases.shape[-1] + 1), dtype=np.int64)
    flagged[..., :-1] = np.cumsum(cases[..., ::-1], axis=-1)[..., ::-1]
    return flagged


def edges_flagging(flagged: IntArray, shares: npt.ArrayLike) -> IntArray:
    """For each share of all cases, the edge that flags the nearest number of cases.

    Parameters
    ----------
    flagged : ndarray of int64, shape (B + 1,)
        Result of `flagged_at_edges` for all cases.
    shares : array_like, shape (T,)
        Shares of all cases that can be reviewed.

    Returns
    -------
    ndarray of int64, shape (T,)
        Edges from 0 to B. Of two equally near edges it is the higher one, which flags fewer.
    """
    wanted = np.asarray(shares, dtype=np.float64) * float(flagged[0])
    distance = np.abs(flagged[np.newaxis, :] - wanted[:, np.newaxis])
    last: IntArray = flagged.size - 1 - np.argmin(distance[:, ::-1], axis=1)
    return last


def largest_gap(x: IntArray, n: IntArray, min_cases: int, level: float = 0.95) -> LargestGap:
    """Find the group most surely far from its rest at each step.

    Parameters
    ----------
    x : ndarray of int64, shape (G, T)
        Cases flagged of each group, at each step.
    n : ndarray of int64, shape (G,)
        Cases of each group; the groups share none.
    min_cases : int
        A group is compared if it and its rest have at least this many cases.
    level : float
        Two-sided confidence level of all groups compared at a step together.

    Raises
    ------
    ValueError
        If counts are impossible, or the level is not in (0, 1).

    Notes
    -----
    Newcombe's (1998) hybrid score interval at level ``1 - (1 - level) / C`` for C groups compared (Bonferroni): the
    largest of many gaps is picked because it is large, and an interval for one group would not allow for that. Of
    groups whose interval excludes 0, the one whose interval is farthest from 0 is taken, so that a few extreme cases do
    not hide many. Where there is none, the group with the largest difference is taken.
    """
    checked_fraction(level, "level")
    compared = (n >= min_cases) & (n.sum() - n >= min_cases) & (n > 0) & (n.sum() > n)
    steps = x.shape[1]
    unknown = np.full(steps, np.nan)
    if not compared.any():
        return LargestGap(np.full(steps, NOBODY, dtype=np.int64), unknown, unknown, unknown)
    places = np.flatnonzero(compared)
    own, rest = x[places], x.sum(axis=0, keepdims=True) - x[places]
    own_n, rest_n = n[places, np.newaxis], (n.sum() - n[places])[:, np.newaxis]
    difference = own / own_n - rest / rest_n
    low, high = newcombe_difference(own, own_n, rest, rest_n, 1.0 - (1.0 - level) / places.size)
    sure = np.maximum(low, -high)
    farthest = np.where((sure > 0.0).any(axis=0), np.argmax(sure, axis=0), np.argmax(np.abs(difference), axis=0))
    at = (farthest, np.arange(steps))
    return LargestGap(places[farthest], difference[at], low[at], high[at])
