"""A folder with a set, a plan and a detector that notes each call: for runs that are broken off and go on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from made.sets import write_set

from audit.cli.console.guard import InterruptibleProgress
from audit.run import run_audit
from audit.scoring.checkpoint import Checkpoint
from audit.scoring.progress import NoProgress
from audit.stages import Scope

CANARY = "canary-7f31"
DETECTOR = """
import pathlib, time
PAUSE = 0.0
def score(batch):
    time.sleep(PAUSE)
    with open(pathlib.Path(__file__).with_name("calls.txt"), "a") as calls:
        calls.write("x\\n")
    return [(37 * int(one) % 101) / 101 for one in batch["pay"].to_pylist()]
"""
PLAN = """
schema = 1
[audit]
title = "T"
owner = "O"
use = "hotline-triage"
route = "services"
[detector]
kind = "python"
entry = "own_detector:score"
features = ["pay", "text"]
threshold = 0.5
[evaluation_set]
path = "set.parquet"
id = "case_id"
label = "exploited"
label_source = "made for a test"
[groups.gender]
column = "gender"
[scoring]
batch_size = 40
[[rules]]
metric = "true_positive_rate"
groups = ["gender"]
margin = 0.1
"""


@dataclass(frozen=True)
class Made:
    """The folder, and what a run in it gives."""

    folder: Path

    @property
    def plan(self) -> Path:
        """The plan file."""
        return self.folder / "plan.toml"

    @property
    def kept(self) -> Path:
        """Where answers are kept."""
        return self.folder / "scoring"

    @property
    def calls(self) -> int:
        """How many batches the detector has answered in all."""
        calls = self.folder / "calls.txt"
        return len(calls.read_text().splitlines()) if calls.exists() else 0

    def run(self, *, fresh: bool = False, commit_every: float = 0.0) -> tuple[bytes, dict[str, Any]]:
        """The predictions and the result of a run, without what may differ between two runs."""
        to = self.folder / "predictions.parquet"
        checkpoint = Checkpoint(self.kept, commit_every=commit_every, fresh=fresh)
        result = run_audit(
            self.plan,
            predictions_to=to,
            crosscheck=False,
            checkpoint=checkpoint,
            progress=InterruptibleProgress(NoProgress()),
            scope=Scope.RECORDS,
            sandbox="none",  # the detector notes its calls beside the plan
        )
        shown: dict[str, Any] = json.loads(result.model_dump_json(by_alias=True))
        del shown["provenance"]
        return to.read_bytes(), shown


def made_run(folder: Path, rows: int = 400, *, pause: float = 0.0) -> Made:
    """Write set, plan and detector into `folder`."""
    folder.mkdir(exist_ok=True)
    write_set(
        folder / "set.parquet",
        {
            "case_id": [f"case-{place:05}" for place in range(rows)],
            "exploited": [str(int(place % 3 == 0)) for place in range(rows)],
            "gender": [("woman", "man")[place % 2] for place in range(rows)],
            "pay": [str(place) for place in range(rows)],
            "text": [f"{CANARY} {place}" for place in range(rows)],
        },
    )
    (folder / "plan.toml").write_text(PLAN, encoding="utf-8")
    (folder / "own_detector.py").write_text(DETECTOR.replace("0.0", str(pause), 1), encoding="utf-8")
    return Made(folder)
