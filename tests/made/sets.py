"""Small evaluation sets for the tests: a plan, a table of texts, and the file of it in every format."""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from audit.evaluation.evaluation_set import EvaluationSet
from audit.plan.audit_plan import AuditPlan

Cells = dict[str, list[str | None]]

LADDER = ["country", "m49-subregion", "m49-region"]


def made_plan(
    path: str | None = "set.csv",
    *,
    evaluation_set: Mapping[str, Any] | None = None,
    detector: Mapping[str, Any] | None = None,
    groups: Mapping[str, Any] | None = None,
) -> AuditPlan:
    """A plan over `case_id`, `exploited`, `gender`, `nationality` and the feature `text`, with changes."""
    return AuditPlan.model_validate(
        {
            "schema": 1,
            "audit": {"title": "Screener", "owner": "An office", "use": "moderation", "route": "services"},
            "detector": detector or {"kind": "python", "entry": "m:f", "features": ["text"], "threshold": 0.5},
            "evaluation_set": {
                "id": "case_id",
                "label": "exploited",
                "label_source": "case files",
                **({} if path is None else {"path": path}),
                **(evaluation_set or {}),
            },
            "groups": groups
            or {"gender": {"column": "gender"}, "nationality": {"column": "nationality", "ladder": LADDER}},
            "rules": [{"metric": "true_positive_rate", "groups": [next(iter(groups or {"gender": 0}))], "margin": 0.1}],
        }
    )


def made_cells(rows: int = 4) -> Cells:
    """A table in which nothing is wrong."""
    return {
        "case_id": [f"case {row}" for row in range(1, rows + 1)],
        "exploited": [("1", "0", None)[row % 3] for row in range(rows)],
        "gender": [("woman", "man", None)[row % 3] for row in range(rows)],
        "nationality": [("NA", "NGA", "004", None)[row % 4] for row in range(rows)],
        "text": [f"advert {row}" for row in range(rows)],
    }


def write_set(path: Path, cells: Mapping[str, Sequence[str | None]]) -> Path:
    """Write a table in the format and the compression that the name of `path` says."""
    plain = path.name.removesuffix(".gz").removesuffix(".zst")
    content = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet}[Path(plain).suffix](cells)
    if path.suffix == ".gz":
        content = gzip.compress(content)
    elif path.suffix == ".zst":
        content = pa.compress(content, codec="zstd", asbytes=True)
    path.write_bytes(content)
    return path


def _csv(cells: Mapping[str, Sequence[str | None]]) -> bytes:
    import io

    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(cells)
    writer.writerows(zip(*cells.values(), strict=True))
    return text.getvalue().encode()


def _jsonl(cells: Mapping[str, Sequence[str | None]]) -> bytes:
    rows = [dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True)]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def _parquet(cells: Mapping[str, Sequence[str | None]]) -> bytes:
    stream = pa.BufferOutputStream()
    pq.write_table(pa.table({name: pa.array(column, pa.string()) for name, column in cells.items()}), stream)
    content: bytes = stream.getvalue().to_pybytes()
    return content


def canonical_rows(opened: EvaluationSet) -> Counter[tuple[object, ...]]:
    """Every row of a set as (label, a code for each feature), counted."""
    names = [feature.name for feature in opened.features]
    picked = ", ".join(opened.expressions[name] for name in ("label", *(f"group_{name}" for name in names)))
    rows = opened.connection.execute(f"SELECT {picked} FROM {opened.source.name}").fetchall()
    return Counter(
        (label, *(opened.codes[name][value] for name, value in zip(names, raw, strict=True))) for label, *raw in rows
    )
