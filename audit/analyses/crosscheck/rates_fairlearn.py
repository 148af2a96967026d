"""Rates and disparities from fairlearn's own functions.

fairlearn has no difference between a group and its rest: `MetricFrame.difference` is the largest minus the smallest,
without a sign, and `ratio` the smallest over the largest. Its rates of the group and of the rest are subtracted and
divided here. What it states where a rate has no denominator is in `audit.analyses.crosscheck.conventions`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from types import ModuleType
from typing import Any, Final

import numpy as np

from audit.analyses.crosscheck.light_import import imported_lightly
from audit.analyses.crosscheck.tables import DECISIONS, LABELS, Answers, Rows, Tables, four_cells, labelled, two_cells
from audit.stats.arrays import FloatArray
from audit.vocabulary.metrics import METRICS, Cell, MetricName

DISTRIBUTION = "fairlearn"

MOST_RESTS: Final = 250
"""Number of tables whose rest is asked for, the first ones. A call takes half a millisecond, hardly any two rests are
alike, and the rate of a rest is a rate like any other.
"""

_Function = Callable[..., float]
_CELLS = (Cell.TP, Cell.FN, Cell.FP, Cell.TN)
_SAME_WORK: Final = "1.9."
"""Version of scikit-learn that has the functions of `_quickly`; where they are others, all of its checks are made."""


def answers(tables: Tables, metrics: Sequence[MetricName]) -> Answers:
    """Compute the answers with fairlearn, each table as four weighted rows. Raises ImportError where it is not
    installed.
    """
    rates: dict[MetricName, FloatArray] = {}
    differences: dict[MetricName, FloatArray] = {}
    ratios: dict[MetricName, FloatArray] = {}
    beside_rest = np.arange(len(tables.own)) < MOST_RESTS
    known = _functions()
    with _quickly(), np.errstate(divide="ignore", invalid="ignore"):
        for name in metrics:
            found = _rates(known[name], name, np.concatenate((tables.own, tables.rest[beside_rest])))
            own, rest = found[: len(beside_rest)], np.full(len(beside_rest), np.nan)
            rest[beside_rest] = found[len(beside_rest) :]
            rates[name], differences[name], ratios[name] = own, own - rest, own / rest
    return Answers(rates, differences, ratios, beside_rest)


def row_rates(groups: Sequence[Rows], metrics: Sequence[MetricName]) -> list[dict[MetricName, float]]:
    """Compute the rates of single cases of each group with fairlearn; NaN without any."""
    known = _functions()
    found: list[dict[MetricName, float]] = []
    with _quickly():
        for rows in groups:
            both = labelled(rows)
            asked = {name: rows if name == "selection_rate" else both for name in metrics}
            found.append({name: float(known[name](*of)) if of.label.size else np.nan for name, of in asked.items()})
    return found


def _rates(function: _Function, name: MetricName, tables: FloatArray) -> FloatArray:
    """float64[N]: one call for each distinct set of counts that enters the rate, of the first table with these counts.

    NaN where the whole table is empty: fairlearn leaves such a group out.
    """
    if name == "selection_rate":
        return np.array([_weighted_rate(function, (1, 0), (1, 0), table) for table in two_cells(tables)])
    cells = four_cells(tables)
    there, values = cells.any(axis=1), np.full(len(cells), np.nan)
    cells, enters = cells[there], [cell in METRICS[name].denominator for cell in _CELLS]
    _, first, place = np.unique(cells[:, enters], axis=0, return_index=True, return_inverse=True)
    asked = np.array([_weighted_rate(function, LABELS, DECISIONS, table) for table in cells[first]])
    values[there] = asked[place.ravel()]
    return values


def _weighted_rate(function: _Function, label: Sequence[int], decision: Sequence[int], weight: FloatArray) -> float:
    if not weight.any():
        return np.nan
    columns = (np.array(column, dtype=np.int8) for column in (label, decision))
    return float(function(*columns, sample_weight=weight))


@contextmanager
def _quickly() -> Iterator[None]:
    """Skip checks of types by fairlearn and scikit-learn, and warnings that a precision is a convention.

    Three quarters of a call go by while scikit-learn asks again and again what the same arrays are. It is asked once
    about columns in which the same values occur, and for one matrix of the same cases; what it computes is its own.
    """
    from sklearn import __version__, config_context, metrics
    from sklearn.metrics import _classification
    from sklearn.utils import validation

    changed: list[tuple[ModuleType, dict[str, Callable[..., Any]]]] = [
        (validation, {"_nw_into_df_or_series": lambda _: False}),
        (_classification, dict.fromkeys(("check_array", "move_to", "attach_unique"), _as_array)),
        (_classification, {"_check_targets": _once(vars(_classification).get("_check_targets", _as_array))}),
        (metrics, {"confusion_matrix": _remembered(metrics.confusion_matrix)}),
    ]
    there = all(name in vars(module) for module, names in changed for name in names)
    with ExitStack() as stack, warnings.catch_warnings():
        stack.enter_context(config_context(assume_finite=True, skip_parameter_validation=True))
        warnings.simplefilter("ignore")
        for module, names in changed if there and __version__.startswith(_SAME_WORK) else ():
            stack.callback(vars(module).update, {name: vars(module)[name] for name in names})
            vars(module).update(names)
        yield


def _as_array(*arrays: Any, **_: object) -> Any:
    return arrays if len(arrays) > 1 else np.asarray(arrays[0])


def _once(check: Callable[..., tuple[Any, ...]]) -> Callable[..., tuple[Any, ...]]:
    """Check columns of int8 with the same of the values 0 and 1 once; columns and weights come back as they were."""
    known: dict[tuple[bool, ...], tuple[Any, ...]] = {}

    def checked(label: Any, decision: Any, weight: Any = None) -> tuple[Any, ...]:
        occur = tuple(value in column.tobytes() for column in (label, decision) for value in (0, 1))
        if occur not in known:
            known[occur] = check(label, decision)
        return (*known[occur][:2], label, decision, weight)

    return checked


def _remembered(matrix: Callable[..., Any]) -> Callable[..., Any]:
    """Compute the matrix of the same cases once: four rates are made of it."""
    known: dict[tuple[object, ...], Any] = {}

    def computed(label: Any, decision: Any, *, sample_weight: Any, labels: Any, normalize: str) -> Any:
        weight = None if sample_weight is None else sample_weight.tobytes()
        cases = label.tobytes(), decision.tobytes(), weight, tuple(labels), normalize
        if cases not in known:
            known[cases] = matrix(label, decision, sample_weight=sample_weight, labels=labels, normalize=normalize)
        return known[cases]

    return computed


@cache
def _functions() -> dict[MetricName, _Function]:
    return imported_lightly(_loaded)


def _loaded() -> dict[MetricName, _Function]:
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
