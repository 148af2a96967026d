"""The restricted SARIF file: valid, marked as what it is, and silent on nothing but a pass."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from made.formats import sarif_schema
from made.results import failing_result, passing_result, undecided_result
from made.second_looks import further_result

from audit.result.audit_result import AuditResult
from audit.result.findings.judged import Outcome, RuleResult
from audit.result.findings.swaps import ProbeRuleResult
from reports.junit import JunitReporter
from reports.sarif import SarifReporter


def results_of(result: AuditResult) -> list[dict[str, Any]]:
    log = json.loads(SarifReporter().render(result))
    sarif_schema().validate(log)
    return list(log["runs"][0]["results"])


@pytest.mark.parametrize(
    "result", [failing_result(), undecided_result(), passing_result(), further_result(failing_result())]
)
def test_it_is_valid_and_says_what_the_rules_say(result: AuditResult) -> None:
    results = results_of(result)
    rules: list[RuleResult | ProbeRuleResult] = [*result.rules, *result.probe_rules]
    outcomes = {rule.rule: rule.outcome for rule in rules}
    assert {one["ruleId"] for one in results if one["level"] == "error"} == {
        rule for rule, outcome in outcomes.items() if outcome == "fail"
    }
    warned = {one["ruleId"] for one in results if one["level"] == "warning"}
    beside = {rule for rule in warned if rule.startswith(("people's decisions: ", "form "))}
    assert bool(beside) == bool(result.further.second_verdicts)
    assert warned - beside == {rule for rule, outcome in outcomes.items() if outcome not in ("pass", "fail")}
    assert all("Restricted: exact counts" in one["message"]["text"] for one in results)
    suites = ET.fromstring(JunitReporter().render(result))
    failures = [case for suite in suites for case in suite if case.find("failure") is not None]
    of_groups = [case for case in failures if not (case.get("name") or "").startswith("rule ")]
    own = [one for one in results if one["ruleId"] not in beside]
    named = [one for one in own if ": beyond the limit;" in one["message"]["text"]]
    assert len(named) == sum(case.get("classname") in {rule.rule for rule in result.rules} for case in of_groups)
    prints = [(one["ruleId"], one["partialFingerprints"]["auditFinding"]) for one in results]
    assert len(set(prints)) == len(prints)


def test_an_audit_past_its_expiry_is_not_silent() -> None:
    result = passing_result()
    governance = result.plan.governance.model_copy(update={"valid_until": "2026-01-01"})
    late = result.model_copy(update={"plan": result.plan.model_copy(update={"governance": governance})})
    assert not [one for one in results_of(result) if one["level"] == "error"]
    assert [one["ruleId"] for one in results_of(late)] == [
        *(one["ruleId"] for one in results_of(result)),
        "audit/expiry",
    ]


def test_the_line_of_a_rule_is_known() -> None:
    result = failing_result()
    lines = tuple(range(7, 7 + len(result.rules)))
    provenance = result.provenance.model_copy(update={"rule_lines": lines, "plan_file": "audits/plan.toml"})
    results = results_of(result.model_copy(update={"provenance": provenance}))
    line = dict(zip((rule.rule for rule in result.rules), lines, strict=True))
    assert results
    for one in results:
        place = one["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "audits/plan.toml"
        assert place["region"]["startLine"] == line.get(one["ruleId"], 1)


@pytest.mark.parametrize("outcome", ["fail", "inconclusive", "pass"])
def test_a_rule_on_probes_is_described_and_told(outcome: Outcome) -> None:
    probe = ProbeRuleResult(
        rule="swap",
        probes=("names",),
        margin=0.05,
        outcome=outcome,
        because="comparison_undecided",
        comparisons_by_outcome={"fail": 1, "inconclusive": 0, "not_evaluable": 0, "pass": 0},
        level=1.0,
        reason="",
    )
    log = json.loads(SarifReporter().render(passing_result().model_copy(update={"probe_rules": (probe,)})))
    sarif_schema().validate(log)
    (run,) = log["runs"]
    assert "swap" in {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    levels = {one["level"] for one in run["results"] if one["ruleId"] == "swap"}
    assert levels == {"fail": {"error"}, "inconclusive": {"warning"}, "pass": set()}[outcome]
