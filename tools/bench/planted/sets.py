"""Sets of the benchmark: which worlds, how many rows, what is planted; and one audit of each."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from audit.plan.file.plan_file import LoadedPlan, read_plan_file
from audit.run import run_audit
from audit.stats.arrays import IntArray
from audit.vocabulary.groups import Group
from audit.vocabulary.metrics import MetricName
from audit.worlds.folder import companion_files
from audit.worlds.mechanism import GENDERS, Mechanism
from audit.worlds.rows import drawn_rows
from audit.worlds.set_file import rows_table
from audit.worlds.strengths import WORLDS, findings_asked, plant
from audit.worlds.truth import RATES, Truth, rates_moved
from audit.worlds.world import Finding, FindingName, Possible, World, WorldName
from tools.bench.planted.found import ASKED

if TYPE_CHECKING:
    from audit.result.audit_result import AuditResult

__all__ = [
    "ARMS",
    "ASKED",
    "Arm",
    "Audited",
    "Flag",
    "Key",
    "audited",
    "controls",
    "decided_rows",
    "key_of",
    "labelled_rows",
    "loaded_folder",
    "mechanism_of",
    "own_sizes",
    "planted",
    "sized",
]

Arm = Literal["planned", "doubled", "controls"]
ARMS: Final[tuple[Arm, ...]] = ("planned", "doubled", "controls")
"""`planned`: as many rows as planning was asked about; `doubled`: twice as many; `controls`: twice as many, and nothing
is planted."""

Key = tuple[tuple[str, str], ...]
"""Group as its features and codes: `(("gender", "man"), ("nationality", "VNM"))`."""
Flag = tuple[MetricName, Key]
"""Group that a tool calls worse off in a rate."""


@dataclass(frozen=True)
class Audited:
    """One set, what audit7k says of it, and the rows that the other tools are given."""

    truth: Truth
    result: AuditResult
    rows: pd.DataFrame
    """Labelled rows: gender, nationality (missing ones as `unknown`), both, channel, label, decision."""


def mechanism_of(world: World, sizes: Mapping[FindingName, float]) -> Mechanism:
    """World with findings of these sizes planted; nothing is planted if there are none."""
    return plant(world, [Finding(_possible(world, name), size) for name, size in sizes.items()])


def own_sizes(world: WorldName) -> dict[FindingName, float]:
    """Return every finding that is asked for, in the size that the world has for it."""
    known = [name for name in ASKED if WORLDS[world].possible(name) is not None]
    return {question.possible.finding: question.size for question in findings_asked(WORLDS[world], known)}


def loaded_folder(mechanism: Mechanism, folder: Path) -> LoadedPlan:
    """Return the plan of a world with its detector beside it in `folder`; its rows are passed in memory."""
    for name, text in companion_files(mechanism, f"{mechanism.world.file}.parquet", 1, 0).items():
        (folder / name).write_text(text, encoding="utf-8")
    loaded = read_plan_file(folder / "plan.toml")
    section = loaded.plan.evaluation_set.model_copy(update={"path": None})
    plan = loaded.plan.model_copy(update={"evaluation_set": section})
    return LoadedPlan(plan=plan, as_asked=loaded.as_asked, folder=folder)


def audited(mechanism: Mechanism, rows: int, seed: int) -> Audited:
    """Draw a set, audit it, and keep what the audit decided for the other tools."""
    table = rows_table(mechanism, rows, seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        loaded = loaded_folder(mechanism, folder)
        written = folder / "predictions.parquet"
        result = run_audit(loaded, table, crosscheck=False, predictions_to=written)
        decided = pq.read_table(written)
    return Audited(Truth.of(mechanism), result, labelled_rows(mechanism.world, table, decided))


def labelled_rows(world: World, table: pa.Table, decided: pa.Table) -> pd.DataFrame:
    """Return the labelled rows with their decisions, in the shape that every other tool takes."""
    if table[world.id].to_pylist() != decided["case_id"].to_pylist():
        raise AssertionError("decisions and rows are not in the same order")
    frame = pd.DataFrame(
        {
            "gender": table["gender"].to_pylist(),
            "nationality": [
                None if value is None else value.split("/")[0] for value in table["nationality"].to_pylist()
            ],
            "channel": table[world.channel].to_pylist(),
            "label": table["exploited"].to_pylist(),
            "decision": [int(value == "flagged") for value in decided["decision"].to_pylist()],
        }
    ).astype(object)
    return _complete(frame[frame["label"].notna()])


def decided_rows(mechanism: Mechanism, rows: int, seed: int) -> pd.DataFrame:
    """Return the labelled rows without an audit: signs' points are added up here as the detector adds them."""
    world, parts = mechanism.world, []
    points = np.array([sign.points for sign in world.signs])
    leak = mechanism.strength("word-leak")
    learned, extra = (None, 0) if leak is None else (leak[0].group.levels[0].code, round(leak[1]))
    for drawn, _ in drawn_rows(mechanism, rows, seed):
        nationality = _named((*world.nationalities, None), drawn.nationality)
        word = extra * np.array([code is not None and code == learned for code in nationality], dtype=np.int64)
        added = (drawn.shown & drawn.recorded) @ points + word
        frame = pd.DataFrame(
            {
                "gender": _named((*GENDERS, None), drawn.gender),
                "nationality": nationality,
                "channel": _named(world.channels, drawn.channel),
                "label": drawn.label,
                "decision": (added >= world.threshold).astype(np.int64),
            }
        ).astype(object)
        parts.append(frame[frame["label"] >= 0])
    return _complete(pd.concat(parts))


def _named(names: Sequence[str | None], places: IntArray) -> list[str | None]:
    return [names[number] for number in places.tolist()]


def _complete(labelled: pd.DataFrame) -> pd.DataFrame:
    frame = labelled.fillna("unknown")
    frame["both"] = frame["gender"] + " x " + frame["nationality"]
    return frame.astype({"label": np.int64, "decision": np.int64}).reset_index(drop=True)


def key_of(group: Group) -> Key:
    """Return the group as features and codes."""
    return tuple((level.feature, level.code) for level in group.levels)


def controls(truth: Truth) -> tuple[frozenset[Flag], frozenset[Flag]]:
    """Return groups that no tool may accuse: genders, nationalities and combinations without anything planted."""
    alone, crossed = set(), set()
    for metric in RATES:
        alone |= {(metric, key_of(group)) for group in truth.untouched(metric)}
        touched = [dict(key_of(gap.group)) for gap in truth.planted if metric in rates_moved(gap)]
        for gender, code in product(GENDERS, truth.mechanism.world.nationalities):
            level_by_feature = {"gender": gender, "nationality": code}
            if not any(
                all(level_by_feature[feature] == level for feature, level in other.items()) for other in touched
            ):
                crossed.add((metric, tuple(level_by_feature.items())))
    return frozenset(alone), frozenset(crossed)


def planted(mechanism: Mechanism) -> Iterator[Possible]:
    """Return what is planted in a world."""
    return (_possible(mechanism.world, name) for name in ASKED if name in mechanism.strengths)


def _possible(world: World, name: FindingName) -> Possible:
    possible = world.possible(name)
    if possible is None:
        raise KeyError(name)
    return possible


def sized(keys: Sequence[str], frame: pd.DataFrame, metric: MetricName) -> pd.DataFrame:
    """Rows in the denominator of a rate, and which of them are in its numerator, by `keys`."""
    of_label = frame[frame["label"] == int(metric == "true_positive_rate")]
    return of_label.groupby(list(keys))["decision"].agg(["sum", "size"])
