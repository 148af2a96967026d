"""Nights are added up as a plain loop over groups does it, and no late group or unscored case makes a FAIL cheaper."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.counts import WORST
from made.nights import Night, cells, draws, feature, made_plan, only, sums, taken

from audit.counting.table import CountsTable
from audit.errors import DataError
from audit.stats.arrays import IntArray
from audit.stats.safe_process import e_holm, mean_log_e
from audit.verdicts.nights.state import State, group_shares, levels_seen, new_state
from audit.verdicts.nights.verdict import judge_nights, overall_outcome, with_night
from audit.verdicts.side_tests import budget
from audit.vocabulary.groups import Axis, Family, Group, Level, LevelName


def plain_log_e(
    nights: Sequence[tuple[int, int, int, int]], edge: Callable[[float], float], planned: Callable[[float], float]
) -> float:
    """verdicts.md, section 7, for one group, word by word; the projection by search over the edge."""
    total_x = total_n = total_y = total_m = 0
    log_e = 0.0
    for x, n, y, m in nights:
        qr = (total_y + 0.5) / (total_m + 1)
        start = min(max(min(planned(qr), qr), 0.0), 1.0)
        qg = min(max((total_x + start) / (total_n + 1), 1e-6), 1 - 1e-6)
        if n and m and qg < edge(qr):
            br = likeliest(qg, n, qr, m, edge)
            bg = edge(br)
            log_e += x * math.log(qg / bg) + (n - x) * math.log((1 - qg) / (1 - bg))
            log_e += y * math.log(qr / br) + (m - y) * math.log((1 - qr) / (1 - br))
        total_x, total_n, total_y, total_m = total_x + x, total_n + n, total_y + y, total_m + m
    return log_e


def likeliest(qg: float, n: int, qr: float, m: int, edge: Callable[[float], float]) -> float:
    def gain(r: float) -> float:
        b = edge(r)
        if not 0.0 < b < 1.0:
            return -math.inf
        own = n * (qg * math.log(b) + (1 - qg) * math.log(1 - b))
        return own + m * (qr * math.log(r) + (1 - qr) * math.log(1 - r))

    inside = [r for r in np.linspace(1e-6, 1 - 1e-6, 4001) if gain(float(r)) > -math.inf]
    best = float(max(inside, key=lambda r: gain(float(r))))
    low, high = max(best - 5e-4, 1e-9), min(best + 5e-4, 1 - 1e-9)
    for _ in range(200):
        third = (high - low) / 3
        if gain(low + third) < gain(high - third):
            low += third
        else:
            high -= third
    return (low + high) / 2


@pytest.mark.parametrize("unscored", [0, 4])
def test_a_plain_loop_over_a_group_comes_to_the_same_evidence(unscored: int) -> None:
    nights = draws(6, {"a": 0.45, "b": 0.7, "c": 0.75}, 5, unscored=unscored)
    one = only(taken(made_plan(), nights))
    for place, level in enumerate(("a", "b", "c")):
        best, worst = [], []
        for night in nights:
            (found, missed, _, open_) = night[level][0].tolist()
            rest = sum(night[other][0] for other in night if other != level).tolist()
            n, m = found + missed + open_, sum(rest)
            # for a FAIL unscored cases are found in the group and missed in the rest; for a PASS the other way round
            best.append((found + open_, n, rest[0], m))
            worst.append((missed + open_, n, rest[1], m))
        fail = plain_log_e(best, lambda r: max(r - 0.1, 0.0), lambda r: r - 0.2)
        within = plain_log_e(worst, lambda r: min(r + 0.1, 1.0), lambda r: r + 0.2)
        assert one.beyond.log_e[place] == pytest.approx(fail, abs=1e-6)
        assert one.within.log_e[place] == pytest.approx(within, abs=1e-6)


def test_a_set_that_grows_says_what_its_new_rows_say() -> None:
    plan, nights = made_plan(), draws(8, {"a": 0.5, "b": 0.7, "c": 0.7}, 7)
    fresh, growing = taken(plan, nights), taken(plan, sums(nights), "growing")
    assert fresh.evidence == growing.evidence
    assert fresh.families == growing.families


def test_a_case_that_is_answered_late_only_lowers_the_evidence() -> None:
    plan = made_plan()
    first = {"a": cells(20, 20, 6), "b": cells(70, 30)}
    answered_at_once = taken(plan, [{"a": cells(22, 24), "b": cells(70, 30)}, {"a": cells(5, 5), "b": cells(7, 3)}])
    grown = {"a": cells(27, 29), "b": cells(77, 33)}
    late = taken(plan, [first, grown], "growing")
    assert only(late).beyond.log_e[0] < only(answered_at_once).beyond.log_e[0]
    assert only(late).within.log_e[0] < only(answered_at_once).within.log_e[0]


def test_unscored_cases_of_a_growing_set_enter_once() -> None:
    plan = made_plan()
    night = {"a": cells(20, 20, 6), "b": cells(70, 30, 2)}
    once = taken(plan, [night], "growing")
    twice = taken(plan, [night], "growing", once)
    assert twice.nights == 2
    assert twice.evidence == once.evidence


@pytest.mark.parametrize(
    "second",
    [
        {"a": cells(19, 21), "b": cells(70, 30)},
        {"b": cells(70, 30)},
        {"a": cells(20, 19, 1), "b": cells(70, 30)},
    ],
)
def test_a_set_that_was_said_to_grow_and_shrinks_is_refused(second: Night) -> None:
    plan = made_plan()
    state = taken(plan, [{"a": cells(20, 20), "b": cells(70, 30)}], "growing")
    with pytest.raises(DataError, match="said to grow") as caught:
        taken(plan, [second], "growing", state)
    assert caught.value.slug == "sequential-shrank"


def test_a_large_gap_fails_and_stays_failed() -> None:
    plan = made_plan()
    state = taken(plan, draws(30, {"a": 0.3, "b": 0.8, "c": 0.8}, 11))
    assert only(state).failed == (True, False, False)
    after = taken(plan, draws(30, {"a": 0.95, "b": 0.8, "c": 0.8}, 12), state=state)
    assert only(after).beyond.log_e[0] < only(state).beyond.log_e[0]
    assert only(after).failed == (True, False, False)
    rules = judge_nights(plan, after, [feature(["a", "b", "c"])])
    assert (overall_outcome(rules), rules[0].because) == ("fail", "group_beyond_limit")


def test_equal_groups_pass_in_time_and_not_before() -> None:
    plan, nights = made_plan(), draws(60, {"a": 0.8, "b": 0.8, "c": 0.8}, 13)
    found = [
        overall_outcome(judge_nights(plan, taken(plan, nights[:count]), [feature(["a", "b", "c"])]))
        for count in (1, 5, 60)
    ]
    assert found[0] == "inconclusive"
    assert found[-1] == "pass"
    assert "fail" not in found


def test_a_group_with_too_few_cases_neither_passes_nor_stands_in_the_way_of_coverage() -> None:
    plan = made_plan()
    nights = draws(60, {"a": 0.8, "b": 0.8, "c": 0.8}, 13)
    nights[:20] = [{**night, "d": cells(1, 0)} for night in nights[:20]]
    (rule,) = judge_nights(plan, taken(plan, nights), [feature(["a", "b", "c", "d"])])
    small = rule.groups[3]
    assert (small.outcome, small.judged) == ("inconclusive", False)
    assert rule.outcome == "pass"


def test_where_the_unknown_could_belong_to_a_group_no_group_passes_over_them() -> None:
    nights = [{**night, "unknown": cells(2, 12)} for night in draws(60, {"a": 0.8, "b": 0.8, "c": 0.8}, 13, cases=40)]
    vouched = {"sensitivity": WORST | {"max_missing_share": 0.02, "reason": "a count of files"}}
    unknown, bounded = taken(made_plan(sensitivity=WORST), nights), taken(made_plan(**vouched), nights)
    assert only(unknown).passed[0] is False
    assert only(bounded).within.log_e[0] > only(unknown).within.log_e[0]
    assert only(unknown).beyond == only(bounded).beyond
    own = only(bounded).beyond.cases[0]
    # a share of all cases so far, and not of each night's few, of which it would be none
    assert only(bounded).moved[0] == math.floor(own * 0.02 / 0.98)
    doubled = taken(made_plan(), nights)
    assert only(unknown).within.log_e[0] < only(doubled).within.log_e[0]
    assert 0 < only(doubled).moved[0] < 60 * 12, "of 720 who were missed, two thirds of those of its share at most"


@given(arrivals=st.lists(st.sets(st.integers(0, 40), max_size=8), min_size=1, max_size=12))
def test_what_groups_have_of_the_level_never_changes_and_never_adds_up_to_more_than_all(
    arrivals: list[set[int]],
) -> None:
    seen: dict[str, Any] = {}
    before: dict[Group, float] = {}
    for night, numbers in enumerate(arrivals):
        seen = levels_seen(seen, [feature([f"L{number:02}" for number in numbers] or ["L99"])], first=night == 0)
        groups = [Group((Level("band", "level", one.level.code),)) for one in seen["band"]]
        now = dict(zip(groups, group_shares(groups, seen).tolist(), strict=True))
        assert all(now[group] == share for group, share in before.items())
        assert sum(now.values()) <= 1.0 + 1e-12
        assert min(now.values()) > 0.0
        before = now


def test_a_group_that_comes_late_needs_more_evidence_and_begins_with_none() -> None:
    plan, early = made_plan(), draws(3, {"a": 0.8, "b": 0.8}, 17)
    late = draws(1, {"a": 0.8, "b": 0.8, "z": 0.1}, 18)
    state = taken(plan, [*early, *late])
    assert state.levels["band"][2].late == 1
    assert only(state).beyond.cases[2] == int(late[0]["z"][0].sum())
    # the rest of earlier nights is known, and a better guess than none
    others = sum(int(night[level][0].sum()) for night in (*early, *late) for level in ("a", "b"))
    assert only(state).beyond.rest_cases[2] == others


@given(
    evidence=st.lists(st.floats(-3.0, 9.0), min_size=1, max_size=5),
    raw=st.lists(st.floats(0.05, 1.0), min_size=6, max_size=6),
)
def test_shared_out_evidence_rejects_what_the_closure_of_all_intersections_rejects(
    evidence: list[float], raw: list[float]
) -> None:
    log_e = np.array(evidence)
    shares = np.array(raw[: log_e.size]) / sum(raw[: log_e.size + 1])
    left, level = 1.0 - shares.sum(), 0.05
    every = range(log_e.size)
    subsets = [set(some) for size in range(1, log_e.size + 1) for some in combinations(every, size)]

    def falls(some: set[int]) -> bool:
        whole = sum(shares[one] for one in some) + left
        return any(shares[one] * math.exp(log_e[one]) >= whole / level for one in some)

    expected = [all(falls(some) for some in subsets if one in some) for one in every]
    assert e_holm(log_e, level, shares).tolist() == expected


def test_the_mean_of_all_counts_those_still_to_come_as_one() -> None:
    shares = np.array([0.5, 0.25])
    assert mean_log_e(np.log([100.0, 2.0]), shares) == pytest.approx(math.log(0.5 * 100 + 0.25 * 2 + 0.25))
    assert mean_log_e(np.zeros(2), shares) == pytest.approx(0.0)
    with pytest.raises(ValueError, match="shares"):
        e_holm(np.zeros(2), 0.05, np.array([0.7, 0.7]))


def test_nationalities_together_can_fail_without_a_name() -> None:
    groups = {"nationality": {"column": "nationality", "min_cases": 30}}
    plan = made_plan(groups=groups, rule={"groups": ["nationality"]})
    codes = [f"C{number:02}" for number in range(12)]
    levels = tuple(LevelName(rung="country", code=code, name=code) for code in codes)
    known = {"name": "nationality", "coding": "nationality", "rungs": ("country",), "levels": levels}
    named = [feature(codes).model_copy(update=known)]
    family = Family((Axis("nationality", "country"),))
    half, most = cells(20, 20), cells(36, 4)
    night: dict[tuple[str, ...], IntArray] = {(code,): half if at < 6 else most for at, code in enumerate(codes)}
    table = CountsTable.of(["nationality"], night)
    state = new_state({}, "fresh")
    while not any(one.several for one in state.evidence) and state.nights < 40:
        state = with_night(plan, state, {family: table.family(family, {one.name: one for one in named})}, named)
    one = only(state)
    assert one.several
    shares = group_shares([Group((Level("nationality", "country", code),)) for code in codes], state.levels)
    bar = -math.log(budget(plan).unnamed)
    assert mean_log_e(np.array(one.beyond.log_e), shares) >= bar
    assert judge_nights(plan, state, named)[0].outcome == "fail"
    # what was shown in one night stands, whatever the later ones are
    good = CountsTable.of(["nationality"], {(code,): most for code in codes})
    for _ in range(30):
        state = with_night(plan, state, {family: good.family(family, {one.name: one for one in named})}, named)
    assert mean_log_e(np.array(only(state).beyond.log_e), shares) < bar
    assert only(state).several


def test_a_group_of_which_no_rate_is_stated_is_not_named_until_it_is() -> None:
    night = {"a": cells(0, 25), "b": cells(190, 10)}
    plan = made_plan(verdict={"min_denominator": 30})
    state = taken(plan, [night])
    assert only(state).beyond.log_e[0] > -math.log(budget(plan).names * min(group_shares_of(state)))
    assert only(state).failed == (False, False)
    assert only(taken(plan, [{"a": cells(0, 5), "b": cells(40, 2)}], state=state)).failed == (True, False)


def group_shares_of(state: State) -> list[float]:
    groups = [Group((Level("band", "level", one.level.code),)) for one in state.levels["band"]]
    shares: list[float] = group_shares(groups, state.levels).tolist()
    return shares


def test_a_pass_needs_enough_people_in_groups_that_are_judged() -> None:
    few = {f"s{number:02}": cells(8, 2) for number in range(40)}
    plan, nights = made_plan(), draws(60, {"a": 0.8, "b": 0.8, "c": 0.8}, 13)
    (rule,) = judge_nights(plan, taken(plan, [{**nights[0], **few}, *nights[1:]]), [feature([*"abc", *few])])
    judged_alone = sum(int(night[level][0].sum()) for night in nights for level in "abc")
    assert judged_alone / (judged_alone + 400) > 0.8
    assert rule.outcome == "pass"
    strict = made_plan(verdict={"min_coverage": 0.99})
    (rule,) = judge_nights(strict, taken(strict, [{**nights[0], **few}, *nights[1:]]), [feature([*"abc", *few])])
    assert (rule.outcome, rule.because) == ("inconclusive", "coverage_too_small")


def test_no_group_passes_that_could_not_have_failed() -> None:
    """Of 5 in 100 nobody can be 10 points behind."""
    plan, nights = made_plan(), draws(60, {"a": 0.05, "b": 0.05, "c": 0.05}, 13, cases=80)
    state = taken(plan, nights)
    assert all(only(state).passed)
    (rule,) = judge_nights(plan, state, [feature(["a", "b", "c"])])
    assert (rule.outcome, rule.because) == ("inconclusive", "group_undecided")
    assert {group.outcome for group in rule.groups} == {"inconclusive"}


def test_no_rule_passes_while_an_expected_group_is_missing() -> None:
    plan, nights = made_plan(), draws(60, {"a": 0.8, "b": 0.8, "c": 0.8}, 13)
    expecting = feature(["a", "b", "c", "z"]).model_copy(update={"expected": ("a", "z")})
    (rule,) = judge_nights(plan, taken(plan, nights), [expecting])
    assert (rule.outcome, rule.because) == ("inconclusive", "expected_group_missing")
