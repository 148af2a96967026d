"""Text for people: harmless forms of text from elsewhere, row numbers, counted nouns.

A character that is invisible, or reorders others, is written out: `[U+200F]`.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Sequence
from typing import Final

_WHITE: Final = re.compile(r"[\t\n\r\x0b\x0c\x85\u2028\u2029]+")

_UNSEEN: Final = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029"  # control characters
    "\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"  # direction controls and other unseen ones
    "\ud800-\udfff\ufdd0-\ufdef\ufff9-\ufffb\ufffe\uffff"  # no characters at all
    "\U000e0000-\U000e007f"  # tags
    "]"
)

_SKIPPED: Final = re.compile(r"[\s\u00ad\u034f\u180b-\u180e\u200b-\u200f\u2060-\u206f\ufe00-\ufe0f\ufeff]+")
"""Characters that a program may skip before it checks whether a cell is a formula."""

_FORMULA: Final = ("=", "+", "-", "@")


def harmless(text: str) -> str:
    """Put `text` on one line, with each invisible or direction-changing character written out as `[U+202E]`."""
    if text.isascii() and text.isprintable():
        return text
    return without_unseen(_WHITE.sub(" ", text))


def without_unseen(text: str) -> str:
    """Write out each invisible or direction-changing character as `[U+202E]`; lines stay as they are."""
    return _UNSEEN.sub(lambda match: f"[U+{ord(match[0]):04X}]", text)


def starts_formula(cell: str) -> bool:
    """Whether a spreadsheet may take a cell for a formula: full-width and small forms of the signs count too."""
    begin = _SKIPPED.match(cell)
    return unicodedata.normalize("NFKC", cell[begin.end() if begin else 0 :][:1]).startswith(_FORMULA)


LANGUAGES: Final = ("en", "fr", "es", "ar", "ru", "zh")
"""Codes of the languages that reports are written in: the six of the United Nations."""
SHOWN = 5
"""Number of row numbers that a message lists before it gives the number of further rows."""


def rows_text(count: int, first: Sequence[int]) -> str:
    """Text for row numbers: `row 7`, `rows 3 and 9`, or `rows 1, 2, 3, 4, 5 and 12 more`.

    Parameters
    ----------
    count : int
        Number of rows; at least 1.
    first : sequence of int
        Lowest row numbers; at least min(count, SHOWN) of them, or none where rows have no numbers.
    """
    if not first:
        return count_of(count, "row")
    listed = first[:SHOWN]
    shown = [str(number) for number in dict.fromkeys(listed)]
    more = count - len(listed)
    if more and len(shown) < len(listed):  # a row of a table of counts is met once for each of its numbers
        return f"rows {', '.join(shown)} and perhaps more"
    if len(shown) == 1 and not more:
        return f"row {shown[0]}"
    if more:
        return f"rows {', '.join(shown)} and {more} more"
    return f"rows {', '.join(shown[:-1])} and {shown[-1]}"


def count_of(count: int, singular: str, plural: str = "") -> str:
    """Write a count with its noun: `1 row`, `12,000 rows`."""
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"


def printable(text: str) -> str:
    """`text` on one line, with `?` for each character that could move the cursor, change colours or not be seen."""
    return "".join(character if character.isprintable() else "?" for character in text)


def shown(name: str) -> str:
    """Name of a file or column for a message: on one line, at most 80 characters."""
    plain = printable(name)
    return plain if len(plain) <= 80 else plain[:79] + "…"


def listed(names: Sequence[str], most: int) -> str:
    """List names that may be shown, at most `most` of them, and the number of the others."""
    return first_of([shown(name) for name in names], most)


def first_of(texts: Sequence[str], most: int, between: str = ", ") -> str:
    """Join the first `most` texts, and the number of the others."""
    more = f" and {len(texts) - most:,} more" if len(texts) > most else ""
    return between.join(texts[:most]) + more


def day_in(text: str) -> dt.date | None:
    """Return the day that a text is, as YYYY-MM-DD; None where it is anything else."""
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.isoformat() == text else None
