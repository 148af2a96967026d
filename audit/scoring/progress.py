"""Show on stderr how far scoring has come: a bar on a terminal, elsewhere a few lines."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol, TextIO

from audit.scoring.progress_lines import LineProgress, StreamProgress, rate_text, trouble_text

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


class Progress(Protocol):
    """A display of progress: `begin` once, `advance` after each batch, `end` once, also after an error.

    `kept` comes before `begin` if an earlier run has scored some rows; `stopping` comes if the run ends early.
    """

    def kept(self, rows: int) -> None:
        """Show that an earlier run has scored `rows` rows, which are not scored again."""

    def stopping(self) -> None:
        """Show that somebody asked the run to stop; it ends after the current batch."""

    def begin(self, rows: int) -> None:
        """Show that scoring begins, with `rows` rows to score."""

    def advance(self, rows: int, failed: int = 0, retries: int = 0) -> None:
        """Show that `rows` more rows are done, `failed` of them without an answer; `retries` counts from the
        beginning.
        """

    def end(self) -> None:
        """Show that scoring has ended, or was broken off."""


def progress_on_stderr(*, quiet: bool = False, stream: TextIO | None = None) -> Progress:
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
