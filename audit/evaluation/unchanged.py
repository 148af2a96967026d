"""Whether files are those that were opened."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from audit.errors import DataError
from audit.vocabulary.text import shown

_State = tuple[str, int, int, int, int]
"""Path, size, time of change, inode, and time of change that nobody can set (on Windows: of creation) of a file."""


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Record of the size, times and inode of files, and of each file of folders, when they were opened."""

    paths: tuple[Path, ...]
    _seen: tuple[_State, ...] | None

    @classmethod
    def now(cls, *paths: Path) -> Unchanged:
        """Record files and folders as they are."""
        try:
            return cls(paths, _look(paths))
        except OSError:
            return cls(paths, None)  # the code that reads the file reports the error

    def check(self) -> None:
        """Raise DataError if a file has changed since then, or has come or gone."""
        try:
            same = _look(self.paths) == self._seen
        except OSError:
            same = False
        if not same:
            raise DataError(f"{shown(self.paths[0].name)} changed while it was read", slug="file-changed")


NOT_WATCHED: Final = Unchanged((), ())
"""Record of a table in memory, which has no files."""


def _look(paths: Iterable[Path]) -> tuple[_State, ...]:
    files: list[Path] = []
    for path in paths:
        below = (Path(folder) / name for folder, _, names in os.walk(path) for name in names)
        files += sorted(below) if path.is_dir() else [path]
    states = [(str(file), os.stat(file)) for file in files]  # noqa: PTH116
    return tuple((name, at.st_size, at.st_mtime_ns, at.st_ino, at.st_ctime_ns) for name, at in states)
