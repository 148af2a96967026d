"""Keep answers as they come, so that an interrupted run goes on where it stopped.

A checkpoint is a folder. `run.json` says which run it belongs to. `parts` holds the answers. `complete.json` is written
last and says that there are no more. A detector that takes long over each row has `rows.sqlite` beside them, for single
rows of a batch that is not finished. The same run goes on. Any other run is refused while this one has answers and is
not complete, so that nobody loses a night of scoring to a slip of the pen.
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
from audit.operating_system import lock_folder
from audit.scoring.parts import Part, new_piece, piece_files, read_part, read_parts, seal_piece, write_part
from audit.storage import document_digest, make_folder, read_sealed, remove_temporaries, write_sealed

COMMIT_EVERY: Final = 1.0
"""Seconds of scoring that can be lost: a commit takes 5 to 20 ms."""
MOST_WAITING: Final = 1 << 17
"""Rows after which answers are written, so that no part grows too large where millions are scored in a second."""
_RUN, _COMPLETE, _PARTS, _ROWS, _COURSE = "run.json", "complete.json", "parts", "rows.sqlite", "course.json"
_MOST_COURSES: Final = 50
"""Number of stretches of work whose course is kept: the last ones."""
_WHAT: Final = {
    "tool": "the version of audit7k",
    "packages": "the packages installed",
    "plan": "the plan",
    "scoring": "what the plan says of set and detector",
    "evaluation_set": "the evaluation set",
    "detector": "the detector",
    "rows": "the number of rows",
    "engine": "where rows are scored",
}
Leg = tuple[str, str]
"""Start of a stretch of work on the run, and the time its last answers were kept: UTC, ISO 8601."""


class Checkpoint:
    """The answers of one run in a folder, used as a context manager.

    A failed row counts as answered. A run with failed rows can be complete; they are asked about again only with
    `fresh`.

    Parameters
    ----------
    folder : Path
        The folder of this checkpoint; its parent exists.
    commit_every : float
        Seconds of scoring after which answers are written to the disk.
    fresh : bool
        Whether to throw away the answers that are there.
    refuse : bool
        Whether an unfinished run of something else is refused; if not, it is thrown away.

    Raises
    ------
    FolderInUseError
        Another run keeps its answers there.
    StorageError
        The folder cannot be written. Any step can raise it. Earlier answers stay, and the run can go on later.
    """

    only_by_digest = False
    """Whether answers of a complete run are used again only if the digest covers the whole detector."""

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
        self.was_complete = False
        """Whether the kept answers are those of a complete run."""
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
        """A checkpoint beside this one, for something else that belongs to the run, such as a probe.

        Probes are small beside the set. Their unfinished answers of another run are thrown away and not refused,
        because by then a night may have gone into the set.
        """
        return Checkpoint(self._folder / f"of-{name}", commit_every=self._commit_every, fresh=self._fresh, refuse=False)

    def _move_to(self, folder: Path) -> None:
        """Keep answers in another folder. Call it before `begin`."""
        self._folder, self._parts = folder, folder / _PARTS

    def _remove(self) -> None:
        """Remove the folder of a run that kept nothing."""
        with contextlib.suppress(OSError):
            for name in (_RUN, _COMPLETE, _COURSE):
                (self._folder / name).unlink(missing_ok=True)
            if self._parts.is_dir():
                self._parts.rmdir()
            self._folder.rmdir()

    def begin(self, identity: Mapping[str, Any]) -> None:
        """Find the answers of this run that are there already.

        Parameters
        ----------
        identity : mapping
            Everything that answers depend on, and the plan: `tool`, `packages`, `plan`, `scoring`, `evaluation_set`,
            `detector`, `rows`. A complete run matches if all but `plan` is equal, an unfinished one if all is equal.

        Raises
        ------
        ResumeError
            The folder holds an unfinished run of something else.
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
            self.was_complete = complete == {"run": self._run} and not self._fresh
        self._since, self._started = time.monotonic(), _stamp()

    @property
    def rows_kept(self) -> int:
        """Rows whose answers are on the disk."""
        return sum(part.rows for part in self._known.values())

    @property
    def row_file(self) -> Path:
        """The file for single answers of this run until their batch is kept; see `audit.detectors.protocol`."""
        return self._folder / _ROWS

    @property
    def legs(self) -> tuple[Leg, ...]:
        """The stretches of work on this run, in their order."""
        ends: dict[str, str] = {}
        for part in self._known.values():
            ends[part.started] = max(part.kept, ends.get(part.started, ""))
        return tuple(sorted(ends.items()))

    def answers(self, number: int, rows: int) -> CheckedAnswers | None:
        """The kept answers to batch `number`, which has `rows` rows; None where it has to be scored.

        Call it for the batches in their order.
        """
        part = self._known.get(number)
        if part is not None:
            self.flush()
            with self._storing():
                self._read = dict(enumerate(read_part(self._parts, part), start=number))
        batch_answers = self._read.get(number)
        if batch_answers is not None and len(batch_answers.scores) != rows:
            raise StorageError(
                "the answers kept in the output folder are not those of this set", slug="checkpoint-parts"
            )
        return batch_answers

    def discard_answers(self) -> None:
        """Throw away the answers of a complete run, because the detector now answers otherwise.

        Raises
        ------
        ResumeError
            The run is not complete. Two detectors must not be mixed.
        """
        if not self.was_complete:
            raise ResumeError(
                "the detector answers otherwise than when the unfinished run in the output folder was scored",
                slug="resume-mismatch",
            )
        with self._storing():
            (self._folder / _COMPLETE).unlink(missing_ok=True)
            self._known, self._read = read_parts(self._parts, ""), {}
            remove_row_cache(self.row_file)

    def keep(self, number: int, answers: CheckedAnswers) -> None:
        """Take the answers to a batch.

        They are written to the disk every `commit_every` seconds and every `MOST_WAITING` rows at the latest.
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
        """Write the waiting answers to the disk."""
        if not self._waiting:
            return
        assert self._started is not None  # noqa: S101 - `begin` comes first
        with self._storing():
            part = write_part(self._parts, self._run, self._first, self._waiting, (self._started, _stamp()))
        self._known[part.first] = part
        self._waiting, self._rows_waiting, self._since = [], 0, time.monotonic()

    @property
    def pieces(self) -> Mapping[int, Part]:
        """The pieces that Spark has scored and that are sealed, by their numbers."""
        return self._known

    def files_of(self, part: Part) -> list[Path]:
        """Files with the answers to a piece."""
        return piece_files(self._parts.absolute() / part.folder)

    def new_piece(self, number: int) -> Path:
        """Name a folder that Spark may write the answers to a piece into."""
        return new_piece(self._parts.absolute(), number)

    def keep_piece(self, number: int, folder: Path, rows: int) -> None:
        """Seal such a folder, of `rows` answers."""
        assert self._started is not None  # noqa: S101 - `begin` comes first
        with self._storing():
            self._known[number] = seal_piece(self._run, number, folder, rows, (self._started, _stamp()))

    def keep_course(self, course: Sequence[str]) -> None:
        """Keep the notes on this stretch of work, if it scored anything."""
        if not self._scored or self._started is None:
            return
        before = self._courses()
        if not course and not before:
            return
        courses = {**before, self._started: list(course)}
        with self._storing():
            write_sealed(
                self._folder / _COURSE, {"run": self._run, "course": dict(sorted(courses.items())[-_MOST_COURSES:])}
            )

    @property
    def course(self) -> tuple[str, ...]:
        """Notes on all stretches of work that were not killed; with several, each note says when its stretch began."""
        courses = self._courses()
        if len(courses) == 1:
            return tuple(next(iter(courses.values())))
        return tuple(f"From {begun}: {note}" for begun, notes in sorted(courses.items()) for note in notes)

    def _courses(self) -> dict[str, list[str]]:
        with self._storing():
            sealed = read_sealed(self._folder / _COURSE)
        return dict(sealed["course"]) if sealed is not None and sealed.get("run") == self._run else {}

    def complete(self) -> None:
        """Write the answers that wait, and mark the run as complete."""
        self.flush()
        with self._storing():
            if read_sealed(self._folder / _COMPLETE) != {"run": self._run}:
                write_sealed(self._folder / _COMPLETE, {"run": self._run})

    def _take_lock(self) -> None:
        try:
            self._lock = lock_folder(self._folder)
        except BlockingIOError:
            raise FolderInUseError(f"another run keeps its answers in {self._folder}", slug="folder-in-use") from None

    @contextlib.contextmanager
    def _storing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else "storage error"
            raise StorageError(
                f"cannot keep what was scored in {self._folder} ({why}); {self.rows_kept:,} rows are kept",
                slug="checkpoint-failed",
            ) from None


def answers_digest(identity: Mapping[str, Any]) -> str:
    """Digest of everything that answers depend on: all but the plan, whose limits, groups and words come afterwards."""
    return document_digest({key: value for key, value in identity.items() if key != "plan"})


def _another(before: Mapping[str, Any], now: Mapping[str, Any]) -> ResumeError:
    changed = [words for key, words in _WHAT.items() if before.get(key) != now.get(key)]
    if before.get("plan") != now.get("plan") and _WHAT["scoring"] in changed:
        changed.remove(_WHAT["plan"])
    return ResumeError(
        f"the unfinished run in the output folder is another one: {', '.join(changed) or 'its record'} changed since",
        slug="resume-mismatch",
    )


def _stamp() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
