"""Child processes of detectors that start in no time: each is forked from a process that has loaded scikit-learn.

A new Python needs two seconds to import it. Program, rights, socket, group and end of a child are those of any other;
only the way in which its process came to be is not, so tests of that start a Python of their own.

Run as a program, `made/warm_children.py SOCKET`, this file is the process that forks them.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from audit.detectors.command_setup import ONE_THREAD

_LOADED = ("joblib", "pandas", "pyarrow", "skops.io", "sklearn.linear_model", "audit.detectors.pickle_model")
_MOST = 1 << 16


class WarmProcess:
    """What `audit.detectors.isolation.process` needs of a process that it started."""

    def __init__(self, asking: socket.socket, pid: int) -> None:
        self._asking = asking
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """How it ended, or None while it runs."""
        if self.returncode is None:
            self.returncode = _asked(self._asking, {"pid": self.pid})
        return self.returncode

    def wait(self, timeout: float) -> int:
        """How it ended, as soon as it has."""
        until = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired("warm", timeout)
            time.sleep(0.005)
        return code


class Nursery:
    """The process that forks the children; stands for the module `subprocess` where one is started."""

    DEVNULL, TimeoutExpired = subprocess.DEVNULL, subprocess.TimeoutExpired

    def __init__(self) -> None:
        self._asking, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        nothing = subprocess.DEVNULL
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__, str(theirs.fileno())],
                stdin=nothing,
                stdout=nothing,
                stderr=nothing,
                pass_fds=[theirs.fileno()],
                env=os.environ | dict.fromkeys(ONE_THREAD, "1"),
            )

    def Popen(  # noqa: N802 - the name that it stands for
        self, command: Sequence[str], *, pass_fds: Sequence[int], env: Mapping[str, str], **_: Any
    ) -> WarmProcess:
        """Start the program of a child. Nothing else can be started."""
        assert command[:-1] == [sys.executable, "-P", "-m", "audit.detectors.isolation.child"]
        return WarmProcess(self._asking, _asked(self._asking, {"env": dict(env)}, pass_fds))

    def close(self) -> None:
        """End it, with every child that is left."""
        self._asking.close()
        self._process.wait(30)


def _asked(asking: socket.socket, what: Mapping[str, Any], descriptors: Sequence[int] = ()) -> Any:
    socket.send_fds(asking, [json.dumps(what).encode()], descriptors)
    return json.loads(asking.recv(_MOST))


@contextlib.contextmanager
def nursery() -> Iterator[Nursery]:
    """A process that forks children, as long as it is needed."""
    made = Nursery()
    try:
        yield made
    finally:
        made.close()


def _serve(answering: socket.socket) -> None:
    for name in _LOADED:
        importlib.import_module(name)
    while asked := socket.recv_fds(answering, _MOST, 2):
        if not asked[0]:
            return
        what, descriptors = json.loads(asked[0]), asked[1]
        if "pid" in what:
            ended, status = os.waitpid(what["pid"], os.WNOHANG)
            reply = os.waitstatus_to_exitcode(status) if ended else None
        else:
            reply = os.fork()
            if reply == 0:
                answering.close()
                _be_a_child(what["env"], *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        answering.send(json.dumps(reply).encode())


def _be_a_child(environment: Mapping[str, str], harness: int) -> None:
    """Do what the program of the child does, and never return."""
    from audit.detectors.isolation.child import main

    try:
        os.setsid()
        os.environ.clear()
        os.environ.update(environment)
        with contextlib.suppress(BrokenPipeError):
            main(harness)
        os._exit(0)
    finally:
        os._exit(1)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
    os._exit(0)  # what is loaded need not be cleaned up
