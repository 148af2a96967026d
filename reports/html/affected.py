"""Groups that are affected: each error, what it does to people, and to whom it happens more."""

from __future__ import annotations

from dataclasses import dataclass

from audit.result.reading import Finding
from audit.result.selected import selected
from audit.result.urgency import most_affected_first
from audit.vocabulary.metrics import MISSED, WRONGLY_FLAGGED
from reports.harms import Error, harm
from reports.most_affected import people_more
from reports.plain_text import capital
from reports.unnamed_words import Unnamed, UnnamedWords
from reports.waiver_words import WaiverWords
from reports.writer import Report, Writer


@dataclass(frozen=True, slots=True)
class AffectedGroup:
    """A group for which an error is, or may be, clearly more frequent."""

    name: str
    often: str
    rest: str
    rate_head: str
    rate: str
    range: str
    people: str
    waived: str = ""
    """Who waived it, and until when. Empty where it is not waived."""


@dataclass(frozen=True, slots=True)
class Affected:
    """One error: what it does to people, and to whom it happens more."""

    error: str
    title: str
    harm: str
    has_rule: bool
    stopped: bool
    """Whether the system failed on too many rows for anything to be said of any group."""
    both_ways: bool
    """Whether a limit holds in both directions, so that a group beyond it is apart and is not always worse off."""
    everyone: str
    more: str
    """At most how many more people met it in groups beyond a limit. Empty where no group is named."""
    clearly: tuple[AffectedGroup, ...]
    maybe: tuple[AffectedGroup, ...]
    clearly_picked: str
    """Why the ranges of `clearly` are wider."""
    maybe_picked: str
    """Why the ranges of `maybe` are wider."""
    unnamed: tuple[Unnamed, ...]
    """The findings beyond a limit that name nobody, limit by limit."""


class AffectedWriter(Writer):
    """Writer of the groups affected in one result, error by error."""

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        self._unnamed_words = UnnamedWords(self.language)
        self._waived = WaiverWords(self.result, self.language)

    def write(self) -> tuple[Affected, ...]:
        """Write both errors, the one that harms most first, and then the other limits of the plan."""
        errors: list[Error] = ["missed", "wrongly_flagged"]
        if self.result.overall.primary_harm == "wrongly_flagged":
            errors.reverse()
        titles = {
            "missed": self.t.gettext("Victims missed"),
            "wrongly_flagged": self.t.gettext("People wrongly flagged"),
        }
        metrics = {"missed": MISSED, "wrongly_flagged": WRONGLY_FLAGGED}
        use = self.result.plan.audit.use
        found = [
            self._affected_by(error, titles[error], harm(error, use, self.language), metrics[error]) for error in errors
        ]
        others = tuple(
            sorted({rule.metric for rule in self.result.rules if rule.metric not in (*MISSED, *WRONGLY_FLAGGED)})
        )
        if others:
            found.append(self._affected_by("other", self.t.gettext("Other limits of this plan"), "", others))
        return tuple(found)

    def _affected_by(self, error: str, title: str, harm_words: str, metrics: tuple[str, ...]) -> Affected:
        findings = [finding for finding in self.reading.each_once if finding.metric in metrics]
        stopped = any(rule.because == "too_many_failed" for rule in self.result.rules)
        clearly = [finding for finding in findings if finding.outcome == "fail"]
        maybe = [
            finding
            for finding in findings
            if finding.beyond
            and not stopped
            and finding.verdict.because in ("limit_not_excluded", "unscored_cases")
            and not self.reading.may_be_unnamed(finding)
        ]
        picked, doubtful = (selected(most_affected_first(self.reading, some), findings) for some in (clearly, maybe))
        both_ways = any(rule.metric in metrics and rule.direction == "both" for rule in self.result.rules)
        return Affected(
            error=error,
            title=title,
            harm=harm_words,
            has_rule=any(rule.metric in metrics for rule in self.result.rules),
            stopped=stopped,
            both_ways=both_ways,
            everyone=self._everyone(metrics),
            more=people_more(self.reading, clearly, self.language),
            clearly=tuple(self._affected_group(finding, both_ways=both_ways) for finding in picked.rows),
            maybe=tuple(self._affected_group(finding, both_ways=both_ways) for finding in doubtful.rows),
            clearly_picked=self.words.picked(picked),
            maybe_picked=self.words.picked(doubtful),
            unnamed=tuple(
                self._unnamed_words.affected(rule, family)
                for rule, family in self.reading.unnamed
                if rule.metric in metrics
            ),
        )

    def _everyone(self, metrics: tuple[str, ...]) -> str:
        """Return the error among everyone, as counts: the basis on which groups are compared."""
        if metrics not in (MISSED, WRONGLY_FLAGGED):
            return ""
        estimate = self.reading.everyone.get("false_negative_rate" if metrics is MISSED else "false_positive_rate")
        if estimate is None or not estimate.denominator:
            return ""
        missed = metrics is MISSED
        undecided = self._undecided(victims=missed)
        counts = {
            "part": self.n.count(estimate.numerator),
            "whole": self.n.count(estimate.denominator),
            "none": self.n.count(undecided),
        }
        if undecided and self.result.plan.evaluation_set.is_counted:
            template = (
                self.t.gettext(
                    "In this test the system missed %(part)s of %(whole)s victims; the table of counts hides up to "
                    "%(none)s more victims."
                )
                if missed
                else self.t.gettext(
                    "In this test the system wrongly flagged %(part)s of %(whole)s people who are not victims; the "
                    "table of counts hides up to %(none)s more people."
                )
            )
            return template % counts
        if undecided:
            template = (
                self.t.gettext(
                    "In this test the system missed %(part)s of %(whole)s victims who got a decision; "
                    "%(none)s got none."
                )
                if missed
                else self.t.gettext(
                    "In this test the system wrongly flagged %(part)s of %(whole)s people who are not victims "
                    "and got a decision; %(none)s got none."
                )
            )
            return template % counts
        if missed:
            return self.t.gettext("In this test the system missed %(part)s of %(whole)s victims overall.") % counts
        return (
            self.t.gettext(
                "In this test the system wrongly flagged %(part)s of %(whole)s people who are not victims overall."
            )
            % counts
        )

    def _undecided(self, *, victims: bool) -> int:
        """Count the labelled cases on which the system gave no decision."""
        everyone = next((counts for counts in self.result.counts if not counts.group.root), None)
        if everyone is None:
            return 0
        return everyone.unscored_positive if victims else everyone.unscored_negative

    def _affected_group(self, finding: Finding, *, both_ways: bool) -> AffectedGroup:
        often = self.words.often(finding) or ("", "")
        error = self.words.error_in_short(finding.metric) % {"often": often[0]}
        return AffectedGroup(
            name=self.names.whole(finding.group, finding.same_people),
            often=capital(error),
            rest=often[1],
            rate_head=self.words.rate(finding.metric),
            rate=self.n.percent(finding.value, against=finding.nearest_limit),
            range=self.n.percent_range(*finding.ends),
            people=self._people(finding, both_ways=both_ways),
            waived=self._waived.mark(finding.rule.rule, finding.group),
        )

    def _people(self, finding: Finding, *, both_ways: bool) -> str:
        """Return the cases beyond the rate of everyone else. Under a limit in both directions, say to which side."""
        values = {"count": self.n.up_to(finding.apart)}
        if not both_ways or finding.error is None or finding.rest_error is None:
            return values["count"]
        if finding.error < finding.rest_error:
            return self.t.gettext("%(count)s fewer") % values
        return self.t.gettext("%(count)s more") % values
