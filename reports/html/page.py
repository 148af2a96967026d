"""Content of the page, in its order: the parts that templates lay out, already in words and rounded numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from markupsafe import Markup

from audit.result.cases import Suite
from audit.result.finding_list import findings_of
from audit.result.findings.judged import RuleResult
from audit.result.reading import JudgedRate
from audit.vocabulary.groups import Group
from audit.vocabulary.metrics import MISSED, WRONGLY_FLAGGED, error_of
from audit.vocabulary.terms import TERMS, Term
from reports.group_counts import as_link, groups_csv
from reports.html.affected import affected
from reports.html.breakdown import Breakdown
from reports.html.charts import Hundred, hundred_people, states
from reports.html.looks import looks
from reports.html.tables import TableWriter
from reports.swap_words import SwapWords
from reports.tally_words import Counted, TallyWords
from reports.unnamed_words import UnnamedWords
from reports.verdict_words import VerdictWriter
from reports.waiver_words import WaiverWords
from reports.writer import Report, Writer

_AFFECTED_FIRST = 10
_NEEDED_FIRST = 4
_MOST_DATA = 80_000
"""The most characters of data in the page. With them a page of 800 strata stays within half a million bytes."""
_MOST_DATA_BESIDE_LONG_WORDS = 2_000
_LONG_WORDS = ("ar", "ru")
"""Languages whose letters take two bytes: the words of a page weigh 100,000 bytes more than in others."""


class Page(Writer):
    """Everything on the page of one result in one language, except the result itself."""

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        self._findings = self.reading.each_once
        self._unnamed_words = UnnamedWords(self.language, self.reading.rates)
        self.rules = sorted(self.result.rules, key=self._harm_order)
        self.judged = self._judged(report.suites)
        """Each rule on a rate with what was judged, the system's flags first, then what people decided."""
        self.verdict = VerdictWriter(report).write()
        self.hundred = self._hundred()
        """A hundred people of the group most affected, and a hundred others."""
        self.swap_words = SwapWords(self.result, self.language)
        self.affected = affected(report)
        self.affected_first = _AFFECTED_FIRST
        self.anyone_listed = any(error.clearly.rows or error.maybe.rows for error in self.affected)
        """Whether any group is listed as affected, clearly or maybe."""
        self.anyone_unnamed = any(error.unnamed for error in self.affected)
        """Whether groups are affected of which none can be named."""
        self.overlap = self._overlap()
        self.tables = TableWriter(report)
        self.breakdown = Breakdown(report, self.rules, self.tables)
        needed = self._needed()
        self.needed, self.needed_more = needed[:_NEEDED_FIRST], max(len(needed) - _NEEDED_FIRST, 0)
        self.waits_for_decisions = any(finding.verdict.because == "unscored_cases" for finding in self._findings)
        """Whether cases without a decision keep some group from a verdict."""
        self.both_ways = any(rule.direction == "both" for rule in self.rules)
        """Whether any limit holds in both directions."""
        self.looks = looks(report)
        """The answers to further questions. Questions without an answer are among them."""
        csv, left_out = groups_csv(self.result, self._most_data)
        self.csv = as_link("text/csv", csv)
        """The counts of groups as a link that holds them."""
        self.not_in_csv = self.t.gettext("; ").join(self.names.axes(family.root) for family in left_out if family.root)
        """The families of groups that the link has no room for. Empty where all have room."""
        self.worth_less = any(estimate.effective_cases is not None for estimate in self.reading.everyone.values())
        """Whether rows are weighted or belong together, so that they count for less than as many independent ones."""
        self.but_for_unknown = any(verdict.because == "unknown_attribute" for verdict in self.result.verdicts)
        """Whether people whose group is unknown keep any group from a pass."""
        limited = {rule.metric for rule in self.rules} | {MISSED[0], WRONGLY_FLAGGED[0]}
        self.explained = [metric for metric in self.result.metrics if metric.name in limited]
        """The rates that tables of the page are about."""
        self.terms = list(self._terms())
        """The terms that the page uses, except those that every page uses."""
        self.waivers = WaiverWords(self.result, self.language).listed(self.names)
        """Findings that somebody answers for."""

    def _hundred(self) -> Hundred | None:
        first = self.verdict.first
        if first is None:
            return self._hundred_then_and_now()
        if first.value is None or first.rest is None:
            return None
        error, rest = (error_of(first.definition, rate) for rate in (first.value, first.rest))
        return hundred_people(self.language, first.metric, self.names.group(first.group), error, rest)

    def _hundred_then_and_now(self) -> Hundred | None:
        """Draw the first group for which the system became worse; None where the change is no fail, or not all."""
        change = self.result.change
        if change is None or change.outcome != "fail" or self.reading.outcome_of_rates == "fail":
            return None
        first = next((finding for finding in findings_of(self.reading) if finding.subject == "change"), None)
        if first is None:
            return None
        now, then = first.measured.rate, first.measured.compared
        if now is None or then is None or first.metric is None or not isinstance(first.who, Group):
            return None
        names = [
            self.t.gettext("%(group)s, %(day)s")
            % {"group": self.names.group(first.who), "day": self.language.date(day)}
            for day in (self.result.provenance.finished, change.baseline.finished)
        ]
        now, then = (error_of(self.reading.rates[first.metric], rate) for rate in (now, then))
        return hundred_people(self.language, first.metric, names[0], now, then, names[1])

    def _overlap(self) -> Literal["ladder", "families", ""]:
        """Return in which way a person can be in several groups: on the rungs of a nationality, as one of several
        features, or not.
        """
        families = [family.axes for family in self.reading.families]
        rungs = [axes[0] for axes in families if len(axes) == 1 and self.names.is_nationality(axes[0])]
        if len(rungs) > len({axis.feature for axis in rungs}):
            return "ladder"
        return "families" if len(families) > 1 else ""

    @property
    def _most_data(self) -> int:
        return _MOST_DATA_BESIDE_LONG_WORDS if self.language.short in _LONG_WORDS else _MOST_DATA

    def _terms(self) -> Iterator[Term]:
        used: set[str] = set()
        if self.reading.unnamed:
            used.add("unnamed fail")
        if self.worth_less:
            used |= {"design weight", "cluster", "effective cases", "degrees of freedom"}
        used |= set(self._of_safeguards())
        return (term for term in TERMS.values() if term.name in used)

    def _of_safeguards(self) -> Iterator[str]:
        governance = self.result.plan.governance
        if governance.override_rate is not None or governance.review_rate is not None:
            yield "override rate"
        if governance.valid_until is not None:
            yield "valid until"

    def _harm_order(self, rule: RuleResult) -> int:
        """Return the place of a rule in an order: the primary harm, the other error, other rates. Within each, the
        order of the plan stays.
        """
        errors = [MISSED, WRONGLY_FLAGGED]
        if self.result.overall.primary_harm == "wrongly_flagged":
            errors.reverse()
        return next((rank for rank, error in enumerate(errors) if rule.metric in error), len(errors))

    def limit(self, rule: RuleResult) -> str:
        """Return the limit of a rule, and whether it only warns."""
        return self.words.said_limit(self.words.limit(rule), only_warns=rule.rule in self.result.plan.warning_rules)

    def _judged(self, judged: Sequence[Suite]) -> list[tuple[RuleResult, Suite]]:
        of_rates = [(suite.of, suite) for suite in judged if isinstance(suite.of, RuleResult)]
        return sorted(of_rates, key=lambda entry: (entry[1].of_people, self._harm_order(entry[0])))

    def unnamed(self, rule: RuleResult, suite: Suite) -> str:
        """Return the words where a rule fails for several groups of which none is named. Otherwise empty."""
        return self._unnamed_words.of_the_rule(rule) if suite.unnamed else ""

    def tally(self, suite: Suite) -> list[Counted]:
        """Return how many findings under a rule have which word; people that stand twice count once."""
        return TallyWords(self.language).counted(suite.tally)

    def bar(self, suite: Suite) -> Markup:
        """Return the drawing of these numbers, which stand under it. Empty where there are no groups."""
        counts = self.tally(suite)
        return states([(state_count.look, state_count.count) for state_count in counts]) if counts else Markup("")

    def _needed(self) -> list[JudgedRate]:
        """Return the groups that cannot be decided and that more cases would decide, the largest first."""
        undecided = [
            finding
            for finding in self._findings
            if finding.outcome in ("inconclusive", "not_evaluable")
            and finding.verdict.cases_needed
            and finding.verdict.because != "unscored_cases"
        ]
        return sorted(undecided, key=lambda finding: -finding.verdict.cases)

    def among(self, finding: JudgedRate) -> str:
        """Return which cases count for the rate of a finding."""
        return self.reading.metrics[finding.metric].among if finding.metric in self.reading.metrics else ""
