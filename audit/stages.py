"""How far an audit goes, and its stages on a terminal: one line, with the seconds that each has taken."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from enum import StrEnum
from typing import Final, TextIO


class Scope(StrEnum):
    """How much of an audit is computed: each scope includes those before it."""

    VERDICTS = "verdicts"
    """Verdicts alone. Such a result can be neither kept nor reported."""
    RECORDS = "records"
    """Counts, rates and differences too, as a gate shows and keeps them."""
    DETAILS = "details"
    """All that a plan asks for, also what decides no verdict."""

    @property
    def has_records(self) -> bool:
        """Whether anything is stated but verdicts."""
        return self is not Scope.VERDICTS

    @property
    def has_details(self) -> bool:
        """Whether questions that decide no verdict are answered."""
        return self is Scope.DETAILS


_CLEAR: Final = "\x1b[K"


class _Line:
    """Line that is drawn again twice a second. The cursor waits at its beginning, where other lines overwrite it."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._taken: dict[str, float] = {}
        self._name, self._begun = "", clock()
        self._hidden = False
        self._lock = threading.Lock()
        self._over = threading.Event()
        threading.Thread(target=self._tick, name="audit7k-stages", daemon=True).start()

    def begin(self, name: str) -> None:
        with self._lock:
            if name != self._name:
                self._turn_to(name)
                self._draw()

    def hide(self, *, hidden: bool) -> None:
        with self._lock:
            self._hidden = hidden
            self._write("")

    def end(self, *, whole: bool) -> None:
        """Stop; with `whole`, leave a line of what took longer than half a second."""
        self._over.set()
        with self._lock:
            self._turn_to("")
            long = [f"{name} {taken:.0f} s" for name, taken in self._taken.items() if taken >= 0.5]
            self._write(f"{' · '.join(long)}\n" if whole and long else "")

    def _tick(self) -> None:
        while not self._over.wait(0.5):
            with self._lock:
                if not self._hidden and not self._over.is_set():
                    self._draw()

    def _turn_to(self, name: str) -> None:
        now = self._clock()
        if self._name:
            self._taken[self._name] = self._taken.get(self._name, 0.0) + now - self._begun
        self._name, self._begun = name, now

    def _draw(self) -> None:
        shown = [f"{name} {taken:.0f} s" for name, taken in self._taken.items()]
        shown.append(f"{self._name} {self._clock() - self._begun:.1f} s …")
        room = shutil.get_terminal_size().columns - 1
        while len(shown) > 1 and len(" · ".join(shown)) > room:
            del shown[0]
        self._write(" · ".join(shown)[-room:] + "\r")

    def _write(self, text: str) -> None:
        encoding = self._stream.encoding or "utf-8"
        with contextlib.suppress(OSError, ValueError):  # a terminal that has gone is no error
            self._stream.write(_CLEAR + text.encode(encoding, "replace").decode(encoding))
            self._stream.flush()


_LINE: ContextVar[_Line | None] = ContextVar("stages", default=None)


def stage(name: str) -> None:
    """Say that a stage begins, where somebody watches."""
    line = _LINE.get()
    if line is not None:
        line.begin(name)


def hide_stages(*, hidden: bool = True) -> None:
    """Take the line away, or let it come back, where there is one."""
    line = _LINE.get()
    if line is not None:
        line.hide(hidden=hidden)


@contextlib.contextmanager
def stages_on(stream: TextIO | None, first: str = "reading") -> Iterator[None]:
    """Show stages within a block, if `stream` is a terminal that can, and no block around it shows them."""
    if stream is None or _LINE.get() is not None or os.environ.get("TERM") == "dumb" or not stream.isatty():
        stage(first)
        yield
        return
    line = _Line(stream)
    token = _LINE.set(line)
    stage(first)
    whole = False
    try:
        yield
        whole = True
    finally:
        _LINE.reset(token)
        line.end(whole=whole)
