"""Spaces of a page: where a line may not break, and where a script has none."""

from __future__ import annotations

import re
from typing import Final

from reports.language import Language

_KEPT: Final = r"<(style|svg|code|title|bdi)\b.*?</\1>"
"""Parts that stay as they are, as data or no sentence: names that somebody gave, commands, drawings and styles."""
_TAG: Final = r"<[^>]*>"
_OFTEN: Final = (
    r"(?<![\d.,\u00a0\u202f])\d{1,3} (?:in|sur|de cada|из|من كل) (?=100?(?!\d)|1[.,\u00a0\u202f ]?000(?!\d))"
)
"""A frequency. It does not match a count of counts in a table cell, which would make the cell as wide as both."""
_AFTER_STOP: Final = (
    r"[。；：，！？](?:</(?:b|small)>)* (?=(?:<(?:b|bdi|small)(?: [^>]*)?>)*[\u3000-\u303f\u4e00-\u9fff“])"
)
"""The space between two sentences that a template joins. Chinese writes none, since its stops hold one."""
_FREQUENCIES: Final = re.compile(f"{_KEPT}|{_TAG}|(?P<often>{_OFTEN})", re.DOTALL)
_STOPS: Final = re.compile(f"{_KEPT}|(?P<stop>{_AFTER_STOP})|{_TAG}", re.DOTALL)


def spaced(text: str, language: Language) -> str:
    """Return `text`, which is markup, with a natural frequency such as "2 in 10" on one line, and Chinese without
    spaces.
    """
    text = _FREQUENCIES.sub(lambda found: found[0].replace(" ", "\u00a0") if found["often"] else found[0], text)
    if language.short != "zh":
        return text
    return _STOPS.sub(lambda found: found[0][:-1] if found["stop"] else found[0], text)
