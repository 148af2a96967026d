"""Keep answers to single rows as they come, for a slow detector: a kill loses only the answers that are under way.

The cache is an SQLite file in the folder in which a run keeps its answers. It holds digests and answers, and no content
of a row. The key of an entry is a digest of everything that its answer depends on, including the place of the row in
the order of scoring. Every entry has a digest of itself. An entry that does not verify is ignored. A file that is
damaged, cut off, of another form or no database is begun anew: that costs calls, but never gives a wrong answer.

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
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from audit.storage import sync_folder

if TYPE_CHECKING:
    import sqlite3

_VERSION: Final = 1
"""Version of keys and file. A file of another version is thrown away."""
_APPLICATION: Final = 0x61376B72
"""Application id that marks the file as ours: "a7kr"."""
_TABLE: Final = (
    "CREATE TABLE answers (key BLOB PRIMARY KEY, score BLOB, source TEXT NOT NULL, seal BLOB NOT NULL) WITHOUT ROWID"
)
_BESIDE: Final = ("", "-wal", "-shm", "-journal")
"""Endings of the file itself and of the files that SQLite puts beside it."""


class Kept(NamedTuple):
    """A valid answer to a row."""

    score: float | None
    """The score: 1 or 0 for a decision; None is an abstention."""
    source: str
    """The model that answered, in words that can be shown. Never text of a row."""


def row_key(detector: str, index: int, request: bytes) -> bytes:
    """Make the key of an entry.

    Parameters
    ----------
    detector : str
        A digest of the part of the plan on the detector and its answers.
    index : int
        The place of the row in the order of scoring; see the top of this file.
    request : bytes
        The request about this row.
    """
    content = json.dumps([_VERSION, detector, index, hashlib.sha256(request).hexdigest()])
    return hashlib.sha256(content.encode()).digest()


def remove_row_cache(path: Path) -> None:
    """Remove the file, and the files that SQLite has put beside it. Raises OSError."""
    for ending in _BESIDE:
        path.with_name(path.name + ending).unlink(missing_ok=True)


class RowCache:
    """The open file at `path`, which is made with the first answer. Several threads may use it.

    It never raises. An unreadable entry is ignored, and an answer that cannot be written is not kept; then `broken` is
    True.
    """

    def __init__(self, path: Path) -> None:
        self.broken = False
        """Whether answers can no longer be kept."""
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._closed = False
        if os.path.lexists(path):
            with self._lock, self._surviving():
                self._connection = _opened(path)

    def get(self, key: bytes) -> Kept | None:
        """The answer with this key; None if there is none that verifies."""
        with self._lock, self._surviving():
            if self._connection is not None:
                row = self._connection.execute("SELECT * FROM answers WHERE key = ?", (key,)).fetchone()
                return None if row is None else _verified(row, key)
        return None

    def put(self, key: bytes, answer: Kept) -> None:
        """Keep an answer. It is on the disk when this returns."""
        score = None if answer.score is None else struct.pack("<d", answer.score)
        with self._lock, self._surviving():
            if self._connection is None and not self._closed and not self.broken:
                self._connection = _opened(self._path)
            if self._connection is not None:
                entry = (key, score, answer.source, _seal(key, score, answer.source))
                self._connection.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)", entry)

    def sources(self) -> Counter[str]:
        """Number of kept answers, by the model that gave them."""
        counts: Counter[str] = Counter()
        with self._lock, self._surviving():
            if self._connection is not None:
                for row in self._connection.execute("SELECT * FROM answers"):
                    answer = _verified(row, row[0])
                    if answer is not None:
                        counts[answer.source] += 1
        return counts

    def close(self) -> None:
        """Close the file. Later answers are not kept."""
        with self._lock, self._surviving():
            connection, self._connection, self._closed = self._connection, None, True
            if connection is not None:
                connection.close()

    @contextlib.contextmanager
    def _surviving(self) -> Iterator[None]:
        """Go on without the file if it fails."""
        import sqlite3

        try:
            yield
        except (sqlite3.Error, OSError):
            self.broken = True
            connection, self._connection = self._connection, None
            if connection is not None:
                with contextlib.suppress(sqlite3.Error):
                    connection.close()


def _opened(path: Path) -> sqlite3.Connection:
    """Open the file as it was left, or a new one if it cannot be used. Raises sqlite3.Error or OSError."""
    import sqlite3

    with contextlib.suppress(sqlite3.Error, OSError):
        if path.is_file() and not path.is_symlink():
            connection = _connected(path)
            if _is_whole(connection):
                return connection
            connection.close()
    remove_row_cache(path)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    connection = _connected(path)
    try:
        connection.execute(_TABLE)
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        connection.execute(f"PRAGMA user_version = {_VERSION}")
        sync_folder(path.parent)
    except BaseException:
        connection.close()
        raise
    return connection


def _connected(path: Path) -> sqlite3.Connection:
    import sqlite3

    # no implicit transaction: every entry is committed by itself
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1.0)
    # a damaged text must fail its digest, not the reading
    connection.text_factory = lambda text: text.decode("utf-8", "replace")
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # without shared memory: one process has the folder
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def _is_whole(connection: sqlite3.Connection) -> bool:
    """Whether the file is ours and its pages are consistent. Entries are checked one by one."""
    import sqlite3

    try:
        ours = _ask(connection, "PRAGMA application_id") == [(_APPLICATION,)]
        current = _ask(connection, "PRAGMA user_version") == [(_VERSION,)]
        tables = _ask(connection, "SELECT sql FROM sqlite_master") == [(_TABLE,)]
        return ours and current and tables and _ask(connection, "PRAGMA quick_check(1)") == [("ok",)]
    except sqlite3.Error:
        return False


def _ask(connection: sqlite3.Connection, question: str) -> list[Any]:
    return connection.execute(question).fetchall()


def _verified(row: tuple[Any, ...], key: bytes) -> Kept | None:
    stored_key, score, source, seal = row
    is_intact = (
        stored_key == key
        and isinstance(stored_key, bytes)
        and isinstance(source, str)
        and (score is None or (isinstance(score, bytes) and len(score) == 8))
        and seal == _seal(key, score, source)
    )
    return Kept(None if score is None else struct.unpack("<d", score)[0], source) if is_intact else None


def _seal(key: bytes, score: bytes | None, source: str) -> bytes:
    content = json.dumps([_VERSION, key.hex(), None if score is None else score.hex(), source])
    return hashlib.sha256(content.encode()).digest()
