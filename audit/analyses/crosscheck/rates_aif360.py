"""Rates and disparities from AIF360's `ClassificationMetric` and `BinaryLabelDatasetMetric`.

The group is AIF360's unprivileged group and everyone else its privileged one, so that its differences and ratios have
our sign and direction. What it states where a rate has no denominator is in `audit.analyses.crosscheck.agreement`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from audit.analyses.crosscheck.questions import (
    DECISIONS,
    LABELS,
    Answers,
    Rows,
    Tables,
    four_cells,
    is_of_flags,
    labelled,
    rate_of_counts,
    two_cells,
)
from audit.stats.arrays import FloatArray
from audit.vocabulary.metrics import Cell, Metric, MetricName

DISTRIBUTION: Final = "aif360"
VERSIONS: Final = ("0.5", "0.7")
"""Versions that are asked: from the first one, and before the second."""


def is_asked(metric: Metric) -> bool:
    """Whether AIF360, which needs a label on each row, can be asked about a rate."""
    return is_of_flags(metric) or set(metric.denominator) <= {Cell.TP, Cell.FN, Cell.FP, Cell.TN}


def answers(tables: Tables, metrics: Sequence[Metric], _rests: int) -> Answers:
    """Compute the answers with AIF360, each table as weighted rows of a data set, and all of them beside their rest.

    Rates that count cases without a label have no answer.

    Raises ImportError where it is not installed.
    """
    groups, asked = len(tables.own), [metric.name for metric in metrics if is_asked(metric)]
    rates, differences, ratios = ({name: np.full(groups, np.nan) for name in asked} for _ in range(3))
    library_answers = Answers(rates, differences, ratios, np.ones(groups, dtype=bool))
    of_both = [metric for metric in metrics if is_asked(metric) and not is_of_flags(metric)]
    # of a data set whose labels are the decisions, so that unlabelled cases are in it
    of_flags = [metric for metric in metrics if is_of_flags(metric)]
    # It divides by zero where a rate has no denominator, and the NaN is its answer.
    with np.errstate(divide="ignore", invalid="ignore"):
        _ask(library_answers, of_both, [four_cells(side) for side in tables], LABELS, DECISIONS)
        _ask(library_answers, of_flags, [two_cells(side) for side in tables], (1, 0), None)
    return library_answers


def row_rates(groups: Sequence[Rows], metrics: Sequence[Metric]) -> list[dict[MetricName, float]]:
    """Compute the rates of single cases of each group with AIF360; NaN without any."""
    rates_of_groups: list[dict[MetricName, float]] = [
        {metric.name: np.nan for metric in metrics if is_asked(metric)} for _ in groups
    ]
    for rows, rates in zip(groups, rates_of_groups, strict=True):
        for some, part, classified in (
            ([metric for metric in metrics if is_asked(metric) and not is_of_flags(metric)], labelled(rows), True),
            ([metric for metric in metrics if is_of_flags(metric)], rows, False),
        ):
            if some and part.label.size:
                with np.errstate(divide="ignore", invalid="ignore"):
                    side, weights = np.zeros(part.label.size), np.ones(part.label.size)
                    truth = _dataset(side, part.label if classified else part.decision, weights)
                    measured = _metric(truth, _answered(truth, part.decision) if classified else None)
                    rates |= {metric.name: float(_rate(measured, metric)()) for metric in some}
    return rates_of_groups


def _ask(
    library_answers: Answers,
    metrics: Sequence[Metric],
    sides: Sequence[FloatArray],
    labels: Sequence[int],
    decisions: Sequence[int] | None,
) -> None:
    """Fill the answers. `sides` are the weights of N groups and of their N rests, float64[N, R], over the same R rows.

    One data set holds both sides of every table, and its protected attribute says which table and side a row is of.
    """
    if not metrics or not len(sides[0]):
        return
    tables = len(sides[0])
    weights = np.concatenate(sides)
    side = np.repeat(np.arange(len(weights)), len(labels))
    truth = _dataset(side, np.tile(labels, len(weights)), weights.ravel())
    answered = None if decisions is None else _answered(truth, np.tile(decisions, len(weights)))
    for table in range(tables):
        measured = _metric(
            truth, answered, unprivileged_groups=[{"side": table}], privileged_groups=[{"side": tables + table}]
        )
        for metric in metrics:
            rate, (_, difference, ratio) = _rate(measured, metric), (*metric.aif360, "", "", "")[:3]
            library_answers.rates[metric.name][table] = rate(privileged=False)
            library_answers.differences[metric.name][table] = (
                getattr(measured, difference)() if difference else measured.difference(rate)
            )
            library_answers.ratios[metric.name][table] = getattr(measured, ratio)() if ratio else measured.ratio(rate)


def _rate(measured: Any, metric: Metric) -> Callable[..., float]:
    """Return AIF360's method for a rate; a quotient of its own counts for one that it does not have."""
    if metric.aif360:
        method: Callable[..., float] = getattr(measured, metric.aif360[0])
        return method

    def quotient(privileged: bool | None = None) -> float:
        matrix = measured.binary_confusion_matrix(privileged=privileged)
        return rate_of_counts(metric, {cell: matrix[cell.name] for cell in (Cell.TP, Cell.FN, Cell.FP, Cell.TN)})

    return quotient


def _metric(truth: Any, answered: Any | None, **groups: Any) -> Any:
    from aif360.metrics import BinaryLabelDatasetMetric, ClassificationMetric

    if answered is None:
        return BinaryLabelDatasetMetric(truth, **groups)
    return ClassificationMetric(truth, answered, **groups)


def _dataset(side: npt.NDArray[Any], label: npt.NDArray[Any], weights: FloatArray) -> Any:
    """Make AIF360's data set of a frame; `side` is its protected attribute."""
    import pandas as pd
    from aif360.datasets import BinaryLabelDataset

    frame = pd.DataFrame({"side": side.astype(float), "label": label.astype(float), "weight": weights})
    return BinaryLabelDataset(
        df=frame,
        label_names=["label"],
        protected_attribute_names=["side"],
        instance_weights_name="weight",
        favorable_label=1.0,
        unfavorable_label=0.0,
    )


def _answered(truth: Any, decision: npt.NDArray[Any]) -> Any:
    """Copy a data set, with decisions in the place of its labels."""
    answered = truth.copy()
    answered.labels = decision.reshape(-1, 1).astype(np.float64)
    return answered
