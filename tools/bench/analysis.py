"""Analysis after scoring, against a bare `GROUP BY` of DuckDB over the same file: `python -m tools.bench.analysis
FILE`.

Counts with score histograms, estimates, verdicts and every further finding; reading and checking the set, scoring and
the cross-check are outside. Prints what `analysis` returns, as JSON.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from audit.stages import Scope
from tools.bench.counting import BARE
from tools.bench.plans import write_plan


@dataclass(frozen=True, slots=True)
class Analysis:
    """Shortest seconds of each part over a few rounds in one process."""

    bare: float
    """Seconds of the bare `GROUP BY`."""
    counting: float
    """Seconds from rows to counts, with score histograms."""
    judging: float
    """Seconds from counts to estimates and verdicts, as a gate asks for them."""
    whole: float
    """Seconds from rows to a result with every further finding."""
    groups: int
    """Groups judged, over all rules."""


def analysis(data: Path, rounds: int = 3) -> Analysis:
    """Measure the parts of an analysis of `data`."""
    import duckdb

    from audit.cli import collect_rarely
    from audit.counting.counted import count_everything
    from audit.counting.table import count_families
    from audit.evaluation.evaluation_set import open_evaluation_set
    from audit.plan.file.plan_file import loaded_plan
    from audit.run import Gathered, summarise
    from audit.scoring import score
    from audit.scoring.provenance import provenance

    collect_rarely()
    loaded = loaded_plan(write_plan(data, decided="score"))
    bare = duckdb.connect()
    times: dict[str, list[float]] = {"bare": [], "counting": [], "judging": [], "whole": []}
    groups = 0
    with open_evaluation_set(loaded.plan, data.parent) as evaluation_set:
        scored = score(loaded.plan, evaluation_set, data.parent)
        origin = provenance(loaded, evaluation_set, scored, None, datetime.now(UTC), Scope.VERDICTS)
        for _ in range(rounds):
            started = time.perf_counter()
            bare.sql(BARE, params={"path": str(data)}).to_arrow_table()
            scanned = time.perf_counter()
            counted = count_everything(evaluation_set, loaded.plan, data.parent)
            ended = time.perf_counter()
            families = count_families(loaded.plan.groups, loaded.plan.rules, counted.table, evaluation_set.features)
            for scope, name in ((Scope.DETAILS, "whole"), (Scope.RECORDS, "judging")):
                begun = time.perf_counter()
                result = summarise(
                    Gathered(loaded, evaluation_set.features, counted, families, scored.system, origin, scope=scope)
                )
                groups = len(result.verdicts)
                times[name].append(time.perf_counter() - begun + (ended - scanned if scope.has_details else 0.0))
            times["bare"].append(scanned - started)
            times["counting"].append(ended - scanned)
    bare.close()
    return Analysis(**{name: min(seconds) for name, seconds in times.items()}, groups=groups)


if __name__ == "__main__":
    print(json.dumps(dataclasses.asdict(analysis(Path(sys.argv[1])))))
