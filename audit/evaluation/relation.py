"""A file or a table as a relation of the audit's one engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from audit.engines.quoting import identifier
from audit.evaluation.parquet_folder import DigestOf
from audit.evaluation.unchanged import NOT_WATCHED, Unchanged


@dataclass(frozen=True, slots=True)
class Content:
    """Content that a reader found in a file or table; its fields are those of `Relation`."""

    columns: tuple[str, ...]
    types: Mapping[str, str]
    all_numbers: frozenset[str]
    rows: int
    lists: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Relation:
    """A file that was read. Its columns in DuckDB are those asked for, under their own names, and `__row__`."""

    name: str
    """Name of the relation in the engine."""
    source_name: str
    """Name of the file, without its folder; for messages."""
    columns: tuple[str, ...]
    """Every column of the file, asked for or not, in its order."""
    types: Mapping[str, str]
    """DuckDB type of each column that was asked for. CSV and JSONL have VARCHAR only."""
    all_numbers: frozenset[str]
    """Columns of a JSONL file in which every value is a number; they are text here."""
    rows: int
    """Number of rows of the file."""
    sha256: str | None
    """SHA-256 of the file as it lies on the disk, or of all files; None for a table passed in memory."""
    lists: frozenset[str] = frozenset()
    """Columns of a JSONL file that were asked for and may hold lists; `BETWEEN_ITEMS` separates the items."""
    decimal: Literal[".", ","] = "."
    """Mark of decimals in numbers that are text."""
    digest_of: DigestOf = "file"
    """What `sha256` covers."""
    unchanged: Unchanged = NOT_WATCHED
    """State of the file, or of all files, when they were opened."""
    added_over: tuple[str, ...] = ()
    """Columns of a table of counts that the plan does not name, and in which rows that were added up differ."""

    def expression(self, column: str) -> str:
        """SQL of a column that was asked for."""
        if column not in self.types:
            raise KeyError(column)
        return identifier(column)
