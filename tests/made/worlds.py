"""Synthetic worlds for tests: their rows in memory, and what their own detector says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audit.counting.table import rule_families
from audit.plan.audit_plan import Rule
from audit.plan.sections import Groups
from audit.vocabulary.groups import Family, Group, Level
from audit.vocabulary.metrics import MetricName
from audit.worlds.folder import companion_files
from audit.worlds.mechanism import Mechanism
from audit.worlds.plan_text import feature_columns
from audit.worlds.set_file import row_blocks
from audit.worlds.strengths import WORLDS, findings_asked, plant
from audit.worlds.world import Possible, WorldName

TextArray = npt.NDArray[np.str_]
Score = Callable[[pa.RecordBatch], list[float]]


@dataclass(frozen=True)
class Scored:
    """The rows of a world as an audit sees them: text, empty where unknown, and whether each was flagged."""

    gender: TextArray
    nationality: TextArray
    label: TextArray
    columns: dict[str, TextArray]
    score: Callable[[], list[float]]

    @cached_property
    def flagged(self) -> npt.NDArray[np.bool_]:
        """Whether each row was flagged: asked of the detector once, and not where nobody looks."""
        return np.array(self.score()) >= 0.5

    @cached_property
    def labels(self) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Whether each row is labelled, and whether as exploited."""
        return self.label != "", self.label == "1"

    @cached_property
    def _members(self) -> dict[Level, npt.NDArray[np.bool_]]:
        return {}

    def _of(self, level: Level) -> npt.NDArray[np.bool_]:
        if level not in self._members:
            column = self.gender if level.feature == "gender" else self.nationality
            self._members[level] = column == ("" if level.code == "unknown" else level.code)
        return self._members[level]

    def within(self, group: Group) -> npt.NDArray[np.bool_]:
        """Which rows are of a group."""
        chosen = np.ones(len(self.label), dtype=np.bool_)
        for level in group.levels:
            chosen &= self._of(level)
        return chosen

    def rate(self, metric: MetricName, chosen: npt.NDArray[np.bool_]) -> tuple[float, int]:
        """A rate of some rows and how many are in its denominator."""
        labelled, exploited = self.labels
        counted, among = {
            "true_positive_rate": (self.flagged, exploited),
            "false_positive_rate": (self.flagged, labelled & ~exploited),
            "selection_rate": (self.flagged, labelled),
            "base_rate": (exploited, labelled),
        }[metric]
        among = among & chosen
        return float(counted[among].sum() / max(among.sum(), 1)), int(among.sum())


@cache
def mechanism(world: WorldName, *asked: str) -> Mechanism:
    """A world in which this is planted, each at its own size unless one is given."""
    return plant(WORLDS[world], findings_asked(WORLDS[world], asked))


def everything(world: WorldName) -> Mechanism:
    """A world in which everything is planted that can be."""
    return mechanism(world, *(possible.finding for possible in WORLDS[world].findings))


def detector(made: Mechanism) -> Score:
    """The function `score` of the detector that is written beside the rows."""
    names: dict[str, Score] = {}
    exec(compile(companion_files(made, "rows.csv", 1, 1)["detector.py"], "detector.py", "exec"), names)
    return names["score"]


@cache
def scored(world: WorldName, asked: tuple[str, ...], rows: int, seed: int = 1) -> Scored:
    """Rows of a world and what its detector says of them."""
    made = mechanism(world, *asked)
    parts = list(row_blocks(made, rows, seed))
    columns = {name: [value for part in parts for value in part[name]] for name in parts[0]}
    arrays = {name: np.array([value or "" for value in values]) for name, values in columns.items()}

    def score() -> list[float]:
        given = {
            name: columns[name] if name == "text" else [None if one is None else int(one) for one in columns[name]]
            for name in feature_columns(made.world)
        }
        return detector(made)(pa.RecordBatch.from_pydict(given))

    return Scored(
        gender=arrays["gender"],
        nationality=np.array([text.split("/")[0] for text in arrays["nationality"].tolist()]),
        label=arrays["exploited"],
        columns=arrays,
        score=score,
    )


def planned_families(gaps: Iterable[Possible]) -> Callable[[Groups, Rule], tuple[Family, ...]]:
    """Return what stands for `rule_families` where planning is asked about some gaps alone: their families and genders.

    The chance of a false alarm is still shared out over the whole plan.
    """
    wanted = {(gap.metric, tuple((level.feature, level.rung) for level in gap.group.levels)) for gap in gaps}

    def few(groups: Groups, rule: Rule) -> tuple[Family, ...]:
        every = [
            (family, tuple((axis.feature, axis.rung) for axis in family.axes)) for family in rule_families(groups, rule)
        ]
        return tuple(family for family, of in every if of == (("gender", "level"),) or (rule.metric, of) in wanted)

    return few
