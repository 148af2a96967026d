"""Guard around commands: an error ends in one line on stderr, and in an exit code that is never a verdict.

The first interrupt lets the batch end that is being scored.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import signal
import threading
import traceback
import warnings
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Final, NoReturn, ParamSpec

import typer

from audit.cli.console.terminal import note
from audit.errors import AuditError, ExitCode, RunInterruptedError
from audit.vocabulary.text import printable

if TYPE_CHECKING:
    from audit.scoring.progress import Display

P = ParamSpec("P")

_SIGNALS: Final = ("SIGINT", "SIGTERM", "SIGHUP")
"""Signals that ask a run to stop; Windows lacks one."""

_shown = {"traceback": False}


def show_tracebacks(wanted: bool) -> None:
    """Set whether errors of this process are shown with their traceback (`--debug`). A traceback can quote data."""
    _shown["traceback"] = wanted


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """Make `command` end with one line and an exit code whatever is raised in it."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        if not _shown["traceback"]:
            _silence_third_parties()
        try:
            command(*args, **kwargs)
        except (typer.Exit, typer.BadParameter) as ended:
            # a ring: what a command held is not freed piece by piece (15 ms a result) just before the process ends
            ended.__dict__["itself"] = ended
            raise
        except BaseException as error:  # the one place where everything is caught
            _end(error)

    return run


def _end(error: BaseException) -> NoReturn:
    if isinstance(error, SystemExit):
        raise error
    raise typer.Exit(report_error(error))


def report_error(error: BaseException) -> int:
    """Report an error in one line on stderr; returns the exit code that it ends in."""
    if _shown["traceback"]:
        traceback.print_exception(error)
    line, code = _line_and_code(error)
    if line:
        _complain(line)
    return code


def _line_and_code(error: BaseException) -> tuple[str, int]:
    if isinstance(error, AuditError):
        return f"{'' if isinstance(error, RunInterruptedError) else 'error: '}{error}", error.exit_code
    if isinstance(error, KeyboardInterrupt | typer.Abort | EOFError):
        return "interrupted: nothing was judged", ExitCode.INTERRUPTED
    if isinstance(error, BrokenPipeError):
        return "", ExitCode.STORAGE_FAILED
    if isinstance(error, OSError):
        why = os.strerror(error.errno) if error.errno else type(error).__name__
        return f"error: reading or writing failed ({why}) — free some space or check the path", ExitCode.STORAGE_FAILED
    # Never the text of an unknown error: it may quote a row.
    line = f"internal error ({type(error).__name__}); nothing was judged — run again as `audit7k --debug …`"
    if isinstance(error, MemoryError):
        line = "error: not enough memory; nothing was judged"
    elif isinstance(error, RuntimeError) and str(error).startswith("Symlink loop"):  # of pathlib, before Python 3.13
        line = "error: a path leads by links to itself — name the file or folder itself"
    return line, ExitCode.NOT_JUDGED


def _complain(line: str) -> None:
    with contextlib.suppress(OSError):
        note(printable(" ".join(line.split())))


def _silence_third_parties() -> None:
    """Silence warnings and log lines of other packages, which can quote cells; ours go through errors and notices."""
    warnings.simplefilter("ignore")
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.NullHandler())


class InterruptibleProgress:
    """Progress of a command's run: the first interrupt ends it after the batch, the second at once.

    Signals are taken only while rows are scored, and only in the main thread. A signal that is ignored (nohup) stays
    ignored.
    """

    def __init__(self, display: Display) -> None:
        self._display = display
        self._stop_asked = threading.Event()
        self._former: dict[int, object] = {}
        self.kept, self.advance, self.stop_asked = display.kept, display.advance, self._stop_asked.is_set

    def begin(self, rows: int) -> None:
        """Show that scoring begins, and take signals."""
        if threading.current_thread() is threading.main_thread():
            for name in _SIGNALS:
                number = getattr(signal, name, None)
                if number is not None and signal.getsignal(number) not in {signal.SIG_IGN, None}:
                    self._former[number] = signal.signal(number, self._stop)
        self._display.begin(rows)

    def end(self) -> None:
        """Show that scoring has ended, and leave signals to whoever took them before."""
        self._display.end()
        while self._former:
            number, handler = self._former.popitem()
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        if self._stop_asked.is_set():
            raise KeyboardInterrupt
        self._stop_asked.set()
        self._display.stopping()
