"""Runs a command and says what it used: the child alone, as the operating system counts it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

KIBIBYTES = 1 if sys.platform == "darwin" else 1024
"""Unit of `ru_maxrss`, in bytes."""


@dataclass(frozen=True, slots=True)
class Used:
    """What one process used, with the children it waited for."""

    seconds: float
    """From start to end."""
    processor_seconds: float
    """User and system time together."""
    peak_bytes: int
    """The largest resident set."""
    exit_code: int
    output: str
    """What it wrote to standard output."""


class ProcessError(Exception):
    """A command ended with a code that was not expected; its text is the end of what it wrote to standard error."""


def run(command: Sequence[str | Path], *, folder: Path, expected: Collection[int] = (0,)) -> Used:
    """Run `command` in `folder`. Raises ProcessError where it ends with an unexpected code."""
    with tempfile.TemporaryFile() as written, tempfile.TemporaryFile() as errors:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=written, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        written.seek(0)
        output = written.read().decode("utf-8", "replace")
        if process.returncode not in expected:
            errors.seek(0)
            raise ProcessError(
                errors.read().decode("utf-8", "replace").strip()[-400:] or f"exit code {process.returncode}"
            )
    processor = usage.ru_utime + usage.ru_stime
    return Used(seconds, processor, usage.ru_maxrss * KIBIBYTES, process.returncode, output)
