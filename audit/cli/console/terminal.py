"""Text on its way to the terminal: colour only where it is wanted, shapes that the encoding has, pipes that may
close.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Mapping
from typing import BinaryIO, Final, Literal, NamedTuple, TextIO

from audit.stages import hide_stages

State = Literal["pass", "fail", "inconclusive", "not_evaluable", "as_part"]

_COLOURS: Final[Mapping[str, str]] = {
    "pass": "32",
    "fail": "1;31",
    "inconclusive": "33",
    "not_evaluable": "2",
    "as_part": "33",
    "strong": "1",
    "faint": "2",
}
_SHAPES: Final[Mapping[State, tuple[str, str]]] = {
    "pass": ("✓", "+"),
    "fail": ("✗", "x"),
    "inconclusive": ("?", "?"),
    "not_evaluable": ("–", "-"),
    "as_part": ("~", "~"),
}
"""Shape of each state, beside its word; the second where the stream is not Unicode."""


def say(text: str) -> None:
    """Write the result of a command to stdout. A reader that has gone away is no error: the verdict stands."""
    hide_stages(hidden=False)
    _write(sys.stdout, text)


def note(text: str) -> None:
    """Write progress or a remark to stderr."""
    hide_stages(hidden=False)
    _write(sys.stderr, text)


def say_document(content: str | bytes) -> None:
    """Write one document to stdout, text as UTF-8, whatever the encoding of the terminal."""
    hide_stages()
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:
        say(content if isinstance(content, str) else content.decode("latin-1"))
        return
    try:
        sys.stdout.flush()
        _write_all(buffer, content if isinstance(content, bytes) else content.encode("utf-8"))
        buffer.flush()
    except BrokenPipeError:
        _let_go(sys.stdout)


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:  # the process was started with it closed
        return
    if not text.endswith("\n"):
        text += "\n"
    encoding = getattr(stream, "encoding", None) or "utf-8"
    text = text.encode(encoding, "replace").decode(encoding)
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        _let_go(stream)


def _write_all(buffer: BinaryIO, content: bytes) -> None:
    """Write every byte, or raise OSError. With PYTHONUNBUFFERED one `write` may take a part and say nothing of it."""
    rest = memoryview(content)
    while rest:
        taken = buffer.write(rest)
        if not taken:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        rest = rest[taken:]


def _let_go(stream: TextIO) -> None:
    """Point a broken pipe to nowhere, so that nothing complains when the process ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def colour_wanted(stream: TextIO | None, environ: Mapping[str, str] | None = None) -> bool:
    """Say whether to colour: NO_COLOR forbids it, FORCE_COLOR asks for it, else a terminal that is not dumb has it."""
    environ = os.environ if environ is None else environ
    if stream is None or environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return environ.get("TERM") != "dumb" and stream.isatty()


class Style(NamedTuple):
    """Capabilities of a stream."""

    colour: bool = False
    unicode: bool = True

    @classmethod
    def of(cls, stream: TextIO | None) -> Style:
        """Find the capabilities of `stream`."""
        encoding = (getattr(stream, "encoding", None) or "ascii").lower().replace("-", "")
        return cls(colour_wanted(stream), encoding.startswith("utf"))

    def paint(self, text: str, role: str) -> str:
        """Return `text` in the colour of a state, or unchanged."""
        return f"\x1b[{_COLOURS[role]}m{text}\x1b[0m" if self.colour else text

    def shape(self, state: State) -> str:
        """Return one character for a state."""
        return _SHAPES[state][0 if self.unicode else 1]
