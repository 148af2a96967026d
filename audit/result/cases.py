"""The findings of a result by rule, in the order of its plan: what JUnit, SARIF, Markdown and pytest write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from audit.result.finding_list import ExactFinding, Record, findings_with_records
from audit.result.findings.change import Change
from audit.result.findings.judged import Outcome, RuleResult
from audit.result.findings.swaps import ProbeRuleResult
from audit.result.reading import JudgedRate, Reading
from audit.result.waivers import WaiverOnDay, held_by_finding
from audit.vocabulary.finding import Subject, Tally, tally_of

Whole = RuleResult | ProbeRuleResult | Change
_SUITES: Final[Mapping[Subject, str]] = {"people": "people", "change": "change"}
"""Suites that stand apart from those of the detector's rules, by what is judged."""


class Case(NamedTuple):
    """A finding under a rule, with what it is read from."""

    finding: ExactFinding
    of: Record
    waiver: WaiverOnDay | None = None
    """The waiver of a finding that fails, as it stood when the audit ended."""

    @property
    def outcome(self) -> Outcome:
        """How it came out; `not_evaluable` where no rate may be stated."""
        outcomes: dict[str, Outcome] = {"beyond": "fail", "within": "pass", "no_rate": "not_evaluable"}
        return outcomes.get(self.finding.word, "inconclusive")


class Suite(NamedTuple):
    """A rule, or the change since an earlier audit, with everything that it judges: what fails first."""

    name: str
    """The id of the rule, of people's decisions after `people.`; `change` of the change since an earlier audit."""
    of: Whole
    outcome: Outcome
    """How it came out as a whole."""
    cases: tuple[Case, ...]
    unnamed: bool = False
    """Whether groups of a family are beyond the limit of which none can be named."""
    of_people: bool = False
    """Whether it is about what people decided after the detector."""

    @property
    def failing(self) -> list[Case]:
        """The cases that fail."""
        return [case for case in self.cases if case.outcome == "fail"]

    @property
    def tally(self) -> Tally:
        """Number of findings with each word."""
        return tally_of(case.finding for case in self.cases)


def suites(reading: Reading) -> list[Suite]:
    """The limits on rates, those on probes, what the limits say of people's decisions that count, and the change since
    an earlier audit, each with its cases.
    """
    result = reading.result
    waivers = held_by_finding(result)
    cases: dict[tuple[str, str], list[Case]] = {}
    for finding, record in findings_with_records(reading):
        waiver = None
        if finding.subject == "group" and isinstance(record, JudgedRate):
            waiver = waivers.get((finding.rule, record.group))
        key = _SUITES.get(finding.subject, ""), "" if finding.subject == "change" else finding.rule
        cases.setdefault(key, []).append(Case(finding, record, waiver))
    unnamed = {rule.rule for rule, _ in reading.unnamed}
    limits: list[RuleResult | ProbeRuleResult] = [*result.rules, *result.probe_rules]
    listed = [
        Suite(limit.rule, limit, limit.outcome, tuple(cases.get(("", limit.rule), ())), limit.rule in unnamed)
        for limit in limits
    ]
    for rule in () if result.people_verdict is None else result.people_verdict.rules:
        decided = tuple(cases.get(("people", rule.rule), ()))
        unnamed_too = any(case.finding.cause == "many_together" for case in decided)
        listed.append(Suite(f"people.{rule.rule}", rule, rule.outcome, decided, unnamed_too, of_people=True))
    if result.change is not None:
        listed.append(Suite("change", result.change, result.change.outcome, tuple(cases.get(("change", ""), ()))))
    return listed
