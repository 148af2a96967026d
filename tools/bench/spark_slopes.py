"""What a row costs on a Spark of this machine: `make spark`'s Python with `-m tools.bench.spark_slopes`.

It prints the processor seconds of the count by decision and of the count by score, at a million rows and at three, on
one thread and on two, and the slope between them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from tools.bench.lines import Line, table

ROWS: Final = (1_000_000, 3_000_000)
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
    found: dict[str, list[float]] = {name: [] for name in texts}
    for file in files:
        engine.open("source", [file], file.parent, None)
        engine.execute(_VIEW)
        for name, text in texts.items():
            seconds = [_processor(partial(engine.sql, text)) for _ in range(ROUNDS + 1)]
            found[name].append(min(seconds[1:]))
    return found


def _processor(work: Callable[[], Any]) -> float:
    """Processor seconds of this process and of the Java below it."""
    before = _used()
    work()
    return _used() - before


def _used() -> float:
    own = os.getpid()
    children = Path(f"/proc/{own}/task/{own}/children").read_text(encoding="utf-8").split()
    ticks = 0
    for process in [str(own), *children]:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Make the sets, measure in a process for each number of threads, and print the table."""
    from tools.bench.made_cases import write_cases

    lines: list[Line] = []
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{rows}.parquet" for rows in ROWS]
        for rows, file in zip(ROWS, files, strict=True):
            write_cases(file, rows, seed=1)
        for threads in (1, 2):
            command = [sys.executable, "-m", "tools.bench.spark_slopes", str(threads), *map(str, files)]
            said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            for name, seconds in json.loads(said).items():
                where = f"local[{threads}], by {name}"
                lines += [Line(f"{where}, {rows:,} rows", one, "s") for rows, one in zip(ROWS, seconds, strict=True)]
                slope = (seconds[1] - seconds[0]) / (ROWS[1] - ROWS[0])
                lines.append(
                    Line(f"{where}, a row", slope * 1e9, "ns", note=f"1e9 rows by arithmetic: {slope * 1e9:.0f} s")
                )
    sys.stdout.write(table(lines) + "\n")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.stdout.write(json.dumps(measured(int(sys.argv[1]), list(map(Path, sys.argv[2:])))))
    else:
        main()
