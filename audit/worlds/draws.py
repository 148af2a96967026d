"""Random numbers as whole bits of PCG64, so that no version of a library draws other rows from the same seed."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from audit.stats.arrays import BoolArray, FloatArray, IntArray

__all__ = [
    "Draws",
]


class Draws:
    """Numbers of one stream. numpy promises the stream of PCG64 and of SeedSequence, and no method that draws from it.

    Parameters
    ----------
    seed
        Any number of whole numbers, not negative; streams of different ones are independent.
    """

    def __init__(self, *seed: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(seed))

    def uniform(self, size: int) -> FloatArray:
        """`size` multiples of 2**-53, from 0 to below 1."""
        raw = np.asarray(self._bits.random_raw(size), dtype=np.uint64)
        return np.asarray((raw >> np.uint64(11)).astype(np.float64) * 2.0**-53)

    def happens(self, chance: FloatArray | float, size: int) -> BoolArray:
        """Whether something of this chance happens, row by row."""
        return np.asarray(self.uniform(size) < chance)

    def pick(self, shares: Sequence[float], size: int) -> IntArray:
        """Places of `shares`, each in proportion to its share."""
        upto = np.array(list(itertools.accumulate(shares)))
        places = np.searchsorted(upto, self.uniform(size) * upto[-1], side="right")
        return np.asarray(np.minimum(places, len(shares) - 1), dtype=np.int64)

    def below(self, limit: int, size: int) -> IntArray:
        """Whole numbers from 0 to below `limit`, all alike."""
        return np.asarray(np.minimum((self.uniform(size) * limit).astype(np.int64), limit - 1))
