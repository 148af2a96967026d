"""Cut an evaluation set into the batches of the plan: features only, in a fixed order, of an exact size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from audit.detectors.protocol import ROW_ID
from audit.engines.protocol import ROW
from audit.engines.read_errors import reading
from audit.errors import PlanError
from audit.scoring.row_order import in_file_order, in_id_order

if TYPE_CHECKING:
    from audit.evaluation.evaluation_set import EvaluationSet
    from audit.plan.sections import ScoringSection


def check_features(features: tuple[str, ...]) -> None:
    """Raise PlanError where `features` names a column whose name a batch needs for itself."""
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
        The `row_id` of the first row. Each round has its own ids, so that no detector answers from a memory of ids.

    Yields
    ------
    rows : pyarrow.Array of int64[n]
        Numbers of the rows in the file.
    batch : pyarrow.RecordBatch of n rows
        `row_id`, counted from `first` in the order of scoring, and the features. Every batch but the last has exactly
        `scoring.batch_size` rows: DuckDB streams pieces of other sizes, and the last bits of a score can depend on the
        size of the batch.

    Raises
    ------
    DataError, StorageError
        The file can no longer be read, or there is no room to sort it.
    """
    columns = {name: evaluation_set.feature_expression(name) for name in features}
    ordered = in_id_order if scoring.order == "id" else in_file_order
    done = first
    with reading(evaluation_set.source_name):
        for piece in pieces_of_size(ordered(evaluation_set, columns, scoring.batch_size), scoring.batch_size):
            row_ids = pa.array(np.arange(done, done + piece.num_rows, dtype=np.int64))
            done += piece.num_rows
            yield (
                piece.column(0),
                pa.RecordBatch.from_arrays([row_ids, *piece.columns[1:]], names=[ROW_ID, *features]),
            )


class SetRows:
    """A source of batches: the rows of an evaluation set.

    Parameters
    ----------
    evaluation_set : EvaluationSet
        Open.
    features : tuple of str
        The columns that the detector is given.
    scoring : ScoringSection
        Size and order of the batches.
    """

    name = ""

    def __init__(self, evaluation_set: EvaluationSet, features: tuple[str, ...], scoring: ScoringSection) -> None:
        check_features(features)
        self._set = evaluation_set
        self._features = features
        self._scoring = scoring
        self.rows = evaluation_set.rows
        self.sha256 = evaluation_set.sha256

    def batches(self, first: int) -> Iterator[tuple[pa.Array, pa.RecordBatch]]:
        """Stream the set as `read_batches` does."""
        return read_batches(self._set, self._features, self._scoring, first=first)


def pieces_of_size(pieces: Iterable[pa.RecordBatch], size: int) -> Iterator[pa.RecordBatch]:
    """Cut rows anew into pieces of exactly `size` rows; the last piece may be shorter."""
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
