"""Evaluation set with eight numbers in a row, and a plan that scores it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

SEED: Final = 20240412
FEATURES: Final = tuple(f"f{place}" for place in range(8))
"""Names of the columns that the detectors are given; float64."""


def write_set(path: Path, rows: int) -> None:
    """Write so many rows, in pieces: the largest set is larger than what should be in memory at once."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(SEED)
    writer = None
    for start in range(0, rows, 500_000):
        size = min(500_000, rows - start)
        columns: dict[str, Any] = {
            "case_id": pa.array(np.arange(start, start + size)).cast(pa.string()),
            "label": rng.integers(0, 2, size),
            "gender": pa.array(np.array(["woman", "man"])[rng.integers(0, 2, size)]),
            **{name: rng.normal(size=size) for name in FEATURES},
        }
        table = pa.table(columns)
        writer = pq.ParquetWriter(path, table.schema) if writer is None else writer
        writer.write_table(table)
    assert writer is not None
    writer.close()


def plan_for(data: Path, detector: dict[str, Any], batch_size: int) -> Any:
    """Return a plan with this `[detector]`; its rule does not matter here."""
    from audit.plan.audit_plan import AuditPlan

    return AuditPlan.model_validate(
        {
            "schema": 1,
            "audit": {
                "title": "To measure scoring",
                "owner": "Nobody",
                "use": "victim-identification",
                "route": "both",
            },
            "detector": {"features": FEATURES, "threshold": 0.5, **detector},
            "evaluation_set": {
                "path": str(data),
                "id": "case_id",
                "label": "label",
                "label_source": "made from a seed",
            },
            "groups": {"gender": {"column": "gender"}},
            "rules": [{"metric": "true_positive_rate", "groups": ["gender"], "margin": 0.1}],
            "scoring": {"batch_size": batch_size},
        }
    )
