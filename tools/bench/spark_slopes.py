"""What a row costs on a Spark of this machine: a part of `make bench`, in the environment of `make spark`.

The processor seconds of the count by decision and of the count by score, of each size, on one thread and on two, and
the slope between the smallest and the largest. `python -m tools.bench.spark_slopes THREADS FILE...` prints the seconds.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from tools.bench.lines import Line
from tools.bench.processes import ProcessError, run

ROUNDS: Final = 3
_VIEW: Final = (
    "CREATE OR REPLACE TEMP VIEW scored AS SELECT gender AS group_gender, nationality AS group_nationality, label, "
    "score, CASE WHEN score >= CAST(0.5 AS DOUBLE) THEN 0::TINYINT ELSE 1::TINYINT END AS decision FROM source"
)


def measured(threads: int, files: list[Path]) -> dict[str, list[float]]:
    """Processor seconds of each count over each file, the least of a few rounds; Java's compiler works before them."""
    from pyspark.sql import SparkSession

    from audit.counting.count import count_text
    from audit.counting.score_table import score_text
    from audit.engines.spark import SparkEngine

    SparkSession.builder.master(f"local[{threads}]").config("spark.sql.shuffle.partitions", "4").getOrCreate()
    engine, groups = SparkEngine.at(None), ["group_gender", "group_nationality"]
    texts = {"decisions": count_text("scored", groups), "scores": score_text("scored", groups, (0.0, 1.0), 0.5)}
    seconds_by_name: dict[str, list[float]] = {name: [] for name in texts}
    for file in files:
        engine.open("source", [file], file.parent, None)
        engine.execute(_VIEW)
        for name, text in texts.items():
            seconds = [_processor(partial(engine.sql, text)) for _ in range(ROUNDS + 1)]
            seconds_by_name[name].append(min(seconds[1:]))
    return seconds_by_name


def _processor(work: Callable[[], Any]) -> float:
    """Processor seconds of this process and of the Java below it."""
    before = _used()
    work()
    return _used() - before


def _used() -> float:
    process_id = os.getpid()
    children = Path(f"/proc/{process_id}/task/{process_id}/children").read_text(encoding="utf-8").split()
    ticks = 0
    for process in [str(process_id), *children]:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def slopes(python: Path, files: Mapping[int, Path]) -> Iterator[Line]:
    """Measure with a Python that has pyspark, in a process for each number of threads; `files` are by their rows."""
    sizes = sorted(files)
    for threads in (1, 2):
        command: list[str | Path] = [
            python,
            "-m",
            "tools.bench.spark_slopes",
            str(threads),
            *(files[rows] for rows in sizes),
        ]
        try:
            output = run(command, folder=Path(__file__).parents[2]).output
        except ProcessError as reason:
            yield Line(f"local[{threads}], a row on Spark", None, "ns", None, " ".join(str(reason).split())[-160:])
            continue
        for name, seconds in json.loads(output.splitlines()[-1]).items():
            where = f"Spark local[{threads}], by {name}"
            for rows, elapsed in zip(sizes, seconds, strict=True):
                yield Line(f"{where}, {rows:,} rows, processor time", elapsed, "s")
            slope = (seconds[-1] - seconds[0]) / (sizes[-1] - sizes[0])
            arithmetic = f"arithmetic, not measured: 1e9 rows, {slope * 1e9:,.0f} s of processors"
            yield Line(f"{where}, a row", slope * 1e9, "ns", None, arithmetic)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measured(int(sys.argv[1]), list(map(Path, sys.argv[2:])))) + "\n")
