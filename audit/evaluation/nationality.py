"""Codes of nationality: ISO 3166-1, four of travel documents, and the regions of UN M49 above them.

The canonical code is the alpha-3 code. Alpha-2 (`NA` is Namibia), alpha-3 and numeric codes are read, in any letter
case, and the word `unknown`. A numeric code has three digits as text (`004`); only a column that is stored as numbers
may hold `4` for it. `XXA` (stateless), `XXB` (refugee), `XXC` (other refugee) and `XXX` (unspecified) are codes of ICAO
9303. `XXX` stays a group of its own: that a document leaves the nationality unspecified is a fact about the case, and
an empty cell is not. A plan that makes no difference writes `missing = ["XXX"]`.

Names are read as well, and any other value is refused with a reason: see `nationality_words`. Codes outside ISO, such
as `XKX` for Kosovo, are refused too. A `map` in the plan can name any of these codes, and also a code that ISO leaves
to users (`XKX`, `QZZ`): then a person has decided.

The rungs above the country are those of UN M49. Its finest sub-regions are used: Western Africa (011), not Sub-Saharan
Africa (202). M49 has no entry for Taiwan (TWN), which stands in Eastern Asia (030) as in other UN statistics, and no
region for Antarctica. A code without a region stands for itself on every rung. Names and groupings follow statistical
convention and say nothing about the status of any territory.
"""

from __future__ import annotations

import csv
import functools
import importlib.resources
import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from audit.evaluation.several import TOGETHER, joint_code, parts_of
from audit.evaluation.several import UNKNOWN as _UNKNOWN
from audit.vocabulary.groups import LevelName

UNKNOWN: Final = _UNKNOWN
TRAVEL_DOCUMENT_CODES = {
    "XXA": "stateless person",
    "XXB": "refugee (1951 Convention)",
    "XXC": "refugee (other)",
    "XXX": "unspecified nationality",
}
"""Codes of ICAO 9303 that are read, and their names in reports."""
_USER_ASSIGNED = re.compile(r"^(AA[A-Z]|Q[M-Z][A-Z]|X[A-Z]{2}|ZZ[A-Z])$")
COUNTRY, SUBREGION, REGION = "country", "m49-subregion", "m49-region"


class Country(NamedTuple):
    """A country or area of ISO 3166-1."""

    alpha3: str
    """Canonical code."""
    alpha2: str
    """Code of two letters."""
    numeric: str
    """Code of three digits; also the UN M49 code."""
    name: str
    """English name in UN M49."""
    subregion: str
    """UN M49 code of the sub-region; empty where there is none."""


class Region(NamedTuple):
    """A region or sub-region of UN M49."""

    code: str
    """Code of three digits."""
    name: str
    """English name."""
    region: str
    """For a sub-region: the region that contains it; empty for a region."""


@functools.cache
def countries() -> dict[str, Country]:
    """All countries and areas, by alpha-3 code. The data are written by tools/refresh_codes.py."""
    return {row[0]: Country(*row) for row in data_rows("countries.csv")}


@functools.cache
def regions() -> dict[str, Region]:
    """All regions and sub-regions, by code."""
    return {row[0]: Region(*row) for row in data_rows("regions.csv")}


def data_rows(name: str) -> list[list[str]]:
    """Rows of a table of the package, without its header."""
    text = importlib.resources.files("audit.evaluation").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.reader(text.splitlines()))[1:]


@functools.cache
def _spellings() -> dict[str, str]:
    spelt = {code: code for code in TRAVEL_DOCUMENT_CODES}
    for country in countries().values():
        for code in (country.alpha3, country.alpha2, country.numeric):
            spelt[code] = country.alpha3
    return spelt


def canonical(text: str, *, stored_as_number: bool = False) -> str | None:
    """Canonical code of a nationality code; None for anything else.

    Parameters
    ----------
    stored_as_number : bool
        Whether the column holds numbers: leading zeros are lost there, so that `4` is `004`.
    """
    if not text.isascii():  # a dotless i would become an I
        return None
    code = text.upper()
    if stored_as_number and code.isdigit():
        code = code.zfill(3)
    return _spellings().get(code)


def map_target(text: str) -> str | None:
    """Code that a `map` in the plan can name: a nationality code, a code that ISO leaves to users, or `unknown`."""
    if text.lower() == UNKNOWN:
        return UNKNOWN
    code = canonical(text)
    if code is None and _USER_ASSIGNED.match(text.upper()) and text.isascii():
        return text.upper()
    return code


def levels(codes: Iterable[str], rungs: tuple[str, ...]) -> tuple[LevelName, ...]:
    """Levels found, levels of several nationalities, and every level above, sorted by rung and code.

    Parameters
    ----------
    codes : iterable of str
        Canonical codes found.
    rungs : tuple of str
        Rungs of the feature, finest first.
    """
    names: dict[tuple[int, str], LevelName] = {}
    counted = set(codes)
    for code in counted | {part for several in counted for part in parts_of(several)}:
        climb = [_on_rung(code, rung) for rung in rungs]
        for index, (rung, (here, name)) in enumerate(zip(rungs, climb, strict=True)):
            parent = climb[index + 1][0] if index + 1 < len(rungs) else None
            parts = parts_of(here) if TOGETHER in here else ()
            names[index, here] = LevelName(rung=rung, code=here, name=name, parent=parent, parts=parts)
    return tuple(names[key] for key in sorted(names))


def name_of(code: str) -> str:
    """Name of a code of a country, of a travel document or of a region; the code itself where it has no name."""
    known = countries().get(code) or regions().get(code)
    return known.name if known is not None else TRAVEL_DOCUMENT_CODES.get(code, code)


def _on_rung(code: str, rung: str) -> tuple[str, str]:
    """Code and name on `rung` of the level that contains `code`."""
    if TOGETHER in code:
        parts = sorted({_on_rung(part, rung) for part in parts_of(code)})
        return joint_code(part for part, _ in parts), " + ".join(name for _, name in parts)
    country = countries().get(code)
    if country is None:
        return code, name_of(code)
    subregion = regions().get(country.subregion)
    if rung == COUNTRY or subregion is None:
        return code, country.name
    if rung == SUBREGION:
        return subregion.code, subregion.name
    return subregion.region, regions()[subregion.region].name
