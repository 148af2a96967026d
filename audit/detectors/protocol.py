"""The detector protocol, version 1: the input of a model under audit, and the answers that it must give.

A detector is a class made with the plan's `[detector]` section and the folder of the plan, registered by entry point:

    [project.entry-points."audit.detectors"]
    mykind = "mypackage.audit7k:MyDetector"

The harness calls `open` once, `score` once for each batch in the order of the plan, and `close` at the end, also after
an error of `open` or `score`. `close` on a detector that is closed, or was never opened, does nothing. Afterwards no
thread and no child process is left.

A batch is an Arrow RecordBatch with `row_id` (int64) and the columns named by the plan's `features`, in that order and
nothing else: **the label and the sensitive columns are not in it** unless the plan names them as features. A `row_id`
is the place of the row in the order of scoring. It names no person, and means nothing beyond the run. Answers do not
depend on it, nor on how the rows are cut into batches. A batch has at least one row and at most
`RunContext.batch_size` rows. Any cell of it can be null, and it must not be changed.

The answer has the schema of `answer_schema()`, one row for each row of the batch, with the same ids in the same order:

- `score` is a float64 within `RunContext.score_range`. With `answers = "ordinal"` it is a whole number, the level; with
  `answers = "class"` the place of the class in `RunContext.classes`, from 0; with `answers = "decision"` 1 (flagged) or
  0 (not).
- `status` says whether there is an answer (`Status`), and only a row with `ok` has a score.
- `reason` gives details, from a closed list (`Reason`), or is null. It is never free text: texts of exceptions quote
data.

A detector that can answer several batches at once, such as a service, has an attribute `workers` (a whole number, read
after `open`). Then `score` is called from so many threads, and answers are still taken in the order of the plan. After
an error or an interrupt, `close` is called while calls of `score` may still run; it makes them return. Without the
attribute, `score` is called from one thread, one batch after the other.

A detector that takes long over each row, and answers each row by itself, may have a method
`remember(file: Path | None)`. After this call it may keep single answers in that file and read them from there, until
the method is called again with None. A run calls it around batches that it scores for the first time, and never around
a repeated question. `audit.detectors.row_cache` is such a file. For a detector with this method, every answer must
depend on its own row only.

A detector that asks again, or restarts something, has an attribute `retries` (a whole number from 0): how often it has
done so. It is read between batches, and shown while the run goes on.

`answer_batch` builds such an answer. A detector raises `audit.errors.DetectorError` when the whole run cannot go on, in
its own words and without any cell of a row. Any other error ends the run too, and only its type is shown. The harness
checks every answer again: a score that is not finite or out of range is `invalid_output`, never clipped.

`audit.detectors.testing` tests all of this for a detector in another package.

Detectors whose answers exist already, as a table, follow `TableDetector` instead and are never given a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Protocol, cast

import pyarrow as pa

from audit.vocabulary.statuses import REASONS, STATUSES, Reason, Status

if TYPE_CHECKING:
    import numpy.typing as npt

    from audit.evaluation.evaluation_set import EvaluationSet

__all__ = [
    "API_VERSION",
    "REASONS",
    "ROW_ID",
    "STATUSES",
    "Answers",
    "Detector",
    "DetectorInfo",
    "Reason",
    "RunContext",
    "Status",
    "TableAnswers",
    "TableDetector",
    "answer_batch",
    "answer_schema",
    "table_detector",
]

API_VERSION: Final = 1
"""Version of this protocol. A detector class says which one it follows in `api_version`."""

ROW_ID: Final = "row_id"
"""Column of a batch, and of an answer, with the place of the row in the order of scoring."""

Answers = Literal["score", "decision", "ordinal", "class"]
"""Kinds of answers: a score, a decision, a level on a scale, or the name of a class."""


@dataclass(frozen=True, slots=True)
class DetectorInfo:
    """The description that a detector gives of itself; complete once it is open."""

    name: str
    """Name of the file, function, service or columns that answer, for readers of the report."""
    kind: str
    """The kind in the plan."""
    artefact_sha256: str | None
    """SHA-256 of the model or predictions file, or, for a model behind a service, of the requests in the plan; None if
    there is neither."""
    deterministic: bool
    """Whether the same batch always gives the same bits."""
    needs: tuple[str, ...]
    """Columns that it must be given. All of them are features of the plan."""
    digest_is_whole: bool = False
    """Whether `artefact_sha256` covers everything that answers depend on. If not, kept answers of an earlier run are
    used only if the detector answers one of their batches in the same way again."""
    notes: tuple[str, ...] = ()
    """Facts about the detector and its run that a reader of the report must know. They stay the same if a run is broken
    off and goes on. Never the content of a row."""
    course: tuple[str, ...] = ()
    """Notes on this stretch of work: repeated questions, cut texts, models that answered. They are kept with the times,
    apart from the result. Never the content of a row."""


@dataclass(frozen=True, slots=True)
class RunContext:
    """The context in which a detector is opened."""

    folder: Path
    """The folder of the plan; paths in the plan are relative to it."""
    columns: tuple[str, ...]
    """Columns of each batch besides `row_id`, in their order."""
    answers: Answers
    """The kind of answers that it is asked for."""
    score_range: tuple[float, float]
    """Lowest and highest score, or level; with classes the first and the last place."""
    batch_size: int
    """Rows of a batch; the last one may have fewer."""
    classes: tuple[str, ...] = ()
    """With `answers = "class"`: the classes that it may answer with."""


class Detector(Protocol):
    """A model that is run over batches. It may also have `workers`, `retries` and `remember`; see the top of this
    file.
    """

    api_version: int
    """The version of the protocol that it follows: 1."""

    @property
    def info(self) -> DetectorInfo:
        """Description of the detector, read after `open`, and again after the last batch for `course`."""

    def open(self, ctx: RunContext) -> None:
        """Load the model. Raises DetectorError if that fails."""

    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Answer one batch. Raises DetectorError if the run cannot go on."""

    def close(self) -> None:
        """Release everything. It is also called after an error, and when there is nothing to release."""


class TableAnswers(NamedTuple):
    """The place of existing answers in the connection of the evaluation set."""

    relation: str
    """Name of a relation with one row for each row of `source`: `source` itself, or a table with its `__row__`."""
    score: str | None
    """SQL expression over `relation`: DOUBLE, finite and in range, NULL for an abstention. None with `decision`."""
    decision: str | None
    """SQL expression over `relation`: TRUE flagged, FALSE not flagged, NULL for an abstention. None with `score`."""


class TableDetector(Protocol):
    """A detector known by its answers: a table that is joined or read in place, and never run."""

    api_version: int
    """The version of the protocol that it follows: 1."""

    @property
    def info(self) -> DetectorInfo:
        """Description of the detector, read after `find_answers`."""

    def find_answers(self, evaluation_set: EvaluationSet, id_column: str) -> TableAnswers:
        """Check every answer and return their place. Raises AuditError if they cannot be used.

        `id_column` is the id column of the set. A second file has an id column of this name, unless the plan names one.
        """


def table_detector(detector: Detector | TableDetector) -> TableDetector | None:
    """Return the detector if its answers are a table, None if it has to be run.

    The class decides: isinstance would read `info`, which is a third party's code and not ready yet.
    """
    if callable(getattr(type(detector), "find_answers", None)):
        return cast("TableDetector", detector)
    return None


def answer_schema() -> pa.Schema:
    """Schema of an answer. Plain string columns are allowed for `status` and `reason` too."""
    words = pa.dictionary(pa.int8(), pa.string())
    return pa.schema([(ROW_ID, pa.int64()), ("score", pa.float64()), ("status", words), ("reason", words)])


def answer_batch(
    row_ids: pa.Array,
    scores: npt.NDArray[Any] | Sequence[float | None],
    status: Sequence[Status] | None = None,
    reason: Sequence[Reason | None] | None = None,
) -> pa.RecordBatch:
    """Build an answer with the schema of `answer_schema()`.

    Parameters
    ----------
    row_ids : pyarrow.Array
        The `row_id` column of the batch; n rows.
    scores : array_like of n floats
        The scores. NaN stays NaN, and is counted as `invalid_output`; None is null.
    status, reason : sequence of n, optional
        By default every row is `ok` without a reason.

    Returns
    -------
    pyarrow.RecordBatch
    """
    schema = answer_schema()
    status = [Status.OK] * len(row_ids) if status is None else status
    reason = [None] * len(row_ids) if reason is None else reason
    columns = [
        row_ids.cast(pa.int64()),
        pa.array(scores, type=pa.float64(), from_pandas=False),
        pa.array(list(map(str, status))).dictionary_encode().cast(schema.field("status").type),
        pa.array([None if why is None else str(why) for why in reason], type=pa.string())
        .dictionary_encode()
        .cast(schema.field("reason").type),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)
