"""Errors of audit7k, with one line for people, a slug and an exit code; and what others log, withheld."""

from __future__ import annotations

import contextlib
import enum
import logging
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from os import PathLike
from pathlib import Path


class ExitCode(enum.IntEnum):
    """Exit code of the process; the table in docs/reference/exit-codes.md is made from this."""

    PASS = 0
    """Every rule passes, and no group became worse than in an earlier version."""
    FAIL = 1
    """At least one rule fails, or a group became worse than in an earlier version."""
    USAGE = 2
    """The command line is wrong (Click's own code)."""
    INCONCLUSIVE = 3
    """Nothing failed, and there is not enough evidence to pass."""
    NOT_JUDGED = 4
    """Plan, data or model are in error: nothing was judged."""
    NOT_VERIFIED = 5
    """Evidence does not verify."""
    FOLDER_IN_USE = 73
    """The output folder is in use by another run, or the restricted folder still is after ten minutes."""
    RESUME_MISMATCH = 74
    """The unfinished run in the output folder belongs to another plan."""
    STORAGE_FAILED = 75
    """Writing failed; the run can be resumed."""
    INTERRUPTED = 130
    """Interrupted; the run can be resumed."""


@cache
def hints() -> Mapping[str, str]:
    """Read what to do about an error, by its slug."""
    import tomllib  # only where an error is shown

    return tomllib.loads(Path(__file__).with_name("errors.toml").read_text(encoding="utf-8"))


class AuditError(Exception):
    """An error that the caller can put right.

    The text is one line that says what is wrong and where. It never repeats the content of a row, because cells of an
    evaluation set describe people. A `slug` names the entry in docs/reference/errors.md. What to do stands in
    errors.toml under the slug; an `own_hint` says it where it depends on what was found.
    """

    exit_code: ExitCode = ExitCode.NOT_JUDGED

    def __init__(self, message: str, *, slug: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.slug = slug
        self.own_hint = hint

    @property
    def hint(self) -> str:
        """What to do; empty where nobody can say."""
        return self.own_hint or hints().get(self.slug, "")

    def __str__(self) -> str:
        return f"{self.message} — {self.hint}" if self.hint else self.message


class ArgumentError(AuditError):
    """An argument asks for something that is not there or cannot be."""

    exit_code = ExitCode.USAGE


def path_of(given: object) -> Path:
    """Return the path that somebody gave in Python. Raises ArgumentError where it is none."""
    if isinstance(given, str | PathLike):
        return Path(given)
    raise ArgumentError(f"a path is asked for, and this is {type(given).__name__}", slug="no-path")


def check_texts(**given: object) -> None:
    """Raise ArgumentError where an argument that somebody gave in Python is neither a text nor None."""
    for name, value in given.items():
        if not isinstance(value, str | None):
            raise ArgumentError(f"{name} is {type(value).__name__} and no text", slug="no-text")


def check_choice(given: object, known: Iterable[str], what: str) -> None:
    """Raise ArgumentError where an argument is none of those that are known."""
    if given not in (known := list(known)):
        raise ArgumentError(f"no such {what}", slug="no-choice", hint=f"choose from {', '.join(known)}")


class PlanError(AuditError):
    """The plan cannot be read or asks for something impossible."""


class DataError(AuditError):
    """The evaluation set cannot be used as the plan describes it."""


class DetectorError(AuditError):
    """The detector under audit cannot be loaded, or does not answer as it must."""


class DetectorGoneError(DetectorError):
    """The detector no longer answers; scores so far are kept, and the same command goes on."""


class CrosscheckError(AuditError):
    """Another library computes a different number from the same counts: no verdict until the reason is known."""


class ResultError(AuditError):
    """A result file cannot be read by this version."""


class EvidenceError(AuditError):
    """A key, a statement or a bundle of evidence cannot be used."""


class StorageError(AuditError):
    """Output could not be written; nothing half-written is left behind."""

    exit_code = ExitCode.STORAGE_FAILED


class FolderInUseError(StorageError):
    """Another run is writing into the output folder."""

    exit_code = ExitCode.FOLDER_IN_USE


class ResumeError(AuditError):
    """The unfinished run in the output folder is another one."""

    exit_code = ExitCode.RESUME_MISMATCH


class RunInterruptedError(AuditError):
    """A person asked the run to stop; scores so far are kept."""

    exit_code = ExitCode.INTERRUPTED


_here = threading.local()
_lock = threading.Lock()
_withheld: Counter[str] = Counter()
"""Blocks that are running, by the name of the library whose records they withhold."""


@contextlib.contextmanager
def withheld_records(library: str) -> Iterator[None]:
    """Withhold what a library logs in this thread, at whatever level: it can quote a row. Other threads log as ever.

    `library` is the first part of the names of its loggers.
    """
    before: frozenset[str] = getattr(_here, "withheld", frozenset())
    with _lock:
        _withheld[library] += 1
        for logger in _loggers(library):
            logger.addFilter(_is_of_others)
    _here.withheld = before | {library}
    try:
        yield
    finally:
        _here.withheld = before
        with _lock:
            _withheld[library] -= 1
            for logger in () if _withheld[library] else _loggers(library):
                logger.removeFilter(_is_of_others)


def _is_of_others(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] not in getattr(_here, "withheld", ())


def _loggers(library: str) -> list[logging.Logger]:
    names = [name for name in [*logging.root.manager.loggerDict] if name.partition(".")[0] == library]
    return [logging.getLogger(name) for name in names]
