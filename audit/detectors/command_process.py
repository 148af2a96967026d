"""Run a program of the operator as a child process: write and read at once, and end it with all that it started.

One thread serves both pipes. So a program that does not read cannot stop the harness from reading, and a program that
does not answer cannot hide the time from it. Memory holds one chunk of rows on the way out and one line on the way in.
The error output of the program is discarded, because it can quote a row.

The program leads a process group of its own. When it is ended, the group is killed before its leader is reaped: until
then the number of the group cannot be given to anyone else.
"""

from __future__ import annotations

import contextlib
import enum
import os
import selectors
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from audit.detectors.command_reply import Reply
from audit.detectors.inside import is_shut_in
from audit.operating_system import end_group

_AT_ONCE: Final = 1 << 16
"""Bytes that are read or written at a time."""
_MOST_SKIPPED: Final = 1000
"""Most lines before the first answer that are skipped; any further line is read as an answer."""
_MARK: Final = b"\xef\xbb\xbf"
"""Byte order mark, with which some programs begin their output."""


class Ending(enum.Enum):
    """The reason why a program cannot be asked any further; the value is its wording in a note."""

    TIMEOUT = "did not answer in time"
    CRASHED = "ended by itself"
    TOO_LARGE = "wrote a line without end"
    OUT_OF_ORDER = "answered out of order"


class Program:
    """One running program. Raises OSError if it cannot be started.

    Parameters
    ----------
    command : sequence of str
        The program and its arguments; the first is a path, or a name on PATH.
    folder : Path
        The working folder.
    environment : mapping
        Its whole environment.
    longest_line : int
        Most bytes of a line of its output.
    """

    def __init__(self, command: Sequence[str], folder: Path, environment: Mapping[str, str], longest_line: int) -> None:
        if is_shut_in():
            # Python looks for modules where the program lies, and may not list that folder: here are links to them
            path = [str(folder), environment.get("PYTHONPATH", "")]
            environment = {**environment, "PYTHONPATH": os.pathsep.join(filter(None, path))}
        self._process = subprocess.Popen(  # noqa: S603 - an argv list from the plan, and never a shell
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd=folder,
            env=dict(environment),
            start_new_session=not is_shut_in(),
        )
        assert self._process.stdin is not None  # noqa: S101 - they are pipes
        assert self._process.stdout is not None  # noqa: S101
        self._in = self._process.stdin
        self._out = self._process.stdout
        os.set_blocking(self._in.fileno(), False)
        os.set_blocking(self._out.fileno(), False)
        self._longest_line = longest_line
        self._unread = b""
        self._unwritten = memoryview(b"")
        self._first_bytes = True
        self._answered = False
        self.skipped = 0
        """Number of lines before the first answer."""

    def ask(
        self, chunks: Iterator[tuple[int, bytes]], reply: Reply, start_timeout: float, timeout: float
    ) -> Ending | None:
        """Write a batch and read its answers. Returns None if all went well, else the program must be ended.

        Parameters
        ----------
        chunks : iterator of (int, bytes)
            Number of rows so far, and the lines of the next rows.
        reply : Reply
            Receives the answers.
        start_timeout, timeout : float
            Seconds until the first answer of the program, and for a batch after that.
        """
        deadline = time.monotonic() + (timeout if self._answered else start_timeout)
        writing = self._next_chunk(chunks, reply)
        with selectors.DefaultSelector() as selector:
            if writing:
                selector.register(self._in, selectors.EVENT_WRITE)
            selector.register(self._out, selectors.EVENT_READ)
            while True:
                starting = not self._answered
                ending = self._take_lines(reply)
                if ending is not None or (reply.complete and not writing):
                    return ending
                if starting and self._answered:
                    deadline = time.monotonic() + timeout
                if reply.complete and self._out in selector.get_map():
                    selector.unregister(self._out)
                left = deadline - time.monotonic()
                if left <= 0:
                    return Ending.TIMEOUT
                ready = {key.fileobj for key, _ in selector.select(left)}
                if self._in in ready:
                    writing = self._write(chunks, reply)
                    if not writing:
                        selector.unregister(self._in)
                if self._out in ready and not self._read():
                    self._take_lines(reply)
                    return None if reply.complete and not writing else Ending.CRASHED

    def end(self, grace: float) -> None:
        """End the program and all that it started, after `grace` seconds in which it may end by itself."""
        try:
            with contextlib.suppress(OSError):
                self._in.close()
            if grace > 0:
                self._drain(time.monotonic() + grace)
        finally:
            if is_shut_in():  # what the program started ends with the group of this process
                with contextlib.suppress(PermissionError):  # before Linux 6.12 it may signal no process
                    self._process.kill()
            else:
                end_group(self._process.pid)
            with contextlib.suppress(OSError):
                self._out.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10)

    def _next_chunk(self, chunks: Iterator[tuple[int, bytes]], reply: Reply) -> bool:
        """Take the next lines to write. Returns False if there are no more."""
        row_count, lines = next(chunks, (reply.asked, b""))
        reply.asked = row_count
        self._unwritten = memoryview(lines)
        return bool(lines)

    def _write(self, chunks: Iterator[tuple[int, bytes]], reply: Reply) -> bool:
        """Write as much as fits. Returns False if everything is written, or the program reads no more."""
        try:
            written = os.write(self._in.fileno(), self._unwritten[:_AT_ONCE])
        except BlockingIOError:
            return True
        except OSError:
            # it closed its input: its remaining answers are read until it ends or the time is up
            self._unwritten = memoryview(b"")
            return False
        self._unwritten = self._unwritten[written:]
        return bool(self._unwritten) or self._next_chunk(chunks, reply)

    def _read(self) -> bool:
        """Read the available output. Returns False at the end of the output."""
        try:
            chunk = os.read(self._out.fileno(), _AT_ONCE)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if self._first_bytes and chunk:
            chunk = chunk.removeprefix(_MARK)
            self._first_bytes = False
            self._unread = chunk
            return True
        self._unread += chunk
        return bool(chunk)

    def _take_lines(self, reply: Reply) -> Ending | None:
        """Give every whole line to the reply until the reply is complete. The rest stays for later."""
        start = 0
        text = self._unread
        while not reply.complete:
            end = text.find(b"\n", start)
            length = (len(text) if end < 0 else end) - start
            if length > self._longest_line:
                return Ending.TOO_LARGE
            if end < 0:
                break
            line = text[start:end]
            start = end + 1
            if self._answered or self._is_answer(line):
                reply.take(line)
        self._unread = text[start:]
        return Ending.OUT_OF_ORDER if reply.out_of_order else None

    def _is_answer(self, line: bytes) -> bool:
        """Whether the line is the first answer. Lines that a program prints at its start do not begin like an
        object.
        """
        if self.skipped < _MOST_SKIPPED and not line.lstrip().startswith(b"{"):
            self.skipped += 1
            return False
        self._answered = True
        return True

    def _drain(self, deadline: float) -> None:
        """Read and discard output until the program closes it, or the time is up."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._out, selectors.EVENT_READ)
            while (left := deadline - time.monotonic()) > 0:
                if not selector.select(left):
                    return
                if not self._read():
                    return
                self._unread = b""
