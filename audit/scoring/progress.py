"""Show on stderr how far scoring has come: a bar on a terminal, elsewhere a few lines.

Show progress as lines, by share and by time, where nobody watches a terminal. No line holds the content of a row.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol, TextIO

from audit.stages import hide_stages

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


FIRST_LINE: Final = 60.0
"""Seconds after which the first line is written."""
LONGEST: Final = 1800.0
"""Most seconds between two lines, however long the run has lasted."""
SHARE: Final = 0.1
"""Share of the time that has passed after which the next line comes: a night has about thirty lines."""
_SETTLED: Final = 2.0
"""Seconds of scoring after which a rate means something."""


class StreamProgress:
    """Lines that every display on a stream writes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def kept(self, rows: int) -> None:
        """Write that a run goes on."""
        self._write_line(f"going on: {rows:,} rows were scored before and are kept (--fresh scores everything anew)")

    def stopping(self) -> None:
        """Write that a run is about to end."""
        self._write_line("stopping after this batch; once more to stop at once")

    def stop_asked(self) -> bool:
        """Return False: a display alone ends no run."""
        return False

    def _write_line(self, line: str) -> None:
        self._stream.write(f"{line}\n")
        self._stream.flush()


class LineProgress(StreamProgress):
    """A line for every ten per cent of the rows, and lines by time if those are far apart.

    By time, the first line comes after a minute. Each further line comes after a tenth of the time that has passed, and
    after half an hour at the latest, also while a batch is being answered.

    Parameters
    ----------
    stream : text stream
    clock : callable
        Returns seconds since any fixed moment.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(stream)
        self._clock = clock
        self._rows = self._done = self._tenths = self._failed = self._retries = 0
        self._begun = self._written_at = 0.0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._watch: threading.Thread | None = None

    def begin(self, rows: int) -> None:
        """Remember the number of rows, and begin to watch the clock."""
        self._rows, self._done, self._tenths, self._failed, self._retries = rows, 0, 0, 0, 0
        self._begun = self._written_at = self._clock()
        self._over.clear()
        # a daemon: it must not keep the process from ending
        self._watch = threading.Thread(target=self._watch_clock, name="audit7k-progress", daemon=True)
        self._watch.start()

    def advance(self, rows: int, failed: int = 0, retries: int = 0) -> None:
        """Write a line if another tenth is full, or if it is time."""
        with self._lock:
            self._done += rows
            self._failed += failed
            self._retries = retries
            tenths = 10 * self._done // self._rows if self._rows else 10
            full = tenths > self._tenths
            self._tenths = tenths
            if full or self._is_time():
                self._write(10 * tenths if full else 100 * self._done // self._rows)

    def write_if_time(self) -> float:
        """Write a line if it is time. Returns the seconds until the next line."""
        with self._lock:
            if self._is_time():
                self._write(100 * self._done // self._rows if self._rows else 100)
            return max(1.0, self._written_at + self._patience() - self._clock())

    def end(self) -> None:
        """Stop watching the clock."""
        self._over.set()
        if self._watch is not None:
            self._watch.join()
            self._watch = None

    def _watch_clock(self) -> None:
        wait = FIRST_LINE
        while not self._over.wait(wait):
            wait = self.write_if_time()

    def _patience(self) -> float:
        return min(max(FIRST_LINE, SHARE * (self._written_at - self._begun)), LONGEST)

    def _is_time(self) -> bool:
        return self._clock() - self._written_at >= self._patience()

    def _write(self, percent: int) -> None:
        now = self._clock()
        self._written_at = now
        line = f"scored {percent} % ({self._done} of {self._rows} rows)"
        seconds = now - self._begun
        if seconds >= _SETTLED:
            speed = self._done / seconds
            line += f", {rate_text(speed)} rows/s"
            if 0 < self._done < self._rows:
                line += f", about {duration_text((self._rows - self._done) / speed)} left"
        self._write_line(line + trouble_text(self._failed, self._retries))


def rate_text(speed: float) -> str:
    """Text of a number of rows per second, with as many digits as mean something."""
    return f"{speed:,.0f}" if speed >= 10 else f"{speed:.2g}"


def duration_text(seconds: float) -> str:
    """Text of a remaining time: `40 s`, `7 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def trouble_text(failed: int, retries: int) -> str:
    """Text of the failures and retries so far; empty if there are none."""
    rows = f", {failed:,} row{'s' * (failed != 1)} failed" if failed else ""
    return rows + (f", {retries:,} {'retry' if retries == 1 else 'retries'}" if retries else "")


class Progress(Protocol):
    """A display of progress: `begin` once, `advance` after each batch, `end` once, also after an error.

    `kept` comes before `begin` if an earlier run has scored some rows. `stop_asked` comes after each batch.
    """

    def kept(self, rows: int) -> None:
        """Show that an earlier run has scored `rows` rows, which are not scored again."""

    def stop_asked(self) -> bool:
        """Whether the run is to end now, as an interrupt would end it: answers that are kept stay."""

    def begin(self, rows: int) -> None:
        """Show that scoring begins, with `rows` rows to score."""

    def advance(self, rows: int, failed: int = 0, retries: int = 0) -> None:
        """Show that `rows` more rows are done, `failed` of them without an answer; `retries` counts from the
        beginning.
        """

    def end(self) -> None:
        """Show that scoring has ended, or was broken off."""


class Display(Progress, Protocol):
    """A display of progress that can also show that the run is about to end."""

    def stopping(self) -> None:
        """Show that somebody asked the run to stop; it ends after the current batch."""


def progress_on_stderr(*, quiet: bool = False, stream: TextIO | None = None) -> Display:
    """Choose a display of progress: none if `quiet`, a bar on a terminal, else lines.

    Parameters
    ----------
    quiet : bool
        Show nothing.
    stream : text stream, optional
        The stream to write to; sys.stderr by default.
    """
    stream = sys.stderr if stream is None else stream
    if quiet:
        return NoProgress()
    return BarProgress(stream) if stream.isatty() else LineProgress(stream)


class NoProgress:
    """A display that shows nothing."""

    def kept(self, rows: int) -> None:
        """Show nothing."""

    def stopping(self) -> None:
        """Show nothing."""

    def stop_asked(self) -> bool:
        """Return False: nobody asks."""
        return False

    def begin(self, rows: int) -> None:
        """Show nothing."""

    def advance(self, rows: int, failed: int = 0, retries: int = 0) -> None:
        """Show nothing."""

    def end(self) -> None:
        """Show nothing."""


class BarProgress(StreamProgress):
    """A bar that is taken away when scoring ends."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._bar: RichProgress | None = None
        self._task: TaskID | None = None
        self._failed = 0

    def begin(self, rows: int) -> None:
        """Draw the bar."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._failed = 0
        hide_stages()
        self._bar = Progress(
            TextColumn("scoring"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("rows{task.fields[state]}"),
            TimeRemainingColumn(),
            console=Console(file=self._stream),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._bar.add_task("scoring", total=rows, state="")
        self._bar.start()

    def advance(self, rows: int, failed: int = 0, retries: int = 0) -> None:
        """Move the bar, and write beside it rows per second, failures and retries."""
        if self._bar is None or self._task is None:
            return
        self._failed += failed
        self._bar.advance(self._task, rows)
        speed = self._bar.tasks[self._task].speed
        state = "" if speed is None else f", {rate_text(speed)} rows/s"
        self._bar.update(self._task, state=state + trouble_text(self._failed, retries))

    def end(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
            hide_stages(hidden=False)
