"""Recognise the columns of a table of counts by their names. A suggestion, never a decision."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from audit.evaluation.roles import snake_case
from audit.plan.evaluation_set import SIDES_OF_CELLS, CountedCell

_FOUND: Final = "found|detected|identified|detectad[oa]s|encontrad[oa]s|identificad[oa]s|trouvees|detectees|identifiees"
_VICTIMS: Final = "victims|victimas|victimes"
_NAMES: Final[Mapping[CountedCell, re.Pattern[str]]] = {
    "true_positives": re.compile(
        rf"tp|vp|true_positives?|verdaderos_positivos|vrais_positifs|(({_VICTIMS})_)?({_FOUND})|({_FOUND})_({_VICTIMS})"
    ),
    "false_negatives": re.compile(
        rf"fn|false_negatives?|falsos_negativos|faux_negatifs|(({_VICTIMS})_)?(missed|omitid[oa]s|manquees)|"
        rf"missed_victims|(({_VICTIMS})_)?(not|no|non)_({_FOUND})"
    ),
    "positives": re.compile(rf"positives|positivos|positifs|(total_)?({_VICTIMS})|({_VICTIMS})_total"),
    "false_positives": re.compile(
        r"fp|false_positives?|falsos_positivos|faux_positifs|wrongly_flagged|false_alarms|falsas_(alarmas|alertas)|"
        r"fausses_alertes"
    ),
    "true_negatives": re.compile(r"tn|vn|true_negatives?|verdaderos_negativos|vrais_negatifs"),
    "negatives": re.compile(
        rf"negatives|negativos|negatifs|others|otr[oa]s|autres|(non?|not)_({_VICTIMS})|(other|otras)_(people|personas)"
    ),
}
_FLAGGED: Final = re.compile(
    r"(people_|personas_|otr[oa]s_|others_)?(flagged|flags|alerts|senalad[oa]s|marcad[oa]s|alertas|signales|signalees|alertes)"
)
"""Flagged, and not of whom: it may be everyone who was flagged, found victims too."""
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
    marks: tuple[str, ...] = ()
    """Marks in them that are no numbers and do not say what they hide."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Every such column."""
        return (*self.cells.values(), *self.wrongly_flagged)


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
    named = {
        cell: [column for column in columns if form.fullmatch(snake_case(column))] for cell, form in _NAMES.items()
    }
    flagged = tuple(column for column in columns if _FLAGGED.fullmatch(snake_case(column)))
    cells: dict[CountedCell, str] = {}
    for side in SIDES_OF_CELLS:
        certain: dict[CountedCell, str] = {cell: named[cell][0] for cell in side if len(named[cell]) == 1}
        if len(certain) > 1 or (flagged and "negatives" in certain):
            cells |= certain
    if len(cells.keys() & set(SIDES_OF_CELLS[0])) < 2 and len(cells.keys() & set(SIDES_OF_CELLS[1])) < 2:
        return None
    return CountedColumns(cells, flagged if cells.keys() & set(SIDES_OF_CELLS[1]) == {"negatives"} else ())
