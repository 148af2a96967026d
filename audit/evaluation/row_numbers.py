"""Rows in messages: how many and which, by number, never by content."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from audit.evaluation.relation import ROW

if TYPE_CHECKING:
    import duckdb

SHOWN = 5
"""Row numbers that a message lists before it says how many more there are."""


def rows_text(count: int, first: Sequence[int]) -> str:
    """`row 7`, `rows 3 and 9`, or `rows 1, 2, 3, 4, 5 and 12 more`.

    Parameters
    ----------
    count : int
        How many rows it is about; at least 1.
    first : sequence of int
        The lowest of their numbers; at least min(count, SHOWN) of them.
    """
    shown = [str(number) for number in first[:SHOWN]]
    more = count - len(shown)
    if count == 1:
        return f"row {shown[0]}"
    if more:
        return f"rows {', '.join(shown)} and {more} more"
    return f"rows {', '.join(shown[:-1])} and {shown[-1]}"


def count_of(count: int, singular: str, plural: str = "") -> str:
    """`1 row`, `12,000 rows`."""
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"


def rows_where(
    connection: duckdb.DuckDBPyConnection, relation: str, condition: str, parameters: dict[str, Any] | None = None
) -> tuple[int, list[int]]:
    """How many rows of `relation` meet an SQL condition, and the lowest `SHOWN` of their numbers."""
    # Both names and condition are built by this package from quoted identifiers; values travel as parameters.
    # FILTER and not WHERE: row groups of a Parquet file whose statistics say that no row can meet a condition are not
    # read for a WHERE, and these statistics leave NaN out.
    met = f"FILTER (WHERE {condition})"
    ((count, lowest),) = connection.execute(
        f"SELECT count(*) {met}, min({ROW}, {SHOWN}) {met} FROM {relation}",  # noqa: S608
        parameters or {},
    ).fetchall()
    if not count:
        return 0, []
    if len(lowest) < min(count, SHOWN):
        # seen with damaged Parquet files: what is read depends on which columns are read
        raise EOFError("not the same rows twice")
    return int(count), sorted(int(row) for row in lowest)
