"""Start the child process with a minimal environment, ask it over two pipes, and end it with all that it started.

No reply is trusted: it has a largest size and a deadline, and anything but a whole message of a known kind ends the
run. One thread serves both pipes. So a child that does not read cannot hide the time from the harness, and a child that
writes without end cannot fill its memory.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Final

from audit.detectors.isolation.wire import AT_ONCE, HEADER, Asked, Replied
from audit.operating_system import end_group, widen_pipe

_LOOK: Final = 0.2
"""Seconds between checks that the child still runs: a pipe that a grandchild holds open does not close with it."""
_PIPE: Final = 1 << 20
_DYING: Final = 1.0
"""Seconds in which a process must end after it has closed its pipe."""
_END: Final = 10.0
"""Seconds to wait for the end of a killed process."""


class ChildGoneError(Exception):
    """The child has ended; `returncode` shows how."""

    def __init__(self, returncode: int) -> None:
        super().__init__()
        self.returncode = returncode


class TooLateError(Exception):
    """The child did not reply in time."""


class GarbledError(Exception):
    """The child wrote something that is no reply."""


class Child:
    """One running child. Raises OSError if it cannot be started.

    Parameters
    ----------
    before : sequence of str
        A program with arguments that starts the command of the child; may be empty.
    environment : mapping
        Its whole environment.
    """

    def __init__(self, before: Sequence[str], environment: Mapping[str, str]) -> None:
        given, self._out = os.pipe()
        self._in, replies = os.pipe()
        try:
            command = [sys.executable, "-P", "-m", "audit.detectors.isolation.child", str(given), str(replies)]
            self._process = subprocess.Popen(  # noqa: S603 - an argv list of our own, and never a shell
                [*before, *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(given, replies),
                env=dict(environment),
                start_new_session=True,
            )
        except BaseException:
            os.close(self._out)
            os.close(self._in)
            raise
        finally:
            os.close(given)
            os.close(replies)
        for end in (self._out, self._in):
            os.set_blocking(end, False)
            widen_pipe(end, _PIPE)
        self._whole = True
        self._open = True

    @property
    def pid(self) -> int:
        """Id of the process that was started."""
        return self._process.pid

    @property
    def can_be_asked(self) -> bool:
        """Whether the last message was replied to in full."""
        return self._whole and self._open

    def ask(self, asked: Asked, content: bytes | memoryview, patience: float, most: int) -> tuple[Replied, bytearray]:
        """Send a message and wait for the reply.

        Parameters
        ----------
        asked : Asked
        content : bytes
        patience : float
            Seconds until the whole reply must have arrived.
        most : int
            Most bytes of its content.

        Raises
        ------
        ChildGoneError, TooLateError, GarbledError
            After each of them the child can only be ended.
        """
        self._whole = False
        reply = _Reply(most)
        unwritten = [memoryview(HEADER.pack(asked.value, len(content))), memoryview(content)]
        until = time.monotonic() + patience
        with selectors.DefaultSelector() as selector:
            selector.register(self._out, selectors.EVENT_WRITE)
            selector.register(self._in, selectors.EVENT_READ)
            while not (reply.whole and not unwritten):
                left = until - time.monotonic()
                if left <= 0:
                    raise TooLateError
                ready = {key.fd for key, _ in selector.select(min(left, _LOOK))}
                if self._out in ready and not self._write(unwritten):
                    selector.unregister(self._out)
                if self._in in ready:
                    if not self._read(reply):
                        raise self._gone()
                elif self._process.poll() is not None and not self._read(reply):
                    # it ended, and its last output is read
                    raise self._gone()
        self._whole = True
        return reply.kind, reply.content

    def end(self) -> None:
        """Kill the child and all that it started, and wait for its end."""
        if not self._open:
            return
        self._open = False
        # the group before its leader is reaped: until then nobody else can be given its number
        end_group(self._process.pid)
        for descriptor in (self._out, self._in):
            os.close(descriptor)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END)

    def _write(self, unwritten: list[memoryview]) -> bool:
        """Write as much as fits. Returns False if all is written, or the child reads no more."""
        try:
            written = os.write(self._out, unwritten[0][:AT_ONCE])
        except BlockingIOError:
            return True
        except OSError:
            unwritten.clear()
            return False
        unwritten[0] = unwritten[0][written:]
        while unwritten and not unwritten[0]:
            del unwritten[0]
        return bool(unwritten)

    def _read(self, reply: _Reply) -> bool:
        """Read the available output. Returns False at the end of the pipe."""
        try:
            found = os.read(self._in, AT_ONCE)
        except BlockingIOError:
            return self._process.returncode is None
        except OSError:
            return False
        reply.take(found)
        return bool(found)

    def _gone(self) -> ChildGoneError | GarbledError:
        """The error for a closed pipe: the child has ended, or it runs on without a reply."""
        try:
            return ChildGoneError(self._process.wait(_DYING))
        except subprocess.TimeoutExpired:
            return GarbledError()


class _Reply:
    """A reply that is being read."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._read = bytearray()
        self._length: int | None = None
        self.kind = Replied.DONE
        self.content = bytearray()

    @property
    def whole(self) -> bool:
        """Whether all of it has arrived."""
        return self._length is not None and len(self.content) == self._length

    def take(self, found: bytes) -> None:
        """Take bytes that were read. Raises GarbledError if they are no reply, or more than one."""
        if self._length is None:
            self._read += found
            if len(self._read) < HEADER.size:
                return
            kind, length = HEADER.unpack_from(self._read)
            if kind not in {one.value for one in Replied} or length > self._most:
                raise GarbledError
            self.kind, self._length = Replied(kind), length
            found = bytes(self._read[HEADER.size :])
        self.content += found
        if len(self.content) > self._length:
            raise GarbledError
