"""Errors while rows are read, as ours: without the words of DuckDB, Arrow and the system, which quote cells."""

from __future__ import annotations

import contextlib
import re
import zlib
from collections.abc import Iterator
from typing import Final

import pyarrow as pa

from audit.errors import DataError, PlanError, StorageError
from audit.vocabulary.text import shown

DAMAGED: Final = (OSError, EOFError, zlib.error)
"""Errors raised by reading a file that is cut short or damaged."""
_INTERRUPTED: Final = re.compile(r"Query interrupted$|Invalid Input Error: [^:]* the UDF: KeyboardInterrupt\b")
"""Message of DuckDB if Ctrl-C reaches it while it waits, or reaches a function of ours while it works."""
_OUT_OF_MEMORY: Final = "Out of Memory Error"
"""Beginning of DuckDB's message when rows are already on their way to Arrow, which makes it an OSError."""


@contextlib.contextmanager
def reading(source_name: str) -> Iterator[None]:
    """Turn errors of DuckDB, Arrow and the system while a file is read into a DataError without their words.

    Their messages quote cells. Raises StorageError where memory or the private folder is exhausted.
    """
    import duckdb

    try:
        yield
    except (duckdb.InterruptException, duckdb.InvalidInputException, RuntimeError) as error:
        if isinstance(error, duckdb.InterruptException) or _INTERRUPTED.match(str(error)):
            raise KeyboardInterrupt from None
        if isinstance(error, duckdb.Error):
            raise unreadable(source_name) from None
        raise
    except _errors_of_queries():
        raise  # a query of ours is wrong, not the file
    except (duckdb.OutOfMemoryException, MemoryError):
        raise _no_room(source_name) from None
    except (duckdb.Error, pa.ArrowException, UnicodeDecodeError, *DAMAGED) as error:
        if isinstance(error, OSError) and out_of_memory(error):
            raise _no_room(source_name) from None
        raise unreadable(source_name) from None


def _errors_of_queries() -> tuple[type[Exception], ...]:
    """Return the errors of DuckDB that are about a query and not about a file. One of them is new in DuckDB 2.0."""
    import duckdb

    errors: list[type[Exception]] = [
        duckdb.BinderException,
        duckdb.CatalogException,
        duckdb.ConnectionException,
        duckdb.ParserException,
        duckdb.PermissionException,
        duckdb.SyntaxException,
    ]
    if hasattr(duckdb, "ResourceInUseException"):
        errors.append(duckdb.ResourceInUseException)
    return tuple(errors)


def out_of_memory(error: Exception) -> bool:
    """Whether an error of DuckDB, or of Arrow that hands one on, says that memory is exhausted."""
    return not isinstance(error, OSError) or str(error).startswith(_OUT_OF_MEMORY)


def _no_room(source_name: str) -> StorageError:
    return StorageError(
        f"{shown(source_name)}: neither memory nor the folder for temporary files has room for it", slug="no-room"
    )


@contextlib.contextmanager
def room_on_disk(source_name: str, purpose: str) -> Iterator[None]:
    """Turn an OSError into a StorageError: the folder for temporary files has no room for this purpose."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{shown(source_name)}: the folder for temporary files has no room {purpose} ({type(error).__name__})",
            slug="no-room",
        ) from None


def unreadable(source_name: str) -> DataError:
    """Make the error for a file that is not what its name says."""
    return DataError(
        f"{shown(source_name)} cannot be read: it is damaged, cut short, or of another format", slug="unreadable-file"
    )


def not_on_spark(what: str) -> PlanError:
    """Make the error for what is not counted on Spark: `what` with its verb."""
    return PlanError(
        f"{what} not counted on Spark", slug="engine-question", hint='leave out kind = "spark", or the question'
    )


def not_read_there() -> DataError:
    """Make the error for files that Spark cannot read."""
    return DataError("Spark cannot read the files of the set", slug="engine-source")
