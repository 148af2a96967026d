"""What the demonstration says of its own audit: found, missed, cannot tell; and nobody accused without cause."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from audit.result.audit_result import AuditResult
from audit.result.findings.judged import Outcome
from audit.run import run_audit
from audit.vocabulary.groups import Group, Level
from audit.worlds.demo.found import Finding, State, accused_without_cause, lines_to_print, what_was_found
from audit.worlds.demo.prepare import PreparedDemo, prepare_demo

MEN = Group((Level("gender", "level", "man"),))
WOMEN = Group((Level("gender", "level", "woman"),))
pytestmark = pytest.mark.usefixtures("warm_children_of_module")


def country(code: str) -> Group:
    return Group((Level("nationality", "country", code),))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> PreparedDemo:
    return prepare_demo(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def result(demo: PreparedDemo) -> AuditResult:
    return run_audit(demo.plan, crosscheck=False)


def changed(result: AuditResult, rule: str, group: Group, outcome: Outcome) -> AuditResult:
    """The same result with another outcome for one group."""
    verdicts = [
        verdict.model_copy(update={"outcome": outcome}) if (verdict.rule, verdict.group) == (rule, group) else verdict
        for verdict in result.verdicts
    ]
    assert any((verdict.rule, verdict.group) == (rule, group) for verdict in verdicts)
    return result.model_copy(update={"verdicts": tuple(verdicts)})


def of_group(demo: PreparedDemo, result: AuditResult, group: Group, metric: str) -> Finding:
    found = [f for f in what_was_found(demo, result) if (f.planted.group, f.planted.metric) == (group, metric)]
    assert len(found) == 1
    return found[0]


def test_the_default_seed_finds_what_was_planted_and_accuses_nobody_else(
    demo: PreparedDemo, result: AuditResult
) -> None:
    assert result.overall.outcome == "fail"
    states = [(finding.planted.kind, finding.state) for finding in what_was_found(demo, result)]
    assert states == [("gap", "found")] * 3 + [("control", "not_accused")] * 2
    assert accused_without_cause(demo, result) == ()


def test_the_planted_sizes_are_as_told(demo: PreparedDemo, result: AuditResult) -> None:
    men, *nationalities, control_found, control_flagged = what_was_found(demo, result)
    rates = [(finding.rate.value, finding.rate.rest) for finding in (men, control_found, control_flagged)]
    gaps = [value - rest for value, rest in rates if value is not None and rest is not None]
    assert gaps == [pytest.approx(-0.20, abs=0.04), pytest.approx(0.0, abs=0.07), pytest.approx(0.0, abs=0.04)]
    for finding in nationalities:
        assert finding.rate.value is not None
        assert finding.rate.rest is not None
        assert finding.rate.value / finding.rate.rest == pytest.approx(1.9, abs=0.35)


@pytest.mark.parametrize(
    ("outcome", "state"), [("fail", "found"), ("pass", "not_found"), ("inconclusive", "cannot_tell")]
)
def test_a_gap_is_found_only_by_a_fail(demo: PreparedDemo, result: AuditResult, outcome: Outcome, state: State) -> None:
    assert of_group(demo, changed(result, "missed", MEN, outcome), MEN, "true_positive_rate").state == state


@pytest.mark.parametrize(
    ("outcome", "state"),
    [("fail", "accused"), ("pass", "not_accused"), ("inconclusive", "not_accused"), ("not_evaluable", "not_accused")],
)
def test_the_control_is_accused_only_by_a_fail(
    demo: PreparedDemo, result: AuditResult, outcome: Outcome, state: State
) -> None:
    altered = changed(result, "wrongly-flagged", country("BRA"), outcome)
    assert of_group(demo, altered, country("BRA"), "false_positive_rate").state == state
    assert len(accused_without_cause(demo, altered)) == (state == "accused")


def test_a_group_that_is_not_in_the_result_cannot_be_told(demo: PreparedDemo, result: AuditResult) -> None:
    rules = tuple(rule for rule in result.rules if rule.rule != "missed")
    verdicts = tuple(verdict for verdict in result.verdicts if verdict.rule != "missed")
    without = result.model_copy(update={"rules": rules, "verdicts": verdicts})
    finding = of_group(demo, without, MEN, "true_positive_rate")
    assert finding.state == "cannot_tell"
    assert finding.rate.verdict is None
    assert any("not judged" in line for line in lines_to_print(demo, without))


def test_parts_and_holders_of_a_planted_group_are_accounted_for(demo: PreparedDemo, result: AuditResult) -> None:
    region = next(
        verdict.group
        for verdict in result.verdicts
        if verdict.rule == "wrongly-flagged" and ("nationality", "m49-region", "142") in verdict.group.levels
    )
    assert accused_without_cause(demo, changed(result, "wrongly-flagged", region, "fail")) == ()
    part = next(
        verdict.group
        for verdict in result.verdicts
        if {("gender", "level", "man"), ("nationality", "country", "PRT")} == set(verdict.group.levels)
    )
    assert accused_without_cause(demo, changed(result, "missed", part, "fail")) == ()


@pytest.mark.parametrize(
    ("rule", "group"),
    [("wrongly-flagged", MEN), ("missed", WOMEN), ("missed", country("VNM")), ("wrongly-flagged", country("UKR"))],
)
def test_a_fail_on_another_rate_or_group_has_no_cause(
    demo: PreparedDemo, result: AuditResult, rule: str, group: Group
) -> None:
    accused = accused_without_cause(demo, changed(result, rule, group, "fail"))
    assert [(verdict.rule, verdict.group) for verdict in accused] == [(rule, group)]


def test_the_lines_say_both_and_fit_a_terminal(demo: PreparedDemo, result: AuditResult) -> None:
    lines = lines_to_print(demo, result)
    assert all(len(line) <= 80 for line in lines), max(lines, key=len)
    assert len(lines) <= 20
    text = "\n".join(lines)
    assert len(re.findall(r": \d+%, others \d+%\. [A-Z]", text)) == 5
    assert text.count("FOUND") == 3
    assert text.count("NOT ACCUSED") == 2
    assert "none" in lines[-1]
    worse = changed(result, "wrongly-flagged", country("BRA"), "fail")
    assert any(line.startswith("ACCUSED") for line in lines_to_print(demo, worse))
    assert lines_to_print(demo, worse)[-1].endswith(" 1")


def test_files_beside_it_are_left_alone(demo: PreparedDemo, result: AuditResult) -> None:
    del result
    assert {path.name for path in Path(demo.folder).iterdir()} == {
        "README.txt",
        "detector.skops",
        "evaluation.parquet",
        "plan.toml",
        "planted.json",
        "training.parquet",
    }
