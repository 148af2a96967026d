"""What Linux, macOS and Windows do each in its own way: locks, permissions, limits, groups of processes.

What a system does not have is left out here, and no other module asks for it. What Linux alone takes from a process
stands in `audit.detectors.isolation.confinement`. docs/how-to/isolation.md says what holds on which system.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Final

POSIX: Final = hasattr(os, "killpg")
"""Whether files have owners and permissions, folders can be opened, and a group of processes can be ended: everywhere
but on Windows."""
BINARY: Final = getattr(os, "O_BINARY", 0)
"""Flag of `os.open` without which Windows changes line ends."""
READ: Final = os.O_RDONLY | BINARY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""Flags to read a file as it is, and no link to one where the system can refuse it; a pipe is not waited for."""
LIBRARY_FOLDERS: Final = frozenset({"site-packages", "dist-packages"})
"""Names of the folders into which libraries are installed."""


def has_locks() -> bool:
    """Whether there are locks that end with their process, however it ends."""
    try:
        import fcntl  # noqa: F401
    except ImportError:
        return False
    return True


def lock(handle: int) -> None:
    """Lock an open file or folder until it is closed; ask `has_locks` before.

    Raises
    ------
    BlockingIOError
        If another process has the lock.
    OSError
        If the file system has no locks.
    """
    import fcntl

    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def lock_folder(folder: Path) -> int | None:
    """Lock a folder until the handle that is returned is closed; None where there are no locks.

    Raises BlockingIOError if another process has the lock, and OSError.
    """
    if not has_locks():
        return None
    handle = os.open(folder, os.O_RDONLY)
    try:
        lock(handle)
    except BaseException:
        os.close(handle)
        raise
    return handle


def is_of_others(state: os.stat_result) -> bool:
    """Whether a file or folder belongs to another user; never on Windows, which does not say."""
    return POSIX and state.st_uid != os.getuid()


def is_open_to_others(state: os.stat_result, permissions: int = 0o077) -> bool:
    """Whether others than the owner have one of these permissions; never on Windows, whose modes do not say."""
    return POSIX and bool(state.st_mode & permissions)


def link(name: Path, file: Path) -> None:
    """Let `name` stand for a file: a link, and on Windows, where few users may make one, a second name or a copy.

    Raises OSError.
    """
    if POSIX:
        name.symlink_to(file)
        return
    try:
        name.hardlink_to(file)
    except OSError:  # it lies on another disk
        shutil.copyfile(file, name)


def limit(resource_name: str, most: int) -> None:
    """Set a limit of this process, such as RLIMIT_AS, but never above the present one, where the system can."""
    try:
        import resource
    except ImportError:
        return
    what = getattr(resource, resource_name)
    _, hard = resource.getrlimit(what)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(what, (most, most))


def end_group(leader: int) -> None:
    """End a process that leads a group, and all that it started. Call it before the leader is reaped."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def python_arguments(statement: str) -> list[str]:
    """Make the arguments of a Python that finds this package and its libraries, and then runs a statement.

    Other folders of `sys.path`, such as that of a script or of a test, are left out: Python runs a `sitecustomize.py`
    there when it starts, and a library takes a `tensorflow.py` there for the library of that name.
    """
    folders = [entry for entry in sys.path if Path(entry).name in LIBRARY_FOLDERS]
    folders.append(str(Path(__file__).absolute().parents[1]))
    add = f"import sys; sys.path[:] = [*(entry for entry in sys.path if entry not in {folders!r}), *{folders!r}]"
    return ["-P", "-c", f"{add}; {statement}"]


def run_module(name: str) -> str:
    """Write the statement that runs a module as `python -m` does."""
    return f"import runpy; runpy.run_module({name!r}, run_name='__main__', alter_sys=True)"
