"""The exact counts of every group of a lattice, with their keys: the side of the wall that is never shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from audit.counting.table import ABSTAINED, FAILED, FLAGGED, NEGATIVE, NOT_FLAGGED, POSITIVE, UNLABELLED, CountsTable
from audit.disclosure.keys import keys_of_counts, mixed
from audit.disclosure.lattice import Lattice
from audit.disclosure.noise import UIntArray
from audit.stats.arrays import IntArray

KeyedBy = Literal["people", "counts"]

COUNTED: Final = ("positives", "missed", "negatives", "wrongly_flagged", "unscored", "unlabelled")
"""What is counted of each group and gets noise of its own; all other counts are computed from these."""
TOTALS: Final = (0, 2, 4, 5)
"""Columns of `COUNTED` that share no person and together hold every row."""
ERRORS: Final = (1, 3)
"""Columns that are a part of the total before them."""
_SIDES: Final = ("positive", "positive", "negative", "negative", "unscored", "unlabelled")

_BOTH, _NEITHER = [FLAGGED, NOT_FLAGGED], [ABSTAINED, FAILED]


@dataclass(frozen=True, slots=True)
class ExactCounts:
    """What was counted."""

    lattice: Lattice
    """The groups."""
    finest: IntArray
    """int64[L, 6]: `COUNTED` of each finest group."""
    finest_keys: UIntArray
    """uint64[L, 6]: the sums of record keys, or the keys of the counts."""
    keyed_by: KeyedBy
    """Whose keys they are."""
    counts: IntArray
    """int64[nodes, 6]."""
    keys: UIntArray
    """uint64[nodes, 6]: the key of each count, hashed under the secret."""


def exact_counts(lattice: Lattice, table: CountsTable, secret: bytes, sums: UIntArray | None = None) -> ExactCounts:
    """Count every group of the lattice.

    Parameters
    ----------
    table : CountsTable
        Counts over the features of the lattice, in the same order.
    secret : bytes
        The key of the data set.
    sums : ndarray of uint64, shape (K, 3, 4), optional
        Sums of record keys as `key_sums` gives them; without them keys are made of the counts.

    Raises
    ------
    ValueError
        If the table is over other features.
    """
    if table.features != tuple(ladder.feature for ladder in lattice.ladders):
        raise ValueError("the counts are over other features than the public table")
    places = lattice.finest_places(table.codes)
    finest = np.zeros((lattice.finest, len(COUNTED)), dtype=np.int64)
    np.add.at(finest, places, _columns(table.cells))
    keys = np.zeros(finest.shape, dtype=np.uint64)
    if sums is None:
        keys = keys_of_counts(lattice.finest_names(), _SIDES, finest, secret)
    else:
        np.add.at(keys, places, _columns(sums))
    return from_finest(lattice, finest, keys, "counts" if sums is None else "people", secret)


def from_finest(lattice: Lattice, finest: IntArray, keys: UIntArray, keyed_by: KeyedBy, secret: bytes) -> ExactCounts:
    """The counts of every group from those of the finest ones and their keys."""
    return ExactCounts(lattice, finest, keys, keyed_by, lattice.add_up(finest), mixed(lattice.add_up(keys), secret))


def _columns(cells: Any) -> Any:
    """[K, 6] of the kind of `cells` [K, 3, 4]: sums over cells, which wrap around where they are keys."""
    positive, negative, unlabelled = cells[:, POSITIVE], cells[:, NEGATIVE], cells[:, UNLABELLED]
    return np.stack(
        [
            positive[:, _BOTH].sum(axis=1, dtype=cells.dtype),
            positive[:, NOT_FLAGGED],
            negative[:, _BOTH].sum(axis=1, dtype=cells.dtype),
            negative[:, FLAGGED],
            cells[:, :, _NEITHER].sum(axis=(1, 2), dtype=cells.dtype),
            unlabelled[:, _BOTH].sum(axis=1, dtype=cells.dtype),
        ],
        axis=1,
    )
