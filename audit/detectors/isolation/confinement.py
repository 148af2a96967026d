"""Take rights from the child before it loads a model: network, new privileges, memory, core dumps, open files.

Most of it works on Linux only. What a system does not have is left out, and the state of the network is reported as
found. No library with threads may be loaded before, because a process with several threads can enter no namespace.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import struct
import sys
from typing import Any, Final, NoReturn

from audit.operating_system import limit

_NEW_USER, _NEW_NET, _NEW_PID, _NEW_IPC, _NEW_MOUNTS = 0x10000000, 0x40000000, 0x20000000, 0x08000000, 0x00020000
_RECURSIVE, _PRIVATE, _NOTHING_RUNS = 0x4000, 1 << 18, 0xE
_PARENT_DIES, _NO_NEW_PRIVILEGES, _DROP_BOUNDING, _AMBIENT, _CLEAR_ALL = 1, 38, 24, 47, 4
_CAPABILITIES_V3: Final = 0x20080522
_MOST_CAPABILITIES: Final = 64
_GET_FLAGS: Final = 0x8913
_UP: Final = 0x1
MOST_FILES: Final = 1024
"""Most files that the child may have open at a time."""


def network_namespace() -> str:
    """Name of the network namespace of this process; empty on a system without namespaces."""
    return _namespace("net")


def _namespace(kind: str) -> str:
    try:
        return os.readlink(f"/proc/self/ns/{kind}")  # noqa: PTH115 - a name, not a path
    except OSError:
        return ""


def confine(memory_mib: int | None, outside: str, *, namespaces: bool) -> tuple[bool, bool]:
    """Give up all rights that a model does not need. Call it once, before anything else is loaded. It may fork.

    Parameters
    ----------
    memory_mib : int, optional
        Most MiB of address space of this process, and of each process that it starts.
    outside : str
        The `network_namespace` of the harness.
    namespaces : bool
        Whether to leave the network and the other processes behind. If the kernel does not allow it, the child stays in
        the namespaces in which it was started.

    Returns
    -------
    (bool, bool)
        Whether the network is out of reach: this process is in another namespace than the harness, and no interface is
        up there except the loopback. And whether `/proc` shows no process of the harness.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    among = _namespace("pid")
    if namespaces:
        _enter_namespaces(libc)
        _hide_processes(libc)
        _drop_capabilities(libc)
    _process_control(libc, _NO_NEW_PRIVILEGES, 1)
    # after the namespaces: entering one takes it back
    _process_control(libc, _PARENT_DIES, signal.SIGKILL)
    limit("RLIMIT_CORE", 0)
    if memory_mib is not None:
        limit("RLIMIT_NOFILE", MOST_FILES)
        limit("RLIMIT_AS", memory_mib * 2**20)
    blocked = bool(outside) and network_namespace() not in {"", outside} and _all_down()
    return blocked, _namespace("pid") != among and _is_itself_in_proc()


def _enter_namespaces(libc: Any) -> None:
    """Enter namespaces without network and without other processes, as far as the kernel allows it."""
    if not sys.platform.startswith("linux"):
        return
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(_NEW_USER | _NEW_NET | _NEW_PID | _NEW_IPC) == 0:
        # user and group stay the same; without the map, files would belong to nobody
        for name, line in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            with contextlib.suppress(OSError), open(f"/proc/self/{name}", "w", encoding="ascii") as file:  # noqa: PTH123
                file.write(line)
    elif libc.unshare(_NEW_NET | _NEW_PID | _NEW_IPC) != 0:
        return
    _become_a_child(libc)


def _hide_processes(libc: Any) -> None:
    """Show only the processes of this namespace in `/proc`, if the kernel allows it: not where parts are masked."""
    if sys.platform.startswith("linux") and libc.unshare(_NEW_MOUNTS) == 0:
        libc.mount(None, b"/", None, ctypes.c_ulong(_RECURSIVE | _PRIVATE), None)
        libc.mount(b"proc", b"/proc", b"proc", ctypes.c_ulong(_NOTHING_RUNS), None)


def _is_itself_in_proc() -> bool:
    """Whether `/proc` numbers processes as the namespace of this process does."""
    try:
        return os.path.samefile("/proc/self", f"/proc/{os.getpid()}")  # noqa: PTH121
    except OSError:
        return False


def _become_a_child(libc: Any) -> None:
    """Go on as the second process of the namespace. The first one ends with it, and ends all others.

    The process that was started waits outside and ends in the same way as the second one, so that its parent sees how.
    """
    _process_control(libc, _PARENT_DIES, signal.SIGKILL)
    reading, writing = os.pipe()
    first = os.fork()
    if first:
        os.close(writing)
        _close_others({reading})
        _wait_for(first)
        status = os.read(reading, 4)
        _end_like(struct.unpack("i", status)[0] if len(status) == 4 else signal.SIGKILL)
    _process_control(libc, _PARENT_DIES, signal.SIGKILL)
    second = os.fork()
    if second:
        _close_others({writing})
        os.write(writing, struct.pack("i", _wait_for(second)))
        os._exit(0)
    os.close(reading)
    os.close(writing)


def _wait_for(process: int) -> int:
    """Wait for a process and return its status. Other processes that end meanwhile are ignored."""
    while True:
        ended, status = os.wait()
        if ended == process:
            return status


def _end_like(status: int) -> NoReturn:
    """End in the same way as the process that left this status."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        limit("RLIMIT_CORE", 0)
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        os._exit(128 + number)
    os._exit(os.WEXITSTATUS(status))


def _close_others(kept: set[int]) -> None:
    """Close every file except `kept`: the harness must see the end of its socket when the model's process is gone."""
    for descriptor in map(int, os.listdir("/proc/self/fd")):  # noqa: PTH208
        if descriptor > 2 and descriptor not in kept:
            with contextlib.suppress(OSError):
                os.close(descriptor)


def _drop_capabilities(libc: Any) -> None:
    """Drop all rights that a process gets when it enters a namespace: with them it could bring an interface up."""
    for capability in range(_MOST_CAPABILITIES):
        _process_control(libc, _DROP_BOUNDING, capability)
    _process_control(libc, _AMBIENT, _CLEAR_ALL)
    if hasattr(libc, "capset"):
        header = (ctypes.c_uint32 * 2)(_CAPABILITIES_V3, 0)
        libc.capset(header, (ctypes.c_uint32 * 6)())


def _process_control(libc: Any, option: int, value: int) -> None:
    if sys.platform.startswith("linux"):
        unused = ctypes.c_ulong(0)
        libc.prctl(ctypes.c_int(option), ctypes.c_ulong(value), unused, unused, unused)


def _all_down() -> bool:
    """Whether no interface except `lo` is up. Kernels put other interfaces into a new namespace, all of them down."""
    import fcntl

    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            for _, name in socket.if_nameindex():
                answer = fcntl.ioctl(asking, _GET_FLAGS, struct.pack("16sH22x", name.encode(), 0))
                if name != "lo" and struct.unpack("16sH22x", answer)[1] & _UP:
                    return False
    except OSError:
        return False
    return True
