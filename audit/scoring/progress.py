"""Tells on stderr how far scoring has come: a bar on a terminal, elsewhere lines, few enough to be read."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol, TextIO

from audit.scoring.progress_lines import LineProgress, rate, troubles, write_kept, write_stopping

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

__all__ = ["BarProgress", "LineProgress", "NoProgress", "Progress", "progress_on_stderr"]


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

    def advance(self, rows: int, failed: int = 0, retries: int = 0) -> None:
        """So many more rows are done, and so many of them failed; `retries` of the detector, since the beginning."""

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


class NoProgress:
    """Tells nothing."""

    def kept(self, rows: int) -> None:
        """Say nothing."""

    def stopping(self) -> None:
        """Say nothing."""

    def begin(self, rows: int) -> None:
        """Say nothing."""

    def advance(self, rows: int, failed: int = 0, retries: int = 0) -> None:
        """Say nothing."""

    def end(self) -> None:
        """Say nothing."""


class BarProgress:
    """A bar that is taken away when scoring ends."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._bar: RichProgress | None = None
        self._task: TaskID | None = None
        self._failed = 0

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

        self._failed = 0
        self._bar = Progress(
            TextColumn("scoring"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("rows{task.fields[told]}"),
            TimeRemainingColumn(),
            console=Console(file=self._stream),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._bar.add_task("scoring", total=rows, told="")
        self._bar.start()

    def advance(self, rows: int, failed: int = 0, retries: int = 0) -> None:
        """Move the bar, and say what there is beside it: rows in a second, failures and retries."""
        if self._bar is None or self._task is None:
            return
        self._failed += failed
        self._bar.advance(self._task, rows)
        speed = self._bar.tasks[self._task].speed
        told = "" if speed is None else f", {rate(speed)} rows/s"
        self._bar.update(self._task, told=told + troubles(self._failed, retries))

    def end(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
