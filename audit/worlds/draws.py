"""Draw random numbers from the raw bits of PCG64, so that every version of numpy draws the same rows from a seed."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from audit.stats.arrays import BoolArray, FloatArray, IntArray


class Draws:
    """A stream of random numbers. numpy guarantees the bits of PCG64 and SeedSequence, but no method that uses them.

    Parameters
    ----------
    seed
        One or more whole numbers, not negative. Different seeds give independent streams.
    """

    def __init__(self, *seed: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(seed))

    def uniform(self, size: int) -> FloatArray:
        """`size` multiples of 2**-53, from 0 to below 1."""
        raw = np.asarray(self._bits.random_raw(size), dtype=np.uint64)
        return np.asarray((raw >> np.uint64(11)).astype(np.float64) * 2.0**-53)

    def happens(self, chance: FloatArray | float, size: int) -> BoolArray:
        """Whether an event with this chance happens, row by row."""
        return np.asarray(self.uniform(size) < chance)

    def pick(self, shares: Sequence[float], size: int) -> IntArray:
        """Places in `shares`, drawn in proportion to the shares."""
        upto = np.array(list(itertools.accumulate(shares)))
        places = np.searchsorted(upto, self.uniform(size) * upto[-1], side="right")
        return np.asarray(np.minimum(places, len(shares) - 1), dtype=np.int64)

    def below(self, limit: int, size: int) -> IntArray:
        """Whole numbers from 0 to below `limit`, all equally likely."""
        return np.asarray(np.minimum((self.uniform(size) * limit).astype(np.int64), limit - 1))
