"""Text as a reader sees it: without characters that nobody sees, and letters without width, marks or case.

"seventeen" in full-width letters, with soft hyphens or with accents is the same word to whoever reads it.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_UNSEEN: Final = re.compile(
    "[\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Category Cf, and what Unicode's Default_Ignorable_Code_Point adds to it: fillers, joiners, variation selectors."""
_MARKS: Final = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0610-\u061a\u0640\u064b-\u0653\u0655-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed"
    "\u08d3-\u08e1\u08e3-\u08ff\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u3099\u309a\ufe20-\ufe2f]"
)
"""Combining marks of the scripts of the reports, and the Arabic stroke that stretches a word; not the hamza above."""
_HAMZA: Final = "\u0654"
_SAME: Final = str.maketrans({"ى": "ي", "ی": "ي", "ک": "ك", "ة": "ه"})
"""Arabic letters that many write for one another."""


def visible(text: str) -> str:
    """A text without the characters that are not drawn: soft hyphens, joiners, marks of direction."""
    return text if text.isascii() else _UNSEEN.sub("", text)


def plain(text: str) -> str:
    """A text with its letters in one form, as words are compared."""
    if text.isascii():
        return text.casefold()
    decomposed = unicodedata.normalize("NFKD", visible(text)).casefold()
    # Folding of case can bring marks of its own.
    bare = _MARKS.sub("", unicodedata.normalize("NFKD", decomposed))
    # Many leave the hamza of an alif out. Without that of "مئات" (hundreds), "كميات" (quantities) would be a number.
    return bare.replace(f"ي{_HAMZA}", "ئ").replace(_HAMZA, "").translate(_SAME)
