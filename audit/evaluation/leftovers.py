"""Folders for temporary files that a run which was killed has left behind: the next run removes them.

Whoever uses such a folder holds a lock on a file in it, which goes with its process however that ends. A folder whose
lock nobody holds belongs to no run any more; neither does one without that file once nothing in it has changed for a
week, if its name can only be ours. Where the system has no such locks, nothing is removed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import time
from pathlib import Path
from typing import IO, Final

__all__ = ["PREFIX", "hold", "remove", "remove_leftovers"]

PREFIX: Final = "audit7k-private-"
"""How the names of these folders begin: no folder that somebody names themselves, such as `audit7k-demo`, does."""
_OTHERS: Final = "audit7k-"
"""How those of other parts, and of versions before, begin."""
_LOCK: Final = ".in-use"
_WEEK: Final = 7 * 24 * 3600.0


def hold(folder: Path) -> IO[bytes] | None:
    """Lock a new folder: it is in use until the file is closed. None where that cannot be done."""
    try:
        import fcntl
    except ImportError:
        return None
    # locked before it has its name, so that nobody ever sees it without its lock
    unnamed = folder / f"{_LOCK}-soon"
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(unnamed.open("wb"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            unnamed.rename(folder / _LOCK)
        except OSError:
            return None
        stack.pop_all()
        return file


def remove(folder: Path) -> None:
    """Remove a folder and all that is in it; what cannot be removed stays.

    Its lock goes last: whoever is killed meanwhile leaves a folder that the next run knows as left behind.
    """
    with contextlib.suppress(OSError):
        for entry in folder.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            elif entry.name != _LOCK:
                with contextlib.suppress(OSError):
                    entry.unlink()
    shutil.rmtree(folder, ignore_errors=True)


def remove_leftovers(parent: Path) -> None:
    """Remove what killed runs of this user have left in `parent`; what cannot be removed stays."""
    try:
        import fcntl
    except ImportError:
        return
    with contextlib.suppress(OSError):
        for folder in parent.glob(f"{_OTHERS}*"):
            with contextlib.suppress(OSError):
                if not _is_ours(folder):
                    continue
                if not (folder / _LOCK).exists():
                    # of a run that was killed before it had a lock, or of one for which locks cannot be had
                    if folder.name.startswith(PREFIX) and _last_change(folder) < time.time() - _WEEK:
                        remove(folder)
                    continue
                with (folder / _LOCK).open("rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    remove(folder)


def _is_ours(folder: Path) -> bool:
    """Whether it is a folder that only this user can enter: anybody may put something beside it."""
    state = folder.lstat()
    return stat.S_ISDIR(state.st_mode) and state.st_uid == os.getuid() and not stat.S_IMODE(state.st_mode) & 0o077


def _last_change(folder: Path) -> float:
    return max(path.lstat().st_mtime for path in (folder, *folder.iterdir()))
