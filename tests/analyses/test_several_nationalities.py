"""People of several nationalities: a pass holds whichever they belong to, and all who hold one are shown together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.counts import WORST, cells, families_of, group, plan_of

from audit.analyses.estimates import estimates
from audit.analyses.memberships import memberships
from audit.analyses.missing_attributes import member_places
from audit.analyses.sensitivity import sensitivity_findings
from audit.counting.table import CountsTable, FamilyCounts
from audit.evaluation.nationality import levels
from audit.plan.audit_plan import AuditPlan
from audit.plan.sections import SensitivitySection
from audit.result.findings.judged import Verdict
from audit.stats.arrays import IntArray
from audit.verdicts.judge import judge
from audit.vocabulary.groups import SensitiveFeature
from audit.vocabulary.metrics import METRICS

TPR = {"metric": "true_positive_rate", "margin": 0.1, "groups": ["nationality"]}


def held(codes: Sequence[str], rungs: Sequence[str] = ("country",)) -> SensitiveFeature:
    return SensitiveFeature(
        name="nationality",
        column="n",
        coding="nationality",
        rungs=tuple(rungs),
        levels=levels(codes, tuple(rungs)),
        given_to_detector=False,
    )


def counted(rows: Mapping[str, IntArray]) -> tuple[AuditPlan, CountsTable, FamilyCounts, SensitiveFeature]:
    feature = held(list(rows))
    plan = plan_of([TPR], [feature])
    table, families = families_of(plan, [feature], {(code,): of for code, of in rows.items()})
    return plan, table, next(iter(families.values())), feature


def judged(rows: Mapping[str, IntArray], share: float | None = None) -> dict[str, Verdict]:
    plan, _, family, feature = counted(rows)
    plan = plan.model_copy(
        update={"sensitivity": SensitivitySection(**WORST, max_missing_share=share, reason="a register")}
    )
    _, verdicts, _ = judge(plan, {family.family: family}, {"nationality": feature})
    return {verdict.group.levels[0].code: verdict for verdict in verdicts}


def test_who_holds_it_beside_others_may_belong_to_a_group() -> None:
    rows = {code: cells(1) for code in ("FRA", "NGA", "GHA", "FRA+NGA", "FRA+GHA+NGA", "NGA+unknown", "unknown")}
    _, _, family, _ = counted(rows)
    codes = [of.levels[0].code for of in family.groups]
    found = member_places(family)
    several = {codes[place]: {codes[other] for other in others} for place, others in enumerate(found.several)}
    unknown = {codes[place]: {codes[other] for other in others} for place, others in enumerate(found.unknown)}
    assert several["NGA"] == {"FRA+NGA", "FRA+GHA+NGA", "NGA+unknown"}
    assert several["GHA"] == {"FRA+GHA+NGA"}
    assert several["FRA+NGA"] == {"FRA+GHA+NGA"}
    assert unknown["GHA"] == {"unknown", "NGA+unknown"}
    assert unknown["FRA+NGA"] == {"unknown", "NGA+unknown"}
    assert several["unknown"] == unknown["unknown"] == set()


def test_no_pass_where_people_of_several_nationalities_could_change_it() -> None:
    rows = {"NGA": cells(800, 200), "FRA": cells(900, 100), "FRA+NGA": cells(100, 300)}
    verdict = judged(rows)["NGA"]
    assert (verdict.outcome, verdict.because) == ("inconclusive", "several_nationalities")
    assert verdict.cases_needed is None
    assert judged({"NGA": cells(850, 150), "FRA": cells(860, 140), "FRA+NGA": cells(17, 3)})["NGA"].outcome == "pass"


def test_nobody_can_vouch_for_people_whose_nationalities_are_known() -> None:
    rows = {"NGA": cells(850, 150), "FRA": cells(860, 140), "FRA+NGA": cells(60, 240)}
    assert judged(rows, share=0.0)["NGA"].because == "several_nationalities"
    unknown = {"NGA": cells(850, 150), "FRA": cells(860, 140), "unknown": cells(60, 240)}
    assert judged(unknown, share=0.0)["NGA"].outcome == "pass"


def test_the_share_that_would_let_a_group_pass_lets_it_where_some_hold_several() -> None:
    rows = {
        "NGA": cells(850, 150), "FRA": cells(860, 140), "FRA+NGA": cells(40, 10), "unknown": cells(0, 100),
    }  # fmt: skip
    plan, _, family, feature = counted(rows)
    _, verdicts, _ = judge(plan, {family.family: family}, {"nationality": feature})
    (found,) = sensitivity_findings(plan, {family.family: family}, verdicts)
    (share,) = [
        one.share
        for one in found.findings
        if one.kind == "unknown_attribute" and one.group == group(nationality="country:NGA")
    ]
    assert share is not None
    assert judged(rows, share * (1 + 1e-9))["NGA"].outcome == "pass"
    assert judged(rows, share * 1.02)["NGA"].because == "unknown_attribute"


@given(data=st.data())
def test_a_pass_holds_whichever_of_them_belonged_to_the_group(data: st.DataObject) -> None:
    """Every choice of those of several nationalities, against the p-value of the verdict."""
    numbers = st.integers(0, 60)
    rows = {
        "NGA": cells(data.draw(st.integers(30, 90)), data.draw(numbers)),
        "FRA": cells(data.draw(st.integers(30, 120)), data.draw(numbers)),
        "FRA+NGA": cells(data.draw(st.integers(0, 6)), data.draw(st.integers(0, 6))),
        "unknown": cells(data.draw(st.integers(0, 6)), data.draw(st.integers(0, 6))),
    }
    share = data.draw(st.sampled_from([0.0, 0.05, 0.2, None]))
    reported = judged(rows, share)["NGA"].p_pass
    if reported is None:
        return
    found, missed = (int(count) for count in rows["FRA+NGA"][0, :2])
    for joining, missing in product(range(found + 1), range(missed + 1)):
        moved = {
            "NGA": rows["NGA"] + cells(joining, missing),
            "FRA": rows["FRA"] + cells(found - joining, missed - missing),
            "unknown": rows["unknown"],
        }
        p = judged(moved, share)["NGA"].p_pass
        assert p is None or reported >= p * (1 - 1e-9) or min(reported, p) > 0.05


def test_all_who_hold_a_nationality_are_shown_together() -> None:
    rows = {"NGA": cells(80, 20, 5, 95), "FRA": cells(90, 10), "FRA+NGA": cells(10, 30, 4, 6), "GHA+NGA": cells(3, 4)}
    plan, table, _, feature = counted(rows)
    found = {
        one.estimate.group.levels[0].code: one
        for one in memberships(plan.rules, plan.evaluation_set, plan.verdict, table, [feature])
    }
    assert set(found) == {"NGA", "FRA", "GHA"}
    assert {one.estimate.metric for one in found.values()} == {"true_positive_rate"}
    assert (found["NGA"].estimate.numerator, found["NGA"].estimate.denominator) == (93, 147)
    assert found["NGA"].beside_others == 50 + 7
    assert (found["FRA"].estimate.numerator, found["FRA"].estimate.denominator) == (100, 140)
    assert (found["GHA"].estimate.numerator, found["GHA"].beside_others) == (3, 7)
    assert found["GHA"].estimate.group == group(nationality="country:GHA")
    (same,) = [
        one
        for one in estimates(
            [counted({"NGA": cells(93, 54), "FRA": cells(1)})[2]], METRICS.values(), level=0.95, min_denominator=5
        )
        if one.metric == "true_positive_rate" and one.group.levels[0].code == "NGA"
    ]
    assert (same.low, same.high) == (found["NGA"].estimate.low, found["NGA"].estimate.high)


def test_a_feature_without_such_people_has_no_such_table() -> None:
    plan, table, _, feature = counted({"NGA": cells(80, 20), "FRA": cells(90, 10), "unknown": cells(3)})
    assert memberships(plan.rules, plan.evaluation_set, plan.verdict, table, [feature]) == ()


@pytest.mark.parametrize("rungs", [("country",), ("country", "m49-subregion", "m49-region")])
def test_groups_of_several_nationalities_add_up_with_the_others_on_every_rung(rungs: tuple[str, ...]) -> None:
    feature = held(["NGA", "GHA", "FRA+NGA", "GHA+NGA"], rungs)
    rows: dict[tuple[str, ...], Any] = {(code,): cells(1) for code in ("NGA", "GHA", "FRA+NGA", "GHA+NGA")}
    _, families = families_of(plan_of([TPR], [feature]), [feature], rows)
    for family in families.values():
        np.testing.assert_array_equal(family.cells.sum(axis=0), family.everyone)
