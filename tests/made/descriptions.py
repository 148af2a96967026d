"""Sets for the tests of descriptions, and a mechanism that does not look at what it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from made.sets import made_plan, write_set

from audit.plan.file.plan_file import LoadedPlan

GROUPS: Mapping[str, Any] = {
    "gender": {"column": "gender"},
    "nationality": {"column": "nationality"},
    "channel": {"column": "channel", "coding": "categorical", "expected": ["web", "phone"]},
    "office": {"column": "office", "coding": "categorical"},
}
Row = tuple[str | None, str | None, str | None, str | None, str]
"""Label, gender, nationality, channel and advertiser."""


def made_loaded(folder: Path, rows: Sequence[Row], *, cluster: bool = False, **section: Any) -> LoadedPlan:
    """A plan over a file of these rows; neither `text`, which its detector needs, nor `office` is in it."""
    columns = list(zip(*rows, strict=True))
    names = ("exploited", "gender", "nationality", "channel", "advertiser")
    cells: dict[str, list[str | None]] = {name: list(column) for name, column in zip(names, columns, strict=True)}
    folder.mkdir(exist_ok=True)
    write_set(folder / "set.csv", {"case_id": [f"case {row}" for row in range(len(rows))], **cells})
    extra = {"cluster": "advertiser"} if cluster else {}
    plan = made_plan(evaluation_set={**extra, **section}, groups=GROUPS)
    return LoadedPlan(plan=plan, as_asked={}, folder=folder)


@dataclass
class Blind:
    """Gives the same numbers whatever the counts are, and remembers what it was given."""

    given: list[tuple[int, ...]] = field(default_factory=list)
    library: str = "blind 1"

    def noise(self, sensitivity: int, epsilon: float) -> _BlindNoise:
        return _BlindNoise(self, sensitivity / epsilon)


@dataclass
class _BlindNoise:
    mechanism: Blind
    scale: float
    error: int = 7

    def add(self, counts: Sequence[int]) -> tuple[int, ...]:
        self.mechanism.given.append(tuple(counts))
        return tuple(range(-1, len(counts) - 1))
