"""Gathers the answers of a run, row by row of the set, and hands them to the connection as one table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pyarrow as pa

from audit.detectors.answers import ABSTAIN, NO_REASON, OK, CheckedAnswers
from audit.detectors.protocol import REASONS, STATUSES, Reason, Status
from audit.errors import DetectorError
from audit.evaluation.connection import reading
from audit.evaluation.relation import ROW
from audit.scoring.decisions import AnswerSource

if TYPE_CHECKING:
    from audit.evaluation.evaluation_set import EvaluationSet
    from audit.plan import ModelDetector

TABLE = "__answers__"
"""Name of the table: `__row__`, `score` DOUBLE, `status` and `reason` TINYINT (codes of the protocol)."""
_GATHERED = "__gathered__"


def table_name(place: int) -> str:
    """Name of the table of a round, from 0."""
    return TABLE if place == 0 else f"{TABLE}{place + 1}"


class AnswerTable:
    """The answers to all batches; 18 bytes a row."""

    def __init__(self, evaluation_set: EvaluationSet, section: ModelDetector, name: str = TABLE) -> None:
        self._set = evaluation_set
        self._section = section
        self._name = name
        self._schema = pa.schema(
            [(ROW, pa.int64()), ("score", pa.float64()), ("status", pa.int8()), ("reason", pa.int8())]
        )
        self._parts: list[pa.RecordBatch] = []
        self._failures: Counter[tuple[Status, Reason | None]] = Counter()

    @property
    def failures(self) -> Mapping[tuple[Status, Reason | None], int]:
        """Failed rows by status and reason, sorted."""
        return dict(sorted(self._failures.items(), key=lambda item: (item[0][0], item[0][1] or "")))

    def add(self, rows: pa.Array, checked: CheckedAnswers) -> None:
        """Add the checked answers to one batch; `rows` are the numbers of its rows in the file, int64[n]."""
        failed = (checked.status != OK) & (checked.status != ABSTAIN)
        pairs = zip(checked.status[failed].tolist(), checked.reason[failed].tolist(), strict=True)
        for (status, reason), count in Counter(pairs).items():
            self._failures[STATUSES[status], None if reason == NO_REASON else REASONS[reason]] += count
        scores = pa.array(checked.scores, mask=checked.status != OK)
        columns = [rows, scores, pa.array(checked.status), pa.array(checked.reason)]
        self._parts.append(pa.RecordBatch.from_arrays(columns, schema=self._schema))

    def create(self) -> AnswerSource:
        """Create the table in the connection. Raises DetectorError if it has not one row for each row of the set."""
        gathered = pa.Table.from_batches(self._parts, schema=self._schema)
        if gathered.num_rows != self._set.rows:
            raise DetectorError(
                f"{self._set.rows} rows were read and {gathered.num_rows} scored",
                slug="rows-lost",
                hint="check that nothing changes the file during the audit",
            )
        connection = self._set.connection
        with reading(self._set.source_name):
            connection.register(_GATHERED, gathered)
            connection.execute(f"CREATE OR REPLACE TEMP TABLE {self._name} AS SELECT * FROM {_GATHERED}")  # noqa: S608
            connection.unregister(_GATHERED)
        self._parts = []
        return AnswerSource(
            relation=self._name,
            score="score" if self._section.has_scores else "NULL::DOUBLE",
            flagged=_flagged(self._section),
            abstained=f"status = {ABSTAIN}",
            failed=f"status NOT IN ({OK}, {ABSTAIN})",
        )


def _flagged(section: ModelDetector) -> str:
    """SQL of the detector's own decision: its answer is 1, or the place of a class that means flagged."""
    if section.answers != "class":
        return "score = 1"
    places = [place for place, name in enumerate(section.classes) if name in section.positive_classes]
    return f"score IN ({', '.join(map(str, places))})"
