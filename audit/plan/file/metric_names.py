"""Find a metric by any of the names that the field has for it."""

from __future__ import annotations

import difflib
import re
from typing import cast

from audit.plan.file.words import WORDS
from audit.vocabulary.metrics import METRICS, Metric, MetricName


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
    names = cast("dict[str, MetricName]", dict(WORDS["short"]))
    for metric in METRICS.values():
        names.update({_plain(also): metric.name for also in metric.also_called})
        names[_plain(metric.plain)] = names[_plain(metric.name)] = metric.name
    return names


def _plain(word: str) -> str:
    return " ".join(re.split(r"[\s_-]+", word.strip().casefold()))
