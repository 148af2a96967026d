"""Sets for tests of remedies: two or three groups whose scores differ, as rows and as counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from audit.counting.score_table import half_key

PLAN: dict[str, Any] = {
    "schema": 1,
    "audit": {"title": "Screener", "owner": "o", "use": "hotline-triage", "route": "services"},
    "detector": {"kind": "predictions", "score": "score", "threshold": 0.5},
    "evaluation_set": {"path": "cases.csv", "id": "case", "label": "label", "label_source": "made"},
    "groups": {"origin": {"column": "origin", "coding": "categorical", "min_cases": 50}},
    "rules": [
        {"metric": "true_positive_rate", "groups": ["origin"], "margin": 0.1},
        {"metric": "false_positive_rate", "groups": ["origin"], "margin": 0.1},
    ],
}


def cases(rows: int = 6_000, shift: float = 0.15, seed: int = 1, few: int = 0) -> pd.DataFrame:
    """Cases of north and south, whose scores lie lower, and `few` of an origin of which there are few."""
    rng = np.random.default_rng(seed)
    origin = np.where(rng.random(rows) < 0.4, "south", "north")
    origin[:few] = "islands"
    label = (rng.random(rows) < 0.4).astype(int)
    score = 0.42 + 0.25 * label - shift * (origin == "south") + rng.normal(0, 0.18, rows)
    return pd.DataFrame(
        {"case": [f"c{n}" for n in range(rows)], "label": label, "origin": origin, "score": score.clip(0, 1).round(3)}
    )


def write(folder: Path, table: pd.DataFrame) -> dict[str, Any]:
    """Write the cases, and return the plan."""
    table.to_csv(folder / "cases.csv", index=False)
    return PLAN


def half_of(ids: pd.Series[str], seed: int, cases_sha256: str) -> pd.Series[int]:
    """The half of each case, as HMAC has it: 0 chooses, 1 judges."""
    import hashlib

    key = half_key(seed, cases_sha256)

    def hashed(text: str) -> str:
        return hashlib.md5((key + text).encode(), usedforsecurity=False).hexdigest()

    return ids.map(lambda text: int(hashed(hashed(text)) >= "8"))
