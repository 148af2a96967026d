"""Answers of each tool on one set, as found or not and accused or not, by the same truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pandas as pd

from audit.result.audit_result import AuditResult
from audit.worlds.truth import Truth
from audit.worlds.world import FindingName
from tools.bench.planted import aif360_scan, fairlearn_rules
from tools.bench.planted.found import accused_without_cause, audit_state, rules_fail, words_accused
from tools.bench.planted.planning import BY_POWER, Planned
from tools.bench.planted.sets import (
    ASKED,
    Arm,
    Audited,
    Flag,
    audited,
    controls,
    decided_rows,
    key_of,
    mechanism_of,
    planted,
)

__all__ = ["OURS", "Answer", "Task", "by_flags", "ours", "run_task"]

OURS: Final = "audit7k"


@dataclass(frozen=True)
class Task:
    """One set to draw and to ask every tool about."""

    planned: Planned
    arm: Arm
    seed: int
    rows_to: Path | None
    """Folder for the rows of a tool that runs elsewhere."""

    @property
    def name(self) -> str:
        """Name for the files of the set."""
        return f"{self.planned.world}-{self.arm}-{self.seed}"


@dataclass(frozen=True)
class Answer:
    """Answers of one tool on one set."""

    tool: str
    world: str
    arm: Arm
    seed: int
    found: dict[FindingName, bool] = field(default_factory=dict)
    """Whether it is found, by planted finding for which the tool has a question."""
    accuses_alone: bool = False
    """Whether the tool accuses a gender or a nationality in which nothing is planted."""
    accuses_any: bool = False
    """Whether the tool accuses any group in which nothing is planted, combinations and regions included."""
    said_of_anyone: dict[FindingName, bool] = field(default_factory=dict)
    """audit7k, where nothing is planted: whether a further question says its word of any group at all."""


def run_task(task: Task) -> list[Answer]:
    """Draw the set, audit it, and ask the others; what is only about planning is asked of audit7k alone."""
    mechanism = mechanism_of(task.planned.mechanism.world, {} if task.arm == "controls" else task.planned.sizes)
    rows = task.planned.rows * (1 if task.arm == "planned" else 2)
    audit = audited(mechanism, rows, task.seed)
    answers = [ours(task, audit)]
    if task.arm == "planned":
        return answers
    answers += [*_fairlearn(task, audit), *_aif360(task, audit)]
    if task.rows_to is not None:
        columns = ["gender", "nationality", "both", "label", "decision"]
        audit.rows[columns].to_parquet(task.rows_to / f"{task.name}.parquet")
    return answers


def _fairlearn(task: Task, audit: Audited) -> Iterator[Answer]:
    crude = fairlearn_rules.measured(audit.rows)
    flag_by_finding: dict[FindingName, Flag] = {
        possible.finding: (possible.metric, key_of(possible.group))
        for possible in planted(audit.truth.mechanism)
        if possible.finding == "like-with-like"
    }
    within = {finding: fairlearn_rules.within_channels(audit.rows, flag) for finding, flag in flag_by_finding.items()}
    for reading in fairlearn_rules.READINGS:
        extra = {
            finding: fairlearn_rules.vanishes(crude, within[finding], flag, reading)
            for finding, flag in flag_by_finding.items()
        }
        flags = fairlearn_rules.flagged(crude, reading)
        yield by_flags(task, f"fairlearn, {reading}", audit.truth, flags, extra)


def _aif360(task: Task, audit: Audited) -> Iterator[Answer]:
    alone = {} if task.arm == "controls" else {name: _alone(task, name) for name in BY_POWER}
    for name, penalty in aif360_scan.PENALTIES.items():
        extra = {finding: aif360_scan.finds(rows, _flag_of(task, finding), penalty) for finding, rows in alone.items()}
        flags = aif360_scan.flagged(audit.rows, penalty)
        yield by_flags(task, f"AIF360 bias scan, {name}", audit.truth, flags, extra)


def _alone(task: Task, finding: FindingName) -> pd.DataFrame:
    """Draw rows of a world in which nothing else is planted."""
    mechanism = mechanism_of(task.planned.mechanism.world, {finding: task.planned.sizes[finding]})
    return decided_rows(mechanism, 2 * task.planned.rows, task.seed)


def _flag_of(task: Task, finding: FindingName) -> Flag:
    possible = task.planned.mechanism.world.possible(finding)
    assert possible is not None
    return possible.metric, key_of(possible.group)


def ours(task: Task, audit: Audited) -> Answer:
    """Return what audit7k says: FAILs accuse, and nothing else of a result does."""
    accused = accused_without_cause(audit.truth, audit.result)
    words = bool(words_accused(audit.truth, audit.result))
    unnamed = task.arm == "controls" and rules_fail(audit.result)
    return Answer(
        tool=OURS,
        world=task.planned.world,
        arm=task.arm,
        seed=task.seed,
        found={
            possible.finding: audit_state(possible, audit.result) == "found"
            for possible in planted(audit.truth.mechanism)
        },
        accuses_alone=unnamed or words or any(len(verdict.group.levels) == 1 for verdict in accused),
        accuses_any=unnamed or words or bool(accused),
        said_of_anyone=_said_of_anyone(audit.result) if task.arm == "controls" else {},
    )


def by_flags(
    task: Task, tool: str, truth: Truth, flags: frozenset[Flag], extra: Mapping[FindingName, bool] | None = None
) -> Answer:
    """Return what a tool says that calls groups worse off: found if it names the planted group in the planted rate."""
    alone, crossed = controls(truth)
    findings: dict[FindingName, bool] = {
        possible.finding: (possible.metric, key_of(possible.group)) in flags
        for possible in planted(truth.mechanism)
        if possible.finding in ("group-gap", "intersection-gap")
    }
    return Answer(
        tool=tool,
        world=task.planned.world,
        arm=task.arm,
        seed=task.seed,
        found=findings | dict(extra or {}),
        accuses_alone=bool(flags & alone),
        accuses_any=bool(flags & (alone | crossed)),
    )


def _said_of_anyone(result: AuditResult) -> dict[FindingName, bool]:
    """Say whether a further question says its word of any gender or nationality, or combination that it lists."""
    compared = result.further.reference_comparison
    words = {
        "like-with-like": any(record.notes.get("vanishes") for record in result.further.conditional),
        "biased-labels": compared is not None and compared.p is not None and compared.p <= 0.05,
        "amplification": any(
            group.outcome == "adds" and (group.added or 0.0) > 0.0
            for family in result.further.amplification
            for group in family.groups
        ),
    }
    return {name: bool(words[name]) for name in ASKED if name in words}
