"""One process at a time: a lock on a file, also where the system has no locks that end with their process."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

__all__ = ["held", "may_be_left"]

_PAUSE: Final = 0.05
"""Seconds between two attempts."""


@contextmanager
def held(path: Path, *, patience: float = 0.0, most: float = math.inf) -> Iterator[None]:
    """Hold the lock of a file, which is made (0600) where it is not there.

    Where the system has no such locks (`fcntl`), a second file, `….held`, is there for as long as it is held. Of a
    process that was killed it stays: then `most` says after how long to give up, and somebody must remove it.

    Parameters
    ----------
    path
        The file.
    patience
        Seconds to wait for whoever holds it.
    most
        The same where nobody can tell whether they are still there.

    Raises
    ------
    BlockingIOError
        If another process holds it after all.
    OSError
        If the file cannot be made.
    """
    try:
        import fcntl
    except ImportError:
        mark = _mark(path)
        _tried_until(lambda: _make(mark), min(patience, most))
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                mark.unlink()
        return
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _tried_until(lambda: fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB), patience)
        yield
    finally:
        os.close(handle)


def may_be_left(path: Path) -> str:
    """What to add to the words that a file is held, where the one who holds it may have been killed; else nothing."""
    mark = _mark(path)
    return f"; if it was killed, remove {mark.name}" if mark.exists() else ""


def _mark(path: Path) -> Path:
    return path.with_name(f"{path.name}.held")


def _make(mark: Path) -> None:
    try:
        os.close(os.open(mark, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise BlockingIOError(f"{mark.name} is there") from None


def _tried_until(attempt: Callable[[], None], patience: float) -> None:
    until = time.monotonic() + patience
    while True:
        try:
            attempt()
        except BlockingIOError:
            if time.monotonic() >= until:
                raise
            time.sleep(_PAUSE)
        else:
            return
