from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from made.counts import categorical, cells, families_of, plan_of

from audit.analyses.funnel import funnels
from audit.analyses.many_groups import between_groups, entropies
from audit.counting.table import FamilyCounts
from audit.plan.audit_plan import AuditPlan
from audit.stats.arrays import IntArray
from audit.verdicts.judge import judge
from audit.vocabulary.groups import Family, SensitiveFeature

CODES = [f"{letter}{number}" for letter in "ABCDE" for number in range(6)]
RULE: dict[str, Any] = {"metric": "true_positive_rate", "groups": ["g"], "ratio": 0.8, "expected_rate": 0.7}

Audit = tuple[AuditPlan, dict[Family, FamilyCounts], dict[str, SensitiveFeature]]


def audit(rates: dict[str, float], *, seed: int = 3, size: int = 120, **rule: Any) -> Audit:
    rng, feature = np.random.default_rng(seed), categorical("g", CODES)
    rows: dict[tuple[str, ...], IntArray] = {}
    for code in CODES:
        found, extra = int(rng.binomial(size, rates.get(code, 0.7))), int(rng.binomial(size, 0.1))
        rows[(code,)] = cells(tp=found, fn=size - found, fp=extra, tn=size - extra)
    plan = plan_of([RULE | rule], [feature], verdict={"seed": 11})
    return plan, families_of(plan, [feature], rows)[1], {"g": feature}


def test_says_that_groups_differ_how_much_and_who_stands_out() -> None:
    plan, families, _ = audit({"C3": 0.3, "E5": 0.35})
    found, flagged = between_groups(plan, families)
    assert (found.metric, flagged.metric) == ("true_positive_rate", "false_positive_rate")
    assert (found.groups, found.cases) == (30, 3_600)
    assert found.equality_p == pytest.approx(0.001)
    assert found.spread_low is not None
    assert found.spread_high is not None
    truth = float(np.std([0.3, 0.35, *[0.7] * 28]))
    assert found.spread_low < truth < found.spread_high
    assert found.spread_low > 0.05
    assert [place.group.levels[0].code for place in found.worst[:2]] == ["C3", "E5"]
    assert len(found.worst) == 10
    assert found.worst[0].value < found.worst[0].shrunk < 0.7
    assert flagged.spread_low == 0.0
    assert flagged.equality_p is not None
    assert flagged.equality_p > 0.01


def test_the_share_wrongly_flagged_is_ranked_from_its_own_end() -> None:
    plan, families, _ = audit({})
    _, flagged = between_groups(plan, families)
    rates = [place.shrunk for place in flagged.worst]
    assert rates == sorted(rates, reverse=True)


def test_a_stream_of_its_own_for_every_question() -> None:
    """Whether another rule is asked changes no figure, and the seed does."""
    plan, families, _ = audit({"A0": 0.6})
    more = plan.model_copy(
        update={"every_rule": (*plan.rules, plan.rules[0].model_copy(update={"metric": "accuracy"}))}
    )
    first = {record.metric: record for record in between_groups(plan, families)}
    second = {record.metric: record for record in between_groups(more, families)}
    assert set(second) == {*first, "accuracy"}
    assert all(second[metric] == record for metric, record in first.items())
    other = plan.model_copy(update={"verdict": plan.verdict.model_copy(update={"seed": 12})})
    assert between_groups(other, families) != tuple(first.values())
    assert entropies(other.verdict, families) != entropies(plan.verdict, families)
    assert entropies(plan.verdict, families) == entropies(plan.verdict, families)


def test_small_groups_are_left_out_and_reasons_given() -> None:
    feature = categorical("g", ["a", "b", "c"])
    plan = plan_of([RULE], [feature])
    _, families = families_of(
        plan, [feature], {("a",): cells(tp=9, fn=3, tn=20), ("b",): cells(tp=3, tn=20), ("c",): cells(tn=20)}
    )
    found, flagged = between_groups(plan, families)
    assert (found.groups, found.reason, found.spread, found.equality_p) == (1, "too_few_groups", None, None)
    assert (flagged.groups, flagged.reason, flagged.spread) == (3, "nothing_varies", None)
    (known,) = {record.reason for record in between_groups(plan, families, independent=False)}
    assert known == "weights_or_clusters"
    assert entropies(plan.verdict, families, independent=False) == ()


def test_groups_that_share_rows_are_not_compared() -> None:
    plan, families, _ = audit({})
    shared = {
        family: FamilyCounts(family, counts.groups, counts.cells, counts.everyone - counts.cells[0])
        for family, counts in families.items()
    }
    assert {record.reason for record in between_groups(plan, shared)} == {"shared_rows"}
    assert entropies(plan.verdict, shared) == ()


def test_entropy_adds_up_and_its_part_between_groups_is_chance_where_they_are_alike() -> None:
    plan, families, _ = audit({})
    (alike,) = entropies(plan.verdict, families)
    assert alike.total == pytest.approx(alike.between + alike.within, rel=1e-8)
    assert alike.between > 0.0
    assert alike.between_low == 0.0
    assert alike.between_beyond_chance is not None
    assert alike.between_beyond_chance < alike.between
    assert alike.total_low is not None
    assert alike.total_high is not None
    assert alike.total_low < alike.total < alike.total_high
    plan, families, _ = audit({"A0": 0.0, "B0": 0.1, "C0": 0.1})
    (apart,) = entropies(plan.verdict, families)
    assert apart.between_low is not None
    assert apart.between_low > 0.0


@pytest.mark.parametrize(
    ("rule", "sides"),
    [
        ({}, ("low",)),
        ({"metric": "false_positive_rate", "ratio": None, "margin": 0.15, "expected_rate": 0.3}, ("high",)),
        ({"direction": "both"}, ("low", "high")),
    ],
)
def test_points_are_those_of_real_groups_and_agree_with_their_verdicts(
    rule: dict[str, Any], sides: tuple[str, ...]
) -> None:
    """Sizes differ: each point is a group with its own rest, and its own verdict follows from its limits."""
    feature, rng = categorical("g", CODES), np.random.default_rng(5)
    rows: dict[tuple[str, ...], IntArray] = {}
    for place, code in enumerate(CODES):
        size = 20 + 13 * place
        found = int(rng.binomial(size, 0.35 if place % 7 == 3 else 0.95 if place % 7 == 5 else 0.7))
        rows[(code,)] = cells(tp=found, fn=size - found, fp=size - found, tn=found)
    asked = {key: value for key, value in (RULE | rule).items() if value is not None}
    plan = plan_of([asked], [feature])
    _, families = families_of(plan, [feature], rows)
    _, verdicts, _ = judge(plan, families, {"g": feature})
    drawn = funnels(plan, families, verdicts)
    assert tuple(funnel.side for funnel in drawn) == sides
    label = 0 if asked["metric"] == "true_positive_rate" else 1
    of_size = {int(rows[(verdict.group.levels[0].code,)][0, :2].sum()): verdict for verdict in verdicts}
    outcomes = set()
    for funnel in drawn:
        sizes = [point.cases for point in funnel.points]
        assert sizes == sorted(sizes)
        assert 3 <= len(sizes) <= 12
        sign = 1.0 if funnel.side == "low" else -1.0
        for point in funnel.points:
            verdict = of_size[point.cases]
            rate = rows[(verdict.group.levels[0].code,)][label, 0] / point.cases
            fails = point.fail_rate is not None and sign * (rate - point.fail_rate) <= 1e-9
            passes = point.pass_rate is not None and sign * (rate - point.pass_rate) >= -1e-9
            assert fails == (verdict.outcome == "fail")
            if verdict.outcome == "pass":
                assert passes
            elif verdict.decidable and len(sides) == 1:
                assert not passes
            outcomes.add(verdict.outcome)
    assert {"pass", "fail"} <= outcomes


def test_small_families_and_tests_without_whole_counts_have_no_funnel() -> None:
    plan, families, features = audit({})
    _, verdicts, _ = judge(plan, families, features)
    assert len(funnels(plan, families, verdicts)) == 1
    assert funnels(plan, families, verdicts[:9]) == ()
    weighted = [verdict.model_copy(update={"degrees_of_freedom": 12.0}) for verdict in verdicts]
    assert funnels(plan, families, weighted) == ()


def test_records_are_json_without_a_number_that_is_none() -> None:
    plan, families, features = audit({"C3": 0.3})
    _, verdicts, _ = judge(plan, families, features)
    for record in (
        *between_groups(plan, families),
        *entropies(plan.verdict, families),
        *funnels(plan, families, verdicts),
    ):
        text = record.model_dump_json()
        assert "NaN" not in text
        assert "Infinity" not in text
        assert type(record).model_validate_json(text) == record
        assert json.loads(text)
