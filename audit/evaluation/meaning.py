"""Spellings of a name, and what a value of a sensitive feature means: a canonical code, or none and the reason.

Case, accents, width, spaces and the marks between words make no difference to a name.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple

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

_REFUSALS = json.loads((Path(__file__).parent / "data" / "refusals.json").read_text(encoding="utf-8"))
REASONS: Mapping[Reason, str] = _REFUSALS["reasons"]
OF_SPREADSHEETS: Mapping[str, tuple[str, str]] = _REFUSALS["spreadsheets"]
"""What is said and what helps, for each word of `audit.evaluation.sheet_text`."""


class Meaning(NamedTuple):
    """Meaning of a spelling."""

    code: str | None = None
    """Canonical code; None where the spelling is refused."""
    reason: Reason | None = None
    """Reason for the refusal."""
    candidates: tuple[str, ...] = ()
    """Codes that the spelling could mean, sorted. A person may choose one of them; the code never does."""


_BETWEEN_WORDS: Final = frozenset("'’‘ʼʻ`´\"“”«».,·()[]ـ")
"""Marks that may be left out of a name: quotes, full stops, commas, brackets, the Arabic tatweel."""
_FULL_WIDTH: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_INVISIBLE: Final = frozenset("\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad")


def fold(text: str) -> str:
    """Form that all spellings of one name share.

    A compatibility caseless match (Unicode Standard, section 3.13, D146: NFKC, full case folding, NFKD) that also drops
    nonspacing marks (accents), format characters, whitespace, dashes, quotes, full stops, commas and brackets, and
    replaces the dotless i by an i. Everything else counts: `Nigeria?`, `Nigeria*` and `Nigeria/Ghana` are not
    `Nigeria`,
    and a letter that Unicode does not decompose (`ł`, `ø`, `đ`) stays as it is.

    Neither the locale nor, for any character that Unicode had assigned when the names were written, the version of
    Python makes a difference: Unicode never changes the folding or the decomposition of an assigned character.
    """
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return plain.translate(_KEPT).casefold().replace("ı", "i")


class _Kept(dict[int, int | None]):
    """Character that stays of each one, by its code point: itself, or none. Each is asked for once."""

    def __missing__(self, point: int) -> int | None:
        character = chr(point)
        dropped = (
            character.isspace() or character in _BETWEEN_WORDS or unicodedata.category(character) in {"Mn", "Cf", "Pd"}
        )
        return self.setdefault(point, None if dropped else point)


_KEPT: Final = _Kept()


def bare(text: str) -> str:
    """Strip spaces around a text and all invisible characters, and write full-width forms as ASCII.

    NFKC is not used: it would turn a superscript two into a digit of a code.
    """
    return "".join(character for character in text.translate(_FULL_WIDTH) if character not in _INVISIBLE).strip()
