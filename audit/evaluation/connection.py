"""The one DuckDB connection of an audit: in memory, offline, with a private folder for data larger than memory."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, TypeVar

from audit.engines.spark import SparkEngine
from audit.errors import DataError, StorageError
from audit.evaluation.byte_stream import DAMAGED
from audit.evaluation.leftovers import PREFIX, hold, remove, remove_leftovers
from audit.evaluation.sql import literals
from audit.operating_system import link
from audit.vocabulary.text import shown

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from audit.engines.protocol import Engine

_PATTERN = frozenset("*?[]{}")
_INTERRUPTED = re.compile(r"Query interrupted$|Invalid Input Error: [^:]* the UDF: KeyboardInterrupt\b")
"""Message of DuckDB if Ctrl-C reaches it while it waits, or reaches a function of ours while it works."""
_OUT_OF_MEMORY = "Out of Memory Error"
"""Beginning of DuckDB's message when rows are already on their way to Arrow, which makes it an OSError."""
MEMORY_LIMIT = "1GB"
"""Memory that DuckDB may use before it writes to the private folder."""
STREAMING_LIMIT = "128MB"
"""Memory while rows are handed out in order. Measured with 1e7 rows: as fast, with a quarter of the memory."""
LEAST_LIMIT, LIMIT_OF_A_THREAD = 64, 32
"""Memory in MB while rows are joined or counted: at least this, and this for each thread."""

Result = TypeVar("Result")


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


class OnConnection:
    """Rows on a connection of their own. A context manager: closing it removes every trace."""

    __slots__ = ()
    connection: duckdb.DuckDBPyConnection
    private: PrivateFolder

    def close(self) -> None:
        """Close the connection and remove its private folder."""
        self.connection.close()
        self.private.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def connect(private: PrivateFolder, files: Sequence[Path]) -> duckdb.DuckDBPyConnection:
    """Open a connection that can read `files`, and folders among them whole, and nothing else, and that spills only
    into `private`.

    It does not load extensions, and does not look for tables of a query among Python variables.
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
    whole = [Path(os.path.realpath(path)) for path in files if path.is_dir()]
    folders = dict.fromkeys(name for path in (private.path, *whole) for name in (str(path), as_one_file(path)))
    connection.execute(f"SET allowed_directories = [{literals(folders)}]")
    # A link is followed before it is checked, so both its ends must be allowed.
    allowed = dict.fromkeys(str(name) for path in files for name in (path, os.path.realpath(path), private.plain(path)))
    connection.execute(f"SET allowed_paths = [{literals(allowed)}]")
    # the bar would write into the output of a command once a query takes two seconds
    connection.execute("SET enable_progress_bar = false")
    # otherwise every thread holds the columns of a whole row group, and the file decides how large that is
    connection.execute("SET disable_parquet_prefetching = true")
    connection.execute("SET TimeZone = 'UTC'")  # otherwise times would be written in the time zone of this machine
    connection.execute("SET enable_external_access = false")
    return connection


def as_one_file(path: Path) -> str:
    """Path as DuckDB must be given it, with the characters quoted that it takes for a pattern of many files."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))


def stream(connection: duckdb.DuckDBPyConnection, query: str, size: int) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a query in record batches of about `size`, with little memory.

    DuckDB gets less memory than usual. If that is not enough, as with long texts, the remaining rows are read with the
    usual memory. So `query` must give its rows in the same order each time.
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


def with_little_memory(connection: Engine, work: Callable[[], Result], *, threads: int = 0) -> Result:
    """Return the result of `work`, which runs while DuckDB has little memory and so joins and sorts on disk.

    If that is not enough, `work` runs again from its beginning with the usual memory. The memory of Spark is its own.
    """
    if isinstance(connection, SparkEngine):
        return work()
    import duckdb

    used = threads or _threads(connection)
    try:
        with _holding(connection, f"{max(LEAST_LIMIT, LIMIT_OF_A_THREAD * used)}MB", used):
            return work()
    except (duckdb.OutOfMemoryException, OSError) as error:
        if not _out_of_memory(error):  # after the handler nothing of the first attempt is in memory
            raise
    except StorageError as error:
        if error.slug != "no-room":
            raise
    return work()


def _out_of_memory(error: Exception) -> bool:
    return not isinstance(error, OSError) or str(error).startswith(_OUT_OF_MEMORY)


@contextlib.contextmanager
def _holding(connection: duckdb.DuckDBPyConnection, limit: str, threads: int) -> Iterator[None]:
    """Limit memory and threads of DuckDB within this context."""
    import duckdb

    before = _threads(connection)
    others = before != threads
    try:
        connection.execute(f"SET memory_limit = '{limit}'" + f"; SET threads = {threads}" * others)
        yield
    finally:
        with contextlib.suppress(duckdb.ConnectionException):  # a caller that stopped in the middle has closed it
            connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'" + f"; SET threads = {before}" * others)


def _threads(connection: duckdb.DuckDBPyConnection) -> int:
    ((threads,),) = connection.execute("SELECT current_setting('threads')").fetchall()
    return int(threads)


@contextlib.contextmanager
def reading(source_name: str) -> Iterator[None]:
    """Turn errors of DuckDB, Arrow and the system while a file is read into a DataError without their words.

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
        raise  # a query of ours is wrong, not the file
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
    """Make the error for a file that is not what its name says."""
    return DataError(
        f"{shown(source_name)} cannot be read: it is damaged, cut short, or of another format",
        slug="unreadable-file",
        hint="fetch or export it again; write `format` in the plan or design where its name does not say what it is",
    )


_State = tuple[str, int, int, int]
"""Path, size, time of change and inode of a file."""


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Record of the size, time and inode of files, and of each file of folders, when they were opened."""

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
            raise DataError(
                f"{shown(self.paths[0].name)} changed while it was read",
                slug="file-changed",
                hint="let whatever writes it finish, then run the audit again",
            )


NOT_WATCHED: Final = Unchanged((), ())
"""Record of a table in memory, which has no files."""


def _look(paths: Iterable[Path]) -> tuple[_State, ...]:
    files: list[Path] = []
    for path in paths:
        below = (Path(place) / name for place, _, names in os.walk(path) for name in names)
        files += sorted(below) if path.is_dir() else [path]
    states = [(str(file), os.stat(file)) for file in files]  # noqa: PTH116
    return tuple((name, state.st_size, state.st_mtime_ns, state.st_ino) for name, state in states)
