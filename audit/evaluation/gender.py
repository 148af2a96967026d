"""Gender: four canonical words, and nothing guessed from one letter.

M is man in Dutch and woman (mujer) in Spanish; K is woman (kvinna) in Swedish. So only the words themselves are known
without a `map` in the plan: `woman`, `man`, `non-binary`, `unknown`. A plan can declare that a column holds the codes
of a list. The code 9 (not applicable) of ISO/IEC 5218 is not read, nor is X or `<` (unspecified) of passports: whether
they mean unknown, non-binary or something else is for the plan to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from audit.evaluation.cell_values import is_suppressed
from audit.evaluation.meaning import Meaning, bare
from audit.plan.sections import GENDERS, GenderCodes
from audit.vocabulary.groups import LevelName

CODES: Final[Mapping[GenderCodes, Mapping[str, str]]] = {
    "iso-5218": {"0": "unknown", "1": "man", "2": "woman"},
    "icao-9303": {"f": "woman", "m": "man"},
    "unodc": {"female": "woman", "male": "man", "other": "non-binary", "unknown": "unknown"},
}
"""Codes of each list that a plan can declare, with their canonical words."""


def canonical(text: str) -> str | None:
    """Canonical word of a text in any letter case; None for anything else."""
    word = text.lower()
    return word if word in GENDERS else None


def read(text: str, codes: GenderCodes | None = None) -> Meaning:
    """Meaning of one value, or the reason why it has none; `codes` is the list whose codes the plan declares."""
    code = canonical(text) or (CODES[codes].get(bare(text).casefold()) if codes else None)
    if code is not None:
        return Meaning(code)
    plain = bare(text)
    if is_suppressed(plain):
        return Meaning(reason="suppressed")
    if plain.lstrip("+-").isdecimal():
        return Meaning(reason="number")
    return Meaning(reason="one_letter" if len(plain) == 1 else "unknown_word")


def levels(codes: Iterable[str], rungs: tuple[str, ...]) -> tuple[LevelName, ...]:
    """Names of the levels found."""
    return tuple(LevelName(rung=rungs[0], code=code, name=code) for code in sorted(codes))
