"""Keep answers to single rows as they come, for a slow detector: a kill loses only the answers that are under way.

The cache is a file in the folder in which a run keeps its answers, and only ever grows. It holds digests and answers,
a line each, and no content of a row. The key of an entry is a digest of everything that its answer depends on,
including the place of the row in the order of scoring. Every entry has a digest of itself. A line that does not verify
is ignored, whether it is damaged, cut off or of another form: that costs calls, but never gives a wrong answer.

**Equal rows are asked about one by one.** Two rows with the same text have different places, and so different keys. A
model that does not always answer alike then answers twice, as it would in use. With one answer for both rows its errors
would come in pairs, which the counts would take for agreement, and the faster row would decide whether the other is
asked at all. So a run that goes on asks about exactly the rows that a run in one piece would still have to ask about.

Only valid answers are kept. A failed row is asked about again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
from collections import Counter
from pathlib import Path
from typing import Final, NamedTuple

from audit.operating_system import BINARY
from audit.storage import sync_folder

_VERSION: Final = 2
"""Version of keys and file. An entry of another version has no key that is asked for."""
_SEAL: Final = 64
"""Letters of the digest at the head of a line."""


class Kept(NamedTuple):
    """A valid answer to a row."""

    score: float | None
    """The score: 1 or 0 for a decision; None is an abstention."""
    source: str
    """The model that answered, in words that can be shown. Never text of a row."""


def row_key(detector: str, place: int, asked: bytes) -> str:
    """Make the key of an entry.

    Parameters
    ----------
    detector : str
        A digest of the part of the plan on the detector and its answers.
    place : int
        The place of the row in the order of scoring; see the top of this file.
    asked : bytes
        The request about this row.
    """
    content = json.dumps([_VERSION, detector, place, hashlib.sha256(asked).hexdigest()])
    return _digest(content.encode())


class RowCache:
    """The open file at `path`, which is made with the first answer. Several threads may use it.

    It never raises. A line that cannot be read is ignored, and an answer that cannot be written is not kept; then
    `broken` is True.
    """

    def __init__(self, path: Path) -> None:
        self.broken = False
        """Whether answers can no longer be kept."""
        self._path = path
        self._lock = threading.Lock()
        self._handle: int | None = None
        self._closed = False
        with contextlib.suppress(OSError):
            if path.is_symlink():
                path.unlink()
        self._kept = _read(path)

    def get(self, key: str) -> Kept | None:
        """The answer with this key; None if there is none that verifies."""
        return self._kept.get(key)

    def put(self, key: str, kept: Kept) -> None:
        """Keep an answer. It is on the disk when this returns."""
        content = json.dumps([key, *kept]).encode()
        # it begins with a new line, so that nothing is added to one that was cut off
        line = b"\n%s%s" % (_digest(content).encode(), content)
        with self._lock:
            if self._closed or self.broken:
                return
            try:
                if self._handle is None:
                    self._handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | BINARY, 0o600)
                    sync_folder(self._path.parent)
                if os.write(self._handle, line) == len(line):
                    os.fsync(self._handle)
                    self._kept[key] = kept
                else:
                    self.broken = True
            except OSError:
                self.broken = True

    def sources(self) -> Counter[str]:
        """Number of kept answers, by the model that gave them."""
        return Counter(kept.source for kept in self._kept.values())

    def close(self) -> None:
        """Close the file. Later answers are not kept."""
        with self._lock:
            handle, self._handle, self._closed, self._kept = self._handle, None, True, {}
            if handle is not None:
                os.close(handle)


def _read(path: Path) -> dict[str, Kept]:
    """Read the entries that verify. Of two with one key the later counts."""
    kept = {}
    with contextlib.suppress(OSError), path.open("rb") as file:
        for line in file:
            seal, content = line[:_SEAL], line[_SEAL:].rstrip(b"\n")
            if seal == _digest(content).encode():
                key, score, source = json.loads(content)
                kept[key] = Kept(score, source)
    return kept


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
