"""Conventions by which a library states a number and this project states none: a closed list."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

from audit.result.findings.further import ConventionCode
from audit.vocabulary.metrics import MetricName


class Stated(NamedTuple):
    """A number that a library states where this project states nothing."""

    value: float
    """The number it states."""
    metrics: frozenset[MetricName]
    """Rates that it is stated for; every ratio where this is empty."""
    words: str
    """Convention in one sentence."""


CONVENTIONS: Final[Mapping[tuple[str, ConventionCode], Stated]] = {
    ("fairlearn", "no_positives"): Stated(
        0.0,
        frozenset({"true_positive_rate", "false_negative_rate"}),
        "fairlearn reports a true positive rate and a false negative rate of 0 for a group without positives",
    ),
    ("fairlearn", "no_negatives"): Stated(
        0.0,
        frozenset({"false_positive_rate", "true_negative_rate"}),
        "fairlearn reports a false positive rate and a true negative rate of 0 for a group without negatives",
    ),
    ("fairlearn", "no_flags"): Stated(
        0.0,
        frozenset({"precision"}),
        "scikit-learn, which fairlearn uses, reports a precision of 0 for a group in which nobody is flagged",
    ),
    ("fairlearn", "ratio_to_zero"): Stated(
        math.inf, frozenset(), "the ratio of fairlearn's rates is infinite where the rate of the rest is 0"
    ),
    ("aif360", "no_flags"): Stated(
        0.0, frozenset({"precision"}), "AIF360 reports a precision of 0 for a group in which nobody is flagged"
    ),
    ("aif360", "no_cases"): Stated(
        0.0, frozenset({"accuracy"}), "AIF360 reports an accuracy of 0 for a group without labelled cases"
    ),
    ("aif360", "ratio_to_zero"): Stated(
        math.inf,
        frozenset(),
        "AIF360 reports an infinite ratio, such as its disparate impact, where the rate of the rest is 0",
    ),
}


def rate_convention(library: str, metric: MetricName) -> tuple[ConventionCode, float] | None:
    """Return what a group lacks, and the number that `library` states for `metric` there; None where it states none."""
    for (name, code), stated in CONVENTIONS.items():
        if name == library and metric in stated.metrics:
            return code, stated.value
    return None
