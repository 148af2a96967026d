"""Who is judged alone, so that all together can pass, and the chance of a pass that planning says."""

from __future__ import annotations

from typing import Any

import numpy as np
from made.counts import WORST, categorical, cells, families_of, nationality, plan_of

from audit.counting.table import CountsTable
from audit.plan.audit_plan import AuditPlan
from audit.plan.sections import SensitivitySection
from audit.stats.arrays import IntArray
from audit.verdicts.chance_of_pass import chance_of_pass, planned_pass
from audit.verdicts.decidability import plan_decidability, planned_chance, rule_decidability
from audit.vocabulary.groups import SensitiveFeature
from tools.simulate.planning import Ladder, ladder_audits

TPR: dict[str, Any] = {"metric": "true_positive_rate", "margin": 0.1, "groups": ["sex"], "expected_rate": 0.8}


def unscored(size: int) -> IntArray:
    return cells(abstained=(size, 0, 0))


def made(sizes: dict[str, int], rule: dict[str, Any] = TPR) -> tuple[AuditPlan, CountsTable, list[SensitiveFeature]]:
    features = [categorical("sex", list(sizes))]
    table = CountsTable.of(("sex",), {(name,): unscored(size) for name, size in sizes.items()})
    return plan_of([rule], features), table, features


def decided(plan: AuditPlan, table: CountsTable, features: list[SensitiveFeature]) -> dict[str, Any]:
    rows = dict(zip(table.codes, table.cells, strict=True))
    _, families = families_of(plan, features, rows)
    by_name = {feature.name: feature for feature in features}
    return {
        "jointly": plan_decidability(plan, families, by_name),
        "each": rule_decidability(plan, plan.named_rules[0], families, by_name),
    }


SIZES = {f"g{size:04}": size for size in range(100, 700, 12)} | {"large": 20_000}


def test_the_smallest_groups_go_until_all_that_are_left_pass_together() -> None:
    plan, table, features = made(SIZES)
    both = decided(plan, table, features)
    (family,) = both["jointly"]["true_positive_rate"].families
    (alone,) = both["each"].families
    chance = planned_chance(both["jointly"].values())
    assert planned_chance([both["each"]]) < 0.4 < 0.8 <= chance
    left_out = alone.decidable & ~family.decidable
    assert 0 < left_out.sum() < family.decidable.sum()
    assert family.miss[left_out].min() > family.miss[family.decidable].max()
    assert chance * (1.0 - family.miss[left_out].min()) < 0.8, "one more group would be one too many"
    assert np.all(family.required[left_out] > family.cases[left_out])
    assert np.all(family.required[family.decidable] <= family.cases[family.decidable])


def test_coverage_is_not_taken_below_what_a_pass_needs() -> None:
    plan, table, features = made({f"g{number:02}": 180 for number in range(30)})
    rule = decided(plan, table, features)["jointly"]["true_positive_rate"]
    assert rule.lowest_coverage == 1.0
    assert planned_chance([rule]) < 0.5


def test_a_rule_that_nobody_could_pass_takes_nobody_from_the_others() -> None:
    """Of one rule too few people are covered; the other is planned as if it stood alone."""
    wide, narrow = TPR | {"id": "wide"}, TPR | {"id": "narrow", "margin": 0.02}
    plan, table, features = made(SIZES, wide)
    both = plan_of([wide, narrow], features)
    _, families = families_of(both, features, dict(zip(table.codes, table.cells, strict=True)))
    jointly = plan_decidability(both, families, {feature.name: feature for feature in features})
    assert (jointly["narrow"].lowest_coverage or 0.0) < 0.8
    alone = decided(plan, table, features)["jointly"]["wide"]
    assert [of.decidable.tolist() for of in jointly["wide"].families] == [
        of.decidable.tolist() for of in alone.families
    ]


def test_a_number_in_the_plan_is_taken_at_its_word() -> None:
    plan, table, features = made(SIZES)
    by_number = plan_of([TPR], features, groups={"sex": {"min_cases": 150}})
    both = decided(by_number, table, features)
    (family,) = both["jointly"]["true_positive_rate"].families
    assert family.decidable.tolist() == (family.cases >= 150).tolist()
    assert plan.verdict.power == by_number.verdict.power


def test_a_group_that_no_number_of_cases_would_help_stays_and_says_so() -> None:
    plan, table, features = made({"a": 400, "b": 9_000, "c": 9_000, "unknown": 900})
    plan = plan.model_copy(update={"sensitivity": SensitivitySection(**WORST)})
    (family,) = decided(plan, table, features)["jointly"]["true_positive_rate"].families
    assert family.beyond_help.tolist() == [True, False, False, False]
    assert family.decidable.tolist() == [True, True, True, True]


def test_no_answer_has_a_say() -> None:
    plan, table, features = made(SIZES)
    scored = CountsTable.of(
        ("sex",), {(name,): cells(tp=size // 3, fn=size - size // 3) for name, size in SIZES.items()}
    )
    (first,), (second,) = (
        decided(plan, each, features)["jointly"]["true_positive_rate"].families for each in (table, scored)
    )
    assert first.decidable.tolist() == second.decidable.tolist()
    assert chance_of_pass(plan, table, features) == chance_of_pass(plan, scored, features)


def test_what_would_raise_the_chance_most_is_named() -> None:
    plan, table, features = made({f"g{number:02}": 180 for number in range(30)})
    found = planned_pass(plan, table, features)
    assert found is not None
    assert found.chance < 0.5
    assert found.remedy == "wider_limit"
    assert found.with_remedy is not None
    assert found.with_remedy > found.chance + 0.05
    assert found.coverage == 1.0
    assert found.out_of_reach is None
    assert len(found.least_sure) == 3
    assert all(0.5 < one.chance < 0.95 for one in found.least_sure)
    plan, table, features = made({"a": 900, "b": 9_000})
    enough = planned_pass(plan, table, features)
    assert enough is not None
    assert (enough.chance >= 0.8, enough.remedy, enough.least_sure) == (True, None, ())


def test_the_groups_that_miss_a_pass_most_easily_are_named_first() -> None:
    plan, table, features = made({f"g{number:02}": 190 for number in range(30)} | {"e": 185, "c": 180, "f": 175})
    found = planned_pass(plan, table, features)
    assert found is not None
    # coverage does without f, the smallest
    assert [one.group.levels[0].code for one in found.least_sure][:2] == ["e", "c"]
    assert [one.chance for one in found.least_sure] == sorted(one.chance for one in found.least_sure)


def test_why_no_pass_is_within_reach_is_said() -> None:
    place = nationality(["NGA", "FRA", "GHA"])
    plan = plan_of([TPR | {"groups": ["nationality"]}], [place])

    def reason(nigeria: int, france: int, expected: tuple[str, ...] = ()) -> str | None:
        rows: dict[tuple[str, ...], IntArray] = {("NGA",): unscored(nigeria), ("FRA",): unscored(france)}
        features = [place.model_copy(update={"expected": expected})]
        found = planned_pass(plan, CountsTable.of(("nationality",), rows), features)
        assert found is not None
        return found.out_of_reach

    assert reason(2_000, 2_000) is None
    assert reason(20, 20) == "nothing_judged"
    assert reason(2_000, 2_000, ("NGA", "GHA")) == "expected_group_missing"


def test_where_people_are_unknown_finding_them_out_is_what_helps() -> None:
    sizes = ("a", 400), ("b", 9_000), ("c", 9_000), ("unknown", 900)
    rows: dict[tuple[str, ...], IntArray] = {(name,): unscored(size) for name, size in sizes}
    features = [categorical("sex", ["a", "b", "c", "unknown"])]
    plan = plan_of([TPR], features).model_copy(update={"sensitivity": SensitivitySection(**WORST)})
    found = planned_pass(plan, CountsTable.of(("sex",), rows), features)
    assert found is not None
    assert (found.chance, found.remedy) == (0.0, "nobody_unknown")


def test_nothing_is_said_where_no_denominator_is_known_from_labels() -> None:
    plan, table, features = made({"a": 400, "b": 4_000}, TPR | {"metric": "precision"})
    assert planned_pass(plan, table, features) is None


def test_no_pass_is_within_reach_where_nobody_could_be_judged() -> None:
    place = nationality(["NGA", "FRA"])
    plan = plan_of([TPR | {"groups": ["nationality"]}], [place])
    table = CountsTable.of(("nationality",), {("NGA",): unscored(20), ("FRA",): unscored(20)})
    assert chance_of_pass(plan, table, [place]) == 0.0


def test_the_chance_said_before_is_that_of_real_audits() -> None:
    """A slice of `tools.simulate --only joint_planning`: within three standard errors of 16 audits, and five points."""
    promised, coverage, _, outcomes = ladder_audits(Ladder(17, 20_000, 0.1, 0.03), 16, np.random.default_rng(5))
    passed = outcomes.count("pass") / 16
    assert coverage >= 0.8
    # planned at 80 %; for groups that stay for coverage nobody makes up
    assert promised >= 0.75
    assert outcomes.count("fail") <= 1
    assert abs(passed - promised) <= 0.05 + 3 * np.sqrt(promised * (1 - promised) / 16)
