"""Rates and disparities from fairlearn's `MetricFrame`, as it is installed and by its public interface.

Each table of counts is one group of four rows, with the counts as sample weights. fairlearn has no difference between a
group and its rest: `MetricFrame.difference` is the largest minus the smallest, without a sign, and `ratio` the smallest
over the largest. Its rates of the group and of the rest are subtracted and divided here. What it states where a rate
has no denominator is in `audit.analyses.crosscheck.agreement`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from audit.analyses.crosscheck.questions import (
    DECISIONS,
    LABELS,
    Answers,
    Rows,
    Tables,
    four_cells,
    labelled,
    two_cells,
)
from audit.stats.arrays import FloatArray
from audit.vocabulary.metrics import MetricName

DISTRIBUTION: Final = "fairlearn"
VERSIONS: Final = ("0.12", "0.16")
"""Versions that are asked: from the first one, and before the second."""

Function = Callable[..., float]


def answers(tables: Tables, metrics: Sequence[MetricName], rests: int) -> Answers:
    """Compute the answers with fairlearn, each table as four weighted rows.

    The rates of the rest are asked for of the first `rests` tables. `MetricFrame` takes about a millisecond for each
    group and rate, and the rate of a rest is a rate like any other. Raises ImportError where it is not installed.
    """
    beside_rest = np.arange(len(tables.own)) < rests
    sides = np.concatenate((tables.own, tables.rest[beside_rest]))
    known = functions()
    flags: list[MetricName] = [name for name in metrics if name == "selection_rate"]
    others: list[MetricName] = [name for name in metrics if name != "selection_rate"]
    library_rates = {
        **_frame_rates({name: known[name] for name in others}, four_cells(sides), LABELS, DECISIONS),
        **_frame_rates({name: known[name] for name in flags}, two_cells(sides), (1, 0), (1, 0)),
    }
    rates, differences, ratios = {}, {}, {}
    with np.errstate(divide="ignore", invalid="ignore"):
        for name in metrics:
            group, rest = library_rates[name][: len(beside_rest)], np.full(len(beside_rest), np.nan)
            rest[beside_rest] = library_rates[name][len(beside_rest) :]
            rates[name], differences[name], ratios[name] = group, group - rest, group / rest
    return Answers(rates, differences, ratios, beside_rest)


def row_rates(groups: Sequence[Rows], metrics: Sequence[MetricName]) -> list[dict[MetricName, float]]:
    """Compute the rates of single cases of each group with fairlearn; NaN without any."""
    known = functions()
    rates_of_groups: list[dict[MetricName, float]] = []
    for rows in groups:
        labelled_rows = labelled(rows)
        cases = {name: rows if name == "selection_rate" else labelled_rows for name in metrics}
        rates_of_groups.append(
            {
                name: float(known[name](*rows_of_rate)) if rows_of_rate.label.size else np.nan
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


def functions() -> dict[MetricName, Function]:
    """Return fairlearn's function for each rate; of precision and accuracy scikit-learn's, as its users take them."""
    from fairlearn import metrics
    from sklearn.metrics import accuracy_score, precision_score

    return {
        "true_positive_rate": metrics.true_positive_rate,
        "false_negative_rate": metrics.false_negative_rate,
        "false_positive_rate": metrics.false_positive_rate,
        "true_negative_rate": metrics.true_negative_rate,
        "precision": precision_score,
        "accuracy": accuracy_score,
        "selection_rate": metrics.selection_rate,
    }
