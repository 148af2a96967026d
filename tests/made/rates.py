"""Rates that a plan declares, as sections of a plan."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from audit.vocabulary.metrics import CELL_NAMES, METRICS, Metric

NAMES: Final = {cell: name for name, cell in CELL_NAMES.items()}


def section(numerator: Sequence[str], denominator: Sequence[str], harm: str = "low", **words: str) -> dict[str, Any]:
    """A section `[rates.NAME]`."""
    return {
        "numerator": list(numerator),
        "denominator": list(denominator),
        "harm": harm,
        "plain": "share of cases left alone that are right",
        "counted": "cases rightly left alone",
        "among": "labelled cases that were not flagged",
        "definition": "Of the labelled cases that were not flagged, the share labelled as no exploitation.",
        **words,
    }


def as_toml(name: str, rate: Mapping[str, Any]) -> str:
    """Write such a section, as it stands in a plan file."""
    lines = (f"{key} = {json.dumps(value)}" for key, value in rate.items())
    return "\n".join([f"[rates.{name}]", *lines, ""])


NPV: Final = section(["TN"], ["TN", "FN"])
"""Negative predictive value."""


def twin_of(metric: Metric) -> dict[str, Any]:
    """The section that declares one of our rates under another name."""
    numerator, denominator = ([NAMES[cell] for cell in part] for part in (metric.numerator, metric.denominator))
    return section(numerator, denominator, metric.worse.value) | {"expected_rate": metric.expected_rate}


JUDGED: Final = tuple(name for name, metric in METRICS.items() if metric.worse.value != "not_judged")
"""Our rates that a rule can limit."""
