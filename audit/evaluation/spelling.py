"""Two spellings of one name: case, accents, width, spaces and the marks between words make no difference."""

from __future__ import annotations

import functools
import unicodedata
from typing import Final

_BETWEEN_WORDS: Final = frozenset("'’‘ʼʻ`´\"“”«».,·()[]ـ")
"""Marks that a name can be written with or without: quotes, full stops, commas, brackets, the Arabic tatweel."""
_FULL_WIDTH: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_INVISIBLE: Final = frozenset("\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad")


def fold(text: str) -> str:
    """What two spellings of one name share.

    A compatibility caseless match (Unicode Standard, section 3.13, D146: NFKC, full case folding, NFKD) that also drops
    nonspacing marks (accents), format characters, whitespace, dashes, quotes, full stops, commas and brackets, and
    takes the dotless i for an i. Everything else counts: `Nigeria?`, `Nigeria*` and `Nigeria/Ghana` are not `Nigeria`,
    and a letter that Unicode does not take apart (`ł`, `ø`, `đ`) stays what it is.

    Neither the locale nor, for any character that Unicode had assigned when the names were written, the version of
    Python makes a difference: Unicode never changes the folding or the decomposition of an assigned character.
    """
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return "".join(one for one in plain if not _dropped(one)).casefold().replace("ı", "i")


@functools.lru_cache(maxsize=4096)
def _dropped(one: str) -> bool:
    return one.isspace() or one in _BETWEEN_WORDS or unicodedata.category(one) in {"Mn", "Cf", "Pd"}


def bare(text: str) -> str:
    """`text` without spaces around it and without invisible characters, full-width forms as ASCII.

    Not NFKC: a superscript two would become a digit of a code.
    """
    return "".join(one for one in text.translate(_FULL_WIDTH) if one not in _INVISIBLE).strip()
