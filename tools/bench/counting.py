"""Counts of the audit against a bare `GROUP BY` of DuckDB, in turn, in one process.

`python -m tools.bench.counting FILE DECIDED ROUNDS` prints what `counts` returns, as JSON.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.bench.plans import THRESHOLD, Decided, write_plan

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

BARE = "SELECT gender, nationality, count(*) AS cases FROM read_parquet($path) GROUP BY ALL"
SAME = "SELECT gender, nationality, label, {answer}, count(*) AS cases FROM read_parquet($path) GROUP BY ALL"
ANSWERS: dict[Decided, str] = {"decision": "decision", "score": f"score >= {THRESHOLD}"}


@dataclass(frozen=True, slots=True)
class Counted:
    """Shortest seconds of three queries over the same file, taken in turn in one process.

    They are the shortest and not the median, because other work on the machine only ever adds to them.
    """

    bare: float
    """By gender and nationality alone."""
    same: float
    """By the columns that ours reads: label and answer too."""
    ours: float
    rows: int
    """Rows that our counts add up to."""
    strata: int
    """Finest groups."""


def counts(data: Path, *, decided: Decided, rounds: int) -> Counted:
    """Measure the audit's counts against `BARE` and `SAME`, all from the Parquet file to a table in memory.

    Ours is `audit.counting.count.count_cases`: one statement over the view that scoring leaves, and the canonical
    codes of its groups. Opening and checking the set is part of the whole audit, not of this.
    """
    import duckdb

    from audit import load_plan
    from audit.counting.count import count_cases
    from audit.evaluation.evaluation_set import open_evaluation_set
    from audit.scoring import score

    plan = load_plan(write_plan(data, decided=decided))
    bare = duckdb.connect()
    with open_evaluation_set(plan, data.parent) as evaluation_set:
        score(plan, evaluation_set, data.parent)
        table = count_cases(evaluation_set)
        texts = (BARE, SAME.format(answer=ANSWERS[decided]))
        works: list[Callable[[], Any]] = [partial(_answered, bare, text, data) for text in texts]
        works.append(partial(count_cases, evaluation_set))
        taken = [[_seconds(work) for work in works] for _ in range(rounds)]
        shortest = [min(repeats) for repeats in zip(*taken, strict=True)]
    bare.close()
    return Counted(
        bare=shortest[0],
        same=shortest[1],
        ours=shortest[2],
        rows=int(table.cells.sum()),
        strata=len(table.codes),
    )


def _answered(connection: duckdb.DuckDBPyConnection, text: str, data: Path) -> pa.Table:
    return connection.sql(text, params={"path": str(data)}).to_arrow_table()


def _seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    by: Decided = "decision" if sys.argv[2] == "decision" else "score"
    print(json.dumps(dataclasses.asdict(counts(Path(sys.argv[1]), decided=by, rounds=int(sys.argv[3])))))
