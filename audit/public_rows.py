"""Short names of the rows of a public page: a page names its rows some thousand times, and a key has forty letters.

A name is made of consonants alone, so that no number, in digits or in words, can stand in it. The gate that explains
every public number makes the same names from the same list of groups (`audit.disclosure.printed`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

__all__ = ["ROW", "short_names"]

ROW: Final = "data-g"
"""The attribute that holds the short name of a row; on a path, those of its points, in their order."""
_LETTERS: Final = "bcdfghjklmnpqrstvwxz"


def short_names(keys: Iterable[str]) -> dict[str, str]:
    """A short name for each key, by its place among them."""
    return {key: _name(place) for place, key in enumerate(keys)}


def _name(place: int) -> str:
    rest, letter = divmod(place, len(_LETTERS))
    return (_name(rest - 1) if rest else "") + _LETTERS[letter]
