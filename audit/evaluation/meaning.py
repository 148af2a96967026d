"""What a value of a sensitive feature stands for: a canonical code, or nothing and the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Reason = Literal[
    "ambiguous",
    "historic",
    "no_iso_code",
    "part",
    "other_code",
    "relative",
    "total",
    "not_known",
    "not_a_nationality",
    "region",
    "number",
    "several",
    "suppressed",
    "one_letter",
    "unknown_word",
]
"""Why a value is not read. The set is closed: `REASONS` says each in words."""

REASONS: Mapping[Reason, str] = {
    "ambiguous": "more than one country or region is called that",
    "historic": "a country or code of the past",
    "no_iso_code": "ISO 3166 has no code for it",
    "part": "a part of a state, not a nationality of its own",
    "other_code": "a code of another list, or of an organisation",
    "relative": "relative to a country that the value does not name",
    "total": "a total, not a case: take such rows out of the file",
    "not_known": "says that it is not known, or something else",
    "not_a_nationality": "a people, a language, a religion or a colour, not a nationality",
    "region": "a part of the world, not a nationality",
    "number": "a number that is no code",
    "several": "several nationalities in one cell",
    "suppressed": "a mark of suppression, not a value",
    "one_letter": "one letter, which means one thing in one language and another in the next",
    "unknown_word": "in none of the tables",
}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a spelling stands for."""

    code: str | None = None
    """The canonical code; None where it is refused."""
    reason: Reason | None = None
    """Why it is refused."""
    candidates: tuple[str, ...] = ()
    """Codes that it could stand for, sorted: for a person to choose from, never chosen here."""
