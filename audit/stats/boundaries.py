"""The edge of the tolerated margin, written the same way for every hypothesis.

All tests share one null hypothesis, "the group's counted rate is at or above ``b(rest's counted rate)``", rejected
when the group's counted number is small. What is counted (success or non-success) and where the edge ``b`` lies
follow from the question asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from audit.stats.arrays import FloatArray
from audit.stats.binomial import Counts, checked_counts

Side = Literal["fail", "pass"]
Scale = Literal["difference", "ratio"]


@dataclass(frozen=True)
class Boundary:
    """The line ``b(p) = clip(offset + slope * p, 0, 1)`` in counted rates.

    Attributes
    ----------
    offset : float
        Value of the unclipped line at a rest rate of 0.
    slope : float
        Its slope, positive.
    counts_success : bool
        Whether the counted outcome is the metric's success (True) or its complement (False).
    """

    offset: float
    slope: float
    counts_success: bool

    def __post_init__(self) -> None:
        if not (np.isfinite(self.offset) and np.isfinite(self.slope) and self.slope > 0.0):
            raise ValueError("a boundary needs a finite offset and a finite, positive slope")

    def edge(self, rest_rate: npt.ArrayLike) -> FloatArray:
        """Return the counted group rate on the edge for the given counted rate(s) of the rest."""
        return np.clip(self.offset + self.slope * np.asarray(rest_rate, dtype=np.float64), 0.0, 1.0)


def margin_boundary(side: Side, low_is_worse: bool, scale: Scale, margin: float) -> Boundary:
    """Build the boundary of one margin test.

    Parameters
    ----------
    side : {"fail", "pass"}
        "fail": rejecting shows the group to be worse than the rest by more than the margin.
        "pass": rejecting shows it to be worse by less than the margin, equal or better.
    low_is_worse : bool
        True for metrics such as the true positive rate, False for metrics such as the false positive rate.
    scale : {"difference", "ratio"}
        How the margin is measured.
    margin : float
        For a difference d: ``0 <= d < 1`` (0 tests equality). For a ratio rho: ``0 < rho <= 1``, such as 0.80; where
        high is worse the tolerated group rate is ``rest / rho``.

    Returns
    -------
    Boundary

    Raises
    ------
    ValueError
        If the margin is outside its range, or the side or scale is unknown.

    Notes
    -----
    With ``q = 1 - p`` for counted non-success:

    ====================  ===========  ================  =======================
    use                   counted      difference        ratio
    ====================  ===========  ================  =======================
    fail, low is worse    success      ``p >= r - d``    ``p >= rho r``
    fail, high is worse   non-success  ``q >= q_r - d``  ``q >= 1 - (1-q_r)/rho``
    pass, low is worse    non-success  ``q >= q_r + d``  ``q >= 1 - rho (1-q_r)``
    pass, high is worse   success      ``p >= r + d``    ``p >= r / rho``
    ====================  ===========  ================  =======================

    An unclipped edge above 1 means that no group could be worse by the margin, the rest being that bad already.
    """
    if side not in ("fail", "pass") or scale not in ("difference", "ratio"):
        raise ValueError(f"unknown side {side!r} or scale {scale!r}")
    counts_success = (side == "fail") == low_is_worse
    if scale == "difference":
        if not 0.0 <= margin < 1.0:
            raise ValueError(f"a difference margin must satisfy 0 <= margin < 1, not {margin}")
        return Boundary(-margin if side == "fail" else margin, 1.0, counts_success)
    if not 0.0 < margin <= 1.0:
        raise ValueError(f"a ratio margin must satisfy 0 < margin <= 1, not {margin}")
    slope = margin if low_is_worse else 1.0 / margin
    return Boundary(0.0 if counts_success else 1.0 - slope, slope, counts_success)


def counted_outcome(numerator: Counts, denominator: Counts, boundary: Boundary) -> FloatArray:
    """Return how often the outcome that ``boundary`` counts occurred: successes, or denominator minus successes.

    Raises
    ------
    ValueError
        If not ``0 <= numerator <= denominator`` everywhere.
    """
    successes, total = checked_counts(numerator, denominator)
    return np.array(successes if boundary.counts_success else total - successes)


def counted_rate(rate: npt.ArrayLike, boundary: Boundary) -> FloatArray:
    """Return the rate of the counted outcome for a rate of the metric."""
    rate_ = np.asarray(rate, dtype=np.float64)
    return np.array(rate_ if boundary.counts_success else 1.0 - rate_)
