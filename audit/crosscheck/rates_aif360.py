"""The rates of a family from AIF360's `ClassificationMetric` and `BinaryLabelDatasetMetric`.

Conventions of AIF360 0.6.1 where a rate has no denominator: a group in which nobody is flagged has a precision of 0, a
group without rows an accuracy of 0; every other rate is NaN there. Here all of these are unknown.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import PurePath
from typing import Any, Final

import numpy as np

from audit.counting.table import FamilyCounts, IntArray
from audit.crosscheck.weighted_rows import Rates, WeightedRows, labelled, scored, scored_and_labelled
from audit.metrics import MetricName

__all__ = ["DISTRIBUTION", "quiet_import", "rates"]

DISTRIBUTION = "aif360"

_OF_BOTH: Final[Mapping[MetricName, str]] = {
    "true_positive_rate": "true_positive_rate",
    "false_negative_rate": "false_negative_rate",
    "false_positive_rate": "false_positive_rate",
    "true_negative_rate": "true_negative_rate",
    "precision": "precision",
    "accuracy": "accuracy",
}


def rates(family: FamilyCounts) -> Rates:
    """Every rate of every group of `family`: all of ours are AIF360's too.

    The share flagged is AIF360's base rate of a data set whose labels are the decisions, as its statistical parity has
    it, so that unlabelled cases are in it. Raises ImportError where AIF360 is not there.
    """
    with quiet_import():
        from aif360.metrics import BinaryLabelDatasetMetric, ClassificationMetric

    groups = len(family.groups)
    both, decided, known = scored_and_labelled(family), scored(family), labelled(family)
    truth, answered = _dataset(both, both.label), _dataset(both, both.decision)
    flags, labels = _dataset(decided, decided.decision), _dataset(known, known.label)
    return {
        **_by_group(groups, _OF_BOTH, truth, partial(ClassificationMetric, truth, answered)),
        **_by_group(groups, {"selection_rate": "base_rate"}, flags, partial(BinaryLabelDatasetMetric, flags)),
        **_by_group(groups, {"base_rate": "base_rate"}, labels, partial(BinaryLabelDatasetMetric, labels)),
    }


def _by_group(groups: int, methods: Mapping[MetricName, str], dataset: Any, metric_of: Callable[..., Any]) -> Rates:
    values: Rates = {name: np.full(groups, np.nan) for name in methods}
    if dataset is None:
        return values
    for place in range(groups):
        metric = metric_of(unprivileged_groups=[{"group": place}])
        # It divides by zero where a rate has no denominator, and the NaN is its answer.
        with np.errstate(divide="ignore", invalid="ignore"):
            for name, method in methods.items():
                values[name][place] = getattr(metric, method)(privileged=False)
    return values


def _dataset(rows: WeightedRows, answer: IntArray) -> Any:
    """AIF360's data set of `rows`, all numbers, `answer` as labels; None without rows, which it does not accept."""
    import pandas as pd
    from aif360.datasets import BinaryLabelDataset

    if not rows.weight.size:
        return None
    frame = pd.DataFrame({"group": rows.group, "answer": answer, "weight": rows.weight}, dtype=np.float64)
    return BinaryLabelDataset(
        favorable_label=1.0,
        unfavorable_label=0.0,
        df=frame,
        label_names=["answer"],
        protected_attribute_names=["group"],
        instance_weights_name="weight",
    )


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
