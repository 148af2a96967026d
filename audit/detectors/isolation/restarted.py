"""Go on when the process of a detector has ended: the row that ended it fails, and a new process gets the other rows.

A row that makes a model crash, or run for ever, is a failure like any other: it is counted, and the run goes on. The
row is found by halving the batch, so that no other row fails with it. A batch that took too long fails as a whole,
because each half may take as long. A model that does so again and again is no detector: after a few batches the run
ends with the error of the last process.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from audit.detectors.protocol import API_VERSION, ROW_ID, DetectorInfo, Reason, RunContext, Status, answer_batch
from audit.errors import DetectorError

if TYPE_CHECKING:
    from audit.detectors.isolation.contained import ContainedDetector

MOST_RESTARTS: Final = 3
"""Most batches in which the process may be lost."""
MOST_IN_A_BATCH: Final = 40
"""Most pieces of one batch in which it may be lost during the search for a row: enough for two among a million."""
_LOST: Final[dict[str, tuple[Status, Reason | None]]] = {
    "isolation-ended": (Status.ERROR, Reason.CRASHED),
    "isolation-timeout": (Status.TIMEOUT, None),
}
"""Status and reason of the rows of a batch, by the error of the process."""
_WORDS: Final = {"isolation-ended": "ended by itself", "isolation-timeout": "did not answer in time"}


class RestartedDetector:
    """A contained detector that is made anew when its process is lost."""

    api_version = API_VERSION

    def __init__(self, make: Callable[[], ContainedDetector]) -> None:
        self._make = make
        self._context: RunContext | None = None
        self._info: DetectorInfo | None = None
        self._lost: Counter[str] = Counter()
        self._is_lost = False
        self._in_pieces = 0
        self.inner = make()
        """The detector that is open, or was open last."""

    @property
    def retries(self) -> int:
        """Number of restarts of its process, including one that is due."""
        return self._lost.total() + self._in_pieces

    @property
    def info(self) -> DetectorInfo:
        """Description of the detector in the child, and how often its process was lost."""
        if not self._is_lost:
            self._info = self.inner.info
        assert self._info is not None  # noqa: S101 - read when it was opened
        lost = ", ".join(f"{_WORDS[slug]} ({count})" for slug, count in sorted(self._lost.items()))
        pieces = f", and {self._in_pieces} more times while the rows that end it were looked for"
        lost_note = (f"The process of the detector {lost}{pieces if self._in_pieces else ''}.",) if lost else ()
        return replace(self._info, course=(*self._info.course, *lost_note))

    def open(self, ctx: RunContext) -> None:
        """Start the child and open the detector in it. Raises DetectorError."""
        self._context = ctx
        self.inner.open(ctx)
        self._info = self.inner.info

    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Ask about one batch; rows that end the process fail. Raises DetectorError, also after too many losses."""
        try:
            return self._ask(batch)
        except DetectorError as error:
            if error.slug not in _LOST or self._lost.total() >= MOST_RESTARTS:
                raise
            self._lost[error.slug] += 1
            self._is_lost = True
            slug = error.slug
        return self._by_halves(batch) if slug == "isolation-ended" and batch.num_rows > 1 else _failed(batch, slug)

    def _ask(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if self._is_lost:
            self._start_anew()
        return self.inner.score(batch)

    def _by_halves(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Answer a batch in which a row ends the process: ask about each half, and split halves that end it again."""
        answers: list[pa.RecordBatch] = []
        waiting, lost = _halves(batch), 0
        while waiting:
            piece = waiting.pop()
            if lost == MOST_IN_A_BATCH:
                answers.append(_failed(piece, "isolation-ended"))
                continue
            try:
                answers.append(self._ask(piece))
            except DetectorError as error:
                if error.slug not in _LOST:
                    raise
                lost, self._in_pieces, self._is_lost = lost + 1, self._in_pieces + 1, True
                if error.slug == "isolation-ended" and piece.num_rows > 1:
                    waiting.extend(_halves(piece))
                else:
                    answers.append(_failed(piece, error.slug))
        return _together(answers)

    def close(self) -> None:
        """Close the detector, and end its process."""
        self.inner.close()

    def _start_anew(self) -> None:
        assert self._context is not None  # noqa: S101 - the harness opens before it scores
        before = self._info
        self.inner.close()
        self.inner = self._make()
        self.inner.open(self._context)
        self._is_lost = False
        now = self.inner.info
        if before is not None and now.artefact_sha256 != before.artefact_sha256:
            raise DetectorError(
                "the model file that was loaded is not the one that was there before", slug="isolation-file-changed"
            )


def _halves(batch: pa.RecordBatch) -> list[pa.RecordBatch]:
    """The second half, and the first half, which is asked about first."""
    middle = batch.num_rows // 2
    return [batch.slice(middle), batch.slice(0, middle)]


def _failed(batch: pa.RecordBatch, slug: str) -> pa.RecordBatch:
    status, reason = _LOST[slug]
    rows = batch.num_rows
    return answer_batch(batch.column(ROW_ID), [None] * rows, [status] * rows, [reason] * rows)


def _together(answers: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """Join answers. A column that one of them lacks is null there, and is then counted as unusable."""
    tables = [pa.Table.from_batches([answer]) for answer in answers]
    joined = pa.concat_tables(tables, promote_options="permissive").unify_dictionaries().combine_chunks()
    batches = joined.to_batches()
    return batches[0] if batches else answers[0]
