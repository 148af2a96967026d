"""Child processes of detectors that start in no time: each is forked from a process that has loaded scikit-learn.

A new Python needs two seconds to import it. Program, rights, socket, group and end of a child are those of any other;
only the way in which its process came to be is not, so tests of that start a Python of their own.

Run as a program, `made/warm_children.py SOCKET PATH`, this file is the process that forks them.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib
import json
import os
import runpy
import select
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from audit.detectors.command_setup import ALWAYS_SET

_LOADED = ("joblib", "pandas", "pyarrow", "skops.io", "sklearn.linear_model", "audit.detectors.pickle_model")
_MOST = 1 << 16
_PATIENCE = 60.0
"""Seconds for which it waits for the first to come."""


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
    """The process that forks the children; stands for the module `subprocess` where one is started.

    Whoever comes first to a folder starts it there, and it ends with the last of those who share it.
    """

    DEVNULL, TimeoutExpired = subprocess.DEVNULL, subprocess.TimeoutExpired

    def __init__(self, folder: Path) -> None:
        self._asking = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        place = folder / "nursery"
        with _alone(folder), _address(place) as address:
            try:
                self._asking.connect(address)
            except FileNotFoundError:
                _start(place, address)
                self._asking.connect(address)

    def Popen(  # noqa: N802 - the name that it stands for
        self, command: Sequence[str], *, pass_fds: Sequence[int], env: Mapping[str, str], **_: Any
    ) -> WarmProcess:
        """Start the program of a child. Nothing else can be started."""
        assert "audit.detectors.isolation.child" in command[3]
        return WarmProcess(self._asking, _asked(self._asking, {"env": dict(env)}, pass_fds))

    def run(self, program: str, arguments: Sequence[str], folder: Path, env: Mapping[str, str]) -> str:
        """Run a program as a child in a folder, and return what it says to stderr; what it needs is loaded already.

        Raises AssertionError where it fails.
        """
        with tempfile.TemporaryFile("w+") as said:
            what = {"program": program, "arguments": arguments, "folder": str(folder), "env": dict(env)}
            code = WarmProcess(self._asking, _asked(self._asking, what, [said.fileno()])).wait(120)
            said.seek(0)
            words = said.read()
        assert code == 0, words
        return words

    def close(self) -> None:
        """Need it no more."""
        self._asking.close()


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let nobody else come to the process of a folder, or leave it, meanwhile."""
    with (folder / "nursery.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _address(place: Path) -> Iterator[str]:
    """Name a socket by its folder, held open: its own path may be longer than the 107 letters that an address has."""
    folder = os.open(place.parent, os.O_PATH)
    try:
        yield f"/proc/self/fd/{folder}/{place.name}"
    finally:
        os.close(folder)


def _start(place: Path, address: str) -> None:
    """Start the process, as a child of nobody: whoever starts it may end before the others."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asked:
        asked.bind(address)
        asked.listen()
        subprocess.run(
            [sys.executable, "-P", __file__, str(asked.fileno()), str(place)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[asked.fileno()],
            env=os.environ | dict.fromkeys(ALWAYS_SET, "1"),
            check=True,
        )


def _asked(asking: socket.socket, what: Mapping[str, Any], descriptors: Sequence[int] = ()) -> Any:
    socket.send_fds(asking, [json.dumps(what).encode()], descriptors)
    return json.loads(asking.recv(_MOST))


def _serve(asked: socket.socket, place: Path) -> None:
    """Answer all who share the process, until none of them is left."""
    for name in _LOADED:
        importlib.import_module(name)
    sharing: list[socket.socket] = []
    while ready := select.select([asked, *sharing], [], [], None if sharing else _PATIENCE)[0]:
        for each in ready:
            if each is asked:
                sharing.append(asked.accept()[0])
            elif not _answered(each, [asked, *sharing]):
                sharing.remove(each)
                each.close()
        if not sharing:
            with _alone(place.parent):
                if not select.select([asked], [], [], 0)[0]:
                    place.unlink()
                    return


def _answered(answering: socket.socket, own: Sequence[socket.socket]) -> bool:
    """Answer one question; False where whoever asked is gone."""
    try:
        asked, descriptors, *_ = socket.recv_fds(answering, _MOST, 2)
    except ConnectionResetError:  # it was killed while an answer was on its way
        return False
    if not asked:
        return False
    what = json.loads(asked)
    if "pid" in what:
        ended, status = os.waitpid(what["pid"], os.WNOHANG)
        reply = os.waitstatus_to_exitcode(status) if ended else None
    elif not (reply := os.fork()):
        for each in own:
            each.close()
        (_be_a_program if "program" in what else _be_a_child)(what, *descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    with contextlib.suppress(BrokenPipeError):
        answering.send(json.dumps(reply).encode())
    return True


def _be_a_child(what: Mapping[str, Any], harness: int) -> None:
    """Do what the program of the child does, and never return."""
    from audit.detectors.isolation.child import main

    try:
        os.setsid()
        os.environ.clear()
        os.environ.update(what["env"])
        with contextlib.suppress(BrokenPipeError):
            main(harness)
        os._exit(0)
    finally:
        os._exit(1)


def _be_a_program(what: Mapping[str, Any], said: int) -> None:
    """Do what a program does, and never return."""
    try:
        os.setsid()
        os.dup2(said, sys.stderr.fileno())
        os.environ.clear()
        os.environ.update(what["env"])
        os.chdir(what["folder"])
        sys.path[:0] = what["env"].get("PYTHONPATH", "").split(os.pathsep)
        sys.argv = [what["program"], *what["arguments"]]
        runpy.run_path(what["program"], run_name="__main__")
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(1)


if __name__ == "__main__":
    if not os.fork():
        _serve(socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2]))
    os._exit(0)  # what is loaded need not be cleaned up
