"""Keeps code of this process away from files with exact counts. It is a fence, and no wall.

A public reporter is code that somebody installed. The hook sees what Python opens; a library in C that opens files by
itself is not seen. What gets through is held to the second gate, which reads the files.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

_OPENS = frozenset({"open", "os.listdir", "os.scandir", "os.link", "os.rename", "os.symlink", "shutil.copyfile"})
_REACHES_WITHIN = frozenset({"open", "os.rename"})
"""What is done so to a folder reaches all that lies in it, under names that no later event tells in full."""
_LEAVES = frozenset(
    {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "socket.connect", "socket.getaddrinfo"}
)


def keep_out(places: Sequence[str]) -> None:
    """From now on this process opens none of these files, nothing in these folders, no program and no connection."""
    closed = tuple(os.path.realpath(place) for place in places)

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event in _LEAVES:
            raise PermissionError(event)
        if event in _OPENS and arguments and isinstance(arguments[0], str | bytes | os.PathLike):
            path = os.path.realpath(os.fsdecode(arguments[0]))
            if any(_lies_in(path, place) for place in closed):
                raise PermissionError(event)
            if event in _REACHES_WITHIN and any(_lies_in(place, path) for place in closed):
                raise PermissionError(event)

    sys.addaudithook(hook)


def _lies_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
