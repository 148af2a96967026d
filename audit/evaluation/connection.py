"""The one DuckDB connection of an audit: in memory, offline, and with a private folder for what does not fit."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from audit.errors import DataError, StorageError
from audit.evaluation.byte_stream import DAMAGED
from audit.evaluation.leftovers import PREFIX, hold, remove, remove_leftovers
from audit.evaluation.sql import literals
from audit.vocabulary.text import shown

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_PATTERN = frozenset("*?[]{}")
_INTERRUPTED = re.compile(r"Query interrupted$|Invalid Input Error: [^:]* the UDF: KeyboardInterrupt\b")
"""What DuckDB says where Ctrl-C reaches it while it waits, or a function of ours while it works."""
_OUT_OF_MEMORY = "Out of Memory Error"
"""How DuckDB begins to say so where rows are on their way to Arrow already, which makes an OSError of it."""
MEMORY_LIMIT = "1GB"
"""What DuckDB may keep in memory before it writes to the private folder."""
STREAMING_LIMIT = "128MB"
"""The same while rows are handed out in order: measured with 1e7 rows it takes no longer, and holds a quarter."""
LEAST_LIMIT, LIMIT_OF_A_THREAD = 64, 32
"""The same while they are joined or counted, in MB: at least, and for each thread."""

Result = TypeVar("Result")


class PrivateFolder:
    """A folder that only this user can enter, for whatever does not fit into memory. It goes when it is removed.

    What runs that were killed have left beside it is removed when it is made.
    """

    def __init__(self) -> None:
        remove_leftovers(Path(tempfile.gettempdir()))
        self._folder = tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True)
        self._held = hold(self.path)

    @property
    def path(self) -> Path:
        """Where it is."""
        return Path(self._folder.name).resolve()

    def plain(self, path: Path) -> Path:
        """A path to the same file without the characters that DuckDB takes for a pattern of many files."""
        if not _PATTERN.intersection(str(path)):
            return path
        link = self.path / f"link-{hashlib.sha256(str(path).encode(errors='surrogatepass')).hexdigest()[:16]}"
        if not link.is_symlink():
            link.symlink_to(path)
        return link

    def remove(self) -> None:
        """Remove it and all that is in it; a second time does nothing."""
        remove(self.path)
        self._folder.cleanup()
        if self._held is not None:
            self._held.close()


def connect(private: PrivateFolder, files: Sequence[Path]) -> duckdb.DuckDBPyConnection:
    """Open a connection that can read `files` and nothing else, and that spills only into `private`.

    It neither loads extensions nor looks into Python variables for tables that a query names.
    """
    import duckdb

    connection = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "python_enable_replacements": "false",
            "allow_persistent_secrets": "false",
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": str(private.path),
        },
    )
    folders = dict.fromkeys((str(private.path), as_one_file(private.path)))
    connection.execute(f"SET allowed_directories = [{literals(folders)}]")
    # A link is followed before it is checked, so that both its ends have to be allowed.
    allowed = dict.fromkeys(str(name) for path in files for name in (path, path.resolve(), private.plain(path)))
    connection.execute(f"SET allowed_paths = [{literals(allowed)}]")
    # it would write into the output of a command once a query takes two seconds
    connection.execute("SET enable_progress_bar = false")
    # else every thread holds the columns of a whole row group, however large whoever wrote the file made it
    connection.execute("SET disable_parquet_prefetching = true")
    connection.execute("SET TimeZone = 'UTC'")  # else times would be written as the clock of this machine has them
    connection.execute("SET enable_external_access = false")
    return connection


def as_one_file(path: Path) -> str:
    """A path as DuckDB has to be given it where it would take some characters for a pattern of many files."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))


def stream(connection: duckdb.DuckDBPyConnection, query: str, size: int) -> Iterator[pa.RecordBatch]:
    """Hand out the rows of a query in record batches of about `size`, and hold little meanwhile.

    DuckDB may keep less than otherwise. Where that is too little, for long texts, what is left is read with as much as
    it has otherwise: `query` must give its rows in the same order each time.
    """
    import duckdb

    done = 0
    with _holding(connection, STREAMING_LIMIT, threads=1):
        try:
            for piece in connection.sql(query).to_arrow_reader(size):
                done += piece.num_rows
                yield piece
        except (duckdb.OutOfMemoryException, OSError) as error:
            if not _out_of_memory(error):
                raise
            connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
            yield from connection.sql(f"{query} OFFSET {done}").to_arrow_reader(size)


def sparingly(connection: duckdb.DuckDBPyConnection, work: Callable[[], Result], *, threads: int = 0) -> Result:
    """Return what `work` does while DuckDB may keep less than otherwise, so that what it joins and sorts goes to disk.

    Where that is too little, `work` is done once more from its beginning with as much as DuckDB has otherwise.

    Parameters
    ----------
    work : callable
        Runs queries, and can be run twice.
    threads : int
        How many threads DuckDB uses; as many as it has by default. One hands rows out fastest, and holds least.
    """
    import duckdb

    used = threads or _threads(connection)
    try:
        with _holding(connection, f"{max(LEAST_LIMIT, LIMIT_OF_A_THREAD * used)}MB", used):
            return work()
    except (duckdb.OutOfMemoryException, OSError) as error:
        if not _out_of_memory(error):  # behind the handler nothing of the first attempt is held any more
            raise
    except StorageError as error:
        if error.slug != "no-room":
            raise
    return work()


def _out_of_memory(error: Exception) -> bool:
    return not isinstance(error, OSError) or str(error).startswith(_OUT_OF_MEMORY)


@contextlib.contextmanager
def _holding(connection: duckdb.DuckDBPyConnection, limit: str, threads: int) -> Iterator[None]:
    """Let DuckDB keep so much and use so many threads meanwhile."""
    import duckdb

    before = _threads(connection)
    others = before != threads
    try:
        connection.execute(f"SET memory_limit = '{limit}'" + f"; SET threads = {threads}" * others)
        yield
    finally:
        with contextlib.suppress(duckdb.ConnectionException):  # whoever stopped in the middle has closed it
            connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'" + f"; SET threads = {before}" * others)


def _threads(connection: duckdb.DuckDBPyConnection) -> int:
    ((threads,),) = connection.execute("SELECT current_setting('threads')").fetchall()
    return int(threads)


@contextlib.contextmanager
def reading(source_name: str) -> Iterator[None]:
    """Turn what DuckDB, Arrow and the system raise while a file is read into a DataError without their words.

    Their messages quote cells. Raises StorageError where memory or the private folder is exhausted.
    """
    import duckdb
    import pyarrow as pa

    try:
        yield
    except (duckdb.InterruptException, duckdb.InvalidInputException, RuntimeError) as error:
        if isinstance(error, duckdb.InterruptException) or _INTERRUPTED.match(str(error)):
            raise KeyboardInterrupt from None
        if isinstance(error, duckdb.Error):
            raise unreadable(source_name) from None
        raise
    except (
        duckdb.BinderException,
        duckdb.CatalogException,
        duckdb.ConnectionException,
        duckdb.ParserException,
        duckdb.PermissionException,
        duckdb.ResourceInUseException,
        duckdb.SyntaxException,
    ):
        raise  # a query of ours is wrong, and no file is to blame
    except (duckdb.OutOfMemoryException, MemoryError):
        raise _no_room(source_name) from None
    except (duckdb.Error, pa.ArrowException, *DAMAGED) as error:
        if isinstance(error, OSError) and _out_of_memory(error):
            raise _no_room(source_name) from None
        raise unreadable(source_name) from None


def _no_room(source_name: str) -> StorageError:
    return StorageError(
        f"{shown(source_name)}: neither memory nor the folder for temporary files has room for it",
        slug="no-room",
        hint="free space there, or name another such folder in TMPDIR",
    )


def unreadable(source_name: str) -> DataError:
    """The error of a file that is not what its name says."""
    return DataError(
        f"{shown(source_name)} cannot be read: it is damaged, cut short, or of another format",
        slug="unreadable-file",
        hint="fetch or export it again; write `format` in the plan or design where its name does not say what it is",
    )


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Remembers what a file looked like when it was opened."""

    path: Path | None
    _seen: tuple[int, int, int] | None

    @classmethod
    def now(cls, path: Path | None) -> Unchanged:
        """Remember the file as it is; None for a table in memory, which is not watched."""
        try:
            return cls(path, None if path is None else _look(path))
        except OSError:
            return cls(path, None)  # whoever reads it says what is wrong

    def check(self) -> None:
        """Raise DataError if the file has changed since."""
        if self.path is None:
            return
        try:
            same = _look(self.path) == self._seen
        except OSError:
            same = False
        if not same:
            raise DataError(
                f"{shown(self.path.name)} changed while it was read",
                slug="file-changed",
                hint="let whatever writes it finish, then run the audit again",
            )


def _look(path: Path) -> tuple[int, int, int]:
    state = os.stat(path)  # noqa: PTH116
    return state.st_size, state.st_mtime_ns, state.st_ino
