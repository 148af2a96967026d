"""Functions that measure processes, one for each process."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from tools.bench.made_cases import write_answers
from tools.bench.plans import write_plan
from tools.bench.processes import Used, run

JUDGED: Final = (0, 1, 3)
"""Exit codes of an audit with a verdict."""


def whole_audit(data: Path) -> Used:
    """Measure `audit7k run` from a cold start to the last report, on scores at a threshold."""
    plan = write_plan(data, decided="score")
    command = [
        sys.executable,
        "-m",
        "audit",
        "run",
        str(plan),
        "--restricted",
        "--quiet",
        "--out",
        str(data.with_suffix(".out")),
    ]
    return run(command, folder=data.parent, expected=JUDGED)


def gates(data: Path, rounds: int) -> list[Used]:
    """Measure `audit7k gate`, several times, from a cold start to the verdict, on the scores of a predictions file."""
    write_answers(data)
    command = [sys.executable, "-m", "audit", "gate", str(write_plan(data, decided="file")), "--quiet"]
    return [run(command, folder=data.parent, expected=JUDGED) for _ in range(rounds)]


def contender(python: Path, script: str, data: Path) -> Used:
    """Measure, from a cold start, a script of this folder that computes the groups' rates with another library."""
    return run([str(python), "-P", str(Path(__file__).with_name(script)), str(data)], folder=data.parent)


def start_up(rounds: int) -> list[Used]:
    """Measure `audit7k --help`, several times."""
    command = [str(Path(sys.executable).with_name("audit7k")), "--help"]
    return [run(command, folder=Path(sys.prefix)) for _ in range(rounds)]


def module(name: str, *arguments: object) -> Used:
    """Run `python -m tools.bench.<name>` with arguments."""
    command = [sys.executable, "-m", f"tools.bench.{name}", *map(str, arguments)]
    return run(command, folder=Path(__file__).parents[2])
