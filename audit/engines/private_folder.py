"""A folder that only this user can enter, for what does not fit into memory."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Final

from audit.engines.leftovers import PREFIX, hold, remove, remove_leftovers
from audit.operating_system import link

_PATTERN: Final = frozenset("*?[]{}")


class PrivateFolder:
    """A folder that only this user can enter, for data that does not fit into memory; `remove` deletes it.

    Making one also removes the folders that killed runs have left beside it.
    """

    def __init__(self) -> None:
        remove_leftovers(Path(tempfile.gettempdir()))
        self._folder = tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True)
        self._held = hold(self.path)

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
