"""Gaps within strata: what vanishes, appears or stays when like is compared with like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from made.counts import categorical, cells, families_of, group, plan_of

from audit.analyses.like_with_like import like_with_like
from audit.counting.table import MOST_GROUPS, CountsTable
from audit.plan.audit_plan import AuditPlan
from audit.result.findings.like_with_like import ConditionalGap, LikeWithLike
from audit.stats.arrays import IntArray
from audit.vocabulary.groups import SensitiveFeature

Rows = Mapping[tuple[str, ...], IntArray]
TPR_RULE = {"metric": "true_positive_rate", "groups": ["sex"], "margin": 0.1}


def conditioned(
    rows: Rows, controls: Sequence[str], rules: Sequence[Mapping[str, Any]] = (TPR_RULE,), **verdict: Any
) -> tuple[LikeWithLike, ...]:
    """`rows` by sex and then a level of each control feature."""
    feature = categorical("sex", [key[0] for key in rows])
    plan, table = plan_with([feature], rules, controls, verdict), CountsTable.of(["sex", *controls], rows)
    summed: dict[tuple[str, ...], IntArray] = {}
    for key, of in rows.items():
        summed[key[:1]] = summed.get(key[:1], np.zeros((3, 4), dtype=np.int64)) + of
    _, families = families_of(plan, [feature], summed)
    return like_with_like(plan.named_rules, plan.verdict, plan.control_features, table, families, {"sex": feature})


def plan_with(
    features: Sequence[SensitiveFeature], rules: Sequence[Mapping[str, Any]], controls: Sequence[str], verdict: Any
) -> AuditPlan:
    plan = plan_of(rules, features, verdict=verdict)
    return AuditPlan.model_validate(
        {**plan.model_dump(mode="json", by_alias=True, exclude_unset=True)}
        | {"control_features": {name: {"column": f"the {name}"} for name in controls}}
    )


def of_group(found: LikeWithLike, sex: str) -> ConditionalGap:
    (gap,) = (gap for gap in found.groups if gap.group == group(sex=sex))
    return gap


COMPOSITION: Rows = {
    ("a", "labour"): cells(320, 480), ("a", "sexual"): cells(160, 40),
    ("b", "labour"): cells(400, 600), ("b", "sexual"): cells(2400, 600),
}  # fmt: skip
"""The detector finds 40 % in labour and 80 % elsewhere, of everybody; a's cases are mostly in labour."""


def test_a_gap_that_composition_explains_vanishes() -> None:
    found = conditioned(COMPOSITION, ["form"])[0]
    assert (found.metric, found.rule, found.controls, found.strata) == (
        "true_positive_rate", "true_positive_rate", ("form",), 2,
    )  # fmt: skip
    gap = of_group(found, "a")
    assert gap.note == "vanishes"
    assert gap.crude_difference == pytest.approx(480 / 1000 - 2800 / 4000)
    assert gap.difference == pytest.approx(0.0, abs=1e-12)
    assert gap.crude_ratio == pytest.approx(0.48 / 0.7)
    assert gap.ratio == pytest.approx(1.0)
    assert gap.difference_low is not None
    assert gap.difference_high is not None
    assert gap.difference_low < 0 < gap.difference_high
    assert (gap.cases, gap.comparable, gap.strata, gap.strata_tested) == (1000, 1.0, 2, 2)
    assert gap.p_same == pytest.approx(1.0)
    assert found.notes == {"vanishes": 2}


def test_a_gap_that_composition_hides_appears() -> None:
    rows: Rows = {
        ("a", "labour"): cells(100, 100), ("a", "sexual"): cells(720, 80),
        ("b", "labour"): cells(2250, 750), ("b", "sexual"): cells(990, 10),
    }  # fmt: skip
    gap = of_group(conditioned(rows, ["form"])[0], "a")
    assert gap.note == "appears"
    assert gap.crude_difference == pytest.approx(0.01)
    assert gap.difference == pytest.approx(-0.131, abs=0.01)


def test_a_gap_in_every_stratum_stays_and_one_that_turns_reverses() -> None:
    stays: Rows = {
        (s, f): cells(int(1000 * r), 1000 - int(1000 * r))
        for s, f, r in (("a", "x", 0.4), ("a", "y", 0.5), ("b", "x", 0.6), ("b", "y", 0.7))
    }
    assert of_group(conditioned(stays, ["form"])[0], "a").note == "stays"
    turned: Rows = {
        ("a", "x"): cells(900, 1100), ("a", "y"): cells(190, 10),
        ("b", "x"): cells(70, 130), ("b", "y"): cells(1700, 300),
    }  # fmt: skip
    assert of_group(conditioned(turned, ["form"])[0], "a").note == "reverses"


def test_a_small_group_cannot_be_told_and_never_vanishes() -> None:
    rows: Rows = {key: of if key[0] == "b" else of // 40 for key, of in COMPOSITION.items()}
    assert of_group(conditioned(rows, ["form"])[0], "a").note == "cannot_tell"


def test_a_minority_of_comparable_cases_says_nothing_of_the_group() -> None:
    rows: Rows = {**COMPOSITION, ("a", "only a"): cells(400, 400)}
    gap = of_group(conditioned(rows, ["form"])[0], "a")
    assert gap.comparable == pytest.approx(1000 / 1800)
    assert (gap.cases, gap.strata, gap.note) == (1800, 2, "cannot_tell")
    assert of_group(conditioned(rows, ["form"], min_coverage=0.5)[0], "a").note == "vanishes"


def test_it_says_when_one_number_for_all_strata_hides_something() -> None:
    rows: Rows = {
        ("a", "x"): cells(300, 700), ("a", "y"): cells(700, 300),
        ("b", "x"): cells(500, 500), ("b", "y"): cells(500, 500),
    }  # fmt: skip
    gap = of_group(conditioned(rows, ["form"])[0], "a")
    assert gap.p_same is not None
    assert gap.p_same < 1e-9


def test_groups_without_comparable_cases_are_counted() -> None:
    found = conditioned(
        {("a", "x"): cells(50, 50), ("b", "y"): cells(50, 50), ("c", "x"): cells(0, 0, 9, 9)}, ["form"]
    )[0]
    assert found.groups == ()
    assert (found.not_evaluable, found.notes) == (3, {"cannot_tell": 3})


def test_every_rate_of_a_rule_and_both_error_rates_by_each_control_and_by_all() -> None:
    rows: Rows = {(*key, channel): of for key, of in COMPOSITION.items() for channel in ("web", "phone")}
    rules = [
        {"metric": "precision", "groups": ["sex"], "ratio": 0.8},
        {"metric": "true_positive_rate", "groups": ["sex"], "margin": 0.1},
        {"metric": "true_positive_rate", "groups": ["sex"], "margin": 0.2},
    ]
    found = conditioned(rows, ["form", "channel"], rules)
    assert [(one.controls, one.rule, one.metric) for one in found] == [
        (controls, rule, metric)
        for controls in (("form",), ("channel",), ("form", "channel"))
        for rule, metric in (
            ("precision", "precision"),
            ("true_positive_rate", "true_positive_rate"),
            ("true_positive_rate-2", "true_positive_rate"),
            (None, "false_positive_rate"),
        )
    ]
    assert [one.strata for one in found[::4]] == [2, 2, 4]
    assert found[0].scale == "ratio"
    assert found[3].limit is None


def test_ratios_are_judged_as_ratios() -> None:
    rules = [{"metric": "true_positive_rate", "groups": ["sex"], "ratio": 0.8}]
    found = conditioned(COMPOSITION, ["form"], rules)[0]
    assert of_group(found, "a").note == "vanishes"
    nobody: Rows = {key: cells(0, 50) if key[0] == "b" else of for key, of in COMPOSITION.items()}
    gap = of_group(conditioned(nobody, ["form"], rules)[0], "a")
    assert (gap.ratio, gap.ratio_low, gap.ratio_high, gap.crude_ratio_low) == (None, None, None, None)
    assert gap.difference is not None
    assert gap.note == "cannot_tell"


def test_in_a_large_family_only_what_changes_is_listed() -> None:
    rows: dict[tuple[str, ...], IntArray] = {**COMPOSITION}
    for place in range(MOST_GROUPS):
        rows |= {(f"n{place}", "labour"): cells(40, 60), (f"n{place}", "sexual"): cells(80, 20)}
    found = conditioned(rows, ["form"])[0]
    assert sum(found.notes.values()) == MOST_GROUPS + 2
    assert found.groups
    assert {gap.note for gap in found.groups} <= {"vanishes", "appears", "reverses"}


def test_without_control_features_there_is_nothing() -> None:
    feature = categorical("sex", ["a", "b"])
    plan = plan_of([TPR_RULE], [feature])
    assert like_with_like(plan.named_rules, plan.verdict, plan.control_features, None, {}, {"sex": feature}) == ()


def test_records_read_back_as_they_were_written() -> None:
    for found in conditioned({**COMPOSITION, ("c", "x"): cells(1, 1)}, ["form"]):
        assert LikeWithLike.model_validate_json(found.model_dump_json()) == found


def test_of_intersections_only_what_changes_is_listed_and_the_rest_is_counted() -> None:
    features = [categorical("sex", ["a", "b"]), categorical("age", ["old", "young"])]
    rules = [{"metric": "true_positive_rate", "groups": [["sex", "age"]], "margin": 0.1}]
    rows: dict[tuple[str, ...], IntArray] = {
        (sex, age, form): of for (sex, form), of in COMPOSITION.items() for age in ("old", "young")
    }
    plan = plan_with(features, rules, ["form"], {})
    summed: dict[tuple[str, ...], IntArray] = {}
    for key, of in rows.items():
        summed[key[:2]] = summed.get(key[:2], np.zeros((3, 4), dtype=np.int64)) + of
    _, families = families_of(plan, features, summed)
    found = like_with_like(
        plan.named_rules,
        plan.verdict,
        plan.control_features,
        CountsTable.of(["sex", "age", "form"], rows),
        families,
        {f.name: f for f in features},
    )
    both = [one for one in found if len(one.family.axes) == 2 and one.rule is not None]
    by_sex = [one for one in found if one.family.axes[0].feature == "sex" and len(one.family.axes) == 1]
    assert sum(both[0].notes.values()) == 4
    assert {gap.note for gap in both[0].groups} <= {"vanishes", "appears", "reverses"}
    assert len(by_sex[0].groups) == 2
