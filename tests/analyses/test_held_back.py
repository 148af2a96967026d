"""Who cannot pass while so many are unknown: what planning says before a score is what a run then says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from made.audits import check_of, result_of
from made.counts import WORST, categorical, cells, nationality, plan_of

from audit.analyses.missing_attributes import NOTHING, MemberPlaces, Supposed
from audit.stats.arrays import IntArray
from audit.verdicts.planned_people import PlannedPeople, groups_held_back, share_for_all

ALONE = np.array([True, True, False])
SIZES = {"a": 200, "b": 400, "c": 1000, "d": 4000}
RULES: list[dict[str, Any]] = [
    {"metric": "true_positive_rate", "groups": ["sex"], "margin": 0.1},
    {"metric": "false_positive_rate", "groups": ["sex"], "ratio": 0.8, "expected_rate": 0.5},
    {"metric": "true_positive_rate", "groups": ["sex"], "margin": 0.1, "direction": "both"},
]
CLEARLY_NOT, CLEARLY = 0.065, 0.04


def expected(rule: dict[str, Any], size: int) -> IntArray:
    """Counts of a group that is treated like everyone else, at the planned rate."""
    if rule["metric"] == "true_positive_rate":
        return cells(size * 8 // 10, size * 2 // 10)
    return cells(0, 0, size // 2, size // 2)


def unscored(rule: dict[str, Any], size: int) -> IntArray:
    return cells(abstained=(size, 0, 0) if rule["metric"] == "true_positive_rate" else (0, size, 0))


def rows_of(sizes: Mapping[str, int]) -> dict[tuple[str, ...], IntArray]:
    return {(code,): unscored(RULES[0], size) for code, size in sizes.items()}


@pytest.mark.parametrize("supposed", [{}, WORST, WORST | {"max_missing_share": 0.02}, {"max_missing_share": 0.05}])
@pytest.mark.parametrize("unknown", [0, 20, 100, 400])
@pytest.mark.parametrize("rule", RULES)
def test_planning_says_what_a_run_with_the_expected_counts_says(
    rule: dict[str, Any], unknown: int, supposed: dict[str, Any]
) -> None:
    sizes = SIZES | ({"unknown": unknown} if unknown else {})
    feature = categorical("sex", list(sizes))
    asked: dict[str, Any] = {"sensitivity": {**supposed, "reason": "counted"}}
    check = check_of({(code,): unscored(rule, size) for code, size in sizes.items()}, [feature], [rule], **asked)
    run = result_of({(code,): expected(rule, size) for code, size in sizes.items()}, [feature], [rule], **asked)
    (family,) = check.rules[0].families
    shown = 0
    for verdict in run.verdicts:
        if not verdict.decidable or verdict.group.levels[0].code == "unknown":
            continue
        assert verdict.p_pass is not None
        if verdict.p_pass > CLEARLY_NOT:
            assert verdict.because == "unknown_attribute"
            assert verdict.group in family.held_back
        if verdict.p_pass < CLEARLY:
            assert verdict.outcome == "pass"
            assert verdict.group not in family.held_back
        shown += 1
    assert shown >= 2
    assert check.rules[0].can_pass is not (bool(family.held_back) or None)


def test_the_share_that_is_named_is_the_largest_that_holds_nobody_back() -> None:
    rows = rows_of({"a": 300, "b": 3000, "unknown": 500})
    feature = categorical("sex", ["a", "b", "unknown"])

    def held(share: float | None) -> int:
        asked = WORST | ({} if share is None else {"max_missing_share": share, "reason": "counted"})
        (family,) = check_of(rows, [feature], [RULES[0]], sensitivity=asked).rules[0].families
        return len(family.held_back)

    (family,) = check_of(rows, [feature], [RULES[0]], sensitivity=WORST).rules[0].families
    assert held(None) == 2
    assert family.share_for_all is not None
    assert 0.0 < family.share_for_all < 0.2
    assert held(family.share_for_all) == 0
    assert held(family.share_for_all + 0.001) >= 1


def test_nobody_is_held_back_where_everybody_is_known() -> None:
    rows = rows_of(SIZES)
    (family,) = check_of(rows, [categorical("sex", list(SIZES))], [RULES[0]]).rules[0].families
    assert family.held_back == ()
    assert family.share_for_all is None


def test_people_with_several_nationalities_hold_back_whatever_is_vouched_for() -> None:
    plan = plan_of([{"metric": "true_positive_rate", "groups": ["nationality"], "margin": 0.1}], [nationality(["NGA"])])
    rule = plan.named_rules[0]
    planned = PlannedPeople(
        people=np.array([300.0, 5000.0, 400.0]),
        size=np.array([300.0, 5000.0, 400.0]),
        rest_size=np.array([5400.0, 700.0, 5300.0]),
        members=MemberPlaces(unknown=[[], [], []], recorded=[[], [], []], several=[[2], [], []]),
    )
    assert groups_held_back(plan.audit.route, plan.verdict, plan.sensitivity, rule, planned, NOTHING)[
        ALONE
    ].tolist() == [True, False]
    assert groups_held_back(plan.audit.route, plan.verdict, plan.sensitivity, rule, planned, Supposed(None, None, 0.0))[
        ALONE
    ].tolist() == [True, False]
    assert share_for_all(plan.audit.route, plan.verdict, plan.sensitivity, rule, planned, ALONE) == 0.0


def test_in_what_people_are_counted_makes_no_difference() -> None:
    plan = plan_of([{"metric": "true_positive_rate", "groups": ["nationality"], "margin": 0.1}], [nationality(["NGA"])])
    rule = plan.named_rules[0]
    planned = PlannedPeople(
        people=np.array([300.0, 5000.0, 500.0]),
        size=np.array([250.0, 3000.0, 400.0]),
        rest_size=np.array([3400.0, 600.0, 3200.0]),
        members=MemberPlaces(unknown=[[2], [2], []], recorded=[[(0, 1)], [(0, 1)], []], several=[[], [], []]),
    )
    weighted = replace(planned, people=planned.people * 7.5)
    vouched = [Supposed(None, None, share) for share in (None, 0.0, 0.01, 0.03, 0.1)]
    for supposed in (*vouched, Supposed(2.0, 2.0, None)):
        found = groups_held_back(plan.audit.route, plan.verdict, plan.sensitivity, rule, planned, supposed)
        assert (
            groups_held_back(plan.audit.route, plan.verdict, plan.sensitivity, rule, weighted, supposed).tolist()
            == found.tolist()
        )
    everyone = np.ones(3, dtype=np.bool_)
    share = share_for_all(plan.audit.route, plan.verdict, plan.sensitivity, rule, planned, everyone)
    assert share_for_all(plan.audit.route, plan.verdict, plan.sensitivity, rule, weighted, everyone) == share > 0.0
