"""Ask a detector about several batches at once if it allows that, and return the answers in order.

Only the calls of the detector run in other threads. The thread of the caller reads batches, and checks and counts
answers: a connection of DuckDB belongs to one thread, and the order of the plan is a part of the audit. At most
`workers` + `AHEAD` batches are held at a time, whatever the size of the set.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from functools import partial
from typing import TYPE_CHECKING, Final, Self, TypeVar

from audit.errors import DetectorError

if TYPE_CHECKING:
    import pyarrow as pa

    from audit.detectors.protocol import Detector

MOST_WORKERS: Final = 64
"""Highest number of workers: a detector that asks for more has misunderstood the protocol."""
AHEAD: Final = 2
"""Batches that are read ahead of those being scored, so that no worker waits for the disk."""
_PATIENCE: Final = 5.0
"""Seconds to wait for the workers once the detector is closed; after that they are left behind."""

Key = TypeVar("Key")
Batch = TypeVar("Batch", bound="pa.RecordBatch | None")
Asked = tuple["pa.RecordBatch", "Future[pa.RecordBatch]"]


class InFlight:
    """Call `detector.score`, in this thread or in as many as the detector offers.

    A context manager. Enter it before the detector is opened, so that it is left after the detector is closed: after an
    error or an interrupt, closing makes the calls return that are still running.
    """

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._waiting: queue.SimpleQueue[Asked | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._taking = threading.Lock()
        self._broken = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._broken.set()
        for _thread in self._threads:
            self._waiting.put(None)
        until = time.monotonic() + _PATIENCE
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def ask(
        self, batches: Iterable[tuple[Key, Batch]], workers: int
    ) -> Iterator[tuple[Key, Batch, Callable[[], pa.RecordBatch]]]:
        """Ask about every batch, and yield them in their order.

        Parameters
        ----------
        batches : iterable of (key, pyarrow.RecordBatch or None)
            Read one by one, in this thread. The key is passed on. None is not asked about, and only keeps its turn.
        workers : int
            How many batches may be asked about at once. With 1, everything runs in this thread.

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
                yield key, batch, partial(self._detector.score, batch)
            return
        for number in range(workers):
            # daemons: a call that never returns must not keep the process from ending
            thread = threading.Thread(target=self._work, name=f"audit7k-score-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)
        pending: deque[tuple[Key, Batch, Future[pa.RecordBatch]]] = deque()
        try:
            for key, batch in batches:
                future: Future[pa.RecordBatch] = Future()
                pending.append((key, batch, future))
                if batch is not None:
                    self._waiting.put((batch, future))
                # after an error nothing more is read: a service would be sent rows for nothing
                while len(pending) >= workers + AHEAD or (pending and self._broken.is_set()):
                    yield _next(pending)
            while pending:
                yield _next(pending)
        finally:
            self._broken.set()

    def _work(self) -> None:
        while (asked := self._take()) is not None:
            batch, future = asked
            try:
                answer = self._detector.score(batch)
            except BaseException as error:  # SystemExit among it; the caller's thread knows what to make of it
                # first, so that no batch is taken any more once the error can be seen
                self._broken.set()
                future.set_exception(error)
            else:
                future.set_result(answer)
            del batch, future, asked  # not held while waiting for the next one

    def _take(self) -> Asked | None:
        """The next batch; None when there is none, or a call has failed.

        One thread at a time: then every batch before a failing one has begun, and the caller sees its real outcome
        first.
        """
        with self._taking:
            asked = self._waiting.get()
            return None if self._broken.is_set() else asked


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
    pending: deque[tuple[Key, Batch, Future[pa.RecordBatch]]],
) -> tuple[Key, Batch, Callable[[], pa.RecordBatch]]:
    key, batch, future = pending.popleft()
    return key, batch, partial(_answer, future)


def _answer(future: Future[pa.RecordBatch]) -> pa.RecordBatch:
    # in short waits: not every platform lets an interrupt through a wait without end
    while not wait([future], timeout=1.0).done:
        pass
    return future.result()
