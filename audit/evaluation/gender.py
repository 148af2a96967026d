"""Gender: four canonical words, and nothing guessed from one letter.

M is man in Dutch and woman (mujer) in Spanish; K is woman (kvinna) in Swedish. So only the words themselves are known
without a `map` in the plan: `woman`, `man`, `non-binary`, `unknown`.
"""

from __future__ import annotations

from collections.abc import Iterable

from audit.evaluation.meaning import Meaning
from audit.evaluation.spelling import bare
from audit.evaluation.suppressed import is_suppressed
from audit.groups import LevelName
from audit.plan import GENDERS


def canonical(text: str) -> str | None:
    """The canonical word, in any letter case; None for anything else."""
    word = text.lower()
    return word if word in GENDERS else None


def read(text: str) -> Meaning:
    """What one value stands for, or why it stands for nothing."""
    code = canonical(text)
    if code is not None:
        return Meaning(code)
    plain = bare(text)
    if is_suppressed(plain):
        return Meaning(reason="suppressed")
    if plain.lstrip("+-").isdecimal():
        return Meaning(reason="number")
    return Meaning(reason="one_letter" if len(plain) == 1 else "unknown_word")


def levels(codes: Iterable[str], rungs: tuple[str, ...]) -> tuple[LevelName, ...]:
    """The names of the levels found."""
    return tuple(LevelName(rung=rungs[0], code=code, name=code) for code in sorted(codes))
