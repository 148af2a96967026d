"""Ask a service, from several threads and at its pace, until there is a reply or a lasting failure.

The run ends only if no later request could succeed: a token is refused, or the service cannot be reached at the start.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from typing import Final

from audit.detectors.http_service.exchange import Address, Exchange
from audit.detectors.http_service.outcome import BUSY, NO_CONNECTION, REFUSED, TIMEOUT, UNAUTHORISED, Failure
from audit.detectors.http_service.pace import Pace
from audit.detectors.protocol import Status
from audit.errors import DetectorError, withheld_records
from audit.plan.http import FROM_ENVIRONMENT
from audit.plan.services import ServiceDetector
from audit.version import __version__

_LIBRARY: Final = "httpcore2"


class Asker:
    """An open service. Raises DetectorError if its address is not allowed or a secret is missing."""

    def __init__(self, section: ServiceDetector) -> None:
        self._section = section
        address = Address.of(section.url)
        self.name = address.name
        """Name of the service in messages and reports."""
        self.again = 0
        """Number of requests that repeated an earlier one."""
        self._answered = False
        self._ended: DetectorError | None = None
        self._lock = threading.Lock()
        self._pace = Pace(section.workers)
        self._exchange = Exchange(
            address,
            request_headers(section.token, section.headers),
            workers=section.workers,
            most_bytes=section.most_bytes,
            allow_local=section.allow_local,
        )
        self._exchange.open()

    def ask(self, body: bytes) -> bytes | Failure:
        """Ask until there is a reply, a lasting failure, or no time left.

        Several threads may call it. Raises DetectorError if the run cannot go on.
        """
        # at the level DEBUG it logs the headers of a reply, which can quote a row
        with withheld_records(_LIBRARY):
            return self._ask(body)

    def close(self) -> None:
        """Release everything. Calls of `ask` that are still running return."""
        self._pace.stop()
        self._exchange.stop()
        with withheld_records(_LIBRARY):
            self._exchange.close()

    def _ask(self, body: bytes) -> bytes | Failure:
        """Send a request until there is a reply, a lasting failure or no time left."""
        exchange, pace = self._exchange, self._pace
        until: float | None = None
        last, tries = TIMEOUT, 0
        while pace.begin(until):
            begun = time.monotonic()
            # the wait for the first turn is ours, and does not count as time of the service
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
            raise self._ended or DetectorError(f"{self.name}: the run was stopped", slug="detector-stopped")
        self._end_if_hopeless(last)
        self._note(max(0, tries - 1), answered=False)
        return last

    def _note(self, again: int, *, answered: bool) -> None:
        with self._lock:
            self.again += again
            self._answered = self._answered or answered

    def _end_if_hopeless(self, failure: Failure) -> None:
        """Raise DetectorError if no later request could be answered.

        That is so at any time if a token has expired (401). It is so for a forbidden request (403), or a service out of
        reach, only until the first answer: a service can forbid a row for what it says.
        """
        if self._answered and failure.code != UNAUTHORISED:
            return
        if failure.code in REFUSED:
            raise self._end(
                f"{self.name}: the service does not let us in (HTTP {failure.code})",
                slug="detector-token",
                hint="check the token, or the header that stands for it, and what it may do",
            )
        unreached = failure.status is Status.TIMEOUT or failure.reason is NO_CONNECTION.reason
        if unreached and not self._exchange.network.connected:
            raise self._end(
                f"{self.name}: no connection within {self._section.timeout:g} seconds",
                slug="detector-unreachable",
                hint="check `url`, and that the service runs and can be reached from here",
            )

    def _end(self, message: str, *, slug: str, hint: str) -> DetectorError:
        """Stop all requests. Every thread that waits for a turn raises this error, because any of them may be seen."""
        self._ended = DetectorError(message, slug=slug, hint=hint)
        self._pace.stop()
        return self._ended


def request_headers(token: str | None, headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Make the headers of every request from the plan's `token` and `headers`. Raises DetectorError."""
    pairs = [
        (b"User-Agent", f"audit7k/{__version__}".encode()),
        (b"Content-Type", b"application/json"),
        (b"Accept", b"application/json"),
        (b"Accept-Encoding", b"identity"),
    ]
    if token is not None:
        pairs.append((b"Authorization", b"Bearer " + _secret(token)))
    for name, value in headers.items():
        secret = FROM_ENVIRONMENT.fullmatch(value) is not None
        pairs.append((name.encode(), _secret(value) if secret else value.encode()))
    return pairs


def _secret(source: str) -> bytes:
    """Read the environment variable that "env:NAME" names. Raises DetectorError, which never repeats the value."""
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
