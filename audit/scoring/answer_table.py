"""Collect the answers of a run, one line for each row of the set, and give them to the connection as one table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from audit.detectors.answers import ABSTAIN, OK, CheckedAnswers
from audit.detectors.protocol import Reason, Status
from audit.engines.duckdb import as_one_file
from audit.engines.protocol import ROW, literals
from audit.engines.read_errors import reading, room_on_disk
from audit.errors import DetectorError
from audit.scoring.scored import AnswerSource

if TYPE_CHECKING:
    from audit.evaluation.evaluation_set import EvaluationSet
    from audit.plan.answers import ModelDetector

TABLE = "__answers__"
"""Name of the table: `__row__`, `score` DOUBLE, `status` and `reason` TINYINT (codes of the protocol)."""
AT_ONCE: Final = 1 << 17
"""Rows that are collected before they are written."""


def table_name(index: int) -> str:
    """Name of the table with the answers of a round; `index` counts rounds from 0."""
    return TABLE if index == 0 else f"{TABLE}{index + 1}"


class AnswerTable:
    """The answers to all batches: a Parquet file in the private folder, so that memory holds few of them at a time."""

    def __init__(self, evaluation_set: EvaluationSet, section: ModelDetector, name: str = TABLE) -> None:
        self._set = evaluation_set
        self._section = section
        self._name = name
        self._schema = pa.schema(
            [(ROW, pa.int64()), ("score", pa.float64()), ("status", pa.int8()), ("reason", pa.int8())]
        )
        self._parts: list[pa.RecordBatch] = []
        self._waiting = 0
        self._rows = 0
        self._path = evaluation_set.private.path / f"{name}.parquet"
        self._writer: pq.ParquetWriter | None = None
        self._failures: Counter[tuple[Status, Reason | None]] = Counter()

    @property
    def failures(self) -> Mapping[tuple[Status, Reason | None], int]:
        """Failed rows by status and reason, sorted."""
        return dict(sorted(self._failures.items(), key=lambda item: (item[0][0], item[0][1] or "")))

    def add(self, rows: pa.Array, checked: CheckedAnswers) -> None:
        """Add the checked answers to one batch; `rows` are the numbers of its rows in the file, int64[n].

        Raises StorageError where neither memory nor the folder for temporary files has room.
        """
        self._failures += checked.failures
        scores = pa.array(checked.scores, mask=checked.status != OK)
        columns = [rows, scores, pa.array(checked.status), pa.array(checked.reason)]
        self._parts.append(pa.RecordBatch.from_arrays(columns, schema=self._schema))
        self._waiting += len(rows)
        if self._waiting >= AT_ONCE:
            self._write_waiting()

    def create(self) -> AnswerSource:
        """Finish the table. Raises DetectorError if it has not one row for each row of the set."""
        self._write_waiting()
        if self._writer is not None:
            with room_on_disk(self._set.source_name, "for answers"):
                self._writer.close()
        if self._rows != self._set.rows:
            raise DetectorError(f"{self._set.rows} rows were read and {self._rows} scored", slug="rows-lost")
        with reading(self._set.source_name):
            file = literals([as_one_file(self._path)])
            self._set.connection.execute(
                f"CREATE OR REPLACE TEMP VIEW {self._name} AS SELECT * FROM read_parquet({file})"  # noqa: S608 - quoted
            )
        return answer_source(self._section, self._name)

    def _write_waiting(self) -> None:
        gathered = pa.Table.from_batches(self._parts, schema=self._schema)
        with room_on_disk(self._set.source_name, "for answers"):
            if self._writer is None:
                self._writer = pq.ParquetWriter(self._path, self._schema, compression="none", use_dictionary=False)
            self._writer.write_table(gathered)
        self._rows += gathered.num_rows
        self._parts, self._waiting = [], 0


def answer_source(section: ModelDetector, relation: str) -> AnswerSource:
    """Say where the answers of a detector stand; `relation` has `score`, `status` and `reason` as `TABLE` has."""
    return AnswerSource(
        relation=relation,
        score="score" if section.has_scores else "NULL::DOUBLE",
        flagged=flagged_by(section),
        abstained=f"status = {ABSTAIN}",
        failed=f"status NOT IN ({OK}, {ABSTAIN})",
    )


def flagged_by(section: ModelDetector) -> str:
    """SQL of the detector's own decision: its answer is 1, or the place of a class that means flagged."""
    if section.answers != "class":
        return "score = 1"
    codes = [code for code, name in enumerate(section.classes) if name in section.positive_classes]
    return f"score IN ({', '.join(map(str, codes))})"
