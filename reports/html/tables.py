"""Tables of findings: rows with an interval in a cell, the most pressing first. Long tails are folded, all
rates side by side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from markupsafe import Markup

from audit.result.findings.judged import RuleResult
from audit.result.reading import JudgedRate, Rate
from audit.result.selected import Selected, selected
from audit.vocabulary.groups import Family, Group
from audit.vocabulary.metrics import MetricName
from reports.html.charts import Bar, axis_end, interval
from reports.numbers import NOT_KNOWN
from reports.waiver_words import WaiverWords
from reports.writer import Report, Writer

WHOLE = 24
"""The most rows of a table that is shown whole."""
FIRST = 12
"""The rows of a longer table of a rate without a limit, or without a verdict. The rest is folded."""
SMALLEST_OF_TWO = 15
"""The cases from which a group by several features has a row. A public report prints rows from about 20 on, each number
changed by 5 at most.
"""
MOST_OF_TWO = 120
"""The most rows of a rate for groups by several features: a public report has at most about a hundred."""
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
class Table:
    """The findings of one rule (or of a rate without one) over the groups of one family."""

    anchor: str
    metric: str
    caption: str
    rule: RuleResult | None
    shown: Selected[Rate] | Selected[JudgedRate]
    end: float
    """The rate at the end of the axis."""

    @property
    def digits(self) -> int:
        """The decimals of its rates in percent."""
        return 1 if self.end <= _SMALL_RATES else 0


@dataclass(frozen=True, slots=True)
class RatesRow:
    """A group, and what is said of each of its rates."""

    group: Group
    findings: Sequence[Rate]

    def rate(self, metric: str) -> Rate | None:
        """Return a rate of the group; None where nothing is said of it."""
        return next((finding for finding in self.findings if finding.metric == metric), None)


@dataclass(frozen=True, slots=True)
class RatesTable:
    """Groups that stand in full under no limit, or not under each: all rates side by side."""

    anchor: str
    caption: str
    metrics: Sequence[str]
    parts: Sequence[tuple[str, Sequence[RatesRow]]]
    """Rows, under the verdicts that they share."""
    left_out: str
    """Counts, by outcome, of the groups that stand in the result file alone."""

    @property
    def count(self) -> int:
        """The number of rows."""
        return sum(len(rows) for _, rows in self.parts)


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
        is_whole = self.is_whole(family)
        listed = findings if is_whole else list(filter(_is_failing, findings))
        first = self._first(listed) if is_whole else listed[:WHOLE]
        # rows are picked where others are not on the page; without a limit the order is by size, which is no result
        is_picked = rule is not None and (not is_whole or len(findings) > WHOLE)
        shown = selected(first, findings if is_picked else first)
        by = {"rate": self.plain(metric), "axes": self.names.axes(family.axes)}
        caption = self.t.gettext("%(rate)s, by %(axes)s") % by
        return Table(anchor, metric, caption, rule, shown, axis_end(_extent(shown.rows)))

    @staticmethod
    def _first(findings: list[Rate]) -> list[Rate]:
        """Return the findings that stand in full: those with a verdict, or the first ones where none has any."""
        decided = [finding for finding in findings if finding.verdict and finding.verdict.outcome in ("fail", "pass")]
        if decided and len(findings) - len(decided) > _FEW_A_PART:
            return decided[:WHOLE]
        return findings if decided or len(findings) <= FIRST else findings[:FIRST]

    def rates(
        self,
        rules: Sequence[RuleResult],
        metrics: Sequence[MetricName],
        family: Family,
        above: Sequence[Table],
        anchor: str,
    ) -> RatesTable:
        """Return the table of the groups of which some rate does not stand in a table `above`.

        Of groups by several features those of the finest rungs have rows, so that a public report names none that is
        not here; the others are counted.
        """
        columns: list[Sequence[Rate]] = [self.reading.judged(rule, family) for rule in rules]
        columns += [self.reading.shown(metric, family) for metric in metrics]
        in_full = {_statement(row): row for table in above for row in table.shown.rows}
        by_group: dict[Group, list[Rate]] = {}
        for rate in chain.from_iterable(columns):
            # whoever reads one rate in two tables finds the same range
            by_group.setdefault(rate.group, []).append(in_full.get(_statement(rate), rate))
        listed = {rate.group for column in columns for rate in self._listed(column, family)}
        parts: dict[tuple[int, ...], list[RatesRow]] = {}
        titles: dict[tuple[int, ...], str] = {}
        left_out = []
        for group, findings in by_group.items():
            if all(_statement(rate) in in_full for rate in findings):
                continue
            if group not in listed:
                left_out += [rate for rate in findings if _statement(rate) not in in_full]
                continue
            ranks = tuple(_rank(rate) for rate in findings if rate.verdict)
            parts.setdefault(ranks, []).append(RatesRow(group, findings))
            titles[ranks] = titles.get(ranks) or self._verdicts_of(findings)
        for rows in parts.values():
            rows.sort(key=lambda row: self.names.group(row.group))
        return RatesTable(
            anchor,
            self.t.gettext("By %(axes)s") % {"axes": self.names.axes(family.axes)},
            list(dict.fromkeys((*(rule.metric for rule in rules), *metrics))),
            [(titles[ranks], parts[ranks]) for ranks in sorted(parts)],
            self._outcome_counts(left_out),
        )

    def is_whole(self, family: Family) -> bool:
        """Return whether the groups of a family stand in full: those by one feature, on its finest rung."""
        return len(family.axes) == 1 and self._is_finest(family)

    def _is_finest(self, family: Family) -> bool:
        finest = {feature.name: feature.rungs[0] for feature in self.result.features}
        return all(axis.rung == finest[axis.feature] for axis in family.axes)

    def _listed(self, column: Sequence[Rate], family: Family) -> Sequence[Rate]:
        if len(family.axes) == 1:
            return column
        if not self._is_finest(family):
            return ()
        largest = sorted(column, key=lambda rate: -rate.denominator)[:MOST_OF_TWO]
        return [rate for rate in largest if rate.denominator >= SMALLEST_OF_TWO]

    def _verdicts_of(self, findings: Sequence[Rate]) -> str:
        """Return what is said of a group under its limits: "Found, Missed: cannot tell: too few cases"."""
        colon, rates = self.t.gettext(": "), dict[str, list[str]]()
        for finding in findings:
            if finding.verdict:
                because = "" if finding.verdict.outcome in ("fail", "pass") else self._because(finding)
                verdict_words = colon.join(filter(None, (self.words.verdict(finding.verdict), because)))
                rates.setdefault(verdict_words, []).append(self.words.rate(finding.metric))
        said_of = (
            colon.join((self.language.joined(names, "list"), verdict_words)) for verdict_words, names in rates.items()
        )
        return self.t.gettext("; ").join(said_of)

    def _outcome_counts(self, findings: Sequence[Rate]) -> str:
        """Return by rate how many groups have which outcome: "Found: 253 cannot tell, 12 no rate can be stated"."""
        outcomes: dict[str, Counter[str]] = {}
        for finding in findings:
            if finding.verdict:
                counts = outcomes.setdefault(self.words.rate(finding.metric), Counter())
                counts[self.words.verdict(finding.verdict)] += 1
        if not outcomes:
            return self.n.count(len({finding.group for finding in findings})) if findings else ""
        clauses = (
            (
                rate,
                self.language.joined([f"{self.n.count(count)} {outcome}" for outcome, count in by.items()], "list"),
            )
            for rate, by in outcomes.items()
        )
        return self.t.gettext("; ").join(map(self.t.gettext(": ").join, clauses))

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

    def number(self, finding: Rate) -> str:
        """Return the number of cases of a finding, and what they are worth where they are worth less."""
        weighted = finding.estimate is not None and finding.estimate.effective_cases is not None
        return self.cases(finding) if weighted else self.n.count(finding.denominator)

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


def _is_failing(finding: Rate) -> bool:
    return finding.verdict is not None and finding.verdict.outcome == "fail"


def _statement(finding: Rate) -> tuple[Group, str, str]:
    """Return what a row of a table says something of: a rate of a group, under a rule if there is one."""
    return finding.group, finding.metric, "" if finding.rule is None else finding.rule.rule


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
