"""People who are several groups of a rule have one verdict, one name and one waiver."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

import pytest
from made.audits import result_of
from made.counts import categorical, cells, families_of, group, nationality, plan_of

from audit.cli.console.terminal import Style
from audit.cli.outputs.waivers import exit_code_with_waivers
from audit.cli.pages.summary import summary
from audit.counting.table import FamilyCounts
from audit.plan.audit_plan import AuditPlan
from audit.result.audit_result import Waiver
from audit.result.findings.judged import RuleResult, Verdict
from audit.result.waivers import waivers_by_finding, waivers_on_day
from audit.stats.arrays import IntArray
from audit.verdicts.judge import judge
from audit.verdicts.outcomes import outcome_left
from audit.vocabulary.groups import Family, Group, SensitiveFeature
from audit.vocabulary.names import Names

OVER = ["sex", "nationality", ["sex", "nationality"]]
NIGERIA = group(nationality="NGA")
# Africa is Nigeria, and has women alone; Europe has two countries
ROWS: Final[Mapping[tuple[str, ...], IntArray]] = {
    ("women", "NGA"): cells(tp=120, fn=180),
    ("women", "FRA"): cells(tp=810, fn=190),
    ("men", "FRA"): cells(tp=805, fn=195),
    ("women", "DEU"): cells(tp=800, fn=200),
    ("men", "DEU"): cells(tp=795, fn=205),
}


def _judged() -> tuple[RuleResult, dict[Group, Verdict], list[SensitiveFeature], dict[Family, FamilyCounts], AuditPlan]:
    features = [categorical("sex", ["women", "men"]), nationality(["NGA", "FRA", "DEU"])]
    plan = plan_of([{"metric": "true_positive_rate", "groups": OVER, "margin": 0.1}], features)
    _, families = families_of(plan, features, ROWS)
    (rule,), verdicts, _ = judge(plan, families, {feature.name: feature for feature in features})
    return rule, {verdict.group: verdict for verdict in verdicts}, features, families, plan


def test_a_country_that_is_its_whole_region_fails_once() -> None:
    rule, verdicts, *_ = _judged()
    failing = [of for of, verdict in verdicts.items() if verdict.outcome == "fail"]
    assert failing == [NIGERIA]
    same = verdicts[NIGERIA].same_people
    assert len(same) == 5
    assert {group(nationality="m49-region:002"), group(sex="women", nationality="NGA")} < set(same)
    assert not verdicts.keys() & set(same)
    assert rule.groups_by_outcome == {"fail": 1, "pass": len(verdicts) - 1, "inconclusive": 0, "not_evaluable": 0}
    counted = Counter(of.family for of in verdicts)
    assert [family.groups for family in rule.families] == [counted[family.family] for family in rule.families]


def test_nobody_is_left_out_of_coverage_and_everybody_has_one_verdict_a_family() -> None:
    rule, verdicts, _, families, _ = _judged()
    assert rule.coverage == 1.0
    stand_for = {same for verdict in verdicts.values() for same in verdict.same_people}
    for family in families.values():
        for of in family.groups:
            assert (of in verdicts) != (of in stand_for), of


@pytest.mark.parametrize(
    ("same", "words"),
    [
        ((), "NGA"),
        ((group(nationality="m49-region:002"),), "NGA (in this set: all of 002)"),
        ((group(sex="women", nationality="NGA"),), "NGA (in this set: only sex = women)"),
        (
            (group(nationality="m49-region:002"), group(sex="women", nationality="m49-region:002"),
             group(sex="women", nationality="NGA")),
            "NGA (in this set: all of 002, and only sex = women)",
        ),
    ],
)  # fmt: skip
def test_the_name_says_what_else_these_people_are(same: tuple[Group, ...], words: str) -> None:
    _, _, features, *_ = _judged()
    assert Names(features).whole(NIGERIA, same) == words


def test_a_code_on_every_rung_needs_no_second_name() -> None:
    features = [nationality(["NGA", "unknown"])]
    unknown = group(nationality="unknown")
    same = (group(nationality="m49-subregion:unknown"), group(nationality="m49-region:unknown"))
    assert Names(features).whole(unknown, same) == Names(features).group(unknown)


@pytest.mark.parametrize("named", [NIGERIA, group(nationality="m49-region:002"), group(sex="women", nationality="NGA")])
def test_a_waiver_of_any_of_these_groups_is_of_the_finding(named: Group) -> None:
    features = [categorical("sex", ["women", "men"]), nationality(["NGA", "FRA", "DEU"])]
    result = result_of(ROWS, features, [{"metric": "true_positive_rate", "groups": OVER, "margin": 0.1}])
    waiver = Waiver(
        rule="true_positive_rate", group=named, who="The owner", why="Being corrected", expires="2030-01-01"
    )
    waived = result.model_copy(update={"waivers": (waiver,)})
    assert waivers_by_finding(waived) == {("true_positive_rate", NIGERIA): waiver}
    assert [(one.state, one.fails) for one in waivers_on_day(waived, "2029-01-01")] == [("in_force", True)]
    assert outcome_left(waived, "2029-01-01") == "pass"
    assert "Waived: 1 of 1 findings until 2030-01-01, by The owner" in summary(waived, Style(unicode=True))


def test_two_waivers_of_the_same_people_waive_one_finding_until_the_later_day(
    capsys: pytest.CaptureFixture[str],
) -> None:
    features = [categorical("sex", ["women", "men"]), nationality(["NGA", "FRA", "DEU"])]
    result = result_of(ROWS, features, [{"metric": "true_positive_rate", "groups": OVER, "margin": 0.1}])
    waivers = tuple(
        Waiver(rule="true_positive_rate", group=of, who="The owner", why="Being corrected", expires=day)
        for of, day in ((NIGERIA, "2998-01-01"), (group(nationality="m49-region:002"), "2999-01-01"))
    )
    waived = result.model_copy(update={"waivers": waivers})
    assert exit_code_with_waivers(waived, None, quiet=False) == 0
    assert "because 1 finding is waived until 2999-01-01\n" in capsys.readouterr().err
    assert "Waived: 1 of 1 findings until 2999-01-01, by The owner" in summary(waived, Style(unicode=True))
