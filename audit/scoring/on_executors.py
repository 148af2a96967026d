"""Answer rows on an executor of Spark: each task opens the detector, asks it batch by batch, and closes it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import pyarrow as pa

from audit.detectors.error_names import error_name
from audit.detectors.in_flight import InFlight, workers_of
from audit.detectors.isolation.options import Isolating
from audit.detectors.isolation.placement import place_restartable_detector, where_it_ran
from audit.detectors.protocol import ROW_ID, Detector
from audit.errors import AuditError, DetectorError, DetectorGoneError
from audit.plan.audit_plan import AuditPlan
from audit.scoring.batches import pieces_of_size
from audit.scoring.foreign_errors import error_text_withheld, open_detector
from audit.scoring.provenance import scoring_identity
from audit.scoring.rounds import Rounds
from audit.scoring.runner import run_context

SCHEMA: Final = "__id__ string, score double, status tinyint, reason tinyint, error string"
"""Columns of the answers. A row with `error` says why its task ended, and answers nothing."""
SAID: Final = "said string"
_ROWS: Final = 1 << 62
"""More rows than a task has: how many it has is not known."""


@dataclass(frozen=True, slots=True)
class Task:
    """What every task is sent, beside its rows."""

    plan: AuditPlan
    folder: Path
    isolating: Isolating
    expected: str = ""
    """What `describe` says where the run is led; nothing is answered by another detector or with other packages."""

    def placed(self) -> Detector:
        """Make the detector."""
        return cast("Detector", place_restartable_detector(self.plan, self.folder, self.isolating))

    def open(self, detector: Detector) -> contextlib.AbstractContextManager[None]:
        """Open the detector within a context."""
        return open_detector(
            detector, self.plan.detector.kind, run_context(self.plan.detector, self.plan.scoring, self.folder)
        )

    def describe(self, detector: Detector) -> str:
        """Describe an open detector, and what else answers depend on, as JSON."""
        with error_text_withheld(f"detector kind {self.plan.detector.kind}"):
            info = asdict(detector.info)
        identity = scoring_identity(self.plan)
        known = {"tool": identity["tool"], **identity["packages"], "detector": {**info, "course": ()}}
        return json.dumps(known, sort_keys=True)

    def look(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield what `describe` says on this executor, and where the detector runs; batches are not looked at."""
        for _ in batches:
            try:
                detector = self.placed()
                with self.open(detector):
                    where = where_it_ran(detector)
                    report = {"known": self.describe(detector), "where": None if where is None else where.model_dump()}
            except Exception as error:
                report = {"error": _as_text(error)}
            yield pa.RecordBatch.from_pydict({"said": [json.dumps(report, sort_keys=True)]})
            return

    def answer(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the answers to the rows of a task: the first column is the id, the others are the features.

        Whatever is raised becomes a row: Spark would write its text, and ask about all rows of the task again.
        """
        try:
            for ids, checked in self._answered(batches):
                columns = [ids, pa.array(checked.scores, mask=np.isnan(checked.scores))]
                columns += [pa.array(checked.status), pa.array(checked.reason), pa.nulls(len(ids), pa.string())]
                yield pa.RecordBatch.from_arrays(columns, names=_NAMES)
        except Exception as error:
            none: list[Any] = [None]
            ended = [pa.array(none, kind) for kind in (pa.string(), pa.float64(), pa.int8(), pa.int8())]
            yield pa.RecordBatch.from_arrays([*ended, pa.array([_as_text(error)])], names=_NAMES)

    def _answered(self, batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[pa.Array, Any]]:
        first = next((batch for batch in batches if batch.num_rows), None)
        if first is None:
            return
        detector = self.placed()
        with InFlight(detector.score) as flight, self.open(detector):
            check_same(self.expected, self.describe(detector))
            features = getattr(self.plan.detector, "features", ())
            rows = _Rows(chain([first], batches), self.plan.scoring.batch_size, features)
            rounds = Rounds(self.plan, detector, rows)
            with error_text_withheld(f"detector kind {self.plan.detector.kind}"):
                rounds.answer_by(flight, workers_of(detector))
            for _, ids, checked in rounds.scored():
                yield ids, checked


_NAMES: Final = [column.split()[0] for column in SCHEMA.split(", ")]


class _Rows:
    """The rows of a task as a source of batches."""

    name, sha256, rows = "", None, _ROWS

    def __init__(self, pieces: Iterator[pa.RecordBatch], batch_size: int, features: Sequence[str]) -> None:
        self._pieces, self._size, self._features = pieces, batch_size, features

    def batches(self, first: int) -> Iterator[tuple[pa.Array, pa.RecordBatch]]:
        """Yield ids and batches, of exactly the size that the plan says but for the last of the task."""
        for piece in pieces_of_size(self._pieces, self._size):
            row_ids = pa.array(range(first, first + piece.num_rows), pa.int64())
            first += piece.num_rows
            names = [ROW_ID, *self._features]
            yield piece.column(0), pa.RecordBatch.from_arrays([row_ids, *piece.columns[1:]], names=names)


def check_same(expected: str, actual: str) -> None:
    """Raise DetectorError where two texts of `Task.describe` differ, with the names of what differs."""
    if actual == expected:
        return
    here, there = json.loads(expected), json.loads(actual)
    others = sorted(name for name in here.keys() | there.keys() if here.get(name) != there.get(name))
    raise DetectorError(
        f"an executor of Spark does not have what is here: {', '.join(others)}", slug="engine-environment"
    )


def raise_error(text: str) -> None:
    """Raise the error that a task ended with."""
    fields = json.loads(text)
    kind = DetectorGoneError if fields.pop("gone") else DetectorError
    raise kind(fields.pop("message"), **fields)


def _as_text(error: Exception) -> str:
    if not isinstance(error, AuditError):  # its text can quote a row
        named = f"an executor of Spark raised {error_name(error)}"
        error = DetectorError(named, slug="detector-raised", hint="see its log")
    gone = isinstance(error, DetectorGoneError)
    return json.dumps({"message": error.message, "slug": error.slug, "hint": error.hint, "gone": gone})
