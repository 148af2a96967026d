"""Words for what a plan says of the audit: use, route, the harm of each error to people, and when to answer.

A harm is shown with every finding, because a rate is about someone.
"""

from __future__ import annotations

from typing import Literal

from audit.vocabulary.text import day_in
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


def due_words(language: Language, outcome: str, respond_by: str | None, finished: str, *, is_expired: bool) -> str:
    """Return by when an answer is due; empty for a pass that has not expired, and where no day is named.

    Parameters
    ----------
    outcome : str
        The verdict as far as it may be relied on.
    respond_by : str or None
        The day as YYYY-MM-DD. Any other text, which only a release can have that nobody has checked, is none.
    finished : str
        The moment at which the audit ended, in ISO 8601: an answer cannot be due before it.
    """
    if respond_by is None or (outcome == "pass" and not is_expired) or day_in(respond_by) is None:
        return ""
    key = "passed" if respond_by < finished[:10] else "due"
    return language.word("respond_by", key, day=language.date(respond_by))
