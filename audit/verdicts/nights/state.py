"""State that is kept from night to night: counts, evidence, and the detector and plan that they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal, Self

from pydantic import model_validator

from audit.version import __version__
from audit.vocabulary.groups import Family, Group, LevelName, Part

Outcome = Literal["pass", "fail", "inconclusive"]
Sample = Literal["fresh", "growing"]
"""Whether the rows of each night are new ones, or all rows of the night before with new ones added."""

METHOD: Final = 1
"""Version of the way in which nights are added up. Raise it with every change of a bar, or of a number that a state
holds: evidence of two methods is not added up.
"""
TOOL: Final = f"audit7k {__version__}"
CELLS: Final = 12
"""Numbers of a group: for each label those flagged, not flagged, not scored, and not scored in the evidence."""


class LevelSeen(Part):
    """A level that people of some night had, or that the plan expects."""

    level: LevelName
    """Its code, its name, and the level that it is a part of."""
    late: int
    """0 where it was there in the first night, else its place among those that came to its rung afterwards, from 1."""


class FamilySeen(Part):
    """The groups of a family that were there in any night."""

    family: Family
    groups: tuple[Group, ...]
    """G groups, sorted by their codes."""
    cells: tuple[tuple[int, ...], ...]
    """int[G][12]; see `CELLS`."""


class Process(Part):
    """Evidence against one hypothesis on each of G groups: `audit.stats.safe_process.SafeState` as the file
    holds it.
    """

    counted: tuple[int, ...]
    cases: tuple[int, ...]
    rest_counted: tuple[int, ...]
    rest_cases: tuple[int, ...]
    log_e: tuple[float, ...]
    """Natural logarithms."""


class Evidence(Part):
    """Evidence of one side of a rule over the groups of one family."""

    rule: int
    """Place of the rule in the plan, from 0."""
    side: Literal["low", "high"]
    family: Family
    beyond: Process
    """Evidence that a group is beyond the limit."""
    failed: tuple[bool, ...]
    """Groups for which it reached its bar in some night."""
    within: Process
    """Evidence that a group is within the limit, with everything that is not known at its worst."""
    passed: tuple[bool, ...]
    """Groups for which it reached its bar in some night."""
    moved: tuple[int, ...]
    """Rows of unknown feature that were counted against each group, where the plan supposes something of them."""
    drift: tuple[float, ...]
    """Evidence that a group which passed is beyond the limit from some later night on; see
    `audit.verdicts.nights.evidence`."""
    nights_since: tuple[int, ...]
    """Nights with cases of the group since it passed."""
    doubted: tuple[bool, ...]
    """Groups that passed before, until later nights put that in doubt."""
    several: bool
    """Whether all groups together were shown not to be within the limit, in some night."""


class Reset(Part):
    """A history that ended because the detector or the question became another one."""

    nights: int
    """Nights that it had taken in."""
    outcome: Outcome
    """Their verdict."""
    changed: tuple[str, ...]
    """What changed, in words."""


class SetTaken(Part):
    """A set that was taken in, as digests: which cases it held, and what was counted of them."""

    cases: str
    """SHA-256 that stands for all ids, in any order: `Provenance.cases_sha256`."""
    totals: str
    """SHA-256 of how many cases of each label every group had."""
    counts: str
    """SHA-256 of how many cases of each label every group had, with how many of them were flagged."""
    file: str | None = None
    """SHA-256 of its file; None where it was passed in memory."""


class State(Part):
    """Whole content of the file."""

    schema_version: Literal[2] = 2
    method: int = METHOD
    """Method by which its nights were added up."""
    tool: str = TOOL
    """Version that wrote it."""
    identity: dict[str, Any]
    """Detector and question that it belongs to: see `audit.verdicts.nights.identity`."""
    sample: Sample
    declared: bool = False
    """Whether somebody said what the sets are; else they are taken as `fresh`."""
    nights: int = 0
    """Nights taken in."""
    outcome: Outcome = "inconclusive"
    """Their verdict."""
    sets: tuple[SetTaken, ...] = ()
    """Every set taken in, the oldest first: none is tested twice."""
    levels: dict[str, tuple[LevelSeen, ...]] = {}  # noqa: RUF012 - a field of pydantic, never shared
    """Levels seen, by feature."""
    families: tuple[FamilySeen, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    resets: tuple[Reset, ...] = ()
    """Earlier histories, the oldest first."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        sizes: dict[Family, int] = {}
        for seen in self.families:
            sizes[seen.family] = len(seen.groups)
            whole = len(set(seen.groups)) == len(seen.cells) == len(seen.groups)
            if not whole or any(len(row) != CELLS or min(row) < 0 for row in seen.cells):
                raise ValueError("counts of groups that are none")
        for one in self.evidence:
            columns: list[Sequence[float]] = [one.failed, one.passed, one.moved, one.doubted]
            columns += [one.drift, one.nights_since]
            if min((*one.drift, *one.nights_since), default=0) < 0:
                raise ValueError("evidence below 0")
            for process in (one.beyond, one.within):
                numbers = (process.counted, process.cases, process.rest_counted, process.rest_cases)
                if any(min(column, default=0) < 0 for column in numbers):
                    raise ValueError("counts below 0")
                columns += [*numbers, process.log_e]
            if any(len(column) != sizes.get(one.family) for column in columns):
                raise ValueError("evidence for other groups than were counted")
        return self


def new_state(
    identity: dict[str, Any], sample: Sample, resets: tuple[Reset, ...] = (), *, declared: bool = True
) -> State:
    """Make a state that has taken in no night yet."""
    return State(identity=identity, sample=sample, resets=resets, declared=declared)
