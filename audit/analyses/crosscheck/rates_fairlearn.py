"""Rates and disparities from fairlearn's `MetricFrame`, as it is installed and by its public interface.

Each table of counts is one group of rows, with the counts as sample weights. fairlearn has no difference between a
group and its rest: `MetricFrame.difference` is the largest minus the smallest, without a sign, and `ratio` the smallest
over the largest. Its rates of the group and of the rest are subtracted and divided here. What it states where a rate
has no denominator is in `audit.analyses.crosscheck.agreement`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from audit.analyses.crosscheck.questions import (
    ALL_DECISIONS,
    ALL_LABELS,
    DECISIONS,
    LABELS,
    PLACES,
    Answers,
    Rows,
    Tables,
    four_cells,
    is_of_flags,
    labelled,
    rate_of_counts,
    six_cells,
    two_cells,
)
from audit.stats.arrays import FloatArray
from audit.vocabulary.metrics import Cell, Metric, MetricName

DISTRIBUTION: Final = "fairlearn"
VERSIONS: Final = ("0.12", "0.16")
"""Versions that are asked: from the first one, and before the second."""

Function = Callable[..., float]


class Form(NamedTuple):
    """Rows that a table becomes."""

    labels: Sequence[int]
    decisions: Sequence[int]
    cells: Callable[[FloatArray], FloatArray]
    """Weights of the rows of N tables, float64[N, R]."""


TWO_ROWS: Final = Form((1, 0), (1, 0), two_cells)
"""Flagged and not flagged, whatever the label."""
FOUR_ROWS: Final = Form(LABELS, DECISIONS, four_cells)
"""The labelled cases."""
SIX_ROWS: Final = Form(ALL_LABELS, ALL_DECISIONS, six_cells)
"""All cases, with -1 for no label."""
FORMS: Final = (FOUR_ROWS, TWO_ROWS, SIX_ROWS)


def form_of(metric: Metric) -> Form:
    """Return the rows that a rate is asked of."""
    if is_of_flags(metric):
        return TWO_ROWS
    return SIX_ROWS if {Cell.UNLABELLED_FLAGGED, Cell.UNLABELLED_NOT_FLAGGED} & set(metric.denominator) else FOUR_ROWS


def answers(tables: Tables, metrics: Sequence[Metric], rests: int) -> Answers:
    """Compute the answers with fairlearn, each table as weighted rows.

    The rates of the rest are asked for of the first `rests` tables. `MetricFrame` takes about a millisecond for each
    group and rate, and the rate of a rest is a rate like any other. Raises ImportError where it is not installed.
    """
    beside_rest = np.arange(len(tables.own)) < rests
    sides = np.concatenate((tables.own, tables.rest[beside_rest]))
    library_rates: dict[MetricName, FloatArray] = {}
    for form in FORMS:
        functions = {metric.name: function_of(metric) for metric in metrics if form_of(metric) is form}
        library_rates |= _frame_rates(functions, form.cells(sides), form.labels, form.decisions)
    rates, differences, ratios = {}, {}, {}
    with np.errstate(divide="ignore", invalid="ignore"):
        for name in (metric.name for metric in metrics):
            group, rest = library_rates[name][: len(beside_rest)], np.full(len(beside_rest), np.nan)
            rest[beside_rest] = library_rates[name][len(beside_rest) :]
            rates[name], differences[name], ratios[name] = group, group - rest, group / rest
    return Answers(rates, differences, ratios, beside_rest)


def row_rates(groups: Sequence[Rows], metrics: Sequence[Metric]) -> list[dict[MetricName, float]]:
    """Compute the rates of single cases of each group with fairlearn; NaN without any."""
    functions = {metric.name: function_of(metric) for metric in metrics}
    only_labelled = {metric.name: form_of(metric) is FOUR_ROWS for metric in metrics}
    rates_of_groups: list[dict[MetricName, float]] = []
    for rows in groups:
        labelled_rows = labelled(rows)
        cases = {name: labelled_rows if only_labelled[name] else rows for name in functions}
        rates_of_groups.append(
            {
                name: float(functions[name](*rows_of_rate)) if rows_of_rate.label.size else np.nan
                for name, rows_of_rate in cases.items()
            }
        )
    return rates_of_groups


def _frame_rates(
    rates: dict[MetricName, Function], cells: FloatArray, labels: Sequence[int], decisions: Sequence[int]
) -> dict[MetricName, FloatArray]:
    """float64[N] for each rate, of N tables with the weights `cells`, float64[N, R]; NaN where a table is empty."""
    from fairlearn.metrics import MetricFrame

    values = {name: np.full(len(cells), np.nan) for name in rates}
    there = np.flatnonzero(cells.any(axis=1))
    if not rates or not there.size:
        return values
    weights = cells[there].ravel()
    with np.errstate(divide="ignore", invalid="ignore"):
        frame = MetricFrame(
            metrics=dict(rates),
            y_true=_repeated(labels, len(there)),
            y_pred=_repeated(decisions, len(there)),
            sensitive_features=np.repeat(np.arange(len(there)), len(labels)),
            sample_params={name: {"sample_weight": weights} for name in rates},
        )
    for name in rates:
        values[name][there] = frame.by_group[name].to_numpy(dtype=np.float64)
    return values


def _repeated(column: Sequence[int], tables: int) -> npt.NDArray[np.int8]:
    return np.tile(np.array(column, dtype=np.int8), tables)


def function_of(metric: Metric) -> Function:
    """Return fairlearn's function for a rate, or scikit-learn's, as its users take it; a quotient of scikit-learn's own
    counts for a rate that neither has.
    """
    from importlib import import_module

    if metric.fairlearn:
        module, _, name = metric.fairlearn.partition(":")
        function: Function = getattr(import_module(module), name)
        return function
    from sklearn.metrics import confusion_matrix

    def quotient(y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        matrix = confusion_matrix(y_true, y_pred, labels=[1, 0, -1], sample_weight=sample_weight)
        return rate_of_counts(metric, {cell: matrix[place] for cell, place in PLACES.items()})

    return quotient
