"""The terms that reports use, for a reader who is no statistician: meaning, how to read a number, what it does not say.

`audit7k explain`, the glossary of a report and docs/reference/glossary.md are made from these. Rates are in
`audit.vocabulary.metrics`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from audit.vocabulary.terms.doubts import DOUBTS
from audit.vocabulary.terms.further_questions import FURTHER_QUESTIONS
from audit.vocabulary.terms.governance import GOVERNANCE
from audit.vocabulary.terms.probes import PROBES
from audit.vocabulary.terms.reports import REPORTS
from audit.vocabulary.terms.term import Term, plain_name
from audit.vocabulary.terms.verdicts import VERDICTS

__all__ = ["TERMS", "Term", "plain_name", "term_called", "terms_like"]

_PARTS: Final = (*VERDICTS, *DOUBTS, *FURTHER_QUESTIONS, *PROBES, *GOVERNANCE, *REPORTS)
TERMS: Final[Mapping[str, Term]] = {term.name: term for term in _PARTS}


def term_called(word: str) -> Term | None:
    """Term with this name or another name of it; None where there is none."""
    name = _names().get(plain_name(word))
    return TERMS[name] if name else None


def terms_like(word: str, most: int = 3) -> list[Term]:
    """Terms whose names resemble `word` or hold it, the most similar first."""
    import difflib

    names, asked = _names(), plain_name(word)[:60]
    found = [
        *difflib.get_close_matches(asked, names, n=3 * most, cutoff=0.6),
        *(name for name in names if len(asked) > 3 and asked in name),
    ]
    return [TERMS[name] for name in dict.fromkeys(names[match] for match in found)][:most]


def _names() -> dict[str, str]:
    return {plain_name(name): term.name for term in TERMS.values() for name in (*term.also_called, term.name)}
