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
from pathlib import Path
from typing import Any

from tools.bench.plans import Decided, write_plan

BARE = "SELECT gender, nationality, count(*) AS cases FROM read_parquet($path) GROUP BY gender, nationality"


@dataclass(frozen=True, slots=True)
class Counted:
    """Shortest seconds of both queries over the same file, taken in turn in one process.

    They are the shortest and not the median, because other work on the machine only ever adds to them.
    """

    bare: float
    ours: float
    rows: int
    """Rows that our counts add up to."""
    strata: int
    """Finest groups."""


def counts(data: Path, *, decided: Decided, rounds: int) -> Counted:
    """Measure the audit's counts against `BARE`, both from the Parquet file to a table in memory.

    Ours is `audit.counting.count.count_cases`: the Ibis expression over the view that scoring leaves, and the canonical
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
        pairs = [
            (
                _seconds(lambda: bare.sql(BARE, params={"path": str(data)}).to_arrow_table()),
                _seconds(lambda: count_cases(evaluation_set)),
            )
            for _ in range(rounds)
        ]
    bare.close()
    return Counted(
        bare=min(bare_seconds for bare_seconds, _ in pairs),
        ours=min(our_seconds for _, our_seconds in pairs),
        rows=int(table.cells.sum()),
        strata=len(table.codes),
    )


def _seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    by: Decided = "decision" if sys.argv[2] == "decision" else "score"
    print(json.dumps(dataclasses.asdict(counts(Path(sys.argv[1]), decided=by, rounds=int(sys.argv[3])))))
