"""Draft of a table of counts in a plan: every column that may be a number or a group is used or asked about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from audit.plan.evaluation_set import SIDES_OF_CELLS, CountedCell


@dataclass(frozen=True, slots=True)
class Counted:
    """Columns of a table of counts."""

    cells: Mapping[CountedCell, str]
    """Column of each number."""
    wrongly_flagged: tuple[str, ...] = ()
    """Columns that may hold the others wrongly flagged."""
    numbers: tuple[str, ...] = ()
    """Other columns that may hold a number that is not named."""
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Columns that may hold groups, with the values that may be shown. Left out, rows that differ in one are added."""
    marks: tuple[str, ...] = ()
    """Marks in the place of numbers that need a meaning."""
    zeros: tuple[str, ...] = ()
    """Cells 0 that may stand for a small number too."""

    @property
    def asked(self) -> dict[CountedCell, tuple[str, ...]]:
        """Numbers that a rate lacks, with the columns that may hold them."""
        candidates: dict[CountedCell, tuple[str, ...]] = {}
        for flagged, missed, total in SIDES_OF_CELLS:
            named = self.cells.keys() & {flagged, missed, total}
            offered = self.wrongly_flagged if flagged == "false_positives" and self.wrongly_flagged else self.numbers
            if len(named) < 2 and len(offered) >= 2 - len(named):
                undecided = (total, flagged) if not named else (flagged,) if total in named else (total,)
                candidates |= dict.fromkeys(undecided, offered)
        return candidates

    @property
    def named(self) -> Mapping[CountedCell, str]:
        """Columns of numbers of which a rate can be made."""
        complete_sides = [
            side for side in SIDES_OF_CELLS if len((self.cells.keys() | self.asked.keys()) & set(side)) > 1
        ]
        return {cell: name for side in complete_sides for cell, name in self.cells.items() if cell in side}

    def question(self, cell: CountedCell, words: str) -> str:
        """Which column a number lacks, and what to do where there is none."""
        if cell == "false_positives":
            words += ", without those rightly found"
        sides = (side for side in SIDES_OF_CELLS if cell in side)
        alone = any(self.named.keys() & set(side) for side in sides)
        without = "" if alone else f"; if none is, take out the numbers of {words.split()[0]} and the rule on them"
        return f"the column of {words}; it could be {' or '.join(self.asked[cell])}{without}"


CELLS: Final[Mapping[CountedCell, str]] = {
    "positives": "victims",
    "true_positives": "victims found",
    "false_negatives": "victims missed",
    "negatives": "others",
    "false_positives": "others wrongly flagged",
    "true_negatives": "others rightly not flagged",
}
"""Numbers of a table of counts, in words."""
