"""The rates of a family from fairlearn's own functions.

Conventions of fairlearn 0.15 where a rate has no denominator: a group without positives has a true positive rate and a
false negative rate of 0, one without negatives a false positive rate and a true negative rate of 0, one in which nobody
is flagged a precision of 0. A group without rows does not appear at all. Here all of these are unknown.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from audit.counting.table import FamilyCounts
from audit.crosscheck.weighted_rows import FloatArray, Rates, WeightedRows, scored, scored_and_labelled
from audit.metrics import MetricName

__all__ = ["DISTRIBUTION", "by_group", "rates"]

DISTRIBUTION = "fairlearn"

_Function = Callable[..., float]


def rates(family: FamilyCounts) -> Rates:
    """Every rate of every group of `family` that fairlearn knows: all but the base rate.

    The functions are called group by group, as `fairlearn.metrics.MetricFrame` calls them, but once for groups whose
    tables are the same: with hundreds of small groups many are. Raises ImportError where fairlearn is not there.
    """
    from sklearn import config_context
    from sklearn.exceptions import UndefinedMetricWarning

    both, decided = scored_and_labelled(family), scored(family)
    with warnings.catch_warnings(), config_context(assume_finite=True, skip_parameter_validation=True):
        # That precision without flags is a convention is what `differs_by_convention` counts; once is enough.
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        return {
            name: by_group(function, decided if name == "selection_rate" else both, len(family.groups))
            for name, function in _functions().items()
        }


def _functions() -> dict[MetricName, _Function]:
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


def by_group(function: _Function, rows: WeightedRows, groups: int) -> FloatArray:
    """float64[groups]: `function(label, decision, sample_weight=...)` of each group; NaN for a group without rows."""
    values = np.full(groups, np.nan)
    known: dict[tuple[bytes, bytes, bytes], float] = {}
    edges = np.searchsorted(rows.group, np.arange(groups + 1))
    for place in range(groups):
        own = slice(edges[place], edges[place + 1])
        label, decision, weight = rows.label[own], rows.decision[own], rows.weight[own]
        if not weight.size:
            continue
        table = (label.tobytes(), decision.tobytes(), weight.tobytes())
        if table not in known:
            known[table] = float(function(label, decision, sample_weight=weight))
        values[place] = known[table]
    return values
