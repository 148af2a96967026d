"""Write `predictions.parquet`: answers and decisions, a row for each case, sorted by id."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from audit.detectors.protocol import REASONS, STATUSES
from audit.engines.protocol import ROW
from audit.scoring.batches import pieces_of_size
from audit.scoring.row_order import Wanted, bytes_of, in_order
from audit.storage import storage, written_whole

if TYPE_CHECKING:
    from audit.evaluation.evaluation_set import EvaluationSet
    from audit.scoring.scored import AnswerSource

DECISIONS: Final = ("flagged", "not flagged", "abstained", "failed")
"""The words of the decision codes."""

_ROW_GROUP: Final = 122_880
"""Rows of a row group: fixed, so that the same answers give the same bytes."""
_ANSWERED: Final = 48
"""Bytes of the answer to a row without its id, about."""


def write_predictions(
    evaluation_set: EvaluationSet, answers: AnswerSource, decision: str, path: Path, classes: Sequence[str] = ()
) -> None:
    """Write id, score, decision, status and reason of every row, in words; `decision` is the SQL of the code.

    For a detector that answers with `classes`, the named class stands after the score.

    The file holds the ids of cases and is as restricted as the evaluation set. It appears whole or not at all, only its
    owner can read it, and the same answers give the same bytes.

    Raises
    ------
    StorageError
        It could not be written.
    """
    hint = "check that the folder exists, can be written to and has room"
    with storage(path, f"{path.name} could not be written", hint=hint), written_whole(path) as file:
        _write(_wanted(evaluation_set, answers, decision, classes), evaluation_set, file, classes)


def _write(wanted: Wanted, evaluation_set: EvaluationSet, file: object, classes: Sequence[str]) -> None:
    words = pa.dictionary(pa.int32(), pa.string())
    schema = pa.schema(
        [
            ("case_id", pa.string()),
            ("score", pa.float64()),
            *([("class", words)] if classes else []),
            ("decision", words),
            ("status", words),
            ("reason", words),
        ]
    )
    rows = in_order(evaluation_set, wanted, _ROW_GROUP)
    with pq.ParquetWriter(file, schema, compression="zstd", write_page_checksum=True) as writer:
        for piece in pieces_of_size(rows, _ROW_GROUP):
            writer.write_batch(_in_words(piece, schema, classes), row_group_size=_ROW_GROUP)


def _in_words(piece: pa.RecordBatch, schema: pa.Schema, classes: Sequence[str]) -> pa.RecordBatch:
    columns = [piece.column(0).cast(pa.string()), piece.column(1)]
    coded: list[Sequence[str]] = [*([classes] if classes else []), DECISIONS, STATUSES, REASONS]
    for index, known in enumerate(coded, start=2):
        codes = piece.column(index).cast(pa.int32())
        columns.append(pa.DictionaryArray.from_arrays(codes, pa.array([str(word) for word in known])))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _wanted(evaluation_set: EvaluationSet, answers: AnswerSource, decision: str, classes: Sequence[str]) -> Wanted:
    case_id, source = evaluation_set.expressions["case_id"], evaluation_set.source.name
    # the place of the class is what the table of answers has for a score
    named = ", score AS named" if classes else ""
    status_columns = "status, nullif(reason, -1) AS reason"
    answered = f"SELECT {ROW}{named}, {answers.score} AS answered, {decision} AS decision, {status_columns}"
    columns = ("case_id", "answered", *(["named"] if classes else []), "decision", "status", "reason")
    # built from quoted identifiers and numbers; nothing of a cell stands in it
    query = (
        f"SELECT {', '.join(columns)} FROM (SELECT {ROW}, {case_id} AS case_id FROM {source})"  # noqa: S608
        f" JOIN ({answered} FROM {answers.relation}) USING ({ROW})"
    )
    byte_count = bytes_of(evaluation_set, {"case_id": case_id}) + _ANSWERED * evaluation_set.rows
    return Wanted(query, columns, "case_id", byte_count)
