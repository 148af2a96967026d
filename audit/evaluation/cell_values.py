"""Distinct values of a column, and the rows that hold some of them."""

from __future__ import annotations

from audit.engines.protocol import Found, Holding, Values
from audit.errors import DataError
from audit.evaluation.checks import Check, ask
from audit.evaluation.relation import Relation, text_of
from audit.evaluation.suppressed import is_suppressed, suppressed_cells
from audit.vocabulary.text import shown

MOST_VALUES = 10_000
"""Most distinct values that a column of labels or groups can have; with more it holds ids or free text."""


def distinct_texts(relation: Relation, column: str) -> Check[list[str | None]]:
    """Distinct values of a column as canonical text, sorted, None last. Raises DataError if there are too many."""
    expression = relation.expression(column)
    values = yield from ask(Values(expression, text_of(expression, relation.types[column]), MOST_VALUES))
    if values is None:
        raise DataError(
            f'{shown(relation.source_name)}: "{shown(column)}" has more than {MOST_VALUES:,} different values',
            slug="too-many-values",
        )
    return sorted(values, key=lambda value: (value is None, value or ""))


def rows_with(relation: Relation, column: str, values: list[str]) -> Check[Found]:
    """Rows that hold one of `values`, which were seen before."""
    found: Found = yield from ask(Holding(text_of(relation.expression(column), relation.types[column]), tuple(values)))
    return found


def refuse_suppressed(relation: Relation, column: str, undeclared: list[str]) -> Check[None]:
    """Raise DataError if values that the plan does not declare are marks of suppression."""
    marks = [value for value in undeclared if is_suppressed(value)]
    if marks:
        raise suppressed_cells(relation.source_name, column, *(yield from rows_with(relation, column, marks)))
