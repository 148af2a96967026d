"""Loads ProPublica's published COMPAS tables from propublica_compas.toml, which names their source."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.vocabulary.metrics import MetricName


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """One table: counts by label and score, and the rates that the authors rounded."""

    title: str
    race: str | None
    """The value of `race`; None for all defendants."""
    cutoff: int
    """The lowest decile score that counts as high."""
    true_positive: int
    false_negative: int
    false_positive: int
    true_negative: int
    rates: dict[MetricName, str]
    """Published rates as text, shares of 1: "0.4485" where per cent were printed with two decimals."""

    @property
    def total(self) -> int:
        """Defendants in the table."""
        return self.true_positive + self.false_negative + self.false_positive + self.true_negative


def published_tables() -> tuple[PublishedTable, ...]:
    """Every published table, after a check that its counts add up to the published total."""
    text = (Path(__file__).parent / "propublica_compas.toml").read_text(encoding="utf-8")
    return tuple(_table(entry) for entry in tomllib.loads(text)["tables"])


def _table(entry: dict[str, Any]) -> PublishedTable:
    table = PublishedTable(
        title=entry["title"],
        race=entry.get("race"),
        cutoff=entry["cutoff"],
        true_positive=entry["recidivated"]["high"],
        false_negative=entry["recidivated"]["low"],
        false_positive=entry["survived"]["high"],
        true_negative=entry["survived"]["low"],
        rates={
            "false_positive_rate": _share(entry["false_positive_percent"]),
            "false_negative_rate": _share(entry["false_negative_percent"]),
            "true_negative_rate": entry["specificity"],
            "true_positive_rate": entry["sensitivity"],
            "base_rate": entry["prevalence"],
            "precision": entry["ppv"],
        },
    )
    if table.total != entry["total"]:
        raise ValueError(f"{table.title}: counts and total differ")
    return table


def _share(percent: str) -> str:
    whole, decimals = percent.split(".")
    return "0." + whole.zfill(2) + decimals
