"""Rows with a score as a scored set: what counting starts from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
from made.sets import LADDER, made_plan

from audit.evaluation.evaluation_set import EvaluationSet, open_evaluation_set

GROUPS = {"gender": {"column": "gender", "map": {"F": "woman"}}, "nationality": {"column": "nationality"}}
LADDERED = {**GROUPS, "nationality": {"column": "nationality", "ladder": LADDER}}
Rows = Sequence[tuple[str | None, str | None, str | None, float | None]]
"""Label, gender, nationality, score."""


@contextmanager
def scored_set(
    rows: Rows,
    low: float = 0.0,
    high: float = 1.0,
    threads: int = 2,
    groups: Mapping[str, object] = GROUPS,
) -> Iterator[EvaluationSet]:
    labels, genders, codes, scores = zip(*rows, strict=True)
    table = pa.table(
        {
            "case_id": [str(row) for row in range(len(rows))],
            "exploited": pa.array(labels, pa.string()),
            "gender": pa.array(genders, pa.string()),
            "nationality": pa.array(codes, pa.string()),
            "text": [None if score is None else repr(low + score * (high - low)) for score in scores],
        }
    )
    with open_evaluation_set(made_plan(None, groups=groups), Path(), table) as opened:
        picked = ", ".join(f"{expression} AS {name}" for name, expression in opened.expressions.items())
        opened.connection.execute(f"SET threads = {threads}")
        opened.connection.execute(
            f"CREATE TEMP VIEW scored AS SELECT {picked}, text::DOUBLE AS score,"
            " CASE WHEN text IS NULL THEN 3 WHEN text::DOUBLE >= 0.5 THEN 0 ELSE 1 END::TINYINT AS decision FROM source"
        )
        yield opened
