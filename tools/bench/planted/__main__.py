"""Run the benchmark and print its tables: `python -m tools.bench.planted [--seeds N] [--first N] [--small]`."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import platform
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from audit.vocabulary.metrics import MetricName
from audit.worlds.strengths import WORLDS
from audit.worlds.truth import Truth
from audit.worlds.world import WorldName
from tools.bench.aequitas_environment import aequitas_python
from tools.bench.planted.answers import Answer, Task, by_flags, run_task
from tools.bench.planted.planning import PLANNED_POWER, Planned, planned
from tools.bench.planted.sets import ARMS, Flag, mechanism_of
from tools.bench.planted.tally import GOAL_ACCUSED, GOAL_FOUND, goals, of_tools, of_words, of_worlds
from tools.bench.processes import ProcessError, run

SEEDS = 40
FIRST = 3_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Plan, draw, ask and print. A missed goal is printed, and is no error of the run."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.planted", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="sets of each kind in each world")
    parser.add_argument("--first", type=int, default=FIRST, help="the first seed")
    parser.add_argument("--worlds", nargs="+", choices=list(WORLDS), default=list(WORLDS))
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--small", action="store_true", help="one seed, one world: to see that everything runs")
    parser.add_argument("--folder", type=Path, help="keep the environment of aequitas there for another run")
    options = parser.parse_args(arguments)
    seeds, worlds = (1, options.worlds[:1]) if options.small else (options.seeds, options.worlds)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="audit7k-planted-") as name:
        mechanisms = [_planned(world) for world in worlds]
        rows_to = Path(name)
        tasks = [Task(mechanism, arm, seed, rows_to) for seed in range(options.first, options.first + seeds)
                 for mechanism in mechanisms for arm in ARMS]  # fmt: skip
        answers = list(_answers(tasks, options.workers))
        others, why = _aequitas(tasks, rows_to, (options.folder or rows_to) / "aequitas")
    print_tables(mechanisms, [*answers, *others], why)
    print(f"\n{seeds} seeds from {options.first} of {len(worlds)} worlds; {platform.machine()}, "
          f"Python {platform.python_version()}; {(time.perf_counter() - started) / 60.0:.0f} minutes")  # fmt: skip
    return 0


def print_tables(mechanisms: Sequence[Planned], answers: Sequence[Answer], why_not: str) -> None:
    """Return everything that was measured."""
    print("\nShares in %, 95 % limits in brackets.\n")
    print(of_tools(answers))
    if why_not:
        print(f"\naequitas is not in this table: {why_not}")
    print("\n" + of_worlds(mechanisms, answers))
    print("\n" + of_words(answers))
    found_share, accused = goals(mechanisms, answers)
    print(f"\nfound where planning gave {100 * PLANNED_POWER:.0f} % or more, twice the rows: {found_share.events} of "
          f"{found_share.runs}, {found_share} % (goal: at least {100 * GOAL_FOUND:.0f})")  # fmt: skip
    print(f"audits that accuse a control: {accused.events} of {accused.runs}, {accused} % "
          f"(goal: at most {100 * GOAL_ACCUSED:.0f})")  # fmt: skip


def _planned(world: WorldName) -> Planned:
    _say(f"planning {world}")
    return planned(world)


def _answers(tasks: Sequence[Task], workers: int) -> Iterator[Answer]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        for number, answers in enumerate(pool.map(run_task, tasks), start=1):
            if number % 10 == 0 or number == len(tasks):
                _say(f"{number} of {len(tasks)} sets")
            yield from answers


def _aequitas(tasks: Sequence[Task], rows: Path, environment: Path) -> tuple[list[Answer], str]:
    """Return what aequitas says of the same sets; if it cannot be installed, nothing and the reason."""
    _say("aequitas")
    try:
        python = aequitas_python(environment)
        script = Path(__file__).with_name("aequitas_rules.py")
        output = run([python, "-P", script, rows], folder=rows).output
    except ProcessError as reason:
        return [], " ".join(str(reason).split())[-300:]
    named_by_file = json.loads(output)
    answers = []
    for task in tasks:
        sizes = {} if task.arm == "controls" else task.planned.sizes
        truth = Truth.of(mechanism_of(task.planned.mechanism.world, sizes))
        for reading, named in named_by_file.get(task.name, {}).items():
            flags = frozenset(_flag(*triple) for triple in named)
            answers.append(by_flags(task, f"aequitas, {reading}", truth, flags))
    return answers, ""


def _flag(metric: str, attribute: str, value: str) -> Flag:
    name: MetricName = "true_positive_rate" if metric == "true_positive_rate" else "false_positive_rate"
    if attribute == "both":
        gender, _, code = value.partition(" x ")
        return name, (("gender", gender), ("nationality", code))
    return name, ((attribute, value),)


def _say(what: str) -> None:
    print(f"planted: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
