"""Rows in messages: their number and their row numbers, never their content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audit.engines.spark import SparkEngine
from audit.errors import DataError
from audit.evaluation.connection import reading
from audit.evaluation.relation import ROW, Relation
from audit.evaluation.sql import identifier
from audit.vocabulary.text import SHOWN, rows_text, shown

if TYPE_CHECKING:
    from audit.engines.protocol import Engine


def rows_where(
    connection: Engine, relation: str, condition: str, parameters: dict[str, Any] | None = None
) -> tuple[int, list[int]]:
    """Number of rows of `relation` that meet an SQL condition, and the lowest `SHOWN` of their row numbers.

    Spark has no row numbers, and only counts.
    """
    if isinstance(connection, SparkEngine):
        assert not parameters  # noqa: S101 - values of cells are never sent
        return connection.rows_where(relation, condition), []
    # Both names and condition are built by this package from quoted identifiers; values travel as parameters.
    # FILTER and not WHERE: for a WHERE, DuckDB skips row groups of a Parquet file whose statistics exclude the
    # condition, and these statistics leave NaN out.
    met = f"FILTER (WHERE {condition})"
    ((count, lowest),) = connection.execute(
        f"SELECT count(*) {met}, min({ROW}, {SHOWN}) {met} FROM {relation}",  # noqa: S608
        parameters or {},
    ).fetchall()
    if not count:
        return 0, []
    if len(lowest) < min(count, SHOWN):
        # seen with damaged Parquet files: the rows read depend on which columns are read
        raise EOFError("not the same rows twice")
    return int(count), sorted(int(row) for row in lowest)


def refuse_rows(connection: Engine, relation: Relation, condition: str, wrong: str, *, slug: str, hint: str) -> None:
    """Raise DataError if rows meet an SQL condition: what is `wrong`, in how many rows and in which."""
    with reading(relation.source_name):
        count, rows = rows_where(connection, identifier(relation.name), condition)
    if count:
        raise DataError(f"{shown(relation.source_name)}: {wrong} in {rows_text(count, rows)}", slug=slug, hint=hint)
