"""Looks at doubts: what would have to be wrong, or unknown, for a verdict not to stand."""

from __future__ import annotations

import math
from collections.abc import Iterator

from markupsafe import Markup

from audit.result.findings.sensitivity import (
    ControlComparison,
    ControlSample,
    RuleSensitivity,
    SensitivityFinding,
)
from audit.result.reading import JudgedRate, People
from audit.vocabulary.groups import Group
from reports.html.charts import Bar, interval
from reports.html.looks.parts import FIRST, MOST, Look, LookWriter, Row
from reports.numbers import NOT_KNOWN

_FLOAT_NOISE = 1e-9
_ORDER = {"fail": 0, "pass": 1, "inconclusive": 2, "not_evaluable": 3}


class DoubtsWriter(LookWriter):
    """Writer of the look at what would overturn each verdict."""

    anchor = "sure"

    def look(self) -> Look:
        """Return the look, or the reason why it is absent."""
        if not self.result.further.sensitivity:
            return self.absent()
        examined = [rule for rule in self.result.further.sensitivity if rule.examined == "yes"]
        if not examined:
            return self.absent("absent_not_counted")
        left = [] if len(examined) == len(self.result.further.sensitivity) else [self.said("absent_not_counted")]
        beyond = {
            (rule.rule, finding.group.people)
            for rule in examined
            for finding in rule.findings
            if finding.outcome == "fail"
        }
        sentences = (*self._sentences(examined), *left)
        return self.tabled(self._rows(examined), sentences, most=max(FIRST, min(len(beyond), MOST)))

    def _sentences(self, rules: list[RuleSensitivity]) -> Iterator[str]:
        for rule in rules:
            if rule.held_back:
                yield self._held_back(rule)

    def _held_back(self, rule: RuleSensitivity) -> str:
        share = _rounded_down(rule.missing_share_for_all)
        sentence = self.counted("held_back", rule.held_back, limit=self._limit(rule))
        if not share:
            return sentence
        more = self.said("vouched", share=self.n.percent(share, digits=1))
        return f"{sentence} {more}"

    def _limit(self, rule: RuleSensitivity) -> str:
        return self.words.rate(rule.metric)

    def _rows(self, rules: list[RuleSensitivity]) -> Iterator[Row]:
        by_verdict: dict[tuple[str, People], list[SensitivityFinding]] = {}
        first: dict[tuple[str, People], Group] = {}
        limits = {rule.rule: self._limit(rule) for rule in rules}
        judged = {(judged_rate.rule.rule, judged_rate.group): judged_rate for judged_rate in self.reading.judged_rates}
        for rule in rules:
            for finding in rule.findings:
                key = rule.rule, finding.group.people
                if first.setdefault(key, finding.group) == finding.group:
                    by_verdict.setdefault(key, []).append(finding)
        ordered = sorted(
            by_verdict.items(),
            key=lambda verdict_findings: (_ORDER[verdict_findings[1][0].outcome], _fewest(verdict_findings[1])),
        )
        for (rule_id, _), findings in ordered:
            kinds = {finding.kind: finding for finding in findings}
            yield (
                self.group_cell(findings[0].group),
                self.cell("limit", limits[rule_id], number=False),
                self.cell("verdict", self.words.outcome(findings[0].outcome), number=False),
                self.cell("wrong_labels_worst", self._overturned(kinds.get("labels_flipped"))),
                self.cell(
                    "wrong_labels_random",
                    self._share_at_random(kinds.get("labelled_too_often"), kinds.get("labelled_too_rarely")),
                ),
                self.cell("of_unknown_group", self._overturned(kinds.get("unknown_attribute"))),
                self.cell(
                    "whoever_they_are",
                    self._drawn(kinds.get("unknown_attribute"), judged.get((rule_id, findings[0].group))),
                    number=False,
                ),
                self.cell("without_decision", self._overturned(kinds.get("unscored"))),
            )

    def _drawn(self, finding: SensitivityFinding | None, judged: JudgedRate | None) -> Markup | str:
        """Draw the rates that are possible, whoever the people of unknown group are, beside the limit."""
        if finding is None or judged is None or finding.low is None or finding.high is None:
            return NOT_KNOWN
        lower, upper = judged.lower_limit, judged.upper_limit
        bar = Bar(judged.value, finding.low, finding.high, finding.outcome, lower, upper, judged.rest)
        return interval(bar, 1.0, self.n.percent_range(finding.low, finding.high))

    def _overturned(self, finding: SensitivityFinding | None) -> str:
        if finding is None:
            return NOT_KNOWN
        if finding.outcome not in ("pass", "fail"):
            return self.t.gettext("cannot make it pass") if finding.stands else self.t.gettext("could make it pass")
        if finding.overturned_by is None:
            return self.t.gettext("stands whatever they are")
        return self.part(finding.overturned_by, finding.among)

    def _share_at_random(self, too_often: SensitivityFinding | None, too_rarely: SensitivityFinding | None) -> str:
        """Return the smallest share of labels that overturns a verdict, wherever in the group the wrong ones are."""
        shares = []
        if too_often is not None and too_often.share is not None:
            share = self.n.percent(too_often.share, digits=1)
            shares.append(self.t.gettext("%(share)s of its others") % {"share": share})
        if too_rarely is not None and too_rarely.share is not None:
            share = self.n.percent(too_rarely.share, digits=1)
            shares.append(self.t.gettext("%(share)s of its victims") % {"share": share})
        return "; ".join(shares) if shares else NOT_KNOWN


def _fewest(findings: list[SensitivityFinding]) -> int:
    counts = [finding.overturned_by for finding in findings if finding.overturned_by is not None]
    return min(counts, default=10**9)


class ControlWriter(LookWriter):
    """Writer of the look at cases drawn at random before anybody decided which ones to examine."""

    anchor = "random-sample"

    def look(self) -> Look:
        """Return the look, or the reason why it is absent."""
        sample = self.result.further.control_sample
        if sample is None:
            return self.absent()
        sentences = (self._sentence(sample), *self._changed(sample), *self.unweighted_notes())
        return self.tabled(map(self._row, sample.comparisons), sentences)

    def _sentence(self, sample: ControlSample) -> str:
        apart = [comparison for comparison in sample.comparisons if _excludes_zero(comparison)]
        return self.said(
            "drawn",
            cases=self.n.count(sample.cases),
            others=self.n.count(sample.other_cases),
            labelled=self.n.count(sample.labelled),
            apart=self.n.count(len(apart)),
            all=self.n.count(len(sample.comparisons)),
        )

    def _changed(self, sample: ControlSample) -> Iterator[str]:
        lost = [verdict for verdict in sample.verdicts if verdict.group is not None and verdict.outcome == "fail"]
        fails_in_control = sum(verdict.control_outcome == "fail" for verdict in lost)
        if lost:
            yield self.counted("lost", len(lost), all=self.n.count(len(lost)), held=self.n.count(fails_in_control))

    def _row(self, comparison: ControlComparison) -> Row:
        return (
            self.group_cell(comparison.group),
            self.cell("rate", self.words.rate(comparison.metric), number=False),
            self.cell("drawn_at_random", self.part(comparison.numerator, comparison.denominator)),
            self.cell("others", self.part(comparison.other_numerator, comparison.other_denominator)),
            self.cell(
                "difference_in_points",
                self.n.points_with_range(comparison.difference, comparison.difference_low, comparison.difference_high),
            ),
        )


def _excludes_zero(comparison: ControlComparison) -> bool:
    low, high = comparison.difference_low, comparison.difference_high
    return low is not None and high is not None and (low > 0 or high < 0)


def _rounded_down(share: float | None) -> float:
    """Return a share that somebody can vouch for, in tenths of a per cent and never rounded up: with a larger one,
    groups do not pass.
    """
    return math.floor((share or 0.0) * 1000.0 + _FLOAT_NOISE) / 1000.0
