"""Rates and disparities from fairlearn's own functions.

fairlearn has no difference between a group and its rest: `MetricFrame.difference` is the largest minus the smallest,
without a sign, and `ratio` the smallest over the largest. Its rates of the group and of the rest are subtracted and
divided here. What it states where a rate has no denominator is in `audit.analyses.crosscheck.conventions`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import Any, Final

import numpy as np

from audit.analyses.crosscheck.light_import import light_import
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


def row_rates(rows: Rows, metrics: Sequence[MetricName]) -> dict[MetricName, float]:
    """Compute the rates of single cases with fairlearn; NaN without any."""
    known, both = _functions(), labelled(rows)
    found: dict[MetricName, float] = {}
    with _quickly():
        for name in metrics:
            label, decision = rows if name == "selection_rate" else both
            found[name] = float(known[name](label, decision)) if label.size else np.nan
    return found


def _rates(function: _Function, name: MetricName, tables: FloatArray) -> FloatArray:
    """float64[N]: one call for each distinct set of counts that enters the rate.

    A cell that does not enter is one case, whatever it was: a library that counted it would be found out, and groups
    that differ in nothing else are asked once. NaN where the whole table is empty: fairlearn leaves such a group out.
    """
    if name == "selection_rate":
        return np.array([_weighted_rate(function, (1, 0), (1, 0), table) for table in two_cells(tables)])
    cells = four_cells(tables)
    enters = np.array([cell in METRICS[name].denominator for cell in _CELLS])
    distinct, place = np.unique(np.where(enters, cells, 1.0), axis=0, return_inverse=True)
    values = np.array([_weighted_rate(function, LABELS, DECISIONS, table) for table in distinct])[place.reshape(-1)]
    return np.where(cells.sum(axis=1) > 0, values, np.nan)


def _weighted_rate(function: _Function, label: Sequence[int], decision: Sequence[int], weight: FloatArray) -> float:
    if not weight.any():
        return np.nan
    return float(function(np.array(label), np.array(decision), sample_weight=weight))


@contextmanager
def _quickly() -> Iterator[None]:
    """Skip checks of types by fairlearn and scikit-learn, and warnings that a precision is a convention.

    Three quarters of a call go by while scikit-learn asks again and again what the same arrays are. It is asked once
    about each pair of columns; what it computes of them is its own.
    """
    from sklearn import __version__, config_context
    from sklearn.metrics import _classification
    from sklearn.utils import validation

    changed: list[tuple[ModuleType, dict[str, Callable[..., Any]]]] = [
        (validation, {"_nw_into_df_or_series": lambda _: False}),
        (_classification, dict.fromkeys(("check_array", "move_to", "attach_unique"), _as_array)),
        (_classification, {"_check_targets": _once(vars(_classification).get("_check_targets", _as_array))}),
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
    """Check the same two columns once, whatever their weights: these come back last, as they were."""
    known: dict[tuple[bytes, bytes], tuple[Any, ...]] = {}

    def checked(label: Any, decision: Any, weight: Any = None) -> tuple[Any, ...]:
        columns = label.tobytes(), decision.tobytes()
        if columns not in known:
            known[columns] = check(label, decision)
        return (*known[columns][:-1], weight)

    return checked


def _functions() -> dict[MetricName, _Function]:
    with light_import():
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
