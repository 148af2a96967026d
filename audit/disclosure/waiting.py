"""Waits for a restricted folder that another command holds: builds of one system start at the same moment.

Unlike a run that writes into the same output folder, which would throw the other's work away, a second command here has
only to come after the first one.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Final

from audit.errors import FolderInUseError
from audit.evaluation.held_file import held, may_be_left

__all__ = ["PATIENCE", "in_turn", "patience"]

PATIENCE: Final = 600.0
"""Seconds for which a command waits: several releases of a large set, one after the other."""
_SILENT: Final = 2.0
"""Seconds after which it says so."""
_seconds: ContextVar[float] = ContextVar("seconds", default=PATIENCE)


@contextlib.contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Wait so long and no longer, in what is done within this context."""
    before = _seconds.set(seconds)
    try:
        yield
    finally:
        _seconds.reset(before)


@contextlib.contextmanager
def in_turn(lock: Path, name: str) -> Iterator[None]:
    """Hold the lock of a file, alone, as soon as nobody else has it; says on stderr that it waits.

    Parameters
    ----------
    lock
        The file, which is made where it is not there.
    name
        What is locked, for people.

    Raises
    ------
    FolderInUseError
        If another still has it when patience ends.
    OSError
        If the file cannot be made.
    """
    patient = _seconds.get()
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(held(lock, patience=min(_SILENT, patient)))
        except BlockingIOError:
            if patient > _SILENT:
                _tell(f"note: waiting until another command has ended that uses {name}, {patient:g} seconds at most")
            try:
                stack.enter_context(held(lock, patience=max(patient - _SILENT, 0.0)))
            except BlockingIOError:
                raise FolderInUseError(
                    f"{name} is in use by another command, and was for {patient:g} seconds",
                    slug="folder-in-use",
                    hint=f"wait until it has ended{may_be_left(lock)}",
                ) from None
        yield


def _tell(line: str) -> None:
    if sys.stderr is not None:  # it may have been closed before the process began, or have nobody who reads
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()
