"""What somebody sees who waits for a run: something new at least once a second, from the first second to the last."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from made.children import descendants

from tools.bench.made_cases import write_answers, write_cases
from tools.bench.plans import write_plan

LONGEST = 2.5
"""Seconds without anything new. A second is meant; the rest is room for a slow machine."""


def seen(command: list[str], folder: Path) -> tuple[list[float], str]:
    """Run a command on a terminal; the seconds between what it shows, from start to end, and all of it.

    Less those in which the thread that waited most for a processor waited for one: others had it.
    """
    ours, theirs = pty.openpty()
    last, before = time.monotonic(), dict[str, float]()
    gaps, shown = [], b""
    with subprocess.Popen(command, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, env=_environment()) as run:
        os.close(theirs)
        while True:
            try:
                part = os.read(ours, 65_536)
            except OSError:  # so a terminal ends on Linux
                part = b""
            now, threads = time.monotonic(), _waits(run.pid)
            waited = max((seconds - before.get(thread, 0.0) for thread, seconds in threads.items()), default=0.0)
            gaps.append(now - last - waited)
            last, before = now, threads
            if not part:
                break
            shown += part
        run.wait(240)
    os.close(ours)
    return gaps, shown.decode()


def _waits(process: int) -> dict[str, float]:
    """Seconds that each thread of a process, and of those below it, could have worked and had no processor."""
    found = {}
    for one in (process, *descendants(process)):
        for place in Path(f"/proc/{one}/task").glob("*/schedstat"):
            with suppress(OSError):
                found[place.parent.name] = int(place.read_text().split()[1]) / 1e9
    return found


def _environment() -> dict[str, str]:
    return {**os.environ, "TERM": "xterm", "COLUMNS": "200"}


def test_a_run_shows_something_new_every_second(tmp_path: Path) -> None:
    data = tmp_path / "cases.parquet"
    write_cases(data, 1_600, seed=1, spread="even")
    write_answers(data)
    gaps, shown = seen([sys.executable, "-P", "-m", "audit", "run", str(write_plan(data, decided="file"))], tmp_path)
    assert max(gaps) < LONGEST
    for stage in ("reading", "scoring", "counting", "judging", "cross-check", "publishing"):
        assert stage in shown
    of_longest = re.findall(r"(?:estimating|cross-check) \d+\.\d s …", shown)
    assert len(set(of_longest)) >= 3
    drawn = [
        {float(at) for at in re.findall(rf"{stage} (\d+\.\d) s …", shown)} for stage in ("estimating", "cross-check")
    ]
    longest = max(drawn, key=max)
    assert len(longest) >= max(longest)  # once a second, whoever had the processors: a gap alone may be forgiven


@pytest.mark.parametrize(("command", "stages"), [("check", ("reading",)), ("power", ("reading", "planning"))])
def test_what_is_asked_before_a_run_shows_that_it_works(command: str, stages: Sequence[str], tmp_path: Path) -> None:
    data = tmp_path / "cases.parquet"
    write_cases(data, 100, seed=1, spread="even")
    write_answers(data)
    gaps, shown = seen([sys.executable, "-P", "-m", "audit", command, str(write_plan(data, decided="file"))], tmp_path)
    assert max(gaps) < LONGEST
    assert all(f"{stage} 0.0 s …" in shown for stage in stages)
    assert command == "check" or len(set(re.findall(r"planning \d\.\d s …", shown))) >= 3


@pytest.mark.parametrize(
    "command",
    [("look", "--label", "label", "--decision", "decision"), ("codes", "--column", "nationality")],
)
def test_a_file_that_is_looked_at_before_there_is_a_plan_shows_that_it_is_read(
    command: Sequence[str], tmp_path: Path
) -> None:
    data = tmp_path / "cases.parquet"
    write_cases(data, 100, seed=1, spread="even")
    _, shown = seen([sys.executable, "-P", "-m", "audit", command[0], str(data), *command[1:]], tmp_path)
    assert "reading 0.0 s …" in shown
