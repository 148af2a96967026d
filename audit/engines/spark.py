"""Count on Apache Spark: the only module that imports pyspark.

Statements are ours for DuckDB, translated by `audit.engines.dialect`. Columns and conditions come from the plan, never
from cells, because Spark shows statements in its interface and its logs; and what Spark says in an error is never
passed on, because it quotes cells.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from audit.engines.dialect import spark_sql
from audit.engines.private_folder import PrivateFolder
from audit.engines.protocol import Cases, Figure, Found, Holding, Question, Repeats, Result, Values, Where
from audit.engines.read_errors import not_on_spark, not_read_there
from audit.errors import PlanError, StorageError, withheld_records

if TYPE_CHECKING:
    import pyarrow as pa

_LEAST_VERSION: Final = (4, 0)
_SETTINGS: Final[Mapping[str, str]] = {
    "spark.sql.ansi.enabled": "true",  # otherwise sums wrap without a word
    "spark.sql.caseSensitive": "true",
    "spark.sql.variable.substitute": "false",  # otherwise `${spark.app.name}` in a text is another text
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",  # partitions are texts, as in DuckDB
}
_ON_THIS_MACHINE: Final[Mapping[str, str]] = {
    "spark.driver.host": "127.0.0.1",  # otherwise it listens in the network
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.authenticate": "true",  # otherwise whoever works on this machine can ask for its rows
    "spark.hadoop.fs.permissions.umask-mode": "077",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": str(2 * (os.cpu_count() or 1)),  # 200 by default: most of the time of a small set
}
_LOGGER: Final = "SQLQueryContextLogger"
"""Logger to which pyspark writes what Spark says, cells with it."""
_SELF_TEST: Final[tuple[tuple[str, object], ...]] = (
    ("conv('ffffffffffffffff', 16, 10)", "18446744073709551615"),
    ("cast(conv(reverse('f0000000'), 16, 10) as bigint)", 15),
    ("md5('a')", "0cc175b9c0f1b6a831c399e269772661"),
    ("shiftright(cast(1152921504606846976 as bigint), 30)", 1 << 30),
    ("cast(1152921504606846976 as bigint) & 1073741823", 0),
    ("floor(cast(-0.5 as double))", -1),
    ("round(cast(2.5 as double))", 3.0),
    ("cast('NaN' as double) >= cast(0.5 as double)", True),
    ("abs(cast('NaN' as double)) < cast('Infinity' as double)", False),
    ("cast(-0.0 as double) = cast(0.0 as double)", True),
    ("cast(9007199254740993 as bigint) = 9007199254740992", False),
    ("cast(0.1 as double) + cast(0.2 as double) = cast('0.30000000000000004' as double)", True),
    ("cast(null as string) is null or '' is null", True),
    ("count(*) filter (where false)", 0),
)
"""Expressions, and what an engine must answer that is to give the results of a laptop."""
MOST_CASES: Final = 100_000
"""Most different texts of which the cases are counted beside other columns."""
MOST_SENT: Final = 2_000_000
"""Most rows that are sent to Spark: the decisions of a baseline."""
_RETRIES: Final = 6
"""Times that Spark Connect is asked again: over a minute. By itself it waits ten for an address where nothing is."""
_END: Final = 10.0
"""Seconds to wait for the end of Spark."""
_SLOTS: Final = 1 << 12
"""Numbers that are dealt out to the executors, so that each is looked at."""
Work = Callable[[Iterator["pa.RecordBatch"]], Iterator["pa.RecordBatch"]]
_OVERFLOW: Final = "SELECT sum(x) FROM VALUES (4611686018427387904L), (4611686018427387904L) AS t(x)"
_WORDS: Final[Mapping[str, str]] = {
    "string": "VARCHAR", "boolean": "BOOLEAN", "tinyint": "TINYINT", "smallint": "SMALLINT", "int": "INTEGER",
    "bigint": "BIGINT", "float": "FLOAT", "double": "DOUBLE", "date": "DATE", "timestamp": "TIMESTAMP",
}  # fmt: skip


class Answer:
    """Rows of an answer, read as those of DuckDB are."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return the rows as tuples."""
        return list(zip(*(column.to_pylist() for column in self._table.columns), strict=True))

    def to_arrow_table(self) -> pa.Table:
        """Return the rows as a table, with columns as they were named."""
        return self._table

    def to_arrow_reader(self, size: int) -> pa.RecordBatchReader:
        """Return the rows in batches of at most `size`."""
        return self._table.to_reader(size)


class SparkEngine:
    """A session of its own on a Spark that is there: nothing of it is seen by others who use that Spark."""

    def __init__(self, session: Any) -> None:
        self._session, self._views = session, {"scored", "drawn_at_random", "round_1"}
        self.files: dict[str, tuple[Sequence[Path], Path]] = {}
        """Files of the views that `open` has made, and the folder that they lie in."""
        # what takes long is asked in a thread, so that an interrupt of this one reaches no statement in its middle
        self._beside = ThreadPoolExecutor(1, "audit7k-spark")
        for name, value in _SETTINGS.items():
            with _speaking("Spark did not answer", slug="engine-settings"):
                session.conf.set(name, value)
        self.check()
        self.private = PrivateFolder()

    @classmethod
    def at(cls, remote: str | None) -> SparkEngine:
        """Open a session: at an address of Spark Connect, which the environment variable SPARK_REMOTE can hold, else on
        the session at hand, else on this machine.

        Raises
        ------
        PlanError
            pyspark is missing, is too old, or gives wrong answers to the self-test.
        StorageError
            There is no Spark at the address.
        """
        try:
            from pyspark.sql import SparkSession
        except ImportError:
            raise PlanError('[engine] kind = "spark" takes the extra "spark"', slug="engine-extra") from None
        with _speaking(
            "Spark did not answer",
            slug="engine-gone",
            hint="see that Spark runs at the address in [engine] or SPARK_REMOTE; on this machine it takes Java 17",
        ):
            builder, at_hand = SparkSession.builder, SparkSession.getActiveSession()
            remote = remote or os.environ.get("SPARK_REMOTE")
            if remote is not None:
                session = builder.remote(remote).create()
                for policy in session.client.get_retry_policies():
                    policy.max_retries = _RETRIES
                return cls(session)
            if at_hand is not None:
                return cls(at_hand.newSession() if hasattr(at_hand, "newSession") else at_hand)
            with ThreadPoolExecutor(1) as beside:  # in the main thread, pyspark would take signals
                beside.submit(_start_here).result()
            return cls(builder.getOrCreate().newSession())

    @property
    def counted_on(self) -> str:
        """Apache Spark and its version."""
        return f"Apache Spark {self._session.version}"

    def check(self) -> None:
        """Raise PlanError unless this engine counts as a laptop does: see `_SELF_TEST`; sums must never wrap."""
        numbers = tuple(int(part) for part in str(self._session.version).split(".")[:2])
        if numbers < _LEAST_VERSION:
            raise PlanError(f"[engine] {self.counted_on} is too old", slug="engine-version")
        columns = ", ".join(f"{text} AS c{index}" for index, (text, _) in enumerate(_SELF_TEST))
        try:
            (row,) = self._ask(f"SELECT {columns}").fetchall()
        except StorageError:
            self._ask("SELECT 1 AS one")  # an engine that is gone answers nothing
            row = ()
        if row != tuple(answer for _, answer in _SELF_TEST):
            raise PlanError("[engine] this engine gives other answers than DuckDB", slug="engine-version")
        try:
            self._ask(_OVERFLOW)
        except StorageError:  # an error is the right answer, of an engine that still answers
            self._ask("SELECT 1 AS one")
            return
        raise PlanError("[engine] sums of this engine wrap", slug="engine-ansi")

    def open(self, name: str, files: Sequence[Path], folder: Path, columns: Sequence[str] | None) -> dict[str, str]:
        """Make a view of Parquet files, of a folder with its partitions. Returns the type of each column, in order.
        Raises DataError where Spark cannot read them.
        """
        try:
            with _speaking("Spark did not answer", slug="engine-source"):
                alone = (re.sub(r"([*?{}\[\]\\])", r"\\\1", _place(file)) for file in files)  # no pattern of many
                rows = self._session.read.option("basePath", _place(folder)).parquet(*alone)
                types = {column: _WORDS.get(kind, kind.upper().replace(" ", "")) for column, kind in rows.dtypes}
                if columns is not None:
                    rows = rows.select(*(f"`{column.replace('`', '``')}`" for column in columns if column in types))
                rows.createOrReplaceTempView(name)
        except StorageError:
            self._ask("SELECT 1 AS one")  # an engine that is gone reads nothing
            raise not_read_there() from None
        self.files[name] = files, folder
        return types

    def run_on_executors(self, work: Work, columns: str) -> list[str]:
        """Return what `work` says on every executor: the first of its `columns`.

        Raises StorageError where an executor cannot run it.
        """
        with _speaking("Spark did not answer", slug="engine-environment"):
            table = self._until_interrupted(self._session.range(_SLOTS).mapInArrow(work, columns).toArrow)
        return [str(text) for text in table.column(0).to_pylist()]

    def map_rows(self, query: str, work: Work, columns: str, to: Path) -> None:
        """Let `work` make the rows of a query into others with these `columns`, task by task on the executors, and let
        Spark write them into a new folder of Parquet files. A task that is lost is done again, and written once.
        """
        with _speaking("Spark did not answer", slug="engine-gone"):
            rows = self._session.sql(spark_sql(query)).mapInArrow(work, columns)
            self._until_interrupted(partial(rows.write.parquet, _place(to)))

    def execute(self, text: str) -> Answer:
        """Answer a statement of ours for DuckDB. It has no parameters: what one would hold is never sent."""
        return self._ask(spark_sql(text))

    sql = execute

    def register(self, name: str, table: pa.Table) -> None:
        """Make a view of rows that are here. Raises PlanError where they are too many to be sent."""
        if table.num_rows > MOST_SENT:
            raise not_on_spark(f"a baseline of more than {MOST_SENT:,} cases is")
        with _speaking("Spark did not answer", slug="engine-gone"):
            self._session.createDataFrame(table).createOrReplaceTempView(name)

    def unregister(self, name: str) -> None:
        """Drop such a view."""
        self._session.catalog.dropTempView(name)

    def with_little_memory(self, work: Callable[[], Result]) -> Result:
        """Return the result of `work`: the memory of Spark is its own."""
        return work()

    def answers(self, relation: str, questions: Sequence[Question]) -> list[Any]:
        """Answer questions about a relation: conditions and figures in one statement, values of columns in another."""
        scanned = [question for question in questions if isinstance(question, Where | Figure)]
        by_question: dict[Question, Any] = dict(zip(scanned, self._scan(relation, scanned), strict=True))
        by_question |= self._values(
            relation, [question for question in questions if isinstance(question, Values | Cases)]
        )
        for question in questions:
            if isinstance(question, Holding):  # a value of a cell must not stand in a statement
                cases = dict(self._grouped(relation, [question.text])[0])
                by_question[question] = Found(sum(cases.get(value, 0) for value in question.values), [])
            elif isinstance(question, Repeats):
                by_question[question] = Found(self._repeated(relation, question.text), [])
        return [by_question[question] for question in questions]

    def _scan(self, relation: str, questions: Sequence[Where | Figure]) -> list[Any]:
        aggregates = [
            question.aggregate if isinstance(question, Figure) else f"count(*) FILTER (WHERE {question.condition})"
            for question in questions
        ]
        if not aggregates:
            return []
        columns = ", ".join(f"{text} AS c{index}" for index, text in enumerate(aggregates))
        (row,) = self.execute(f"SELECT {columns} FROM {relation}").fetchall()  # noqa: S608
        return [
            value if isinstance(question, Figure) else Found(int(value), [])
            for question, value in zip(questions, row, strict=True)
        ]

    def _values(self, relation: str, questions: Sequence[Values | Cases]) -> dict[Question, Any]:
        if not questions:
            return {}
        most = sum(question.most + 1 if isinstance(question, Values) else MOST_CASES for question in questions)
        counts = self._grouped(relation, [question.text for question in questions], most)
        answers: dict[Question, Any] = {}
        if sum(map(len, counts)) >= most and len(questions) > 1:  # a column of ids hides the values of others
            for question in questions:
                answers |= self._values(relation, [question])
            return answers
        for question, cases in zip(questions, counts, strict=True):
            few = isinstance(question, Cases) or len(cases) <= question.most
            answers[question] = cases if isinstance(question, Cases) else [value for value, _ in cases] if few else None
        return answers

    def _grouped(
        self, relation: str, texts: Sequence[str], most: int | None = None
    ) -> list[list[tuple[str | None, int]]]:
        """Count the rows of each value of each of some texts in one statement; at most `most` values of all."""
        named = ", ".join(f"{text} AS v{index}" for index, text in enumerate(texts))
        value = spark_sql(f"SELECT {named} FROM {relation}")  # noqa: S608
        columns = ", ".join(f"v{index}" for index in range(len(texts)))
        sets = ", ".join(f"(v{index})" for index in range(len(texts)))
        limit = "" if most is None else f" LIMIT {most}"
        rows = self._ask(
            f"SELECT grouping_id() AS away, count(*) AS cases, {columns} FROM ({value}) "  # noqa: S608
            f"GROUP BY GROUPING SETS ({sets}){limit}"
        ).fetchall()
        counts: list[list[tuple[str | None, int]]] = [[] for _ in texts]
        every = (1 << len(texts)) - 1
        for away, cases, *values in rows:
            index = len(texts) - (every ^ away).bit_length()  # the one column that is not away, the first one highest
            counts[index].append((values[index], int(cases)))
        return counts

    def _repeated(self, relation: str, text: str) -> int:
        """Count the rows whose text was seen before: by 64-bit hashes, and only where two are equal by the texts."""
        value = spark_sql(f"SELECT {text} AS id FROM {relation}")  # noqa: S608
        hashes = f"SELECT xxhash64(id) AS h FROM ({value}) GROUP BY 1 HAVING count(*) > 1 LIMIT 1"  # noqa: S608
        if not self._ask(hashes).fetchall():
            return 0
        repeats = f"SELECT count(*) - 1 AS more FROM ({value}) GROUP BY id HAVING count(*) > 1"  # noqa: S608
        ((count,),) = self._ask(f"SELECT coalesce(sum(more), 0) AS more FROM ({repeats})").fetchall()  # noqa: S608
        return int(count)

    def digest_sums(self, relation: str, text: str) -> tuple[int, int]:
        """Sums of the higher and of the lower halves of the MD5 of every text, its lowest byte first.

        An MD5 is read in four pieces of eight digits, whose bytes stand the other way round: reversed, a piece is the
        number but for the digits of each byte, which change places.
        """
        value = spark_sql(f"SELECT {text} AS id FROM {relation}")  # noqa: S608
        pieces = []
        for index in range(4):
            number = f"cast(conv(reverse(substr(h, {8 * index + 1}, 8)), 16, 10) as bigint)"
            swapped = f"shiftleft({number} & 252645135, 4) | (shiftright({number}, 4) & 252645135)"
            pieces.append(f"sum({swapped}) AS p{index}")
        query = f"SELECT {', '.join(pieces)} FROM (SELECT md5(id) AS h FROM ({value}))"  # noqa: S608
        ((first, second, third, fourth),) = self._ask(query).fetchall()
        return int(third) + (int(fourth) << 32), int(first) + (int(second) << 32)

    def close(self) -> None:
        """Drop the views. The session belongs to whoever runs this Spark, and ends with its last user."""
        with contextlib.suppress(Exception):  # a session that is gone has no views
            for name in {*self._views, *self.files}:
                self._session.catalog.dropTempView(name)
        self._beside.shutdown(wait=False, cancel_futures=True)
        self.private.remove()

    def _ask(self, text: str) -> Answer:
        with _speaking("Spark did not answer", slug="engine-gone"):
            return Answer(self._until_interrupted(self._session.sql(text).toArrow))

    def _until_interrupted(self, work: Callable[[], Result]) -> Result:
        """Return the result of `work`. An interrupt ends what this session has asked for, and nothing of others."""
        answer = self._beside.submit(_silently, work)
        try:
            return answer.result()
        except KeyboardInterrupt:
            with contextlib.suppress(Exception):  # a Spark that is gone has nothing to end
                self._session.interruptAll()
            raise


def _silently(work: Callable[[], Result]) -> Result:
    with withheld_records(_LOGGER):
        return work()


def _start_here() -> None:
    """Start a Spark that only this process can reach. Its words, which quote cells, reach nobody; its files, which hold
    rows, lie in a folder for this user alone that goes with the process.
    """
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway

    conf = SparkConf().setMaster("local[*, 4]").setAppName("audit7k").setAll(_ON_THIS_MACHINE.items())
    private = PrivateFolder()
    conf.set("spark.sql.warehouse.dir", _place(private.path))
    conf.set("spark.driver.defaultJavaOptions", f"-XX:-UsePerfData -Djava.io.tmpdir={shlex.quote(str(private.path))}")
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "umask": 0o077}
    gateway = launch_gateway(conf, silent)
    try:
        context = SparkContext(conf=conf, gateway=gateway)
    except ValueError:  # this process has one, whose session is another thread's
        gateway.proc.stdin.close()
        private.remove()
        return
    if "PYSPARK_PYTHON" not in os.environ:
        context.pythonExec = sys.executable
    atexit.register(_end_here, context, gateway.proc, private)
    context.setLogLevel("OFF")


def _end_here(context: Any, java: Any, private: PrivateFolder) -> None:
    """End the Spark of this process, whose Java ends with its input, and remove its files."""
    with contextlib.suppress(Exception):  # it is gone, or was never ours
        context.stop()
        java.stdin.close()
        java.wait(_END)
    private.remove()


def _place(path: Path) -> str:
    """Path on the disk, wherever else the Spark would look first."""
    return f"file://{path.absolute()}"


@contextlib.contextmanager
def _speaking(problem: str, *, slug: str, hint: str = "") -> Iterator[None]:
    """Turn what Spark raises into one line without its words, which quote cells and statements."""
    from pyspark.logger import PySparkLogger

    PySparkLogger.getLogger(_LOGGER)  # made before it is asked for, because records are withheld of those there are
    try:
        with withheld_records(_LOGGER):
            yield
    except (AssertionError, KeyboardInterrupt, PlanError):
        raise
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, KeyboardInterrupt):
            cause = cause.__context__
        if cause is not None:  # pyspark cleared up after it, and that failed
            raise KeyboardInterrupt from None
        if "FAILED_READ_FILE" in str(error):
            raise not_read_there() from None
        raise StorageError(f"{problem} ({type(error).__name__})", slug=slug, hint=hint) from None
