"""Tells on stderr how far scoring has come: a bar on a terminal, elsewhere a line for every ten per cent."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


class Progress(Protocol):
    """Where progress is told. `begin` once, `advance` after each batch, `end` once, also after an error.

    `kept` comes before `begin` where an earlier run has scored some of the rows, `stopping` where the run ends early.
    """

    def kept(self, rows: int) -> None:
        """So many rows were scored by an earlier run, and are not scored again."""

    def stopping(self) -> None:
        """Somebody asked the run to stop; it ends when the batch does."""

    def begin(self, rows: int) -> None:
        """Scoring begins; so many rows are to be scored."""

    def advance(self, rows: int) -> None:
        """So many more rows are done."""

    def end(self) -> None:
        """Scoring has ended, or was broken off."""


def progress_on_stderr(*, quiet: bool = False, stream: TextIO | None = None) -> Progress:
    """Choose how to tell progress: not at all when `quiet`, as a bar on a terminal, else as lines.

    Parameters
    ----------
    quiet : bool
        Tell nothing.
    stream : text stream, optional
        Where to; sys.stderr by default.
    """
    stream = sys.stderr if stream is None else stream
    if quiet:
        return NoProgress()
    return BarProgress(stream) if stream.isatty() else LineProgress(stream)


def write_kept(stream: TextIO, rows: int) -> None:
    """Say that a run goes on."""
    stream.write(f"going on: {rows:,} rows were scored before and are kept (--fresh scores everything anew)\n")
    stream.flush()


def write_stopping(stream: TextIO) -> None:
    """Say that a run is about to end."""
    stream.write("stopping after this batch; once more to stop at once\n")
    stream.flush()


class NoProgress:
    """Tells nothing."""

    def kept(self, rows: int) -> None:
        """Say nothing."""

    def stopping(self) -> None:
        """Say nothing."""

    def begin(self, rows: int) -> None:
        """Say nothing."""

    def advance(self, rows: int) -> None:
        """Say nothing."""

    def end(self) -> None:
        """Say nothing."""


class LineProgress:
    """A line whenever another ten per cent of the rows are done; at most ten lines, whatever the number of batches."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._rows = self._done = self._told = 0

    def kept(self, rows: int) -> None:
        """Write a line."""
        write_kept(self._stream, rows)

    def stopping(self) -> None:
        """Write a line."""
        write_stopping(self._stream)

    def begin(self, rows: int) -> None:
        """Remember how many rows there are."""
        self._rows, self._done, self._told = rows, 0, 0

    def advance(self, rows: int) -> None:
        """Write a line if another tenth is full."""
        self._done += rows
        tenths = 10 * self._done // self._rows if self._rows else 10
        if tenths > self._told:
            self._told = tenths
            self._stream.write(f"scored {10 * tenths} % ({self._done} of {self._rows} rows)\n")
            self._stream.flush()

    def end(self) -> None:
        """Nothing is left to say."""


class BarProgress:
    """A bar that is taken away when scoring ends."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._bar: RichProgress | None = None
        self._task: TaskID | None = None

    def kept(self, rows: int) -> None:
        """Write a line."""
        write_kept(self._stream, rows)

    def stopping(self) -> None:
        """Write a line."""
        write_stopping(self._stream)

    def begin(self, rows: int) -> None:
        """Draw the bar."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("scoring"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("rows"),
            TimeRemainingColumn(),
            console=Console(file=self._stream),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._bar.add_task("scoring", total=rows)
        self._bar.start()

    def advance(self, rows: int) -> None:
        """Move the bar."""
        if self._bar is not None and self._task is not None:
            self._bar.advance(self._task, rows)

    def end(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
