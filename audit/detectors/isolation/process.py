"""Start the child process with a minimal environment, ask it over a socket, and end it with all that it started.

No reply is trusted: it has a largest size and a deadline, and anything but a whole message of a known kind ends the
run. The deadline holds for writing too, so that a child that does not read cannot hide the time from the harness, and
while the harness waits for either, it looks whether the child still runs.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Final

from audit.detectors.isolation.wire import AT_ONCE, HEADER, Asked, Replied
from audit.operating_system import end_group, python_arguments, run_module

_LOOK: Final = 0.2
"""Seconds between checks that the child still runs: a socket that a grandchild holds open does not close with it."""
_BUFFER: Final = 1 << 20
_DYING: Final = 1.0
"""Seconds in which a process must end after it has closed its socket."""
MOST_PROCESSES: Final = 256
"""Most processes of a child, itself included."""
MOST_THREADS: Final = 4096
"""Most threads of all these processes together."""
_PAGE: Final = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_END: Final = 10.0
"""Seconds to wait for the end of a killed process."""


class ChildGoneError(Exception):
    """The child has ended; `returncode` shows how."""

    def __init__(self, returncode: int) -> None:
        super().__init__()
        self.returncode = returncode


class TooLateError(Exception):
    """The child did not reply in time."""


class TooManyError(Exception):
    """The child and all that it started are more than `MOST_PROCESSES`."""


class TooLargeError(Exception):
    """The child and all that it started hold more memory than they may."""


class GarbledError(Exception):
    """The child wrote something that is no reply."""


class Child:
    """One running child. Raises OSError if it cannot be started.

    Parameters
    ----------
    environment : mapping
        Its whole environment.
    program : sequence of str, optional
        Arguments of Python that start it, without those of the program that serves a detector. The number of its socket
        to the harness follows them.
    memory_mib : int, optional
        Most MiB that it and all that it started may hold together. Without it, nothing is counted.
    """

    def __init__(
        self, environment: Mapping[str, str], program: Sequence[str] | None = None, memory_mib: int | None = None
    ) -> None:
        program = program or python_arguments(run_module("audit.detectors.isolation.child"))
        self._socket, child_socket = socket.socketpair()
        with child_socket:
            child_socket.setblocking(True)  # whatever socket.setdefaulttimeout was given
            try:
                self._process = subprocess.Popen(  # noqa: S603 - an argv list of our own, and never a shell
                    [sys.executable, *program, str(child_socket.fileno())],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=(child_socket.fileno(),),
                    env=dict(environment),
                    start_new_session=True,
                )
            except BaseException:
                self._socket.close()
                raise
            for end in (self._socket, child_socket):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        self._memory_mib = memory_mib
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

    def ask(self, request: Asked, content: bytes | memoryview, patience: float, most: int) -> tuple[Replied, bytearray]:
        """Send a message and wait for the reply.

        Parameters
        ----------
        request : Asked
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
        until = time.monotonic() + patience
        if self._write(HEADER.pack(request.value, len(content)), until):
            self._write(content, until)
        reply = bytearray()
        while len(reply) < HEADER.size:
            reply += self._read(until)
        kind, length = HEADER.unpack_from(reply)
        if kind not in {reply_kind.value for reply_kind in Replied} or length > most:
            raise GarbledError
        while len(reply) < HEADER.size + length:
            reply += self._read(until)
        if len(reply) > HEADER.size + length:
            raise GarbledError
        self._whole = True
        return Replied(kind), reply[HEADER.size :]

    def end(self) -> None:
        """Kill the child and all that it started, and wait for its end."""
        if not self._open:
            return
        self._open = False
        # the group before its leader is reaped: until then nobody else can be given its number
        end_group(self._process.pid)
        self._socket.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END)

    def _write(self, content: bytes | memoryview, until: float) -> bool:
        """Write it all. Returns False if the child reads no more: what it wrote before says why."""
        left = memoryview(content)
        while left:
            self._socket.settimeout(_seconds_to_look(until))
            try:
                left = left[self._socket.send(left) :]
            except TimeoutError:
                if self._process.poll() is not None:
                    return False
                if self._received(0.0):
                    raise GarbledError from None  # before it has read what it is asked
                self._check_group()
            except OSError:
                return False
        return True

    def _read(self, until: float) -> bytes:
        """Wait for output, and read some of it."""
        while True:
            seconds = _seconds_to_look(until)
            has_ended = self._process.poll() is not None  # asked first, so that its last output is read
            output = self._received(seconds)
            if output:
                return output
            if has_ended or output is not None:
                raise self._gone()
            self._check_group()

    def _check_group(self) -> None:
        """Raise TooManyError or TooLargeError if the group of the child exceeds its limits, on systems with `/proc`."""
        if self._memory_mib is None or not os.path.isdir("/proc/self"):  # noqa: PTH112
            return
        members = [pid for pid in os.listdir("/proc") if pid.isdigit() and _group(int(pid)) == self._process.pid]  # noqa: PTH208
        if len(members) > MOST_PROCESSES or sum(map(_threads, members)) > MOST_THREADS:
            raise TooManyError
        # the second figure divides what processes share, and takes longer
        if all(sum(map(figure, members)) > self._memory_mib * 2**20 for figure in (_resident, _proportional)):
            raise TooLargeError

    def _received(self, seconds: float) -> bytes | None:
        """Read some output; None if none came in time, empty if none can come any more."""
        self._socket.settimeout(seconds)
        try:
            return self._socket.recv(AT_ONCE)
        except (TimeoutError, BlockingIOError):
            return None
        except OSError:
            return b""

    def _gone(self) -> ChildGoneError | GarbledError:
        """The error for a closed socket: the child has ended, or it runs on without a reply."""
        try:
            return ChildGoneError(self._process.wait(_DYING))
        except subprocess.TimeoutExpired:
            return GarbledError()


def _seconds_to_look(until: float) -> float:
    """Seconds to wait until the next look at the child. Raises TooLateError."""
    if (left := until - time.monotonic()) <= 0:
        raise TooLateError
    return min(left, _LOOK)


def _group(pid: int) -> int:
    """Number of the group of a process; 0 if it has ended."""
    try:
        return os.getpgid(pid)
    except OSError:
        return 0


def _threads(pid: str) -> int:
    """Number of threads of a process; 0 if it has ended."""
    try:
        return os.stat(f"/proc/{pid}/task").st_nlink - 2  # noqa: PTH116
    except OSError:
        return 0


def _resident(pid: str) -> int:
    """Bytes of memory that a process holds; 0 if it has ended."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:  # noqa: PTH123
            return int(file.read().split()[1]) * _PAGE
    except (OSError, ValueError, IndexError):
        return 0


def _proportional(pid: str) -> int:
    """Bytes that a process holds of its own, with its share of what it has in common with others, files left out.

    A process may hide that figure from all but root: then all that it holds is counted.
    """
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:  # noqa: PTH123
            lines = dict(line.split(":", 1) for line in file if line.startswith("Pss_"))
        return sum(int(lines[kind].split()[0]) * 1024 for kind in ("Pss_Anon", "Pss_Shmem"))
    except (OSError, ValueError, KeyError):
        return _resident(pid)
