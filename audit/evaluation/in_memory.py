"""A table passed from Python: an Arrow table is used as it is, a pandas DataFrame is converted once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from audit.engines.protocol import ROW, identifier
from audit.errors import DataError
from audit.evaluation.relation import Content, wanted_columns
from audit.evaluation.text_table import no_rows
from audit.vocabulary.text import shown

if TYPE_CHECKING:
    import pandas as pd

    from audit.engines.duckdb import DuckDBEngine

PASSED = "the table"
"""Name of a table without a file in messages."""


def view_table(
    engine: DuckDBEngine, name: str, table: pa.Table | pd.DataFrame, column_keys: Mapping[str, str] | None
) -> Content:
    """Create the view `name` over a table in memory, without copying an Arrow table.

    Missing values of pandas (None, NaN, NA, NaT) are missing here: pandas reads an empty cell of a file as NaN. A NaN
    of an Arrow table, which has empty cells of its own, is the answer of a broken model, and refused among scores.

    Raises
    ------
    DataError
        If it is neither kind of table, has no rows, names a column twice or lacks one, or a column mixes types.
    """
    import duckdb

    columns, picked = _names(table), as_arrow(table, column_keys)
    wanted = picked.column_names
    numbered = [_readable(column) for column in picked.columns]
    numbered.append(pa.chunked_array([pa.array(np.arange(1, picked.num_rows + 1, dtype=np.int64))]))
    registered = f"{name}_given"
    try:
        engine.register(registered, pa.Table.from_arrays(numbered, names=[*wanted, ROW]))
        engine.execute(f"CREATE VIEW {identifier(name)} AS SELECT * FROM {identifier(registered)}")  # noqa: S608
        described = engine.execute(f"DESCRIBE {identifier(name)}").fetchall()
    except duckdb.Error:
        raise DataError(
            f"{PASSED} has a column of a type that cannot be read",
            slug="column-type",
            hint="use columns of text, integers, floats, truth values or dates",
        ) from None
    types = {column: str(row[1]) for column, row in zip(wanted, described, strict=False)}
    return Content(columns, types, frozenset(), picked.num_rows)


def as_arrow(table: pa.Table | pd.DataFrame, column_keys: Mapping[str, str] | None) -> pa.Table:
    """Return the columns asked for as an Arrow table, of which at least one row is there. Raises DataError."""
    columns = _names(table)
    wanted = wanted_columns(PASSED, columns, column_keys)
    picked = table.select(wanted) if isinstance(table, pa.Table) else _from_pandas(table, wanted)
    if not picked.num_rows:
        raise no_rows(PASSED)
    return picked


def _names(table: Any) -> tuple[str, ...]:
    if isinstance(table, pa.Table):
        return tuple(table.column_names)
    columns = getattr(table, "columns", None)
    if columns is None or not hasattr(table, "dtypes"):
        raise DataError("the evaluation set passed is neither a pandas DataFrame nor an Arrow table", slug="table-type")
    if not all(isinstance(column, str) for column in columns):
        raise DataError(f"{PASSED} has column names that are no texts", slug="column-name")
    return tuple(columns)


def _from_pandas(table: pd.DataFrame, wanted: Sequence[str]) -> pa.Table:
    arrays = []
    for column in wanted:
        try:
            arrays.append(pa.array(table[column], from_pandas=True))
        except (pa.ArrowException, ValueError, TypeError, OverflowError):
            raise DataError(
                f'{PASSED}: column "{shown(column)}" mixes types, or holds objects that are no cells',
                slug="column-type",
                hint='make it one type, for example table["x"].astype("string")',
            ) from None
    return pa.Table.from_arrays(arrays, names=list(wanted))


def _readable(column: Any) -> Any:
    """Convert a column to a type that DuckDB reads: half floats are widened, which changes no value."""
    return column.cast(pa.float32()) if pa.types.is_float16(column.type) else column
