"""The rates of this project: their names in the field, their definitions in counts, and the direction of harm.

Every rate is a quotient of integer counts of cases by label (positive, negative, unlabelled) and by answer of the
detector (flagged, not flagged; abstained and failed cases are unscored). The names are fairlearn's.
"""

import enum
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from audit.vocabulary.groups import Part

MetricName = Literal[
    "true_positive_rate",
    "false_negative_rate",
    "false_positive_rate",
    "true_negative_rate",
    "precision",
    "accuracy",
    "selection_rate",
    "base_rate",
]


class Cell(enum.StrEnum):
    """One cell of the label x decision table of a group. `UNSCORED` is abstained plus failed."""

    TP = "true_positive"
    FN = "false_negative"
    FP = "false_positive"
    TN = "true_negative"
    UNLABELLED_FLAGGED = "unlabelled_flagged"
    UNLABELLED_NOT_FLAGGED = "unlabelled_not_flagged"
    UNSCORED_POSITIVE = "unscored_positive"
    UNSCORED_NEGATIVE = "unscored_negative"
    UNSCORED_UNLABELLED = "unscored_unlabelled"


class Worse(enum.StrEnum):
    """Direction in which a group is worse off than the others."""

    LOW = "low"
    """A low rate harms: too few found, too few right."""
    HIGH = "high"
    """A high rate harms: too many missed, too many wrongly flagged."""
    BY_ROUTE = "by_route"
    """The direction depends on where a flag goes: to services a low rate harms, to enforcement a high one."""
    NOT_JUDGED = "not_judged"
    """A property of the labels, not of the detector: no rule can be set on it."""


class MetricDefinition(Part):
    """A rate, as a plan uses it."""

    name: MetricName
    """The name in the field."""
    plain: str
    """The name in reports."""
    counted: str
    """Cases that the numerator counts."""
    among: str
    """Cases that the denominator counts."""
    definition: str
    """One sentence."""
    formula: str
    """The formula in counts."""
    worse: Literal["low", "high", "not_judged"]
    """Side on which the rate harms a group, under the route of this plan."""


_Source = Literal["labels", "decisions", "cases"]
Suffered = Literal["missed", "wrongly_flagged", "flagged", "wrong"]
"""What people suffer: victims are missed, others wrongly flagged, anyone flagged, or a decision is wrong."""


class Metric(NamedTuple):
    """One rate: the cells of its numerator and denominator, and the words for it."""

    name: MetricName
    numerator: tuple[Cell, ...]
    denominator: tuple[Cell, ...]
    worse: Worse
    lowest_if_unscored: tuple[Cell, ...]
    """Unscored cells that join the denominator when unscored cases count so that the rate is lowest."""
    highest_if_unscored: tuple[Cell, ...]
    """Unscored cells that join numerator and denominator when the rate is to be highest."""
    denominator_is: _Source
    """Source of the denominator: the labels (known before scoring), the decisions, or every scored case."""
    expected_rate: float
    """Rate that planning assumes where the plan names none; it sizes groups and never enters a test."""
    plain: str
    """Name in reports, as a noun phrase: "share of victims found"."""
    counted: str
    """Cases in the numerator, in plain words and the plural: "victims found"."""
    among: str
    """Cases in the denominator: "victims in the test set"."""
    definition: str
    """Definition in one sentence for a person who is no statistician."""
    formula: str
    """Formula in counts."""
    also_called: tuple[str, ...]
    """Other names in the field, so that a search finds this one."""

    @property
    def is_of_good(self) -> bool:
        """Whether the rate counts right answers alone, so that its complement is the share of errors."""
        return {Cell.TP, Cell.TN}.issuperset(self.numerator)

    @property
    def suffered(self) -> Suffered:
        """What the rate is about. KeyError if its numerator is of no known kind: right answers, errors, or flags."""
        if self.is_of_good or {Cell.FN, Cell.FP}.issuperset(self.numerator):
            return _OF_ONE_LABEL.get(self.denominator, "wrong")
        return _OF_FLAGS[self.numerator]


_WORDS: Final[Mapping[str, Any]] = json.loads(
    (Path(__file__).parent / "data" / "metrics.json").read_text(encoding="utf-8")
)
_VICTIMS: Final = (Cell.TP, Cell.FN)
_OTHERS: Final = (Cell.FP, Cell.TN)
_LABELLED: Final = (*_VICTIMS, *_OTHERS)
_FLAGGED: Final = (Cell.TP, Cell.FP, Cell.UNLABELLED_FLAGGED)
_SCORED: Final = (*_LABELLED, Cell.UNLABELLED_FLAGGED, Cell.UNLABELLED_NOT_FLAGGED)
_VICTIM: Final = (Cell.UNSCORED_POSITIVE,)
_OTHER: Final = (Cell.UNSCORED_NEGATIVE,)
_UNSCORED: Final = (*_VICTIM, *_OTHER, Cell.UNSCORED_UNLABELLED)
_Cells = tuple[Cell, ...]
_OF_ONE_LABEL: Final[Mapping[_Cells, Suffered]] = {_VICTIMS: "missed", _OTHERS: "wrongly_flagged"}
_OF_FLAGS: Final[Mapping[_Cells, Suffered]] = {_FLAGGED: "flagged"}
_CELLS: Final[Mapping[MetricName, tuple[_Cells, _Cells, Worse, _Cells, _Cells, _Source, float]]] = {
    "true_positive_rate": ((Cell.TP,), _VICTIMS, Worse.LOW, _VICTIM, _VICTIM, "labels", 0.80),
    "false_negative_rate": ((Cell.FN,), _VICTIMS, Worse.HIGH, _VICTIM, _VICTIM, "labels", 0.20),
    "false_positive_rate": ((Cell.FP,), _OTHERS, Worse.HIGH, _OTHER, _OTHER, "labels", 0.10),
    "true_negative_rate": ((Cell.TN,), _OTHERS, Worse.LOW, _OTHER, _OTHER, "labels", 0.90),
    "precision": ((Cell.TP,), (Cell.TP, Cell.FP), Worse.LOW, _OTHER, _VICTIM, "decisions", 0.50),
    "accuracy": ((Cell.TP, Cell.TN), _LABELLED, Worse.LOW, (*_VICTIM, *_OTHER), (*_VICTIM, *_OTHER), "labels", 0.80),
    "selection_rate": (_FLAGGED, _SCORED, Worse.BY_ROUTE, _UNSCORED, _UNSCORED, "cases", 0.20),
    "base_rate": ((*_VICTIMS, *_VICTIM), (*_LABELLED, *_VICTIM, *_OTHER), Worse.NOT_JUDGED, (), (), "labels", 0.20),
}
"""Of every rate the fields of `Metric` from `numerator` to `expected_rate`; its words stand in `data/metrics.json`."""

METRICS: Final[Mapping[MetricName, Metric]] = {
    name: Metric(name, *counts, **{**_WORDS[name], "also_called": tuple(_WORDS[name]["also_called"])})
    for name, counts in _CELLS.items()
}


def worse_direction(name: MetricName, route: Literal["services", "enforcement", "both"]) -> Worse:
    """Direction in which `name` harms when flags go to `route`: LOW, HIGH, or NOT_JUDGED where it has none."""
    worse = METRICS[name].worse
    if worse is not Worse.BY_ROUTE:
        return worse
    return {"services": Worse.LOW, "enforcement": Worse.HIGH, "both": Worse.NOT_JUDGED}[route]


def metric_definitions(route: Literal["services", "enforcement", "both"]) -> tuple[MetricDefinition, ...]:
    """Return what a result says of every rate, when flags go to `route`."""
    return tuple(
        MetricDefinition(
            name=metric.name,
            plain=metric.plain,
            counted=metric.counted,
            among=metric.among,
            definition=metric.definition,
            formula=metric.formula,
            worse=worse_direction(metric.name, route).value,
        )
        for metric in METRICS.values()
    )


MISSED: Final = tuple(name for name, metric in METRICS.items() if metric.denominator == _VICTIMS)
"""Rates that speak of victims missed."""
WRONGLY_FLAGGED: Final = tuple(name for name, metric in METRICS.items() if metric.denominator == _OTHERS)
"""Rates that speak of people wrongly flagged."""
SHARES_OF_GOOD: Final = tuple(name for name, metric in METRICS.items() if metric.is_of_good)
"""Rates whose complement is the share of errors."""
ERROR_RATES: Final[Mapping[str, MetricName]] = {
    "missed": "false_negative_rate",
    "wrongly_flagged": "false_positive_rate",
}
"""The rate that counts each error."""


def error_of(metric: MetricName, rate: float) -> float:
    """State a rate as a share of errors: victims missed, people wrongly flagged, flags that are wrong."""
    return 1 - rate if metric in SHARES_OF_GOOD else rate
