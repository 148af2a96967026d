"""Cases of a result, with exact counts: for a log that only people read who may see them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from audit.cli.console.group_names import GroupNames
from audit.cli.pages.change_words import change_sentence
from audit.cli.testing.cases import OVERALL, AuditCase, block, group_label, with_names_apart
from audit.result.audit_result import AuditResult
from audit.result.cases import Case, Suite, suites
from audit.result.findings.change import ChangeVerdict
from audit.result.findings.judged import RuleResult, Verdict
from audit.result.findings.swaps import ProbeRuleResult, ProbeVerdict
from audit.result.reading import JudgedRate, Reading
from audit.vocabulary.finding import Tally, Together
from audit.vocabulary.numbers import percent

_NOTE: Final = "exact counts, not for publication"
_HEADS: Final = {"pass": "passes", "fail": "FAILS", "inconclusive": "is INCONCLUSIVE"}


def exact_cases(result: AuditResult) -> tuple[AuditCase, ...]:
    """Return the verdict, then every rule with its groups and every rule on probes with its changes, in plan order."""
    names = GroupNames(result.features)
    finest = {feature.name: feature.rungs[0] for feature in result.features}
    audit_cases = [_overall(result)]
    for suite in suites(Reading(result)):
        of_suite = list(_suite(suite, names, finest))
        audit_cases += [_of_people(case, suite.name) for case in of_suite] if suite.of_people else of_suite
    return with_names_apart(audit_cases)


def _suite(suite: Suite, names: GroupNames, finest: Mapping[str, str]) -> Iterator[AuditCase]:
    if isinstance(suite.of, RuleResult):
        yield _rule(suite.of, suite.tally)
    elif isinstance(suite.of, ProbeRuleResult):
        yield _rule_on_probes(suite.of)
    for case in suite.cases:
        record = case.of
        if isinstance(record, JudgedRate):
            yield _group(record, group_label(record.group.levels, finest), names.name(record.group))
        elif isinstance(record, ProbeVerdict) and isinstance(suite.of, ProbeRuleResult):
            yield _changed(record, _limit_on_probes(suite.of))
        elif isinstance(record, ChangeVerdict):
            yield _change(case, record, group_label(record.group.levels, finest))
        else:
            yield _together(case)


def _of_people(case: AuditCase, rule: str) -> AuditCase:
    """Name a case after people's decisions: a waiver of the detector's finding is not about it."""
    return replace(case, name=f"people.{case.name}", rule=rule, text=f"people's decisions: {case.text}")


def _overall(result: AuditResult) -> AuditCase:
    overall, outcome = result.overall, result.relied_on
    reason = "the evidence shows neither a fail nor a pass, and silence is no pass"
    text = block(
        f"the audit {_HEADS[outcome]}",
        system=result.plan.audit.title,
        found=reason if outcome == "inconclusive" else "",
        fail="; ".join(overall.failing_rules),
        open="; ".join(overall.undecided_rules),
        people=_people_words(result),
        change="" if result.change is None else change_sentence(result.change),
        note=_NOTE,
    )
    return AuditCase(OVERALL, None, None, outcome, text)


def _people_words(result: AuditResult) -> str:
    """Name the rules that what people decided does not keep to; empty where that is no part of the verdict."""
    rules = () if result.people_verdict is None else result.people_verdict.rules
    return "; ".join(f"{rule.rule} {rule.outcome}" for rule in rules if rule.outcome != "pass")


def _change(case: Case, verdict: ChangeVerdict, label: str) -> AuditCase:
    because = verdict.because.replace("_", " ")
    name = f"change.{verdict.rule}[{label}]"
    then, now = percent(case.finding.measured.compared), percent(case.finding.measured.rate)
    text = block(f"{name}: {because}", rule=verdict.rule, found=f"then {then}, now {now}", note=_NOTE)
    reason = f"change.{verdict.rule}: {case.outcome.replace('_', ' ')}: {because}"
    return AuditCase(name, verdict.rule, label, case.outcome, text if case.outcome in ("fail", "pass") else reason)


def _together(case: Case) -> AuditCase:
    rule, together = case.finding.rule, case.finding.who
    label = "groups together"
    if isinstance(together, Together) and together.at_least is not None:
        label = f"at least {together.at_least:,} of {together.among:,} groups together"
    text = block(f"{rule}[{label}]: none can be named, and none may be singled out", rule=rule, note=_NOTE)
    return AuditCase(f"{rule}[{label}]", rule, label, case.outcome, text)


def _rule(rule: RuleResult, tally: Tally) -> AuditCase:
    because = rule.because.replace("_", " ")
    judged = f"{percent(rule.coverage, against=rule.min_coverage)} ({percent(rule.min_coverage)} needed)"
    if rule.outcome not in ("fail", "pass"):
        text = f"{rule.rule}: {rule.outcome.replace('_', ' ')}: {because}; people in groups that could pass: {judged}"
        return AuditCase(rule.rule, rule.rule, None, rule.outcome, text)
    text = block(
        f"{rule.rule}: {rule.outcome}: {because}",
        limit=_limit(rule),
        groups=str(tally),
        people=f"in groups that could pass: {judged}",
        reason=rule.reason,
        note=_NOTE,
    )
    return AuditCase(rule.rule, rule.rule, None, rule.outcome, text)


def _group(finding: JudgedRate, label: str, name: str) -> AuditCase:
    rule, verdict = finding.rule, finding.verdict
    case = f"{rule.rule}[{label}]"
    because = verdict.because.replace("_", " ")
    if verdict.outcome not in ("fail", "pass"):
        text = f"{rule.rule}: {verdict.outcome.replace('_', ' ')}: {because}{_needed(verdict)}"
        return AuditCase(case, rule.rule, label, verdict.outcome, text)
    text = block(
        f"{case}: {because}",
        rule=f"{rule.rule} ({rule.metric.replace('_', ' ')})",
        group=f"{label} ({name})",
        limit=_limit(rule),
        found=_numbers(finding),
        note=_NOTE,
    )
    return AuditCase(case, rule.rule, label, verdict.outcome, text)


def _limit(rule: RuleResult) -> str:
    sides = "lower or higher" if rule.worse == "both" else f"{rule.worse}er"
    if rule.scale == "difference":
        return f"{sides} by at most {rule.limit:g} than for everyone else"
    return f"{sides} by a ratio of at least {rule.limit:g} to everyone else"


def _numbers(finding: JudgedRate) -> str:
    """Write counts, rate, likely range and the rate of everyone else."""
    estimate = finding.estimate
    if estimate is None or estimate.value is None:
        return ""
    counted = f"{estimate.numerator:,} of {estimate.denominator:,}"
    likely = f"likely range {percent(estimate.low)} to {percent(estimate.high)}"
    return f"{counted}: {percent(estimate.value)} ({likely}); everyone else {percent(finding.rest)}"


def _needed(verdict: Verdict) -> str:
    return f"; {verdict.cases_needed:,} more cases needed" if verdict.cases_needed else ""


def _limit_on_probes(rule: ProbeRuleResult) -> str:
    return f"a mean shift of at most {rule.margin:g} of the score range"


def _rule_on_probes(rule: ProbeRuleResult) -> AuditCase:
    because = f"{rule.rule}: {rule.outcome.replace('_', ' ')}: {rule.because.replace('_', ' ')}"
    text = block(because, limit=_limit_on_probes(rule), probes="; ".join(rule.probes), note=_NOTE)
    return AuditCase(rule.rule, rule.rule, None, rule.outcome, text if rule.outcome in ("fail", "pass") else because)


def _changed(verdict: ProbeVerdict, limit: str) -> AuditCase:
    given_level = f",{verdict.given_slot}={verdict.given}" if verdict.given_slot is not None else ""
    label = block(f"{verdict.probe}:{verdict.slot}={verdict.level}{given_level}")
    case, because = f"{verdict.rule}[{label}]", verdict.because.replace("_", " ")
    text = block(f"{case}: {because}", rule=verdict.rule, change=label, limit=limit, note=_NOTE)
    reason = f"{verdict.rule}: {verdict.outcome.replace('_', ' ')}: {because}"
    return AuditCase(case, verdict.rule, label, verdict.outcome, text if verdict.outcome == "fail" else reason)
