"""Engine that counts rows, its questions, and names and texts in its SQL: DuckDB, or a Spark that answers the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    import pyarrow as pa


ROW: Final = "__row__"
"""Column with the number of a row in its file: 1 is the first row of data, below the header of a CSV file."""
Result = TypeVar("Result")


class Found(NamedTuple):
    """Rows that meet a condition."""

    number: int
    rows: list[int]
    """The lowest of their numbers, at most `audit.vocabulary.text.SHOWN`; none from Spark, which has none."""


# No named tuples: an engine collects answers by question, and those of two kinds with one text would be the same.
@dataclass(frozen=True, slots=True)
class Where:
    """Question how many rows meet an SQL condition, and which; answered by `Found`."""

    condition: str


@dataclass(frozen=True, slots=True)
class Figure:
    """Question for an SQL aggregate over all rows; answered by its value."""

    aggregate: str


@dataclass(frozen=True, slots=True)
class Values:
    """Question for the distinct texts of a column, None among them; answered by a list, or None above `most`."""

    cell: str
    text: str
    most: int


@dataclass(frozen=True, slots=True)
class Cases:
    """Question how many rows have each text, of which there are few; answered by pairs of a text and a number."""

    text: str


@dataclass(frozen=True, slots=True)
class Holding:
    """Question which rows hold one of some texts that were seen before; answered by `Found`."""

    text: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Repeats:
    """Question which rows have a text that an earlier row has; answered by `Found`.

    `as_number` is SQL of the same as a number where it is a whole one, so that it need not be written as a text.
    """

    text: str
    as_number: str | None
    rows: int
    source_name: str


Question = Where | Figure | Values | Cases | Holding | Repeats


class Answer(Protocol):
    """Rows of an answer."""

    def fetchall(self) -> list[Any]:
        """Return them as tuples."""

    def to_arrow_table(self) -> pa.Table:
        """Return them as a table."""

    def to_arrow_reader(self, size: int, /) -> pa.RecordBatchReader:
        """Return them in batches of about `size`."""


class Engine(Protocol):
    """Engine that counts rows. Raises StorageError where it is gone, and else what `audit.engines.read_errors` says."""

    @property
    def counted_on(self) -> str | None:
        """Name of the engine; None for DuckDB in this process."""

    def execute(self, text: str, /) -> Any:
        """Run a statement, such as one that makes a view."""

    def sql(self, text: str, /) -> Answer:
        """Answer a query."""

    def answers(self, relation: str, questions: Sequence[Question], /) -> list[Any]:
        """Answer questions about a relation, in their order, in as few scans as it can."""

    def digest_sums(self, relation: str, text: str, /) -> tuple[int, int]:
        """Sums of the higher and of the lower halves of the MD5 of every text, read with its lowest byte first."""

    def register(self, name: str, table: pa.Table, /) -> Any:
        """Make a view of rows that are here."""

    def unregister(self, name: str, /) -> Any:
        """Drop such a view."""

    def with_little_memory(self, work: Callable[[], Result], /) -> Result:
        """Return the result of `work`, with little memory where the engine is in this process."""

    def close(self) -> None:
        """Leave no trace."""


def identifier(name: str) -> str:
    """Quote a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def stored(text: str, kind: str) -> str:
    """Write a value as a column of a type stores it: comparing integers with integers needs no text for each row."""
    return literal(text) if kind == "VARCHAR" else f"CAST({literal(text)} AS {kind})"


def literals(texts: Iterable[str]) -> str:
    """Quote texts as the items of an SQL list."""
    return ", ".join(literal(text) for text in texts)
