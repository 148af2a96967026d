"""Count with DuckDB in this process: in memory, offline, with a private folder for data larger than memory."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import pyarrow as pa

from audit.engines.private_folder import PrivateFolder
from audit.engines.protocol import (
    ROW,
    Cases,
    Figure,
    Found,
    Holding,
    Question,
    Repeats,
    Result,
    Values,
    Where,
    literals,
)
from audit.engines.read_errors import out_of_memory, room_on_disk
from audit.errors import StorageError
from audit.vocabulary.text import SHOWN

if TYPE_CHECKING:
    import duckdb
    import numpy.typing as npt

    Hashes = npt.NDArray[np.uint64]


MEMORY_LIMIT: Final = "1GB"
"""Memory that DuckDB may use before it writes to the private folder."""
STREAMING_LIMIT: Final = "128MB"
"""Memory while rows are handed out in order. Measured with 1e7 rows: as fast, with a quarter of the memory."""
LEAST_LIMIT, LIMIT_OF_A_THREAD = 64, 32
"""Memory in MB while rows are joined or counted: at least this, and this for each thread."""
_CLOSE: Final = 16
"""Numbers up to so many times as many as the rows lie close together: for each thread, two bytes a row."""
_MOST_BITS: Final = 1_000_000_000
"""Most bits of a set of bits in DuckDB."""
IN_MEMORY: Final = 1 << 20
"""Number of hashes that are sorted at once: 8 MiB."""
_MOST_BITS_OF_A_FILE_NAME: Final = 8
"""With 8 bits at most 256 files are open at the same time; beyond 2**28 rows the files grow."""
_HASHES_AT_ONCE: Final = 1 << 17
_COMPARING: Final = "to compare values"


class DuckDBEngine:
    """A DuckDB that can read `files`, and folders among them whole, and nothing else.

    As a context manager it removes every trace at the end.
    """

    counted_on = None

    def __init__(self, files: Sequence[Path] = ()) -> None:
        import duckdb  # noqa: F401 - first: an interrupt meanwhile ends the process at once, and would leave a folder

        self.private = PrivateFolder()
        try:
            self.connection = connect(self.private, files)
        except BaseException:
            self.private.remove()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection and remove the private folder."""
        self.connection.close()
        self.private.remove()

    def execute(self, text: str, parameters: dict[str, Any] | None = None) -> duckdb.DuckDBPyConnection:
        """Run a statement. Parameters hold values of cells, which stand in no statement."""
        return self.connection.execute(text, parameters or {})

    def sql(self, text: str) -> duckdb.DuckDBPyRelation:
        """Answer a query."""
        return self.connection.sql(text)

    def register(self, name: str, table: pa.Table) -> None:
        """Make a view of rows that are here, without a copy."""
        self.connection.register(name, table)

    def unregister(self, name: str) -> None:
        """Drop such a view."""
        self.connection.unregister(name)

    def answers(self, relation: str, questions: Sequence[Question]) -> list[Any]:
        """Answer questions about a relation: all conditions and figures in one scan, each of the others in its own.

        Raises EOFError where rows are not the same twice, as in a damaged Parquet file.
        """
        scanned = iter(
            self._scan(relation, [question for question in questions if isinstance(question, Where | Figure)])
        )
        return [
            next(scanned) if isinstance(question, Where | Figure) else self._answer(relation, question)
            for question in questions
        ]

    def _scan(
        self, relation: str, questions: Sequence[Where | Figure], parameters: dict[str, Any] | None = None
    ) -> list[Any]:
        columns: list[str] = []
        for question in questions:
            if isinstance(question, Figure):
                columns.append(question.aggregate)
                continue
            # FILTER and not WHERE: for a WHERE, DuckDB skips row groups of a Parquet file whose statistics exclude the
            # condition, and these statistics leave NaN out.
            met = f"FILTER (WHERE {question.condition})"
            columns.append(f"{{'n': count(*) {met}, 'rows': min({ROW}, {SHOWN}) {met}}}")
        if not columns:
            return []
        # built from quoted identifiers; values travel as parameters
        (row,) = self.execute(f"SELECT {', '.join(columns)} FROM {relation}", parameters).fetchall()  # noqa: S608
        return [
            value if isinstance(question, Figure) else _found(value["n"], value["rows"])
            for question, value in zip(questions, row, strict=True)
        ]

    def _answer(self, relation: str, question: Question) -> Any:
        match question:
            case Values(cell, text, most):
                # grouped as they are stored first: converting each cell to text would take several times as long
                stored = f"SELECT DISTINCT {cell} FROM {relation} LIMIT {most + 2}"  # noqa: S608
                values = [row[0] for row in self.execute(f"SELECT DISTINCT {text} FROM ({stored})").fetchall()]  # noqa: S608
                return None if len(values) > most else values
            case Cases(text):
                counted = f"SELECT {text} AS value, count(*) AS cases FROM {relation} GROUP BY ALL"  # noqa: S608
                return self.execute(counted).fetchall()
            case Holding(text, values):
                condition = f"{text} IN (SELECT unnest($values))"
                (matches,) = self._scan(relation, [Where(condition)], {"values": list(values)})
                if not matches.number:
                    raise EOFError("a value was seen and is in no row")  # a damaged Parquet file
                return matches
            case Repeats(text, as_number, rows, source_name):
                if as_number is not None and self._all_different(relation, as_number, rows):
                    return Found(0, [])
                return self._repeated(relation, text, rows, source_name)
        raise AssertionError("a question without an answer")

    def _all_different(self, relation: str, number: str, rows: int) -> bool:
        """Whether whole numbers that lie close together are all different: one bit for each that could be there."""
        ((low, high),) = self.execute(f"SELECT min({number}) AS low, max({number}) AS high FROM {relation}").fetchall()  # noqa: S608
        if low is None or high - low >= min(_CLOSE * rows, _MOST_BITS):
            return False
        seen = f"bit_count(bitstring_agg({number}::BIGINT - $low::BIGINT, 0, {high - low}))"
        ((different,),) = self.execute(f"SELECT {seen} AS different FROM {relation}", {"low": low}).fetchall()  # noqa: S608
        return bool(different == rows)

    def has_repeats(self, relation: str, text: str, rows: int, source_name: str) -> bool:
        """Whether two rows have the same value of an SQL expression, by 64-bit hashes."""
        return len(repeated_hashes(self, f"SELECT hash({text}) FROM {relation}", rows, source_name)) > 0  # noqa: S608

    def _repeated(self, relation: str, text: str, rows: int, source_name: str) -> Found:
        """Find the rows whose text an earlier row has.

        64-bit hashes are compared first: 8 bytes a row, where the ids themselves would take gigabytes. Rows with equal
        hashes are then compared by their ids, so that a collision refuses nothing.
        """
        suspects = repeated_hashes(self, f"SELECT hash({text}) FROM {relation}", rows, source_name)  # noqa: S608
        if not len(suspects):
            return Found(0, [])

        self.register("suspect_hashes", pa.table({"suspect": pa.array(suspects)}))
        try:
            again = (
                f"SELECT {text} AS id, {ROW} AS place FROM {relation} "  # noqa: S608
                f"WHERE hash({text}) IN (SELECT suspect FROM suspect_hashes)"
            )
            repeats = (
                f"FROM ({again}) AS every JOIN (SELECT id, min(place) AS first FROM ({again}) GROUP BY id) USING (id) "  # noqa: S608
                "WHERE place > first"
            )
            ((count,),) = self.execute(f"SELECT count(*) {repeats}").fetchall()
            places = self.execute(f"SELECT place {repeats} ORDER BY place LIMIT {SHOWN}").fetchall()
        finally:
            self.unregister("suspect_hashes")
        return Found(count, [row[0] for row in places])

    def digest_sums(self, relation: str, text: str) -> tuple[int, int]:
        """Sums of the higher and of the lower halves of the MD5 of every text, read with its lowest byte first."""
        halves = f"SELECT md5_number({text}) AS one FROM {relation}"  # noqa: S608
        ((high, low),) = self.execute(
            "SELECT sum((one >> 64)::UBIGINT) AS high, "  # noqa: S608
            f"sum((one & 18446744073709551615::UHUGEINT)::UBIGINT) AS low FROM ({halves})"
        ).fetchall()
        return high, low

    def stream(self, query: str, size: int) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a query in record batches of about `size`, with little memory.

        DuckDB gets less memory than usual. If that is not enough, as with long texts, the remaining rows are read with
        the usual memory. So `query` must give its rows in the same order each time.
        """
        import duckdb

        done = 0
        with self._holding(STREAMING_LIMIT, 1, self._threads()):
            try:
                for piece in self.sql(query).to_arrow_reader(size):
                    done += piece.num_rows
                    yield piece
            except (duckdb.OutOfMemoryException, OSError) as error:
                if not out_of_memory(error):
                    raise
                self.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
                yield from self.sql(f"{query} OFFSET {done}").to_arrow_reader(size)

    def with_little_memory(self, work: Callable[[], Result], *, threads: int = 0) -> Result:
        """Return the result of `work`, which runs while DuckDB has little memory and so joins and sorts on disk.

        If that is not enough, `work` runs again from its beginning with the usual memory.
        """
        import duckdb

        before = self._threads()
        used = threads or before
        try:
            with self._holding(f"{max(LEAST_LIMIT, LIMIT_OF_A_THREAD * used)}MB", used, before):
                return work()
        except (duckdb.OutOfMemoryException, OSError) as error:
            if not out_of_memory(error):  # after the handler nothing of the first attempt is in memory
                raise
        except StorageError as error:
            if error.slug != "no-room":
                raise
        return work()

    @contextlib.contextmanager
    def _holding(self, limit: str, threads: int, before: int) -> Iterator[None]:
        """Limit memory and threads of DuckDB, which has `before`, within this context."""
        import duckdb

        others = before != threads
        try:
            self.execute(f"SET memory_limit = '{limit}'" + f"; SET threads = {threads}" * others)
            yield
        finally:
            with contextlib.suppress(duckdb.ConnectionException):  # a caller that stopped in the middle has closed it
                self.execute(f"SET memory_limit = '{MEMORY_LIMIT}'" + f"; SET threads = {before}" * others)

    def _threads(self) -> int:
        ((threads,),) = self.execute("SELECT current_setting('threads')").fetchall()
        return int(threads)


def _found(count: int, lowest: list[int] | None) -> Found:
    rows = lowest or []
    if len(rows) < min(count, SHOWN):
        # seen with damaged Parquet files: the rows read depend on which columns are read
        raise EOFError("not the same rows twice")
    return Found(int(count), sorted(int(row) for row in rows) if count else [])


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
    input_folders = [Path(os.path.realpath(path)) for path in files if path.is_dir()]
    folders = dict.fromkeys(name for path in (private.path, *input_folders) for name in (str(path), as_one_file(path)))
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


def repeated_hashes(
    engine: DuckDBEngine, query: str, rows: int, source_name: str, *, in_memory: int = IN_MEMORY
) -> Hashes:
    """Hashes that occur more than once, each of them once, uint64[m].

    Parameters
    ----------
    engine : DuckDBEngine
        Its private folder takes files if there are more than `in_memory` rows; none of them is left.
    query : str
        SQL that gives one UBIGINT for each row, none of them NULL, in the same order each time.
    rows : int
        Number of rows of the query.
    source_name : str
        Name of the file, for messages.

    Raises
    ------
    StorageError
        The private folder has no room.
    """
    if rows <= in_memory:
        hashes = _hashes(engine.sql(query).to_arrow_reader(_HASHES_AT_ONCE))
        return _repeated(np.concatenate([*hashes, np.empty(0, dtype=np.uint64)]))
    bits = min(((rows - 1) // in_memory).bit_length(), _MOST_BITS_OF_A_FILE_NAME)
    paths = [engine.private.path / f"hashes-{number}" for number in range(1 << bits)]
    try:
        with contextlib.ExitStack() as stack:
            with room_on_disk(source_name, _COMPARING):
                files = [stack.enter_context(path.open("wb", buffering=0)) for path in paths]
            for some in _hashes(engine.stream(query, _HASHES_AT_ONCE)):
                with room_on_disk(source_name, _COMPARING):
                    _deal(some, files, bits)
        with room_on_disk(source_name, _COMPARING):
            return np.concatenate([_repeated(np.fromfile(path, dtype=np.uint64)) for path in paths])
    finally:
        for path in paths:
            path.unlink(missing_ok=True)


def _hashes(batches: Iterable[pa.RecordBatch]) -> Iterator[Hashes]:
    for batch in batches:
        column = batch.column(0)
        yield np.frombuffer(column.buffers()[1], dtype=np.uint64)[column.offset :][: batch.num_rows]


def _deal(hashes: Hashes, files: Sequence[FileIO], bits: int) -> None:
    """Append each hash to the file of its first bits."""
    first = (hashes >> np.uint64(64 - bits)).astype(np.uint8)
    dealt = hashes[np.argsort(first, kind="stable")]
    ends = np.cumsum(np.bincount(first, minlength=len(files)))
    for file, bucket in zip(files, np.split(dealt, ends[:-1]), strict=True):
        left = memoryview(bucket.tobytes())
        while left:
            left = left[file.write(left) :]


def _repeated(hashes: Hashes) -> Hashes:
    """Values that occur more than once. Sorts `hashes` in place."""
    hashes.sort()
    again = hashes[1:][hashes[1:] == hashes[:-1]]
    return np.concatenate([again[:1], again[1:][again[1:] != again[:-1]]])  # `unique` loads masked arrays
