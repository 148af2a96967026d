"""Divide a level over groups whose p-values depend on the level that they are compared with."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from audit.stats.arrays import BoolArray, FloatArray
from audit.stats.margins.multiplicity import weighted_levels
from audit.stats.rates.binomial import checked_fraction
from audit.stats.rates.bisection import bisected
from audit.stats.rates.boundaries import Boundary, counted_rate

_MAX_WIDTH, _MIN_WIDTH = 4.0, 1e-3
_LARGEST_PENALTY = 400.0
_BISECTIONS = 60


def power_width(overall: npt.ArrayLike, size: npt.ArrayLike, boundary: Boundary) -> FloatArray:
    """Width of the margin in standard errors of a group of effective size `size`, at most 4.

    `overall` is the metric's rate over all cases. The weights of `effective_levels` are made from this width (Spjotvoll
    1972).
    """
    rate = counted_rate(overall, boundary)
    edge = boundary.edge(rate)
    width = np.abs(rate - edge)
    n = np.asarray(size, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        in_errors = np.where(width > 0.0, width / np.sqrt(edge * (1.0 - edge) / n), 1.0)
    known = np.nan_to_num(in_errors, nan=0.0, posinf=_MAX_WIDTH)
    return np.where(known > _MAX_WIDTH, _MAX_WIDTH, np.maximum(known, _MIN_WIDTH))


def effective_levels(
    p_at: Callable[[FloatArray], FloatArray], width: npt.ArrayLike, level: float
) -> tuple[BoolArray, FloatArray, FloatArray]:
    """Name groups by weighted Bonferroni with step-down, for p-values that depend on their level.

    Parameters
    ----------
    p_at : callable
        Returns p-values, shape (G,), at levels of shape (G,). A group named at a level must be named at any larger one.
        With `audit.stats.clusters.effective_test` it is, because ``(z / t)^2`` rises with the level.
    width : array_like, shape (G,)
        `power_width` of each group, from weights, cluster sizes and the overall rate only.
    level : float
        The family's share of the error.

    Returns
    -------
    rejected : ndarray of bool, shape (G,)
    local_level : ndarray of float64, shape (G,)
        Level for each group in the last step in which it took part.
    p : ndarray of float64, shape (G,)
        The p-values at those levels.

    Raises
    ------
    ValueError
        If the level is not in (0, 1).

    Notes
    -----
    Levels ``min(Phi(-(mu/2 + lambda/mu)), level)`` add up to at most `level` over the groups left; each only rises when
    others have been named, so the family-wise error is at most `level` under any dependence (Bonferroni, Holm 1979),
    clusters that span groups included. Discarding (`audit.stats.margins.multiplicity`) is not used: it needs p-values
    that are independent between groups and uniformly conservative on the margin, which effective sizes do not promise.
    """
    checked_fraction(level, "level")
    mu = np.asarray(width, dtype=np.float64)
    left = np.ones(mu.shape, dtype=np.bool_)
    rejected = np.zeros(mu.shape, dtype=np.bool_)
    local, p = np.zeros(mu.shape), np.ones(mu.shape)
    while left.any():
        local = np.where(left, _levels(mu, left, level), local)
        p = np.where(left, p_at(local), p)
        new = left & (p <= local)
        if not new.any():
            break
        rejected |= new
        left &= ~new
    return rejected, local, p


def first_effective_levels(width: npt.ArrayLike, level: float) -> FloatArray:
    """Levels of the first step of `effective_levels`: no answer enters them."""
    mu = np.asarray(width, dtype=np.float64)
    return _levels(mu, np.ones(mu.shape, dtype=np.bool_), checked_fraction(level, "level"))


def _levels(mu: FloatArray, left: BoolArray, level: float) -> FloatArray:
    def within(penalty: float) -> bool:
        return float(weighted_levels(mu, penalty, level)[left].sum()) <= level

    # a negative penalty gives back what the weights of few groups would leave unspent
    penalty = bisected(within, -_LARGEST_PENALTY, _LARGEST_PENALTY, _BISECTIONS)[1]
    return weighted_levels(mu, penalty, level)
