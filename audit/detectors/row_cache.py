"""Answers to single rows, kept as they come, for a detector that takes long over each: a kill loses no more than those
that are on their way.

An SQLite file in the folder in which a run keeps its answers. It holds digests and answers, and nothing of a row: the
key of an entry is a digest of all that its answer depends on, the row's place in the order of scoring among it. Every
entry carries a digest of itself. One that does not verify is not there, and a file that is damaged, cut off, of another
form or no database at all is begun anew: it costs calls, never an answer that is wrong.

**Equal rows are asked about one by one.** Two rows with the same text have different places, and so different keys. A
model that does not always answer alike has answered twice then, as it would in use; with one answer for both, its
errors would come in pairs, which the counts would take for agreement, and whether the second had to be asked would
depend on which of them was faster. So a run that goes on asks about those rows, and those alone, that a run in one
piece would still have had to ask about.

Only answers that are valid are kept. A row that failed is asked about again.
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

if TYPE_CHECKING:
    import sqlite3

__all__ = ["Kept", "RowCache", "remove_row_cache", "row_key"]

_VERSION: Final = 1
"""Of keys and file. Another version's file is thrown away."""
_APPLICATION: Final = 0x61376B72
"""Marks the file as one of ours: "a7kr"."""
_TABLE: Final = (
    "CREATE TABLE answers (key BLOB PRIMARY KEY, score BLOB, source TEXT NOT NULL, seal BLOB NOT NULL) WITHOUT ROWID"
)
_BESIDE: Final = ("", "-wal", "-shm", "-journal")
"""What SQLite puts beside a file, and the file itself."""


class Kept(NamedTuple):
    """A valid answer to a row."""

    score: float | None
    """As the harness knows it: 1 and 0 for a decision; None is an abstention."""
    source: str
    """Who answered, in words that can be shown. Never text of a row."""


def row_key(detector: str, place: int, asked: bytes) -> bytes:
    """The key of an entry.

    Parameters
    ----------
    detector : str
        A digest of what the plan says of the detector and its answers.
    place : int
        The row's place in the order of scoring; see the top of this file.
    asked : bytes
        What the detector is given for this row.
    """
    told = json.dumps([_VERSION, detector, place, hashlib.sha256(asked).hexdigest()])
    return hashlib.sha256(told.encode()).digest()


def remove_row_cache(path: Path) -> None:
    """Throw a file away, and what SQLite has put beside it. Raises OSError."""
    for ending in _BESIDE:
        path.with_name(path.name + ending).unlink(missing_ok=True)


class RowCache:
    """The file at `path`, open; there is none before the first answer is kept. Used from several threads.

    It never raises: what cannot be read is not there, and what cannot be written is not kept; `broken` says so then.
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
        """The answer with this key; None where there is none that verifies."""
        with self._lock, self._surviving():
            if self._connection is not None:
                found = self._connection.execute("SELECT * FROM answers WHERE key = ?", (key,)).fetchone()
                return None if found is None else _verified(found, key)
        return None

    def put(self, key: bytes, kept: Kept) -> None:
        """Keep an answer; it is on the disk when this returns."""
        score = None if kept.score is None else struct.pack("<d", kept.score)
        with self._lock, self._surviving():
            if self._connection is None and not self._closed and not self.broken:
                self._connection = _opened(self._path)
            if self._connection is not None:
                entry = (key, score, kept.source, _seal(key, score, kept.source))
                self._connection.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)", entry)

    def sources(self) -> Counter[str]:
        """Who gave the answers that are kept, and how many."""
        counts: Counter[str] = Counter()
        with self._lock, self._surviving():
            if self._connection is not None:
                for row in self._connection.execute("SELECT * FROM answers"):
                    kept = _verified(row, row[0])
                    if kept is not None:
                        counts[kept.source] += 1
        return counts

    def close(self) -> None:
        """Close the file; what is kept later is lost."""
        with self._lock, self._surviving():
            connection, self._connection, self._closed = self._connection, None, True
            if connection is not None:
                connection.close()

    @contextlib.contextmanager
    def _surviving(self) -> Iterator[None]:
        """Go on without the file where it fails."""
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
    """The file as it was left, or a new one where that cannot be used. Raises sqlite3.Error or OSError."""
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
        _sync(path.parent)
    except BaseException:
        connection.close()
        raise
    return connection


def _sync(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _connected(path: Path) -> sqlite3.Connection:
    import sqlite3

    # no transaction is opened behind the back: every entry is committed by itself
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1.0)
    # a damaged text is to fail its seal, not the reading
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
    """Whether the file is one of ours, and its pages hang together. What the entries say is checked one by one."""
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
    found, score, source, seal = row
    whole = (
        found == key
        and isinstance(found, bytes)
        and isinstance(source, str)
        and (score is None or (isinstance(score, bytes) and len(score) == 8))
        and seal == _seal(key, score, source)
    )
    return Kept(None if score is None else struct.unpack("<d", score)[0], source) if whole else None


def _seal(key: bytes, score: bytes | None, source: str) -> bytes:
    told = json.dumps([_VERSION, key.hex(), None if score is None else score.hex(), source])
    return hashlib.sha256(told.encode()).digest()
