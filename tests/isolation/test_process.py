"""Whatever program stands at the other end of the socket, the harness is done with it in time and says why."""

from __future__ import annotations

import os
import socket
import time

import pytest

from audit.detectors.isolation.process import (
    Child,
    ChildGoneError,
    GarbledError,
    TooLargeError,
    TooLateError,
    TooManyError,
)
from audit.detectors.isolation.wire import Asked, Replied

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs process groups")

STARTED = """
import os, signal, sys, time
from audit.detectors.isolation.wire import Replied, read_message, write_message
harness = int(sys.argv[-1])
signal.alarm(80)
"""
"""It ends by itself, as what it leaves does, so that a harness that waits for ever fails and does not hang."""
LEFT = "if os.fork():\n    os._exit(7)\ntime.sleep(80)"
PROGRAMS: dict[str, tuple[str, int, float, tuple[type[Exception], int | None]]] = {
    "reads nothing": ("time.sleep(80)", 5_000_000, 0.5, (TooLateError, None)),
    "dies while it is written to, and a process of it holds the socket": (LEFT, 5_000_000, 60.0, (ChildGoneError, 7)),
    "dies while it is read, and a process of it holds the socket": (LEFT, 1, 60.0, (ChildGoneError, 7)),
    "writes and does not read": ("while True: os.write(harness, bytes(65536))", 5_000_000, 60.0, (GarbledError, None)),
    "writes more than it says": (
        "read_message(harness)\nos.write(harness, b'D' + (3).to_bytes(8, 'big') + b'1234')\ntime.sleep(80)",
        1,
        60.0,
        (GarbledError, None),
    ),
}


def started(program: str, memory_mib: int | None = None) -> Child:
    """A child that is this program."""
    return Child(dict(os.environ), ("-c", STARTED + program), memory_mib)


@pytest.mark.parametrize("how", PROGRAMS)
def test_no_program_keeps_the_harness_waiting(how: str) -> None:
    program, length, patience, expected = PROGRAMS[how]
    child = started(program)
    begun = time.monotonic()
    try:
        with pytest.raises(expected[0]) as caught:
            child.ask(Asked.SCORE, bytes(length), patience, 100)
    finally:
        child.end()
    assert getattr(caught.value, "returncode", None) == expected[1]
    assert time.monotonic() - begun < 50


GREEDY: dict[str, tuple[str, type[Exception]]] = {
    "memory that processes share": (
        "import mmap\nheld = mmap.mmap(-1, 2**28)\nheld.write(bytes(2**28))",
        TooLargeError,
    ),
    "threads": (
        (
            "import threading\nthreading.stack_size(2**15)\n"
            "for _ in range(4200): threading.Thread(target=time.sleep, args=(80,), daemon=True).start()"
        ),
        TooManyError,
    ),
}


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="processes are seen in /proc")  # noqa: PTH112
@pytest.mark.parametrize("what", GREEDY)
@pytest.mark.parametrize("length", [1, 5_000_000], ids=["while it is read", "while it is written to"])
def test_what_all_that_a_program_starts_may_hold_has_a_bound(what: str, length: int) -> None:
    program, expected = GREEDY[what]
    child = started(f"{program}\ntime.sleep(80)", 200)
    try:
        with pytest.raises(expected):
            child.ask(Asked.SCORE, bytes(length), 60.0, 100)
    finally:
        child.end()


def test_a_program_may_take_its_time_to_read() -> None:
    child = started(
        "time.sleep(0.7)\n_, content = read_message(harness)\n"
        "write_message(harness, Replied.DONE, bytes(content[::1000]))"
    )
    asked = os.urandom(5_000_000)
    try:
        assert child.ask(Asked.SCORE, asked, 120.0, 5000) == (Replied.DONE, bytearray(asked[::1000]))
    finally:
        child.end()


def test_the_default_timeout_of_sockets_is_not_that_of_the_child() -> None:
    socket.setdefaulttimeout(9.0)
    try:
        child = started("read_message(harness)\nwrite_message(harness, Replied.DONE, b'%d' % os.get_blocking(harness))")
    finally:
        socket.setdefaulttimeout(None)
    try:
        assert child.ask(Asked.SCORE, b"", 120.0, 100) == (Replied.DONE, bytearray(b"1"))
    finally:
        child.end()
