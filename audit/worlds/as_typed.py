"""Write genders and nationalities as people type them: codes, names in several languages, and words in no table.

The people stay the same. Somebody has to decide what the words in no table mean. `MAPS` is that decision; with it the
plan of a world reads every person as what they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from audit.worlds.draws import Draws
from audit.worlds.tabular import Columns

Feature = Literal["gender", "nationality"]
_CODE, _READ, _NOT_READ = 0.35, 0.58, 0.07
"""Shares of values: the code, another spelling that is read, and a spelling that is not read."""

READ: Final[Mapping[Feature, Mapping[str, tuple[str, ...]]]] = {
    "gender": {
        "woman": ("Woman", "WOMAN"),
        "man": ("Man", "MAN"),
        "non-binary": ("Non-binary", "Non-Binary"),
    },
    "nationality": {
        "PHL": ("Filipino", "Filipina", "PHILIPPINES", "Filipinas", "the Philippines", "philippine"),
        "NPL": ("Nepali", "nepalese", "Nepal ", "Népal", "NEPAL"),
        "IND": ("Indian", "india", "Inde", "INDIAN", "IN"),
        "VNM": ("Vietnamese", "vietnam", "Viet Nam", "VIETNAM", "Viêt Nam"),
        "COL": ("Colombian", "colombia", "Colombie", "COLOMBIA"),
        "KEN": ("Kenyan", "kenya", "KENYA", "Kenia"),
        "NGA": ("Nigerian", "nigeria", "NG", "Nigéria", "NIGERIAN"),
        "MAR": ("Moroccan", "maroc", "Marruecos", "Marroquí", "MOROCCO"),
        "BRA": ("Brazilian", "brasil", "Brésil", "BRAZIL"),
        "BGD": ("Bangladeshi", "bangladesh", "BANGLADESH"),
        "UKR": ("Ukrainian", "ucrania", "Ukraine ", "UKRAINE"),
        "ROU": ("Romanian", "romania", "Roumanie", "Rumania"),
        "VEN": ("Venezuelan", "venezuela", "VENEZUELA"),
        "XXA": ("stateless", "apatride", "no nationality"),
        "FJI": ("Fijian", "fiji"),
        "BTN": ("Bhutanese", "bhutan"),
        "PRT": ("Portuguese", "portugal", "PORTUGAL"),
        "DEU": ("German", "germany", "Deutschland", "Allemagne"),
        "POL": ("Polish", "poland", "Polska", "Pologne"),
    },
}  # fmt: skip
"""By level: spellings that `audit7k codes` reads as that level."""

_UNREAD: Final[Mapping[Feature, Mapping[str, tuple[str, ...]]]] = {
    "gender": {"woman": ("F", "female", "mujer"), "man": ("M", "male", "hombre"), "non-binary": ("no binario",)},
    "nationality": {
        "PHL": ("Phillipines", "Philippino"),
        "NPL": ("Nepalee",),
        "IND": ("Indain",),
        "KEN": ("Kenian",),
        "NGA": ("Nigerain",),
        "MAR": ("Morrocan",),
        "BRA": ("Brazillian",),
        "UKR": ("Ukrain",),
        "VEN": ("Venezuelian",),
        "PRT": ("Portugese",),
        "DEU": ("Deutch",),
        "POL": ("Polnish",),
    },
}
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
    return [_spelling(feature, value, way, place) for value, way, place in zip(values, ways, places, strict=True)]


def _spelling(feature: Feature, value: str | None, way: int, place: float) -> str | None:
    if value is None:
        return NOT_KNOWN[feature][int(place * len(NOT_KNOWN[feature]))]
    if _SEPARATOR in value:  # several in one cell: people who type two know the codes
        return value
    spellings = (READ[feature], READ[feature], _UNREAD[feature])[way].get(value, ())
    if way == 0 or not spellings:
        return value
    return spellings[int(place * len(spellings))]
