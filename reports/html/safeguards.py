"""Tables of safeguards, and what is declared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, get_args

from audit.result.audit_result import AuditResult
from audit.result.findings.judged import RuleResult
from audit.result.findings.safeguards import EvidenceState, Safeguard
from audit.result.findings.swaps import ProbeRuleResult
from reports.language import Language
from reports.numbers import NOT_KNOWN
from reports.writer import Report, Writer

STATES: Final[tuple[EvidenceState, ...]] = get_args(EvidenceState)


class Safeguards(Writer):
    """Everything about safeguards on the page of one result in one language."""

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        governance, ended = self.result.plan.governance, self.result.provenance.finished
        self.clauses = [(state, rows) for state in STATES if (rows := self._clauses(state))]
        """By state the clauses in the order of the draft, those with the same evidence together."""
        self.patterns = pattern_register(self.result, self.language)
        """The register of patterns named in advance."""
        self.declared = self._declared()
        """What the operator declares, in words; empty where nothing is declared."""
        self.declared_on = self.language.date(governance.declared_on) if governance.declared_on else ""
        self.valid_until = self.language.date(governance.valid_until) if governance.valid_until else ""
        """The last day on which the audit may be relied on, written out. Empty where none is declared."""
        self.past_expiry = governance.valid_until is not None and governance.valid_until < ended[:10]
        """Whether the audit ended after that day."""

    def _clauses(self, state: EvidenceState) -> list[list[Safeguard]]:
        rows: dict[str, list[Safeguard]] = {}
        for safeguard in self.result.safeguards:
            if safeguard.state == state:
                rows.setdefault(safeguard.evidence, []).append(safeguard)
        return list(rows.values())

    def _declared(self) -> dict[str, tuple[str, ...]]:
        governance = self.result.plan.governance
        period = {self.t.gettext("The time that these shares are about"): _one(governance.review_period)}
        set_on = governance.limits_set_on and self.language.date(governance.limits_set_on)
        return {
            self.t.gettext("The office that answers for it"): _one(governance.office),
            self.t.gettext("The role that answers for it"): _one(governance.role),
            self.t.gettext("Who can stop it"): _one(governance.oversight),
            self.t.gettext("Flags that people reviewed"): _one(self._share(governance.review_rate)),
            self.t.gettext("Reviewed flags that were not followed"): _one(self._share(governance.override_rate)),
            **(period if governance.review_period is not None else {}),
            self.t.gettext("What follows from a flag"): _one(governance.downstream),
            self.t.gettext("Who was consulted"): governance.consulted,
            self.t.gettext("Patterns named in advance"): tuple(governance.named_patterns),
            self.t.gettext("When the limits were set"): _one(set_on),
            self.t.gettext("Why features of people were processed"): _one(governance.group_data),
            self.t.gettext("What is done without it"): _one(governance.baseline),
            self.t.gettext("The audit before this one"): _one(governance.previous_audit),
        }

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
    rules: dict[str, RuleResult | ProbeRuleResult] = {rule.rule: rule for rule in result.rules}
    rules |= {rule.rule: rule for rule in result.probe_rules}
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
