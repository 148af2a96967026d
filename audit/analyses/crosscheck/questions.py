"""Questions to the libraries and their answers: weighted tables of groups and their rests, or single rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from audit.stats.arrays import BoolArray, FloatArray
from audit.vocabulary.metrics import Cell, Metric, MetricName

SmallArray = npt.NDArray[np.int8]

LABELS: Final = (1, 1, 0, 0)
"""Labels of the four rows that a table of labelled cases becomes: TP, FN, FP, TN."""
DECISIONS: Final = (1, 0, 1, 0)
"""Decisions of these four rows."""
ALL_LABELS: Final = (*LABELS, -1, -1)
"""Labels of the six rows that a table becomes for a rate that counts cases without a label too."""
ALL_DECISIONS: Final = (*DECISIONS, 1, 0)
"""Decisions of these six rows."""
PLACES: Final[Mapping[Cell, tuple[int, int]]] = {
    Cell.TP: (0, 0),
    Cell.FN: (0, 1),
    Cell.FP: (1, 0),
    Cell.TN: (1, 1),
    Cell.UNLABELLED_FLAGGED: (2, 0),
    Cell.UNLABELLED_NOT_FLAGGED: (2, 1),
}
"""Places of the cells in a table of label (positive, negative, unlabelled) x decision (flagged, not flagged)."""


class Tables(NamedTuple):
    """N groups, each beside everyone else, as sums of weights; counts are weights of one."""

    own: FloatArray
    """float64[N, 3, 2]: label (positive, negative, unlabelled) x decision (flagged, not flagged)."""
    rest: FloatArray
    """float64[N, 3, 2]: label x decision of everyone who is not in the group."""


class Answers(NamedTuple):
    """Answers computed from `Tables`: float64[N] for each rate; NaN where none is stated."""

    rates: dict[MetricName, FloatArray]
    differences: dict[MetricName, FloatArray]
    """Rate of the group minus rate of the rest."""
    ratios: dict[MetricName, FloatArray]
    """Rate of the group over rate of the rest."""
    beside_rest: BoolArray
    """bool[N]: whether differences and ratios were asked for."""

    def at(self, places: npt.NDArray[np.int64]) -> Answers:
        """Pick the answers of the tables at `places`, in their order."""
        rates, differences, ratios = (
            {name: values[places] for name, values in part.items()}
            for part in (self.rates, self.differences, self.ratios)
        )
        return Answers(rates, differences, ratios, self.beside_rest[places])


class Rows(NamedTuple):
    """Single scored cases of one group."""

    label: SmallArray
    """int8[n]: 1 exploitation, 0 none, -1 unlabelled."""
    decision: SmallArray
    """int8[n]: 1 flagged, 0 not flagged."""


def labelled(rows: Rows) -> Rows:
    """Pick the rows that have a label."""
    known = rows.label >= 0
    return Rows(rows.label[known], rows.decision[known])


def four_cells(tables: FloatArray) -> FloatArray:
    """float64[N, 4]: TP, FN, FP, TN, in the order of `LABELS` and `DECISIONS`."""
    return tables[:, :2].reshape(-1, 4)


def two_cells(tables: FloatArray) -> FloatArray:
    """float64[N, 2]: flagged and not flagged, labelled or not."""
    return np.asarray(tables.sum(axis=1))


def six_cells(tables: FloatArray) -> FloatArray:
    """float64[N, 6]: every cell, in the order of `ALL_LABELS` and `ALL_DECISIONS`."""
    return tables.reshape(-1, 6)


def is_of_flags(metric: Metric) -> bool:
    """Whether a library has the rate among its own, as the share flagged of all rows that it is given."""
    return metric.suffered == "flagged" and bool(metric.fairlearn)


def rate_of_counts(metric: Metric, counts: Mapping[Cell, float]) -> np.float64:
    """Divide counts of a library by the definition of a rate; NaN without a denominator.

    It is a number of NumPy, as the libraries' own rates are: their ratio to a rate of 0 is infinite and no error.
    """
    denominator = sum(counts[cell] for cell in metric.denominator)
    return np.float64(sum(counts[cell] for cell in metric.numerator) / denominator if denominator else np.nan)


def own_answers(tables: Tables, metrics: Sequence[Metric]) -> Answers:
    """Compute the rates, differences and ratios by this project's own definitions; NaN where it states none."""
    return stated({metric.name: (rates_of(tables.own, metric), rates_of(tables.rest, metric)) for metric in metrics})


def stated(sides: Mapping[MetricName, tuple[FloatArray, FloatArray]]) -> Answers:
    """Make answers of the rates of groups and of their rests; no ratio where the rate of the rest is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return Answers(
            {metric: group_rate for metric, (group_rate, _) in sides.items()},
            {metric: group_rate - rest for metric, (group_rate, rest) in sides.items()},
            {metric: np.where(rest > 0, group_rate / rest, np.nan) for metric, (group_rate, rest) in sides.items()},
            np.ones(len(next(iter(sides.values()))[0]), dtype=bool),
        )


def rates_of(side: FloatArray, metric: Metric) -> FloatArray:
    """float64[N]: one rate of each of the tables `side`, float64[N, 3, 2]; NaN without a denominator."""
    denominator = _sum(side, metric.denominator)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(denominator > 0, _sum(side, metric.numerator) / denominator, np.nan)


def _sum(side: FloatArray, cells: Sequence[Cell]) -> FloatArray:
    labels, decisions = zip(*(PLACES[cell] for cell in cells), strict=True)
    return np.asarray(side[:, list(labels), list(decisions)].sum(axis=1))
