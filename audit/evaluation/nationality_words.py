"""Meanings of the values of a nationality column: codes, names of countries and peoples, and reasons for a refusal.

The tables are data. `names.csv` and `names_odbl.csv` hold the names of countries and peoples by language;
`tools/refresh_names.py` writes them from maintained sources. `demonyms.csv` holds every gender and number of a demonym,
`variants.csv` names with abbreviations.
`words.csv` holds decisions of people, above all about words that are refused, and `around.csv` words such as `citizens
of`. `historic.csv` holds the withdrawn codes of ISO 3166-3. A spelling that two countries share, in
one language or in two, means neither of them.
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from audit.evaluation.cell_values import is_suppressed
from audit.evaluation.meaning import REASONS, Meaning, bare, fold
from audit.evaluation.nationality import UNKNOWN, canonical, countries, data_rows, regions

KOSOVO = "XKX"
"""Code that ISO leaves to users and that many use for Kosovo: a candidate, never a reading."""


class NameRow(NamedTuple):
    """A row of names.csv: a name of a country or region in some languages, as one source writes it."""

    code: str
    """Alpha-3 code of a country, or M49 code of a region."""
    kind: str
    """`short`, `official`, `demonym` or `region`."""
    name: str
    """The name as the source writes it."""
    languages: str
    """Languages that have this name, separated by spaces."""
    source: str
    """Source of the name; see docs/how-to/codes.md."""


class DemonymRow(NamedTuple):
    """A row of demonyms.csv: a demonym of a country, or of all countries that share it, in every gender and number."""

    codes: str
    """Alpha-3 or M49 codes, separated by spaces."""
    language: str
    forms: str
    """The forms, separated by bars."""


class HistoricCode(NamedTuple):
    """A row of historic.csv: a withdrawn entry of ISO 3166-3."""

    alpha3: str
    alpha2: str
    """Withdrawn code of two letters."""
    numeric: str
    """Withdrawn code of three digits; empty where a country of today has it, or where there was none."""
    name: str
    successors: str
    """Alpha-3 codes of the successors, separated by spaces."""


@functools.cache
def name_rows() -> tuple[NameRow, ...]:
    """All names with their sources."""
    rows = [NameRow(*row) for table in ("names.csv", "names_odbl.csv", "variants.csv") for row in data_rows(table)]
    for codes, language, forms in _demonym_rows():
        if codes in countries():
            rows += [NameRow(codes, "demonym", form, language, "audit7k") for form in forms.split("|")]
    return tuple(rows)


@functools.cache
def _demonym_rows() -> tuple[DemonymRow, ...]:
    return tuple(DemonymRow(*row) for row in data_rows("demonyms.csv"))


@functools.cache
def historic_codes() -> tuple[HistoricCode, ...]:
    """All withdrawn codes."""
    return tuple(HistoricCode(*row) for row in data_rows("historic.csv"))


@functools.cache
def meanings() -> Mapping[str, Meaning]:
    """Meaning of every known spelling, by its folded form. Decisions of people come before the names."""
    by_spelling = {spelling: _of_claims(codes) for spelling, codes in claims(name_rows()).items()}
    for codes, _, forms in _demonym_rows():
        if codes not in countries():
            by_spelling.update((fold(form), _decided("ambiguous", tuple(codes.split()))) for form in forms.split("|"))
    by_spelling.update(_withdrawn())
    for reading, codes, words in data_rows("words.csv"):
        meaning = _decided(reading, tuple(codes.split()))
        by_spelling.update((fold(word), meaning) for word in words.split("|"))
    return by_spelling


def claims(rows: Iterable[NameRow]) -> dict[str, set[str]]:
    """Codes that claim each folded spelling; more than one code is a collision."""
    claimed: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        claimed[fold(row.name)].add(row.code)
    for region in regions().values():
        claimed[fold(region.name)].add(region.code)
    return dict(claimed)


@functools.cache
def _around() -> tuple[str, ...]:
    """Folded words that may stand before or behind a name and change nothing: `citizens of`. The longest first."""
    return tuple(sorted({fold(word) for (word,) in data_rows("around.csv")}, key=lambda word: (-len(word), word)))


@functools.cache
def region_codes() -> frozenset[str]:
    """Codes of the regions of UN M49 that have a name, including those outside the ladder."""
    return frozenset(row.code for row in name_rows() if row.kind == "region")


def _of_claims(codes: set[str]) -> Meaning:
    if len(codes) > 1:
        return Meaning(reason="ambiguous", candidates=tuple(sorted(codes)))
    (code,) = codes
    if code in countries():
        return Meaning(code)
    return Meaning(None, "no_iso_code" if code == KOSOVO else "region", (code,))


def _withdrawn() -> dict[str, Meaning]:
    """Meanings of withdrawn codes. Only a code with one successor and more than two letters is read.

    Other lists reuse codes of two letters.
    """
    successors: dict[str, set[str]] = defaultdict(set)
    letters: set[str] = set()
    for entry in historic_codes():
        for code in (entry.alpha3, entry.alpha2, entry.numeric):
            successors[code].update(entry.successors.split())
        letters.add(entry.alpha2)
    return {
        fold(code): _meaning_of_successors(codes, readable=code not in letters)
        for code, codes in successors.items()
        if code
    }


def _meaning_of_successors(codes: set[str], *, readable: bool) -> Meaning:
    if readable and len(codes) == 1:
        return Meaning(min(codes))
    return Meaning(None, "historic", tuple(sorted(codes)))


def _decided(reading: str, codes: tuple[str, ...]) -> Meaning:
    if reading == "name":
        (code,) = codes
        return Meaning(code)
    (reason,) = [known for known in REASONS if known == reading]
    return Meaning(None, reason, tuple(sorted(codes)))


_NUMBER = re.compile(r"[+-]?[0-9][0-9.,]*%?")
_BOTH_GENDERS = re.compile(r"(?<=o)/-?a$|(?<=er)/-?in$|(?<=\w\w)\((a|e|ne)\)$")
"""Ending of `argentino/a`, `Nigerianer/-in`, `Béninois(e)`. In small letters: IN and NE are codes."""
_BETWEEN_SEVERAL = re.compile(r"[;,/&+|()\n]")


def read(text: str, *, stored_as_number: bool = False) -> Meaning:
    """Meaning of one value; never a guess.

    A code comes first, so that `NA` is Namibia. No name is spelt like a code of another country, which the tests hold.

    Parameters
    ----------
    stored_as_number : bool
        Whether the column holds numbers: leading zeros are lost there, so that `4` is `004`.
    """
    plain = bare(text)
    code = canonical(text, stored_as_number=stored_as_number) or canonical(plain, stored_as_number=stored_as_number)
    if code is not None:
        return Meaning(code)
    if plain.casefold() == UNKNOWN:
        return Meaning(UNKNOWN)
    if is_suppressed(plain):
        return Meaning(reason="suppressed")
    if _NUMBER.fullmatch(plain):
        return _number(plain.zfill(3) if stored_as_number else plain)
    folded, without_gender = fold(text), fold(_BOTH_GENDERS.sub("", plain))
    return meanings().get(folded) or meanings().get(without_gender) or _within(folded) or _unread(plain, folded)


def _within(folded: str) -> Meaning | None:
    """Meaning of the name in `citizens of Nigeria`; None where there is no such name."""
    return next((meanings()[rest] for rest in without_around(folded) if rest in meanings()), None)


def without_around(folded: str) -> list[str]:
    """What is left of a folded text without a word before or behind it that changes nothing, for each such word."""
    rests = [rest for word in _around() for rest in (folded.removeprefix(word), folded.removesuffix(word))]
    return [rest for rest in rests if rest != folded]


def _number(digits: str) -> Meaning:
    known = meanings().get(digits)  # withdrawn codes and nothing else have digits
    if known is not None:
        return known
    return Meaning(None, "region", (digits,)) if digits in region_codes() else Meaning(reason="number")


def _unread(plain: str, folded: str) -> Meaning:
    if not folded:
        return Meaning(reason="not_known")
    parts = [part for part in _BETWEEN_SEVERAL.split(plain) if part.strip()]
    codes = {_part(part) for part in parts} if len(parts) > 1 else set()
    if codes and None not in codes:
        known = tuple(sorted(code for code in codes if code))
        return Meaning(known[0]) if len(known) == 1 else Meaning(None, "several", known)
    return Meaning(reason="unknown_word")


def _part(part: str) -> str | None:
    plain = bare(part)
    meaning = meanings().get(fold(plain))
    return canonical(plain) or (meaning.code if meaning is not None else None)
