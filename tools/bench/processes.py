"""Run of a command, with what it used: the child alone, as the operating system counts it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

KIBIBYTES = 1 if sys.platform == "darwin" else 1024
"""Unit of `ru_maxrss`, in bytes."""

_SMALL = """
import json, os, sys, time
started = time.perf_counter()
process = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, used = os.wait4(process, 0)
seconds = time.perf_counter() - started
with open(int(sys.argv[1]), "w") as report:
    json.dump([seconds, used.ru_utime + used.ru_stime, used.ru_maxrss, os.waitstatus_to_exitcode(status)], report)
"""
"""Small parent, of 10 MB, that starts the command and waits: Linux counts a parent's memory as its child's peak."""


@dataclass(frozen=True, slots=True)
class Used:
    """Resources that one process used, with the children it waited for."""

    seconds: float
    """Seconds from start to end."""
    processor_seconds: float
    """Seconds of user and system time together."""
    peak_bytes: int
    """Largest resident set."""
    exit_code: int
    output: str
    """Text that it wrote to standard output."""


class ProcessError(Exception):
    """Unexpected exit code of a command; the text is the end of its standard error."""


def run(command: Sequence[str | Path], *, folder: Path, expected: Collection[int] = (0,)) -> Used:
    """Run `command` in `folder`. Raises ProcessError if it ends with an unexpected code or does not exist."""
    with tempfile.TemporaryFile() as written, tempfile.TemporaryFile() as errors, tempfile.TemporaryFile() as report:
        small = [sys.executable, "-I", "-S", "-c", _SMALL, str(report.fileno())]
        started = subprocess.run(
            [*small, *command], cwd=folder, stdout=written, stderr=errors, pass_fds=[report.fileno()], check=False
        )
        errors.seek(0)
        last_words = errors.read().decode("utf-8", "replace").strip()[-400:]
        if started.returncode:
            raise ProcessError(last_words)
        report.seek(0)
        seconds, processor, peak, exit_code = json.load(report)
        written.seek(0)
        output = written.read().decode("utf-8", "replace")
        if exit_code not in expected:
            raise ProcessError(last_words or f"exit code {exit_code}")
    return Used(seconds, processor, peak * KIBIBYTES, exit_code, output)
