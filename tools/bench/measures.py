"""Functions that measure processes, one for each process."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import duckdb

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


def verdicts(data: Path, rounds: int) -> dict[str, Used]:
    """Measure what gives or compares a verdict, from a cold start, on a predictions file: the best of some rounds.

    They take turns: a machine that is slow for half a minute is so for one round of each.
    """
    write_answers(data)
    plan, out = write_plan(data, decided="file"), data.with_suffix(".run")
    commands: dict[str, list[str | Path]] = {
        "run, public files and cross-check": ["run", plan, "--out", out, "--quiet"],
        "gate PLAN": ["gate", plan, "--quiet"],
        "gate RESULT": ["gate", out, "--inputs-elsewhere", "--quiet"],
        "compare": ["compare", out, out],
        "gate --baseline": ["gate", plan, "--baseline", out, "--quiet"],
    }
    turns = [{what: _once(command, data.parent, out) for what, command in commands.items()} for _ in range(rounds)]
    return {what: min((turn[what] for turn in turns), key=lambda turn: turn.processor_seconds) for what in commands}


def gate_of_decisions(data: Path, rounds: int) -> Used:
    """Measure `audit7k gate` from a cold start on a decision column: the best of some rounds."""
    return _best(["gate", write_plan(data, decided="decision"), "--quiet"], data.parent, rounds, data)


def gate_by_number(data: Path, rounds: int) -> Used:
    """Measure `audit7k gate` of two features and a decision column, with ids that are numbers."""
    numbered = data.with_suffix(".numbered.parquet")
    if not numbered.exists():
        columns = "CAST(case_id AS BIGINT) AS case_id, gender, nationality, label, decision"
        unfinished = numbered.with_suffix(".unfinished")
        with duckdb.connect() as connection:
            connection.execute(f"COPY (SELECT {columns} FROM '{data}') TO '{unfinished}' (FORMAT parquet)")
        unfinished.replace(numbered)
    plan = write_plan(numbered, decided="decision", crossed=False)
    return _best(["gate", plan, "--quiet"], data.parent, rounds, data)


def demonstration(folder: Path, rounds: int) -> Used:
    """Measure `audit7k run` of the demonstration's plan, with public files and cross-check, into an empty folder."""
    run([sys.executable, "-m", "audit", "demo", "--out", str(folder)], folder=folder.parent)
    out = folder / "audit-out"
    return _best(["run", folder / "plan.toml", "--out", out, "--quiet"], folder, rounds, out)


_CLOCKED: Final = """
import contextlib, importlib, json, sys, time
from pathlib import Path
from audit.cli import main
listed = Path(sys.argv[1])
for name in json.loads(listed.read_text()) if listed.exists() else ():
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
sys.argv = ["audit7k", *sys.argv[2:]]
began = time.process_time()
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
spent = time.process_time() - began
if not listed.exists():
    listed.write_text(json.dumps(sorted(sys.modules)))
print(f"\\n{spent}")
"""


def evidence(folder: Path, rounds: int) -> dict[str, tuple[float, float]]:
    """Measure `seal` and `verify` of what a run left in a folder: processor seconds beyond the imports of each, by a
    clock within the process, and of the whole process; the best of some rounds.
    """
    audit, out = [sys.executable, "-m", "audit"], folder / "audit-out"
    key = folder / "own.key"
    if not key.exists():
        run([*audit, "key", "new", key, "--no-passphrase"], folder=folder)
    seconds_by_command = {}
    for name, named in (("seal", key), ("verify", key.with_name("own.key.pub"))):
        command = [name, str(out), "--key", str(named)]
        clocked = [sys.executable, "-c", _CLOCKED, str(folder / f"{name}.modules"), *command]
        beyond = [float(run(clocked, folder=folder).output.split()[-1]) for _ in range(rounds + 1)]
        all_seconds = [run([*audit, *command], folder=folder).processor_seconds for _ in range(rounds)]
        seconds_by_command[name] = min(beyond), min(all_seconds)
    return seconds_by_command


def _best(arguments: Sequence[str | Path], folder: Path, rounds: int, out: Path) -> Used:
    used = (_once(arguments, folder, out) for _ in range(rounds))
    return min(used, key=lambda use: use.processor_seconds)


def _once(arguments: Sequence[str | Path], folder: Path, out: Path) -> Used:
    if arguments[0] == "run":
        shutil.rmtree(out, ignore_errors=True)
    return run([sys.executable, "-m", "audit", *arguments], folder=folder, expected=JUDGED)


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
