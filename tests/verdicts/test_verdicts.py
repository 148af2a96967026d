from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from made.counts import categorical, cells, families_of, group, nationality, plan_of

from audit.counting.table import FamilyCounts
from audit.result.audit_result import OverallVerdict
from audit.result.findings.judged import RuleResult, Verdict
from audit.stats.arrays import IntArray
from audit.verdicts.judge import judge, overall_verdict
from audit.vocabulary.groups import Group, LevelName, SensitiveFeature

TPR = {"metric": "true_positive_rate", "margin": 0.1}
FPR = {"metric": "false_positive_rate", "margin": 0.05}

Rows = dict[tuple[str, ...], IntArray]


class Judged:
    def __init__(self, judged: tuple[tuple[RuleResult, ...], tuple[Verdict, ...], OverallVerdict]) -> None:
        self.rules, self.verdicts, self.overall = judged

    def of(self, wanted: Group, rule: str = "true_positive_rate") -> Verdict:
        (found,) = [v for v in self.verdicts if v.group == wanted and v.rule == rule]
        return found


def judged(
    rows: Mapping[tuple[str, ...], IntArray],
    features: Sequence[SensitiveFeature],
    rules: Sequence[Mapping[str, Any]],
    **plan: Any,
) -> Judged:
    checked = plan_of(rules, features, **plan)
    _, families = families_of(checked, features, rows)
    return Judged(judge(checked, families, {feature.name: feature for feature in features}))


def by_sex(rows: Mapping[str, IntArray], rules: Sequence[Mapping[str, Any]] | None = None, **plan: Any) -> Judged:
    chosen = rules or [{**TPR, "groups": ["sex"]}]
    return judged({(code,): of for code, of in rows.items()}, [categorical("sex", list(rows))], chosen, **plan)


def test_equal_groups_with_enough_cases_pass() -> None:
    result = by_sex({"a": cells(800, 200, 10, 90), "b": cells(800, 200, 10, 90), "c": cells(1600, 400, 20, 180)})
    assert result.overall.outcome == "pass"
    assert [rule.because for rule in result.rules] == ["all_judged_within_limit"]
    assert {verdict.because for verdict in result.verdicts} == {"within_limit"}
    assert all(verdict.cases_needed == 0 for verdict in result.verdicts)


def test_a_group_far_beyond_the_limit_is_named() -> None:
    result = by_sex({"a": cells(800, 200), "b": cells(500, 500), "c": cells(1600, 400)})
    assert result.overall.outcome == "fail"
    assert result.of(group(sex="b")).because == "beyond_limit"
    failing = result.of(group(sex="b"))
    assert failing.p_fail is not None
    assert failing.level_fail is not None
    assert failing.p_fail <= failing.level_fail
    assert result.of(group(sex="a")).outcome != "fail"


def test_a_group_better_than_the_rest_does_not_fail_a_rule_against_worse() -> None:
    result = by_sex({"a": cells(800, 200), "b": cells(990, 10), "c": cells(1600, 400)})
    assert result.of(group(sex="b")).outcome == "pass"


def test_direction_both_fails_a_group_that_is_better_by_more_than_the_limit() -> None:
    rules = [{**TPR, "groups": ["sex"], "direction": "both"}]
    result = by_sex({"a": cells(800, 200), "b": cells(990, 10), "c": cells(1600, 400)}, rules)
    verdict = result.of(group(sex="b"))
    assert (verdict.outcome, verdict.side) == ("fail", "high")
    assert result.rules[0].worse == "both"


def test_a_single_nationality_that_points_towards_harm_is_never_failed_without_a_name() -> None:
    codes = ["NGA", "GHA", "MLI", "FRA", "DEU", "THA", "unknown"]
    rules = [{**TPR, "groups": ["nationality"]}]
    for found in (145, 144, 143, 142):
        rows: Rows = {(code,): cells(180, 20) for code in codes}
        rows[("NGA",)] = cells(found, 200 - found)
        result = judged(rows, [nationality(codes)], rules)
        (countries,) = [family for family in result.rules[0].families if family.unnamed_p is not None]
        assert (countries.unnamed_survivors, countries.unnamed_p, countries.unnamed_beyond) == (1, 1.0, False)
        assert result.rules[0].because != "unnamed_beyond_limit"


def test_of_two_sides_one_that_was_tested_is_told() -> None:
    """At 20 % nobody can be 30 points below the rest: only the high side has a level to be held against."""
    rules = [{"metric": "true_positive_rate", "margin": 0.3, "groups": ["sex"], "direction": "both"}]
    result = by_sex({name: cells(200, 800) for name in "abc"}, rules)
    for verdict in result.verdicts:
        assert (verdict.outcome, verdict.side) == ("pass", "high")
        assert verdict.level_fail is not None
        assert verdict.p_fail is not None
        assert verdict.p_fail > verdict.level_fail


def test_a_high_rate_of_false_alarms_fails() -> None:
    rows = {"a": cells(80, 20, 100, 900), "b": cells(80, 20, 300, 700), "c": cells(80, 20, 200, 1800)}
    result = by_sex(rows, [{**FPR, "groups": ["sex"]}])
    verdict = result.of(group(sex="b"), "false_positive_rate")
    assert (verdict.outcome, verdict.side) == ("fail", "high")


@pytest.mark.parametrize(("route", "fails"), [("services", "low"), ("enforcement", "high")])
def test_the_route_decides_which_selection_rate_harms(route: str, fails: str) -> None:
    rows = {"low": cells(100, 0, 0, 900), "high": cells(600, 0, 0, 400), "rest": cells(700, 0, 0, 1300)}
    rules = [{"metric": "selection_rate", "margin": 0.1, "groups": ["sex"]}]
    result = by_sex(rows, rules, route=route)
    outcomes = {name: result.of(group(sex=name), "selection_rate").outcome for name in ("low", "high")}
    assert [name for name, outcome in outcomes.items() if outcome == "fail"] == [fails]


def test_a_rate_without_cases_is_not_evaluable_and_never_a_pass() -> None:
    result = by_sex({"a": cells(800, 200), "b": cells(0, 0, 10, 990), "c": cells(800, 200)})
    verdict = result.of(group(sex="b"))
    assert (verdict.outcome, verdict.because) == ("not_evaluable", "no_cases")
    assert verdict.p_fail is None
    assert verdict.p_pass is None


@pytest.mark.parametrize("few", [1, 2, 4])
def test_fewer_cases_than_the_floor_are_not_evaluable_even_if_all_are_missed(few: int) -> None:
    result = by_sex({"a": cells(990, 10), "b": cells(0, few), "c": cells(990, 10)})
    assert result.of(group(sex="b")).because == "too_few_for_a_rate"


def test_a_small_group_with_a_large_gap_fails_by_itself() -> None:
    result = by_sex({"a": cells(900, 100), "b": cells(5, 35), "c": cells(900, 100)})
    verdict = result.of(group(sex="b"))
    assert (verdict.outcome, verdict.decidable) == ("fail", False)


def test_a_small_group_without_a_gap_is_not_passed_but_judged_as_a_part() -> None:
    features = [nationality(["NGA", "MLI", "FRA", "DEU"])]
    rows: Rows = {
        ("NGA",): cells(800, 200),
        ("MLI",): cells(32, 8),
        ("FRA",): cells(800, 200),
        ("DEU",): cells(800, 200),
    }
    result = judged(rows, features, [{**TPR, "groups": ["nationality"]}])
    verdict = result.of(group(nationality="MLI"))
    assert (verdict.outcome, verdict.because) == ("inconclusive", "judged_as_part")
    assert verdict.judged_as == group(nationality="m49-subregion:011")
    assert verdict.judged_as_outcome == "pass"
    assert verdict.cases_needed is not None
    assert verdict.cases_needed > 0
    assert result.overall.outcome == "pass"
    assert result.rules[0].judged_as_part == 1


def test_too_many_people_in_groups_that_cannot_be_judged_is_inconclusive() -> None:
    rows = {"a": cells(800, 200), "b": cells(800, 200)} | {f"s{number:02}": cells(40, 10) for number in range(20)}
    result = by_sex(rows)
    assert result.rules[0].because == "coverage_too_small"
    assert result.rules[0].coverage == pytest.approx(2000 / 3000)
    assert result.overall.outcome == "inconclusive"
    assert by_sex(rows, verdict={"min_coverage": 0.5}).overall.outcome == "pass"


def test_no_group_large_enough_is_inconclusive() -> None:
    result = by_sex({"a": cells(16, 4), "b": cells(16, 4)})
    assert result.rules[0].because == "nothing_judged"
    assert result.of(group(sex="a")).because == "too_few_cases"


def test_a_group_on_the_limit_is_inconclusive_and_says_how_many_cases_it_needs() -> None:
    result = by_sex({"a": cells(800, 200), "b": cells(720, 280), "c": cells(1600, 400)})
    verdict = result.of(group(sex="b"))
    assert (verdict.outcome, verdict.because) == ("inconclusive", "limit_not_excluded")
    assert verdict.cases_needed is None or verdict.cases_needed > 0
    assert result.rules[0].because == "group_undecided"


def test_one_group_alone_has_nobody_to_be_compared_with() -> None:
    result = by_sex({"a": cells(800, 200)})
    assert result.of(group(sex="a")).because == "no_rest"
    assert result.overall.outcome == "inconclusive"


def test_unscored_cases_can_withhold_a_pass_but_never_make_one() -> None:
    rows = {"a": cells(800, 200), "b": cells(800, 200, abstained=(300, 0, 0)), "c": cells(1600, 400)}
    verdict = by_sex(rows).of(group(sex="b"))
    assert (verdict.outcome, verdict.because) == ("inconclusive", "unscored_cases")


def test_unscored_cases_do_not_make_a_fail() -> None:
    scored = {"a": cells(800, 200), "b": cells(500, 500), "c": cells(1600, 400)}
    assert by_sex(scored).of(group(sex="b")).outcome == "fail"
    unscored = {**scored, "b": cells(500, 100, failed=(400, 0, 0))}
    assert by_sex(unscored).of(group(sex="b")).outcome == "inconclusive"


def test_a_detector_that_abstains_on_a_whole_group_does_not_pass() -> None:
    rows = {"a": cells(800, 200), "b": cells(0, 0, abstained=(1000, 0, 0)), "c": cells(800, 200)}
    result = by_sex(rows)
    assert result.overall.outcome == "inconclusive"


def test_unlabelled_cases_enter_no_rate_of_labelled_ones() -> None:
    rows = {"a": cells(800, 200), "b": cells(800, 200, unlabelled=(0, 5000)), "c": cells(800, 200)}
    assert by_sex(rows).of(group(sex="b")).cases == 1000


def test_alpha_is_shared_by_all_families_of_all_rules() -> None:
    features = [nationality(["NGA", "MLI", "FRA", "DEU"])]
    rows: Rows = {(code,): cells(800, 200, 50, 950) for code in ("NGA", "MLI", "FRA", "DEU")}
    rules = [
        {**TPR, "groups": ["nationality"]},
        {**FPR, "groups": ["nationality"], "direction": "both"},
    ]
    result = judged(rows, features, rules)
    families = [family for rule in result.rules for family in rule.families]
    assert sum(family.level for family in families) == pytest.approx(0.75 * 0.05)
    # one side of the first rule, two of the second, each with the nationalities themselves on its finest rung
    assert [family.procedure for family in result.rules[0].families] == ["weights_only"] * 3
    together = [family.unnamed_level for family in families]
    assert together[1:3] == together[4:] == [None, None]
    assert [together[0], together[3]] == pytest.approx([0.0025, 0.0025])


def test_without_nationalities_names_may_spend_nine_tenths() -> None:
    result = by_sex({"a": cells(800, 200), "b": cells(800, 200)})
    (family,) = result.rules[0].families
    assert family.level == pytest.approx(0.9 * 0.05)
    assert (family.unnamed_p, family.unnamed_level, family.unnamed_beyond) == (None, None, False)


def test_many_nationalities_can_be_beyond_the_limit_without_a_name() -> None:
    codes = [f"C{number:03}" for number in range(120)]
    levels = [LevelName(rung="country", code=code, name=code, parent=f"S{n % 6}") for n, code in enumerate(codes)]
    levels += [LevelName(rung="m49-subregion", code=f"S{n}", name=f"S{n}", parent=f"R{n % 2}") for n in range(6)]
    levels += [LevelName(rung="m49-region", code=f"R{n}", name=f"R{n}") for n in range(2)]
    feature = nationality(["NGA"]).model_copy(update={"levels": tuple(levels)})
    rows: Rows = {(code,): cells(31, 13) if place % 7 in (0, 3) else cells(242, 22) for place, code in enumerate(codes)}
    result = judged(rows, [feature], [{**TPR, "groups": ["nationality"]}])
    rule = result.rules[0]
    assert not any(verdict.outcome == "fail" for verdict in result.verdicts)
    assert (rule.outcome, rule.because) == ("fail", "unnamed_beyond_limit")
    (finest, *above) = rule.families
    assert finest.unnamed_beyond
    assert finest.unnamed_p is not None
    assert finest.unnamed_level is not None
    assert finest.unnamed_p <= finest.unnamed_level
    assert finest.unnamed_survivors >= 34
    assert 2 <= finest.unnamed_at_least < 34
    assert not any(family.unnamed_beyond for family in above)
    assert result.overall.outcome == "fail"


def test_rows_that_stand_in_several_groups_call_for_the_procedure_that_bears_any_dependence() -> None:
    feature = categorical("sex", ["a", "b"])
    plan = plan_of([{**TPR, "groups": ["sex"]}], [feature])
    _, families = families_of(plan, [feature], {("a",): cells(800, 200), ("b",): cells(800, 200)})
    (family,) = families
    counts = families[family]
    shared = counts.everyone - cells(100, 50)
    overlapping = {family: FamilyCounts(family, counts.groups, counts.cells, shared)}
    rules, _, _ = judge(plan, overlapping, {"sex": feature})
    assert rules[0].families[0].procedure == "any_dependence"


@pytest.mark.parametrize(("cases", "procedure"), [(4_000, "any_dependence"), (300, "weights_only")])
def test_sizes_choose_how_a_level_is_divided_and_answers_do_not(cases: int, procedure: str) -> None:
    for found in ((80, 80, 80, 80), (20, 80, 80, 80), (72, 72, 72, 90), (0, 0, 100, 100)):
        rows = {name: cells(x * cases // 100, (100 - x) * cases // 100) for name, x in zip("abcd", found, strict=True)}
        (family,) = by_sex(rows).rules[0].families
        assert family.procedure == procedure


def test_nationalities_large_enough_for_two_steps_are_judged_together_as_well() -> None:
    codes = ["NGA", "GHA", "MLI", "FRA", "DEU", "THA"]
    rows: Rows = {(code,): cells(3_200, 800) for code in codes}
    (countries, *_) = judged(rows, [nationality(codes)], [{**TPR, "groups": ["nationality"]}]).rules[0].families
    assert (countries.procedure, countries.unnamed_p) == ("any_dependence", 1.0)


def test_a_fail_of_one_rule_fails_the_audit_and_an_open_rule_leaves_it_open() -> None:
    both = [{**TPR, "groups": ["sex"]}, {**FPR, "groups": ["sex"]}]
    good = cells(800, 200, 100, 900)
    assert by_sex({"a": good, "b": good, "c": good}, both).overall.outcome == "pass"
    failing = by_sex({"a": good, "b": cells(800, 200, 400, 600), "c": good}, both).overall
    assert failing.failing_rules == ("false_positive_rate",)
    open_ = by_sex({"a": good, "b": cells(800, 200, 2, 18), "c": good}, both).overall
    assert (open_.outcome, open_.undecided_rules) == ("pass", ())


def test_counts_of_outcomes_add_up_to_the_groups() -> None:
    rows = {"a": cells(800, 200), "b": cells(500, 500), "c": cells(3, 0), "d": cells(0, 0, 5, 5), "e": cells(30, 10)}
    result = by_sex(rows)
    rule = result.rules[0]
    assert sum(rule.groups_by_outcome.values()) == len(result.verdicts) == len(rows)
    assert np.sum([family.groups for family in rule.families]) == len(rows)


def test_a_detector_that_never_answers_for_a_group_is_open_because_of_what_was_not_scored() -> None:
    rows = {"a": cells(320, 80), "b": cells(0, 0, abstained=(400, 0, 0)), "c": cells(320, 80)}
    result = by_sex(rows)
    assert {verdict.because for verdict in result.verdicts} == {"unscored_cases"}
    assert {verdict.cases_needed for verdict in result.verdicts} == {None}


def test_where_nobody_could_exceed_the_limit_nobody_passes_it() -> None:
    result = by_sex({"a": cells(0, 400), "b": cells(8, 392), "c": cells(8, 392)})
    assert {verdict.because for verdict in result.verdicts} == {"limit_cannot_be_exceeded"}
    assert result.overall.outcome == "inconclusive"
    assert result.rules[0].families[0].tested == 0


def test_a_fail_is_decided_by_an_exact_p_value_at_every_alpha() -> None:
    rows = {"a": cells(16, 80), "b": cells(0, 19)}
    verdict = by_sex(rows, verdict={"alpha": 0.2, "min_coverage": 0.0}).of(group(sex="b"))
    assert verdict.outcome != "fail"
    assert verdict.p_fail == pytest.approx(0.15130, abs=1e-4)  # every table listed at 4,001 rates of the rest


@pytest.mark.parametrize(
    ("use", "route", "said", "harm"),
    [
        ("hotline-triage", "services", None, "missed"),
        ("lead-generation", "enforcement", None, "wrongly_flagged"),
        ("lead-generation", "services", None, "missed"),
        ("victim-identification", "enforcement", None, "wrongly_flagged"),
        ("moderation", "both", None, "both"),
        ("lead-generation", "services", "both", "both"),
        ("victim-identification", "enforcement", "missed", "missed"),
    ],
)
def test_the_route_decides_the_primary_harm_unless_the_plan_says_otherwise(
    use: str, route: str, said: str | None, harm: str
) -> None:
    plan = plan_of([{**TPR, "groups": ["sex"]}], [categorical("sex", ["a"])], route=route)
    plan = plan.model_copy(update={"audit": plan.audit.model_copy(update={"use": use, "primary_harm": said})})
    assert overall_verdict(plan.audit, []).primary_harm == harm


def test_a_rest_that_was_never_scored_leaves_a_group_open_because_of_that() -> None:
    rows = {"a": cells(320, 80), "b": cells(0, 0, abstained=(400, 0, 0))}
    verdict = by_sex(rows).of(group(sex="a"))
    assert (verdict.outcome, verdict.because) == ("inconclusive", "unscored_cases")
