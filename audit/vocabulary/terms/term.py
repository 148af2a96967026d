"""A term of the reports, and the plain form of its name."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Term:
    """A term of the reports in plain words."""

    name: str
    """Name as it stands within a sentence: in small letters, except names and acronyms."""
    means: str
    """Meaning, in two to four sentences."""
    read: str
    """How to read a number."""
    not_said: str
    """What a number does not say."""
    page: str
    """Page of the documentation with more about it, below docs/."""
    also_called: tuple[str, ...] = ()
    """Other names, so that a search finds this one."""


def plain_name(word: str) -> str:
    """Write `word` in small letters, with single spaces between its parts."""
    return " ".join(re.split(r"[\s_\-–/]+", word.strip().casefold()))
