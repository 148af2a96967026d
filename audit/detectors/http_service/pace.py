"""Control how often a service is asked: slowly at first, faster while it answers, and not while it asks for quiet."""

from __future__ import annotations

import datetime as dt
import email.utils
import heapq
import itertools
import random
import threading
import time
from typing import Final

SEED: Final = 20240412
"""Seed of the jitter in waits. Waits affect no answer; a fixed seed makes them equal in a test."""
FIRST_WAIT: Final = 0.25
"""Most seconds to wait after the first failure of a batch; twice as long after each further failure."""
LONGEST_WAIT: Final = 8.0


class Pace:
    """A limit on running requests: first one, one more after each success, half when the service asks for less."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._limit = 1
        self._running = 0
        self._quiet_until = 0.0
        self._stopped = False
        self._changed = threading.Condition()
        self._queue: list[tuple[float, int]] = []
        self._tickets = itertools.count()
        # waits are no secret
        self._random = random.Random(SEED)  # noqa: S311

    @property
    def limit(self) -> int:
        """Number of requests that may run now."""
        return self._limit

    def begin(self, until: float | None) -> bool:
        """Wait for a turn. Returns False if there is none before `until`, or after `stop`.

        A batch with a deadline goes first: a retried batch must not lose its time to a batch that has not begun.
        """
        mine = (float("inf") if until is None else until, next(self._tickets))
        with self._changed:
            heapq.heappush(self._queue, mine)
            try:
                while True:
                    now = time.monotonic()
                    if self._stopped or (until is not None and now >= until):
                        return False
                    free = self._running < self._limit and self._queue[0] == mine
                    if free and now >= self._quiet_until:
                        self._running += 1
                        return True
                    waits = [moment - now for moment in (self._quiet_until, mine[0]) if now < moment < float("inf")]
                    self._changed.wait(min(waits, default=None))
            finally:
                self._queue.remove(mine)
                heapq.heapify(self._queue)
                self._changed.notify_all()

    def end(self) -> None:
        """Give the turn back after a request."""
        with self._changed:
            self._running -= 1
            self._changed.notify_all()

    def faster(self) -> None:
        """Raise the limit by one, because the service answered."""
        with self._changed:
            self._limit = min(self._most, self._limit + 1)
            self._changed.notify_all()

    def slower(self, quiet_until: float) -> None:
        """Halve the limit, and allow no request before `quiet_until`, because the service asked for less."""
        with self._changed:
            self._limit = max(1, self._limit // 2)
            self._quiet_until = max(self._quiet_until, quiet_until)

    def wait(self, seconds: float) -> None:
        """Wait for some seconds, or until `stop` is called."""
        until = time.monotonic() + seconds
        with self._changed:
            while not self._stopped and (left := until - time.monotonic()) > 0:
                self._changed.wait(left)

    def wait_after(self, failures: int) -> float:
        """Seconds to wait after a number of failures: longer each time, and different for every batch."""
        with self._changed:
            share = self._random.uniform(0.5, 1.0)
        return share * min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(failures - 1, 20))

    @property
    def stopped(self) -> bool:
        """Whether no more turns are given."""
        return self._stopped

    def stop(self) -> None:
        """Give no more turns, and let all waiting threads return."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()


def seconds_asked_for(retry_after: bytes | None) -> float:
    """Read a header `Retry-After` as seconds from now; 0 if it cannot be read or lies in the past."""
    if retry_after is None:
        return 0.0
    text = retry_after.decode("latin-1").strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return max(0.0, (moment - dt.datetime.now(dt.UTC)).total_seconds())
