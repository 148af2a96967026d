"""Harms: what each error does to people, by use. Shown with every finding, because a rate is about someone."""

from __future__ import annotations

from typing import Literal

from reports.language import WORDS, Language

Error = Literal["missed", "wrongly_flagged"]


def use_in_words(use: str, language: Language) -> str:
    """Return the use of a system in words."""
    return language.word("uses", use) if use in WORDS["uses"] else use


def route_in_words(route: str, language: Language) -> str:
    """Return where a flag goes, in words."""
    return language.word("routes", route) if route in WORDS["routes"] else route


def harm(error: Error, use: str, language: Language) -> str:
    """Return what `error` means for the people concerned where a system is used for `use`."""
    return language.word(error, use) if use in WORDS[error] else ""
