"""Text that other people wrote, made harmless: what cannot be seen, or reorders what can, is shown as what it is.

Escaping of markup is the writer's own (Jinja's autoescape, ElementTree); this is about characters that stay characters.
"""

from __future__ import annotations

import re
from typing import Final

_WHITE = re.compile(r"[\t\n\r\x0b\x0c\x85\u2028\u2029]+")
_UNSEEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029"  # control characters
    "\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"  # direction controls and other unseen ones
    "\ud800-\udfff\ufdd0-\ufdef\ufff9-\ufffb\ufffe\uffff"  # no characters at all
    "\U000e0000-\U000e007f"  # tags
    "]"
)
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Starts of a formula; the full-width forms count as well, as some programs read them alike."""
LONGEST: Final = 200
"""Characters of a text that stands on one line among others."""
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def harmless(text: str) -> str:
    """`text` on one line, with each unseen or direction-changing character written out as `[U+202E]`."""
    if text.isascii() and text.isprintable():
        return text
    return without_unseen(_WHITE.sub(" ", text))


def without_unseen(text: str) -> str:
    """`text` with each unseen or direction-changing character written out as `[U+202E]`; its lines stay as they are."""
    return _UNSEEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)


def xml_text(text: str) -> str:
    """`text` made harmless, without what XML cannot hold."""
    return _NOT_IN_XML.sub("�", harmless(text))


def capital(text: str) -> str:
    """`text` with a capital."""
    return text[:1].upper() + text[1:]


def spreadsheet_text(text: str) -> str:
    """`text` made harmless, with an apostrophe before what a spreadsheet would take for a formula."""
    plain = harmless(text)
    return f"'{plain}" if plain.lstrip().startswith(_FORMULA) else plain


def shortened(text: str) -> str:
    """A text of at most 200 characters."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
