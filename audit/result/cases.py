"""The cases of a result, in the order of its plan: what JUnit, SARIF, Markdown and pytest write, each its own way."""

from __future__ import annotations

from typing import NamedTuple

from audit.result.findings.change import Change, ChangeVerdict
from audit.result.findings.judged import Outcome, RuleResult
from audit.result.findings.swaps import ProbeRuleResult, ProbeVerdict
from audit.result.reading import Finding, Reading
from audit.result.waivers import WaiverOnDay, held_by_finding

Whole = RuleResult | ProbeRuleResult | Change
Part = Finding | ProbeVerdict | ChangeVerdict


class Case(NamedTuple):
    """One outcome under a rule: of a group, of a probe's change, or of a group's change since an earlier audit."""

    of: Part
    """With the group, the reason, and, of a finding, its rate, that of everyone else and the limit."""
    outcome: Outcome
    """How it came out."""
    waiver: WaiverOnDay | None = None
    """The waiver of a finding that fails, as it stood when the audit ended."""


class Suite(NamedTuple):
    """A rule, or the change since an earlier audit, with everything that it judges."""

    name: str
    """The id of the rule; `change` of the change since an earlier audit."""
    of: Whole
    outcome: Outcome
    """How it came out as a whole."""
    cases: tuple[Case, ...]
    unnamed: bool = False
    """Whether groups of a family are beyond the limit of which none can be named."""

    @property
    def failing(self) -> list[Case]:
        """The cases that fail."""
        return [case for case in self.cases if case.outcome == "fail"]


def suites(reading: Reading) -> list[Suite]:
    """The limits on rates, those on probes, and the change since an earlier audit, each with its cases."""
    result = reading.result
    held = held_by_finding(result)
    unnamed = {rule.rule for rule, _ in reading.unnamed}
    judged: dict[str, list[Case]] = {}
    for finding in reading.findings:
        case = Case(finding, finding.outcome, held.get((finding.rule.rule, finding.group)))
        judged.setdefault(finding.rule.rule, []).append(case)
    for verdict in result.probe_verdicts:
        judged.setdefault(verdict.rule, []).append(Case(verdict, verdict.outcome))
    rules: list[RuleResult | ProbeRuleResult] = [*result.rules, *result.probe_rules]
    found = [Suite(one.rule, one, one.outcome, tuple(judged.get(one.rule, ())), one.rule in unnamed) for one in rules]
    if result.change is not None:
        changed = tuple(Case(verdict, verdict.outcome) for verdict in result.change.verdicts)
        found.append(Suite("change", result.change, result.change.outcome, changed))
    return found
