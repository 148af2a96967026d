"""Progress as lines, where nobody watches a terminal: by share and by time, in words and numbers, never with a row."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, TextIO

FIRST_LINE: Final = 60.0
"""Seconds without a line after which there is one."""
LONGEST: Final = 1800.0
"""Seconds without a line that are too many, however long the run has lasted."""
SHARE: Final = 0.1
"""Between the two a line comes after this share of the time that has passed: a night has some thirty of them."""
_TELLING: Final = 2.0
"""Seconds of scoring from which on a rate means something."""


class LineProgress:
    """A line for every ten per cent of the rows, and where those are far between, lines by time.

    By time there is one after a minute, then after a tenth of the time that has passed, at least every half hour, also
    while a batch is being answered.

    Parameters
    ----------
    stream : text stream
    clock : callable
        Seconds, from any moment on.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._rows = self._done = self._tenths = self._failed = self._retries = 0
        self._begun = self._told_at = 0.0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._watch: threading.Thread | None = None

    def kept(self, rows: int) -> None:
        """Write a line."""
        write_kept(self._stream, rows)

    def stopping(self) -> None:
        """Write a line."""
        write_stopping(self._stream)

    def begin(self, rows: int) -> None:
        """Remember how many rows there are, and begin to watch the clock."""
        self._rows, self._done, self._tenths, self._failed, self._retries = rows, 0, 0, 0, 0
        self._begun = self._told_at = self._clock()
        self._over.clear()
        # a daemon: it must not keep the process from ending
        self._watch = threading.Thread(target=self._watch_clock, name="audit7k-progress", daemon=True)
        self._watch.start()

    def advance(self, rows: int, failed: int = 0, retries: int = 0) -> None:
        """Write a line if another tenth is full, or it is time."""
        with self._lock:
            self._done += rows
            self._failed += failed
            self._retries = retries
            tenths = 10 * self._done // self._rows if self._rows else 10
            full = tenths > self._tenths
            self._tenths = tenths
            if full or self._is_time():
                self._tell(10 * tenths if full else 100 * self._done // self._rows)

    def tell_if_time(self) -> float:
        """Write a line if it is time; returns how many seconds it is until then."""
        with self._lock:
            if self._is_time():
                self._tell(100 * self._done // self._rows if self._rows else 100)
            return max(1.0, self._told_at + self._patience() - self._clock())

    def end(self) -> None:
        """Watch the clock no longer; nothing is left to say."""
        self._over.set()
        if self._watch is not None:
            self._watch.join()
            self._watch = None

    def _watch_clock(self) -> None:
        wait = FIRST_LINE
        while not self._over.wait(wait):
            wait = self.tell_if_time()

    def _patience(self) -> float:
        return min(max(FIRST_LINE, SHARE * (self._told_at - self._begun)), LONGEST)

    def _is_time(self) -> bool:
        return self._clock() - self._told_at >= self._patience()

    def _tell(self, percent: int) -> None:
        now = self._clock()
        self._told_at = now
        line = f"scored {percent} % ({self._done} of {self._rows} rows)"
        seconds = now - self._begun
        if seconds >= _TELLING:
            speed = self._done / seconds
            line += f", {rate(speed)} rows/s"
            if 0 < self._done < self._rows:
                line += f", about {duration((self._rows - self._done) / speed)} left"
        self._stream.write(f"{line}{troubles(self._failed, self._retries)}\n")
        self._stream.flush()


def write_kept(stream: TextIO, rows: int) -> None:
    """Say that a run goes on."""
    stream.write(f"going on: {rows:,} rows were scored before and are kept (--fresh scores everything anew)\n")
    stream.flush()


def write_stopping(stream: TextIO) -> None:
    """Say that a run is about to end."""
    stream.write("stopping after this batch; once more to stop at once\n")
    stream.flush()


def rate(speed: float) -> str:
    """Rows in a second, with as many digits as mean something."""
    return f"{speed:,.0f}" if speed >= 10 else f"{speed:.2g}"


def duration(seconds: float) -> str:
    """A time that is left, in words: `40 s`, `7 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def troubles(failed: int, retries: int) -> str:
    """Failures and retries, where there are any."""
    rows = f", {failed:,} row{'s' * (failed != 1)} failed" if failed else ""
    return rows + (f", {retries:,} {'retry' if retries == 1 else 'retries'}" if retries else "")
