"""Evaluation sets of any size from a seed, made as Parquet, a million rows at a time.

`python -m tools.bench.made_cases FILE ROWS SEED SPREAD` writes one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pycountry

from tools.bench.plans import THRESHOLD, answers_of

NATIONALITIES: Final = 200
GENDERS: Final = ("woman", "man", "non-binary", None)
GENDER_SHARES: Final = (0.55, 0.38, 0.05, 0.02)
CHUNK: Final = 1_000_000

Spread = Literal["zipf", "even"]

SCHEMA: Final = pa.schema(
    {
        "case_id": pa.string(),
        "gender": pa.string(),
        "nationality": pa.string(),
        "label": pa.int8(),
        "score": pa.float64(),
        "decision": pa.int8(),
    }
)


def codes() -> list[str]:
    """First 200 alpha-3 codes of ISO 3166-1, in the order of the alphabet."""
    return sorted(country.alpha_3 for country in pycountry.countries)[:NATIONALITIES]


def write_cases(path: Path, rows: int, *, seed: int, spread: Spread = "zipf") -> None:
    """Write `rows` cases to `path`.

    Parameters
    ----------
    spread : {"zipf", "even"}
        "zipf": nationality k of a random order has a share in proportion to 1 / k, and genders have `GENDER_SHARES`.
        "even": the 800 combinations take turns, so that each is there.
    """
    with pq.ParquetWriter(path, SCHEMA) as writer:
        for batch in batches(rows, seed=seed, spread=spread):
            writer.write_batch(batch)


def write_answers(data: Path) -> Path:
    """Write the scores of a set that `write_cases` made into a predictions file beside it, by id."""
    path = answers_of(data)
    pq.write_table(pq.read_table(data, columns=["case_id", "score"]), path)
    return path


def batches(rows: int, *, seed: int, spread: Spread, chunk: int = CHUNK) -> Iterator[pa.RecordBatch]:
    """Make the cases in batches of `chunk` rows. Each nationality has its own prevalence between 10 and 40 %."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(NATIONALITIES)
    shares = 1.0 / (1.0 + np.argsort(order))
    prevalence = rng.uniform(0.10, 0.40, NATIONALITIES)
    for start in range(0, rows, chunk):
        size = min(chunk, rows - start)
        if spread == "zipf":
            nationality = rng.choice(NATIONALITIES, size, p=shares / shares.sum())
            gender = rng.choice(len(GENDERS), size, p=GENDER_SHARES)
        else:
            cell = np.arange(start, start + size) % (NATIONALITIES * len(GENDERS))
            nationality, gender = cell // len(GENDERS), cell % len(GENDERS)
        label = (rng.random(size) < prevalence[nationality]).astype(np.int8)
        score = 1.0 / (1.0 + np.exp(-(rng.normal(size=size) + 2.5 * label - 1.4)))
        yield _batch(start, gender, nationality, label, score)


def _batch(
    start: int,
    gender: npt.NDArray[np.int64],
    nationality: npt.NDArray[np.int64],
    label: npt.NDArray[np.int8],
    score: npt.NDArray[np.float64],
) -> pa.RecordBatch:
    def text(values: list[str] | tuple[str | None, ...], places: npt.NDArray[np.int64]) -> pa.Array:
        return pa.array(values, pa.string()).take(pa.array(places))

    numbers = np.char.zfill(np.arange(start, start + len(label)).astype(str), 9)
    return pa.RecordBatch.from_arrays(
        [
            pa.array(numbers, pa.string()),
            text(GENDERS, gender),
            text(codes(), nationality),
            pa.array(label),
            pa.array(score),
            pa.array((score >= THRESHOLD).astype(np.int8)),
        ],
        schema=SCHEMA,
    )


if __name__ == "__main__":
    write_cases(
        Path(sys.argv[1]), int(sys.argv[2]), seed=int(sys.argv[3]), spread="even" if sys.argv[4] == "even" else "zipf"
    )
