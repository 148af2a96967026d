"""Tables of safeguards, of laws and standards, and of shares flagged with their ratios; and what is declared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from audit.result.audit_result import AuditResult
from audit.result.findings.judged import RuleResult
from audit.result.findings.safeguards import ImpactRatio, ImpactRatios, Safeguard
from audit.result.findings.swaps import ProbeRuleResult
from reports.language import Language
from reports.numbers import NOT_KNOWN
from reports.writer import Writer

_MOST_LEFT_OUT = 60
"""The largest table, in groups, that lists one by one the groups that are left out."""


@dataclass(frozen=True, slots=True)
class SafeguardRow:
    """A row of the table of clauses."""

    safeguard: Safeguard
    letter: str
    """The letter of a clause of the preamble, or nothing. For other clauses "-"."""
    again: bool
    """Whether the row before has the same words."""
    day: str


@dataclass(frozen=True, slots=True)
class RatioRow:
    """A group in a table of ratios, written out."""

    name: str
    numbers: tuple[str, ...]
    """Cases, flagged, share flagged with its range, ratio."""
    left_out: str


@dataclass(frozen=True, slots=True)
class RatioTable:
    """Shares flagged and their ratios."""

    by: str
    highest: str
    """The group that the others are compared with. Empty where there is none."""
    rows: tuple[RatioRow, ...]
    more: str
    """A note on groups that are left out and not listed. Empty where all are listed."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A declaration of the operator."""

    what: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SafeguardsPage:
    """Everything about safeguards on the page."""

    of_7k: tuple[SafeguardRow, ...]
    """Paragraph 7(k) in its parts, and paragraph 2."""
    of_others: tuple[SafeguardRow, ...]
    states: tuple[tuple[str, int], ...]
    """The number of the other clauses in each state."""
    patterns: tuple[PatternRow, ...]
    """The register of patterns named in advance."""
    ratios: tuple[RatioTable, ...]
    declared: tuple[Declared, ...]
    not_declared: tuple[str, ...]
    declared_on: str
    valid_until: str
    """The last day on which the audit may be relied on, written out. Empty where none is declared."""
    past_expiry: bool
    """Whether the audit ended after that day."""


class SafeguardsWriter(Writer):
    """Writer of the safeguards of one result in one language."""

    def write(self) -> SafeguardsPage:
        """Write everything."""
        first = [one for one in self.result.safeguards if one.clause in ("7(k)", "2")]
        others = [one for one in self.result.safeguards if one.clause not in ("7(k)", "2")]
        counted = Counter(one.state for one in others)
        governance = self.result.plan.governance
        declared = tuple(one for one in self._declared() if one.words)
        return SafeguardsPage(
            of_7k=tuple(self._rows(first)),
            of_others=tuple(self._rows(others)),
            states=tuple((state, counted[state]) for state in ("measured", "declared", "not_shown")),
            patterns=pattern_register(self.result, self.language),
            ratios=tuple(self._ratios(table) for table in self.result.further.impact_ratios),
            declared=declared,
            not_declared=tuple(one.what for one in self._declared() if not one.words),
            declared_on=self.language.date(governance.declared_on) if governance.declared_on else "",
            valid_until=self.language.date(governance.valid_until) if governance.valid_until else "",
            past_expiry=governance.valid_until is not None
            and governance.valid_until < self.result.provenance.finished[:10],
        )

    def _rows(self, safeguards: list[Safeguard]) -> Iterator[SafeguardRow]:
        before = None
        for one in safeguards:
            day = self.result.provenance.finished if one.state == "measured" else one.date
            letter = one.clause.removeprefix("preamble").strip(" ()") if one.clause.startswith("preamble") else "-"
            yield SafeguardRow(
                safeguard=one,
                letter=letter,
                again=before is not None and (before.clause, before.words) == (one.clause, one.words),
                day=self.language.date(day) if day else NOT_KNOWN,
            )
            before = one

    def _ratios(self, table: ImpactRatios) -> RatioTable:
        every = len(table.groups) <= _MOST_LEFT_OUT
        listed = [one for one in table.groups if every or one.left_out is None]
        hidden = [] if every else [one for one in table.groups if one.left_out is not None]
        more = ""
        if hidden:
            more = self.t.ngettext(
                "%(groups)s further group is left out, with %(cases)s cases in all: unknown, below 2 per cent of all "
                "cases, or too few for a rate. It stands in result.json.",
                "%(groups)s further groups are left out, with %(cases)s cases in all: unknown, below 2 per cent of all "
                "cases, or too few for a rate. Each stands in result.json.",
                len(hidden),
            ) % {"groups": self.n.count(len(hidden)), "cases": self.n.count(sum(one.cases for one in hidden))}
        return RatioTable(
            by=self.names.axes(table.family.axes),
            highest="" if table.highest is None else self.names.group(table.highest),
            rows=tuple(self._ratio(one) for one in listed),
            more=more,
        )

    def _ratio(self, one: ImpactRatio) -> RatioRow:
        reasons = {
            "unknown": self.t.gettext("unknown: counted, and compared with nobody"),
            "below_two_per_cent": self.t.gettext("below 2 per cent of all cases"),
            "too_few_for_a_rate": self.t.gettext("too few cases for a rate"),
            "nobody_flagged": self.t.gettext("nobody is flagged in any group that is compared"),
        }
        rate = NOT_KNOWN
        if one.rate is not None:
            rate = f"{self.n.percent(one.rate)} ({self.n.percent_range(one.low, one.high)})"
        return RatioRow(
            name=self.names.group(one.group),
            numbers=(self.n.count(one.cases), self.n.count(one.flagged), rate, self.n.ratio(one.ratio)),
            left_out="" if one.left_out is None else reasons[one.left_out],
        )

    def _declared(self) -> Iterator[Declared]:
        governance = self.result.plan.governance
        date = self.language.date
        yield Declared(self.t.gettext("The office that answers for it"), _one(governance.office))
        yield Declared(self.t.gettext("The role that answers for it"), _one(governance.role))
        yield Declared(self.t.gettext("Who can stop it"), _one(governance.oversight))
        yield Declared(self.t.gettext("Flags that people reviewed"), _one(self._share(governance.review_rate)))
        yield Declared(
            self.t.gettext("Reviewed flags that were not followed"), _one(self._share(governance.override_rate))
        )
        if governance.review_period is not None:
            yield Declared(self.t.gettext("The time that these shares are about"), _one(governance.review_period))
        yield Declared(self.t.gettext("What follows from a flag"), _one(governance.downstream))
        yield Declared(self.t.gettext("Who was consulted"), governance.consulted)
        yield Declared(self.t.gettext("Patterns named in advance"), tuple(governance.named_patterns))
        yield Declared(
            self.t.gettext("When the limits were set"),
            _one(governance.limits_set_on and date(governance.limits_set_on)),
        )
        yield Declared(self.t.gettext("Why features of people were processed"), _one(governance.group_data))
        yield Declared(self.t.gettext("What is done without it"), _one(governance.baseline))
        yield Declared(self.t.gettext("The audit before this one"), _one(governance.previous_audit))

    def _share(self, share: float | None) -> str | None:
        return None if share is None else self.n.percent_of_the_plan(share)


def _one(words: str | None) -> tuple[str, ...]:
    return (words,) if words else ()


Came = Literal["found", "not_found", "not_decided", "not_tested"]


@dataclass(frozen=True, slots=True)
class PatternRow:
    """A pattern, and the outcome of its rule."""

    pattern: str
    rule: str
    """The id of the rule for the pattern, or the sign for none."""
    came: Came
    why: str


def pattern_register(result: AuditResult, language: Language) -> tuple[PatternRow, ...]:
    """Return the patterns in the order of the plan."""
    return tuple(_rows(result, language))


def _rows(result: AuditResult, language: Language) -> Iterator[PatternRow]:
    rules: dict[str, RuleResult | ProbeRuleResult] = {one.rule: one for one in result.rules}
    rules |= {one.rule: one for one in result.probe_rules}
    for pattern, named in result.plan.governance.named_patterns.items():
        rule = rules.get(named)
        if rule is None:
            why = language.translations.gettext("No rule of the plan is about it.")
            yield PatternRow(pattern, NOT_KNOWN, "not_tested", why)
        else:
            yield PatternRow(pattern, rule.rule, *_came(rule, language))


def _came(rule: RuleResult | ProbeRuleResult, language: Language) -> tuple[Came, str]:
    t, count = language.translations, language.numbers.count
    if rule.outcome == "pass":
        return "not_found", t.gettext("The limit of this rule is met.")
    if rule.outcome != "fail":
        return "not_decided", t.gettext("The cases do not say whether the limit of this rule is met.")
    if isinstance(rule, ProbeRuleResult):
        beyond = rule.comparisons_by_outcome.get("fail", 0)
        return "found", t.gettext("Changes beyond the limit of this rule: %(count)s.") % {"count": count(beyond)}
    beyond = rule.groups_by_outcome.get("fail", 0)
    if not beyond:
        return "found", t.gettext("The limit of this rule is exceeded, and no group can be named.")
    return "found", t.gettext("Groups beyond the limit of this rule: %(count)s.") % {"count": count(beyond)}
