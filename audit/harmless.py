"""Text that other people wrote, made harmless: what cannot be seen, or reorders what can, is shown as what it is.

Here and not with the reports, because the gate that explains every number of a public file must read names as reports
write them: `[U+200F]` has digits.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["harmless", "starts_formula", "without_unseen"]

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
"""What a program may leave out before it looks whether a cell is a formula."""
_FORMULA: Final = ("=", "+", "-", "@")


def harmless(text: str) -> str:
    """`text` on one line, with each unseen or direction-changing character written out as `[U+202E]`."""
    if text.isascii() and text.isprintable():
        return text
    return without_unseen(_WHITE.sub(" ", text))


def without_unseen(text: str) -> str:
    """`text` with each unseen or direction-changing character written out as `[U+202E]`; its lines stay as they are."""
    return _UNSEEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)


def starts_formula(cell: str) -> bool:
    """Whether a spreadsheet may take a cell for a formula: full-width and small forms of the signs count as well."""
    begin = _SKIPPED.match(cell)
    return unicodedata.normalize("NFKC", cell[begin.end() if begin else 0 :][:1]).startswith(_FORMULA)
