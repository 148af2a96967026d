"""Make the data, measure, and print the table: `python -m tools.bench [--small] [--folder FOLDER]`."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tools.bench.aequitas_environment import aequitas_python
from tools.bench.harness import harness_lines
from tools.bench.lines import Line, table
from tools.bench.measures import (
    contender,
    demonstration,
    evidence,
    gate_by_number,
    gate_of_decisions,
    module,
    start_up,
    verdicts,
    whole_audit,
)
from tools.bench.processes import ProcessError, Used
from tools.bench.spark_slopes import slopes

SEED: Final = 20240412
BUDGETS: Final = {
    "run, public files and cross-check": 9.0,
    "gate PLAN": 1.6,
    "gate RESULT": 0.7,
    "compare": 2.0,
    "gate --baseline": 1.5,
    "seal": 0.3,
    "verify": 0.1,
}
"""Seconds of processor time that a command may take, of which `make bench` says whether they are met."""
GATES: Final = {10_000_000: (4.0, 0.5), 100_000_000: (35.0, 1.5)}
"""Processor seconds and gigabytes that a gate of so many rows may take."""
_AHEAD: Final = (1 / 3, 1 / 15)
"""Shares of another library's time that the whole gate, and its counts, may take of the largest file."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Rows of the files, and rounds of quick measurements: the best round counts, because other work only adds time."""

    counted: tuple[int, ...]
    peers: int
    largest: int
    strata: int
    rounds: int
    scored: int = 100_000
    held: tuple[int, ...] = (100_000, 1_000_000)
    numbered: tuple[int, ...] = ()
    """Rows of further files whose gate is measured with ids that are numbers."""
    gates: int = 7
    on_spark: tuple[int, ...] = (1_000_000, 3_000_000, 10_000_000)
    scanned: tuple[int, ...] = (3, 5)
    """Columns of the subgroup scans."""
    demo: bool = True
    """Whether the demonstration is run, of a size of its own."""
    only_verdicts: bool = False
    """Whether nothing but the commands that give a verdict is measured."""


FULL: Final = Sizes(
    counted=(1_000_000, 10_000_000),
    peers=1_000_000,
    largest=10_000_000,
    strata=64_000,
    rounds=15,
    numbered=(100_000_000,),
)
SMALL: Final = Sizes(
    counted=(20_000,),
    peers=20_000,
    largest=20_000,
    strata=1_600,
    rounds=2,
    scored=2_000,
    held=(2_000, 4_000),
    gates=1,
    on_spark=(2_000, 20_000),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print. The table marks a value over its goal, but that is no error: the machine may be busy."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    parser.add_argument("--small", action="store_true", help="few rows: to see that everything runs")
    parser.add_argument("--folder", type=Path, help="keep data and the environment of aequitas there for another run")
    parser.add_argument("--large", action="store_true", help="score ten million rows as well")
    only = "only what the harness costs over a bare model, or only the commands that give a verdict"
    parser.add_argument("--only", choices=["harness", "verdicts"], help=only)
    options = parser.parse_args(arguments)
    sizes = SMALL if options.small else FULL
    if options.large:
        sizes = replace(sizes, held=(*sizes.held, 10_000_000))
    with _folder(options.folder) as folder:
        sizes = replace(sizes, only_verdicts=options.only == "verdicts")
        lines = list(_harness(folder, sizes) if options.only == "harness" else measure(folder, sizes))
    print(f"\n{os.cpu_count()} processors, {platform.machine()}, Python {platform.python_version()}; one run\n")
    print(table(lines))
    return 0


def measure(folder: Path, sizes: Sizes) -> Iterator[Line]:
    """Measure, and yield every line of the table."""
    yield from _start_up(sizes)
    yield from _strata(_data(folder, sizes.strata, "even"), sizes)
    if sizes.demo:
        yield from _demo(folder, sizes)
    if sizes.only_verdicts:
        return
    shortest: dict[int, float] = {}
    for rows in sizes.counted:
        yield from _counts(_data(folder, rows, "zipf"), rows, sizes, shortest)
    peers = _data(folder, sizes.peers, "zipf")
    ours = _audited(peers, sizes.peers)
    yield from _peers(peers, ours, folder, sizes)
    for rows in sorted({sizes.peers, sizes.largest}):
        yield from _gate_and_peers(_data(folder, rows, "zipf"), rows, folder, sizes, shortest)
    yield from _spark(folder, sizes)
    yield from _analysis(_data(folder, sizes.largest, "zipf"), sizes.largest)
    yield from _replicates(sizes)
    yield from _scan(sizes)
    if sizes.largest != sizes.peers:
        ours = _audited(_data(folder, sizes.largest, "zipf"), sizes.largest)
    yield _largest(ours, sizes)
    for rows in (sizes.largest, *sizes.numbered):
        yield from _numbered(_data(folder, rows, "zipf"), rows, sizes)
    if sizes.scored:
        yield from _harness(folder, sizes)


def _harness(folder: Path, sizes: Sizes) -> Iterator[Line]:
    yield from harness_lines(folder, sizes.scored, sizes.held, rounds=max(1, min(3, sizes.rounds)), say=_say)


def _start_up(sizes: Sizes) -> Iterator[Line]:
    _say("audit7k --help")
    spent = min(used.processor_seconds for used in start_up(sizes.rounds))
    yield Line("audit7k --help, processor time", spent * 1000, "ms", 150)


def _strata(data: Path, sizes: Sizes) -> Iterator[Line]:
    _say("an audit with 800 strata")
    used = whole_audit(data)
    what = f"audit7k run, {data.stem} rows, 800 strata, processor time"
    yield Line(what, used.processor_seconds, "s", 3, _spent(used))
    _say("verdicts over 800 strata, with a predictions file")
    for name, best in verdicts(data, sizes.gates).items():
        what = f"audit7k {name}, {data.stem} rows, 800 strata, predictions file, processor time"
        yield Line(what, best.processor_seconds, "s", BUDGETS[name], f"best of {sizes.gates}; {_spent(best)}")


def _demo(folder: Path, sizes: Sizes) -> Iterator[Line]:
    _say("a run of the demonstration")
    best = demonstration(folder / "demo", sizes.gates)
    # the sandbox is killed with the model in it, and the system adds its time to nobody's
    what = "audit7k run, the demonstration, public files and cross-check, the model's process aside, processor time"
    yield Line(what, best.processor_seconds, "s", 7, f"best of {sizes.gates}; {_spent(best)}")
    for name, (beyond, entire) in evidence(folder / "demo", sizes.gates).items():
        what = f"audit7k {name}, the demonstration, processor time beyond imports"
        yield Line(what, beyond, "s", BUDGETS[name], f"best of {sizes.gates}; {entire:.2f} s with them")


def _counts(data: Path, rows: int, sizes: Sizes, shortest: dict[int, float]) -> Iterator[Line]:
    for decided in ("decision", "score"):
        _say(f"counts of {rows:,} rows by {decided}")
        counted = json.loads(module("counting", data, decided, sizes.rounds).output)
        if counted["rows"] != rows:
            raise AssertionError(f"{rows} rows were written and {counted['rows']} counted")
        shortest.setdefault(rows, counted["ours"])
        for key, columns, goal in (("bare", "two columns", 2.5), ("same", "the same columns", 1.3)):
            what = f"counts of {rows:,} rows by {decided}, to a bare GROUP BY of {columns}"
            note = f"{counted['ours'] * 1000:.0f} ms to {counted[key] * 1000:.0f} ms; {counted['strata']} strata"
            yield Line(what, counted["ours"] / counted[key], "x", goal, note)


def _audited(data: Path, rows: int) -> Used:
    _say(f"the whole audit of {rows:,} rows")
    return whole_audit(data)


def _peers(data: Path, ours: Used, folder: Path, sizes: Sizes) -> Iterator[Line]:
    _say(f"the same rates of {sizes.peers:,} rows from other libraries")
    yield Line(f"audit7k run, {sizes.peers:,} rows", ours.seconds, "s", None, _spent(ours))
    for name, script in (("fairlearn MetricFrame", "contender_fairlearn.py"), ("aequitas", "contender_aequitas.py")):
        what = f"audit7k run, {sizes.peers:,} rows, time to {name}'s"
        try:
            python = aequitas_python(folder / "aequitas") if name == "aequitas" else Path(sys.executable)
            theirs = contender(python, script, data)
        except ProcessError as reason:
            yield Line(what, None, "x", None, " ".join(str(reason).split())[-160:])
            continue
        note = f"{ours.seconds:.2f} s to {theirs.seconds:.2f} s; theirs: {_spent(theirs)}"
        yield Line(what, ours.seconds / theirs.seconds, "x", None, note)


def _gate_and_peers(data: Path, rows: int, folder: Path, sizes: Sizes, shortest: Mapping[int, float]) -> Iterator[Line]:
    """The whole gate and the counts against processes that read the same file, with fewer figures and no verdict."""
    _say(f"the whole gate of {rows:,} rows, and other libraries")
    ours, counted = gate_of_decisions(data, sizes.gates), shortest.get(rows)
    gate, goals = f"audit7k gate PLAN, {rows:,} rows", _AHEAD if rows == sizes.largest else (None, None)
    what = f"{gate}, a decision column, processor time"
    yield Line(what, ours.processor_seconds, "s", None, f"best of {sizes.gates}; {_spent(ours)}")
    for name, script in (("fairlearn MetricFrame", "contender_fairlearn.py"), ("aequitas", "contender_aequitas.py")):
        try:
            python = aequitas_python(folder / "aequitas") if name == "aequitas" else Path(sys.executable)
            theirs = contender(python, script, data)
        except ProcessError as reason:
            yield Line(f"{gate}, to {name}'s process", None, "x", None, " ".join(str(reason).split())[-160:])
            continue
        ratio = ours.processor_seconds / theirs.processor_seconds
        yield Line(f"{gate}, processor time to {name}'s process", ratio, "x", goals[0], f"theirs: {_spent(theirs)}")
        seconds = json.loads(theirs.output)["seconds"]
        what = f"counts of {rows:,} rows by decision, to {name}'s reading and counting"
        yield Line(what, counted and counted / seconds, "x", goals[1], f"theirs: {seconds:.2f} s, without imports")


def _spark(folder: Path, sizes: Sizes) -> Iterator[Line]:
    if not sizes.on_spark:
        return
    python = Path(sys.prefix) / "spark" / "bin" / "python"
    if not python.exists():
        yield Line("a row on Spark", None, "ns", None, "`make spark` makes the environment for it")
        return
    _say("counts on Spark")
    yield from slopes(python, {rows: _data(folder, rows, "zipf") for rows in sizes.on_spark})


def _analysis(data: Path, rows: int) -> Iterator[Line]:
    _say(f"the whole analysis of {rows:,} rows, after scoring")
    spent = json.loads(module("analysis", data).output)
    note = (
        f"bare {spent['bare']:.2f} s; counts and histograms {spent['counting']:.2f} s; {spent['groups']:,} verdicts "
        f"{spent['judging']:.2f} s; cross-check aside"
    )
    what = f"whole analysis of {rows:,} rows after scoring (goal: 5 bare scans and 2 s)"
    yield Line(what, spent["whole"], "s", 5 * spent["bare"] + 2, note)


def _replicates(sizes: Sizes) -> Iterator[Line]:
    for rows in sorted({sizes.peers, sizes.largest}):
        _say(f"bootstrap replicates of the counts of {rows:,} rows")
        spent = json.loads(module("replicates", rows).output)
        yield Line(f"2,000 replicates of 800 groups x 5 rates, {rows:,} rows", spent, "s", 1)


def _scan(sizes: Sizes) -> Iterator[Line]:
    for columns in sizes.scanned:
        _say(f"the subgroup scan of {sizes.peers:,} rows, {columns} columns and two features")
        spent = json.loads(module("scan", sizes.peers, columns).output)
        what = f"subgroup scan, {sizes.peers:,} rows, {columns} columns, gender and nationality"
        note = f"counting {spent['counting']:.1f} s, searching {spent['searching']:.1f} s"
        yield Line(what, spent["counting"] + spent["searching"], "s", 60, note)


def _largest(used: Used, sizes: Sizes) -> Line:
    what = f"audit7k run, {sizes.largest:,} rows, peak memory"
    return Line(what, used.peak_bytes / 1e9, "GB", 1.5, _spent(used))


def _numbered(data: Path, rows: int, sizes: Sizes) -> Iterator[Line]:
    _say(f"a gate of {rows:,} rows with ids that are numbers")
    used = gate_by_number(data, sizes.gates if rows == sizes.largest else 1)
    what = f"audit7k gate PLAN, {rows:,} rows, ids that are numbers, two features, a decision column"
    seconds, gigabytes = GATES.get(rows, GATES[FULL.largest])
    yield Line(f"{what}, processor time", used.processor_seconds, "s", seconds, _spent(used))
    yield Line(f"{what}, memory", used.peak_bytes / 1e9, "GB", gigabytes)


def _data(folder: Path, rows: int, spread: str) -> Path:
    path = folder / spread / f"{rows}.parquet"
    if not path.exists():
        _say(f"making {rows:,} rows ({spread})")
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".unfinished")
        module("made_cases", unfinished, rows, SEED, spread)
        unfinished.replace(path)
    return path


def _spent(used: Used) -> str:
    return (
        f"{used.seconds:.1f} s from start to end, {used.processor_seconds:.1f} s of processors, "
        f"{used.peak_bytes / 1e6:,.0f} MB at most"
    )


@contextlib.contextmanager
def _folder(named_folder: Path | None) -> Iterator[Path]:
    if named_folder is not None:
        named_folder.mkdir(parents=True, exist_ok=True)
        yield named_folder.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="audit7k-bench-") as name:
        yield Path(name).resolve()


def _say(what: str) -> None:
    print(f"measuring: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
