"""Text that other people wrote, made harmless. Characters that are invisible, or that reorder others, are shown by
their codes.

Writers escape markup themselves (Jinja's autoescape, ElementTree); for Markdown, `literal` does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from audit.vocabulary.text import harmless, starts_formula

LONGEST: Final = 200
"""The most characters of a text that stands on one line among others."""
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PLAIN: Final = re.compile(r"[^\W_]+(?:(?:[ '’()-]|, | = |\. |(?<=[0-9])\.(?=[0-9]))+[^\W_]+)*[)]?")
"""Plain words: a stop stands only before a space or in a number, and an equals sign between spaces.

So no domain, no address and no Markdown matches.
"""


def xml_text(text: str) -> str:
    """Return `text` made harmless, without what XML cannot hold."""
    return _NOT_IN_XML.sub("�", harmless(text))


def capital(text: str) -> str:
    """Return `text` with a capital."""
    return text[:1].upper() + text[1:]


def spreadsheet_text(text: str) -> str:
    """Return `text` made harmless, with an apostrophe before what a spreadsheet would read as a formula."""
    plain = harmless(text)
    return f"'{plain}" if starts_formula(plain) else plain


def json_text(document: Mapping[str, Any]) -> str:
    """Return the text of a JSON document, with every text in it made harmless."""
    return json.dumps(_plain(document), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(member) for key, member in value.items()}
    if isinstance(value, str):
        return harmless(value)
    return list(map(_plain, value)) if isinstance(value, list | tuple) else value


def shortened(text: str) -> str:
    """Return a text of at most 200 characters."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def literal(text: str) -> str:
    """Return plain words as they are for Markdown, and any other text in a code span that nothing in it can end.

    In a code span nothing is a link, a mention, a reference, a picture or HTML. Only plain words stand without one.
    """
    plain = shortened(harmless(text)).strip()
    if _PLAIN.fullmatch(plain) and "www" not in plain.lower():
        return plain
    # A bar would end a cell of a table, even within code.
    code = plain.replace("`", "'").replace("|", "\u00a6")
    return f"`{code}`" if code else ""
