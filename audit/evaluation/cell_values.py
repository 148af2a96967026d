"""Distinct values of a column, and the rows that hold some of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.engines.spark import SparkEngine
from audit.errors import DataError
from audit.evaluation.columns import text_of
from audit.evaluation.connection import reading
from audit.evaluation.relation import Relation
from audit.evaluation.row_numbers import rows_where
from audit.evaluation.sql import identifier
from audit.evaluation.suppressed import is_suppressed, suppressed_cells
from audit.vocabulary.text import shown

if TYPE_CHECKING:
    from audit.engines.protocol import Engine

MOST_VALUES = 10_000
"""Most distinct values that a column of labels or groups can have; with more it holds ids or free text."""


def distinct_texts(connection: Engine, relation: Relation, column: str) -> list[str | None]:
    """Distinct values of a column as canonical text, sorted, None last. Raises DataError if there are too many."""
    expression, name = relation.expression(column), identifier(relation.name)
    # The inner query groups cells as they are stored: converting each to text first would take several times as long.
    query = (
        f"SELECT DISTINCT {text_of('value', relation.types[column])} FROM "  # noqa: S608
        f"(SELECT DISTINCT {expression} AS value FROM {name} LIMIT {MOST_VALUES + 2})"
    )
    with reading(relation.source_name):
        values = [row[0] for row in connection.execute(query).fetchall()]
    if len(values) > MOST_VALUES:
        raise DataError(
            f'{shown(relation.source_name)}: "{shown(column)}" has more than {MOST_VALUES:,} different values',
            slug="too-many-values",
            hint="name the column that holds labels or groups, not one of ids, dates or free text",
        )
    return sorted(values, key=lambda value: (value is None, value or ""))


def rows_with(connection: Engine, relation: Relation, column: str, values: list[str]) -> tuple[int, list[int]]:
    """Number of rows that hold one of `values`, which were seen before, and the lowest row numbers."""
    text, name = text_of(relation.expression(column), relation.types[column]), identifier(relation.name)
    if isinstance(connection, SparkEngine):  # a value of a cell must not stand in a statement
        found = connection.sql(f"SELECT {text} AS value, count(*) AS cases FROM {name} GROUP BY 1").fetchall()  # noqa: S608
        return sum(cases for value, cases in found if value in values), []
    with reading(relation.source_name):
        count, rows = rows_where(connection, name, f"{text} IN (SELECT unnest($values))", {"values": values})
        if not count:
            raise EOFError("a value was seen and is in no row")  # a damaged Parquet file
        return count, rows


def refuse_suppressed(connection: Engine, relation: Relation, column: str, undeclared: list[str]) -> None:
    """Raise DataError if values that the plan does not declare are marks of suppression."""
    marks = [value for value in undeclared if is_suppressed(value)]
    if marks:
        raise suppressed_cells(relation.source_name, column, *rows_with(connection, relation, column, marks))
