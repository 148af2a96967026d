"""Meaning of a value of a sensitive feature: a canonical code, or none and the reason."""

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
"""Reason why a value is not read. The set is closed: `REASONS` has the words for each."""

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
    """Meaning of a spelling."""

    code: str | None = None
    """Canonical code; None where the spelling is refused."""
    reason: Reason | None = None
    """Reason for the refusal."""
    candidates: tuple[str, ...] = ()
    """Codes that the spelling could mean, sorted. A person may choose one of them; the code never does."""
