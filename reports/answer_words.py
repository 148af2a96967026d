"""Words for answers that are missing: why a row has none, and what a verdict says that rests on too few of them."""

from __future__ import annotations

from audit.vocabulary.statuses import Reason, Status
from reports.language import Language


class AnswerWords:
    """Words for failed answers in one language."""

    def __init__(self, language: Language) -> None:
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
        return self._reasons()[reason] if reason is not None else self._statuses()[status]

    def _statuses(self) -> dict[Status, str]:
        return {
            Status.OK: self._t.gettext("answered"),
            Status.ABSTAIN: self._t.gettext("the system declined to answer"),
            Status.ERROR: self._t.gettext("the system broke"),
            Status.TIMEOUT: self._t.gettext("no answer in time"),
            Status.REFUSED: self._t.gettext("the system refused the case"),
            Status.INVALID_OUTPUT: self._t.gettext("an answer that cannot be used"),
        }

    def _reasons(self) -> dict[Reason, str]:
        return {
            Reason.NOT_A_NUMBER: self._t.gettext("the score is no number"),
            Reason.NOT_FINITE: self._t.gettext("the score is not finite"),
            Reason.OUT_OF_RANGE: self._t.gettext("the score is out of range"),
            Reason.NOT_A_DECISION: self._t.gettext("the decision is neither yes nor no"),
            Reason.NO_ANSWER: self._t.gettext("the reply leaves the case out"),
            Reason.OUT_OF_ORDER: self._t.gettext("the reply is about other cases"),
            Reason.UNREADABLE: self._t.gettext("the reply cannot be read"),
            Reason.TOO_LARGE: self._t.gettext("the reply is too large"),
            Reason.CRASHED: self._t.gettext("the program ended"),
            Reason.NO_CONNECTION: self._t.gettext("the service could not be reached"),
            Reason.HTTP_3XX: self._t.gettext("the service sent the request elsewhere"),
            Reason.HTTP_4XX: self._t.gettext("the service refused the request"),
            Reason.HTTP_429: self._t.gettext("the service was asked too often"),
            Reason.HTTP_5XX: self._t.gettext("the service broke on the request"),
            Reason.NOT_A_LEVEL: self._t.gettext("the level is no whole number"),
            Reason.UNKNOWN_CLASS: self._t.gettext("the class is not on the list"),
        }
