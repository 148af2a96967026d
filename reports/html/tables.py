"""Tables of findings: rows with an interval in a cell, the most pressing first. Long tails are folded, without the
interval.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from audit.result.findings.judged import RuleResult
from audit.result.reading import JudgedRate, Rate
from audit.result.selected import Selected, selected
from audit.vocabulary.groups import Family
from audit.vocabulary.metrics import MetricName
from reports.html.charts import Bar, axis_end, interval
from reports.numbers import NOT_KNOWN
from reports.plain_text import capital
from reports.waiver_words import WaiverWords
from reports.writer import Report, Writer

WHOLE = 24
"""The most rows of a table that is shown whole."""
FIRST = 12
"""The rows of a longer table of a rate without a limit, or without a verdict. The rest is folded."""
FIRST_OF_TWO = 4
"""Rows of such a table for groups by several features. The rest is counted."""
MOST_OF_TWO = 12
"""The most folded rows for groups by several features that may be beyond a limit, beside all that fail."""
_ENOUGH_TO_SET_THE_AXIS = 30
_SMALL_RATES = 0.2
_FEW_A_PART = 4
"""The rows of a larger group from which it stands once above them."""
RANKS = (
    "beyond_limit",
    "beyond_limit_as_recorded",
    "limit_not_excluded",
    "limit_cannot_be_exceeded",
    "too_few_clusters",
    "unscored_cases",
    "too_many_failed",
    "several_nationalities",
    "unknown_attribute",
    "within_limit",
    "judged_as_part",
    "too_few_cases",
    "too_few_for_a_rate",
    "no_cases",
    "no_rest",
    "",
)
"""Reasons of verdicts, the most pressing first."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Folded findings that share an outcome and its reason."""

    outcome: str
    title: str
    findings: list[Rate]
    larger: str
    """The larger group in which all of them are judged, where the title names it."""


@dataclass(frozen=True, slots=True)
class Table:
    """The findings of one rule (or of a rate without one) over the groups of one family."""

    anchor: str
    metric: str
    caption: str
    rule: RuleResult | None
    shown: Selected[Rate] | Selected[JudgedRate]
    end: float
    """The rate at the end of the axis."""
    folds: Sequence[Fold] = ()
    left_out: str = ""
    """Counts, by outcome, of what is in the result file alone: groups by several features, with the fewest cases."""

    @property
    def digits(self) -> int:
        """The decimals of its rates in percent."""
        return 1 if self.end <= _SMALL_RATES else 0

    @property
    def folded_count(self) -> int:
        """The number of findings that are folded."""
        return sum(len(fold.findings) for fold in self.folds)


class TableWriter(Writer):
    """Writer of tables of findings of one result in one language."""

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        self._waived = WaiverWords(self.result, self.language)

    def judged(self, rule: RuleResult, family: Family, anchor: str) -> Table | None:
        """Return the table of a rule over a family, or None where the rule is not about the family."""
        findings = self.reading.judged(rule, family)
        return self._table(findings, rule.metric, family, anchor, rule) if findings else None

    def shown(self, metric: MetricName, family: Family, anchor: str) -> Table:
        """Return the table of a rate on which no limit is set."""
        return self._table(self.reading.shown(metric, family), metric, family, anchor, None)

    def _table(
        self, findings: Sequence[Rate], metric: str, family: Family, anchor: str, rule: RuleResult | None
    ) -> Table:
        findings = sorted(findings, key=self._urgency)
        first = self._first(findings, family)
        rest, left_out = self._listed_findings([each for each in findings if each not in first], family)
        # rows are picked where others are not on the page; without a limit the order is by size, which is no result
        is_picked = rule is not None and (left_out or len(findings) > WHOLE)
        shown = selected(first, findings if is_picked else first)
        by = {"rate": self.plain(metric), "axes": self.names.axes(family.axes)}
        caption = self.t.gettext("%(rate)s, by %(axes)s") % by
        return Table(anchor, metric, caption, rule, shown, axis_end(_extent(shown.rows)), self._folds(rest), left_out)

    def _first(self, findings: list[Rate], family: Family) -> list[Rate]:
        """Return the findings that stand in full: those with a verdict, or the first ones where none has any."""
        decided = [each for each in findings if each.verdict and each.verdict.outcome in ("fail", "pass")]
        undecided = len(findings) - len(decided)
        if decided and (len(family.axes) > 1 or undecided > _FEW_A_PART):
            return decided[:WHOLE]
        if len(family.axes) > 1:
            return findings[:FIRST_OF_TWO]
        return findings if decided or len(findings) <= FIRST else findings[:FIRST]

    def _listed_findings(self, findings: list[Rate], family: Family) -> tuple[list[Rate], str]:
        """Return the findings to list: every group of one feature, so that anyone finds her own; of several features,
        those that fail or may be beyond the limit. The others are counted.
        """
        if len(family.axes) == 1:
            return findings, ""
        failing = [each for each in findings if each.verdict and each.verdict.outcome == "fail"]
        maybe = [each for each in findings if each.verdict and each.verdict.because == "limit_not_excluded"]
        listed = [*failing, *maybe[:MOST_OF_TWO]]
        left_out = [each for each in findings if each not in listed]
        return listed, self._outcome_counts(left_out) if left_out else ""

    def _outcome_counts(self, findings: Sequence[Rate]) -> str:
        """Return how many groups have which outcome: "253 cannot tell; 12 no rate can be stated"."""
        outcomes = [each.verdict.outcome for each in findings if each.verdict]
        counts = [
            f"{self.n.count(outcomes.count(outcome))} {self.words.outcome(outcome)}"
            for outcome in dict.fromkeys(outcomes)
        ]
        return self.t.gettext("; ").join(counts) if counts else self.n.count(len(findings))

    def _urgency(self, finding: Rate) -> tuple[int, float, str]:
        """Return the place of a finding in an order: failing groups, by people affected; then the undecided, the
        passing and the unjudged, by size.
        """
        rank = _rank(finding)
        weight = finding.more_harmed or finding.apart if rank == 0 else finding.denominator
        return rank, -weight, self.names.group(finding.group)

    def chart(self, finding: Rate, table: Table) -> Markup:
        """Return the drawing of a finding. Empty where it has no rate."""
        rate = self.n.percent(finding.value, digits=table.digits, against=finding.nearest_limit)
        return _chart(finding, table.end, f"{rate} ({self.n.percent_range(*finding.ends, digits=table.digits)})")

    def waived(self, finding: Rate) -> str:
        """Return who waived a finding that fails, and until when. Empty where it is not waived."""
        return "" if finding.rule is None else self._waived.mark(finding.rule.rule, finding.group)

    def note(self, finding: Rate) -> str:
        """Return why there is no verdict and what it would take, or an empty text."""
        because = self._because(finding)
        if finding.verdict is None or finding.verdict.because == "unknown_attribute":
            return because  # The advice is the same for all of them, and stands once, in the key.
        return self.words.undecided(finding.verdict, because)

    def _because(self, finding: Rate) -> str:
        if finding.verdict is not None:
            return self.because(finding.verdict.because, finding.metric, both_ways=finding.both_ways)
        if finding.estimate is None or finding.estimate.reason == "no_cases":
            return self.because("no_cases", finding.metric)
        if finding.estimate.status == "not_evaluable":
            hidden = finding.estimate.reason == "hidden_numbers"
            return self.because("hidden_numbers" if hidden else "too_few_for_a_rate", finding.metric)
        return ""

    def _folds(self, findings: Sequence[Rate]) -> list[Fold]:
        """Return rows under their common outcome and reason, so that a row need not repeat it."""
        folds, said = [], ("", "")
        named = sorted(findings, key=lambda finding: (self._urgency(finding)[0], self.names.group(finding.group)))
        for members, larger in self._by_larger_group(named):
            verdict = members[0].verdict
            because = self._because(members[0])
            title = capital(self.words.outcome(verdict.outcome)) if verdict else ""
            if (title, because) != said:  # the reason once, and below it other larger groups with that reason
                said = title, because
                title = self.t.gettext("%(outcome)s: %(because)s") % {"outcome": title, "because": because}
            title = self.t.gettext("; ").join(part for part in (title, larger) if part)
            folds.append(
                Fold(
                    outcome=verdict.outcome if verdict else "",
                    title=title if verdict else self.t.gettext("Other groups"),
                    findings=members,
                    larger=larger,
                )
            )
        return folds

    def _by_larger_group(self, named: Sequence[Rate]) -> Iterator[tuple[list[Rate], str]]:
        """Yield findings of one outcome and reason, split by larger group where naming it once takes less space."""
        for _, group in groupby(named, key=lambda finding: self._urgency(finding)[0]):
            members = list(group)
            larger = {self._larger_group(finding) for finding in members}
            if len(members) < _FEW_A_PART * len(larger):
                yield members, ""
                continue
            members.sort(key=self._larger_group)
            for within, part in groupby(members, key=self._larger_group):
                yield list(part), within

    def _larger_group(self, finding: Rate) -> str:
        """Return the larger group in which a group is judged, and its outcome. Empty where there is none."""
        verdict = finding.verdict
        if verdict is None or verdict.judged_as is None or verdict.outcome == "fail":
            return ""
        return self.t.gettext("%(group)s: %(outcome)s") % {
            "group": self.names.group(verdict.judged_as),
            "outcome": self.words.outcome(verdict.judged_as_outcome or "inconclusive"),
        }

    def folded_note(self, finding: Rate, *, larger: str) -> str:
        """Return what a folded finding waits for. Its outcome stands above it, and so may its larger group."""
        verdict = finding.verdict
        if verdict is None:
            return ""
        note = "" if larger else self._larger_group(finding)
        if verdict.cases_needed and verdict.because != "unscored_cases" and verdict.outcome not in ("pass", "fail"):
            more = self.t.gettext("%(count)s more needed") % {"count": self.n.about(verdict.cases_needed)}
            note = self.t.gettext("; ").join(part for part in (note, more) if part)
        return note

    def cases(self, finding: Rate) -> str:
        """Return the cases of a finding, and what they are worth where rows are weighted or belong together."""
        if finding.estimate is None or not finding.estimate.denominator:
            return self.n.count(0) if finding.estimate else NOT_KNOWN
        counts = self.part(finding.estimate.numerator, finding.estimate.denominator)
        effective, freedom = finding.estimate.effective_cases, finding.estimate.degrees_of_freedom
        if effective is None:
            return counts
        values = {"counts": counts, "effective": self.n.about(effective)}
        if freedom is None:
            return self.t.gettext("%(counts)s; worth %(effective)s") % values
        return self.t.gettext("%(counts)s; worth %(effective)s, df %(freedom)s") % {
            **values,
            "freedom": self.n.count(int(freedom)),
        }


def _rank(finding: Rate) -> int:
    return RANKS.index(finding.verdict.because if finding.verdict else "")


def _extent(findings: Sequence[Rate]) -> list[float]:
    """Return what the axis must hold: limits, comparisons, and rates with their intervals, of all but tiny groups."""
    needed: list[float] = []
    for finding in findings:
        needed += [value for value in (finding.rest, finding.upper_limit) if value is not None]
        estimate = finding.estimate
        if estimate is not None and estimate.high is not None and estimate.denominator >= _ENOUGH_TO_SET_THE_AXIS:
            needed.append(estimate.high)
    return needed


def _chart(finding: Rate, end: float, title: str) -> Markup:
    low, high = finding.ends
    if finding.value is None or low is None or high is None:
        return Markup("")
    bar = Bar(
        value=finding.value,
        low=low,
        high=high,
        outcome=finding.verdict.outcome if finding.verdict else "",
        lower_limit=finding.lower_limit,
        upper_limit=finding.upper_limit,
        rest=finding.rest,
    )
    return interval(bar, end, title)
