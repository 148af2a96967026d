"""The page that `describe` prints: Markdown, of what the description holds and of nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from audit.cli.console.group_names import printable

if TYPE_CHECKING:
    from audit.disclosure.description.document import DescribedTable, SetDescription

__all__ = ["description_page"]


def description_page(description: SetDescription) -> str:
    """The page, whole."""
    lines = [
        f"# Description of the evaluation set of {_cell(description.title)}",
        "",
        f"Rows are {_cell(description.rows_are)}; labels: {_cell(description.label_source)}.",
        f"Made on {description.made_on} with {_cell(description.library)}, {description.mechanism} noise.",
        "",
        *_cost(description),
    ]
    for table in description.tables:
        lines += ["", *_table(table, description.unit)]
    if description.not_described:
        names = ", ".join(_cell(name) for name in description.not_described)
        lines += ["", f"Not described: {names}. The plan gives no fixed list of levels (`expected`)."]
    lines += ["", "## How to read this", "", *(f"- {note}" for note in description.notes)]
    return "\n".join(lines) + "\n"


def _cost(description: SetDescription) -> Iterator[str]:
    one = "row" if description.unit == "row" else "cluster"
    yield (
        f"Epsilon of this description: {description.epsilon:g}. Whatever a reader knows otherwise, these numbers "
        f"change the odds that any one {one} is in the set by a factor of at most {_factor(description.epsilon)}."
    )
    yield ""
    yield (
        f"Spent so far, this included: {description.spent:g} of {description.budget:g}. For all descriptions together "
        f"the factor is at most {_factor(description.spent)}. Another description spends more; none gives any back."
    )


def _factor(epsilon: float) -> str:
    """The power of e to an epsilon, rounded upwards to three digits: it is a bound."""
    factor = math.exp(epsilon)
    unit = 10.0 ** (math.floor(math.log10(factor)) - 2)
    return f"{math.ceil(factor / unit) * unit:,.{2 if factor < 10 else 1 if factor < 100 else 0}f}"


def _table(table: DescribedTable, unit: str) -> Iterator[str]:
    yield f"## Rows by {' and '.join(_cell(axis) for axis in table.axes)}"
    yield ""
    rows = "1" if table.sensitivity == 1 else f"{table.sensitivity:,} in all"
    yield (
        f"Epsilon {table.epsilon:g}: one {unit} more or less changes these counts by at most {rows}. "
        f"At least 95 % of counts are off by at most {table.error_95:,}."
    )
    yield ""
    yield f"| {' | '.join(_cell(axis) for axis in table.axes)} | rows |"
    yield f"|{'---|' * len(table.axes)}---:|"
    for cell in table.cells:
        yield f"| {' | '.join(_cell(name) for name in cell.names)} | {cell.count:,} |"


def _cell(text: str) -> str:
    """A text on one line that is neither markup nor the end of a cell."""
    plain = printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{character}" if character in "\\|*_[]#`!" else character for character in plain)
