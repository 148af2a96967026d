"""Opens an evaluation set: reads it, checks every cell that the audit uses, and gives groups their canonical codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from audit.evaluation.relation import Relation
from audit.groups import SensitiveFeature

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """A checked evaluation set around one DuckDB connection. A context manager: closing it removes every trace.

    The relation `source` holds the columns that the plan names, under their own names, and `__row__`, the number of
    the row in the file (BIGINT, from 1). All expressions are SQL over `source` and need no qualification. Ids are
    present and unique, labels and groups are within what the plan declares, and declared numbers are numbers.
    """

    connection: duckdb.DuckDBPyConnection
    """The connection. It cannot reach the network, load extensions, or open files other than those of the plan."""
    source: Relation
    """What was read."""
    expressions: Mapping[str, str]
    """SQL of `case_id` (VARCHAR), `label` (TINYINT: 1, 0, NULL for unlabelled) and, for each feature,
    `group_<feature>` (VARCHAR: the raw value or NULL)."""
    features: tuple[SensitiveFeature, ...]
    """The sensitive features with every level found, in the order of the plan."""
    codes: Mapping[str, Mapping[str | None, str]]
    """By feature: the canonical code of every raw value in the set, None included where a value is missing."""
    numbers: frozenset[str]
    """Text columns that the plan declares as numbers."""

    @property
    def rows(self) -> int:
        """Rows of the set."""
        return self.source.rows

    @property
    def sha256(self) -> str | None:
        """SHA-256 of the file; None for a table passed in memory."""
        return self.source.sha256

    @property
    def source_name(self) -> str:
        """Name of the file, without its folder; for messages."""
        return self.source.source_name

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column of the file, in its order, whether the plan names it or not."""
        return self.source.columns

    def feature_expression(self, column: str) -> str:
        """SQL over `source` of a column that the detector is given, in the type it is given in.

        Columns of a Parquet file or a table in memory keep their own types. Columns of CSV and JSONL are VARCHAR; those
        that the plan lists under `numbers` are DOUBLE. An empty cell of a CSV file is NULL.
        """
        expression = self.source.expression(column)
        return number_expression(expression) if column in self.numbers else expression

    def attach(
        self,
        name: str,
        path: Path,
        columns: Sequence[str],
        *,
        encoding: str = "utf-8",
        delimiter: str = ",",
        keys: Mapping[str, str] | None = None,
    ) -> Relation:
        """Read a second file, such as predictions, into the relation `name` of the same connection.

        Its columns are read as those of an evaluation set: text from CSV and JSONL, own types from Parquet, each row
        with its `__row__`. Ids are made comparable by `text_expression`. Only a file that the plan names can be opened.

        Parameters
        ----------
        name : str
            Name of the new relation.
        path : Path
            The file, absolute or relative to the working folder.
        columns : sequence of str
            The columns to read; all of them must be there.
        encoding, delimiter : str
            Of a CSV or JSONL file.
        keys : mapping of str to str, optional
            For each column the key of the plan that asks for it, for messages.

        Raises
        ------
        DataError
            If the file cannot be read, has no rows, lacks a column, or names one twice.
        """
        options = ReadOptions(None, encoding, delimiter)
        return read_file(self.connection, name, path, self.private, options, columns, keys or {})

    def text_expression(self, relation: Relation, column: str) -> str:
        """SQL of a column of `relation` as canonical text: the number 1.0 is `1`, and an empty text is NULL."""
        return text_of(relation.expression(column), relation.types[column])

    def check_unchanged(self) -> None:
        """Raise DataError if the file is not the one that was opened. For the end of a run."""
        self.unchanged.check()

    def close(self) -> None:
        """Close the connection and remove its private folder."""
        self.connection.close()
        self.private.remove()

    def __enter__(self) -> EvaluationSet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
