"""Goes on where the process of a detector has ended: its batch fails, and the next one is asked of a new process.

A row that makes a model crash, or take for ever, is a failure like any other: counted, and no end of the run. A model
that does so again and again is no detector; after a few restarts the run ends with what became of its last process.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from audit.detectors.protocol import API_VERSION, ROW_ID, DetectorInfo, Reason, RunContext, Status, answer_batch
from audit.errors import DetectorError

if TYPE_CHECKING:
    import pyarrow as pa

    from audit.isolation.contained import ContainedDetector

__all__ = ["MOST_RESTARTS", "RestartedDetector"]

MOST_RESTARTS: Final = 3
_LOST: Final[dict[str, tuple[Status, Reason | None]]] = {
    "isolation-ended": (Status.ERROR, Reason.CRASHED),
    "isolation-timeout": (Status.TIMEOUT, None),
}
"""What becomes of the rows of a batch, by what became of the process."""
_WORDS: Final = {"isolation-ended": "ended by itself", "isolation-timeout": "did not answer in time"}


class RestartedDetector:
    """A contained detector, made anew where its process is lost."""

    api_version = API_VERSION

    def __init__(self, make: Callable[[], ContainedDetector]) -> None:
        self._make = make
        self._context: RunContext | None = None
        self._info: DetectorInfo | None = None
        self._lost: Counter[str] = Counter()
        self._is_lost = False
        self.inner = make()
        """The one that is, or was last, open."""

    @property
    def retries(self) -> int:
        """How often its process was started anew, or is to be."""
        return self._lost.total()

    @property
    def info(self) -> DetectorInfo:
        """What the detector in the child says about itself, and how often its process was lost."""
        if not self._is_lost:
            self._info = self.inner.info
        assert self._info is not None  # noqa: S101 - read when it was opened
        lost = ", ".join(f"{_WORDS[slug]} ({count})" for slug, count in sorted(self._lost.items()))
        told = (f"The process of the detector {lost}; the batches it was asked then failed.",) if lost else ()
        return replace(self._info, course=(*self._info.course, *told))

    def open(self, ctx: RunContext) -> None:
        """Start the child and open the detector in it. Raises DetectorError."""
        self._context = ctx
        self.inner.open(ctx)
        self._info = self.inner.info

    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Ask about one batch; its rows fail where the process is lost. Raises DetectorError, also after too often."""
        if self._is_lost:
            self._start_anew()
        try:
            return self.inner.score(batch)
        except DetectorError as error:
            if error.slug not in _LOST or self._lost.total() >= MOST_RESTARTS:
                raise
            self._lost[error.slug] += 1
            self._is_lost = True
            status, reason = _LOST[error.slug]
        rows = batch.num_rows
        return answer_batch(batch.column(ROW_ID), [None] * rows, [status] * rows, [reason] * rows)

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
                "the model file that was loaded is not the one that was there before",
                slug="isolation-file-changed",
                hint="let nothing write to it, and run again",
            )
