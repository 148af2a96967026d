"""Words for the day by which the operator is asked to answer a result that is no pass."""

from __future__ import annotations

from audit.vocabulary.text import day_in
from reports.language import Language


def due_words(language: Language, outcome: str, respond_by: str | None, finished: str) -> str:
    """Return by when an answer is due; empty for a pass, and where no day is named.

    Parameters
    ----------
    outcome : str
        The verdict as far as it may be relied on.
    respond_by : str or None
        The day as YYYY-MM-DD. Any other text, which only a release can have that nobody has checked, is none.
    finished : str
        The moment at which the audit ended, in ISO 8601: an answer cannot be due before it.
    """
    if respond_by is None or outcome == "pass" or day_in(respond_by) is None:
        return ""
    key = "passed" if respond_by < finished[:10] else "due"
    return language.word("respond_by", key, day=language.date(respond_by))
