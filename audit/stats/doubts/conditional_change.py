"""Classify the change of a gap when like is compared with like.

One word from three intervals, so that noise is not called a change.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np

from audit.stats.arrays import BoolArray, FloatArray, IntArray

Gap: TypeAlias = tuple[FloatArray, FloatArray, FloatArray]
"""A difference, or the logarithm of a ratio, with its limits; each of shape (G,)."""

NOTES: Final = ("vanishes", "appears", "stays", "reverses", "cannot_tell")
VANISHES, APPEARS, STAYS, REVERSES, CANNOT_TELL = range(5)


def change_by_conditioning(crude: Gap, conditional: Gap, shift: Gap, limit: float | None) -> IntArray:
    """Classify the change of a gap by conditioning.

    Parameters
    ----------
    crude, conditional : triple of ndarray of float64, shape (G,)
        The gap over all strata at once and within strata, on a scale on which 0 is no gap.
    shift : triple of ndarray of float64, shape (G,)
        Conditional minus crude difference; only its sign and whether its interval holds 0 are used.
    limit : float or None
        The largest gap that is within the rule's limit, on the same scale; None where there is no rule.

    Returns
    -------
    ndarray of int64, shape (G,)
        Indices into `NOTES`.

    Notes
    -----
    "A gap is seen" means that the interval lies on one side of 0.

    - `vanishes`: the crude gap is seen; the conditional interval holds 0, and lies so near to it that neither half of
      the crude gap nor the limit can remain; and conditioning moved the gap towards 0 by more than noise would.
    - `appears`: as `vanishes`, with crude and conditional exchanged.
    - `reverses`: both are seen, on opposite sides, and conditioning moved the gap by more than noise would.
    - `stays`: both are seen, on the same side; or both intervals lie within the limit and neither of the above holds.
    - `cannot_tell`: anything else, and anything that is not known.

    An interval that holds 0 is no evidence of no gap, so a small group never `vanishes` for want of cases; and the
    shift has an interval of its own, so a crude gap that chance put beyond 0 does not either.
    """
    margin = np.inf if limit is None else limit
    crude_seen, conditional_seen = _seen(crude), _seen(conditional)
    moved = np.sign(shift[0]) * ((shift[1] > 0.0) | (shift[2] < 0.0))
    with np.errstate(invalid="ignore"):
        gone = crude_seen & ~conditional_seen & _within(conditional, np.minimum(margin, np.abs(crude[0]) / 2.0))
        come = conditional_seen & ~crude_seen & _within(crude, np.minimum(margin, np.abs(conditional[0]) / 2.0))
        same_side = np.sign(crude[0]) == np.sign(conditional[0])
        gone &= moved == -np.sign(crude[0])
        come &= moved == np.sign(conditional[0])
        reverses = crude_seen & conditional_seen & ~same_side & (moved == np.sign(conditional[0]))
        stays = (crude_seen & conditional_seen & same_side) | (_within(crude, margin) & _within(conditional, margin))
        if limit is None:
            stays = crude_seen & conditional_seen & same_side
    known = ~np.isnan(np.stack([*crude, *conditional, *shift])).any(axis=0)
    chosen = np.select([gone, come, reverses, stays], [VANISHES, APPEARS, REVERSES, STAYS], CANNOT_TELL)
    return np.where(known, chosen, CANNOT_TELL).astype(np.int64)


def _seen(gap: Gap) -> BoolArray:
    return np.asarray((gap[1] > 0.0) | (gap[2] < 0.0))


def _within(gap: Gap, bound: FloatArray | float) -> BoolArray:
    return np.asarray((gap[1] >= -np.asarray(bound)) & (gap[2] <= bound))
