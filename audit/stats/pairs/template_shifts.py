"""Shifts of a score over templates: intervals, one-sided tests against a margin, and Holm's procedure.

Each template gives one number, the mean shift over its variants, so that the template is the cluster and whatever
varies within it is averaged. Templates are taken for independent draws of texts of their kind. With some ten of them
and shifts that are skew, Student's t errs: a lognormal shift on the margin passes in 20 % of samples of ten instead of
5. So a test here must hold twice: as Student's t with the larger of the comparison's own variance and the mean one of
its family, and with its own variance after a correction for skewness g that is inverted rather than added, so that it
stays monotone and large distances stay large (Cornish-Fisher; Johnson 1978 has the same terms):

    t = u + c (1 + 2 u^2),    c = k max(g, 0) / (6 sqrt(n)),    solved for u

k would be 1 for a known g. From few templates skewness is found too small, so k is 2; in families of two comparisons
3, of one 5, and up to three the degrees of freedom are halved, since there little is pooled. k was chosen by simulation
(`tools/simulate/swaps.py`), with other seeds than those that are reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from scipy.special import stdtr, stdtrit

from audit.stats.arrays import BoolArray, FloatArray
from audit.stats.rates.binomial import checked_fraction

MIN_TEMPLATES: Final = 10
"""With fewer templates nothing is decided: neither the spread nor the skewness of shifts is known."""
_SKEW: Final = {1: 5.0, 2: 3.0, 3: 2.0}
"""k by the number of comparisons that are tested, for small numbers."""
_SKEW_OF_MANY: Final = 2.0
_DUST: Final = 1e-12
"""Scores are shares of their range. Smaller distances and standard deviations are rounding errors of 0."""


class ShiftTests(NamedTuple):
    """p-values of the L comparisons of one family; NaN where there are fewer than `MIN_TEMPLATES` templates."""

    within: FloatArray
    """float64[L]: for "the mean shift is the margin or more, up or down". Small: the shift is within the margin."""
    above: FloatArray
    """float64[L]: for "the mean shift is at most the margin". Small: the shift is beyond the margin, upwards."""
    below: FloatArray
    """float64[L]: for "the mean shift is at least minus the margin". Small: it is beyond the margin, downwards."""


class HolmStep(NamedTuple):
    """Outcome of Holm's procedure for m hypotheses."""

    rejected: BoolArray
    """bool[m]: whether each hypothesis is rejected."""
    level: FloatArray
    """float64[m]: level that each p-value had to reach; NaN where it is not tested."""


def mean_interval(shifts: FloatArray, level: float) -> tuple[float | None, float | None, float | None]:
    """Mean of n shifts and Student's t-interval with n - 1 degrees of freedom.

    A single shift has a mean and no interval; no shift has neither. Where all shifts are equal, the interval is the
    mean: nothing varies over these templates.
    """
    checked_fraction(level, "level")
    count = len(shifts)
    if not count:
        return None, None, None
    mean = float(shifts.mean())
    if count < 2:
        return mean, None, None
    half = float(stdtrit(count - 1, 0.5 + level / 2)) * float(shifts.std(ddof=1)) / count**0.5
    return mean, mean - half, mean + half


def shift_tests(lowest: Sequence[FloatArray], highest: Sequence[FloatArray], margin: float) -> ShiftTests:
    """Test the comparisons of one family against a margin on both sides.

    Parameters
    ----------
    lowest, highest : sequence of L arrays of n_l floats
        Shift of each template, with variants that were not scored at their lowest and at their highest. Both are equal
        where all variants were scored.
    margin : float
        The largest mean shift that is within the limit.

    Returns
    -------
    ShiftTests
        Intersection-union: within is the larger of the two one-sided p-values (Schuirmann 1987), so that it needs no
        correction for being tested twice.
    """
    up, down = list(highest), [-one for one in lowest]
    return ShiftTests(
        within=np.maximum(_below(up, margin), _below(down, margin)),
        above=_below(down, -margin),
        below=_below(up, -margin),
    )


def _below(samples: Sequence[FloatArray], edge: float) -> FloatArray:
    """float64[L]: p-values of "the mean is `edge` or more"; small: the mean is below."""
    count = np.array([len(one) for one in samples], dtype=np.float64)
    shifts = np.zeros((len(samples), max((len(one) for one in samples), default=0)))
    there = np.zeros(shifts.shape, dtype=np.bool_)
    for place, one in enumerate(samples):
        shifts[place, : len(one)], there[place, : len(one)] = one, True
    tested = count >= MIN_TEMPLATES
    p = np.full(len(samples), np.nan)
    if not tested.any():
        return p
    count, shifts, there = count[tested], shifts[tested], there[tested]
    mean = shifts.sum(axis=1) / count
    deviations = np.where(there, shifts - mean[:, None], 0.0)
    own = (deviations**2).sum(axis=1) / (count - 1)
    own[own <= _DUST**2] = 0.0
    vary = own > 0.0
    distance = np.where(np.abs(edge - mean) <= _DUST, 0.0, edge - mean)
    together = len(count)
    spread = np.sqrt(np.where(vary, own, 1.0))
    # the third moment over the standard deviation with n: the adjusted Fisher-Pearson coefficient
    third = ((deviations / spread[:, None]) ** 3).sum(axis=1) * count / ((count - 1) * (count - 2))
    harm = np.maximum(third, 0.0) * _SKEW.get(together, _SKEW_OF_MANY) / (6 * np.sqrt(count))
    student = _scaled(distance, np.maximum(own, own.mean()), count)
    corrected = _without_skew(_scaled(distance, own, count), np.where(vary, harm, 0.0))
    df = (count - 1) / (2 if together in _SKEW else 1)
    p[tested] = stdtr(df, -np.minimum(student, corrected))
    return p


def _without_skew(distance: FloatArray, harm: FloatArray) -> FloatArray:
    """Quantile u with u + c (1 + 2 u^2) = t, for a distance t and a harm c; t itself where c is 0.

    A distance up to the harm counts as 0, so that u never falls as t grows.
    """
    counts = (harm > 0.0) & (distance > harm) & np.isfinite(distance)
    c, beyond = np.where(counts, harm, 0.0), np.where(counts, distance - harm, 0.0)
    # the root of the quadratic in the form that does not cancel where c is nearly 0
    within_harm = np.where(harm > 0.0, np.minimum(distance, 0.0), distance)
    far = np.where(np.isfinite(distance), within_harm, distance)
    return np.where(counts, 2.0 * beyond / (1.0 + np.sqrt(1.0 + 8.0 * c * beyond)), far)


def _scaled(distance: FloatArray, variance: FloatArray, count: FloatArray) -> FloatArray:
    """Distances in standard errors; infinite where nothing varies, where a distance of 0 is -inf, so that p is 1."""
    vary = variance > 0.0
    error = np.sqrt(np.where(vary, variance, 1.0) / count)
    scaled: FloatArray = np.where(vary, distance / error, np.where(distance > 0, np.inf, -np.inf))
    return scaled


def holm(p: FloatArray, level: float) -> HolmStep:
    """Holm's step-down procedure (1979), valid under any dependence; NaN is not tested and costs nothing."""
    tested = np.flatnonzero(~np.isnan(p))
    rejected = np.zeros(len(p), dtype=np.bool_)
    needed = np.full(len(p), np.nan)
    order = tested[np.argsort(p[tested], kind="stable")]
    for step, place in enumerate(order):
        share = level / (len(order) - step)
        if p[place] > share:
            needed[order[step:]] = share
            break
        rejected[place], needed[place] = True, share
    return HolmStep(rejected, needed)


def undetected_share(templates: int, level: float) -> float:
    """Largest share of such texts in which a change could have an effect without showing in n templates.

    1 - (1 - level)^(1/n): the exact upper limit of a share of which none was seen in n independent draws. Without a
    template it is 1: the change could have an effect in all texts.
    """
    if not templates:
        return 1.0
    return float(1.0 - (1.0 - checked_fraction(level, "level")) ** (1.0 / templates))
