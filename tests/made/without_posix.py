"""Run a command of audit7k, or import every module, without what Windows lacks, as far as Linux can act it.

`python without_posix.py import` or `python without_posix.py ARGUMENTS`. Our modules find no fcntl, no resource and no
user names. Permissions change nothing, no folder can be opened, no link made, and no open file goes or gives way.
"""

from __future__ import annotations

import builtins
import importlib
import os
import pkgutil
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

OURS = ("audit", "reports", "audit7k", "audit7k_pytest")
MISSING = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "posix"}
NOT_THERE = ("killpg", "fork", "getuid", "geteuid", "getgid", "getegid", "getpgid", "setsid", "wait", "O_NOFOLLOW")
_CHILD = {"audit.__main__"}


def act() -> None:
    """Take away what Windows lacks."""
    builtins.__import__ = _without(builtins.__import__)
    for name in NOT_THERE:
        delattr(os, name)
    os.umask(0)
    opened, make = os.open, os.mkdir

    def no_links(*_: Any, **__: Any) -> None:
        raise OSError(1314, "A required privilege is not held by the client")

    os.symlink = no_links

    def open_file(path: Any, flags: int, mode: int = 0o777, **more: Any) -> int:
        if os.path.isdir(path):  # noqa: PTH112
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, flags, mode | 0o666, **more)

    os.open = open_file
    os.mkdir = lambda path, mode=0o777, **more: make(path, **more)
    os.chmod = lambda *_, **__: None
    shutil._use_fd_functions = False  # type: ignore[attr-defined]
    for name in ("unlink", "remove", "replace", "rename"):
        setattr(os, name, _refusing_open_files(getattr(os, name)))


def _without(imported: Callable[..., Any]) -> Callable[..., Any]:
    def find(name: str, globals: Any = None, *rest: Any, **more: Any) -> Any:  # noqa: A002 - its name in Python
        if name in MISSING and str((globals or {}).get("__name__", "")).partition(".")[0] in OURS:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return imported(name, globals, *rest, **more)

    return find


def _refusing_open_files(call: Callable[..., Any]) -> Callable[..., Any]:
    def checked(*places: Any, **more: Any) -> Any:
        named = {os.path.realpath(os.fspath(place)) for place in places}
        for number in os.listdir("/proc/self/fd"):  # noqa: PTH208
            try:
                held = os.readlink(f"/proc/self/fd/{number}")  # noqa: PTH115
            except OSError:
                continue
            if held in named and stat.S_ISREG(os.stat(held).st_mode):  # noqa: PTH116
                raise PermissionError(13, "The process cannot access the file", held)
        return call(*places, **more)

    return checked


def import_everything() -> int:
    """Import every module of the packages but those that only ever run as a child on POSIX."""
    count = 0
    for package in OURS:
        root = importlib.import_module(package)
        for module in pkgutil.walk_packages(root.__path__, f"{package}."):
            if module.name not in _CHILD and "mlflow" not in module.name:
                importlib.import_module(module.name)
                count += 1
    return count


if __name__ == "__main__":
    act()
    if sys.argv[1:] == ["import"]:
        print(import_everything(), *sorted(MISSING & {Path(name).name for name in sys.modules if "." in name}))
    else:
        from audit.cli import main

        sys.argv[0] = "audit7k"
        main()
