"""What one release says of every count, as whole-number intervals: all that an attacker needs to know of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from audit.disclosure.method import Method
from audit.stats.arrays import BoolArray, IntArray

NOT_SHOWN, VALUE, FEW_ERRORS, FEW_CORRECT = range(4)
"""What stands for the errors of a group: nothing, their number, "fewer than", "all but fewer than"."""
NOTHING: Final = -1
"""In the place of a number that is not shown."""
UNBOUNDED: Final = 2**40
"""More than any count: nothing is known from above."""

BOUNDED: Final = (
    "positives", "missed", "found", "negatives", "wrongly_flagged", "rightly_passed", "unscored", "unlabelled"
)  # fmt: skip
"""The columns of every array of bounds."""
TOTAL_OF: Final = (0, 3, 6, 7)
"""Columns of `BOUNDED` that hold the totals, in the order of `COUNTED`'s."""
ERROR_OF: Final = (1, 4)
"""Columns that hold the errors of the first two totals."""
CORRECT_OF: Final = (2, 5)
"""Columns that hold what is right of the first two totals."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The least and the most that every count can be."""

    low: IntArray
    """int64[nodes, 8]."""
    high: IntArray
    """int64[nodes, 8]; `UNBOUNDED` where nothing is known."""

    def copy(self) -> Bounds:
        """Bounds of their own."""
        return Bounds(self.low.copy(), self.high.copy())


@dataclass(frozen=True, slots=True)
class View:
    """What is printed of each node."""

    totals: IntArray
    """int64[nodes, 4]: the protected totals; `NOTHING` where none is shown."""
    codes: npt.NDArray[np.int8]
    """int8[nodes, 2]: what stands for the errors of positives and of negatives."""
    errors: IntArray
    """int64[nodes, 2]: the protected errors where the code is `VALUE`, else `NOTHING`."""
    published: int
    """Nodes from this one on stand in no table."""
    was_shown: BoolArray | None = None
    """bool[nodes, 4]: totals that would be shown had nothing been withheld. None: nobody knows."""
    was_coded: npt.NDArray[np.int8] | None = None
    """int8[nodes, 2]: the codes before anything was withheld. None: nobody knows."""


def ranges(view: View, method: Method) -> Bounds:
    """What every printed number, word and dash says by itself.

    Read as printed, a dash says nothing: what it stands for can be small or withheld. Where it is known which are small
    these say so, and what was withheld still says nothing: whoever knows that too has replayed the repair, and knows at
    most what the table would have told without it (docs/disclosure.md, limits).
    """
    nodes = view.totals.shape[0]
    bounds = Bounds(np.zeros((nodes, 8), dtype=np.int64), np.full((nodes, 8), UNBOUNDED, dtype=np.int64))
    for place, column in enumerate(TOTAL_OF):
        _total(view, method, bounds, place, column)
    for side in range(2):
        _errors(view, method, bounds, side)
    return bounds


def _total(view: View, method: Method, bounds: Bounds, place: int, column: int) -> None:
    k, most = method.floor, method.largest
    shown = view.totals[:, place] != NOTHING
    low, high = bounds.low[:, column], bounds.high[:, column]
    low[shown] = np.maximum(k, view.totals[shown, place] - most)
    high[shown] = view.totals[shown, place] + most
    if _is_absent(method, place):
        high[:] = 0
    elif view.was_shown is not None:
        hidden = ~shown & (np.arange(shown.size) < view.published)
        high[hidden & ~view.was_shown[:, place]] = k - 1 + most


def _is_absent(method: Method, place: int) -> bool:
    return BOUNDED[TOTAL_OF[place]] in method.absent


def _errors(view: View, method: Method, bounds: Bounds, side: int) -> None:
    k, most = method.floor, method.largest
    code = view.codes[:, side]
    error_low, error_high = bounds.low[:, ERROR_OF[side]], bounds.high[:, ERROR_OF[side]]
    correct_low, correct_high = bounds.low[:, CORRECT_OF[side]], bounds.high[:, CORRECT_OF[side]]
    value = code == VALUE
    error_low[value] = np.maximum(k, view.errors[value, side] - most)
    error_high[value] = view.errors[value, side] + most
    # What is right is small, exactly or after noise: either way the errors are nearly all of the total that is printed.
    nearly_all = view.totals[:, side] - most - k + 1
    few_correct = code == FEW_CORRECT
    error_low[few_correct] = np.maximum(k, nearly_all[few_correct])
    correct_low[(code == VALUE) | (code == FEW_ERRORS)] = k
    error_high[code == FEW_ERRORS] = k - 1 + most
    correct_high[few_correct] = k - 1 + 2 * most
    if view.was_coded is not None:
        was_none = view.was_coded[:, side] == NOT_SHOWN
        both_small = (code == NOT_SHOWN) & was_none & (view.totals[:, side] >= 2 * k)
        error_low[both_small] = np.maximum(0, nearly_all[both_small])
        error_high[both_small] = k - 1 + most
        correct_high[both_small] = k - 1 + 2 * most
