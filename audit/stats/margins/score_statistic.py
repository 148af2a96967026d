"""The score statistic: distance of a group's counts from the edge of the margin, in standard errors.

The variance is taken at the restricted maximum likelihood estimate, the likeliest pair of rates that lies exactly on
the edge (Miettinen & Nurminen 1985; Farrington & Manning 1990).
"""

from __future__ import annotations

import numpy as np

from audit.stats.arrays import FloatArray
from audit.stats.rates.binomial import Counts
from audit.stats.rates.boundaries import Boundary


def score_statistic(x: Counts, n: Counts, y: Counts, m: Counts, boundary: Boundary) -> FloatArray:
    """Score statistic of "group rate >= edge(rest rate)"; negative when the group lies below the edge.

    Parameters
    ----------
    x, n : array_like
        Counted outcomes and total of the group, ``n > 0``; they broadcast with ``y`` and ``m``.
    y, m : array_like
        Counted outcomes and total of the rest, ``m > 0``.
    boundary : Boundary
        The edge.

    Returns
    -------
    ndarray of float64
        ``(x/n - A - s y/m) / sqrt(q(1-q)/n + s^2 r(1-r)/m)`` with ``(r, q)`` from `restricted_rates`; 0 where both
        samples sit at the corner where the edge meets 0 or 1 and nothing varies. Increases in ``x``, decreases in
        ``y``.

    Notes
    -----
    No continuity correction and no ``N/(N-1)`` factor. Totals of 0 give nan.
    """
    x_, n_, y_, m_ = _as_floats(x, n, y, m)
    if _is_mirrored_ratio(boundary):
        return -score_statistic(n_ - x_, n_, m_ - y_, m_, Boundary(0.0, boundary.slope, not boundary.counts_success))
    slope = boundary.slope
    with np.errstate(invalid="ignore", divide="ignore"):
        rest, group = restricted_rates(x_, n_, y_, m_, boundary)
        variance = group * (1.0 - group) / n_ + slope * slope * rest * (1.0 - rest) / m_
        distance = x_ / n_ - boundary.offset - slope * y_ / m_
        return np.where(variance > 0.0, distance / np.sqrt(variance), np.where(np.isnan(distance), np.nan, 0.0))


def restricted_rates(x: Counts, n: Counts, y: Counts, m: Counts, boundary: Boundary) -> tuple[FloatArray, FloatArray]:
    """Maximum likelihood rates of rest and group among the pairs on the (unclipped) edge.

    Parameters
    ----------
    x, n, y, m : array_like
        As in `score_statistic`; non-integer (expected or effective) counts are accepted.
    boundary : Boundary
        The edge ``q = A + s r``.

    Returns
    -------
    rest, group : ndarray of float64
        ``r`` within ``[max(0, -A/s), min(1, (1-A)/s)]`` and ``q = A + s r`` within [0, 1].

    Notes
    -----
    ``r`` is the zero of the decreasing function ``s [x/q - (n-x)/(1-q)] + y/r - (m-y)/(1-r)``. Multiplied by
    ``r (1-r) q (1-q)`` it is a cubic whose middle root is wanted. Ratio margins have a root at a corner, which leaves
    a quadratic (Farrington & Manning 1990, appendix).
    """
    x_, n_, y_, m_ = _as_floats(x, n, y, m)
    offset, slope = boundary.offset, boundary.slope
    with np.errstate(invalid="ignore", divide="ignore"):
        if offset == 0.0:
            rest = _proportional_root(x_, n_, y_, m_, slope)
        elif _is_mirrored_ratio(boundary):
            rest = 1.0 - _proportional_root(n_ - x_, n_, m_ - y_, m_, slope)
        else:
            rest = _cubic_root(x_, n_, y_, m_, boundary)
    rest = _within(rest, max(0.0, -offset / slope), min(1.0, (1.0 - offset) / slope))
    return rest, _within(offset + slope * rest, 0.0, 1.0)


def _within(values: FloatArray, low: float, high: float) -> FloatArray:
    """Clip values; `np.clip` takes several times as long for the few counts of a group."""
    return np.minimum(np.maximum(values, low), high)


def _as_floats(*counts: Counts) -> list[FloatArray]:
    return [np.asarray(count, dtype=np.float64) for count in counts]


def _is_mirrored_ratio(boundary: Boundary) -> bool:
    """Whether the edge passes through (1, 1) and not through (0, 0): a ratio margin on the other outcome."""
    return boundary.offset != 0.0 and abs(boundary.offset + boundary.slope - 1.0) < 1e-12


def _proportional_root(x: FloatArray, n: FloatArray, y: FloatArray, m: FloatArray, slope: float) -> FloatArray:
    """Smaller root of ``s(n+m) r^2 - (m + n s + x + y s) r + (x+y) = 0``, in the form free of cancellation."""
    linear = m + n * slope + x + y * slope
    discriminant = np.maximum(linear * linear - 4.0 * slope * (n + m) * (x + y), 0.0)
    return np.asarray(2.0 * (x + y) / (linear + np.sqrt(discriminant)))


def _cubic_root(x: FloatArray, n: FloatArray, y: FloatArray, m: FloatArray, boundary: Boundary) -> FloatArray:
    """Middle root of the cubic, divided by ``s^2 (n+m)``."""
    a, s = boundary.offset, boundary.slope
    scale = s * s * (n + m)
    excess = s * (x - n * a)
    c2 = (-excess - s * s * (n + y) - m * s * (1.0 - 2.0 * a)) / scale
    c1 = (excess + y * s * (1.0 - 2.0 * a) - m * a * (1.0 - a)) / scale
    c0 = y * a * (1.0 - a) / scale
    return middle_root(c2, c1, c0)


def middle_root(c2: FloatArray, c1: FloatArray, c0: FloatArray) -> FloatArray:
    """Middle root of ``x^3 + c2 x^2 + c1 x + c0``, by cosines and two Newton steps.

    The cosines alone lose half the digits where two roots nearly meet.
    """
    shift = c2 / 3.0
    spread = np.sqrt(np.maximum(shift * shift - c1 / 3.0, 0.0))
    skew = shift * (shift * shift - c1 / 2.0) + c0 / 2.0
    spreads = spread > 0.0
    cosine = np.where(spreads, skew / np.where(spreads, spread, 1.0) ** 3, 0.0)
    root = 2.0 * spread * np.cos((np.arccos(_within(-cosine, -1.0, 1.0)) + 4.0 * np.pi) / 3.0) - shift
    value, twice = ((root + c2) * root + c1) * root + c0, 2.0 * c2
    for _ in range(2):
        slope_there = (3.0 * root + twice) * root + c1
        falls = slope_there < 0.0
        better = root - np.where(falls, value / np.where(falls, slope_there, 1.0), 0.0)
        value_there = ((better + c2) * better + c1) * better + c0
        improves = np.abs(value_there) < np.abs(value)
        root, value = np.where(improves, better, root), np.where(improves, value_there, value)
    return np.asarray(root)
