"""Count clusters instead of rows: a person with several rows is counted once, in one group and in one cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from audit.counting.clusters import ClusterTable
from audit.counting.family_moments import CELLS
from audit.counting.table import ABSTAINED, FLAGGED, NEGATIVE, NOT_FLAGGED, POSITIVE, UNKNOWN, UNLABELLED, CountsTable
from audit.stats.arrays import IntArray

_PLACES: Final = (
    *((label, decision) for label in (POSITIVE, NEGATIVE, UNLABELLED) for decision in (FLAGGED, NOT_FLAGGED)),
    *((label, ABSTAINED) for label in (POSITIVE, NEGATIVE, UNLABELLED)),
)
"""Label and decision of each of `CELLS`. Abstained and failed rows share a cell there."""


def count_clusters_once(
    table: ClusterTable, codes: Sequence[Sequence[str]], names: Sequence[str], asked: Sequence[str]
) -> CountsTable:
    """Count each cluster once.

    A cluster belongs to the first of `CELLS` that one of its rows is in: a person is a victim if any of their cases is
    one, found if any of these is flagged, and unscored only if all are. For each feature a cluster has the code that
    all its rows have, and `unknown` if they differ, so that nobody is in two groups that add up to a third.

    Parameters
    ----------
    table : ClusterTable
        Pairs of a cluster and a finest group, with their weight in each cell.
    codes : sequence of sequence of str, shape (K, F)
        The finest groups: a code of each feature.
    names : sequence of str, length F
        The features of the codes.
    asked : sequence of str
        The features of the returned table.

    Returns
    -------
    CountsTable
        A table whose cells add up to the number of clusters.
    """
    clusters = int(table.cluster.max(initial=-1)) + 1
    first = np.full(clusters, len(CELLS), dtype=np.int64)
    np.minimum.at(first, table.cluster, np.argmax(table.weight > 0, axis=0))
    levels: list[tuple[str, ...]] = []
    place = np.zeros(clusters, dtype=np.int64)
    for name in asked:
        column = [code[list(names).index(name)] for code in codes]
        levels.append(tuple(sorted({*column, UNKNOWN})))
        place = place * len(levels[-1]) + _agreed(table, column, levels[-1], clusters)
    found, cases = np.unique(np.stack([place, first]), axis=1, return_counts=True)
    rows: dict[tuple[str, ...], IntArray] = {}
    keys = np.stack(np.unravel_index(found[0], [len(some) for some in levels]), axis=1)
    for key, cell, count in zip(keys.tolist(), found[1].tolist(), cases.tolist(), strict=True):
        named = tuple(level[at] for level, at in zip(levels, key, strict=True))
        rows.setdefault(named, np.zeros((3, 4), dtype=np.int64))[_PLACES[cell]] += count
    return CountsTable.of(tuple(asked), rows)


def _agreed(table: ClusterTable, column: Sequence[str], levels: Sequence[str], clusters: int) -> IntArray:
    """int64[clusters]: the place of the code that all rows of a cluster share, or else of `unknown`."""
    at = np.array([levels.index(code) for code in column], dtype=np.int64)[table.finest]
    low, high = np.full(clusters, len(levels), dtype=np.int64), np.full(clusters, -1, dtype=np.int64)
    np.minimum.at(low, table.cluster, at)
    np.maximum.at(high, table.cluster, at)
    return np.where(low == high, low, levels.index(UNKNOWN))
