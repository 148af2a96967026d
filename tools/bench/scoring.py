"""Model with the harness around it against the same model alone, in turn, in one process.

`python -m tools.bench.scoring overhead FILE KIND BATCH ROUNDS` prints what `overhead` returns, `... checkpoint ROUNDS`
the seconds of a durable checkpoint of 10,000 rows, `... memory FILE` scores a set once and prints nothing; all as JSON.
"""

from __future__ import annotations

import dataclasses
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from audit.detectors.isolation.options import Isolating, Sandbox
from tools.bench.scored_kinds import Batches, contenders
from tools.bench.scored_set import FEATURES, plan_for

ROWS_OF_A_PART = 10_000
TRIVIAL = "import numpy as np\ndef score(batch):\n    return np.full(batch.num_rows, 0.25)\n"


@dataclass(frozen=True, slots=True)
class Overhead:
    """Shortest seconds of both over the same rows: other work on the machine only ever adds to them."""

    bare: float
    ours: float
    rows: int
    opening: float
    """Seconds to load and check a model's file, which are not in `ours`: the bare model is loaded already. 0 where it
    is not: a program is started, and a service connected to, on both sides."""


def overhead(data: Path, kind: str, batch_size: int, rounds: int) -> Overhead:
    """Measure the model alone over ready batches, and a whole scoring: read, ask, check, keep durably, decide."""
    sandbox = Sandbox.AUTO if kind.endswith("child") else Sandbox.NONE
    with tempfile.TemporaryDirectory(prefix="audit7k-bench-") as name:
        folder = Path(name)
        with contenders(kind, folder) as detectors:
            plan = plan_for(data, detectors.section, batch_size)
            batches = _batches(data, batch_size)
            bare = detectors.prepare(batches)
            seconds: dict[str, list[float]] = {"bare": [], "ours": []}
            for turn in range(rounds):
                seconds["bare"].append(_timed(bare))
                seconds["ours"].append(_scored(plan, folder, folder / f"kept{turn}", sandbox))
            opening = _opening(plan, folder, rounds, sandbox) if kind.startswith(("skops", "onnx")) else 0.0
    rows = sum(batch.num_rows for batch in batches)
    return Overhead(min(seconds["bare"]), min(seconds["ours"]) - opening, rows, opening)


def _opening(plan: Any, folder: Path, rounds: int, sandbox: Sandbox) -> float:
    from audit.detectors.isolation.placement import place_detector
    from audit.detectors.protocol import RunContext

    spent = []
    for _ in range(rounds):
        detector: Any = place_detector(plan, folder, Isolating(sandbox))
        context = RunContext(folder, FEATURES, "score", plan.detector.score_range, plan.scoring.batch_size)
        spent.append(_timed(partial(detector.open, context)))
        detector.close()
    return min(spent)


def checkpoint(rounds: int) -> float:
    """Return the seconds to keep 10,000 rows durably: the median, because disks are sometimes slow."""
    import numpy as np

    from audit.detectors.answers import CheckedAnswers
    from audit.scoring.checkpoint import Checkpoint

    rng = np.random.default_rng(1)
    spent = []
    with (
        tempfile.TemporaryDirectory(prefix="audit7k-bench-") as name,
        Checkpoint(Path(name) / "kept", commit_every=1e9) as keeping,
    ):
        keeping.begin({"rows": rounds * ROWS_OF_A_PART, "plan": "of a measurement"})
        for number in range(rounds):
            codes = np.zeros(ROWS_OF_A_PART, dtype=np.int8)
            answers = CheckedAnswers(rng.random(ROWS_OF_A_PART), codes, codes - 1)
            started = time.perf_counter()
            keeping.keep(number, answers)
            keeping.flush()
            spent.append(time.perf_counter() - started)
    return statistics.median(spent)


def memory(data: Path) -> None:
    """Score a set with a detector that costs nothing."""
    with tempfile.TemporaryDirectory(prefix="audit7k-bench-") as name:
        (Path(name) / "trivial.py").write_text(TRIVIAL, encoding="utf-8")
        plan = plan_for(data, {"kind": "python", "entry": "trivial:score"}, 4096)
        _scored(plan, Path(name), Path(name) / "kept")


def _batches(data: Path, size: int) -> Batches:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(data, columns=list(FEATURES)).combine_chunks()
    table = table.add_column(0, "row_id", pa.array(np.arange(table.num_rows)))
    return [batch for batch in table.to_batches(max_chunksize=size) if batch.num_rows]


def _timed(what: Callable[[], object]) -> float:
    started = time.perf_counter()
    what()
    return time.perf_counter() - started


def _scored(plan: object, folder: Path, checkpoint_folder: Path, sandbox: Sandbox = Sandbox.NONE) -> float:
    """Return the seconds from an open set to the decision on every row."""
    from audit.evaluation.evaluation_set import open_evaluation_set
    from audit.plan.audit_plan import AuditPlan
    from audit.scoring import Keeping, score
    from audit.scoring.checkpoint import Checkpoint
    from audit.scoring.provenance import scoring_identity

    assert isinstance(plan, AuditPlan)
    with open_evaluation_set(plan, folder) as opened:
        keeping = Keeping(Checkpoint(checkpoint_folder), scoring_identity(plan))
        started = time.perf_counter()
        scored = score(plan, opened, folder, keeping=keeping, isolating=Isolating(sandbox))
        seconds = time.perf_counter() - started
    if scored.failures:
        raise AssertionError("rows failed")
    return seconds


def main(arguments: list[str]) -> None:
    """Measure as the arguments say."""
    match arguments:
        case ["overhead", data, kind, batch, rounds]:
            print(json.dumps(dataclasses.asdict(overhead(Path(data), kind, int(batch), int(rounds)))))
        case ["checkpoint", rounds]:
            print(json.dumps(checkpoint(int(rounds))))
        case ["memory", data]:
            memory(Path(data))
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
