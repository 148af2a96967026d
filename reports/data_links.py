"""Files inside a page: links that hold their content, so that the page loads nothing."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

_PLAIN: Final = "/:,;=+-_.!~*'(){}[]|@$?^"


def as_link(kind: str, text: str) -> str:
    """Return a `data:` link that holds a text."""
    return f"data:{kind};charset=utf-8,{quote(text, safe=_PLAIN)}"
