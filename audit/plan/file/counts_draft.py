"""Draft of a table of counts in a plan: every column that may be a number or a group is used or asked about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from audit.plan.evaluation_set import SIDES_OF_CELLS, CountedCell
from audit.plan.file.unfinished import WRITE_HERE, toml_text


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
        found: dict[CountedCell, tuple[str, ...]] = {}
        for flagged, missed, total in SIDES_OF_CELLS:
            named = self.cells.keys() & {flagged, missed, total}
            offered = self.wrongly_flagged if flagged == "false_positives" and self.wrongly_flagged else self.numbers
            if len(named) < 2 and len(offered) >= 2 - len(named):
                asked = (total, flagged) if not named else (flagged,) if total in named else (total,)
                found |= dict.fromkeys(asked, offered)
        return found

    @property
    def named(self) -> Mapping[CountedCell, str]:
        """Columns of numbers of which a rate can be made."""
        whole = [side for side in SIDES_OF_CELLS if len((self.cells.keys() | self.asked.keys()) & set(side)) > 1]
        return {cell: name for side in whole for cell, name in self.cells.items() if cell in side}


_CELLS: Final[Mapping[CountedCell, str]] = {
    "positives": "victims",
    "true_positives": "victims found",
    "false_negatives": "victims missed",
    "negatives": "others",
    "false_positives": "others wrongly flagged",
    "true_negatives": "others rightly not flagged",
}


def counts_section(counted: Counted, file: Sequence[str]) -> str:
    """Return the section of a table of counts; `file` are its lines that name the file."""
    lines = ["# A table of counts, one row a group. Take rows of totals out: their cases would count twice."]
    lines += ["[evaluation_set]", *file]
    lines.append(f'label_source = "{WRITE_HERE}: who labelled the cases, and how"')
    if not counted.zeros:
        lines.append('# Where 0 stands for a small number, say so: suppressed = { "0" = [0, 9] }. <10 says it itself.')
    if counted.marks or counted.zeros:
        meaning = f"{WRITE_HERE}: [least, most] that the mark hides, such as [1, 9]"
        zero = f"{WRITE_HERE}: small numbers are hidden. Is 0 nobody: [0, 0], or hidden too: [0, 9]?"
        lines.append("[evaluation_set.suppressed]")
        lines += [f"{toml_text(mark)} = {toml_text(meaning)}" for mark in counted.marks]
        lines += [f"{toml_text(cell)} = {toml_text(zero)}" for cell in counted.zeros]
    lines.append("[evaluation_set.cells]")
    for cell, words in _CELLS.items():
        if cell in counted.named:
            lines.append(f"{cell} = {toml_text(counted.named[cell])}  # taken for: {words}")
        elif cell in counted.asked:
            lines.append(f"{cell} = {toml_text(_asked_cell(counted, cell, words))}")
    return "\n".join(lines) + "\n"


def _asked_cell(counted: Counted, cell: CountedCell, words: str) -> str:
    if cell == "false_positives":
        words += ", without those rightly found"
    offered = " or ".join(counted.asked[cell])
    sides = (side for side in SIDES_OF_CELLS if cell in side)
    alone = any(counted.named.keys() & set(side) for side in sides)
    without = "" if alone else f"; if none is, take out the numbers of {words.split()[0]} and the rule on them"
    return f"{WRITE_HERE}: the column of {words}; it could be {offered}{without}"


def group_section(counted: Counted, feature: str, column: str) -> str:
    """Return the section of a column that may hold groups."""
    lines = [f"# A column that is not known. Without it, rows that differ in {toml_text(column)} alone are added up."]
    values = counted.groups[column]
    if values:
        lines.append(f"# Its values: {', '.join(map(toml_text, values))}")
        lines.append('# Those that say that it is not known: missing = ["..."]')
    lines += [f"[groups.{feature if feature.isascii() else toml_text(feature)}]", f"column = {toml_text(column)}"]
    kinds = "categorical (groups are its values as they stand), gender or nationality"
    no = f"if it holds no groups, take this section out, and {feature} out of the rules"
    lines.append(f"coding = {toml_text(f'{WRITE_HERE}: {kinds}; {no}')}")
    return "\n".join(lines) + "\n"
