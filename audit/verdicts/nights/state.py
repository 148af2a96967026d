"""State that is kept from night to night, and its file.

State that is kept from night to night: counts, evidence, and the detector and plan that they belong to.

The file of a history: written whole or not at all, for its owner alone, by one night at a time.

Share of a family's level for each group, when nobody knows which groups are still to come.

A bar that counts the groups seen so far is lowered for the early ones and raised by each that comes later: with a new
nationality every night there would be a fresh chance of a false FAIL every night. So a share is given once and for all
when a level is first seen, and shares add up to at most 1 however many levels follow. The levels of the first night,
and those that the plan expects, have three quarters of their rung in equal parts; the k-th that comes later has
1/(k(k+1)) of the last quarter. A group of several features has the product. The order in which levels come must not be
chosen by what answers showed.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError, model_validator

from audit.errors import FolderInUseError, ResultError
from audit.storage import held, may_be_left, storage, write_durably
from audit.version import __version__
from audit.vocabulary.groups import Family, Group, LevelName, Part, SensitiveFeature
from audit.vocabulary.text import shown

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
    `audit.verdicts.nights.verdict`."""
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
    """Detector and question that it belongs to: see `audit.verdicts.nights.night`."""
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
            is_complete = len(set(seen.groups)) == len(seen.cells) == len(seen.groups)
            if not is_complete or any(len(row) != CELLS or min(row) < 0 for row in seen.cells):
                raise ValueError("counts of groups that are none")
        for group_evidence in self.evidence:
            columns: list[Sequence[float]] = [
                group_evidence.failed,
                group_evidence.passed,
                group_evidence.moved,
                group_evidence.doubted,
            ]
            columns += [group_evidence.drift, group_evidence.nights_since]
            if min((*group_evidence.drift, *group_evidence.nights_since), default=0) < 0:
                raise ValueError("evidence below 0")
            for process in (group_evidence.beyond, group_evidence.within):
                numbers = (process.counted, process.cases, process.rest_counted, process.rest_cases)
                if any(min(column, default=0) < 0 for column in numbers):
                    raise ValueError("counts below 0")
                columns += [*numbers, process.log_e]
            if any(len(column) != sizes.get(group_evidence.family) for column in columns):
                raise ValueError("evidence for other groups than were counted")
        return self


def new_state(
    identity: dict[str, Any], sample: Sample, resets: tuple[Reset, ...] = (), *, declared: bool = True
) -> State:
    """Make a state that has taken in no night yet."""
    return State(identity=identity, sample=sample, resets=resets, declared=declared)


LARGEST: Final = 256 * 1024 * 1024
"""Largest size in bytes. A plan of a thousand groups and five rules has a state of two megabytes; a larger file is
another file.
"""
_CHECKSUM: Final = "checksum"
_SCHEMA: Final = 2


def read_state(path: Path) -> State | None:
    """Read the state in a file; None where there is no file yet.

    Raises
    ------
    ResultError
        If it is not as it was written, of another version, or its nights were added up by another method.
    StorageError
        If it cannot be read.
    """
    with _storing(path):
        if not path.exists():
            return None
        if path.is_dir() or path.stat().st_size > LARGEST:
            raise _damaged(path)
        content = path.read_bytes()
    try:
        fields = json.loads(content)
        checksum = fields.pop(_CHECKSUM)
        version = fields["schema_version"]
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        raise _damaged(path) from None
    if checksum != _digest(fields):
        raise _damaged(path)
    if version != _SCHEMA:
        raise ResultError(
            f"{path.name} is of another version of this file than this audit7k reads", slug="sequential-version"
        )
    try:
        state = State.model_validate_json(json.dumps(fields))
    except ValidationError:
        raise _damaged(path) from None
    # no new history by itself: an upgrade would take back a FAIL that stands, and nobody would look
    if state.method != METHOD:
        raise ResultError(
            f"the nights of {path.name} were added up by method {state.method} of {shown(state.tool)}, and this "
            f"audit7k has method {METHOD}",
            slug="sequential-method",
        )
    return state


def write_state(path: Path, state: State) -> None:
    """Write a state (0600). Raises StorageError, and then the file is as it was."""
    fields = state.model_dump(mode="json")
    with _storing(path):
        write_durably(path, _text({**fields, _CHECKSUM: _digest(fields)}).encode())


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a state against a second night at the same time, by an empty file beside it.

    Raises FolderInUseError where another holds it, StorageError where its folder cannot be written.
    """
    lock = path.with_name(f".{path.name}.lock")
    with ExitStack() as stack:
        with _storing(path):
            try:
                stack.enter_context(held(lock))
            except BlockingIOError:
                raise FolderInUseError(
                    f"{path.name} is in use by another night",
                    slug="folder-in-use",
                    hint=f"wait until it has ended{may_be_left(lock)}",
                ) from None
        yield


def _text(fields: dict[str, Any]) -> str:
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False) + "\n"


def _digest(fields: dict[str, Any]) -> str:
    return hashlib.sha256(_text(fields).encode()).hexdigest()


def _damaged(path: Path) -> ResultError:
    return ResultError(f"{path.name} is not as it was written", slug="sequential-damaged")


def _storing(path: Path) -> AbstractContextManager[None]:
    return storage(path, hint="nothing was taken in; choose another place for the state, or free some space")


FIRST_NIGHT: Final = 0.75
"""Share of a rung for the levels of the first night."""


def levels_seen(
    before: Mapping[str, Sequence[LevelSeen]], features: Sequence[SensitiveFeature], *, first: bool
) -> dict[str, tuple[LevelSeen, ...]]:
    """Add the levels of this night to those of all nights before; `first`: it is the first night."""
    seen: dict[str, tuple[LevelSeen, ...]] = {}
    for feature in features:
        levels = list(before.get(feature.name, ()))
        known = {(known_level.level.rung, known_level.level.code) for known_level in levels}
        late = {
            rung: max((known_level.late for known_level in levels if known_level.level.rung == rung), default=0)
            for rung in feature.rungs
        }
        for level in sorted(feature.levels, key=lambda level: (level.rung, level.code)):
            if (level.rung, level.code) not in known:
                late[level.rung] += not first
                levels.append(LevelSeen(level=level, late=0 if first else late[level.rung]))
        seen[feature.name] = tuple(levels)
    return seen


def features_seen(
    features: Sequence[SensitiveFeature], seen: Mapping[str, Sequence[LevelSeen]]
) -> dict[str, SensitiveFeature]:
    """Return the features of a night, with the levels of all nights."""
    return {
        feature.name: feature.model_copy(
            update={"levels": tuple(level_seen.level for level_seen in seen[feature.name])}
        )
        for feature in features
        if feature.name in seen
    }


def group_shares(groups: Sequence[Group], seen: Mapping[str, Sequence[LevelSeen]]) -> npt.NDArray[np.float64]:
    """float64[G]: the share of each group of a family; they add up to less than 1."""
    of_level: dict[tuple[str, str, str], float] = {}
    for feature, levels in seen.items():
        at_first = Counter(known_level.level.rung for known_level in levels if known_level.late == 0)
        for known_level in levels:
            of_level[feature, known_level.level.rung, known_level.level.code] = _share(
                known_level, at_first[known_level.level.rung]
            )
    return np.array([math.prod(of_level[level] for level in group.levels) for group in groups], dtype=np.float64)


def _share(seen: LevelSeen, at_first: int) -> float:
    if seen.late == 0:
        return FIRST_NIGHT / at_first
    return (1.0 - FIRST_NIGHT) / (seen.late * (seen.late + 1))
