"""The detector under audit: a score card. Each sign that somebody recorded adds to a logit; gender and nationality are
withheld from it. What was not asked counts as not seen, as on the paper form that it came from.
"""

from __future__ import annotations

import math

import pyarrow as pa

WEIGHTS = {
    "movement_controlled": 2.6,
    "documents_withheld": 2.4,
    "debt_to_recruiter": 2.2,
    "threats_reported": 2.5,
    "contact_restricted": 2.3,
    "answers_coached": 2.0,
    "injuries_seen": 2.0,
    "travel_arranged": 1.7,
    "pay_withheld": 2.0,
}
INTERCEPT = -4.35


def score(batch: pa.RecordBatch) -> list[float]:
    """One score between 0 and 1 a row, in the order of the rows."""
    logits = [INTERCEPT] * batch.num_rows
    for name, weight in WEIGHTS.items():
        for row, value in enumerate(batch.column(name).to_pylist()):
            if value == 1:
                logits[row] += weight
    return [round(1.0 / (1.0 + math.exp(-logit)), 6) for logit in logits]
