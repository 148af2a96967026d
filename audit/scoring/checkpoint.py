"""Keeps what was scored, so that a run which is interrupted goes on where it stopped.

In a folder of its own: `run.json` says which run it is, `parts` holds the answers, and `complete.json`, written last,
says that there are no more. A detector that takes long over each row has `rows.sqlite` beside them, for the rows of a
batch that is not answered as a whole. The same run goes on; another one is refused as long as this one is not complete
and has answers, so that nobody loses a night of scoring to a slip of the pen.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from audit.detectors.answers import CheckedAnswers
from audit.detectors.row_cache import remove_row_cache
from audit.errors import FolderInUseError, ResumeError, StorageError
from audit.scoring.parts import Part, read_part, read_parts, write_part
from audit.scoring.sealed_json import digest, read_sealed, write_sealed
from audit.storage import make_folder, remove_temporaries

__all__ = ["COMMIT_EVERY", "Checkpoint", "Leg", "answers_digest"]

COMMIT_EVERY: Final = 1.0
"""Seconds of scoring that can be lost: a commit takes 5 to 20 ms."""
MOST_WAITING: Final = 1 << 17
"""Rows that are kept at once, so that a part holds no more of them where millions are scored in a second."""
_RUN, _COMPLETE, _PARTS, _ROWS, _COURSE = "run.json", "complete.json", "parts", "rows.sqlite", "course.json"
_MOST_TOLD: Final = 50
"""Stretches of work whose course is kept: the last ones."""
_WHAT: Final = {
    "tool": "the version of audit7k",
    "packages": "the packages installed",
    "plan": "the plan",
    "scoring": "what the plan says of set and detector",
    "evaluation_set": "the evaluation set",
    "detector": "the detector",
    "rows": "the number of rows",
}
Leg = tuple[str, str]
"""When a stretch of work on the run began, and when its last answers were kept: UTC, ISO 8601."""


class Checkpoint:
    """The answers of one run in a folder; used with `with`.

    A row that failed has been answered: a run with such rows is complete, and asks about them only where it is scored
    anew.

    Parameters
    ----------
    folder : Path
        A folder of its own, in one that exists.
    commit_every : float
        Seconds of scoring after which answers are brought to the disk.
    fresh : bool
        Whether what is there is thrown away.
    refuse : bool
        Whether an unfinished run of something else is refused, or thrown away.

    Raises
    ------
    FolderInUseError
        Another run keeps its answers there.
    StorageError
        From any step, if the folder cannot be written; what was kept before stays, and the run can go on later.
    """

    only_by_digest = False
    """Whether answers of a run that ended are believed only of a detector whose digest covers all of it."""

    def __init__(
        self, folder: Path, *, commit_every: float = COMMIT_EVERY, fresh: bool = False, refuse: bool = True
    ) -> None:
        self._folder = folder
        self._parts = folder / _PARTS
        self._commit_every = commit_every
        self._fresh = fresh
        self._refuse = refuse
        self._lock: int | None = None
        self._run = ""
        self._known: dict[int, Part] = {}
        self._read: dict[int, CheckedAnswers] = {}
        self._first = 0
        self._waiting: list[CheckedAnswers] = []
        self._rows_waiting = 0
        self._started: str | None = None
        self._was_complete = False
        self._scored = False
        self._since = 0.0

    def __enter__(self) -> Self:
        with self._storing():
            make_folder(self._folder)
            self._take_lock()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._known and not self.row_file.exists():
            self._remove()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def beside(self, name: str) -> Checkpoint:
        """Where the answers to something else are kept that belongs to this run, such as a probe.

        They are few beside those of the set: unfinished ones of another run are thrown away and not refused, since by
        then a night may have gone into the set.
        """
        return Checkpoint(self._folder / f"of-{name}", commit_every=self._commit_every, fresh=self._fresh, refuse=False)

    def _move_to(self, folder: Path) -> None:
        """Keep answers in another folder; before `begin`."""
        self._folder, self._parts = folder, folder / _PARTS

    def _remove(self) -> None:
        """Leave no trace of a run of which nothing was kept."""
        with contextlib.suppress(OSError):
            for name in (_RUN, _COMPLETE, _COURSE):
                (self._folder / name).unlink(missing_ok=True)
            if self._parts.is_dir():
                self._parts.rmdir()
            self._folder.rmdir()

    def begin(self, identity: Mapping[str, Any]) -> None:
        """Find what there is of this run.

        Parameters
        ----------
        identity : mapping
            All that answers depend on, and the plan: `tool`, `packages`, `plan`, `scoring`, `evaluation_set`,
            `detector`, `rows`. A complete run is the same where everything but `plan` is; an unfinished one where all
            of it is.

        Raises
        ------
        ResumeError
            An unfinished run of something else is here.
        """
        now = dict(identity)
        self._run = answers_digest(now)
        with self._storing():
            remove_temporaries(self._folder)
            before = read_sealed(self._folder / _RUN)
            complete = read_sealed(self._folder / _COMPLETE)
            some = any(self._parts.glob("*.json")) or self.row_file.exists()
            unfinished = before is not None and complete != {"run": answers_digest(before)} and some
            if before is not None and unfinished and before != now and self._refuse and not self._fresh:
                self._known = read_parts(self._parts, answers_digest(before))
                raise _another(before, now)
            if self._fresh or before is None or answers_digest(before) != self._run:
                remove_row_cache(self.row_file)
                (self._folder / _COURSE).unlink(missing_ok=True)
            if complete is not None and (self._fresh or complete != {"run": self._run}):
                (self._folder / _COMPLETE).unlink()
            if before != now:
                write_sealed(self._folder / _RUN, now)
            make_folder(self._parts)
            remove_temporaries(self._parts)
            self._known = read_parts(self._parts, "" if self._fresh else self._run)
            self._was_complete = complete == {"run": self._run} and not self._fresh
        self._since, self._started = time.monotonic(), _stamp()

    @property
    def rows_kept(self) -> int:
        """Rows whose answers are on the disk."""
        return sum(part.rows for part in self._known.values())

    @property
    def row_file(self) -> Path:
        """Where a detector may keep single answers of this run until their batch is kept: see `detectors.protocol`."""
        return self._folder / _ROWS

    @property
    def legs(self) -> tuple[Leg, ...]:
        """The stretches of work in which this run was scored, in their order."""
        ends: dict[str, str] = {}
        for part in self._known.values():
            ends[part.started] = max(part.kept, ends.get(part.started, ""))
        return tuple(sorted(ends.items()))

    @property
    def was_complete(self) -> bool:
        """Whether a run that ended has kept what is here."""
        return self._was_complete

    def answers(self, number: int, rows: int) -> CheckedAnswers | None:
        """The answers to a batch of so many rows as they were kept; None where it has to be scored.

        Batches are asked for in their order.
        """
        part = self._known.get(number)
        if part is not None:
            self.flush()
            with self._storing():
                self._read = dict(enumerate(read_part(self._parts, part), start=number))
        found = self._read.get(number)
        if found is not None and len(found.scores) != rows:
            raise _not_of_this_set()
        return found

    def disbelieve(self) -> None:
        """Throw away what a complete run has kept: the detector now answers otherwise.

        Raises
        ------
        ResumeError
            The run is not complete. Two detectors must not be mixed.
        """
        if not self._was_complete:
            raise ResumeError(
                "the detector answers otherwise than when the unfinished run in the output folder was scored",
                slug="resume-mismatch",
                hint="change it back to go on, choose another --out, or throw away what was scored with --fresh",
            )
        with self._storing():
            (self._folder / _COMPLETE).unlink(missing_ok=True)
            self._known, self._read = read_parts(self._parts, ""), {}
            remove_row_cache(self.row_file)

    def keep(self, number: int, answers: CheckedAnswers) -> None:
        """Take the answers to a batch.

        At least every `commit_every` seconds, and every `MOST_WAITING` rows, they are brought to the disk.
        """
        if self._waiting and number != self._first + len(self._waiting):
            self.flush()  # a part has batches that follow each other, and batches may be read ahead of their answers
        if not self._waiting:
            self._first = number
        self._waiting.append(answers)
        self._rows_waiting += len(answers.scores)
        self._scored = True
        if self._rows_waiting >= MOST_WAITING or time.monotonic() - self._since >= self._commit_every:
            self.flush()

    def flush(self) -> None:
        """Bring what is waiting to the disk."""
        if not self._waiting:
            return
        assert self._started is not None  # noqa: S101 - `begin` comes first
        with self._storing():
            part = write_part(self._parts, self._run, self._first, self._waiting, (self._started, _stamp()))
        self._known[part.first] = part
        self._waiting, self._rows_waiting, self._since = [], 0, time.monotonic()

    def tell(self, course: Sequence[str]) -> None:
        """Keep how this stretch of work went, if any of the run was scored in it."""
        if not self._scored or self._started is None:
            return
        before = self._told()
        if not course and not before:
            return
        told = {**before, self._started: list(course)}
        with self._storing():
            write_sealed(self._folder / _COURSE, {"run": self._run, "course": dict(sorted(told.items())[-_MOST_TOLD:])})

    @property
    def course(self) -> tuple[str, ...]:
        """How the stretches of work went that were not killed; each note with its beginning where there are several."""
        told = self._told()
        if len(told) == 1:
            return tuple(next(iter(told.values())))
        return tuple(f"From {begun}: {note}" for begun, notes in sorted(told.items()) for note in notes)

    def _told(self) -> dict[str, list[str]]:
        with self._storing():
            kept = read_sealed(self._folder / _COURSE)
        return dict(kept["course"]) if kept is not None and kept.get("run") == self._run else {}

    def complete(self) -> None:
        """Say that every batch is scored."""
        self.flush()
        with self._storing():
            if read_sealed(self._folder / _COMPLETE) != {"run": self._run}:
                write_sealed(self._folder / _COMPLETE, {"run": self._run})

    def _take_lock(self) -> None:
        try:
            import fcntl
        except ImportError:
            return
        self._lock = os.open(self._folder, os.O_RDONLY)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            self._lock = None
            raise FolderInUseError(
                f"another run keeps its answers in {self._folder}",
                slug="folder-in-use",
                hint="wait for it, or choose --out",
            ) from None

    @contextlib.contextmanager
    def _storing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else "storage error"
            raise StorageError(
                f"cannot keep what was scored in {self._folder} ({why}); {self.rows_kept:,} rows are kept",
                slug="checkpoint-failed",
                hint="free some space and run the same command again: it goes on where it stopped",
            ) from None


def answers_digest(identity: Mapping[str, Any]) -> str:
    """Of what answers depend on: not of limits, groups and words, which are applied to them afterwards."""
    return digest({key: value for key, value in identity.items() if key != "plan"})


def _another(before: Mapping[str, Any], now: Mapping[str, Any]) -> ResumeError:
    changed = [words for key, words in _WHAT.items() if before.get(key) != now.get(key)]
    if before.get("plan") != now.get("plan") and _WHAT["scoring"] in changed:
        changed.remove(_WHAT["plan"])
    return ResumeError(
        f"the unfinished run in the output folder is another one: {', '.join(changed) or 'its record'} changed since",
        slug="resume-mismatch",
        hint="change it back to go on, choose another --out, or throw away what was scored with --fresh",
    )


def _not_of_this_set() -> StorageError:
    return StorageError(
        "the answers kept in the output folder are not those of this set",
        slug="checkpoint-parts",
        hint="score everything anew with --fresh",
    )


def _stamp() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
