"""Write the cells of a text file, batch by batch, into a DuckDB table of texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from audit.engines.protocol import ROW, identifier
from audit.errors import DataError
from audit.vocabulary.text import shown

if TYPE_CHECKING:
    from audit.engines.duckdb import DuckDBEngine

BATCH = 16_384
"""Number of rows that are in memory as Python texts at a time."""
LONGEST = 1 << 24
"""Longest line or cell in characters: a longer one is a quote that was not closed, or not a text file."""


class TextTable:
    """Table with a VARCHAR for each column and the row number; it grows by batches."""

    def __init__(self, engine: DuckDBEngine, name: str, source_name: str, columns: Sequence[str]):
        self._engine = engine
        self._name = identifier(name)
        self._incoming = f"{name}_incoming"
        self._source_name = source_name
        self.columns = tuple(columns)
        self.rows = 0
        declared = "".join(f"{identifier(column)} VARCHAR, " for column in self.columns)
        engine.execute(f"CREATE TABLE {self._name} ({declared}{ROW} BIGINT)")

    def append(self, cells: Sequence[Sequence[str | None]], rows: int) -> None:
        """Add `rows` rows, given column by column. Raises DataError where a text is not Unicode text."""
        if not rows:
            return
        numbers = pa.array(range(self.rows + 1, self.rows + rows + 1), type=pa.int64())
        try:
            arrays = [pa.array(column, type=pa.large_string()) for column in cells]
        except UnicodeEncodeError:
            raise self._no_text(cells) from None
        # Placeholder names: a column of a file can have any name, and DuckDB matches names without regard to case.
        names = [f"c{index}" for index in range(len(arrays))]
        self._engine.register(self._incoming, pa.Table.from_arrays([*arrays, numbers], names=[*names, "row"]))
        picked = "".join(f"{name}, " for name in names)
        self._engine.execute(
            f"INSERT INTO {self._name} SELECT {picked}row FROM {identifier(self._incoming)}"  # noqa: S608
        )
        self._engine.unregister(self._incoming)
        self.rows += rows

    def _no_text(self, cells: Sequence[Sequence[str | None]]) -> DataError:
        for number, row in enumerate(zip(*cells, strict=True), start=self.rows + 1):
            for text in row:
                try:
                    (text or "").encode()
                except UnicodeEncodeError:
                    return DataError(
                        f"{shown(self._source_name)}: row {number} holds half of a surrogate pair, no character",
                        slug="encoding",
                        hint="export the file again with whole characters",
                    )
        raise AssertionError("a text that cannot be encoded was not found again")


def no_rows(source_name: str) -> DataError:
    """Make the error for a file or table without rows."""
    return DataError(f"{shown(source_name)} has no rows", slug="empty-set")
