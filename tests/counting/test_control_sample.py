"""The cases drawn at random are counted as the others are, and only they."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
from made.sets import made_plan

from audit.counting.count import count_cases
from audit.counting.counted import count_control_sample
from audit.counting.table import CountsTable
from audit.evaluation.evaluation_set import EvaluationSet, open_evaluation_set
from audit.plan.audit_plan import AuditPlan

GROUPS = {"gender": {"column": "gender"}}
GENDERS = {"woman": "woman", "man": "man", None: "unknown"}
LABELS = {"1": 0, "0": 1, None: 2}
SAYS_YES = {"1": True, "True": True, "true": True, "0": False, "no": False, "": False, "yes": False, None: False}

Rows = list[tuple[str | None, str | None, str | None, int]]


def made_rows(count: int) -> Rows:
    rng = np.random.default_rng(8)
    labels, genders, marks = list(LABELS), list(GENDERS), list(SAYS_YES)
    return [
        (
            labels[rng.integers(len(labels))],
            genders[rng.integers(len(genders))],
            marks[rng.integers(len(marks))],
            int(rng.integers(4)),
        )
        for _ in range(count)
    ]


@contextmanager
def scored_set(rows: Rows, *, with_sample: bool = True) -> Iterator[EvaluationSet]:
    labels, genders, marks, decisions = zip(*rows, strict=True)
    table = pa.table(
        {
            "case_id": [str(row) for row in range(len(rows))],
            "exploited": pa.array(labels, pa.string()),
            "gender": pa.array(genders, pa.string()),
            "drawn": pa.array(marks, pa.string()),
            "text": [str(decision) for decision in decisions],
        }
    )
    plan = made_plan(None, groups=GROUPS)
    if with_sample:
        asked = plan.model_dump(mode="json", by_alias=True, exclude_unset=True)
        plan = AuditPlan.model_validate({**asked, "control_sample": {"column": "drawn"}})
    with open_evaluation_set(plan, Path(), table) as opened:
        picked = ", ".join(f'{expression} AS "{name}"' for name, expression in opened.expressions.items())
        opened.connection.execute(f"CREATE TEMP VIEW scored AS SELECT {picked}, text::TINYINT AS decision FROM source")
        yield opened


def slow_count(rows: Rows) -> CountsTable:
    counts: dict[tuple[str, ...], np.ndarray[tuple[int, int], np.dtype[np.int64]]] = {}
    for label, gender, mark, decision in rows:
        if SAYS_YES[mark]:
            counts.setdefault((GENDERS[gender],), np.zeros((3, 4), dtype=np.int64))[LABELS[label], decision] += 1
    return CountsTable.of(("gender",), counts)


def test_counts_are_those_of_python() -> None:
    rows = made_rows(400)
    with scored_set(rows) as opened:
        found = count_control_sample(opened)
        everyone = count_cases(opened)
    expected = slow_count(rows)
    assert found is not None
    assert found.codes == expected.codes
    np.testing.assert_array_equal(found.cells, expected.cells)
    assert 0 < found.cells.sum() < everyone.cells.sum() == 400


def test_without_a_control_sample_nothing_is_counted() -> None:
    with scored_set(made_rows(20), with_sample=False) as opened:
        assert count_control_sample(opened) is None
