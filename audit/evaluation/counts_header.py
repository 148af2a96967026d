"""Recognise the columns of a table of counts by their names. A suggestion, never a decision."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from audit.evaluation.roles import HEADER_WORDS, snake_case
from audit.plan.evaluation_set import SIDES_OF_CELLS, CountedCell

_COUNTS: Final[Mapping[str, Mapping[str, str]]] = HEADER_WORDS["counts"]
_PARTS: Final = {**_COUNTS["parts"], "others": _COUNTS["parts"]["others"].format(**_COUNTS["parts"])}
_NAMES: Final = {cell: re.compile(_COUNTS["cells"][cell].format(**_PARTS)) for side in SIDES_OF_CELLS for cell in side}
_FLAGGED: Final = re.compile(_COUNTS["flagged"]["name"].format(**_PARTS))
_NUMBER_OF: Final = re.compile(_COUNTS["number_of"]["before"])
_NUMBER_SIGN: Final = re.compile(r"^\s*(n\s*\.?\s*[º°]\.?|№|#|no\.)", re.IGNORECASE)
"""Signs for `number of`. In plain letters `Nº víctimas` would read as no victims."""
HEADERS: Final[tuple[Mapping[str, CountedCell], ...]] = (
    {"tp": "true_positives", "fn": "false_negatives", "fp": "false_positives", "tn": "true_negatives"},
    {"positives": "positives", "found": "true_positives", "others": "negatives", "flagged": "false_positives"},
)
"""Headers that need no `cells` in the plan."""


@dataclass(frozen=True, slots=True)
class CountedColumns:
    """Columns of a table of counts."""

    cells: Mapping[CountedCell, str]
    """Column of each number."""
    wrongly_flagged: tuple[str, ...] = ()
    """Where no column says that it holds the others wrongly flagged: those that may."""
    numbers: tuple[str, ...] = ()
    """Other columns of whole numbers that differ from row to row: they may be cells with names that are not known."""
    merging: bool = False
    """Whether the other columns do not tell the rows apart, so that one of `numbers` may hold groups, such as years."""
    marks: tuple[str, ...] = ()
    """Marks in them that are no numbers and do not say what they hide."""
    zeros: tuple[str, ...] = ()
    """The cell 0 as it is written, where every other small number is hidden, so that it may stand for one."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that holds, or may hold, a number of cases."""
        return tuple(dict.fromkeys((*self.cells.values(), *self.wrongly_flagged, *self.numbers)))


def known_header(columns: Sequence[str]) -> Mapping[CountedCell, str] | None:
    """Return the column of each number where the header is one that needs no `cells`."""
    by_name = {column.strip().casefold(): column for column in columns}
    for header in HEADERS:
        if header.keys() <= by_name.keys():
            return {cell: by_name[name] for name, cell in header.items()}
    return None


def counted_columns(columns: Sequence[str]) -> CountedColumns | None:
    """Return the columns of a table of counts by their names; None where they make no rate."""
    known = known_header(columns)
    if known is not None:
        return CountedColumns(known)
    plain = {column: _NUMBER_OF.sub("", snake_case(_NUMBER_SIGN.sub("n ", column))) for column in columns}
    named = {cell: [column for column in columns if form.fullmatch(plain[column])] for cell, form in _NAMES.items()}
    flagged = tuple(column for column in columns if _FLAGGED.fullmatch(plain[column]))
    cells: dict[CountedCell, str] = {}
    for side in SIDES_OF_CELLS:
        cells |= {cell: named[cell][0] for cell in side if len(named[cell]) == 1}
    if len(cells.keys() & set(SIDES_OF_CELLS[0])) < 2 and len(cells.keys() & set(SIDES_OF_CELLS[1])) < 2:
        return None
    return CountedColumns(cells, flagged if cells.keys() & set(SIDES_OF_CELLS[1]) == {"negatives"} else ())
