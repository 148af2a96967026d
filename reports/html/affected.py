"""Groups that are affected: each error, what it does to people, and to whom it happens more."""

from __future__ import annotations

from typing import Literal

from audit.result.findings.judged import Estimate
from audit.result.reading import JudgedRate
from audit.result.selected import selected
from audit.result.urgency import most_affected_first
from audit.vocabulary.metrics import ERROR_RATES, MISSED, WRONGLY_FLAGGED
from reports.harms import Error, harm
from reports.most_affected import people_more
from reports.plain_text import capital
from reports.unnamed_words import UnnamedWords
from reports.waiver_words import WaiverWords
from reports.writer import Report, Writer


def affected(report: Report) -> list[Affected]:
    """List both errors, the one that harms most first, and then the other limits of the plan."""
    errors: list[Error] = ["missed", "wrongly_flagged"]
    if report.result.overall.primary_harm == "wrongly_flagged":
        errors.reverse()
    metrics = {"missed": MISSED, "wrongly_flagged": WRONGLY_FLAGGED}
    sections = [Affected(report, error, metrics[error]) for error in errors]
    limited = {rule.metric for rule in report.result.rules}
    others = tuple(sorted(limited.difference(MISSED, WRONGLY_FLAGGED)))
    return [*sections, Affected(report, "other", others)] if others else sections


class Affected(Writer):
    """One error: what it does to people, and to whom it happens more."""

    def __init__(self, report: Report, error: Error | Literal["other"], metrics: tuple[str, ...]) -> None:
        super().__init__(report)
        self._waived = WaiverWords(self.result, self.language)
        self.error = error
        self.harm = "" if error == "other" else harm(error, self.result.plan.audit.use, self.language)
        rules = [rule for rule in self.result.rules if rule.metric in metrics]
        self.has_rule = bool(rules)
        self.stopped = self.result.too_many_failed
        """Whether the system failed on too many rows for anything to be said of any group."""
        self.both_ways = any(rule.direction == "both" for rule in rules)
        """Whether a limit holds in both directions, so that a group beyond it is apart and is not always worse off."""
        findings = [finding for finding in self.reading.each_once if finding.metric in metrics]
        clearly = [finding for finding in findings if finding.outcome == "fail"]
        maybe = [
            finding
            for finding in findings
            if finding.beyond
            and not self.stopped
            and finding.verdict.because in ("limit_not_excluded", "unscored_cases")
            and not self.reading.may_be_unnamed(finding)
        ]
        self.more = people_more(self.reading, clearly, self.language)
        """At most how many more people met it in groups beyond a limit. Empty where no group is named."""
        self.clearly, self.maybe = (
            selected(most_affected_first(self.reading, some), findings) for some in (clearly, maybe)
        )
        self.unnamed = [(rule, family) for rule, family in self.reading.unnamed if rule.metric in metrics]
        """The findings beyond a limit that name nobody, limit by limit."""
        self.unnamed_words = UnnamedWords(self.language, self.reading.rates)

    @property
    def everyone(self) -> Estimate | None:
        """The rate of this error among everyone, where it has cases."""
        estimate = self.reading.everyone.get(ERROR_RATES.get(self.error, ""))
        return estimate if estimate is not None and estimate.denominator else None

    @property
    def undecided(self) -> int:
        """The cases without a decision that could be this error."""
        counts = next((counts for counts in self.result.counts if not counts.group.root), None)
        if counts is None:
            return 0
        return counts.unscored_positive if self.error == "missed" else counts.unscored_negative

    def often(self, finding: JudgedRate) -> tuple[str, str]:
        """Return how often the error happens in a group, and how often among everyone else."""
        often = self.words.often(finding) or ("", "")
        return capital(self.words.error_in_short(finding.metric) % {"often": often[0]}), often[1]

    def waived(self, finding: JudgedRate) -> str:
        """Return who waived a finding, and until when. Empty where it is not waived."""
        return self._waived.mark(finding.rule.rule, finding.group)

    def people(self, finding: JudgedRate) -> str:
        """Return how many people of a group met the error beyond the rate of everyone else."""
        values = {"count": self.n.up_to(finding.apart)}
        if not self.both_ways or finding.error is None or finding.rest_error is None:
            return values["count"]
        if finding.error < finding.rest_error:
            return self.t.gettext("%(count)s fewer") % values
        return self.t.gettext("%(count)s more") % values
