"""Find a metric by any of the names that the field has for it."""

from __future__ import annotations

import difflib
import re
from typing import Final

from audit.vocabulary.metrics import METRICS, Metric, MetricName

_SHORT: Final[dict[str, MetricName]] = {
    "tpr": "true_positive_rate",
    "fnr": "false_negative_rate",
    "fpr": "false_positive_rate",
    "tnr": "true_negative_rate",
    "ppv": "precision",
    "acc": "accuracy",
    "equal opportunity": "true_positive_rate",
    "predictive equality": "false_positive_rate",
    "predictive parity": "precision",
    "demographic parity": "selection_rate",
    "statistical parity": "selection_rate",
    "false alarms": "false_positive_rate",
    "prevalence": "base_rate",
}
"""Abbreviations, and notions that compare a rate without being one."""


def metric_called(word: str) -> Metric | None:
    """Metric with this name, plain name, abbreviation or other name in the field; None if there is none."""
    name = _names().get(_plain(word))
    return METRICS[name] if name else None


def metrics_like(word: str, most: int = 3) -> list[Metric]:
    """Metrics whose names resemble `word`, the most similar first."""
    names = _names()
    found = difflib.get_close_matches(_plain(word)[:60], names, n=3 * most, cutoff=0.5)
    return [METRICS[name] for name in dict.fromkeys(names[match] for match in found)][:most]


def _names() -> dict[str, MetricName]:
    names = dict(_SHORT)
    for metric in METRICS.values():
        names.update({_plain(also): metric.name for also in metric.also_called})
        names[_plain(metric.plain)] = names[_plain(metric.name)] = metric.name
    return names


def _plain(word: str) -> str:
    return " ".join(re.split(r"[\s_-]+", word.strip().casefold()))
