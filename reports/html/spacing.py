"""Spaces that only a page needs to mind: where a line may not break, and where a script has none."""

from __future__ import annotations

import re
from typing import Final

from reports.language import Language

__all__ = ["spaced"]

_OFTEN: Final = re.compile(r" (?<=\d )(?:in|sur|de cada|из|من كل) (?=\d)")
_AFTER_STOP: Final = re.compile(
    r"([。；：，！？](?:</(?:b|bdi|small)>)*) (?=(?:<(?:b|bdi|small)(?: [^>]*)?>)*[\u3000-\u303f\u4e00-\u9fff“])"
)
"""The space between two sentences that a template joins; Chinese writes none, since its stops hold one."""


def spaced(text: str, language: Language) -> str:
    """`text`, which is markup, with a natural frequency as "2 in 10" on one line, and Chinese without spaces."""
    text = _OFTEN.sub(lambda found: found[0].replace(" ", "\u00a0"), text)
    return _AFTER_STOP.sub(r"\1", text) if language.short == "zh" else text
