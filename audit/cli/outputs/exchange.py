"""Exchange of files and folders for those before, which can be taken back, also by the next command after a kill."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from audit.storage import sync_folder, write_durably

_JOURNAL: Final = "exchange.json"
_EARLIER: Final = "earlier"
_UNDONE: Final = "undone"


@dataclass(frozen=True, slots=True)
class Exchange:
    """Entries of a folder that are replaced by those that wait in a hidden folder within it.

    A file goes in one step, a folder in two: the one before moves away, the new one comes. The hidden folder keeps what
    was there, and as long as a journal lies in it the exchange is not over.
    """

    path: Path
    """The folder."""
    staging: Path
    """The hidden folder."""
    new: Sequence[str]
    """Names of what comes, in this order."""
    before: Sequence[str]
    """Names of what was there and is replaced or removed."""
    gone_first: Sequence[str] = ()
    """Names of those before that go before anything else comes."""

    @classmethod
    def left_in(cls, staging: Path, path: Path) -> Self | None:
        """Return the exchange that was broken off in a hidden folder; None if none was."""
        try:
            journal = json.loads((staging / _JOURNAL).read_bytes())
            new, before = journal["new"], journal["before"]
            plain = all(_is_plain(name) for name in (*new, *before))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return cls(path, staging, new, before) if plain else None

    def carry_out(self) -> None:
        """Exchange everything, or leave everything as it was. Raises OSError."""
        earlier = self.staging / _EARLIER
        earlier.mkdir(exist_ok=True)
        for name in self.before:
            (earlier / name).parent.mkdir(exist_ok=True)
            if not (self.path / name).is_dir():
                _keep(self.path / name, earlier / name)
        try:
            self._begin()
            for name in self.before:
                if name in self.gone_first:
                    (self.path / name).unlink()
            for name in self.new:
                if (self.path / name).is_dir():
                    (self.path / name).replace(earlier / name)
                (self.staging / name).replace(self.path / name)
            for name in self.before:
                if name not in self.new and name not in self.gone_first:
                    (self.path / name).unlink()
            with contextlib.suppress(OSError):  # not every system can
                sync_folder(self.path)
            self._end()
        except BaseException:
            with contextlib.suppress(OSError):  # the journal stays, and the next command tries again
                self._undo()
            raise

    def take_back(self) -> None:
        """Put back what was there before, from whatever step. Raises OSError; it can be tried again then."""
        self._begin()
        self._undo()

    def _undo(self) -> None:
        for name in self.new:
            if name not in self.before:
                self._remove(name)
        for name in self.before:
            earlier = self.staging / _EARLIER / name
            if os.path.lexists(earlier):  # else it never went, or is back
                if earlier.is_dir():
                    self._remove(name)
                earlier.replace(self.path / name)
        self._end()

    def _remove(self, name: str) -> None:
        if (self.path / name).is_dir():
            shutil.rmtree(self.staging / _UNDONE, ignore_errors=True)
            (self.path / name).replace(self.staging / _UNDONE)
        else:
            (self.path / name).unlink(missing_ok=True)

    def _begin(self) -> None:
        journal = {"new": list(self.new), "before": list(self.before)}
        write_durably(self.staging / _JOURNAL, json.dumps(journal).encode())

    def _end(self) -> None:
        (self.staging / _JOURNAL).unlink(missing_ok=True)


def _keep(file: Path, copy: Path) -> None:
    """Give a file a second name, or copy it where the storage gives no file two names."""
    try:
        os.link(file, copy)
    except OSError:
        shutil.copy2(file, copy)


def _is_plain(name: str) -> bool:
    """Say whether a name is that of an entry of the folder, or of a folder in it."""
    parts = name.split("/")
    return len(parts) <= 2 and all(part not in {"", ".", ".."} and Path(part).name == part for part in parts)
