"""Call a function for every row of a batch, several rows at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from typing import Final, TypeVar

_PATIENCE: Final = 5.0
"""Seconds to wait for threads; after that they are left behind."""

Result = TypeVar("Result")


class RowsAtOnce:
    """A set of threads for the rows of a batch."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._threads: list[threading.Thread] = []

    def ask(self, about: Callable[[int], Result], rows: int) -> list[Result]:
        """Call `about` with every place from 0 to below `rows`, and return the results in order.

        Raises the error of a call, and begins no other call then. Running calls have to be ended by the caller; `leave`
        waits for them.
        """
        futures: list[Future[Result]] = [Future() for _ in range(rows)]
        places = iter(range(rows))
        taking = threading.Lock()
        stopped = threading.Event()

        def work() -> None:
            while not stopped.is_set():
                with taking:
                    place = next(places, None)
                if place is None:
                    return
                try:
                    result = about(place)
                except BaseException as error:  # SystemExit among it; the caller's thread knows what to make of it
                    stopped.set()
                    futures[place].set_exception(error)
                else:
                    futures[place].set_result(result)

        for number in range(min(self._workers, rows)):
            # daemons: a call that never returns must not keep the process from ending
            thread = threading.Thread(target=work, name=f"audit7k-row-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)
        try:
            while not _over(futures):
                pass
        finally:
            stopped.set()
        self.leave()
        return [future.result() for future in futures]

    def leave(self) -> None:
        """Wait for threads that still run. The caller has to end their calls before."""
        until = time.monotonic() + _PATIENCE
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        self._threads = []


def _over(futures: list[Future[Result]]) -> bool:
    """Whether every call has returned. Raises the error of a call.

    It waits only for a moment: not every platform lets an interrupt through a wait without end.
    """
    done, waiting = wait(futures, timeout=1.0, return_when=FIRST_EXCEPTION)
    for future in done:
        if waiting and future.exception() is not None:
            future.result()
    return not waiting
