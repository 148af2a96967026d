"""A folder that only this user can enter, for what does not fit into memory.

Temporary folders that killed runs have left behind: the next run removes them.

A run that uses such a folder holds a lock on a file in it. The lock ends with the process, however that ends. A folder
whose lock is free belongs to no run. A folder without that file is removed once nothing in it has changed for a week,
if its name can only be ours. Where the system has no such locks, nothing is removed.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path
from typing import IO, Final

from audit.operating_system import has_locks, is_of_others, is_open_to_others, link, lock

PREFIX: Final = "audit7k-private-"
"""Beginning of the names of these folders. A folder that a user names, such as `audit7k-demo`, does not begin so."""
_OTHERS: Final = "audit7k-"
"""Beginning of the names of folders of other parts, and of earlier versions."""
_LOCK: Final = ".in-use"
_WEEK: Final = 7 * 24 * 3600.0


def hold(folder: Path) -> IO[bytes] | None:
    """Lock a new folder: it is in use until the file is closed. Returns None if there are no locks."""
    if not has_locks():
        return None
    # lock it before it has its name, so that no process ever sees it without its lock
    unnamed = folder / f"{_LOCK}-soon"
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(unnamed.open("wb"))
            lock(file.fileno())
            unnamed.rename(folder / _LOCK)
        except OSError:
            return None
        stack.pop_all()
        return file


def remove(folder: Path) -> None:
    """Remove a folder and all that is in it, however deep; files that cannot be removed stay.

    Folders within are moved up first: a model may have made more of them than a path or a stack can hold. The lock is
    removed last: if the process is killed meanwhile, the next run still sees that the folder was left behind.
    """
    paths = (folder / f"removed-{number}" for number in itertools.count())
    free = (path for path in paths if not os.path.lexists(path))
    waiting = [folder]
    while waiting:
        with contextlib.suppress(OSError):
            for entry in list((emptied := waiting.pop()).iterdir()):
                with contextlib.suppress(OSError):
                    if stat.S_ISDIR(entry.lstat().st_mode):
                        entry.chmod(stat.S_IRWXU)
                        waiting.append(entry.rename(next(free)))
                    elif entry != folder / _LOCK:
                        entry.unlink()
            if emptied != folder:
                emptied.rmdir()
    shutil.rmtree(folder, ignore_errors=True)


def remove_leftovers(parent: Path) -> None:
    """Remove the folders that killed runs of this user have left in `parent`, as far as possible."""
    if not has_locks():
        return
    with contextlib.suppress(OSError):
        for folder in parent.glob(f"{_OTHERS}*"):
            with contextlib.suppress(OSError):
                if not _is_ours(folder):
                    continue
                if not (folder / _LOCK).exists():
                    # the run was killed before it had a lock, or its file system has no locks
                    if folder.name.startswith(PREFIX) and _last_change(folder) < time.time() - _WEEK:
                        remove(folder)
                    continue
                with (folder / _LOCK).open("rb") as file:
                    lock(file.fileno())
                    remove(folder)


def _is_ours(folder: Path) -> bool:
    """Whether only this user can enter the folder: anybody may put something beside it."""
    state = folder.lstat()
    return stat.S_ISDIR(state.st_mode) and not is_of_others(state) and not is_open_to_others(state)


def _last_change(folder: Path) -> float:
    return max(path.lstat().st_mtime for path in (folder, *folder.iterdir()))


_PATTERN: Final = frozenset("*?[]{}")


class PrivateFolder:
    """A folder that only this user can enter, for rows that do not stay: `remove`, or the end of a block, deletes it.

    Making one also removes the folders that killed runs have left beside it.
    """

    def __init__(self) -> None:
        remove_leftovers(Path(tempfile.gettempdir()))
        self._folder = tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True)
        self._held = hold(self.path)

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: object) -> None:
        self.remove()

    @property
    def path(self) -> Path:
        """Path of the folder."""
        return Path(self._folder.name).resolve()

    def plain(self, path: Path) -> Path:
        """Path to the same file without the characters that DuckDB takes for a pattern of many files."""
        if not _PATTERN.intersection(str(path)):
            return path
        plain = self.path / f"link-{hashlib.sha256(str(path).encode(errors='surrogatepass')).hexdigest()[:16]}"
        if not os.path.lexists(plain):
            link(plain, path)
        return plain

    def remove(self) -> None:
        """Remove the folder and all that is in it; a second call does nothing."""
        remove(self.path)
        self._folder.cleanup()
        if self._held is not None:
            self._held.close()
