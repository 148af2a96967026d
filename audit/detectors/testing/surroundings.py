"""Sees what a detector leaves in its surroundings: threads, child processes, and what it prints and logs."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_OF_PYTHON: Final = (b"multiprocessing.resource_tracker", b"multiprocessing.forkserver")
"""Processes that Python itself starts once and keeps."""
Process = tuple[int, str]
"""Its number, and when it started: numbers are used again."""


def child_processes() -> frozenset[Process] | None:
    """All processes that descend from this one and run; None where that cannot be seen."""
    if not (_PROC / "self" / "stat").exists():
        return None
    parents: dict[int, list[Process]] = {}
    for folder in _PROC.iterdir():
        if not folder.name.isdecimal():
            continue
        with contextlib.suppress(OSError):  # it has ended meanwhile
            state, parent, *rest = (folder / "stat").read_text("latin-1").rpartition(")")[2].split()
            if state not in "ZX":
                parents.setdefault(int(parent), []).append((int(folder.name), rest[17]))
    found: set[Process] = set()
    waiting = [os.getpid()]
    while waiting:
        for process in parents.get(waiting.pop(), []):
            found.add(process)
            waiting.append(process[0])
    return frozenset(process for process in found if not _is_of_python(process[0]))


def _is_of_python(number: int) -> bool:
    try:
        line = (_PROC / str(number) / "cmdline").read_bytes()
    except OSError:
        return True
    return any(name in line for name in _OF_PYTHON)


def runs(process: Process) -> bool:
    """Whether the process is still the one that it was, and has not ended."""
    try:
        state, *rest = (_PROC / str(process[0]) / "stat").read_text("latin-1").rpartition(")")[2].split()
    except OSError:
        return False
    return state not in "ZX" and rest[18] == process[1]


class Surroundings:
    """What was there before a detector was made; `left` says what is there in addition."""

    def __init__(self) -> None:
        self._threads = frozenset(threading.enumerate())
        self._processes = child_processes()
        self._met: set[Process] = set()

    @property
    def sees_processes(self) -> bool:
        """Whether child processes can be seen here."""
        return self._processes is not None

    def look(self) -> None:
        """Remember the processes that run now: one whose parent ends first is nobody's child afterwards."""
        self._met |= (child_processes() or frozenset()) - (self._processes or frozenset())

    def left(self, patience: float) -> tuple[int, int]:
        """Threads and processes that are still there after `patience` seconds."""
        until = time.monotonic() + patience
        while True:
            self.look()
            threads = sum(thread not in self._threads for thread in threading.enumerate())
            processes = sum(map(runs, self._met))
            if not (threads or processes) or time.monotonic() > until:
                return threads, processes
            time.sleep(0.02)


class Heard:
    """What was printed and logged."""

    def __init__(self) -> None:
        self.text = ""


class _Records(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep all that a formatter could show."""
        with contextlib.suppress(Exception):
            self.texts.append(record.getMessage())
        self.texts.append(repr(record.__dict__))


@contextlib.contextmanager
def listening() -> Iterator[Heard]:
    """Hear all that is written to standard output and error, by this process or a child, and all log records."""
    heard, records, written = Heard(), _Records(), io.StringIO()
    root = logging.getLogger()
    level = root.level
    with tempfile.TemporaryFile() as file:
        sys.stdout.flush()
        sys.stderr.flush()
        former = [(number, os.dup(number)) for number in (1, 2)]
        for number, _ in former:
            os.dup2(file.fileno(), number)
        root.addHandler(records)
        root.setLevel(logging.DEBUG)
        try:
            with contextlib.redirect_stdout(written), contextlib.redirect_stderr(written):
                yield heard
        finally:
            root.setLevel(level)
            root.removeHandler(records)
            for number, kept in former:
                os.dup2(kept, number)
                os.close(kept)
            file.seek(0)
            shown = file.read().decode("utf-8", "replace")
            heard.text = "\n".join([written.getvalue(), shown, *records.texts])
