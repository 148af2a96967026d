"""Glossary, from the one place that defines each term."""

from __future__ import annotations

from audit.vocabulary.terms import TERMS, Term
from tools.schema_page import GENERATED

INTRODUCTION = """
# Glossary

What the terms in reports mean, for a reader who is no statistician. `audit7k explain TERM` prints the same in a
terminal. Rates are on [a page of their own](metrics.md).
"""


def glossary_page() -> str:
    """docs/reference/glossary.md."""
    ordered = sorted(TERMS.values(), key=lambda term: term.name.casefold())
    return "\n".join([GENERATED, INTRODUCTION, *map(_entry, ordered)])


def _entry(term: Term) -> str:
    also = f"\n\nAlso called: {', '.join(term.also_called)}." if term.also_called else ""
    return (
        f"## {term.name}\n\n{term.means}\n\n"
        f"*How to read it.* {term.read}\n\n"
        f"*What it does not say.* {term.not_said}{also}\n\n"
        f"More: [{term.page.removesuffix('.md')}](../{term.page})\n"
    )
