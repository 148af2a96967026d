"""Arrays by what they hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_Key = TypeVar("_Key", bound=Any)
_Number = TypeVar("_Number", bound=np.generic)

_MANY: Final = 32
"""Places from which on it is faster to look for equal ones than to compute them all."""


class Tables(NamedTuple):
    """Whole counts of G groups and of everyone else: x of n, and y of m; int64[G] each."""

    x: IntArray
    n: IntArray
    y: IntArray
    m: IntArray


def added(shape: tuple[int, ...], at: Any, amounts: npt.NDArray[_Number]) -> npt.NDArray[_Number]:
    """Add amounts up by their places `at`: an array of `shape`, of the amounts' type."""
    total = np.zeros(shape, amounts.dtype)
    np.add.at(total, at, amounts)
    return total


def numbered(keys: Sequence[_Key]) -> tuple[list[_Key], IntArray]:
    """Sort the distinct keys, and find the place of each key among them: int64[L]."""
    distinct = sorted(set(keys))
    at = {key: index for index, key in enumerate(distinct)}
    return distinct, np.array([at[key] for key in keys], dtype=np.int64)


def once_for_equals(function: Callable[..., FloatArray], *columns: FloatArray) -> FloatArray:
    """Compute a function of each place of some arrays once for places that hold the same: small groups often do.

    Parameters
    ----------
    function : callable
        Takes as many arrays as there are columns, and gives one number for each place, of that place alone.
    columns : ndarray of float64, shape (G,)
    """
    if columns[0].size < _MANY:
        return function(*columns)
    order = np.lexsort(columns)
    ordered = [column[order] for column in columns]
    new = np.ones(order.shape, dtype=np.bool_)
    new[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in ordered])
    values = np.empty(order.shape)
    values[order] = function(*(column[new] for column in ordered))[np.cumsum(new) - 1]
    return values


def distinct(codes: IntArray, levels: Sequence[int]) -> tuple[IntArray, IntArray]:
    """For each row its place among the distinct rows, which are in order; and the first place of each distinct row."""
    key = np.zeros(len(codes), dtype=np.int64)
    first = np.zeros(0, dtype=np.int64)
    for column, count in enumerate(levels):
        # compressed at each step, so that a long product of levels cannot overflow
        _, first, key = np.unique(key * count + codes[:, column], return_index=True, return_inverse=True)
    return key, first
