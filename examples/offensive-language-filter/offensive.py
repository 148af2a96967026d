"""The scores of a model from the package index, text by text."""

from __future__ import annotations

import pyarrow as pa
from profanity_check import predict_prob


def score(batch: pa.RecordBatch) -> list[float]:
    """Return how likely each text is offensive, between 0 and 1, as alt-profanity-check gives it."""
    return [float(probability) for probability in predict_prob(batch.column("text").to_pylist())]
