"""Arrays by what they hold."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class Tables(NamedTuple):
    """Whole counts of G groups and of everyone else: x of n, and y of m; int64[G] each."""

    x: IntArray
    n: IntArray
    y: IntArray
    m: IntArray
