"""Conventions by which a library states a number and this project states none: a closed list."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple, cast

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
    (library, cast("ConventionCode", code)): Stated(stated["value"], frozenset(stated["metrics"]), stated["words"])
    for library, codes in tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")).items()
    for code, stated in codes.items()
}


def rate_convention(library: str, metric: MetricName) -> tuple[ConventionCode, float] | None:
    """Return what a group lacks, and the number that `library` states for `metric` there; None where it states none."""
    for (name, code), stated in CONVENTIONS.items():
        if name == library and metric in stated.metrics:
            return code, stated.value
    return None
