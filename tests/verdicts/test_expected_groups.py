"""Groups that the plan expects and the set lacks: never a pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from made.audits import check_of, result_of
from made.counts import categorical, cells, group, nationality
from made.pages import part_of, text
from made.sets import made_cells, made_plan, write_set

from audit.cli.console.terminal import Style
from audit.cli.pages.check_summary import check_summary
from audit.cli.pages.summary import rule_lines, summary
from audit.errors import PlanError, ResultError
from audit.evaluation.evaluation_set import open_evaluation_set
from audit.result.audit_result import AuditResult
from audit.result.file import parse_result
from audit.result.json_text import result_to_json
from audit.stats.arrays import IntArray
from audit.vocabulary.groups import SensitiveFeature
from reports.html import HtmlReporter

RULE = {"metric": "true_positive_rate", "margin": 0.1, "groups": ["sex"]}
GOOD = cells(900, 100, 10, 90)
PLAIN = Style(colour=False)

Rows = Mapping[tuple[str, ...], IntArray]


def expecting(feature: SensitiveFeature, *codes: str) -> SensitiveFeature:
    return feature.model_copy(update={"expected": codes})


def result(rows: Rows, features: Sequence[SensitiveFeature], rule: Mapping[str, Any] = RULE) -> AuditResult:
    return result_of(rows, features, [rule])


SEX = categorical("sex", ["a", "b", "c"])
ROWS: Rows = {("a",): GOOD, ("b",): GOOD}


def test_without_an_expectation_nobody_misses_a_group_that_is_not_there() -> None:
    found = result(ROWS, [SEX])
    assert found.rules[0].outcome == "pass"
    assert found.rules[0].missing_expected == ()
    assert {verdict.group for verdict in found.verdicts} == {group(sex="a"), group(sex="b")}


def test_a_rule_does_not_pass_without_a_group_that_the_plan_expects() -> None:
    found = result(ROWS, [expecting(SEX, "a", "c")])
    (rule,) = found.rules
    assert (rule.outcome, rule.because) == ("inconclusive", "expected_group_missing")
    assert rule.missing_expected == (group(sex="c"),)
    (lacking,) = [verdict for verdict in found.verdicts if verdict.group == group(sex="c")]
    assert (lacking.outcome, lacking.because, lacking.cases) == ("not_evaluable", "no_cases", 0)
    (account,) = [account for account in found.rows if account.group == group(sex="c")]
    assert account.read == 0
    assert found.overall.outcome == "inconclusive"


@pytest.mark.parametrize(("cases", "outcome"), [(4, "inconclusive"), (5, "pass")])
def test_it_takes_as_many_cases_as_a_rate_needs(cases: int, outcome: str) -> None:
    rows: Rows = {**ROWS, ("c",): cells(cases, 0, 5, 5)}
    assert result(rows, [expecting(SEX, "c")]).rules[0].outcome == outcome


def test_cases_of_the_other_label_do_not_make_a_group_present() -> None:
    rows: Rows = {**ROWS, ("c",): cells(0, 0, 500, 500)}
    assert result(rows, [expecting(SEX, "c")]).rules[0].missing_expected == (group(sex="c"),)


def test_a_gap_of_another_group_still_fails() -> None:
    rows: Rows = {("a",): cells(900, 100), ("b",): cells(300, 700)}
    assert result(rows, [expecting(SEX, "c")]).rules[0].outcome == "fail"


def test_every_combination_of_expected_levels_is_expected_of_a_rule_about_both() -> None:
    country = nationality(["NGA", "FRA"])
    rule = {**RULE, "groups": [["sex", "nationality"]]}
    rows: Rows = {("a", "NGA"): GOOD, ("b", "NGA"): GOOD, ("a", "FRA"): GOOD}
    features = [expecting(SEX, "a", "b"), expecting(country, "NGA", "FRA")]
    found = result(rows, features, rule)
    assert found.rules[0].missing_expected == (group(sex="b", nationality="FRA"),)
    # one feature alone is expected: its levels are summed over the other's
    assert result(rows, [SEX, expecting(country, "NGA", "FRA")], rule).rules[0].missing_expected == ()
    lacking = result(rows, [expecting(SEX, "c"), country], rule).rules[0].missing_expected
    assert lacking == (group(sex="c"),)


def test_the_larger_group_of_a_missing_country_is_no_stand_in_for_it() -> None:
    country = nationality(["NGA", "GHA", "FRA"])
    rows: Rows = {("NGA",): GOOD, ("FRA",): GOOD}
    rule = {**RULE, "groups": ["nationality"]}
    found = result(rows, [expecting(country, "GHA")], rule)
    assert found.rules[0].missing_expected == (group(nationality="GHA"),)
    (judged,) = [verdict for verdict in found.verdicts if verdict.group == group(nationality="GHA")]
    assert judged.outcome == "not_evaluable"


def test_everybody_is_told() -> None:
    found = result(ROWS, [expecting(SEX, "c")])
    shown = summary(found, PLAIN)
    assert "Expected by the plan, too few in the set: sex = c" in shown
    assert "too few cases of 1 group that the plan expects: sex = c" in "\n".join(rule_lines(found, PLAIN))
    page = text(part_of(HtmlReporter().render(found), "rules"))
    assert "Expected and missing" in page
    report = check_of(ROWS, [expecting(SEX, "c")], [RULE])
    assert report.rules[0].can_pass is False
    assert "No pass is within reach: too few cases of groups that are expected: sex = c" in check_summary(report, PLAIN)


def test_a_result_that_passes_without_an_expected_group_contradicts_itself() -> None:
    text_of = result_to_json(result(ROWS, [expecting(SEX, "c")]))
    changed = text_of.replace(
        '"outcome":"inconclusive","because":"expected_group_missing"',
        '"outcome":"pass","because":"all_judged_within_limit"',
    )
    changed = changed.replace('"outcome":"inconclusive"', '"outcome":"pass"').replace(
        '"undecided_rules":["true_positive_rate"]', '"undecided_rules":[]'
    )
    assert changed != text_of
    with pytest.raises(ResultError, match="contradicts itself: rules"):
        parse_result(changed)


def test_a_level_that_cannot_be_is_refused(tmp_path: Path) -> None:
    write_set(tmp_path / "set.csv", {**made_cells(2), "flag": ["NG", "PH"]})
    groups: dict[str, Any] = {"nationality": {"column": "flag", "expected": ["nga", "Atlantis"]}}
    with pytest.raises(PlanError, match=r'groups\.nationality.expected: "Atlantis" is no level of a nationality'):
        open_evaluation_set(made_plan(groups=groups), tmp_path)
    groups["nationality"]["expected"] = ["ng", "GHA", "NGA"]
    with open_evaluation_set(made_plan(groups=groups), tmp_path) as opened:
        (feature,) = opened.features
    assert feature.expected == ("NGA", "GHA")
    assert {level.code for level in feature.levels} == {"NGA", "GHA", "PHL"}
