"""What a term is made of."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Term:
    """A term of the reports in plain words."""

    name: str
    """As it stands within a sentence: in small letters, but for names and acronyms."""
    means: str
    """What it is, in two to four sentences."""
    read: str
    """How to read a number of it."""
    not_said: str
    """What it does not say."""
    page: str
    """The page of the documentation that has more, below docs/."""
    also_called: tuple[str, ...] = ()
    """Other names, so that a search finds this one."""


def plain_name(word: str) -> str:
    """`word` in small letters, with single spaces for whatever separates its parts."""
    return " ".join(re.split(r"[\s_\-–/]+", word.strip().casefold()))
