"""Ask a service about batches, from several threads, and report how that went.

Failures are data: the rows of a batch without an answer get a status and a reason, and the run goes on. It ends only if
no later request could succeed; see `asker`.
"""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from audit.detectors.extras import import_extra
from audit.detectors.http_service.asker import Asker
from audit.detectors.http_service.reply import ReplyReader
from audit.detectors.http_service.request import RequestTemplate
from audit.detectors.protocol import API_VERSION, ROW_ID, DetectorInfo, RunContext, Status
from audit.plan.services import HttpDetector as HttpSection
from audit.plan.services import ServiceDetector
from audit.vocabulary.sentences import SENTENCES

if TYPE_CHECKING:
    import pyarrow as pa


class ServiceClient:
    """Part that all detectors have in common which ask a service over HTTP."""

    def __init__(self, section: ServiceDetector) -> None:
        self._allows_local = section.allow_local
        self._asker: Asker | None = None

    @property
    def retries(self) -> int:
        """Number of requests that repeated an earlier one, for the rows that are done."""
        return 0 if self._asker is None else self._asker.again

    def _note_on_local(self) -> list[str]:
        allowed = "Addresses of this machine and of private networks were allowed (`allow_local`)."
        return [allowed] if self._allows_local else []

    def _note_on_retries(self) -> list[str]:
        return [f"{self.retries} requests repeated an earlier one that had failed."] if self.retries else []


class HttpDetector(ServiceClient):
    """A service that is asked about the batches, several at a time."""

    api_version = API_VERSION

    def __init__(self, section: HttpSection, folder: Path) -> None:  # noqa: ARG002 - every detector is made so
        super().__init__(section)
        self._section = section
        self.workers = section.workers
        self._template: RequestTemplate | None = None
        self._reader: ReplyReader | None = None
        self._lock = threading.Lock()
        self._batches = 0
        self._failed: Counter[str] = Counter()

    @property
    def info(self) -> DetectorInfo:
        """Address without query; notes on what could not be checked; in the course, repeated and failed requests."""
        return DetectorInfo(
            name="" if self._asker is None else self._asker.name,
            kind="http",
            artefact_sha256=None,
            deterministic=False,
            needs=self._section.features,
            notes=tuple(self._notes()),
            course=tuple(self._course_notes()),
        )

    def open(self, ctx: RunContext) -> None:
        """Look the service up and read the secrets. Nothing is sent yet. Raises DetectorError."""
        import_extra("httpcore2", kind="http", extra="http")

        section = self._section
        self._asker = Asker(section)
        self._template = RequestTemplate(section)
        self._reader = ReplyReader(
            section.answers_at, section.score_at, section.id_at, ctx.answers, ctx.score_range, ctx.classes
        )

    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Ask about one batch. Several threads may call it. Raises DetectorError if the run cannot go on."""
        assert self._asker is not None  # noqa: S101 - the harness opens before it scores
        assert self._template is not None  # noqa: S101
        assert self._reader is not None  # noqa: S101
        row_ids = batch.column(ROW_ID)
        body = self._template.body(batch)
        got = self._asker.ask(body)
        if isinstance(got, bytes):
            answers = self._reader.read(got, row_ids.to_pylist(), where=self._asker.name)
        else:
            answers = got.rows(batch.num_rows)
        answer = answers.batch(row_ids)
        self._count(answer)
        return answer

    def close(self) -> None:
        """Release everything. Calls of `score` that are still running return."""
        if self._asker is not None:
            self._asker.close()

    def _count(self, answer: pa.RecordBatch) -> None:
        """Count the batch. If no row has an answer, count it as failed under the reason of its first row."""
        used = {str(Status.OK), str(Status.ABSTAIN)} & set(answer.column("status").unique().to_pylist())
        why = None if used else answer.column("reason")[0].as_py() or answer.column("status")[0].as_py()
        with self._lock:
            self._batches += 1
            if why is not None:
                self._failed[why] += 1

    def _notes(self) -> list[str]:
        section = self._section
        notes = [SENTENCES["sent_over_network"]]
        if section.id_at is None:
            notes.append(
                "The service does not repeat the numbers of the rows (`id_at`): that its answers came in the order of "
                "the rows could not be checked."
            )
        return notes + self._note_on_local()

    def _course_notes(self) -> list[str]:
        notes = self._note_on_retries()
        failed = sum(self._failed.values())
        if failed:
            kinds = ", ".join(f"{name} {count}" for name, count in sorted(self._failed.items()))
            notes.append(f"{failed} of {self._batches} batches got no reply that can be used: {kinds}.")
        return notes
