"""Cuts an evaluation set into the batches of the plan: features only, in a fixed order, of an exact size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from audit.detectors.protocol import ROW_ID
from audit.errors import PlanError
from audit.evaluation.quoting import identifier
from audit.evaluation.relation import ROW

if TYPE_CHECKING:
    import pyarrow as pa

    from audit.evaluation.evaluation_set import EvaluationSet
    from audit.plan import ScoringSection


def check_features(features: tuple[str, ...]) -> None:
    """Raise PlanError where `features` names a column that a batch has no room for."""
    taken = [name for name in features if name.casefold() in {ROW_ID, ROW}]
    if taken:
        raise PlanError(
            f"a column named {taken[0]} cannot be among `features`, the name has a meaning of its own there",
            slug="features-reserved",
            hint="give the column another name",
        )


def read_batches(
    evaluation_set: EvaluationSet, features: tuple[str, ...], scoring: ScoringSection, *, first: int = 0
) -> Iterator[tuple[pa.Array, pa.RecordBatch]]:
    """Stream the set in batches.

    Parameters
    ----------
    evaluation_set : EvaluationSet
    features : tuple of str
        The columns that the detector is given. No other column leaves the set.
    scoring : ScoringSection
        Size and order of the batches.
    first : int
        The `row_id` of the first row: in every round it is another one, so that nobody answers out of a memory of ids.

    Yields
    ------
    rows : pyarrow.Array of int64[n]
        Numbers of the rows in the file.
    batch : pyarrow.RecordBatch of n rows
        `row_id`, counted from `first` in the order of scoring, and the features. Every batch but the last has exactly
        `scoring.batch_size` rows: what DuckDB streams is cut along its own row groups, and scores can change in their
        last bits with the size of a batch.

    Raises
    ------
    DataError, StorageError
        The file can no longer be read, or there is no room to sort it.
    """
    import numpy as np
    import pyarrow as pa

    from audit.evaluation.connection import reading

    order = evaluation_set.expressions["case_id"] if scoring.order == "id" else ROW
    columns = ", ".join(f"{evaluation_set.feature_expression(name)} AS {identifier(name)}" for name in features)
    # every name is a quoted identifier of a column that the plan names
    query = f"SELECT {ROW}, {columns} FROM {evaluation_set.source.name} ORDER BY {order}"  # noqa: S608
    done = first
    with reading(evaluation_set.source_name):
        reader = evaluation_set.connection.sql(query).to_arrow_reader(scoring.batch_size)
        for piece in exactly(reader, scoring.batch_size):
            row_ids = pa.array(np.arange(done, done + piece.num_rows, dtype=np.int64))
            done += piece.num_rows
            yield (
                piece.column(0),
                pa.RecordBatch.from_arrays([row_ids, *piece.columns[1:]], names=[ROW_ID, *features]),
            )


def exactly(pieces: Iterable[pa.RecordBatch], size: int) -> Iterator[pa.RecordBatch]:
    """The same rows in pieces of exactly `size`; the last one may be shorter."""
    import pyarrow as pa

    waiting: list[pa.RecordBatch] = []
    room = size
    for piece in pieces:
        rest = piece
        while rest.num_rows:
            part = rest.slice(0, room)
            rest = rest.slice(part.num_rows)
            waiting.append(part)
            room -= part.num_rows
            if not room:
                yield pa.concat_batches(waiting)
                waiting, room = [], size
    if waiting:
        yield pa.concat_batches(waiting)
