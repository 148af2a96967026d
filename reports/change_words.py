"""Words for the change since an earlier audit: who is worse off, who is not, and for whom it is unknown."""

from __future__ import annotations

from audit.public.sentences import SENTENCES
from audit.result.audit_result import AuditResult
from audit.result.findings.change import Change, ChangeVerdict
from audit.result.findings.judged import RuleResult
from audit.result.findings.swaps import ProbeRuleResult
from audit.result.reading import changed_groups
from audit.vocabulary.text import harmless
from reports.language import WORDS, Language, Wording


class ChangeWords(Wording):
    """Words for the change of one result. Every text is empty where the result has no change."""

    def __init__(self, result: AuditResult, language: Language) -> None:
        super().__init__(language)
        self.change: Change | None = result.change
        self._held_against = result.further.held_against
        self._rules: list[RuleResult | ProbeRuleResult] = [*result.rules, *result.probe_rules]

    @property
    def decides(self) -> bool:
        """Say whether the verdict would be better without the change."""
        if self.change is None or self.change.outcome == "pass":
            return False
        outcomes = {rule.outcome for rule in self._rules}
        return "fail" not in outcomes and (self.change.outcome == "fail" or outcomes == {"pass"})

    def sentence(self) -> str:
        """Return what the comparison found, and which accepted version it was with."""
        sentences = [sentence for sentence in (self._outcome(), self._version()) if sentence]
        return self._language.joined(sentences) if sentences else ""

    def _version(self) -> str:
        if self._held_against is None:
            return ""
        reference, last = self._held_against.reference, self._held_against.last
        if self._held_against.decides == "reference":
            return self._language.word("change", "reference_version", number=str(reference))
        return self._language.word("change", "last_version", number=str(last), reference=str(reference))

    def _outcome(self) -> str:
        if self.change is None:
            return ""
        if self.change.outcome == "fail":
            return self._worse(self.change)
        if self.change.outcome == "pass":
            return self._language.word("change", "no_group_worse", day=self._day)
        return self._language.word("change", "cannot_tell", day=self._day)

    @property
    def _day(self) -> str:
        return "" if self.change is None else self._language.date(self.change.baseline.finished)

    def _worse(self, change: Change) -> str:
        groups = len({verdict.group.people for verdict in changed_groups(change) if verdict.outcome == "fail"})
        return self._language.counted("change", "worse", groups, day=self._day)

    def next_step(self) -> str:
        """Return the next step where the change decides."""
        if self.change is not None and self.change.outcome == "fail":
            return self._language.word("next_steps", "became_worse")
        return self._language.word("next_steps", "open_change")

    def compared(self) -> str:
        """Return how the two audits were compared."""
        change = self.change
        if change is None:
            return ""
        if not change.rules:
            stopped = change.because in WORDS["change_not_judged"]
            return self._language.word("change_not_judged", change.because) if stopped else ""
        if change.because == "group_vanished":
            return self._language.word("change", "group_vanished")
        if change.unpaired is None:
            return self._language.word("change", "same_cases")
        if change.unpaired == "other_set":
            return self._language.word("change", "other_set")
        return self._language.word("change", "separate_samples")

    def differs(self) -> str:
        """Return the parts in which the two plans differ, or an empty text."""
        if self.change is None or not self.change.differs:
            return ""
        parts = ", ".join(map(harmless, self.change.differs))
        message = SENTENCES["change_differs"]
        return self._t.gettext(message).format(features=parts)

    def whole(self) -> str:
        """Return the outcome, the way of comparing and the differences of the plans, as one paragraph."""
        return " ".join(filter(None, (self.sentence(), self.compared(), self.differs())))

    def outcome(self, verdict: ChangeVerdict) -> str:
        """Return the outcome of a group in words."""
        decided = verdict.outcome in ("fail", "pass")
        return self._language.word("changes", verdict.outcome if decided else verdict.because)
