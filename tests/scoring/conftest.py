"""A small evaluation set, a plan for it, and what came of scoring it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audit.errors import AuditError
from audit.evaluation.evaluation_set import EvaluationSet, open_evaluation_set
from audit.plan.audit_plan import AuditPlan
from audit.scoring import Progress, Scored, score

CANARY = "canary-e19d"

BASE: dict[str, list[Any]] = {
    "case_id": ["c3", "c1", "c2", "c10", "c5", "c4"],
    "exploited": [1, 0, None, 1, 0, 1],
    "gender": ["woman", "man", None, "woman", "man", "woman"],
    "citizenship": ["NGA", "FRA", "NGA", None, "THA", "FRA"],
    "text": [f"{CANARY} {n}" for n in range(6)],
    "pay": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
}


@dataclass
class Outcome:
    """What came of scoring: the record, and the rows of the view `scored`."""

    scored: Scored
    columns: list[str]
    rows: list[tuple[Any, ...]]

    @property
    def decisions(self) -> dict[str, int]:
        """The decision code of each case."""
        return {row[0]: row[-1] for row in self.rows}


class Scene:
    """A folder with an evaluation set; `score` runs a detector over it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.columns = dict(BASE)
        self.scoring: dict[str, Any] = {"batch_size": 4}
        self.look: Callable[[EvaluationSet], None] | None = None

    def plan(self, detector: dict[str, Any]) -> AuditPlan:
        """A plan with this `[detector]`."""
        return AuditPlan.model_validate(
            {
                "schema": 1,
                "audit": {"title": "T", "owner": "O", "use": "hotline-triage", "route": "services"},
                "detector": detector,
                "evaluation_set": {
                    "path": "set.parquet",
                    "id": "case_id",
                    "label": "exploited",
                    "label_source": "files",
                },
                "groups": {"gender": {"column": "gender"}, "nationality": {"column": "citizenship"}},
                "rules": [{"metric": "true_positive_rate", "groups": ["gender"], "margin": 0.1}],
                "scoring": self.scoring,
            }
        )

    def score(
        self,
        detector: dict[str, Any],
        *,
        section: Any = None,
        order: Sequence[int] | None = None,
        progress: Progress | None = None,
        predictions_to: Path | None = None,
    ) -> Outcome:
        """Write the set, with its rows in `order`, and score it; `section` stands in for the plan's detector."""
        table = pa.table(self.columns)
        pq.write_table(table if order is None else table.take(list(order)), self.folder / "set.parquet")
        plan = self.plan(detector)
        if section is not None:
            plan = plan.model_copy(update={"detector": section})
        with open_evaluation_set(plan, self.folder) as evaluation_set:
            scored = score(plan, evaluation_set, self.folder, progress=progress, predictions_to=predictions_to)
            found = evaluation_set.connection.execute("SELECT * FROM scored ORDER BY case_id")
            outcome = Outcome(scored, [entry[0] for entry in found.description or []], found.fetchall())
            if self.look is not None:
                self.look(evaluation_set)
        return outcome

    def refusal(self, detector: dict[str, Any], **options: Any) -> AuditError:
        """The one line with which scoring is refused; it repeats no cell."""
        with pytest.raises(AuditError) as caught:
            self.score(detector, **options)
        text = str(caught.value)
        assert CANARY not in text
        assert not any(case_id in text.split() for case_id in self.columns["case_id"])
        assert "\n" not in text
        assert caught.value.exit_code == 4
        assert caught.value.__context__ is None or caught.value.__suppress_context__
        return caught.value

    def function(self, code: str, *, features: Sequence[str] = ("text", "pay"), **detector: Any) -> dict[str, Any]:
        """The `[detector]` of a function, written beside the plan."""
        (self.folder / "scene_model.py").write_text(code, encoding="utf-8")
        cut = {} if {"threshold", "top_k", "answers"} & set(detector) else {"threshold": 0.5}
        return {"kind": "python", "entry": "scene_model:score", "features": list(features), **cut, **detector}


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A new scene."""
    return Scene(tmp_path)
