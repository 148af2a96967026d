"""Observe what a detector leaves behind: threads, child processes, and printed or logged text."""

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
"""Command lines of processes that Python itself starts once and keeps."""
Process = tuple[int, str]
"""Id and start time of a process; ids are used again."""


def child_processes(besides: frozenset[Process] = frozenset()) -> frozenset[Process] | None:
    """Return all running processes that descend from this one; None if they cannot be seen here.

    Those of `besides` are left out, and whatever they start: a browser, for one, starts processes at any time.
    """
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
    descendants: set[Process] = set()
    waiting = [os.getpid()]
    while waiting:
        for process in parents.get(waiting.pop(), []):
            if process not in besides:
                descendants.add(process)
                waiting.append(process[0])
    return frozenset(process for process in descendants if not _is_of_python(process[0]))


def _is_of_python(number: int) -> bool:
    try:
        line = (_PROC / str(number) / "cmdline").read_bytes()
    except OSError:
        return True
    return any(name in line for name in _OF_PYTHON)


def _program(number: int) -> str:
    try:
        return (_PROC / str(number) / "comm").read_text("utf-8", "replace").strip()
    except OSError:
        return "ended"


def still_runs(process: Process) -> bool:
    """Whether the process has not ended, and its id still belongs to it."""
    try:
        state, *rest = (_PROC / str(process[0]) / "stat").read_text("latin-1").rpartition(")")[2].split()
    except OSError:
        return False
    return state not in "ZX" and rest[18] == process[1]


class Surroundings:
    """Threads and processes from before a detector was made; `left` counts the additional ones."""

    def __init__(self) -> None:
        self._threads = frozenset(threading.enumerate())
        self._processes = child_processes()
        self._met: set[Process] = set()

    @property
    def sees_processes(self) -> bool:
        """Whether child processes can be seen here."""
        return self._processes is not None

    def look(self) -> None:
        """Remember the processes that run now: if its parent ends first, a process is no descendant afterwards."""
        self._met |= child_processes(self._processes or frozenset()) or frozenset()

    def left(self, patience: float) -> tuple[int, tuple[str, ...]]:
        """Number of threads, and names of programs of processes, that still run after `patience` seconds."""
        until = time.monotonic() + patience
        while True:
            self.look()
            threads = sum(thread not in self._threads for thread in threading.enumerate())
            # what Python starts and keeps looks like its parent until it has loaded its own program
            processes = [process for process in self._met if still_runs(process) and not _is_of_python(process[0])]
            if not (threads or processes) or time.monotonic() > until:
                return threads, tuple(sorted(_program(process[0]) for process in processes))
            time.sleep(0.02)


class Heard:
    """Text that was printed and logged."""

    def __init__(self) -> None:
        self.text = ""


class _Records(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep every text that a formatter could show."""
        with contextlib.suppress(Exception):
            self.texts.append(record.getMessage())
        self.texts.append(repr(record.__dict__))


@contextlib.contextmanager
def listening() -> Iterator[Heard]:
    """Collect all output to standard output and error, of this process or a child, and all log records."""
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
            for number, saved in former:
                os.dup2(saved, number)
                os.close(saved)
            file.seek(0)
            shown = file.read().decode("utf-8", "replace")
            heard.text = "\n".join([written.getvalue(), shown, *records.texts])
