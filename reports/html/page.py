"""Content of the page, in its order: the parts that templates lay out, already in words and rounded numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from audit.result.findings.judged import Outcome, RuleResult
from audit.vocabulary.metrics import MISSED, WRONGLY_FLAGGED
from audit.vocabulary.terms import TERMS, Term
from reports.data_links import as_link
from reports.group_counts import groups_csv
from reports.html.affected import Affected, AffectedWriter
from reports.html.breakdown import Breakdown, BreakdownWriter
from reports.html.charts import states
from reports.html.looks import Looks, looks
from reports.plain_text import capital
from reports.swap_words import ProbeRuleSummary, probe_rules
from reports.unnamed_words import UnnamedWords
from reports.verdict_words import VerdictWords, VerdictWriter
from reports.waiver_words import WaiverLine, WaiverWords
from reports.writer import Report, Writer

_AFFECTED_FIRST = 10
_NEEDED_FIRST = 12
_MOST_DATA = 80_000
"""The most characters of data in the page. With them a page of 800 strata stays within half a million bytes."""
_MOST_DATA_BESIDE_LONG_WORDS = 2_000
_LONG_WORDS = ("ar", "ru")
"""Languages whose letters take two bytes: the words of a page weigh 100,000 bytes more than in others."""
_OUTCOMES: tuple[Outcome, ...] = ("fail", "inconclusive", "not_evaluable", "pass")


@dataclass(frozen=True, slots=True)
class StateCount:
    """The number of groups that have an outcome."""

    outcome: str
    count: int
    word: str


@dataclass(frozen=True, slots=True)
class RuleSummary:
    """A rule: what it limits, its outcome, and the outcomes of its groups."""

    rule: RuleResult
    name: str
    limit: str
    word: str
    because: str
    groups: str
    states: tuple[StateCount, ...]
    as_part: int
    bar: Markup
    unnamed: str
    """The words where the rule fails for several groups of which none is named. Otherwise empty."""
    judged: str
    """The share of people who were judged, alone or as a part. Empty where there is none."""
    not_alone: str
    """The people of whom a pass says nothing by themselves. Empty where the rule does not pass."""


@dataclass(frozen=True, slots=True)
class NeededCases:
    """A group that cannot be decided, and the cases that a verdict would need."""

    name: str
    what: str
    now: str
    needed: str


@dataclass(frozen=True, slots=True)
class Page:
    """Everything on the page, except the result itself."""

    verdict: VerdictWords
    rules: tuple[RuleSummary, ...]
    probe_rules: tuple[ProbeRuleSummary, ...]
    """The limits on probes."""
    affected: tuple[Affected, ...]
    affected_first: int
    overlap: Literal["ladder", "families", ""]
    """The ways in which a person can be in several groups: on the rungs of a nationality, as one of several features,
    or not.
    """
    breakdown: Breakdown
    needed: tuple[NeededCases, ...]
    needed_more: int
    waits_for_decisions: bool
    """Whether cases without a decision keep some group from a verdict."""
    both_ways: bool
    """Whether any limit holds in both directions."""
    looks: Looks
    """The answers to further questions. Questions without an answer are among them."""
    csv: str
    """The counts of groups as a link that holds them."""
    not_in_csv: str
    """The families of groups that the link has no room for. Empty where all have room."""
    worth_less: bool
    """Whether rows are weighted or belong together, so that they count for less than as many independent ones."""
    but_for_unknown: bool
    """Whether people whose group is unknown keep any group from a pass."""
    terms: tuple[Term, ...]
    """The terms that the page uses, except those that every page uses."""
    waivers: tuple[WaiverLine, ...]
    """Findings that somebody answers for."""

    @property
    def anyone_listed(self) -> bool:
        """Whether any group is listed as affected, clearly or maybe."""
        return any(error.clearly or error.maybe for error in self.affected)

    @property
    def anyone_unnamed(self) -> bool:
        """Whether groups are affected of which none can be named."""
        return any(error.unnamed for error in self.affected)


class PageWriter(Writer):
    """Writer of the page of one result in one language."""

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        self._findings = self.reading.each_once
        self._unnamed_words = UnnamedWords(self.language)
        self._rules = sorted(self.result.rules, key=self._harm_order)

    def write(self) -> Page:
        """Write the page."""
        needed = self._needed()
        csv, left_out = groups_csv(self.result, self._most_data)
        answered = looks(self.report)
        return Page(
            verdict=VerdictWriter(self.report).write(),
            rules=tuple(self._rule(rule) for rule in self._rules),
            probe_rules=probe_rules(self.result, self.language),
            affected=AffectedWriter(self.report).write(),
            affected_first=_AFFECTED_FIRST,
            overlap=self._overlap(),
            breakdown=BreakdownWriter(self.report, self._rules).write(),
            needed=tuple(needed[:_NEEDED_FIRST]),
            needed_more=max(len(needed) - _NEEDED_FIRST, 0),
            waits_for_decisions=any(finding.verdict.because == "unscored_cases" for finding in self._findings),
            both_ways=any(rule.direction == "both" for rule in self._rules),
            looks=answered,
            csv=as_link("text/csv", csv),
            not_in_csv=self.t.gettext("; ").join(self.names.axes(family.root) for family in left_out if family.root),
            worth_less=self._worth_less,
            but_for_unknown=any(verdict.because == "unknown_attribute" for verdict in self.result.verdicts),
            terms=tuple(self._terms(answered)),
            waivers=tuple(WaiverWords(self.result, self.language).listed(self.names)),
        )

    def _overlap(self) -> Literal["ladder", "families", ""]:
        families = [family.axes for family in self.reading.families]
        rungs = [axes[0] for axes in families if len(axes) == 1 and self.names.is_nationality(axes[0])]
        if len(rungs) > len({axis.feature for axis in rungs}):
            return "ladder"
        return "families" if len(families) > 1 else ""

    @property
    def _most_data(self) -> int:
        return _MOST_DATA_BESIDE_LONG_WORDS if self.language.short in _LONG_WORDS else _MOST_DATA

    @property
    def _worth_less(self) -> bool:
        return any(estimate.effective_cases is not None for estimate in self.reading.everyone.values())

    def _terms(self, answered: Looks) -> Iterator[Term]:
        used = answered.terms
        if self.reading.unnamed:
            used.add("unnamed fail")
        if self._worth_less:
            used |= {"design weight", "cluster", "effective cases", "degrees of freedom"}
        used |= set(self._of_safeguards())
        return (term for term in TERMS.values() if term.name in used)

    def _of_safeguards(self) -> Iterator[str]:
        result = self.result
        governance = result.plan.governance
        if result.safeguards:
            yield "measured, declared, not shown"
        if result.frameworks:
            yield "evidence relevant to"
        if result.further.impact_ratios:
            yield "impact ratio"
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
        return next((place for place, error in enumerate(errors) if rule.metric in error), len(errors))

    def plain(self, metric: str) -> str:
        """Return the name of a rate for a reader, with a capital."""
        name = self.reading.metrics[metric].plain if metric in self.reading.metrics else metric
        return capital(name)

    def _rule(self, rule: RuleResult) -> RuleSummary:
        verdicts = [each.verdict for each in self._findings if each.rule is rule]
        counts = [(outcome, sum(verdict.outcome == outcome for verdict in verdicts)) for outcome in _OUTCOMES]
        shown = tuple(StateCount(name, count, self.words.outcome(name)) for name, count in counts if count)
        title = self.t.gettext("; ").join(f"{self.n.count(state.count)} {state.word}" for state in shown)
        groups = sum(count for _, count in counts)
        return RuleSummary(
            rule=rule,
            name=self.plain(rule.metric),
            limit=self.words.said_limit(self.words.limit(rule), only_warns=rule.rule in self.result.plan.warning_rules),
            word=self.words.rule_outcome(rule.outcome),
            because=self.why(rule),
            groups=self.t.ngettext("%(count)s group", "%(count)s groups", groups) % {"count": self.n.count(groups)},
            states=shown,
            as_part=sum(verdict.because == "judged_as_part" for verdict in verdicts),
            bar=states(counts, title) if groups else Markup(""),
            unnamed=self._unnamed_words.of_the_rule(rule)
            if any(each.rule == rule.rule for each, _ in self.reading.unnamed)
            else "",
            judged=self.words.judged(rule),
            not_alone=self.not_alone(rule),
        )

    def _needed(self) -> list[NeededCases]:
        undecided = [
            finding
            for finding in self._findings
            if finding.outcome in ("inconclusive", "not_evaluable")
            and finding.verdict.cases_needed
            and finding.verdict.because != "unscored_cases"
        ]
        undecided.sort(key=lambda finding: -finding.verdict.cases)
        return [
            NeededCases(
                name=self.names.whole(finding.group, finding.same_people),
                what=self.reading.metrics[finding.metric].among if finding.metric in self.reading.metrics else "",
                now=self.n.count(finding.verdict.cases),
                needed=self.n.about(finding.verdict.cases_needed or 0),
            )
            for finding in undecided
        ]
