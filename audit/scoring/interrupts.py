"""Lets a run that is told to stop finish its batch, so that what was scored is kept."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

__all__ = ["Stop", "finishing_batches"]

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


class Stop:
    """Whether somebody asked for the end of the run."""

    def __init__(self) -> None:
        self.asked = False


@contextlib.contextmanager
def finishing_batches(tell: Callable[[], None]) -> Iterator[Stop]:
    """Take the first interrupt as a request; the second interrupts at once, as ever. `tell` is called at the first.

    Outside the main thread no signal can be taken: there everything stays as it was.
    """
    stop = Stop()
    former: dict[int, object] = {}

    def ask(_number: int, _frame: FrameType | None) -> None:
        if stop.asked:
            raise KeyboardInterrupt
        stop.asked = True
        tell()

    if threading.current_thread() is threading.main_thread():
        for name in _SIGNALS:
            number = getattr(signal, name, None)
            # who ignores a signal (nohup) goes on ignoring it
            if number is not None and signal.getsignal(number) not in {signal.SIG_IGN, None}:
                former[number] = signal.signal(number, ask)
    try:
        yield stop
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
