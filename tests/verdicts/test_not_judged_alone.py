"""What stands beside a PASS: who was not judged alone, and the smallest gap that would have been named there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from made.counts import categorical, cells, families_of, group, nationality, plan_of

from audit.result.findings.further import NotJudgedAlone
from audit.stats.arrays import IntArray
from audit.verdicts.decidability import plan_decidability
from audit.verdicts.decidable_gaps import not_judged_alone, rule_power
from audit.verdicts.judge import judge
from audit.vocabulary.groups import SensitiveFeature

TPR = {"metric": "true_positive_rate", "margin": 0.1, "groups": ["sex"], "expected_rate": 0.8}
SEXES = ("a", "b", "c", "d")


def beside_passes(
    rows: Mapping[tuple[str, ...], IntArray], features: Sequence[SensitiveFeature], rules: Sequence[Mapping[str, Any]]
) -> tuple[NotJudgedAlone, ...]:
    plan = plan_of(rules, features)
    _, families = families_of(plan, features, rows)
    by_name = {feature.name: feature for feature in features}
    decided = plan_decidability(plan, families, by_name)
    return not_judged_alone(plan, judge(plan, families, by_name, decided=decided)[0], families, decided)


def sexes(small: tuple[int, int] = (32, 8)) -> dict[tuple[str, ...], IntArray]:
    return {("a",): cells(1600, 400), ("b",): cells(1600, 400), ("c",): cells(*small), ("d",): cells(2, 1)}


@pytest.mark.parametrize("rule", [TPR, {**TPR, "margin": None, "ratio": 0.8}, {**TPR, "direction": "both"}])
def test_it_is_the_smallest_gap_that_power_names_in_a_group_not_judged_alone(rule: dict[str, Any]) -> None:
    """The other answer is that of `audit7k power`: group by group, over all groups of the set."""
    rule = {name: value for name, value in rule.items() if value is not None}
    (found,) = beside_passes(sexes(), [categorical("sex", SEXES)], [rule])
    assert (found.groups, found.as_part, found.cases) == (2, 0, 43)
    assert found.share == pytest.approx(43 / 4043)
    assert found.gap_in == group(sex="c")
    plan, features = plan_of([rule], [categorical("sex", SEXES)]), {"sex": categorical("sex", SEXES)}
    _, families = families_of(plan, [categorical("sex", SEXES)], sexes())
    decided = plan_decidability(plan, families, features)["true_positive_rate"]
    (power,) = rule_power(plan, plan.named_rules[0], families, decided, margins=False)
    (small,) = [one for one in power.groups if one.group == group(sex="c")]
    gaps = [side.disparity for side in small.fails_from if side.disparity is not None]
    assert found.gap == (min(gaps) if "ratio" in rule else max(gaps))


def test_that_gap_is_named_with_the_power_of_the_plan_and_the_rule_passes_where_it_is_not() -> None:
    """Simulated: 100 audits in which the small group has just that gap. Binomial error of the share: 4 points."""
    rows: dict[tuple[str, ...], IntArray] = {
        ("a",): cells(320, 80),
        ("b",): cells(320, 80),
        ("c",): cells(64, 16),
        ("d",): cells(2, 1),
    }
    (found,) = beside_passes(rows, [categorical("sex", SEXES)], [TPR])
    assert found.gap is not None
    rng, features = np.random.default_rng(7), [categorical("sex", SEXES)]
    plan, named, passed, runs = plan_of([TPR], features), 0, 0, 100
    for _ in range(runs):
        hit = rng.binomial(80, 0.8 - found.gap)
        drawn: dict[tuple[str, ...], IntArray] = {("c",): cells(int(hit), int(80 - hit)), ("d",): cells(2, 1)}
        for code in ("a", "b"):
            others = int(rng.binomial(400, 0.8))
            drawn[code,] = cells(others, 400 - others)
        _, families = families_of(plan, features, drawn)
        rules, verdicts, _ = judge(plan, families, {"sex": features[0]})
        named += any(one.outcome == "fail" and one.group == group(sex="c") for one in verdicts)
        passed += rules[0].outcome == "pass"
    assert 0.70 <= named / runs <= 0.92
    assert passed > 0


def test_nothing_is_said_where_everybody_is_judged_alone_or_the_rule_does_not_pass() -> None:
    features = [categorical("sex", SEXES)]
    assert beside_passes({("a",): cells(1600, 400), ("b",): cells(1600, 400)}, features, [TPR]) == ()
    assert beside_passes(sexes(small=(20, 60)), features, [TPR]) == ()  # it fails


def test_people_of_a_ladder_are_counted_on_its_finest_rung() -> None:
    rows: dict[tuple[str, ...], IntArray] = {
        ("NGA",): cells(1600, 400),
        ("FRA",): cells(1600, 400),
        ("MLI",): cells(40, 10),
    }
    rule = {**TPR, "groups": ["nationality"]}
    (found,) = beside_passes(rows, [nationality(["NGA", "FRA", "MLI"])], [rule])
    assert [axis.rung for axis in found.family.axes] == ["country"]
    assert (found.groups, found.as_part, found.cases) == (1, 1, 50)


def test_the_largest_groups_have_the_smallest_gap_of_all() -> None:
    """Beside the six that are looked at, none of 24 others would be named with a smaller one."""
    codes = ["a", "b", *(f"g{size:02}" for size in range(21, 51))]
    features = [categorical("sex", codes)]
    rows: dict[tuple[str, ...], IntArray] = {("a",): cells(3200, 800), ("b",): cells(3200, 800)}
    for size in range(21, 51):
        rows[f"g{size:02}",] = cells(size - size // 5, size // 5)
    plan = plan_of([TPR], features)
    _, families = families_of(plan, features, rows)
    decided = plan_decidability(plan, families, {"sex": features[0]})["true_positive_rate"]
    (power,) = rule_power(plan, plan.named_rules[0], families, decided, margins=False)
    gaps = [one.fails_from[0].disparity for one in power.groups if not one.decidable]
    assert len(gaps) == 30
    (found,) = beside_passes(rows, features, [TPR])
    assert found.gap == min(gap for gap in gaps if gap is not None)
