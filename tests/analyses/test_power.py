"""What `power` says of groups: levels from the plan, sizes from labels, an answer or a reason for each."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from made.clusters import chance_of_both, highest, over_rows
from made.counts import categorical, cells, families_of, nationality, plan_of

from audit.counting.clusters import ClusterTable
from audit.counting.family_moments import CELLS
from audit.counting.moments import Moments
from audit.planning.power import Answer, Asked, counts_power, planned_cases, share_of_rows
from audit.stats.arrays import IntArray
from audit.stats.boundaries import margin_boundary
from audit.stats.multiplicity import effective_levels, first_effective_levels, first_step_levels, reject_family
from audit.stats.power import Limit
from audit.stats.score_test import exact_p
from audit.verdicts.decidability import rule_decidability
from audit.verdicts.decidable_gaps import FamilyPower, rule_power
from audit.vocabulary.groups import Group, Level
from audit.vocabulary.metrics import METRICS, Cell

RULE = {"metric": "true_positive_rate", "groups": ["sex"], "margin": 0.1}
LOW = margin_boundary("fail", True, "difference", 0.1)
WIDE = Limit(True, "difference", 0.2, 0.8)
"""A limit that few cases decide."""


def of_sizes(sizes: dict[str, int], flagged: float = 0.0, among: str = "", **rule: object) -> FamilyPower:
    """What `power` says of groups of these sizes, or of some `among` them."""
    rows: dict[tuple[str, ...], IntArray] = {
        (name,): cells(tp=round(size * flagged), fn=size - round(size * flagged), tn=3) for name, size in sizes.items()
    }
    feature = categorical("sex", list(sizes))
    plan = plan_of([RULE | rule], [feature])
    _, families = families_of(plan, [feature], rows)
    asked = plan.named_rules[0]
    decidability = rule_decidability(plan, asked, families, {"sex": feature})
    (family,) = rule_power(plan, asked, families, decidability, among=named(among))
    return family


def named(codes: str) -> tuple[Group, ...] | None:
    return tuple(Group((Level("sex", "level", code),)) for code in codes) or None


def test_nothing_that_the_detector_answered_plays_a_part() -> None:
    sizes = {"a": 900, "b": 400, "c": 60, "d": 12}
    assert of_sizes(sizes) == of_sizes(sizes, flagged=0.7)


def test_every_group_has_an_answer_or_a_reason() -> None:
    family = of_sizes({"a": 900, "b": 400, "c": 60, "d": 5, "e": 4, "f": 0})
    shown = {
        group.group.levels[0].code: (group.fails_from[0].reason, group.passes_at[0].reason) for group in family.groups
    }
    assert shown["a"] == shown["b"] == shown["c"] == (None, None)
    assert shown["d"] == ("too_few_cases", None)
    assert shown["e"] == ("too_few_for_a_rate", "too_few_for_a_rate")
    assert shown["f"] == ("no_cases", "no_cases")
    for group in family.groups:
        for side in (*group.fails_from, *group.passes_at):
            assert (side.disparity is None) == (side.reason is not None) == (side.rate is None)


def test_without_margins_the_gaps_are_the_same() -> None:
    rows: dict[tuple[str, ...], IntArray] = {(name,): cells(fn=size, tn=3) for name, size in (("a", 300), ("b", 60))}
    feature = categorical("sex", ["a", "b"])
    plan = plan_of([RULE], [feature])
    _, families = families_of(plan, [feature], rows)
    rule = plan.named_rules[0]
    asked = plan, rule, families, rule_decidability(plan, rule, families, {"sex": feature})
    (every,), (gaps,) = rule_power(*asked), rule_power(*asked, margins=False)
    assert all(group.passes_at for group in every.groups)
    assert gaps.groups == tuple(replace(group, passes_at=()) for group in every.groups)


def test_nobody_to_compare_with_and_a_limit_that_cannot_be_exceeded() -> None:
    (only,) = of_sizes({"a": 900}).groups
    assert only.fails_from[0].reason == only.passes_at[0].reason == "no_rest"
    group, _ = of_sizes({"a": 900, "b": 900}, expected_rate=0.05).groups
    assert group.fails_from[0].reason == "limit_cannot_be_exceeded"
    assert group.passes_at[0].reason is None


def test_a_gap_lies_beyond_the_limit_and_a_pass_agrees_with_who_is_judged_alone() -> None:
    family = of_sizes({"a": 2_500, "b": 300, "c": 60})
    for group in family.groups:
        (fails,), (passes,) = group.fails_from, group.passes_at
        assert fails.disparity is not None
        assert passes.disparity is not None
        assert fails.disparity > 0.1
        assert group.decidable == (passes.disparity <= 0.1)


def test_on_two_sides_each_has_its_own_gap_and_a_pass_needs_more() -> None:
    (one,) = of_sizes({"a": 200, "b": 100}, among="b").groups
    (two,) = of_sizes({"a": 200, "b": 100}, among="b", direction="both").groups
    assert [side.side for side in two.fails_from] == ["low", "high"]
    assert two.fails_from[0].level == pytest.approx((one.fails_from[0].level or 0.0) / 2, rel=0.3)
    assert (two.passes_at[0].disparity or 0.0) > (one.passes_at[0].disparity or 0.0)


def test_a_ratio_is_told_as_a_ratio() -> None:
    (group,) = of_sizes({"a": 5_000, "b": 900}, among="b", margin=None, ratio=0.8).groups
    assert 0.0 < (group.fails_from[0].disparity or 0.0) < 0.8 < (group.passes_at[0].disparity or 0.0) < 1.0
    assert group.fails_from[0].rate == pytest.approx(0.8 * (group.fails_from[0].disparity or 0.0))


def test_precision_is_known_only_after_scoring_and_rungs_are_all_told() -> None:
    codes = ["NGA", "GHA", "FRA", "DEU"]
    rows: dict[tuple[str, ...], IntArray] = {(code,): cells(abstained=(100, 0, 0)) for code in codes}
    feature = nationality(codes)
    rules = [{**RULE, "groups": ["nationality"]}, {**RULE, "groups": ["nationality"], "metric": "precision"}]
    plan = plan_of(rules, [feature])
    table, _ = families_of(plan, [feature], rows)
    report = counts_power(plan, table, [feature])
    assert [len(rule.families) for rule in report.rules] == [2, 0]
    assert report.rules[1].known_only_after_scoring
    # each region here is one sub-region, which stands for it
    assert [len(family.groups) for family in report.rules[0].families] == [4, 2]


@pytest.mark.parametrize("sizes", [(500, 300, 80), (100,) * 25, tuple(range(5, 400, 9))])
def test_the_planned_level_is_that_of_the_first_step(sizes: tuple[int, ...]) -> None:
    """With answers as expected, and one group that points to harm: on average, where groups are set aside by chance."""
    n = np.array(sizes, dtype=np.float64)
    m, rng, place = n.sum() - n, np.random.default_rng(7), n.size // 2
    planned = first_step_levels(n, m, 0.8, LOW, 0.03)[place]
    found = []
    for _ in range(60):
        x = rng.binomial(n.astype(int), 0.8).astype(float)
        x[place] = np.floor(0.5 * n[place])
        y = x.sum() - x
        found.append(reject_family(np.ones(n.size), x, n, y, m, LOW, 0.03).local_level[place])
    assert float(np.mean(found)) == pytest.approx(planned, rel=0.4)
    assert float(np.mean(found)) >= 0.85 * planned


@pytest.mark.parametrize("sizes", [(4_000, 3_000, 3_000, 2_000), (2_500,) * 12])
def test_the_planned_level_of_two_steps_is_that_of_the_first(sizes: tuple[int, ...]) -> None:
    n, rng = np.array(sizes, dtype=np.float64), np.random.default_rng(8)
    m = n.sum() - n
    planned = first_step_levels(n, m, 0.8, LOW, 0.03, "any_dependence")
    assert (planned == planned[0]).all()
    found = []
    for _ in range(20):
        x = rng.binomial(n.astype(int), 0.8).astype(float)
        x[-1] = np.floor(0.5 * n[-1])
        y = x.sum() - x
        found.append(reject_family(np.ones(n.size), x, n, y, m, LOW, 0.03, "any_dependence").local_level[0])
    assert float(np.mean(found)) == pytest.approx(planned[0], rel=0.1)
    assert planned[0] > 0.02


def test_few_groups_share_a_level_and_none_gets_more_than_the_family_has() -> None:
    levels = first_step_levels([500, 300, 80], [380, 580, 800], 0.8, LOW, 0.03)
    assert levels.sum() <= 0.03 + 1e-9
    assert first_step_levels([80], [800], 0.8, LOW, 0.03)[0] <= 0.03
    some = first_step_levels([500, 300, 80, 80], [460, 660, 880, 880], 0.8, LOW, 0.03, groups=np.array([3, 0, 2]))
    assert (
        some.tolist() == first_step_levels([500, 300, 80, 80], [460, 660, 880, 880], 0.8, LOW, 0.03)[[3, 0, 2]].tolist()
    )
    assert first_step_levels([50, 50], [800, 800], 0.8, LOW, 0.03, "any_dependence").tolist() == pytest.approx(
        [0.0135] * 2
    )
    assert first_step_levels([], [], 0.8, LOW, 0.03).size == 0


def test_levels_of_effective_sizes_are_those_before_anything_is_found() -> None:
    width = np.array([0.5, 2.0, 4.0])
    _, local, _ = effective_levels(np.ones_like, width, 0.03)
    np.testing.assert_allclose(first_effective_levels(width, 0.03), local)


@cache
def answers(**asked: object) -> dict[str, Answer]:
    shown = {"limit": Limit(True, "difference", 0.1, 0.8), "groups": 5, **asked}
    return {answer.wanted: answer for answer in planned_cases(Asked(**shown))}  # type: ignore[arg-type]


def test_more_is_asked_of_all_groups_than_of_one() -> None:
    shown = answers(bad_rate=0.4, limit=WIDE)
    one, everyone, gap = shown["one_group_passes"], shown["all_groups_pass"], shown["gap_is_named"]
    assert everyone.group_power == pytest.approx(0.8 ** (1 / 5))
    assert (one.cases or 0) < (everyone.cases or 0)
    assert gap.level == pytest.approx(0.0375 / 5, rel=0.01)
    for answer in shown.values():
        assert (answer.enumerated_power or 0.0) >= answer.group_power
    assert set(answers(groups=1, rest_cases=1_000, limit=WIDE)) == {"one_group_passes"}


def test_no_group_passes_that_is_not_judged_alone() -> None:
    for asked in ({"bad_rate": 0.4}, {"groups": 40}, {"groups": 1, "rest_cases": 800}):
        one = answers(limit=WIDE, **asked)["one_group_passes"]
        assert (one.cases or 0) >= (one.judged_alone_from or 0)


def test_a_rest_that_is_too_small_is_said_to_be() -> None:
    one = answers(rest_cases=40)["one_group_passes"]
    assert (one.cases, one.reason) == (None, "rest_too_small")
    never = answers(limit=Limit(True, "difference", 0.9, 0.8))["one_group_passes"]
    assert never.reason == "limit_cannot_be_exceeded"


def test_a_planned_gap_is_named_by_the_test_itself() -> None:
    """At the number of cases found, what a group at the gap would show is rejected at the level said."""
    gap = answers(bad_rate=0.4, limit=WIDE)["gap_is_named"]
    beyond = margin_boundary("fail", True, "difference", 0.2)
    n, m = gap.cases or 0, 4 * (gap.cases or 0)
    assert float(exact_p(2 * n // 5, n, round(0.8 * m), m, beyond)) <= (gap.level or 0.0)


def test_rows_hold_the_label_that_the_rate_counts() -> None:
    assert share_of_rows(METRICS["true_positive_rate"], 0.01) == 0.01
    assert share_of_rows(METRICS["false_positive_rate"], 0.25) == 0.75
    assert share_of_rows(METRICS["accuracy"], 0.01) == 1.0
    assert share_of_rows(METRICS["precision"], 0.01) is None


def of_clusters(
    sizes: dict[str, tuple[int, int]], weight: float | None = None, among: str = "", **rule: object
) -> FamilyPower:
    """`sizes` says how many clusters each group has, of how many rows; every second row weighs `weight`."""
    group, cluster, weights = [], [], []
    for code, (clusters, rows) in sizes.items():
        for number in range(clusters * rows):
            group.append(code)
            cluster.append(len(group) - 1 - number % rows)
            weights.append(1.0 if weight is None or number % 2 else weight)
    codes = sorted(sizes)
    finest = np.array([codes.index(code) for code in group])
    cell = np.full(len(group), CELLS.index(Cell.UNSCORED_POSITIVE))
    units = np.array(weights)
    table = ClusterTable.of(np.array(cluster), finest, cell, units, units * units)
    feature = categorical("sex", codes)
    clustered = any(rows > 1 for _, rows in sizes.values())
    moments = Moments((feature,), tuple((code,) for code in codes), table, weighted=True, clustered=clustered)
    counts: dict[tuple[str, ...], IntArray] = {
        (code,): cells(abstained=(clusters * rows, 0, 0)) for code, (clusters, rows) in sizes.items()
    }
    plan = plan_of([RULE | rule], [feature])
    _, families = families_of(plan, [feature], counts)
    asked = plan.named_rules[0]
    decidability = rule_decidability(plan, asked, families, {"sex": feature}, moments)
    (family,) = rule_power(plan, asked, families, decidability, moments, among=named(among))
    return family


def test_rows_of_clusters_decide_less_than_as_many_rows_alone() -> None:
    (alone,) = of_clusters({"a": (600, 1), "b": (200, 1)}, among="b").groups
    (alike,) = of_clusters({"a": (60, 10), "b": (20, 10)}, among="b").groups
    assert alone.cases == alike.cases == 200
    assert alone.worth == pytest.approx(200.0, rel=0.01)
    assert alike.worth < 170.0
    for side in ("fails_from", "passes_at"):
        (one,), (other,) = getattr(alone, side), getattr(alike, side)
        assert one.disparity < other.disparity


def test_weights_that_differ_decide_less_and_equal_ones_change_nothing() -> None:
    sizes = {"a": (1_000, 1), "b": (200, 1)}
    plain, equal, unlike = (of_clusters(sizes, weight, among="b") for weight in (None, 1.0, 9.0))
    assert plain == equal
    assert not unlike.exact
    assert unlike.groups[0].worth < 133.0


def test_few_clusters_decide_nothing_and_somewhat_more_only_wide_limits() -> None:
    few, more = of_clusters({"a": (200, 10), "b": (9, 30), "c": (12, 200)}, among="bc", expected_rate=0.95).groups
    assert few.fails_from[0].reason == few.passes_at[0].reason == "too_few_clusters"
    assert few.required is None
    # twelve clusters of 200 cases beside 209 that are worth 183 of one size, expected to be alike by .05
    size, rest = 2_400, ((200 * 10 + 9 * 30) ** 2 / (200 * 10**2 + 9 * 30**2), 0.05)

    def chance(times: float, margin: float) -> float:
        seen = highest(0.05, (0.95 / size + 0.05 / 12) / times)
        edge = 0.05 + margin
        noise = math.sqrt(edge * (1 - edge) / (size * times) + 0.05 * 0.95 / (200 * 10 + 9 * 30))
        return over_rows(
            lambda moved: (
                chance_of_both(
                    (12 * times, 0.05), rest, seen + moved, 0.05, lambda r: r + margin, max(seen + moved - margin, 0.0)
                )
                if seen + moved < edge
                else 1.0
            ),
            noise,
        )

    assert more.required is not None
    assert chance(more.required / size, 0.1) <= 0.05 < chance((more.required - 1) / size, 0.1)
    named = more.passes_at[0].disparity
    assert named is not None
    assert chance(1.0, named) == pytest.approx(0.05, abs=1e-6)
    # even without a single miss, twelve good clusters are too easily drawn of a group of which one in five is bad
    assert named > 0.95 - 0.05 ** (1 / 12)
    assert more.fails_from[0].disparity is not None
