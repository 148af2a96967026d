"""Counts as the rows that other libraries expect: one row a cell, weighted by its count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from audit.counting.table import FLAGGED, NEGATIVE, NOT_FLAGGED, POSITIVE, FamilyCounts, IntArray
from audit.metrics import MetricName

FloatArray = npt.NDArray[np.float64]
Rates = dict[MetricName, FloatArray]
"""float64[G] for each rate that a library knows; NaN where it states none."""

_YES: Final = 1
_NO: Final = 0


class WeightedRows(NamedTuple):
    """R rows of a family: only cells in which somebody stands."""

    group: IntArray
    """int64[R]: the place of the row's group in `FamilyCounts.groups`."""
    label: IntArray
    """int64[R]: 1 labelled as exploitation, 0 as none."""
    decision: IntArray
    """int64[R]: 1 flagged, 0 not flagged."""
    weight: IntArray
    """int64[R]: how many cases the row stands for; at least 1."""


def scored_and_labelled(family: FamilyCounts) -> WeightedRows:
    """The cases of every rate that needs both a label and a decision: at most four rows a group."""
    counts = family.cells[:, (POSITIVE, NEGATIVE)][:, :, (FLAGGED, NOT_FLAGGED)]
    return _rows(counts, label=(_YES, _NO), decision=(_YES, _NO))


def scored(family: FamilyCounts) -> WeightedRows:
    """The cases of the share flagged, labelled or not: at most two rows a group, each with its decision as label."""
    counts = family.cells.sum(axis=1)[:, (FLAGGED, NOT_FLAGGED)]
    return _decided_alone(counts)


def labelled(family: FamilyCounts) -> WeightedRows:
    """The cases of the base rate, scored or not: at most two rows a group, each with its label as decision."""
    counts = family.cells.sum(axis=2)[:, (POSITIVE, NEGATIVE)]
    return _decided_alone(counts)


def _decided_alone(counts: IntArray) -> WeightedRows:
    group, place = np.nonzero(counts)
    answer = np.array((_YES, _NO), dtype=np.int64)[place]
    return WeightedRows(group.astype(np.int64), answer, answer, counts[group, place])


def _rows(counts: IntArray, *, label: Sequence[int], decision: Sequence[int]) -> WeightedRows:
    group, at_label, at_decision = np.nonzero(counts)
    return WeightedRows(
        group.astype(np.int64),
        np.array(label, dtype=np.int64)[at_label],
        np.array(decision, dtype=np.int64)[at_decision],
        counts[group, at_label, at_decision],
    )
