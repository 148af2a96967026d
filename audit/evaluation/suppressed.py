"""Marks of suppressed cells, such as `<5`: they come from tables that were protected, and are not values of a case."""

from __future__ import annotations

import re

from audit.engines.protocol import literal
from audit.errors import DataError
from audit.vocabulary.text import rows_text, shown

PATTERN = r"^\s*(<|<=|≤|&lt;)\s*[0-9]+\s*$|^\s*\*+\s*$|^\s*\.\.+\s*$"
"""Marks `<5`, `< 10`, `<=5`, `≤5`, `&lt;5`, `*`, `**`, `..`; Python and DuckDB both read this pattern."""
_MARK = re.compile(PATTERN, re.ASCII)


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
