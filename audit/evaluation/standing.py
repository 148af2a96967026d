"""Standing of a person in the country of exploitation: national, foreign, stateless, or unknown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from audit.evaluation.nationality import TRAVEL_DOCUMENT_CODES, UNKNOWN, data_rows

Standing = Literal["national", "foreign", "stateless", "unknown"]
STANDINGS: Final[tuple[Standing, ...]] = ("national", "foreign", "stateless", "unknown")
_STATELESS: Final = "XXA"

_STATE: Final = {code: state for state, codes in data_rows("of_a_state.csv") for code in codes.split()}
"""Codes of ISO 3166-1 of places that a state administers, or whose people often have its nationality, by the code of
that state. This says nothing about the status of any territory. It only keeps such pairs from being read."""


def standing(nationality: str, country: str) -> Standing | None:
    """Standing of a person of `nationality` in `country`, both canonical codes; None where the codes do not say.

    A refugee (XXB, XXC) or a person of unspecified nationality (XXX) can be a foreigner or stateless: unknown. If both
    are different codes of one state (PRI and USA, HKG and CHN), the codes do not say whether the person is a national:
    None, until the plan maps one of them.
    """
    if nationality == _STATELESS:
        return "stateless"
    if UNKNOWN in (nationality, country) or {nationality, country} & set(TRAVEL_DOCUMENT_CODES):
        return "unknown"
    if nationality == country:
        return "national"
    return None if _STATE.get(nationality, nationality) == _STATE.get(country, country) else "foreign"


def standing_of_all(standings: Iterable[Standing | None]) -> Standing | None:
    """Standing of a person with several nationalities, from the standing by each of them: national if any of them is.

    Otherwise None if one of them does not say, and unknown if one is unknown. A person with any other nationality is a
    foreigner, and stateless only if every record says so.
    """
    distinct = set(standings)
    for first in ("national", None, "unknown", "foreign"):
        if first in distinct:
            return first
    return "stateless"
