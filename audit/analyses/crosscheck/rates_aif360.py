"""Rates and disparities from AIF360's `ClassificationMetric` and `BinaryLabelDatasetMetric`.

The group is AIF360's unprivileged group and everyone else its privileged one, so that its differences and ratios have
our sign and direction. What it states where a rate has no denominator is in `audit.analyses.crosscheck.conventions`.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import PurePath
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from audit.analyses.crosscheck.light_import import imported_lightly
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
    with np.errstate(divide="ignore", invalid="ignore"):
        _ask(found, of_both, _classified(), np.hstack([four_cells(side) for side in tables]))
        _ask(found, of_flags, _decided(), np.hstack([two_cells(side) for side in tables]))
    return found


def row_rates(groups: Sequence[Rows], metrics: Sequence[MetricName]) -> list[dict[MetricName, float]]:
    """Compute the rates of single cases of each group with AIF360; NaN without any."""
    found: list[dict[MetricName, float]] = [dict.fromkeys(metrics, np.nan) for _ in groups]
    for rows, rates in zip(groups, found, strict=True):
        for names, part, classified in (
            ([name for name in metrics if name != "selection_rate"], labelled(rows), True),
            ([name for name in metrics if name == "selection_rate"], rows, False),
        ):
            if names and part.label.size:
                with np.errstate(divide="ignore", invalid="ignore"):
                    metric = _metric_of_cases(part, classified=classified)
                    rates |= {name: float(getattr(metric, _METHODS[name].rate)()) for name in names}
                # it remembers every metric object, and the cases with it, for as long as the process lives
                metric.dataset = metric.classified_dataset = None
    return found


class _Pair(NamedTuple):
    """A data set with its decisions as a second one, or decisions alone: their weights are set table by table."""

    truth: Any
    answered: Any | None


class _AtOnce(np.ndarray[Any, np.dtype[np.float64]]):
    """Weights of the same cases in N tables, float64[N, R], or N numbers worked out of them, float64[N].

    AIF360 takes them for the weights of one table, and works on all of them in one call.
    """

    def __getitem__(self, cases: Any) -> Any:
        return super().__getitem__((..., cases))

    def __bool__(self) -> bool:
        (same,) = set(self.flatten().tolist())  # tables of `_ask` are alike in whatever is nothing
        return bool(same)

    def ravel(self, *_: Any) -> Any:
        return self

    def sum(self, *_: Any, **named: Any) -> Any:
        return super().sum(**named | {"axis": -1})


def _ask(found: Answers, metrics: Sequence[MetricName], pair: _Pair, weights: FloatArray) -> None:
    """Fill `found`: each row of `weights`, float64[N, R], is a table over the same R rows of cases.

    Tables with the same empty cells are asked about at once: where a sum is 0 AIF360 goes another way.
    """
    if not metrics:
        return
    _, kinds = np.unique(weights > 0.0, axis=0, return_inverse=True)
    for kind in range(kinds.max(initial=-1) + 1):
        places = np.flatnonzero(kinds.ravel() == kind)
        for dataset in pair:
            if dataset is not None:
                dataset.instance_weights = weights[places].view(_AtOnce)
        metric = _metric(pair, unprivileged_groups=[{"side": _OWN}], privileged_groups=[{"side": _REST}])
        for name in metrics:
            methods = _METHODS[name]
            rate = getattr(metric, methods.rate)
            found.rates[name][places] = rate(privileged=False)
            found.differences[name][places] = (
                getattr(metric, methods.difference)() if methods.difference else metric.difference(rate)
            )
            found.ratios[name][places] = getattr(metric, methods.ratio)() if methods.ratio else metric.ratio(rate)


def _metric(pair: _Pair, **groups: Any) -> Any:
    if pair.answered is None:
        return _library().of_labels(pair.truth, **groups)
    return _library().of_answers(pair.truth, pair.answered, **groups)


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
    """Make AIF360's data set; `side` is its protected attribute. It makes one of a data frame, which takes pandas."""
    kind = _library().dataset
    made = kind.__new__(kind)
    sides, labels = side.reshape(-1, 1).astype(np.float64), label.reshape(-1, 1).astype(np.float64)
    vars(made).update(
        {"favorable_label": 1.0, "unfavorable_label": 0.0, "ignore_fields": {"metadata", "ignore_fields"}},
        features=sides,
        feature_names=["side"],
        protected_attributes=sides,
        protected_attribute_names=["side"],
        labels=labels,
        label_names=["label"],
        scores=labels,
        instance_weights=np.ones(len(label)),
    )
    return made


class _Library(NamedTuple):
    """Classes of AIF360."""

    dataset: Any
    of_labels: Any
    of_answers: Any


@cache
def _library() -> _Library:
    """Load AIF360 without most of its parts, and let whoever imports it afterwards have it whole."""
    is_loaded = "aif360" in sys.modules
    with quiet_import():
        found = _loaded() if is_loaded else imported_lightly(_loaded)
    for name in () if is_loaded else [name for name in sys.modules if name.partition(".")[0] == DISTRIBUTION]:
        del sys.modules[name]
    return found


def _loaded() -> _Library:
    from aif360.datasets import BinaryLabelDataset
    from aif360.metrics import BinaryLabelDatasetMetric, ClassificationMetric

    return _Library(BinaryLabelDataset, BinaryLabelDatasetMetric, ClassificationMetric)


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
