"""The terms that reports use, for a reader who is no statistician: meaning, how to read a number, what it does not say.

They stand in `data/terms.toml`. `audit7k explain`, the glossary of a report and docs/reference/glossary.md are made
from them. Rates are in `audit.vocabulary.metrics`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["TERMS", "Term", "plain_name", "term_called", "terms_like"]

_FILE: Final = Path(__file__).parent / "data" / "terms.toml"


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
    also_called: Sequence[str] = ()
    """Other names, so that a search finds this one."""


TERMS: Final[Mapping[str, Term]] = {
    entry["name"]: Term(**entry) for entry in tomllib.loads(_FILE.read_text(encoding="utf-8"))["terms"]
}


def plain_name(word: str) -> str:
    """Write `word` in small letters, with single spaces between its parts."""
    return " ".join(re.split(r"[\s_\-–/]+", word.strip().casefold()))


def term_called(word: str) -> Term | None:
    """Term with this name or another name of it; None where there is none."""
    name = _names().get(plain_name(word))
    return TERMS[name] if name else None


def terms_like(word: str) -> list[Term]:
    """Terms whose names resemble `word` or hold it, the three most similar first."""
    import difflib

    names, plain = _names(), plain_name(word)[:60]
    matches = [
        *difflib.get_close_matches(plain, names, n=9, cutoff=0.6),
        *(name for name in names if len(plain) > 3 and plain in name),
    ]
    return [TERMS[name] for name in dict.fromkeys(names[match] for match in matches)][:3]


def _names() -> dict[str, str]:
    return {plain_name(name): term.name for term in TERMS.values() for name in (*term.also_called, term.name)}
