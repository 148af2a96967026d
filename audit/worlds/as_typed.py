"""Write genders and nationalities as people type them: codes, names in several languages, and words in no table.

The people stay the same. Somebody has to decide what the words in no table mean. `MAPS` is that decision; with it the
plan of a world reads every person as what they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from audit.worlds.draws import Draws
from audit.worlds.tabular import Columns
from audit.worlds.world import table

Feature = Literal["gender", "nationality"]
_CODE, _READ, _NOT_READ = 0.35, 0.58, 0.07
"""Shares of values: the code, another spelling that is read, and a spelling that is not read."""

_Spellings = Mapping[Feature, Mapping[str, Sequence[str]]]
_TABLE: Final = table("spellings")
READ: Final[_Spellings] = _TABLE["read"]
"""By level: spellings that `audit7k codes` reads as that level."""
_UNREAD: Final[_Spellings] = _TABLE["unread"]
MAPS: Final[Mapping[Feature, Mapping[str, str]]] = {
    feature: {spelling: level for level, spellings in by_level.items() for spelling in spellings}
    for feature, by_level in _UNREAD.items()
}
"""The level that each spelling in no table stands for."""

NOT_KNOWN: Final[Mapping[Feature, tuple[str | None, ...]]] = {
    "gender": (None, None, None, "N/A", "unknown", "?"),
    # a language or a people says nothing of a passport, so that nationality stays unknown
    "nationality": (None, None, None, None, "N/A", "unknown", "?", "Bengali", "Amazigh"),
}
"""Values that people type for something unknown."""
MISSING: Final[Mapping[Feature, tuple[str, ...]]] = {
    "gender": ("?", "N/A"),
    "nationality": ("?", "Amazigh", "Bengali", "N/A"),
}
"""The values for unknown that a plan has to declare."""
_SEPARATOR: Final = "/"


def as_people_type(columns: Columns, draws: Draws) -> Columns:
    """Replace the codes of genders and nationalities by words; `draws` must not be used afterwards."""
    return {
        **columns,
        "gender": _spelled("gender", columns["gender"], draws),
        "nationality": _spelled("nationality", columns["nationality"], draws),
    }


def _spelled(feature: Feature, values: Sequence[str | None], draws: Draws) -> list[str | None]:
    ways = draws.pick((_CODE, _READ, _NOT_READ), len(values)).tolist()
    places = draws.uniform(len(values)).tolist()
    return [_spelling(feature, value, way, share) for value, way, share in zip(values, ways, places, strict=True)]


def _spelling(feature: Feature, value: str | None, way: int, share: float) -> str | None:
    if value is None:
        return NOT_KNOWN[feature][int(share * len(NOT_KNOWN[feature]))]
    if _SEPARATOR in value:  # several in one cell: people who type two know the codes
        return value
    spellings = (READ[feature], READ[feature], _UNREAD[feature])[way].get(value, ())
    if way == 0 or not spellings:
        return value
    return spellings[int(share * len(spellings))]
