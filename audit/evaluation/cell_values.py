"""Distinct values of a column, the rows that hold some of them, and marks of suppressed cells.

Marks such as `<5` come from tables that were protected, and are not values of a case.
"""

from __future__ import annotations

import re

from audit.engines.protocol import Found, Holding, Values, literal
from audit.errors import DataError
from audit.evaluation.checks import Check, ask
from audit.evaluation.relation import Relation, text_of
from audit.vocabulary.text import rows_text, shown

MOST_VALUES = 10_000
"""Most distinct values that a column of labels or groups can have; with more it holds ids or free text."""
PATTERN = r"^\s*(<|<=|≤|&lt;)\s*[0-9]+\s*$|^\s*\*+\s*$|^\s*\.\.+\s*$"
"""Marks `<5`, `< 10`, `<=5`, `≤5`, `&lt;5`, `*`, `**`, `..`; Python and DuckDB both read this pattern."""
_MARK = re.compile(PATTERN, re.ASCII)


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
    rows: Found = yield from ask(Holding(text_of(relation.expression(column), relation.types[column]), tuple(values)))
    return rows


def refuse_suppressed(relation: Relation, column: str, undeclared: list[str]) -> Check[None]:
    """Raise DataError if values that the plan does not declare are marks of suppression."""
    marks = [value for value in undeclared if is_suppressed(value)]
    if marks:
        raise suppressed_cells(relation.source_name, column, *(yield from rows_with(relation, column, marks)))


def is_suppressed(text: str) -> bool:
    """Whether a cell is a mark of suppression."""
    return _MARK.search(text) is not None


def suppressed_condition(expression: str) -> str:
    """SQL that is true where a text expression is a mark of suppression."""
    return f"regexp_matches({expression}, {literal(PATTERN)})"


def suppressed_cells(source_name: str, column: str, count: int, first: list[int]) -> DataError:
    """Make the error for a column with marks of suppression."""
    return DataError(
        f'{shown(source_name)}: "{shown(column)}" holds marks of suppression such as <5 instead of values in '
        f"{rows_text(count, first)}",
        slug="suppressed-cells",
    )
