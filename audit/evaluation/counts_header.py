"""Recognise the columns of a table of counts by their names. A suggestion, never a decision."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from audit.evaluation.roles import snake_case
from audit.plan.evaluation_set import SIDES_OF_CELLS, CountedCell

_FOUND: Final = (
    "found|detected|identified|(detect|detet|encontr|identific)ad[oa]s|(trouve|detecte|identifie|repere)e?s|"
    "(individu|identific|rilev|trov)at[ei]|(erkannt|gefunden|entdeckt|identifiziert)(en?)?"
)
_FLAGGED_WORD: Final = (
    "flagged|flags|alerts|(senal|marc|alert|sinaliz|assinal)ad[oa]s|alertas|signale?es|signales|alertes|segnalat[ei]|"
    "gemeldete?|markierte?"
)
_VICTIMS: Final = "victims|victimas|victimes|vitimas|vittime|opfer"
_NOT: Final = "not|no|non|nao|nicht"
_WRONGLY: Final = (
    "wrongly|falsely|(by|in)_(mistake|error)|po[rn]_(error|erro|equivocacion)|per_errore|par_erreur|a_tort|"
    "erroneamente|irrtumlich|falschlich|falschlicherweise|zu_unrecht"
)
_OTHERS: Final = rf"others|otr[oa]s|autres|outr[oa]s|altr[ei]|andere|ubrige|({_NOT}|keine?)_?({_VICTIMS})"
_PEOPLE: Final = "people|personas|pessoas|personnes|persone|personen"
_NAMES: Final[Mapping[CountedCell, re.Pattern[str]]] = {
    "true_positives": re.compile(
        rf"tp|vp|true_positives?|verdad(er|eir)os_positivos|vrais_positifs|veri_positivi|richtig_positive|"
        rf"(({_VICTIMS})_)?({_FOUND})|({_FOUND})_({_VICTIMS})|({_VICTIMS})_({_FLAGGED_WORD})"
    ),
    "false_negatives": re.compile(
        rf"fn|false_negatives?|falsos_negativos|faux_negatifs|falsi_negativi|falsch_negative|"
        rf"(({_VICTIMS})_)?(missed|omitid[oa]s|manquees|mancat[ei]|ubersehene?)|(missed|ubersehene)_({_VICTIMS})|"
        rf"(({_VICTIMS})_)?({_NOT})_({_FOUND})(_({_VICTIMS}))?"
    ),
    "positives": re.compile(rf"positives?|positivos|positifs|positivi|(total_(de_)?)?({_VICTIMS})|({_VICTIMS})_total"),
    "false_positives": re.compile(
        rf"fp|false_positives?|falsos_positivos|faux_positifs|falsi_positivi|falsch_positive|false_alarms|"
        rf"falsas_(alarmas|alertas)|falsos_alarmes|fausses_alertes|falsi_allarmi|fehlalarme|"
        rf"(({_OTHERS})_)?({_FLAGGED_WORD}|{_FOUND})_({_WRONGLY})|({_WRONGLY})_({_FLAGGED_WORD}|{_FOUND})|"
        rf"({_NOT})_?({_VICTIMS})_({_FLAGGED_WORD})"
    ),
    "true_negatives": re.compile(
        r"tn|vn|true_negatives?|verdad(er|eir)os_negativos|vrais_negatifs|veri_negativi|richtig_negative"
    ),
    "negatives": re.compile(rf"negatives?|negativos|negatifs|negativi|other_people|({_OTHERS})(_({_PEOPLE}))?"),
}
_FLAGGED: Final = re.compile(rf"(({_PEOPLE}|{_OTHERS})_)?({_FLAGGED_WORD})")
"""Flagged, and not of whom: it may be everyone who was flagged, found victims too."""
_NUMBER_SIGN: Final = re.compile(r"^\s*(n\s*\.?\s*[º°]\.?|№|#|no\.)", re.IGNORECASE)
"""Signs for `number of`. In plain letters `Nº víctimas` would read as no victims."""
_NUMBER_OF: Final = re.compile(
    r"^(total_)?(n|nb|nr|num|numero|number|nombre|cantidad|quantidade|anzahl|count)_((de|of|di|der|des|d)_)?"
)
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
        """Every such column."""
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
