"""Waits for a restricted folder that another command holds: builds of one system start at the same moment.

Unlike a run that writes into the same output folder, which would throw the other's work away, a second command here has
only to come after the first one.
"""

from __future__ import annotations

import contextlib
import fcntl
import sys
import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Final

from audit.errors import FolderInUseError

__all__ = ["PATIENCE", "patience", "wait_for"]

PATIENCE: Final = 600.0
"""Seconds for which a command waits: several releases of a large set, one after the other."""
_SILENT: Final = 2.0
"""Seconds after which it says so."""
_PAUSE: Final = 0.1
_seconds: ContextVar[float] = ContextVar("seconds", default=PATIENCE)


@contextlib.contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Wait so long and no longer, in what is done within this context."""
    before = _seconds.set(seconds)
    try:
        yield
    finally:
        _seconds.reset(before)


def wait_for(lock: int, name: str) -> None:
    """Take the lock of an open file, alone, as soon as nobody else has it; says on stderr that it waits.

    Parameters
    ----------
    lock : int
        The open file.
    name : str
        What is locked, for people.

    Raises
    ------
    FolderInUseError
        If another still has it when patience ends.
    OSError
        If there are no locks here.
    """
    began, patient, told = time.monotonic(), _seconds.get(), False
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waited = time.monotonic() - began
        else:
            return
        if waited >= patient:
            raise FolderInUseError(
                f"{name} is in use by another command, and was for {patient:g} seconds",
                slug="folder-in-use",
                hint="wait until it has ended",
            )
        if waited >= _SILENT and not told:
            told = True
            _tell(f"note: waiting until another command has ended that uses {name}, {patient:g} seconds at most")
        time.sleep(_PAUSE)


def _tell(line: str) -> None:
    if sys.stderr is not None:  # it may have been closed before the process began, or have nobody who reads
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()
