"""People's decisions that a plan counts: a part of the verdict, of its budget, and of every output."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made.people import BY_SCORE, NONE, OFFICER, made_audit, made_cases
from made.sealed import published_into

from audit.cli.testing.exact_cases import exact_cases
from audit.cli.testing.waived_cases import with_waivers
from audit.errors import PlanError, ResultError
from audit.from_python import run_audit
from audit.notebook import NotebookResult
from audit.public.release import PublicRelease
from audit.result.audit_result import AuditResult, Waiver
from audit.result.file import parse_result
from audit.result.finding_list import findings_of
from audit.result.findings.second import SecondVerdict
from audit.result.json_text import result_to_json
from audit.result.reading import Reading
from audit.stages import Scope
from audit.verdicts.outcomes import narrow_to_rules, outcome_left
from audit.vocabulary.finding import tally_of
from audit.vocabulary.groups import Group, Level
from reports.exact_cases import ExactCases
from reports.html import HtmlReporter
from reports.html.page import Page
from reports.language import ENGLISH
from reports.writer import Report

CASES = made_cases()
WAIVER = Waiver(
    rule="true_positive_rate",
    group=Group((Level("gender", "level", "man"),)),
    who="An office",
    why="known",
    expires="2027-01-01",
)
COUNTS: dict[str, Any] = {**OFFICER, "verdict": "counts"}


def audited(plan: dict[str, Any], cases: pd.DataFrame = CASES, **options: Any) -> NotebookResult:
    return run_audit(plan, cases, crosscheck=False, **options)


def people_of(result: AuditResult) -> SecondVerdict:
    assert result.people_verdict is not None
    return result.people_verdict


@pytest.mark.parametrize("scope", Scope)
def test_a_fail_of_people_is_a_fail_of_the_audit_whoever_asks(scope: Scope) -> None:
    beside = audited(made_audit(BY_SCORE, decisions=OFFICER), scope=scope)
    counted = audited(made_audit(BY_SCORE, decisions=COUNTS), scope=scope)
    assert (beside.overall.outcome, counted.overall.outcome) == ("pass", "fail")
    assert people_of(counted).outcome == "fail"
    assert counted.overall.failing_rules == ()
    assert beside.people_verdict is None


def test_the_detector_and_people_have_half_of_the_budget_each_and_a_pass_needs_the_whole_level() -> None:
    beside = audited(made_audit(BY_SCORE, decisions=OFFICER))
    counted = audited(made_audit(BY_SCORE, decisions=COUNTS))
    alone = audited(made_audit(BY_SCORE, verdict={"alpha": 0.025}))
    levels = [[family.level for rule in rules for family in rule.families] for rules in (
        beside.rules, counted.rules, people_of(counted).rules, alone.rules,
    )]  # fmt: skip
    assert levels[1] == levels[2] == levels[3]
    assert np.allclose(np.array(levels[0]) / 2.0, levels[1])
    assert [verdict.p_pass for verdict in counted.verdicts] == [verdict.p_pass for verdict in beside.verdicts]
    assert {verdict.outcome for verdict in counted.verdicts} == {verdict.outcome for verdict in beside.verdicts}


def test_without_the_key_a_plan_and_its_result_have_the_bytes_of_before() -> None:
    named, unnamed = ({**OFFICER, "verdict": "beside"}, OFFICER)
    plans = [audited(made_audit(BY_SCORE, decisions=section)).plan for section in (named, unnamed)]
    assert plans[0].model_dump_json(by_alias=True) == plans[1].model_dump_json(by_alias=True)
    assert '"verdict":"beside"' not in plans[0].model_dump_json(by_alias=True)


def test_undecided_cases_of_people_are_no_pass() -> None:
    result = audited(made_audit(BY_SCORE, decisions=COUNTS), CASES.assign(officer=""))
    assert people_of(result).outcome == "inconclusive"
    assert result.overall.outcome == "inconclusive"
    assert result.further.planned_pass is None


def test_their_findings_stand_among_those_of_the_verdict() -> None:
    result = audited(made_audit(BY_SCORE, decisions=COUNTS))
    findings = findings_of(Reading(result))
    decided = [finding for finding in findings if finding.subject == "people"]
    assert findings[0].subject == "people"
    assert (findings[0].word, findings[0].cause) == ("beyond", "people_decided")
    assert len(decided) == len([finding for finding in findings if finding.subject == "group"])
    (worst, *_) = [verdict for verdict in people_of(result).verdicts if verdict.outcome == "fail"]
    assert findings[0].who == worst.group


def test_only_some_rules_and_waivers() -> None:
    result = audited(made_audit(BY_SCORE, decisions=COUNTS))
    failing = [rule.rule for rule in people_of(result).rules if rule.outcome == "fail"]
    others = [rule.rule for rule in result.rules if rule.rule not in failing]
    assert failing
    assert others
    assert narrow_to_rules(result, failing).overall.outcome == "fail"
    assert narrow_to_rules(result, others).overall.outcome == "inconclusive"
    assert outcome_left(result, "2026-01-01") == "fail"
    warned = made_audit(BY_SCORE, decisions=COUNTS)
    warned["rules"] = [{**rule, "on_fail": "warn"} for rule in warned["rules"][:1]] + warned["rules"][1:]
    assert outcome_left(audited(warned), "2026-01-01") == "inconclusive"


def test_pytest_names_them_apart_from_the_detector() -> None:
    result = audited(made_audit(BY_SCORE, decisions=COUNTS))
    cases = exact_cases(result)
    failing = [case.name for case in cases if case.outcome == "fail"]
    assert failing == ["VERDICT", "people.true_positive_rate", "people.true_positive_rate[gender=man]"]
    assert "true_positive_rate fail" in cases[0].text
    waiver = {("true_positive_rate", "gender=man"): WAIVER}
    left = with_waivers(cases, result.model_copy(update={"waivers": (WAIVER,)}), waiver, "2026-01-01")
    assert [case.name for case in left if case.outcome == "fail"] == failing


def test_a_result_that_hides_them_is_refused() -> None:
    result = audited(made_audit(BY_SCORE, decisions=COUNTS))
    document = json.loads(result_to_json(result))
    assert parse_result(json.dumps(document), "r.json").overall.outcome == "fail"
    for part, value in (("overall", {**document["overall"], "outcome": "pass"}), ("second_verdicts", [])):
        with pytest.raises(ResultError):
            parse_result(json.dumps(_with(document, part, value)), "r.json")


def _with(document: dict[str, Any], part: str, value: object) -> dict[str, Any]:
    if part in document:
        return {**document, part: value}
    return {**document, "further": {**document["further"], part: value}}


def test_a_result_that_judges_them_at_another_level_is_refused() -> None:
    document = json.loads(result_to_json(audited(made_audit(BY_SCORE, decisions=COUNTS))))
    (second,) = document["further"]["second_verdicts"]
    with pytest.raises(ResultError):
        parse_result(json.dumps(_with(document, "second_verdicts", [{**second, "alpha": 0.5}])), "r.json")


def test_the_page_counts_what_people_decided_beside_the_flags() -> None:
    """The numbers under the bars of screen one add up to the number of comparisons that it names."""
    page = Page(Report(audited(made_audit(BY_SCORE, decisions=COUNTS)), ENGLISH))
    counted = [(suite.of_people, state.look, state.count) for _, suite in page.judged for state in page.tally(suite)]
    assert [look for of_people, look, _ in counted if of_people].count("fail") == 1
    assert sum(count for *_, count in counted) == tally_of(findings_of(page.reading)).total
    html = HtmlReporter().render(page.result)
    assert html.count("What people decided after the system; ") == 2


def test_pipelines_point_at_the_line_of_the_rule() -> None:
    result = audited(made_audit(BY_SCORE, decisions=COUNTS))
    lines = tuple(range(3, 3 + len(result.rules)))
    result = result.model_copy(update={"provenance": result.provenance.model_copy(update={"rule_lines": lines})})
    assert [suite.line for suite in ExactCases(result).suites()] == [3, 4, 3, 4]


def test_a_plan_without_a_limit_on_a_rate_is_refused() -> None:
    plan = made_audit(BY_SCORE, decisions=COUNTS)
    plan["probes"] = [{"id": "swap", "kind": "columns", "columns": ["gender"]}]
    plan["rules"] = [{"metric": "swap_shift", "probes": ["swap"], "margin": 0.1}]
    with pytest.raises(PlanError):
        audited(plan)


def test_in_public_stands_the_word_of_each_rule_and_no_figure(tmp_path: Path) -> None:
    release = _released(tmp_path, "one", CASES)
    assert release.headline.fails_on == ("people",)
    assert {rule.outcome for rule in release.headline.people} == {"fail", "inconclusive"}
    assert set(release.headline.people[0].model_dump()) == {"rule", "outcome"}


def test_overruling_one_person_changes_no_public_number(tmp_path: Path) -> None:
    flagged = CASES.index[(CASES.form != NONE) & (CASES.officer == "refer")]
    overruled = CASES.assign(officer=CASES.officer.where(CASES.index != flagged[0], "close"))
    first = _released(tmp_path, "one", CASES)
    shutil.copytree(tmp_path / "one" / "restricted", tmp_path / "two" / "restricted")
    second = _released(tmp_path, "two", overruled)
    assert first.set_id == second.set_id
    assert (first.headline, first.rows) == (second.headline, second.rows)


def _released(folder: Path, name: str, cases: pd.DataFrame) -> PublicRelease:
    result = audited(made_audit(BY_SCORE, decisions=COUNTS), cases)
    out = published_into(folder / name, result)
    return PublicRelease.model_validate_json((out / "public" / "release.json").read_bytes())
