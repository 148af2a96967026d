"""What a plan may ask for, and what it may not."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from audit.plan.audit_plan import AuditPlan
from audit.plan.file.plan_file import parse_plan
from audit.plan.sections import feature_coding, feature_rungs
from audit.vocabulary.metrics import METRICS, Worse

RAW = parse_plan((Path(__file__).parent / "small_plan.toml").read_text(encoding="utf-8"), folder=Path()).as_asked


def plan_with(**changes: Any) -> AuditPlan:
    """The small plan with values replaced; `a__b` is the key b of the table a, `rules` and `groups` are whole."""
    raw = copy.deepcopy(RAW)
    for key, value in changes.items():
        table, _, inner = key.partition("__")
        if not inner:
            raw[table] = value
        elif value is None:
            del raw[table][inner]
        else:
            raw.setdefault(table, {})[inner] = value
    return AuditPlan.model_validate(raw)


def refused(match: str, **changes: Any) -> None:
    with pytest.raises(ValidationError, match=match):
        plan_with(**changes)


def rule(**values: Any) -> dict[str, Any]:
    return {"metric": "true_positive_rate", "groups": ["gender"], "margin": 0.1} | values


def test_rules_without_ids_are_named_after_their_metric() -> None:
    rules = [rule(), rule(ratio=0.9, margin=None), rule(id="mine"), rule(metric="accuracy")]
    named = plan_with(rules=[{key: value for key, value in one.items() if value is not None} for one in rules])
    assert [one.id for one in named.named_rules] == [
        "true_positive_rate",
        "true_positive_rate-2",
        "mine",
        "accuracy",
    ]
    assert [(one.scale, one.limit) for one in named.named_rules[:2]] == [("difference", 0.1), ("ratio", 0.9)]


def test_two_rules_cannot_share_an_id() -> None:
    refused("two rules have the same id", rules=[rule(id="a"), rule(id="a", metric="accuracy")])
    refused("two rules have the same id", rules=[rule(), rule(metric="accuracy", id="true_positive_rate")])


@pytest.mark.parametrize("name", ["A", "-a", "a b", "", "a" * 65])
def test_an_id_is_short_and_plain(name: str) -> None:
    refused("id", rules=[rule(id=name)])


def test_a_feature_is_read_as_declared_or_by_its_own_name() -> None:
    groups = {"gender": {"column": "g"}, "nationality": {"column": "n"}, "race": {"column": "r"}}
    read = plan_with(groups=groups, rules=[rule()])
    assert [feature_coding(read.groups, name) for name in groups] == ["gender", "nationality", "categorical"]
    assert [feature_rungs(read.groups, name) for name in groups] == [("level",), ("country",), ("level",)]
    groups["race"]["coding"] = "nationality"
    assert feature_coding(plan_with(groups=groups, rules=[rule()]).groups, "race") == "nationality"


@pytest.mark.parametrize(
    "ladder",
    [["m49-region"], ["m49-subregion", "country"], ["country", "country"], ["country", "m49-region", "country"]],
)
def test_a_ladder_starts_with_the_country_and_climbs(ladder: list[str]) -> None:
    groups = {"nationality": {"column": "n", "ladder": ladder}, "gender": {"column": "g"}}
    refused("a ladder starts with", groups=groups, rules=[rule()])


def test_a_ladder_may_leave_a_rung_out() -> None:
    groups = {"nationality": {"column": "n", "ladder": ["country", "m49-region"]}, "gender": {"column": "g"}}
    assert feature_rungs(plan_with(groups=groups, rules=[rule()]).groups, "nationality") == ("country", "m49-region")


def test_only_a_nationality_has_a_ladder() -> None:
    refused("only a nationality", groups={"gender": {"column": "g", "ladder": ["country"]}}, rules=[rule()])


def test_a_gender_is_mapped_to_a_known_level() -> None:
    for level in ("woman", "man", "non-binary", "unknown"):
        plan_with(groups={"gender": {"column": "g", "map": {"F": level}}}, rules=[rule()])
    refused("the levels are", groups={"gender": {"column": "g", "map": {"F": "F"}}}, rules=[rule()])


@pytest.mark.parametrize("name", ["a-b", "1a", "a b", "a.b"])
def test_the_name_of_a_feature_can_name_a_column_of_sql(name: str) -> None:
    refused("letters, digits and underscores", groups={name: {"column": "g"}}, rules=[rule(groups=[name])])


@pytest.mark.parametrize(
    ("groups", "match"),
    [
        (["age"], r"no \[groups.age\]"),
        ([["gender", "age"]], r"no \[groups.age\]"),
        ([["gender", "gender"]], "names each feature once"),
        ([[]], "names each feature once"),
        ([], "at least 1"),
    ],
)
def test_a_rule_names_features_of_the_plan(groups: list[Any], match: str) -> None:
    refused(match, rules=[rule(groups=groups)])


def test_features_of_a_rule_are_told_as_sets() -> None:
    read = plan_with(rules=[rule(groups=["gender", ["gender", "nationality"]])])
    assert read.rules[0].feature_sets == (("gender",), ("gender", "nationality"))


@pytest.mark.parametrize("metric", METRICS)
def test_a_rule_limits_a_rate_of_the_detector_on_the_side_that_harms(metric: str) -> None:
    worse = METRICS[metric].worse
    if worse is Worse.NOT_JUDGED:
        refused("a property of the labels", rules=[rule(metric=metric)])
        return
    assert plan_with(rules=[rule(metric=metric)]).rules[0].metric == metric
    both = {"rules": [rule(metric=metric)], "audit__route": "both"}
    if worse is Worse.BY_ROUTE:
        refused('direction = "both"', **both)
        plan_with(rules=[rule(metric=metric, direction="both")], audit__route="both")
    else:
        plan_with(**both)


def test_a_plan_has_a_rule_on_a_rate_that_binds() -> None:
    first, second = rule(id="a", on_fail="warn"), rule(id="b")
    assert plan_with(rules=[first, second]).warning_rules == {"a"}
    refused("every rule on a rate only warns", rules=[first])


def test_a_rule_has_one_limit() -> None:
    refused("exactly one of `margin`", rules=[rule(ratio=0.8)])
    refused("exactly one of `margin`", rules=[{"metric": "accuracy", "groups": ["gender"]}])


@pytest.mark.parametrize("limit", [0, 1, -0.1, 1.1, float("nan"), float("inf")])
@pytest.mark.parametrize("scale", ["margin", "ratio"])
def test_a_limit_lies_between_0_and_1(limit: float, scale: str) -> None:
    refused(scale, rules=[{"metric": "accuracy", "groups": ["gender"], scale: limit}])


def test_planning_assumes_the_rate_of_the_rule_or_of_the_metric() -> None:
    assert plan_with(rules=[rule()]).rules[0].planned_rate == METRICS["true_positive_rate"].expected_rate
    assert plan_with(rules=[rule(expected_rate=0.3)]).rules[0].planned_rate == 0.3


def test_a_comparison_with_a_reference_needs_one() -> None:
    refused("needs `reference", verdict__compare_with=["rest", "reference"])
    groups = {"gender": {"column": "g", "reference": "man"}, "nationality": {"column": "n"}}
    plan_with(verdict__compare_with=["rest", "reference"], groups=groups)


def test_labels_do_not_overlap_whatever_their_case() -> None:
    refused("name the same value twice", evaluation_set__label_positive=["Yes"], evaluation_set__label_negative=["yes"])
    refused("name the same value twice", evaluation_set__label_missing=["TRUE"])
    plan_with(evaluation_set__label_positive=["yes"], evaluation_set__label_negative=["no"])


def test_the_period_of_the_cases_has_an_order() -> None:
    plan = plan_with(evaluation_set__period=["2024-01-01", "2024-12-31"])
    assert plan.evaluation_set.period == ("2024-01-01", "2024-12-31")
    refused("write the first day first", evaluation_set__period=["2024-12-31", "2024-01-01"])
    refused("no day; write it as YYYY-MM-DD", evaluation_set__period=["2024-1-1", "2024-01-02"])


def test_scores_are_cut_in_one_way() -> None:
    refused("exactly one of `threshold`", detector__top_k=5)
    refused("exactly one of `threshold`", detector__threshold=None)
    refused("lies outside score_range", detector__threshold=1.5)
    refused("lowest < highest", detector__score_range=[1, 1])
    assert plan_with(detector__threshold=1.5, detector__score_range=[-2, 2]).detector.threshold == 1.5
    refused("neither `threshold` nor `top_k`", detector__answers="decision")
    plan_with(detector__answers="decision", detector__threshold=None)


def test_predictions_are_scores_or_decisions() -> None:
    plan_with(detector={"kind": "predictions", "decision": "flag"})
    plan_with(detector={"kind": "predictions", "score": "s", "top_k": 3})
    refused("leave out `score`", detector={"kind": "predictions", "decision": "flag", "score": "s"})
    refused("leave out `score`", detector={"kind": "predictions", "decision": "flag", "threshold": 0.5})
    refused("write `score", detector={"kind": "predictions", "threshold": 0.5})
    refused("exactly one of `threshold`", detector={"kind": "predictions", "score": "s"})


def test_a_decision_means_one_thing_whatever_its_case() -> None:
    words = {"decision_positive": ["Yes"], "decision_negative": ["yes"]}
    refused("name the same value twice", detector={"kind": "predictions", "decision": "flag", **words})


def test_no_column_speaks_twice() -> None:
    base = RAW["evaluation_set"]
    refused("same column", evaluation_set__label=base["id"])
    for column in (base["id"], base["label"]):
        refused("also the id or the label", groups={"gender": {"column": column}}, rules=[rule()])
        for answer in ({"score": column, "threshold": 0.5}, {"decision": column}):
            refused("name its own column", detector={"kind": "predictions", **answer})
    group = next(iter(RAW["groups"].values()))["column"]
    refused("name its own column", detector={"kind": "predictions", "decision": group})
    nations = {name: {"column": "passport", "coding": "nationality"} for name in ("nationality", "origin")}
    refused("read one column in the same way: leave one out", groups=nations, rules=[rule(groups=["origin"])])


def test_a_detector_is_given_a_column_once() -> None:
    refused("names a column twice", detector__features=["pay", "age", "pay"])


@pytest.mark.parametrize("entry", ["module", "module:", ":f", "a/b:f", "a:b.c", "os;x:y", "a b:c", "a:b()"])
def test_a_python_detector_is_a_module_and_a_function(entry: str) -> None:
    plan_with(detector={"kind": "python", "entry": "my.module:f", "features": ["a"], "threshold": 0.5})
    refused("entry", detector={"kind": "python", "entry": entry, "features": ["a"], "threshold": 0.5})


def test_unknown_keys_are_refused_at_every_depth() -> None:
    refused("extra", extra=1)
    for table in ("audit", "detector", "evaluation_set", "verdict", "scoring"):
        refused("surplus", **{f"{table}__surplus": 1})
    refused("surplus", rules=[rule(surplus=1)])
    refused("surplus", groups={"gender": {"column": "g", "surplus": 1}}, rules=[rule()])


def test_a_plan_cannot_be_changed_after_it_was_checked() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        plan_with().verdict.alpha = 0.2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"evaluation_set__weight": "exploited"}, "evaluation_set.weight is also the id or the label"),
        ({"evaluation_set__cluster": "case_id"}, "evaluation_set.cluster is also the id or the label"),
        ({"control_features": {"form": {"column": "sex"}}}, "names the column of groups.gender"),
        ({"control_features": {"gender": {"column": "x"}}}, "a name of its own"),
        ({"control_sample": {"column": "exploited"}}, "names the column of the label"),
        ({"scan": {"columns": ["case_id"]}}, "scan.columns names the column of the id"),
        ({"scan": {"columns": ["age", "age"]}}, "scan.columns names each column or feature once"),
        ({"scan": {"features": ["gender", "gender"]}}, "scan.features names each column or feature once"),
        ({"measures": [{"metric": "m:f", "groups": [[]]}]}, "at least one feature, and each once"),
        ({"measures": [{"metric": "m:f", "groups": [["gender", "gender"]]}]}, "at least one feature, and each once"),
        (
            {"detector": {"kind": "predictions", "score": "s", "threshold": 0.5}, "evaluation_set__weight": "s"},
            "also a weight, a cluster or a column compared by",
        ),
        (
            {"detector": {"kind": "predictions", "score": "s", "threshold": 0.5}, "scan": {"columns": ["s"]}},
            "also a weight, a cluster or a column compared by",
        ),
        ({"scan": {"features": ["age"]}}, r"scan.features: no \[groups.age\]"),
        ({"measures": [{"metric": "m:f", "groups": [["gender", "age"]]}]}, r"measures 1: no \[groups.age\]"),
        ({"measures": [{"metric": "m.f", "groups": ["gender"]}]}, "match pattern"),
        (
            {"reference_table": {"path": "t.csv", "feature": "age", "level": "l", "share": "s", "source": "x"}},
            r"reference_table.feature: no \[groups.age\]",
        ),
        ({"costs": {"cost_missed": 0, "cost_flagged": 0}}, "must be above 0"),
        ({"deployment": {"prevalence": 1.0, "source": "x"}}, "less than 1"),
        ({"sensitivity": {"max_missing_share": 1.0}}, "less than 1"),
    ],
)
def test_the_further_sections_hold_together(changes: dict[str, Any], match: str) -> None:
    refused(match, **changes)


def test_the_further_sections_can_all_be_used() -> None:
    plan = plan_with(
        evaluation_set__weight="w",
        evaluation_set__cluster="c",
        control_features={"form": {"column": "form"}},
        control_sample={"column": "random"},
        deployment={"prevalence": 0.01, "source": "an estimate"},
        sensitivity={"max_missing_share": 0.1, "reason": "intake forms"},
        scan={"columns": ["age"], "features": ["gender"]},
        costs={"cost_missed": 10, "cost_flagged": 1},
        reference_table={"path": "t.csv", "feature": "gender", "level": "l", "share": "s", "source": "UNODC 2024"},
        measures=[{"metric": "mine:f1", "groups": ["gender", ["gender", "nationality"]]}],
    )
    assert plan.measures[0].feature_sets == (("gender",), ("gender", "nationality"))
    assert plan.scan is not None
    assert plan.scan.replicates == 199
