"""The detector itself: opens, asks about batches from several threads, and says in the end how it went.

Failures are data: a batch that gets no answer leaves rows with a status and a reason, and the run goes on. It ends only
where nothing that follows could go better: a token that is refused, a service that cannot be reached at the start, or
an address, a certificate or a plan that is wrong.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from audit import __version__
from audit.detectors.extras import import_extra
from audit.detectors.http_service.silence import silent_loggers
from audit.detectors.protocol import API_VERSION, ROW_ID, DetectorInfo, RunContext, Status
from audit.errors import DetectorError
from audit.plan import HttpDetector as HttpSection
from audit.plan_http import FROM_ENVIRONMENT

if TYPE_CHECKING:
    import pyarrow as pa

    from audit.detectors.http_service.exchange import Exchange
    from audit.detectors.http_service.outcome import Failure
    from audit.detectors.http_service.pace import Pace
    from audit.detectors.http_service.reply import ReplyReader
    from audit.detectors.http_service.request import RequestTemplate


class HttpDetector:
    """Asks a service about the batches, several at a time."""

    api_version = API_VERSION

    def __init__(self, section: HttpSection, folder: Path) -> None:  # noqa: ARG002 - every detector is made so
        self._section = section
        self.workers = section.workers
        self._name = ""
        self._exchange: Exchange | None = None
        self._pace: Pace | None = None
        self._template: RequestTemplate | None = None
        self._reader: ReplyReader | None = None
        self._lock = threading.Lock()
        self._silence = contextlib.ExitStack()
        self._answered = False
        self._ended: DetectorError | None = None
        self._batches = 0
        self._again = 0
        self._failed: Counter[str] = Counter()

    @property
    def info(self) -> DetectorInfo:
        """The address without its query; the notes say how often it had to be asked, and what could not be checked."""
        return DetectorInfo(
            name=self._name,
            kind="http",
            artefact_sha256=None,
            deterministic=False,
            needs=self._section.features,
            notes=tuple(self._notes()),
        )

    @property
    def retries(self) -> int:
        """How many requests repeated an earlier one, in the batches that are done."""
        return self._again

    def open(self, ctx: RunContext) -> None:
        """Look the service up and read the secrets. Nothing is sent yet. Raises DetectorError."""
        import_extra("httpcore2", kind="http", extra="http")
        from audit.detectors.http_service.exchange import Address, Exchange
        from audit.detectors.http_service.pace import Pace
        from audit.detectors.http_service.reply import ReplyReader
        from audit.detectors.http_service.request import RequestTemplate

        section = self._section
        address = Address.of(section.url)
        self._name = address.name
        self._silence.enter_context(silent_loggers())
        exchange = Exchange(
            address,
            _headers(section),
            workers=section.workers,
            most_bytes=section.most_bytes,
            allow_local=section.allow_local,
        )
        exchange.open()
        self._exchange, self._pace = exchange, Pace(section.workers)
        self._template = RequestTemplate(section)
        self._reader = ReplyReader(section.answers_at, section.score_at, section.id_at, ctx.answers, ctx.score_range)

    def score(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Ask about one batch; may be called from several threads. Raises DetectorError where the run cannot go on."""
        assert self._template is not None  # noqa: S101 - the harness opens before it scores
        assert self._reader is not None  # noqa: S101
        row_ids = batch.column(ROW_ID)
        body = self._template.body(batch)
        # held by every call too: one that is still on its way when the detector is closed must not log either
        with silent_loggers():
            got = self._ask(body)
        if isinstance(got, bytes):
            answers = self._reader.read(got, row_ids.to_pylist(), where=self._name)
        else:
            answers = got.rows(batch.num_rows)
        answer = answers.batch(row_ids)
        self._count(answer)
        return answer

    def close(self) -> None:
        """Give everything back; calls of `score` that are on their way return."""
        if self._pace is not None:
            self._pace.stop()
        if self._exchange is not None:
            self._exchange.stop()
            self._exchange.close()
        self._silence.close()

    def _ask(self, body: bytes) -> bytes | Failure:
        """Ask until there is a reply, or a failure that stays, or the time of the batch is over."""
        from audit.detectors.http_service.outcome import BUSY, REFUSED, TIMEOUT

        assert self._exchange is not None  # noqa: S101
        assert self._pace is not None  # noqa: S101
        exchange, pace = self._exchange, self._pace
        until: float | None = None
        last, tries = TIMEOUT, 0
        while pace.begin(until):
            begun = time.monotonic()
            # waiting for the first turn is our own doing, and takes nothing from the service's time
            until = begun + self._section.timeout if until is None else until
            try:
                got = exchange.once(body, min(until, begun + self._section.try_timeout))
                if not isinstance(got, bytes) and got.code in REFUSED:
                    self._end_if_hopeless(got)  # before anybody else gets a turn
            finally:
                pace.end()
            if isinstance(got, bytes):
                pace.faster()
                self._note(tries, answered=True)
                return got
            last, tries = got, tries + 1
            if not got.again:
                break
            moment = min(until, time.monotonic() + max(got.wait, pace.wait_after(tries)))
            if got.code in BUSY:
                pace.slower(moment)
            pace.wait(moment - time.monotonic())
        if pace.stopped:
            raise self._ended or DetectorError(f"{self._name}: the run was stopped", slug="detector-stopped")
        self._end_if_hopeless(last)
        self._note(max(0, tries - 1), answered=False)
        return last

    def _note(self, again: int, *, answered: bool) -> None:
        with self._lock:
            self._again += again
            self._answered = self._answered or answered

    def _count(self, answer: pa.RecordBatch) -> None:
        """Count the batch, as a failed one if no row of it has an answer, under the reason of its first row."""
        used = {str(Status.OK), str(Status.ABSTAIN)} & set(answer.column("status").unique().to_pylist())
        why = None if used else answer.column("reason")[0].as_py() or answer.column("status")[0].as_py()
        with self._lock:
            self._batches += 1
            if why is not None:
                self._failed[why] += 1

    def _end_if_hopeless(self, failure: Failure) -> None:
        """Raise DetectorError where none of the batches that follow could be answered.

        A token that runs out in the night is such a case at any time. What is forbidden (403), or not reached, is one
        only as long as no batch was answered: a service can forbid a row for what it says.
        """
        from audit.detectors.http_service.outcome import NO_CONNECTION, REFUSED, UNAUTHORISED

        assert self._exchange is not None  # noqa: S101
        if self._answered and failure.code != UNAUTHORISED:
            return
        if failure.code in REFUSED:
            raise self._end(
                f"{self._name}: the service does not let us in (HTTP {failure.code})",
                slug="detector-token",
                hint="check the token, or the header that stands for it, and what it may do",
            )
        unreached = failure.status is Status.TIMEOUT or failure.reason is NO_CONNECTION.reason
        if unreached and not self._exchange.network.connected:
            raise self._end(
                f"{self._name}: no connection within {self._section.timeout:g} seconds",
                slug="detector-unreachable",
                hint="check `url`, and that the service runs and can be reached from here",
            )

    def _end(self, message: str, *, slug: str, hint: str) -> DetectorError:
        """Let nobody ask any more. Whoever waits for a turn raises the same: any may be the one that is seen."""
        assert self._pace is not None  # noqa: S101
        self._ended = DetectorError(message, slug=slug, hint=hint)
        self._pace.stop()
        return self._ended

    def _notes(self) -> list[str]:
        section = self._section
        notes = ["The features of every case were sent to the service, over the network."]
        if section.id_at is None:
            notes.append(
                "The service does not repeat the numbers of the rows (`id_at`): that its answers came in the order of "
                "the rows could not be checked."
            )
        if section.allow_local:
            notes.append("Addresses of this machine and of private networks were allowed (`allow_local`).")
        if self._again:
            notes.append(f"{self._again} requests repeated an earlier one that had failed.")
        failed = sum(self._failed.values())
        if failed:
            kinds = ", ".join(f"{name} {count}" for name, count in sorted(self._failed.items()))
            notes.append(f"{failed} of {self._batches} batches got no reply that can be used: {kinds}.")
        return notes


def _headers(section: HttpSection) -> list[tuple[bytes, bytes]]:
    """The headers of a request, secrets among them."""
    headers = [
        (b"User-Agent", f"audit7k/{__version__}".encode()),
        (b"Content-Type", b"application/json"),
        (b"Accept", b"application/json"),
        (b"Accept-Encoding", b"identity"),
    ]
    if section.token is not None:
        headers.append((b"Authorization", b"Bearer " + _secret(section.token)))
    for name, value in section.headers.items():
        secret = FROM_ENVIRONMENT.fullmatch(value) is not None
        headers.append((name.encode(), _secret(value) if secret else value.encode()))
    return headers


def _secret(source: str) -> bytes:
    """The value of the environment variable that "env:NAME" names. Raises DetectorError, which never repeats it."""
    name = source.removeprefix("env:")
    value = os.environ.get(name, "").strip()
    if not value:
        raise DetectorError(
            f"the environment variable {name} is not set, or empty",
            slug="detector-secret",
            hint=f"set {name} to the secret that the service knows; it is read when the run begins, and never written",
        )
    if not (value.isascii() and value.isprintable()):
        raise DetectorError(
            f"the environment variable {name} holds characters that no header can have",
            slug="detector-secret",
            hint="a token is one line of ASCII characters",
        )
    return value.encode()
