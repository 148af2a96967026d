"""Ask about several batches or rows at once, and return the answers in order.

Only what answers runs in other threads. The thread of the caller reads batches, and checks and counts answers: a
connection of DuckDB belongs to one thread, and the order of the plan is a part of the audit. At most `workers` +
`AHEAD` batches are held at a time, whatever the size of the set.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, Self, TypeVar, cast

from audit.errors import DetectorError

if TYPE_CHECKING:
    from audit.detectors.protocol import Detector

MOST_WORKERS: Final = 64
"""Highest number of workers: a detector that asks for more has misunderstood the protocol."""
AHEAD: Final = 2
"""Batches that are read ahead of those being scored, so that no worker waits for the disk."""
_PATIENCE: Final = 5.0
"""Seconds to wait for the workers once the detector is closed; after that they are left behind."""

Key = TypeVar("Key")
Batch = TypeVar("Batch")
Answer = TypeVar("Answer")


class InFlight(Generic[Batch, Answer]):
    """Call `score`, in this thread or in several.

    A context manager. Enter it before the detector is opened, so that it is left after the detector is closed: after an
    error or an interrupt, closing makes the calls return that are still running.
    """

    def __init__(self, score: Callable[[Batch], Answer]) -> None:
        self._score = score
        self._waiting: queue.SimpleQueue[tuple[Batch, Future[Answer]] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._taking = threading.Lock()
        self._broken = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Wait for calls that still run; whoever answers has to end them before."""
        self._broken.set()
        for _thread in self._threads:
            self._waiting.put(None)
        until = time.monotonic() + _PATIENCE
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def ask(
        self, batches: Iterable[tuple[Key, Batch | None]], workers: int, *, ahead: int = AHEAD
    ) -> Iterator[tuple[Key, Batch | None, Callable[[], Answer]]]:
        """Ask about every batch, and yield them in their order.

        Parameters
        ----------
        batches : iterable of (key, batch or None)
            Read one by one, in this thread. The key is passed on. None is not asked about, and only keeps its turn.
        workers : int
            How many batches may be asked about at once. With 1, everything runs in this thread.
        ahead : int
            How many batches are read ahead of those.

        Yields
        ------
        key, batch
            The pair that was read.
        answer : callable
            Returns the answer, or raises what `score` raised. Call it before the next batch is asked for, and never
            for None.
        """
        if workers == 1:
            for key, batch in batches:
                yield key, batch, partial(self._score, cast("Batch", batch))
            return
        for number in range(workers):
            # daemons: a call that never returns must not keep the process from ending
            thread = threading.Thread(target=self._work, name=f"audit7k-score-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)
        pending: deque[tuple[Key, Batch | None, Future[Answer]]] = deque()
        try:
            for key, batch in batches:
                future: Future[Answer] = Future()
                pending.append((key, batch, future))
                if batch is not None:
                    self._waiting.put((batch, future))
                # after an error nothing more is read: a service would be sent rows for nothing
                while len(pending) >= workers + ahead or (pending and self._broken.is_set()):
                    yield _next(pending)
            while pending:
                yield _next(pending)
        finally:
            self._broken.set()

    def _work(self) -> None:
        while (job := self._take()) is not None:
            batch, future = job
            try:
                answer = self._score(batch)
            except BaseException as error:  # SystemExit among it; the caller's thread knows what to make of it
                # first, so that no batch is taken any more once the error can be seen
                self._broken.set()
                future.set_exception(error)
            else:
                future.set_result(answer)
            del batch, future, job  # not held while waiting for the next one

    def _take(self) -> tuple[Batch, Future[Answer]] | None:
        """The next batch; None when there is none, or a call has failed.

        One thread at a time: then every batch before a failing one has begun, and the caller sees its real outcome
        first.
        """
        with self._taking:
            job = self._waiting.get()
            return None if self._broken.is_set() else job


def workers_of(detector: Detector) -> int:
    """How many batches a detector may be asked about at once: its `workers`, or 1 without that attribute.

    Raises DetectorError if it is no whole number from 1 to `MOST_WORKERS`.
    """
    workers = getattr(detector, "workers", 1)
    if type(workers) is not int or not 1 <= workers <= MOST_WORKERS:
        raise DetectorError(
            f"the detector's `workers` is no whole number from 1 to {MOST_WORKERS}",
            slug="detector-protocol",
            hint="see audit.detectors.protocol for what a detector may offer",
        )
    return workers


def retries_of(detector: Detector) -> int:
    """How often a detector has asked again or restarted something, to show as progress; 0 if it does not say."""
    retries = getattr(detector, "retries", 0)
    return retries if type(retries) is int and retries > 0 else 0


def _next(
    pending: deque[tuple[Key, Batch | None, Future[Answer]]],
) -> tuple[Key, Batch | None, Callable[[], Answer]]:
    key, batch, future = pending.popleft()
    return key, batch, partial(_answer, future)


def _answer(future: Future[Answer]) -> Answer:
    # in short waits: not every platform lets an interrupt through a wait without end
    while not wait([future], timeout=1.0).done:
        pass
    return future.result()
