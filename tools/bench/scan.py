"""Subgroup scan of made-up cases, from the scored view to its records.

`python -m tools.bench.scan ROWS COLUMNS` makes the cases in memory and prints seconds and sizes as JSON. Beside the
columns it searches over nationality and gender, if `COLUMNS` is 5; of 3 columns the two features make 5.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from tools.bench.made_cases import batches

SEED: Final = 20240412
LEVELS: Final = {"age_band": 5, "form": 6, "channel": 8, "language": 12, "region": 10}
"""Extra columns and how many values each has; the first ones are taken."""


def scanned(rows: int, columns: int) -> dict[str, float | int | str]:
    """Seconds of counting and of searching, and what was searched."""
    import pyarrow as pa

    from audit.analyses.subgroup_scan import subgroup_scan
    from audit.counting.scan_cells import count_scan_cells
    from audit.evaluation.evaluation_set import open_evaluation_set
    from audit.plan.audit_plan import AuditPlan
    from audit.scoring import score

    rng = np.random.default_rng(SEED)
    extra = dict(list(LEVELS.items())[:columns])
    table = pa.Table.from_batches(list(batches(rows, seed=SEED, spread="zipf")))
    for name, levels in extra.items():
        values = pa.array([f"{name} {level}" for level in range(levels)])
        table = table.append_column(name, values.take(pa.array(rng.integers(0, levels, rows))))
    plan = AuditPlan.model_validate(_plan(tuple(extra)))
    with open_evaluation_set(plan, Path(), table) as evaluation_set:
        score(plan, evaluation_set, Path())
        before = _peak()
        started = time.perf_counter()
        cells = count_scan_cells(evaluation_set, plan.evaluation_set, plan.scan)
        counted = time.perf_counter()
    spent = time.process_time()
    answers = subgroup_scan(plan, cells)
    ended, spent = time.perf_counter(), time.process_time() - spent
    assert cells is not None
    return {
        "rows": rows,
        "attributes": len(cells.attributes),
        "cells": len(cells.cases),
        "counting": counted - started,
        "searching": ended - counted,
        "searching_processor": spent,
        "peak_mb_before": before,
        "peak_mb": _peak(),
        "outcomes": " ".join(answer.outcome for answer in answers),
    }


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _plan(columns: tuple[str, ...]) -> dict[str, Any]:
    return {
        "schema": 1,
        "audit": {"title": "Made-up cases", "owner": "Nobody", "use": "victim-identification", "route": "services"},
        "detector": {"kind": "predictions", "decision": "decision"},
        "evaluation_set": {"id": "case_id", "label": "label", "label_source": "made from a seed"},
        "groups": {"gender": {"column": "gender"}, "nationality": {"column": "nationality"}},
        "rules": [{"metric": "true_positive_rate", "groups": ["gender"], "margin": 0.1}],
        "scan": {"columns": columns},
    }


if __name__ == "__main__":
    print(json.dumps(scanned(int(sys.argv[1]), int(sys.argv[2]))))
