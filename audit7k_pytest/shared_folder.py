"""Folder that workers of pytest-xdist share, and the removal of folders that killed sessions have left.

It is locked like the temporary folders of an audit (`audit.engines.private_folder`), so the next audit removes it too.
But nothing of that package may be imported before a test needs it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import IO, Final

_PREFIX: Final = "audit7k-pytest-"
_LOCK: Final = ".in-use"


class SharedFolder:
    """New folder for its owner alone (0700). Making it removes earlier folders that no process holds any more.

    If the system has no locks that end with their process, the folder is not locked, and nothing is removed.
    """

    def __init__(self) -> None:
        remove_left(Path(tempfile.gettempdir()))
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._held = _hold(self.path)

    def remove(self) -> None:
        """Remove the folder and its content, the lock last: it can hold exact counts, and this too can be killed."""
        with contextlib.suppress(OSError):
            for entry in self.path.iterdir():
                if entry.name != _LOCK:
                    entry.unlink()
        shutil.rmtree(self.path, ignore_errors=True)
        if self._held is not None:
            self._held.close()


def remove_left(parent: Path) -> None:
    """Remove folders that killed sessions of this user have left in `parent`; one that cannot be removed stays."""
    try:
        import fcntl
    except ImportError:
        return
    with contextlib.suppress(OSError):
        for folder in parent.glob(f"{_PREFIX}*"):
            with contextlib.suppress(OSError):
                state = folder.lstat()
                ours = state.st_uid == os.getuid() and not stat.S_IMODE(state.st_mode) & 0o077
                if ours and stat.S_ISDIR(state.st_mode):
                    with (folder / _LOCK).open("rb") as file:
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        shutil.rmtree(folder, ignore_errors=True)


def _hold(folder: Path) -> IO[bytes] | None:
    try:
        import fcntl
    except ImportError:
        return None
    # The file is locked before it gets its name, so that nobody ever sees it without its lock.
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
