"""Shifts of a score over templates: intervals, one-sided tests against a margin, and Holm's procedure.

Each template gives one number, the mean shift over its variants, so that the template is the cluster and whatever
varies within it is averaged. Templates are taken for independent draws of texts of their kind.

A shift can be as large as the range of scores, so that a few texts of a kind that was not drawn can move the mean over
the margin. Student's t does not count with them, however it is corrected: with an effect in one text of ten, a change
on the margin passed in 34 % of samples of ten texts. Without a bound no test of a mean holds for every distribution
(Bahadur and Savage 1956). Shifts have one, and the test here uses nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from scipy.special import stdtrit

from audit.stats.arrays import BoolArray, FloatArray
from audit.stats.binomial import checked_fraction

MIN_TEMPLATES: Final = 10
"""With fewer templates nothing is decided: the spread of shifts is not known."""
_STEP: Final = 0.03125
_STEPS: Final = 450
_LITTLE: Final = 1e-16
_HALVINGS: Final = 48
_ON_THE_MARGIN: Final = 1e-6
"""Means as near to the margin would take millions of templates."""


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
    up, down = list(highest), [-bound for bound in lowest]
    return ShiftTests(
        within=np.maximum(_below(up, margin), _below(down, margin)),
        above=_below(down, -margin),
        below=_below(up, -margin),
    )


def _below(samples: Sequence[FloatArray], edge: float) -> FloatArray:
    """float64[L]: p-values of "the mean is `edge` or more"; small: the mean is below."""
    count = np.array([len(sample) for sample in samples], dtype=np.int64)
    there = np.arange(max(count, default=0)) < count[:, None]
    shifts = np.full(there.shape, edge)
    shifts[there] = np.concatenate([*samples, []])
    unlike, pattern = np.unique(np.sort(shifts, axis=1), axis=0, return_inverse=True)
    return np.where(count >= MIN_TEMPLATES, mean_p_value(unlike, edge)[pattern.reshape(-1)], np.nan)


def mean_p_value(shifts: FloatArray, edge: float) -> FloatArray:
    """P-value of "the mean of a distribution that ends at 1 is `edge` or more", from n independent draws.

    Parameters
    ----------
    shifts : ndarray of float64, shape (L, n)
        L samples, none above 1. An entry that is `edge` counts for nothing, so that it fills up a smaller sample.
    edge : float
        Below 1.

    Returns
    -------
    ndarray of float64, shape (L,)
        In [0, 1]; small where the mean is below. It grows with every shift.

    Notes
    -----
    Gaffke (2005), Mathematical Methods of Statistics 14, 451-467; Learned-Miller and Thomas (2019), arXiv:1905.06208:
    the chance that ``sum_i D_i x_i + D_0`` is `edge` or more, where the weights D are uniform over all that are not
    negative and add up to 1, and D_0 is that of a draw of 1 which nobody made. Where all shifts are m, it is
    ``((1 - edge) / (1 - m))^n``: the chance that n draws hold none of the share of ones that would bring the mean from
    m to the edge. With shifts of 0 and 1 it is that of Clopper and Pearson. That the chance of a p-value of at most t
    is at most t is proved for distributions on two values, and conjectured for all.

    The weights are exponential variables over their sum, so it is the chance that ``sum_i c_i E_i`` is positive, with
    c = x - edge, or 1 less the chance that it is not, where that is the smaller. Either is an integral of
    ``1 / (t prod_i (1 - c_i t))`` over a line that crosses the real axis between 0 and the first pole. It crosses where
    the integrand is smallest, so that nothing cancels out, and is summed in steps that grow, equal in the inverse
    hyperbolic sine.
    """
    c = np.pad(np.minimum(shifts, 1.0) - edge, ((0, 0), (0, 1)), constant_values=1.0 - edge)
    likely = c.sum(axis=1, keepdims=True) > 0.0
    tail = _chance_positive(np.where(likely, -c, c))
    return np.where(likely[:, 0], 1.0 - tail, tail)


def _chance_positive(c: FloatArray) -> FloatArray:
    """float64[L]: chance that a sum of independent exponential variables of mean 1, times c, is positive."""
    first = c.max(axis=1, keepdims=True)
    low, high = np.zeros_like(first), 1.0 / np.where(first > 0.0, first, 1.0)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        falls = (c / (1.0 - middle * c)).sum(axis=1, keepdims=True) < 1.0 / middle
        low, high = np.where(falls, middle, low), np.where(falls, high, middle)
    least = (low + high) / 2.0
    factors = np.concatenate([c / (1.0 - least * c), -1.0 / least], axis=1)
    peak = np.exp(-np.log1p(-least * c).sum(axis=1)) / least[:, 0]
    width = 1.0 / np.sqrt((factors**2).sum(axis=1))
    factors *= width[:, None]
    total = np.zeros(len(c))
    for step in range(_STEPS):
        across = np.sinh(step * _STEP) * factors
        height = np.exp(-np.log1p(across**2).sum(axis=1) / 2.0) * np.cosh(step * _STEP)
        total += height * np.cos(np.arctan(across).sum(axis=1)) * (0.5 if step == 0 else 1.0)
        if (height <= _LITTLE * np.abs(total)).all():
            break
    chance = np.clip(peak * width * total * _STEP / np.pi, 0.0, 1.0)
    return np.where(first[:, 0] > 0.0, chance, 0.0)


def least_templates(mean: float, margin: float, level: float) -> int | None:
    """Fewest templates that can show on which side of the margin a mean shift lies, if it is the same in all of them.

    Shifts that differ take more. None where the mean is on the margin.

    Parameters
    ----------
    mean, margin : float
        As shares of the score range.
    level : float
        Level of the test of that side.

    Notes
    -----
    The smallest n, and no fewer than `MIN_TEMPLATES`, at which the p-value of `mean_p_value` is at most the level.
    """
    away, checked = abs(mean), checked_fraction(level, "level")
    if abs(away - margin) <= _ON_THE_MARGIN:
        return None
    side = 1.0 if away > margin else -1.0
    unseen = np.log((1.0 + side * margin) / (1.0 + side * away))
    return max(MIN_TEMPLATES, int(np.ceil(np.log(checked) / unseen)))


def holm(p: FloatArray, level: float) -> HolmStep:
    """Holm's step-down procedure (1979), valid under any dependence; NaN is not tested and costs nothing."""
    tested = np.flatnonzero(~np.isnan(p))
    rejected = np.zeros(len(p), dtype=np.bool_)
    needed = np.full(len(p), np.nan)
    order = tested[np.argsort(p[tested], kind="stable")]
    for step, index in enumerate(order):
        share = level / (len(order) - step)
        if p[index] > share:
            needed[order[step:]] = share
            break
        rejected[index], needed[index] = True, share
    return HolmStep(rejected, needed)


def undetected_share(templates: int, level: float) -> float:
    """Largest share of such texts in which a change could have an effect without showing in n templates.

    1 - (1 - level)^(1/n): the exact upper limit of a share of which none was seen in n independent draws. Without a
    template it is 1: the change could have an effect in all texts.
    """
    if not templates:
        return 1.0
    return float(1.0 - (1.0 - checked_fraction(level, "level")) ** (1.0 / templates))
