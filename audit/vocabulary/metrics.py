"""The rates of this project: their names in the field, their definitions in counts, and the direction of harm.

Every rate is a quotient of integer counts of cases by label (positive, negative, unlabelled) and by answer of the
detector (flagged, not flagged; abstained and failed cases are unscored). The names are fairlearn's.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

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


@dataclass(frozen=True, slots=True)
class Metric:
    """One rate: the cells of its numerator and denominator, and the words for it."""

    name: MetricName
    numerator: tuple[Cell, ...]
    denominator: tuple[Cell, ...]
    worse: Worse
    lowest_if_unscored: tuple[Cell, ...]
    """Unscored cells that join the denominator when unscored cases count so that the rate is lowest."""
    highest_if_unscored: tuple[Cell, ...]
    """Unscored cells that join numerator and denominator when the rate is to be highest."""
    denominator_is: Literal["labels", "decisions", "cases"]
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


_SCORED: Final = (Cell.TP, Cell.FN, Cell.FP, Cell.TN, Cell.UNLABELLED_FLAGGED, Cell.UNLABELLED_NOT_FLAGGED)
_UNSCORED_LABELLED: Final = (Cell.UNSCORED_POSITIVE, Cell.UNSCORED_NEGATIVE)
_UNSCORED: Final = (*_UNSCORED_LABELLED, Cell.UNSCORED_UNLABELLED)

METRICS: Final[Mapping[MetricName, Metric]] = {
    metric.name: metric
    for metric in (
        Metric(
            name="true_positive_rate",
            numerator=(Cell.TP,),
            denominator=(Cell.TP, Cell.FN),
            worse=Worse.LOW,
            lowest_if_unscored=(Cell.UNSCORED_POSITIVE,),
            highest_if_unscored=(Cell.UNSCORED_POSITIVE,),
            denominator_is="labels",
            expected_rate=0.80,
            plain="share of victims found",
            counted="victims found",
            among="victims in the test set",
            definition="Of the cases labelled as exploitation, the share that the detector flagged.",
            formula="TP / (TP + FN)",
            also_called=("found", "recall", "sensitivity", "hit rate", "equal opportunity compares it"),
        ),
        Metric(
            name="false_negative_rate",
            numerator=(Cell.FN,),
            denominator=(Cell.TP, Cell.FN),
            worse=Worse.HIGH,
            lowest_if_unscored=(Cell.UNSCORED_POSITIVE,),
            highest_if_unscored=(Cell.UNSCORED_POSITIVE,),
            denominator_is="labels",
            expected_rate=0.20,
            plain="share of victims missed",
            counted="victims missed",
            among="victims in the test set",
            definition="Of the cases labelled as exploitation, the share that the detector did not flag.",
            formula="FN / (TP + FN)",
            also_called=("missed", "miss rate", "1 - recall"),
        ),
        Metric(
            name="false_positive_rate",
            numerator=(Cell.FP,),
            denominator=(Cell.FP, Cell.TN),
            worse=Worse.HIGH,
            lowest_if_unscored=(Cell.UNSCORED_NEGATIVE,),
            highest_if_unscored=(Cell.UNSCORED_NEGATIVE,),
            denominator_is="labels",
            expected_rate=0.10,
            plain="share of non-victims wrongly flagged",
            counted="people wrongly flagged",
            among="people who are not victims in the test set",
            definition="Of the cases labelled as no exploitation, the share that the detector flagged.",
            formula="FP / (FP + TN)",
            also_called=("wrong flags", "false alarm rate", "fall-out", "predictive equality compares it"),
        ),
        Metric(
            name="true_negative_rate",
            numerator=(Cell.TN,),
            denominator=(Cell.FP, Cell.TN),
            worse=Worse.LOW,
            lowest_if_unscored=(Cell.UNSCORED_NEGATIVE,),
            highest_if_unscored=(Cell.UNSCORED_NEGATIVE,),
            denominator_is="labels",
            expected_rate=0.90,
            plain="share of non-victims rightly left alone",
            counted="people rightly left alone",
            among="people who are not victims in the test set",
            definition="Of the cases labelled as no exploitation, the share that the detector did not flag.",
            formula="TN / (FP + TN)",
            also_called=("left alone", "specificity"),
        ),
        Metric(
            name="precision",
            numerator=(Cell.TP,),
            denominator=(Cell.TP, Cell.FP),
            worse=Worse.LOW,
            lowest_if_unscored=(Cell.UNSCORED_NEGATIVE,),
            highest_if_unscored=(Cell.UNSCORED_POSITIVE,),
            denominator_is="decisions",
            expected_rate=0.50,
            plain="share of flags that are right",
            counted="flags that are right",
            among="labelled cases that were flagged",
            definition="Of the labelled cases that the detector flagged, the share labelled as exploitation.",
            formula="TP / (TP + FP)",
            also_called=("right flags", "positive predictive value", "PPV", "predictive parity compares it"),
        ),
        Metric(
            name="accuracy",
            numerator=(Cell.TP, Cell.TN),
            denominator=(Cell.TP, Cell.FN, Cell.FP, Cell.TN),
            worse=Worse.LOW,
            lowest_if_unscored=_UNSCORED_LABELLED,
            highest_if_unscored=_UNSCORED_LABELLED,
            denominator_is="labels",
            expected_rate=0.80,
            plain="share of decisions that agree with the label",
            counted="decisions that agree with the label",
            among="labelled cases in the test set",
            definition="Of the labelled cases, the share whose decision agrees with the label.",
            formula="(TP + TN) / (TP + FN + FP + TN)",
            also_called=("overall accuracy",),
        ),
        Metric(
            name="selection_rate",
            numerator=(Cell.TP, Cell.FP, Cell.UNLABELLED_FLAGGED),
            denominator=_SCORED,
            worse=Worse.BY_ROUTE,
            lowest_if_unscored=_UNSCORED,
            highest_if_unscored=_UNSCORED,
            denominator_is="cases",
            expected_rate=0.20,
            plain="share flagged",
            counted="people flagged",
            among="scored cases in the test set",
            definition="Of all scored cases, labelled or not, the share that the detector flagged.",
            formula="flagged / scored",
            also_called=(
                "flagged",
                "positive rate",
                "demographic parity compares it",
                "statistical parity compares it",
            ),
        ),
        Metric(
            name="base_rate",
            numerator=(Cell.TP, Cell.FN, Cell.UNSCORED_POSITIVE),
            denominator=(Cell.TP, Cell.FN, Cell.FP, Cell.TN, *_UNSCORED_LABELLED),
            worse=Worse.NOT_JUDGED,
            lowest_if_unscored=(),
            highest_if_unscored=(),
            denominator_is="labels",
            expected_rate=0.20,
            plain="share labelled as victims",
            counted="cases labelled as exploitation",
            among="labelled cases in the test set",
            definition="Of the labelled cases, the share labelled as exploitation: a property of the labels.",
            formula="labelled positive / labelled",
            also_called=("labelled", "prevalence in the set"),
        ),
    )
}


def worse_direction(name: MetricName, route: Literal["services", "enforcement", "both"]) -> Worse:
    """Direction in which `name` harms when flags go to `route`: LOW, HIGH, or NOT_JUDGED where it has none."""
    worse = METRICS[name].worse
    if worse is not Worse.BY_ROUTE:
        return worse
    return {"services": Worse.LOW, "enforcement": Worse.HIGH, "both": Worse.NOT_JUDGED}[route]


MISSED: Final[tuple[MetricName, ...]] = ("true_positive_rate", "false_negative_rate")
"""Rates that speak of victims missed."""
WRONGLY_FLAGGED: Final[tuple[MetricName, ...]] = ("false_positive_rate", "true_negative_rate")
"""Rates that speak of people wrongly flagged."""
SHARES_OF_GOOD: Final[tuple[MetricName, ...]] = ("true_positive_rate", "true_negative_rate", "precision", "accuracy")
"""Rates whose complement is the share of errors."""
