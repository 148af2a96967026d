"""Take rights from the child before it loads a model: files, network, other processes, new privileges, memory.

Landlock keeps the files, and from version 6 of its interface the signals. A filter of system calls keeps sockets, other
processes and what Landlock lets through. Neither needs root or a namespace, so both hold in containers. Sources: the
kernel's documents `userspace-api/landlock` and `userspace-api/seccomp_filter`.

What a system does not have is left out, and what was kept is reported as it was tried.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import signal
import socket
import struct
import sys
from collections.abc import Iterable
from typing import Any, Final

from audit.operating_system import limit

_PARENT_DIES, _NO_NEW_PRIVILEGES, _DROP_BOUNDING, _AMBIENT, _CLEAR_ALL, _SECCOMP = 1, 38, 24, 47, 4, 22
_FILTER = 2
_CAPABILITIES_V3: Final = 0x20080522
_MOST_CAPABILITIES: Final = 64
_NO_CORE: Final = 1
"""Bytes of a core file: 0 does not bind a program of the system that takes them, and 1 does (Linux, fs/coredump.c)."""
MOST_FILES: Final = 1024
"""Most files that the child may have open at a time."""

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE, _IOCTL = 1, 2, 4, 8, 1 << 14, 1 << 15
_ALL_RIGHTS: Final = {3: (1 << 15) - 1, 4: (1 << 15) - 1}
"""Rights on files by version of Landlock; (1 << 16) - 1 from version 5. Before version 3 any file could be emptied."""
_OF_A_FILE: Final = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL
_SCOPED_FROM: Final = 6
_ABSTRACT_AND_SIGNALS: Final = 3
_READ: Final = _EXECUTE | _READ_FILE | _READ_DIR

_MACHINES: Final = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
"""Number of the architecture for the filter, and its column in the table of calls."""
_FIRST_UNKNOWN: Final = 471
"""Number of the first call that Linux 6.18 does not have. Those of x32 lie above it too."""
_DENIED: Final = {
    "socket": (41, 198),
    "connect": (42, 203),
    "io_uring_setup": (425, 425),
    "unshare": (272, 97),
    "setsid": (112, 157),
    "setpgid": (109, 154),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "statmount": (457, 457),
    "listmount": (458, 458),
    "fanotify_init": (300, 262),
    "inotify_add_watch": (254, 27),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "lchown": (94, None),
    "fchown": (93, 55),
    "fchownat": (260, 54),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "setxattrat": (463, 463),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "removexattrat": (466, 466),
    "file_setattr": (469, 469),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "semget": (64, 190),
    "semop": (65, 193),
    "semctl": (66, 191),
    "semtimedop": (220, 192),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
}
"""Calls that end with EPERM, with their numbers on x86_64 and aarch64.

Landlock governs neither sockets reached by a path nor owners, permissions and times of files. Without `setsid` and
`setpgid` all that the model starts stays in the group that the harness ends. What takes a right of root, such as to
mount, is not listed: the rights are dropped, and no namespace can be made or entered that has them.
"""
_SIGNALS: Final = {
    "kill": (62, 129),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_send_signal": (424, 424),
    "tgkill": (234, 131),
}
"""Denied too where Landlock does not keep signals inside."""
_OWNER: Final = (((72, 25), (8, 10, 15)), ((16, 29), (0x8901, 0x8902)))
"""`fcntl` and `ioctl`, with the second arguments that let an open file or socket send any signal to any process."""
_ON_ITSELF: Final = {
    "prlimit64": (302, 261),
    "sched_setaffinity": (203, 122),
    "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118),
    "sched_setattr": (314, 274),
}
"""Allowed where the first argument is 0, for the process that calls, and denied for any other."""
_SOCKETPAIR, _CLONE, _CLONE3 = (53, 199), (56, 220), (435, 435)
_NEW_NAMESPACES: Final = 0x7E020000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_ALLOW, _ERROR, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCHITECTURE, _FIRST, _SECOND = 0, 4, 16, 24


def confine(
    memory_mib: int | None, *, shut_in: bool, readable: Iterable[str], writable: Iterable[str]
) -> dict[str, bool]:
    """Give up all rights that a model does not need. Call it once, before a thread is started.

    Parameters
    ----------
    memory_mib : int, optional
        Most MiB of address space of this process, and of each process that it starts.
    shut_in : bool
        Whether to give up files, network and other processes, as far as the kernel allows it.
    readable, writable : iterable of str
        Files and folders that may be read and run, and folders and devices that may be written.
        What does not exist is left out.

    Returns
    -------
    dict
        `files`, `network` and `processes`: whether each was found to be out of reach.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    _process_control(libc, _NO_NEW_PRIVILEGES, 1)
    _process_control(libc, _PARENT_DIES, signal.SIGKILL)
    limit("RLIMIT_CORE", _NO_CORE)
    if memory_mib is not None:
        limit("RLIMIT_NOFILE", MOST_FILES)
        limit("RLIMIT_AS", memory_mib * 2**20)
    if not (shut_in and sys.platform.startswith("linux")):
        return {"files": False, "network": False, "processes": False}
    _drop_capabilities(libc)
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    has_landlock = version >= min(_ALL_RIGHTS) and _restrict_files(libc, version, readable, writable)
    is_filtered = _filter_calls(libc, keeps_signals=version >= _SCOPED_FROM and has_landlock)
    return {
        "files": has_landlock and is_filtered and _is_denied(lambda: os.listdir("/")),  # noqa: PTH208
        "network": is_filtered and _is_denied(lambda: socket.socket(socket.AF_INET).close()),
        "processes": has_landlock
        and is_filtered
        and _is_denied(lambda: os.listdir("/proc"))  # noqa: PTH208
        and _is_denied(lambda: os.kill(os.getppid(), 0)),
    }


def leave_a_watcher(harness: int) -> None:
    """Go on as a child of this process, which keeps its rights and ends in the same way as the child.

    When the harness is gone, the watcher ends its group of processes, and with it all that the model started.

    Parameters
    ----------
    harness : int
        The socket to the harness, which the watcher closes: the harness must see when the model's process is gone.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    signal.signal(signal.SIGTERM, lambda *_: os.killpg(0, signal.SIGKILL))
    _process_control(libc, _PARENT_DIES, signal.SIGTERM)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        return
    os.close(harness)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        limit("RLIMIT_CORE", _NO_CORE)
        with contextlib.suppress(OSError, ValueError):
            signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
        os.kill(os.getpid(), os.WTERMSIG(status))
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _is_denied(attempt: Any) -> bool:
    """Whether the kernel refuses an attempt."""
    try:
        attempt()
    except PermissionError:
        return True
    except OSError:
        return False
    return False


def _restrict_files(libc: Any, version: int, readable: Iterable[str], writable: Iterable[str]) -> bool:
    """Let this process use these files and no others. Returns whether the kernel does so."""
    rights = _ALL_RIGHTS.get(version, (1 << 16) - 1)
    scoped = _ABSTRACT_AND_SIGNALS if version >= _SCOPED_FROM else 0
    attributes = struct.pack("QQQ", rights, 0, scoped)
    ruleset = libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(24 if scoped else 8), 0)
    if ruleset < 0:
        return False
    try:
        for paths, allowed in ((readable, _READ), (writable, rights)):
            for path in paths:
                _allow(libc, ruleset, path, allowed & rights)
        return bool(libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _allow(libc: Any, ruleset: int, path: str, allowed: int) -> None:
    """Allow these rights beneath a path. What does not exist is left out."""
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            if not os.path.isdir(path):  # noqa: PTH112
                allowed &= _OF_A_FILE
            libc.syscall(_ADD_RULE, ruleset, 1, struct.pack("=Qi", allowed, handle), 0)
        finally:
            os.close(handle)


def _filter_calls(libc: Any, *, keeps_signals: bool) -> bool:
    """Deny the system calls of the table. Returns whether the kernel does so."""
    machine = _MACHINES.get(platform.machine())
    if machine is None or sys.maxsize < 2**32:
        return False
    code = b"".join(struct.pack("=HBBI", *line) for line in _program(*machine, keeps_signals=keeps_signals))
    content = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(content))
    unused = ctypes.c_ulong(0)
    return bool(libc.prctl(_SECCOMP, ctypes.c_ulong(_FILTER), program, unused, unused) == 0)


def _program(architecture: int, column: int, *, keeps_signals: bool) -> list[tuple[int, int, int, int]]:
    """Write the filter: instructions of classic BPF as code, jump if true, jump if false, and operand."""
    denied = _ERROR | errno.EPERM
    lines = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _FIRST_UNKNOWN),
        (_RETURN, 0, 0, _ERROR | errno.ENOSYS),
    ]
    for numbers in (_DENIED | ({} if keeps_signals else _SIGNALS)).values():
        number = numbers[column]
        if number is not None:
            lines += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, denied)]
    lines += [(_EQUAL, 0, 1, _CLONE3[column]), (_RETURN, 0, 0, _ERROR | errno.ENOSYS)]  # libraries then use clone
    # a pair of datagrams can send to any socket by its path; a connected stream cannot
    lines += [(_EQUAL, 0, 7, _SOCKETPAIR[column]), (_LOAD, 0, 0, _FIRST), (_EQUAL, 0, 3, socket.AF_UNIX)]
    lines += [(_LOAD, 0, 0, _SECOND), (_AND, 0, 0, 0xF)]
    lines += [(_EQUAL, 1, 0, socket.SOCK_STREAM), (_RETURN, 0, 0, denied), (_RETURN, 0, 0, _ALLOW)]
    lines += [(_EQUAL, 0, 4, _CLONE[column]), (_LOAD, 0, 0, _FIRST), (_ANY_BIT, 0, 1, _NEW_NAMESPACES)]
    lines += [(_RETURN, 0, 0, denied), (_RETURN, 0, 0, _ALLOW)]
    for numbers, commands in _OWNER:
        most = len(commands)
        lines += [(_EQUAL, 0, most + 3, numbers[column]), (_LOAD, 0, 0, _SECOND)]
        lines += [(_EQUAL, most - position, 0, command) for position, command in enumerate(commands)]
        lines += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, denied)]
    for numbers in _ON_ITSELF.values():
        lines += [(_EQUAL, 0, 4, numbers[column]), (_LOAD, 0, 0, _FIRST), (_EQUAL, 0, 1, 0)]
        lines += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, denied)]
    return [*lines, (_RETURN, 0, 0, _ALLOW)]


def _drop_capabilities(libc: Any) -> None:
    """Drop all rights of root."""
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
