"""Rates and disparities from AIF360's `ClassificationMetric` and `BinaryLabelDatasetMetric`.

The group is AIF360's unprivileged group and everyone else its privileged one, so that its differences and ratios have
our sign and direction. What it states where a rate has no denominator is in `audit.analyses.crosscheck.agreement`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

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

DISTRIBUTION: Final = "aif360"
VERSIONS: Final = ("0.5", "0.7")
"""Versions that are asked: from the first one, and before the second."""


class _Methods(NamedTuple):
    """Names in AIF360 of a rate, and of its difference and ratio between two groups where it has names for them."""

    rate: str
    difference: str | None = None
    ratio: str | None = None


_METHODS: Final[Mapping[MetricName, _Methods]] = {
    "true_positive_rate": _Methods("true_positive_rate", "equal_opportunity_difference"),
    "false_negative_rate": _Methods(
        "false_negative_rate", "false_negative_rate_difference", "false_negative_rate_ratio"
    ),
    "false_positive_rate": _Methods(
        "false_positive_rate", "false_positive_rate_difference", "false_positive_rate_ratio"
    ),
    "true_negative_rate": _Methods("true_negative_rate"),
    "precision": _Methods("precision"),
    "accuracy": _Methods("accuracy"),
    # of a data set whose labels are the decisions, so that unlabelled cases are in it
    "selection_rate": _Methods("base_rate", "statistical_parity_difference", "disparate_impact"),
}


def answers(tables: Tables, metrics: Sequence[MetricName], _rests: int) -> Answers:
    """Compute the answers with AIF360, each table as weighted rows of a data set, and all of them beside their rest.

    Raises ImportError where it is not installed.
    """
    groups = len(tables.own)
    rates, differences, ratios = ({name: np.full(groups, np.nan) for name in metrics} for _ in range(3))
    library_answers = Answers(rates, differences, ratios, np.ones(groups, dtype=bool))
    of_both = tuple(name for name in metrics if name != "selection_rate")
    of_flags = tuple(name for name in metrics if name == "selection_rate")
    # It divides by zero where a rate has no denominator, and the NaN is its answer.
    with np.errstate(divide="ignore", invalid="ignore"):
        _ask(library_answers, of_both, [four_cells(side) for side in tables], LABELS, DECISIONS)
        _ask(library_answers, of_flags, [two_cells(side) for side in tables], (1, 0), None)
    return library_answers


def row_rates(groups: Sequence[Rows], metrics: Sequence[MetricName]) -> list[dict[MetricName, float]]:
    """Compute the rates of single cases of each group with AIF360; NaN without any."""
    rates_of_groups: list[dict[MetricName, float]] = [dict.fromkeys(metrics, np.nan) for _ in groups]
    for rows, rates in zip(groups, rates_of_groups, strict=True):
        for names, part, classified in (
            ([name for name in metrics if name != "selection_rate"], labelled(rows), True),
            ([name for name in metrics if name == "selection_rate"], rows, False),
        ):
            if names and part.label.size:
                with np.errstate(divide="ignore", invalid="ignore"):
                    side, weights = np.zeros(part.label.size), np.ones(part.label.size)
                    truth = _dataset(side, part.label if classified else part.decision, weights)
                    metric = _metric(truth, _answered(truth, part.decision) if classified else None)
                    rates |= {name: float(getattr(metric, _METHODS[name].rate)()) for name in names}
    return rates_of_groups


def _ask(
    library_answers: Answers,
    metrics: Sequence[MetricName],
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
        metric = _metric(
            truth, answered, unprivileged_groups=[{"side": table}], privileged_groups=[{"side": tables + table}]
        )
        for name in metrics:
            methods = _METHODS[name]
            rate = getattr(metric, methods.rate)
            library_answers.rates[name][table] = rate(privileged=False)
            library_answers.differences[name][table] = (
                getattr(metric, methods.difference)() if methods.difference else metric.difference(rate)
            )
            library_answers.ratios[name][table] = (
                getattr(metric, methods.ratio)() if methods.ratio else metric.ratio(rate)
            )


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
