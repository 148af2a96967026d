"""What stands on the page, in its order: the parts that templates lay out, already in words and rounded numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from audit.result import AuditResult, Family, Outcome, RuleResult
from audit.terms import TERMS, Term
from reports.html.affected import Affected, AffectedWriter
from reports.html.charts import states
from reports.html.looks import Look, looks
from reports.html.tables import WHOLE, Table, TableWriter
from reports.language import Language
from reports.names import Names
from reports.plain_text import capital
from reports.reading import MISSED, WRONGLY_FLAGGED, Reading
from reports.swap_words import ProbeRuleSummary, probe_rules
from reports.unnamed_words import UnnamedWords
from reports.verdict_words import VerdictWords, VerdictWriter
from reports.waived_words import WaivedWords, WaiverLine
from reports.words import Words

_AFFECTED_FIRST = 10
_NEEDED_FIRST = 12
_OUTCOMES: tuple[Outcome, ...] = ("fail", "inconclusive", "not_evaluable", "pass")


@dataclass(frozen=True, slots=True)
class StateCount:
    """How many groups have an outcome."""

    outcome: str
    count: int
    word: str


@dataclass(frozen=True, slots=True)
class RuleSummary:
    """A rule: what it limits, what came of it, and how its groups fell out."""

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
    """Said where the rule fails for several groups of which none is named; else empty."""


@dataclass(frozen=True, slots=True)
class Section:
    """Findings by one feature, or by several together."""

    anchor: str
    title: str
    families: tuple[tuple[str, tuple[Table, ...]], ...]
    """For each family: a heading (empty where there is one family only) and its tables, the primary harm first."""


@dataclass(frozen=True, slots=True)
class NeededCases:
    """A group that cannot be decided, and what it would take."""

    name: str
    what: str
    now: str
    needed: str


@dataclass(frozen=True, slots=True)
class Page:
    """Everything on the page that is not the result itself."""

    verdict: VerdictWords
    rules: tuple[RuleSummary, ...]
    probe_rules: tuple[ProbeRuleSummary, ...]
    """Limits on probes."""
    affected: tuple[Affected, ...]
    affected_first: int
    sections: tuple[Section, ...]
    needed: tuple[NeededCases, ...]
    needed_more: int
    waits_for_decisions: bool
    """Whether cases without a decision keep some group from a verdict."""
    both_ways: bool
    """Whether any limit holds in both directions."""
    looks: tuple[Look, ...]
    """The answers to further questions, those without one among them."""

    @property
    def not_looked_at(self) -> list[Look]:
        """Questions without an answer, each with the reason."""
        return [look for look in self.looks if look.absent]

    worth_less: bool
    """Whether rows are weighted or belong together, so that they say less than as many independent ones."""
    but_for_unknown: bool
    """Whether people whose group is unknown keep any group from a pass."""
    terms: tuple[Term, ...]
    """The terms that the page uses, beside those that every page does."""
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


class PageWriter:
    """Lays out one result in one language."""

    def __init__(self, result: AuditResult, language: Language) -> None:
        self.reading = Reading(result)
        self.names = Names(result.features, language)
        self.words = Words(language, self.names)
        self._language = language
        self._t = language.translations
        self._n = language.numbers
        self._tables = TableWriter(self.reading, self.names, self.words, language)
        self._findings = self.reading.each_once
        self._unnamed_words = UnnamedWords(language)
        self._rules = sorted(result.rules, key=self._harm_order)

    def write(self) -> Page:
        """The page."""
        needed = self._needed()
        answered = looks(self.reading, self.names, self.words, self._language)
        return Page(
            verdict=VerdictWriter(self.reading, self.names, self.words, self._language).write(),
            rules=tuple(self._rule(rule) for rule in self._rules),
            probe_rules=probe_rules(self.reading.result, self._language),
            affected=AffectedWriter(self.reading, self.names, self.words, self._language).write(),
            affected_first=_AFFECTED_FIRST,
            sections=tuple(self._sections()),
            needed=tuple(needed[:_NEEDED_FIRST]),
            needed_more=max(len(needed) - _NEEDED_FIRST, 0),
            waits_for_decisions=any(
                finding.verdict is not None and finding.verdict.because == "unscored_cases"
                for finding in self._findings
            ),
            both_ways=any(rule.direction == "both" for rule in self._rules),
            looks=answered,
            worth_less=self._worth_less,
            but_for_unknown=any(verdict.because == "unknown_attribute" for verdict in self.reading.result.verdicts),
            terms=tuple(self._terms(answered)),
            waivers=tuple(WaivedWords(self.reading.result, self._language).listed(self.names)),
        )

    @property
    def _worth_less(self) -> bool:
        return any(estimate.effective_cases is not None for estimate in self.reading.everyone.values())

    def _terms(self, answered: tuple[Look, ...]) -> Iterator[Term]:
        used = {name for look in answered if not look.absent for name in look.terms}
        if self.reading.unnamed:
            used.add("unnamed fail")
        if self._worth_less:
            used |= {"design weight", "cluster", "effective cases", "degrees of freedom"}
        used |= set(self._of_safeguards())
        return (term for term in TERMS.values() if term.name in used)

    def _of_safeguards(self) -> Iterator[str]:
        result = self.reading.result
        told = result.plan.governance
        if result.safeguards:
            yield "measured, declared, not shown"
        if result.frameworks:
            yield "evidence relevant to"
        if result.impact_ratios:
            yield "impact ratio"
        if told.override_rate is not None or told.review_rate is not None:
            yield "override rate"
        if told.valid_until is not None:
            yield "valid until"

    def _harm_order(self, rule: RuleResult) -> int:
        """The primary harm first, then the other error, then other rates; in the order of the plan among themselves."""
        errors = [MISSED, WRONGLY_FLAGGED]
        if self.reading.result.overall.primary_harm == "wrongly_flagged":
            errors.reverse()
        return next((place for place, error in enumerate(errors) if rule.metric in error), len(errors))

    def plain(self, metric: str) -> str:
        """The name of a rate for a reader, with a capital."""
        name = self.reading.metrics[metric].plain if metric in self.reading.metrics else metric
        return capital(name)

    def _rule(self, rule: RuleResult) -> RuleSummary:
        verdicts = [each.verdict for each in self._findings if each.verdict and each.verdict.rule == rule.rule]
        counts = [(outcome, sum(verdict.outcome == outcome for verdict in verdicts)) for outcome in _OUTCOMES]
        told = tuple(StateCount(name, count, self.words.outcome(name)) for name, count in counts if count)
        title = self._t.gettext("; ").join(f"{self._n.count(state.count)} {state.word}" for state in told)
        groups = sum(count for _, count in counts)
        return RuleSummary(
            rule=rule,
            name=self.plain(rule.metric),
            limit=self.words.limit(rule),
            word=self.words.rule_outcome(rule.outcome),
            because=self.words.rule_because(rule.because),
            groups=self._t.ngettext("%(count)s group", "%(count)s groups", groups) % {"count": self._n.count(groups)},
            states=told,
            as_part=sum(verdict.because == "judged_as_part" for verdict in verdicts),
            bar=states(counts, title) if groups else Markup(""),
            unnamed=self._unnamed_words.of_the_rule()
            if any(each.rule == rule.rule for each, _ in self.reading.unnamed)
            else "",
        )

    def _sections(self) -> list[Section]:
        """By gender and other features; by region; by nationality; then features together, the coarsest first."""
        parts: dict[tuple[int, str], list[Family]] = {}
        for family in self.reading.families:
            parts.setdefault(self._part(family), []).append(family)
        sections = []
        for place, ((_, title), families) in enumerate(sorted(parts.items(), key=lambda part: part[0][0]), start=1):
            ordered = sorted(families, key=lambda family: len(self.reading.groups(family)))
            laid = [
                (
                    capital(self.names.axes(family.axes)),
                    tuple(self._family_tables(family, f"table-{place}-{number}")),
                )
                for number, family in enumerate(ordered, start=1)
            ]
            sections.append(
                Section(
                    anchor=f"part-{place}",
                    title=title,
                    families=tuple((heading if len(laid) > 1 else "", tables) for heading, tables in laid),
                )
            )
        return sections

    def _part(self, family: Family) -> tuple[int, str]:
        axes = family.axes
        if len(axes) > 1:
            features = self.names.features(axes)
            return 3, self._t.gettext("By %(features)s together") % {"features": features}
        (axis,) = axes
        if not self.names.is_nationality(axis):
            return 0, self._t.gettext("By %(axes)s") % {"axes": self.names.axis(axis)}
        if axis.rung == "country":
            return 2, self._t.gettext("By %(axes)s") % {"axes": self.names.axis(axis)}
        return 1, self._t.gettext("By region")

    def _family_tables(self, family: Family, anchor: str) -> list[Table]:
        """A table a rule; and for an error that no rule limits in this family, the rate as it is, not judged."""
        tables = []
        limited: set[str] = set()
        for number, rule in enumerate(self._rules, start=1):
            table = self._tables.judged(rule, family, f"{anchor}-{number}")
            if table is not None:
                limited.add(rule.metric)
                tables.append(table)
        open_errors = [error[0] for error in (MISSED, WRONGLY_FLAGGED) if not limited.intersection(error)]
        tables += [
            self._tables.shown(metric, family, f"{anchor}-{metric}")
            for metric in open_errors
            if metric in self.reading.everyone
        ]
        return tables

    def _needed(self) -> list[NeededCases]:
        undecided = [
            finding
            for finding in self._findings
            if finding.verdict is not None
            and finding.verdict.outcome in ("inconclusive", "not_evaluable")
            and finding.verdict.cases_needed
            and finding.verdict.because != "unscored_cases"
        ]
        undecided.sort(key=lambda finding: -finding.verdict.cases if finding.verdict else 0)
        return [
            NeededCases(
                name=self.names.group(finding.group),
                what=self.reading.metrics[finding.metric].among if finding.metric in self.reading.metrics else "",
                now=self._n.count(finding.verdict.cases),
                needed=self._n.about(finding.verdict.cases_needed or 0),
            )
            for finding in undecided
            if finding.verdict is not None
        ]

    @property
    def small_families(self) -> list[Family]:
        """Families short enough to be shown rate by rate."""
        return [family for family in self.reading.families if len(self.reading.groups(family)) <= WHOLE]
