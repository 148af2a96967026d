"""What stands on the page, in its order: the parts that templates lay out, already in words and rounded numbers."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from audit.result import AuditResult, Family, Outcome, RuleResult
from reports.harms import Error, harm
from reports.html.charts import states
from reports.html.tables import WHOLE, Table, TableWriter
from reports.language import Language
from reports.names import Names
from reports.reading import MISSED, WRONGLY_FLAGGED, Finding, Reading
from reports.verdict_words import VerdictWords, VerdictWriter
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


@dataclass(frozen=True, slots=True)
class Affected:
    """One error: what it does to people, and to whom it happens more."""

    error: str
    title: str
    harm: str
    has_rule: bool
    both_ways: bool
    """Whether a limit holds in both directions, so that a group beyond it is apart and need not be worse off."""
    everyone: str
    clearly: tuple[AffectedGroup, ...]
    maybe: tuple[AffectedGroup, ...]


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
    affected: tuple[Affected, ...]
    affected_first: int
    sections: tuple[Section, ...]
    needed: tuple[NeededCases, ...]
    needed_more: int
    waits_for_decisions: bool
    """Whether cases without a decision keep some group from a verdict."""
    both_ways: bool
    """Whether any limit holds in both directions."""

    @property
    def anyone_listed(self) -> bool:
        """Whether any group is listed as affected, clearly or maybe."""
        return any(error.clearly or error.maybe for error in self.affected)


class PageWriter:
    """Lays out one result in one language."""

    def __init__(self, result: AuditResult, language: Language) -> None:
        self.reading = Reading(result)
        self.names = Names(result, language)
        self.words = Words(language, self.names)
        self._language = language
        self._t = language.translations
        self._n = language.numbers
        self._tables = TableWriter(self.reading, self.names, self.words, language)
        self._findings = self.reading.each_once
        self._rules = sorted(result.rules, key=self._harm_order)

    def write(self) -> Page:
        """The page."""
        needed = self._needed()
        return Page(
            verdict=VerdictWriter(self.reading, self.names, self.words, self._language).write(),
            rules=tuple(self._rule(rule) for rule in self._rules),
            affected=tuple(self._affected()),
            affected_first=_AFFECTED_FIRST,
            sections=tuple(self._sections()),
            needed=tuple(needed[:_NEEDED_FIRST]),
            needed_more=max(len(needed) - _NEEDED_FIRST, 0),
            waits_for_decisions=any(
                finding.verdict is not None and finding.verdict.because == "unscored_cases"
                for finding in self._findings
            ),
            both_ways=any(rule.direction == "both" for rule in self._rules),
        )

    def _harm_order(self, rule: RuleResult) -> int:
        """The primary harm first, then the other error, then other rates; in the order of the plan among themselves."""
        errors = [MISSED, WRONGLY_FLAGGED]
        if self.reading.result.overall.primary_harm == "wrongly_flagged":
            errors.reverse()
        return next((place for place, error in enumerate(errors) if rule.metric in error), len(errors))

    def plain(self, metric: str) -> str:
        """The name of a rate for a reader, with a capital."""
        name = self.reading.metrics[metric].plain if metric in self.reading.metrics else metric
        return _capital(name)

    def _rule(self, rule: RuleResult) -> RuleSummary:
        verdicts = [each.verdict for each in self._findings if each.verdict and each.verdict.rule == rule.rule]
        counts = [(outcome, sum(verdict.outcome == outcome for verdict in verdicts)) for outcome in _OUTCOMES]
        told = tuple(StateCount(name, count, self.words.outcome(name)) for name, count in counts if count)
        title = "; ".join(f"{self._n.count(state.count)} {state.word}" for state in told)
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
        )

    def _affected(self) -> list[Affected]:
        errors: list[Error] = ["missed", "wrongly_flagged"]
        if self.reading.result.overall.primary_harm == "wrongly_flagged":
            errors.reverse()
        titles = {
            "missed": self._t.gettext("Victims missed"),
            "wrongly_flagged": self._t.gettext("People wrongly flagged"),
        }
        metrics = {"missed": MISSED, "wrongly_flagged": WRONGLY_FLAGGED}
        use = self.reading.result.plan.audit.use
        found = [
            self._affected_by(error, titles[error], harm(error, use, self._language), metrics[error])
            for error in errors
        ]
        others = tuple(sorted({rule.metric for rule in self._rules if rule.metric not in (*MISSED, *WRONGLY_FLAGGED)}))
        if others:
            found.append(self._affected_by("other", self._t.gettext("Other limits of this plan"), "", others))
        return found

    def _affected_by(self, error: str, title: str, harm_words: str, metrics: tuple[str, ...]) -> Affected:
        findings = [finding for finding in self._findings if finding.metric in metrics]
        clearly = [finding for finding in findings if finding.verdict and finding.verdict.outcome == "fail"]
        maybe = [
            finding
            for finding in findings
            if finding.beyond
            and finding.verdict
            and finding.verdict.because in ("limit_not_excluded", "unscored_cases")
        ]
        both_ways = any(rule.metric in metrics and rule.direction == "both" for rule in self._rules)
        return Affected(
            error=error,
            title=title,
            harm=harm_words,
            has_rule=any(rule.metric in metrics for rule in self._rules),
            both_ways=both_ways,
            everyone=self._everyone(metrics),
            clearly=tuple(self._affected_group(finding, both_ways=both_ways) for finding in _by_people(clearly)),
            maybe=tuple(self._affected_group(finding, both_ways=both_ways) for finding in _by_people(maybe)),
        )

    def _everyone(self, metrics: tuple[str, ...]) -> str:
        """The error among everyone, as counts: the ground on which groups are compared."""
        if metrics not in (MISSED, WRONGLY_FLAGGED):
            return ""
        estimate = self.reading.everyone.get("false_negative_rate" if metrics is MISSED else "false_positive_rate")
        if estimate is None or not estimate.denominator:
            return ""
        missed = metrics is MISSED
        undecided = self._undecided(victims=missed)
        counts = {
            "part": self._n.count(estimate.numerator),
            "whole": self._n.count(estimate.denominator),
            "none": self._n.count(undecided),
        }
        if undecided:
            told = (
                self._t.gettext(
                    "In this test the system missed %(part)s of %(whole)s victims who got a decision; "
                    "%(none)s got none."
                )
                if missed
                else self._t.gettext(
                    "In this test the system wrongly flagged %(part)s of %(whole)s people who are not victims "
                    "and got a decision; %(none)s got none."
                )
            )
            return told % counts
        if missed:
            return self._t.gettext("In this test the system missed %(part)s of %(whole)s victims overall.") % counts
        return (
            self._t.gettext(
                "In this test the system wrongly flagged %(part)s of %(whole)s people who are not victims overall."
            )
            % counts
        )

    def _undecided(self, *, victims: bool) -> int:
        """Labelled cases on which the system gave no decision."""
        everyone = next((counts for counts in self.reading.result.counts if not counts.group.root), None)
        if everyone is None:
            return 0
        return everyone.unscored_positive if victims else everyone.unscored_negative

    def _affected_group(self, finding: Finding, *, both_ways: bool) -> AffectedGroup:
        estimate = finding.estimate
        often = self.words.often(finding) or ("", "")
        error = self.words.error_in_short(finding.metric) % {"often": often[0]}
        ends = (None, None) if estimate is None else (estimate.low, estimate.high)
        return AffectedGroup(
            name=self.names.group(finding.group),
            often=_capital(error),
            rest=often[1],
            rate_head=self.words.rate(finding.metric),
            rate=self._n.percent(finding.value, against=finding.nearest_limit),
            range=self._n.percent_range(*ends),
            people=self._people(finding, both_ways=both_ways),
        )

    def _people(self, finding: Finding, *, both_ways: bool) -> str:
        """Cases beyond the rate of everyone else; under a limit in both directions it says to which side."""
        told = {"count": self._n.up_to(finding.apart)}
        if not both_ways or finding.error is None or finding.rest_error is None:
            return told["count"]
        if finding.error < finding.rest_error:
            return self._t.gettext("%(count)s fewer") % told
        return self._t.gettext("%(count)s more") % told

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
                    _capital(self.names.axes(family.axes)),
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


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _by_people(findings: list[Finding]) -> list[Finding]:
    """Those harmed first, by how many; then those apart to the side that harms nobody."""
    return sorted(findings, key=lambda finding: (-finding.people, -finding.apart))
