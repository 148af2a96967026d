"""Words for answers that are missing: why a row has none, and what a verdict says that rests on too few of them."""

from __future__ import annotations

from audit.vocabulary.statuses import Reason, Status
from reports.language import Language


class AnswerWords:
    """Words for failed answers in one language."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._t = language.translations

    def sentence(self) -> str:
        """Return the first sentence of a report where too many rows failed."""
        return self._t.gettext(
            "The system failed to answer on so many rows of this test that nothing is said about any group."
        )

    def next_step(self) -> str:
        """Return the next step where too many rows failed."""
        return self._t.gettext(
            "Have it found out why the system failed, by the reasons counted below, and audit again. "
            "Until then this is not a pass."
        )

    def why(self, status: Status, reason: Reason | None) -> str:
        """Return what went wrong with an answer."""
        return self._language.word("answers", reason or status)
