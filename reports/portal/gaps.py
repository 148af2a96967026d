"""Gaps of a release: the finding that a fail names, and of each rule the row that is named."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from audit.public.figures import PublicFinding
from audit.public.finding_list import ReleaseFinding, findings_of, tally_of_rule
from audit.public.release import PublicRule
from audit.public.site import PublicAudit
from audit.vocabulary.finding import Tally
from reports.public.reading import Measure, PublicReading


@dataclass(frozen=True, slots=True)
class Gap:
    """The distance of a row's errors from everyone else's, towards harm, in shares: negative if it is better off."""

    finding: PublicFinding
    value: float
    low: float
    """The lower end, by the row's likely range; everyone else's rate is taken as printed."""
    high: float
    limit: float
    """The distance at which the limit lies for this row."""


class Figures:
    """One release, read once."""

    def __init__(self, audit: PublicAudit) -> None:
        self.audit = audit
        self.release = audit.release
        self.reading = PublicReading(audit.release)

    def rule_like(self, other: PublicRule) -> PublicRule | None:
        """Return the rule of this audit that limits the rate of a rule of another audit, that of the same id first."""
        same = [rule for rule in self.reading.rules if rule.metric == other.metric and rule.worse == other.worse]
        return next((rule for rule in same if rule.rule == other.rule), same[0] if same else None)

    def everyone(self, rule: PublicRule) -> PublicFinding | None:
        """Return the rate of everyone under a rule, or None where the release does not have it."""
        measure = Measure(rule.metric, rule)
        return next((finding for row in self.reading.rows() if (finding := self.reading.finding(row, measure))), None)

    @cached_property
    def findings(self) -> tuple[ReleaseFinding, ...]:
        """Findings of the release, the most urgent first."""
        return findings_of(self.release)

    def tally(self, rule: PublicRule) -> Tally:
        """Count the findings under a rule, as every other form of the release does."""
        return tally_of_rule(self.findings, rule.rule)

    @cached_property
    def first(self) -> PublicFinding | None:
        """Return the finding that a fail names: the row beyond a limit, under whichever rule, with most people apart.

        Where none is, a row within which a smaller group is beyond; None where no row says so.
        """
        return next(iter((*self.reading.beyond, *self.reading.smaller_beyond)), None)

    def furthest(self, rule: PublicRule) -> Gap | None:
        """Return the row that is named under a rule: of those beyond the limit that with most people apart, else of
        those judged the one as far as the nearer end of its likely range.

        None where no such row has a rate.
        """
        beyond = [finding for finding in self.reading.beyond if finding.rule == rule]
        if beyond:
            return next(filter(None, map(gap_of, beyond)), None)
        judged = (finding for finding in self.reading.findings(rule) if finding.word and finding.word.word is not None)
        return max(filter(None, map(gap_of, judged)), key=lambda gap: gap.low, default=None)


def gap_of(finding: PublicFinding) -> Gap | None:
    """Return the gap of a row under its rule; None where only bounds are known."""
    error, rest, span = finding.error, finding.rest, finding.span
    if error is None or rest is None or span is None:
        return None
    least, most = finding.limits
    if most is not None and (least is None or error >= rest):
        return Gap(finding, error - rest, span[0] - rest, span[1] - rest, most - rest)
    return None if least is None else Gap(finding, rest - error, rest - span[1], rest - span[0], rest - least)
