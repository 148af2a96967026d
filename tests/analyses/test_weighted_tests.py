"""Verdicts, rates and comparisons of weighted and clustered sets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made.clusters import chance_of_both, highest, over_rows
from made.counts import WORST
from made.weighted_rows import Made, drawn

from audit.analyses.disparities import disparities
from audit.analyses.estimates import estimates
from audit.analyses.missing_attributes import NOTHING, Supposed, member_places
from audit.analyses.sides import questions
from audit.analyses.weighted_rates import Moves, weighted_comparison
from audit.counting.family_moments import CELLS
from audit.counting.table import everyone_as_family
from audit.plan.sections import SensitivitySection
from audit.stats.arrays import IntArray
from audit.stats.effective_test import effective_test
from audit.vocabulary.metrics import METRICS, Cell


@pytest.mark.parametrize("weights", ["all alike", "alike within each group"])
def test_weights_that_change_no_rate_change_no_verdict(weights: str) -> None:
    group, cell = drawn({"a": 0.5, "b": 0.8}, 150)
    weight = np.full(300, 3.0) if weights == "all alike" else np.where(np.array(group) == "a", 2.0, 5.0)
    made = Made(group, cell, weight=weight)
    plan = made.plan({"margin": 0.1})
    assert made.judged(plan) == made.judged(plan, alone=True)
    assert made.judged(plan)[1]["a"].outcome == "fail"
    shown = list(made.families(plan).values())
    plain = estimates(shown, METRICS.values(), level=0.95, min_denominator=5)
    weighted = estimates(shown, METRICS.values(), level=0.95, min_denominator=5, moments=made.moments())
    for one, other in zip(weighted, plain, strict=True):
        assert (one.value, one.low, one.exact_high) == (other.value, other.low, other.exact_high)
        assert one.effective_cases is None
    assert disparities(plan.groups, plan.verdict, shown, METRICS.values(), made.moments()) == disparities(
        plan.groups, plan.verdict, shown, METRICS.values()
    )


def test_a_group_that_drew_no_heavy_row_by_chance_is_not_surer_for_it() -> None:
    """Its weights are all alike, as if by design; those within the other groups say how uneven they can be."""
    rng = np.random.default_rng(5)
    group = ["a"] * 60 + ["b"] * 3_000
    heavy = np.concatenate([np.zeros(60, dtype=bool), rng.random(3_000) < 0.05])
    cell = [Cell.FN if bad or rng.random() < 0.02 else Cell.TP for bad in heavy]
    made = Made(group, cell, weight=np.where(heavy, 8.0, 1.0))
    plan = made.plan({"margin": 0.1})
    family = next(iter(made.families(plan).values()))
    (question,) = questions(plan.audit.route, plan.rules[0])
    seen = weighted_comparison(made.moments().of(family), family, question, "worst")
    assert seen.group.q[0] == pytest.approx(1 / 60)
    assert np.broadcast_to(seen.least_q, 2)[0] > 1.5 / 60
    as_drawn, as_sure = (effective_test(one, question.within, 0.05).p[0] for one in (seen, replace(seen, least_q=0.0)))
    assert as_drawn > 10 * as_sure


def test_few_clusters_are_not_the_reason_where_the_limit_is() -> None:
    group, cell = drawn({"a": 1.0, "b": 1.0}, 2_000)
    made = Made(group, cell, np.repeat(np.arange(2_000), 2))
    found = made.judged(made.plan({"metric": "false_negative_rate", "ratio": 0.8}))[1]["a"]
    assert (found.outcome, found.because) == ("inconclusive", "limit_not_excluded")


def test_cases_from_enough_clusters_are_asked_for() -> None:
    group, cell = drawn({"a": 0.9, "b": 0.9}, 600)
    cluster = np.concatenate([np.arange(600) // 50, 100 + np.arange(600) // 2])
    made = Made(group, cell, cluster)
    plan = made.plan({"margin": 0.05, "expected_rate": 0.9})
    found = made.judged(plan)[1]["a"]
    assert (found.outcome, found.because) == ("inconclusive", "too_few_clusters")
    # 19 clusters of 50 cases would do if none was counted, but one case in ten is, and beside 300 pairs it takes more

    def chance(cases: int) -> float:
        seen = highest(0.1, 0.95 / cases + 0.05 / (cases / 50))
        noise = math.sqrt(0.15 * 0.85 / cases + 0.1 * 0.9 / 600)

        def moved(by: float) -> float:
            lowest = max(seen + by - 0.05, 0.0)
            sides = (cases / 50, 0.05), (300.0, 0.05)
            return 1.0 if seen + by >= 0.15 else chance_of_both(*sides, seen + by, 0.1, lambda r: r + 0.05, lowest)

        return over_rows(moved, noise)

    assert found.cases_required is not None
    assert chance(found.cases_required) <= 0.05 < chance(found.cases_required - 1)
    assert found.cases_required > np.log(0.05) / np.log(0.85) * 50


def test_rows_said_ten_times_are_no_more_evidence() -> None:
    group, cell = drawn({"a": 0.5, "b": 0.8, "c": 0.8}, 30, seed=3)
    repeated = Made(
        [g for g in group for _ in range(10)], [c for c in cell for _ in range(10)], np.repeat(np.arange(90), 10)
    )
    plan = repeated.plan({"margin": 0.1})
    assert repeated.judged(plan, alone=True)[1]["a"].outcome == "fail"
    _, verdicts = repeated.judged(plan)
    assert verdicts["a"].outcome == "inconclusive"
    assert verdicts["a"].degrees_of_freedom == pytest.approx(29.0)
    shown = list(repeated.families(plan).values())
    rows = estimates(shown, METRICS.values(), level=0.95, min_denominator=5, moments=repeated.moments())
    found = {row.group.levels[0].code: row for row in rows if row.metric == "true_positive_rate"}
    effective = found["a"].effective_cases
    assert effective is not None
    assert 25 < effective < 35
    assert found["a"].weighted_denominator is None


def test_two_clusters_neither_pass_nor_fail_however_glaring() -> None:
    group = ["a"] * 200 + ["b"] * 2000
    cell = [Cell.FN] * 200 + drawn({"b": 0.8}, 2000)[1]
    cluster = np.concatenate([np.arange(200) % 2, 2 + np.arange(2000) % 400])
    made = Made(group, cell, cluster)
    rule, verdicts = made.judged(made.plan({"margin": 0.1}))
    assert (verdicts["a"].outcome, verdicts["a"].because) == ("inconclusive", "too_few_clusters")
    assert verdicts["a"].cases_needed is None
    assert rule.outcome == "inconclusive"
    equal = Made(group, drawn({"a": 0.8}, 200)[1] + cell[200:], cluster)
    assert equal.judged(equal.plan({"margin": 0.3}))[1]["a"].because == "too_few_clusters"


def clustered(rates: Mapping[str, float], clusters: int, seed: int) -> tuple[list[str], list[Cell], IntArray]:
    rng = np.random.default_rng(seed)
    group, cell, cluster = [], [], []
    for place, (code, rate) in enumerate(rates.items()):
        for k in range(clusters):
            own = rng.beta(rate * 9, (1 - rate) * 9)
            for _ in range(10):
                group.append(code)
                cell.append(Cell.TP if rng.random() < own else Cell.FN)
                cluster.append(place * clusters + k)
    return group, cell, np.array(cluster)


def test_clear_cases_are_decided() -> None:
    made = Made(*clustered({"a": 0.4, "b": 0.8, "c": 0.8, "d": 0.8}, 60, 2))
    rule, verdicts = made.judged(made.plan({"margin": 0.2}))
    assert {code: verdict.outcome for code, verdict in verdicts.items()} == {
        "a": "fail",
        "b": "pass",
        "c": "pass",
        "d": "pass",
    }
    assert rule.outcome == "fail"
    assert rule.families[0].procedure == "weights_only"
    levels = [verdict.level_fail for verdict in verdicts.values() if verdict.level_fail is not None]
    assert max(levels) <= rule.families[0].level


@pytest.mark.parametrize(("instead", "because"), [(Cell.UNSCORED_POSITIVE, "unscored_cases")])
def test_a_pass_holds_whatever_unscored_cases_would_have_been(instead: Cell, because: str) -> None:
    group, cell, cluster = clustered({"a": 0.8, "b": 0.8, "c": 0.8}, 60, 5)
    made = Made(group, cell, cluster)
    assert made.judged(made.plan({"margin": 0.2}))[1]["a"].outcome == "pass"
    rng = np.random.default_rng(1)
    lost = [instead if g == "a" and rng.random() < 0.25 else c for g, c in zip(group, cell, strict=True)]
    verdict = Made(group, lost, cluster).judged(made.plan({"margin": 0.2}))[1]["a"]
    assert (verdict.outcome, verdict.because) == ("inconclusive", because)


def test_a_pass_holds_wherever_people_of_unknown_group_belong() -> None:
    group, cell, cluster = clustered({"a": 0.8, "b": 0.8, "unknown": 0.4}, 60, 6)
    made = Made(group, cell, cluster)
    nothing = {"sensitivity": SensitivitySection(**WORST)}
    open_to_all = made.judged(made.plan({"margin": 0.25}).model_copy(update=nothing))[1]["a"]
    assert (open_to_all.outcome, open_to_all.because) == ("inconclusive", "unknown_attribute")
    plan = made.plan({"margin": 0.25})
    vouched = plan.model_copy(update={"sensitivity": plan.sensitivity.model_copy(update={"max_missing_share": 0.0})})
    assert made.judged(vouched)[1]["a"].outcome == "pass"


@pytest.mark.parametrize("spanning", [True, False, None])
@pytest.mark.parametrize("direction", ["low", "high"])
@pytest.mark.parametrize("along", [0.0, 1.0])
def test_moving_possible_members_bounds_what_moving_their_rows_does(
    spanning: bool | None, direction: str, along: float
) -> None:
    """Rows relabelled one by one, against the bound from sums: rates are the same, and no variance is smaller."""
    rng = np.random.default_rng(8)
    n = 900
    group = np.array(["a", "b", "unknown"])[rng.integers(0, 3, n)]
    if not spanning:
        cluster = np.array([{"a": 0, "b": 40, "unknown": 80}[code] for code in group]) + rng.integers(0, 40, n)
    else:
        cluster = rng.integers(0, 80, n)
    u = rng.beta(3, 2, 200)
    cell = [Cell.TP if rng.random() < u[k] else Cell.FN for k in cluster]
    weight = rng.lognormal(0, 0.5, n)
    made = Made(list(group), cell, None if spanning is None else cluster, weight)
    metric = "true_positive_rate" if direction == "low" else "false_negative_rate"
    plan = made.plan({"metric": metric, "margin": 0.1})
    family = next(iter(made.families(plan).values()))
    (question,) = questions(plan.audit.route, plan.rules[0])
    of = made.moments().of(family)
    worst = weighted_comparison(of, family, question, "worst")
    moves = Moves.of_question(of, family, question, worst)
    assert member_places(family).unknown == [[2], [2], []]
    moved = moves.moved(np.arange(2), moves.members.speaking[0, :2], along * moves.members.otherwise[0, :2])
    # in either direction a missed victim speaks against the group
    move = (Cell.FN, Cell.TP) if along else (Cell.FN,)
    relabelled = [("a" if g == "unknown" and c in move else g) for g, c in zip(group, cell, strict=True)]
    truth = Made(relabelled, cell, made.cluster, weight)
    true_family = next(iter(truth.families(plan).values()))
    exact = weighted_comparison(truth.moments().of(true_family), true_family, question, "scored")
    assert moved.group.rate[0] == pytest.approx(exact.group.rate[0])
    assert moved.rest.rate[0] == pytest.approx(exact.rest.rate[0])
    for bounded, true in ((moved.group, exact.group), (moved.rest, exact.rest)):
        for name in ("residual", "q", "bb"):
            assert getattr(bounded, name)[0] >= getattr(true, name)[0] * (1 - 1e-9), name


def with_unknown(seed: int, missed: float, clusters: Mapping[str, int], rows: Mapping[str, int]) -> Made:
    """Clusters of people of `a`, `b` and unknown group; of the last one in fifty is missed."""
    rng = np.random.default_rng(seed)
    group: list[str] = []
    cell: list[Cell] = []
    cluster: list[int] = []
    for code, number in clusters.items():
        rate = 0.02 if code == "unknown" else missed
        for _ in range(number):
            found, own = rng.beta((1.0 - rate) * 30, rate * 30), len(set(cluster))
            for _ in range(rows[code]):
                group.append(code)
                cell.append(Cell.TP if rng.random() < found else Cell.FN)
                cluster.append(own)
    return Made(group, cell, np.array(cluster))


def test_a_pass_holds_between_the_odds_too() -> None:
    """It holds as recorded, at odds of 1, 2, 4 ... 64 and at the very end, with as many people or fewer: not between.

    People who are not harmed come in clusters of their own, and the group's rate rests on fewer clusters.
    """
    made = with_unknown(310, 0.3, {"a": 60, "b": 200, "unknown": 30}, {"a": 3, "b": 5, "unknown": 10})
    plan = made.plan({"margin": 0.2}).model_copy(update={"sensitivity": SensitivitySection(**WORST)})
    family = next(iter(made.families(plan).values()))
    of, (question,) = made.moments().of(family), questions(plan.audit.route, plan.rules[0])
    moves = Moves.of_question(of, family, question, weighted_comparison(of, family, question, "worst"))
    harmed, others = moves.members.speaking[0, 0], moves.members.otherwise[0, 0]
    tried = [(harmed, min(others, others / odds)) for odds in (1, 2, 4, 8, 16, 32, 64)]
    tried += [(harmed * part, 0.0) for part in (0.25, 0.5, 0.75, 1.0)]
    at = np.array(tried).T
    assert moves.moved(np.zeros(len(tried), dtype=np.int64), *at).test(question.within, 0.05).p.max() < 0.05
    assert moves.largest_p(NOTHING, np.array([True, False, False]), question.within, 0.05)[0] > 0.05
    found = made.judged(plan)[1]["a"]
    assert (found.outcome, found.because) == ("inconclusive", "unknown_attribute")


@settings(max_examples=6)
@given(
    seed=st.integers(0, 10**6),
    unknown=st.sampled_from([(2, 10), (10, 5), (30, 1)]),
    odds=st.sampled_from([2.0, 10.0, 64.0, 100.0, 1000.0, None]),
    share=st.sampled_from([2.0, None]),
)
def test_a_pass_holds_wherever_people_move_as_is_supposed(
    seed: int, unknown: tuple[int, int], odds: float | None, share: float | None
) -> None:
    made = with_unknown(seed, 0.2, {"a": 40, "b": 60, "unknown": unknown[0]}, {"a": 5, "b": 5, "unknown": unknown[1]})
    supposed, only = Supposed(share, odds, None), np.array([True, False, False])
    for margin in (0.12, 0.16, 0.2, 0.25, 0.3):
        plan = made.plan({"margin": margin})
        family = next(iter(made.families(plan).values()))
        of, (question,) = made.moments().of(family), questions(plan.audit.route, plan.rules[0])
        moves = Moves.of_question(of, family, question, weighted_comparison(of, family, question, "worst"))
        if moves.largest_p(supposed, only, question.within, 0.05)[0] <= 0.05:
            break
    else:
        return
    harmed, others, there = moves.members.speaking[0, 0], moves.members.otherwise[0, 0], moves.members.there[0]
    most = moves.members.places.most(moves.members.known, supposed)[0]
    h, o = np.random.default_rng(seed).random((2, 400)) ** 2 * np.array([[harmed], [others]])
    allowed = h + o <= most
    if odds is not None:
        allowed &= h * (there - harmed) <= odds * harmed * o
    some = np.zeros(int(allowed.sum()), dtype=np.int64)
    assert (moves.moved(some, h[allowed], o[allowed]).test(question.within, 0.05).p <= 0.05).all()


def test_estimates_are_hajeks_and_everyone_is_one_family() -> None:
    rng = np.random.default_rng(2)
    group, cell = drawn({"a": 0.5, "b": 0.8}, 200, seed=2)
    weight = np.round(rng.lognormal(0, 0.5, 400) * 64)
    made = Made(group, cell, weight=weight)
    plan = made.plan({"margin": 0.1})
    shown = [everyone_as_family(made.counts), *made.families(plan).values()]
    rows = [row for row in estimates(shown, METRICS.values(), level=0.95, min_denominator=5, moments=made.moments())
            if row.metric == "true_positive_rate"]  # fmt: skip
    hit = np.array([one is Cell.TP for one in cell])
    for row, inside in zip(
        rows, (np.ones(400, dtype=bool), np.array(group) == "a", np.array(group) == "b"), strict=True
    ):
        w = weight[inside]
        assert row.value == pytest.approx((w * hit[inside]).sum() / w.sum(), rel=1e-9)
        assert row.weighted_denominator == pytest.approx(w.sum())
        assert row.effective_cases is not None
        assert row.effective_cases <= w.sum() ** 2 / (w**2).sum() + 1e-6
        assert row.low is not None
        assert row.high is not None
        assert row.value is not None
        assert row.low < row.value < row.high
        assert (row.numerator, row.denominator) == (int(hit[inside].sum()), int(inside.sum()))


def test_comparisons_are_of_weighted_rates_and_narrower_where_clusters_are_shared() -> None:
    rng = np.random.default_rng(3)
    n = 1200
    group = np.array(["a", "b"])[rng.integers(0, 2, n)]
    cluster = rng.integers(0, 60, n)
    u = rng.beta(1, 1, 60)
    cell = [Cell.TP if rng.random() < u[k] else Cell.FN for k in cluster]
    apart = np.where(group == "a", cluster, cluster + 60)
    verdict = {"compare_with": ["rest", "overall", "reference"]}
    widths = {}
    for name, names in (("shared", cluster), ("apart", apart)):
        made = Made(list(group), cell, names)
        plan = made.plan({"margin": 0.1}, verdict=verdict)
        rows = [
            row
            for row in disparities(
                plan.groups, plan.verdict, list(made.families(plan).values()), METRICS.values(), made.moments()
            )
            if row.metric == "true_positive_rate" and row.group.levels[0].code == "a"
        ]
        rest, overall, reference = rows
        assert rest.difference == pytest.approx(reference.difference)
        assert rest.difference_low == pytest.approx(reference.difference_low, rel=1e-6)
        assert rest.ratio_high == pytest.approx(reference.ratio_high, rel=1e-6)
        assert rest.difference_low is not None
        assert rest.difference_high is not None
        assert overall.difference_low is not None
        assert abs(overall.difference_low) < abs(rest.difference_low)
        widths[name] = rest.difference_high - rest.difference_low
    assert widths["shared"] < 0.7 * widths["apart"]


def test_every_metric_has_its_moments() -> None:
    """Every question of every metric can be asked, unscored and unlabelled cases included."""
    rng = np.random.default_rng(7)
    n = 3000
    group = np.array(["a", "b", "unknown"])[rng.integers(0, 3, n)]
    cell = [CELLS[place] for place in rng.integers(0, 9, n)]
    made = Made(list(group), cell, rng.integers(0, 200, n))
    for metric in METRICS:
        if metric == "base_rate":
            continue
        for direction in ("worse", "both"):
            plan = made.plan({"metric": metric, "margin": 0.1, "direction": direction})
            _, verdicts = made.judged(plan)
            assert all(verdict.degrees_of_freedom is not None for verdict in verdicts.values())


@pytest.mark.parametrize("power", [10, 28])
def test_a_group_of_heavy_rows_does_not_make_its_rest_seem_sure(power: int) -> None:
    """Next to squares of 2^56 a square of 1 is lost in a difference of sums, and a rest of 12 rows seemed exact."""
    group = ["a"] * 400 + ["b"] * 12
    cell = [Cell.TP, Cell.TP, Cell.TP, Cell.FN] * 103
    light = np.where(np.arange(412) % 3 == 0, 1.0, 2.0)
    heavy = np.where(np.array(group) == "a", light * 2.0**power, light)
    plain, scaled = (Made(group, cell, weight=weight) for weight in (light, heavy))
    plan = plain.plan({"margin": 0.1})
    one, other = (made.judged(plan)[1]["a"] for made in (plain, scaled))
    assert one.outcome == other.outcome == "inconclusive"
    assert one.p_pass is not None
    assert other.p_pass == pytest.approx(one.p_pass, rel=1e-6)


def test_a_rest_whose_squares_drown_in_those_of_the_group_decides_nothing_in_clusters() -> None:
    group = ["a"] * 400 + ["b"] * 12
    cell = [Cell.TP, Cell.TP, Cell.TP, Cell.FN] * 103
    weight = np.where(np.array(group) == "a", 2.0**28, 1.0)
    made = Made(group, cell, np.arange(412) // 2, weight)
    verdict = made.judged(made.plan({"margin": 0.3}))[1]["a"]
    assert verdict.outcome == "inconclusive"
    assert verdict.p_pass == 1.0


def test_a_rest_made_of_people_of_unknown_group_alone_passes_nobody_and_warns_of_nothing() -> None:
    group = ["a"] * 300 + ["unknown"] * 40
    cell = [Cell.TP, Cell.TP, Cell.TP, Cell.FN] * 75 + [Cell.FN] * 40
    made = Made(group, cell, weight=np.where(np.arange(340) % 3 == 0, 1.0, 2.0))
    assert made.judged(made.plan({"margin": 0.1}))[1]["a"].outcome != "pass"
