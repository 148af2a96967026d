"""Register of patterns that the operator named in advance: each pattern, the outcome of its rule, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from audit.result.audit_result import AuditResult
from audit.result.findings.judged import RuleResult
from audit.result.findings.swaps import ProbeRuleResult
from reports.language import Language
from reports.numbers import NOT_KNOWN

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
