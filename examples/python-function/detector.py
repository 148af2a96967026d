"""The detector under audit: phrases, each with a weight. It is given the text of an advert and nothing else."""

from __future__ import annotations

import pyarrow as pa

PHRASES = {
    "passport": 0.45,
    "no contract": 0.40,
    "work it off": 0.50,
    "no experience, high pay": 0.35,
    "live where you work": 0.30,
    "travel paid in advance": 0.30,
    "tell nobody": 0.60,
    "discreet": 0.25,
}


def score(batch: pa.RecordBatch) -> list[float]:
    """One score between 0 and 1 a row, in the order of the rows."""
    return [_score_text(text) for text in batch.column("text").to_pylist()]


def _score_text(text: str) -> float:
    read = text.casefold()
    return min(1.0, sum(weight for phrase, weight in PHRASES.items() if phrase in read))
