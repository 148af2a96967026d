"""Progress on stderr: a bar in a terminal, a line for every tenth elsewhere."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import TextIO

from audit.cli.terminal import note

Told = Callable[[int, int], None]
"""Told of rows done, and of how many there are."""


@contextlib.contextmanager
def progress(*, shown: bool, stream: TextIO | None = None) -> Iterator[Told | None]:
    """Show progress for as long as the block lasts; yields what is to be told, or None where nothing is shown."""
    stream = sys.stderr if stream is None else stream
    if not shown:
        yield None
    elif stream.isatty() and os.environ.get("TERM") != "dumb":
        with _bar(stream) as told:
            yield told
    else:
        yield _tenths()


@contextlib.contextmanager
def _bar(stream: TextIO) -> Iterator[Told]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("Scoring"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=stream), transient=True) as bar:
        task = bar.add_task("Scoring", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _tenths() -> Told:
    last = 0

    def told(done: int, total: int) -> None:
        nonlocal last
        tenth = 10 * done // total if total else 10
        if tenth > last:
            last = tenth
            note(f"scored {10 * tenth}% ({done:,} of {total:,} rows)")

    return told
