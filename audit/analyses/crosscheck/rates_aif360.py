"""Rates and disparities from AIF360's `ClassificationMetric` and `BinaryLabelDatasetMetric`.

The group is AIF360's unprivileged group and everyone else its privileged one, so that its differences and ratios have
our sign and direction. What it states where a rate has no denominator is in `audit.analyses.crosscheck.conventions`.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from functools import cache
from pathlib import PurePath
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from audit.analyses.crosscheck.light_import import light_import
from audit.analyses.crosscheck.tables import DECISIONS, LABELS, Answers, Rows, Tables, four_cells, labelled, two_cells
from audit.stats.arrays import FloatArray
from audit.vocabulary.metrics import MetricName

DISTRIBUTION = "aif360"

_OWN, _REST = 0, 1


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


def answers(tables: Tables, metrics: Sequence[MetricName]) -> Answers:
    """Compute the answers with AIF360, each table as eight weighted rows. Raises ImportError where it is not
    installed.
    """
    groups = len(tables.own)
    rates, differences, ratios = ({name: np.full(groups, np.nan) for name in metrics} for _ in range(3))
    found = Answers(rates, differences, ratios, np.ones(groups, dtype=bool))
    of_both = tuple(name for name in metrics if name != "selection_rate")
    of_flags = tuple(name for name in metrics if name == "selection_rate")
    # It divides by zero where a rate has no denominator, and the NaN is its answer.
    with quiet_import(), light_import(), np.errstate(divide="ignore", invalid="ignore"):
        _ask(found, of_both, _classified(), np.hstack([four_cells(side) for side in tables]))
        _ask(found, of_flags, _decided(), np.hstack([two_cells(side) for side in tables]))
    return found


def row_rates(rows: Rows, metrics: Sequence[MetricName]) -> dict[MetricName, float]:
    """Compute the rates of single cases with AIF360; NaN without any."""
    both = labelled(rows)
    found: dict[MetricName, float] = {}
    with quiet_import(), light_import(), np.errstate(divide="ignore", invalid="ignore"):
        for names, part in (
            ([name for name in metrics if name != "selection_rate"], both),
            ([name for name in metrics if name == "selection_rate"], rows),
        ):
            metric = _metric_of_cases(part, classified=part is both) if names and part.label.size else None
            found |= {
                name: np.nan if metric is None else float(getattr(metric, _METHODS[name].rate)()) for name in names
            }
            _forget(metric)
    return found


class _Pair(NamedTuple):
    """A data set with its decisions as a second one, or decisions alone: their weights are set table by table."""

    truth: Any
    answered: Any | None


def _ask(found: Answers, metrics: Sequence[MetricName], pair: _Pair, weights: FloatArray) -> None:
    """Fill `found`: a metric object for each row of `weights`, float64[N, R], over the same R rows of cases."""
    if not metrics:
        return
    for place, weight in enumerate(weights):
        for dataset in pair:
            if dataset is not None:
                dataset.instance_weights = weight
        metric = _metric(pair, unprivileged_groups=[{"side": _OWN}], privileged_groups=[{"side": _REST}])
        for name in metrics:
            methods = _METHODS[name]
            rate = getattr(metric, methods.rate)
            found.rates[name][place] = rate(privileged=False)
            found.differences[name][place] = (
                getattr(metric, methods.difference)() if methods.difference else metric.difference(rate)
            )
            found.ratios[name][place] = getattr(metric, methods.ratio)() if methods.ratio else metric.ratio(rate)


def _metric(pair: _Pair, **groups: Any) -> Any:
    from aif360.metrics import BinaryLabelDatasetMetric, ClassificationMetric

    if pair.answered is None:
        return BinaryLabelDatasetMetric(pair.truth, **groups)
    return ClassificationMetric(pair.truth, pair.answered, **groups)


def _classified() -> _Pair:
    side = np.repeat((_OWN, _REST), len(LABELS))
    return _Pair(_dataset(side, np.tile(LABELS, 2)), _dataset(side, np.tile(DECISIONS, 2)))


def _decided() -> _Pair:
    return _Pair(_dataset(np.repeat((_OWN, _REST), 2), np.array([1, 0, 1, 0])), None)


def _metric_of_cases(rows: Rows, *, classified: bool) -> Any:
    side = np.zeros(rows.label.size)
    truth = _dataset(side, rows.label if classified else rows.decision)
    return _metric(_Pair(truth, _dataset(side, rows.decision) if classified else None))


def _dataset(side: npt.NDArray[Any], label: npt.NDArray[Any]) -> Any:
    """Make AIF360's data set; `side` is its protected attribute. One is filled again: a tenth of the time of a new."""
    filled = copy(_two_cases())
    filled.features = filled.protected_attributes = side.reshape(-1, 1).astype(np.float64)
    filled.labels = filled.scores = label.reshape(-1, 1).astype(np.float64)
    filled.instance_weights = np.ones(len(label))
    return filled


@cache
def _two_cases() -> Any:
    import pandas as pd
    from aif360.datasets import BinaryLabelDataset

    return BinaryLabelDataset(
        favorable_label=1.0,
        unfavorable_label=0.0,
        df=pd.DataFrame({"side": [_OWN, _REST], "label": [0, 1]}, dtype=np.float64),
        label_names=["label"],
        protected_attribute_names=["side"],
    )


def _forget(metric: Any) -> None:
    """Let go of the cases: AIF360 remembers every metric object for as long as the process lives."""
    if metric is not None:
        metric.dataset = metric.classified_dataset = None


@contextmanager
def quiet_import() -> Iterator[None]:
    """Import AIF360 without its log of optional packages that are missing, and leave logging as it was.

    It logs through the root logger, which also sets up a handler where there is none. Only records written from its own
    files are held back.
    """
    root = logging.getLogger()
    handlers = list(root.handlers)
    root.addFilter(_not_from_aif360)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        root.removeFilter(_not_from_aif360)
        for handler in set(root.handlers) - set(handlers):
            root.removeHandler(handler)


def _not_from_aif360(record: logging.LogRecord) -> bool:
    return "aif360" not in PurePath(record.pathname).parts
