"""Write the answers of a run to the disk part by part, and read back the parts that are whole.

A part holds the answers to some neighbouring batches. It is two files: `000012.arrow` holds the answers, and
`000012.json`, written after it, says which batches they are and has the SHA-256 of the first file. The second file is
the commit point. A part without it, or with other bytes than it says, does not count: its batches are scored again.

Neither file holds an id or a text of anybody. Each row has a score, a status and a reason.

What Spark scores are pieces, each a part of one batch: in the place of the first file stands a folder that Spark has
written, `000012-` and eight digits. Its rows have ids, because they have no order.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from audit.detectors.answers import ABSTAIN, OK, CheckedAnswers
from audit.evaluation.parquet_folder import manifest_sha256
from audit.storage import read_sealed, write_durably, write_sealed

_SCHEMA: Final = pa.schema(
    [("batch", pa.int64()), ("score", pa.float64()), ("status", pa.int8()), ("reason", pa.int8())]
)

_SAYS: Final = (OK, ABSTAIN)
_OURS: Final = re.compile(r"\d{6,}(\.(arrow|json)|-[0-9a-f]{8})")
"""Names of files and folders that are parts. Nothing else in the folder is touched."""


@dataclass(frozen=True, slots=True)
class Part:
    """A whole part: which batches it holds, and when they were scored."""

    first: int
    """The number of its first batch, from 0."""
    batches: int
    """Number of batches."""
    rows: int
    """Number of rows in these batches."""
    started: str
    """Start of the stretch of work that scored them: UTC, ISO 8601."""
    kept: str
    """Time at which they were kept: UTC, ISO 8601."""
    sha256: str
    """SHA-256 (hex) of the file with the answers, or of all files of the folder."""
    folder: str = ""
    """Name of the folder with the answers to a piece."""


def write_part(folder: Path, run: str, first: int, answers: Sequence[CheckedAnswers], times: tuple[str, str]) -> Part:
    """Write the answers to neighbouring batches from `first` on, for the run with the digest `run`. Raises OSError.

    `times` is the start of the stretch of work, and now.
    """
    content = _content(answers)
    part = Part(
        first=first,
        batches=len(answers),
        rows=sum(len(answer.scores) for answer in answers),
        started=times[0],
        kept=times[1],
        sha256=hashlib.sha256(content).hexdigest(),
    )
    write_durably(folder / f"{first:06}.arrow", content)
    write_sealed(folder / f"{first:06}.json", {"run": run, **asdict(part)})
    return part


def new_piece(folder: Path, number: int) -> Path:
    """Name a folder for the answers to a piece. It is new: a job of a run that was killed may still write its own."""
    return folder / f"{number:06}-{secrets.token_hex(4)}"


def seal_piece(run: str, number: int, folder: Path, rows: int, times: tuple[str, str]) -> Part:
    """Seal the answers that Spark has written into a folder of `new_piece`. Raises OSError."""
    part = Part(number, 1, rows, *times, sha256=manifest_sha256(folder, piece_files(folder)), folder=folder.name)
    write_sealed(folder.with_name(f"{number:06}.json"), {"run": run, **asdict(part)})
    return part


def piece_files(folder: Path) -> list[Path]:
    """Files with the answers to a piece, in order."""
    return sorted(folder.glob("*.parquet"))


def read_parts(folder: Path, run: str) -> dict[int, Part]:
    """Find the whole parts of this run, by their first batch, and remove the files of all other parts.

    Raises OSError.
    """
    parts: dict[int, Part] = {}
    end = 0
    for path in sorted(folder.glob("*.json"), key=_first):
        part = _read_sidecar(path, run)
        if part is not None and part.first >= end and _is_whole(folder, part):
            parts[part.first] = part
            end = part.first + part.batches
    names = {f"{first:06}.json" for first in parts} | {
        part.folder or f"{part.first:06}.arrow" for part in parts.values()
    }
    for path in folder.iterdir():
        if path.name in names or not _OURS.fullmatch(path.name):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)  # a job of a run that was killed may still write there
        else:
            path.unlink()
    return parts


def read_part(folder: Path, part: Part) -> Iterator[CheckedAnswers]:
    """Yield the answers to each batch of a part, in order. Raises OSError, or ValueError if the part has changed."""
    content = (folder / f"{part.first:06}.arrow").read_bytes()
    if hashlib.sha256(content).hexdigest() != part.sha256:
        raise ValueError("a part of the run was changed while it was read")
    table = pa.ipc.open_file(pa.BufferReader(content)).read_all().combine_chunks()
    batch, score, status, reason = (table.column(name).to_numpy() for name in _SCHEMA.names)
    for number in range(part.batches):
        mask = batch == number
        yield CheckedAnswers(score[mask], status[mask].astype(np.int8), reason[mask].astype(np.int8))


def says_anything(*answers: CheckedAnswers) -> bool:
    """Whether there is a row that has an answer or an abstention in each of `answers`, and no failure."""
    answered = np.logical_and.reduce([np.isin(answer.status, _SAYS) for answer in answers])
    return bool(answered.any())


def same_answers(answers: CheckedAnswers, other: CheckedAnswers) -> bool:
    """Whether two answers to a batch are the same to the last bit, in the rows that failed in neither.

    A failed row says nothing: a program that hangs once is no other program.
    """
    answered = np.isin(answers.status, _SAYS) & np.isin(other.status, _SAYS)
    return np.array_equal(answers.status[answered], other.status[answered]) and np.array_equal(
        answers.scores[answered], other.scores[answered], equal_nan=True
    )


def _content(answers: Sequence[CheckedAnswers]) -> memoryview:
    numbers = np.repeat(np.arange(len(answers)), [len(answer.scores) for answer in answers])
    columns = [numbers.astype(np.int64)] + [
        np.concatenate([getattr(answer, name) for answer in answers]) for name in ("scores", "status", "reason")
    ]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, _SCHEMA) as writer:
        writer.write_batch(pa.RecordBatch.from_arrays([pa.array(column) for column in columns], schema=_SCHEMA))
    return memoryview(sink.getvalue())


def _first(path: Path) -> tuple[int, str]:
    """Sort key of a file: the number of its first batch, which has seven digits from a million on."""
    return (int(path.stem) if path.stem.isdecimal() else -1), path.name


def _read_sidecar(path: Path, run: str) -> Part | None:
    fields = read_sealed(path)
    if fields is None or fields.pop("run", None) != run:
        return None
    # sealed, so it is what this module has written
    part = Part(**fields)
    return part if path.name == f"{part.first:06}.json" else None


def _is_whole(folder: Path, part: Part) -> bool:
    try:
        if part.folder:
            piece_folder = folder / part.folder
            return manifest_sha256(piece_folder, piece_files(piece_folder)) == part.sha256
        content = (folder / f"{part.first:06}.arrow").read_bytes()
    except OSError:
        return False
    return hashlib.sha256(content).hexdigest() == part.sha256
