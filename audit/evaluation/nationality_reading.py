"""How a value of a nationality column is read: as a code, then as a name, else not at all and with the reason."""

from __future__ import annotations

import re

from audit.evaluation.meaning import Meaning
from audit.evaluation.nationality import UNKNOWN, canonical
from audit.evaluation.nationality_words import meanings, region_codes
from audit.evaluation.spelling import bare, fold
from audit.evaluation.suppressed import is_suppressed

_NUMBER = re.compile(r"[+-]?[0-9][0-9.,]*%?")
_BETWEEN_SEVERAL = re.compile(r"[;,/&+|\n]")


def read(text: str, *, stored_as_number: bool = False) -> Meaning:
    """What one value stands for; never a guess.

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
    folded = fold(text)
    return meanings().get(folded) or _unread(plain, folded)


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
    if len(codes) > 1 and None not in codes:
        return Meaning(None, "several", tuple(sorted(code for code in codes if code)))
    return Meaning(reason="unknown_word")


def _part(part: str) -> str | None:
    plain = bare(part)
    meaning = meanings().get(fold(plain))
    return canonical(plain) or (meaning.code if meaning is not None else None)
