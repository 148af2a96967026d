"""People whose group is unknown: who may belong where, and a PASS that holds whoever they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.counts import categorical, cells, families_of, group, nationality, plan_of

from audit.analyses.missing_attributes import NOTHING, PossibleMembers, Supposed, possible_members
from audit.analyses.sides import Question, questions
from audit.counting.table import FamilyCounts
from audit.plan.audit_plan import AuditPlan
from audit.plan.sections import SensitivitySection
from audit.result.findings.judged import Verdict
from audit.stats.arrays import FloatArray, IntArray
from audit.stats.boundaries import Boundary, counted_outcome
from audit.stats.score_test import PASS_BETA, asymptotic_p, exact_p, screened_p
from audit.verdicts.judge import judge
from audit.vocabulary.groups import Axis, Family, Group, SensitiveFeature
from audit.vocabulary.metrics import METRICS

TPR = {"metric": "true_positive_rate", "margin": 0.1, "groups": ["sex"]}
FPR = {"metric": "false_positive_rate", "margin": 0.05, "groups": ["sex"]}


def judged(rows: Mapping[str, IntArray], rule: Mapping[str, Any], share: float | None = None) -> dict[str, Verdict]:
    features = [categorical("sex", list(rows))]
    plan = vouched(plan_of([rule], features), share)
    _, families = families_of(plan, features, {(code,): of for code, of in rows.items()})
    _, verdicts, _ = judge(plan, families, {"sex": features[0]})
    return {verdict.group.levels[0].code: verdict for verdict in verdicts}


def vouched(plan: AuditPlan, share: float | None) -> AuditPlan:
    """Nothing is supposed of people of unknown group but the share that is vouched for."""
    section = SensitivitySection(
        unknown_share_factor="worst", unknown_odds_factor="worst", max_missing_share=share, reason="a register"
    )
    return plan.model_copy(update={"sensitivity": section})


def members_of(
    features: Sequence[SensitiveFeature], rows: Mapping[tuple[str, ...], int], *rungs: str
) -> dict[Group, int]:
    """How many possible members each group of the family on these rungs has; `rows` are numbers of victims found."""
    plan = plan_of([{**TPR, "groups": [[feature.name for feature in features]]}], features)
    _, families = families_of(plan, features, {key: cells(count) for key, count in rows.items()})
    family = families[Family(tuple(Axis(f.name, rung) for f, rung in zip(features, rungs, strict=True)))]
    found = possible_members([family], METRICS["true_positive_rate"], NOTHING).counts.cells.sum(axis=(1, 2))
    return {of: int(number) for of, number in zip(family.groups, found, strict=True)}


def test_whoever_agrees_where_they_are_known_may_belong_to_a_group() -> None:
    sex, place = categorical("sex", ["a", "b", "unknown"]), nationality(["NGA", "GHA", "FRA", "unknown"])
    rows: dict[tuple[str, ...], int] = {
        ("a", "NGA"): 1,
        ("b", "FRA"): 2,
        ("a", "unknown"): 4,
        ("b", "unknown"): 8,
        ("unknown", "NGA"): 16,
        ("unknown", "GHA"): 32,
        ("unknown", "unknown"): 64,
    }
    finest = members_of([sex, place], rows, "level", "country")
    assert finest[group(sex="a", nationality="NGA")] == 4 + 16 + 64
    assert finest[group(sex="b", nationality="FRA")] == 8 + 64
    assert finest[group(sex="a", nationality="unknown")] == 64
    assert finest[group(sex="unknown", nationality="NGA")] == 64
    assert finest[group(sex="unknown", nationality="unknown")] == 0


def test_the_unknown_climb_the_ladder_as_themselves() -> None:
    place = nationality(["NGA", "GHA", "FRA", "unknown"])
    rows: dict[tuple[str, ...], int] = {("NGA",): 1, ("GHA",): 2, ("FRA",): 4, ("unknown",): 8}
    assert members_of([place], rows, "m49-subregion") == {
        group(nationality="m49-subregion:011"): 8,
        group(nationality="m49-subregion:155"): 8,
        group(nationality="m49-subregion:unknown"): 0,
    }


def moved(
    rule: Mapping[str, Any], rows: Mapping[str, IntArray], share: float | None, *, best: bool = False
) -> list[int]:
    """Group `a` and its rest as (x, n, y, m), with the unknown moved."""
    question, family, members = asked(rule, rows, share)
    counts = members.at_their_best(question, family) if best else members.at_their_worst(question, family)
    return [int(count[0]) for count in counts]


def asked(
    rule: Mapping[str, Any], rows: Mapping[str, IntArray], share: float | None
) -> tuple[Question, FamilyCounts, PossibleMembers]:
    features = [categorical("sex", list(rows))]
    plan = plan_of([rule], features)
    _, families = families_of(plan, features, {(code,): of for code, of in rows.items()})
    (family,) = families.values()
    question = questions(plan.audit.route, plan.named_rules[0])[0]
    return question, family, possible_members([family], question.metric, Supposed(None, None, share))


def test_the_missed_among_the_unknown_move_where_few_found_is_harm() -> None:
    rows = {"a": cells(80, 20), "b": cells(90, 10), "unknown": cells(30, 10)}
    assert moved(TPR, rows, None) == [80, 110, 120, 130]
    assert moved(TPR, rows, None, best=True) == [110, 130, 90, 110]


def test_the_wrongly_flagged_among_the_unknown_move_where_many_flagged_is_harm() -> None:
    rows = {"a": cells(fp=10, tn=90), "b": cells(fp=5, tn=95), "unknown": cells(fp=7, tn=33)}
    assert moved(FPR, rows, None) == [17, 107, 5, 133]
    assert moved(FPR, rows, None, best=True) == [10, 133, 12, 107]


def test_a_vouched_share_is_of_the_groups_own_cases_once_they_are_all_known() -> None:
    rows = {"a": cells(80, 20), "b": cells(90, 10), "unknown": cells(30, 30)}
    assert moved(TPR, rows, 0.2) == [80, 125, 120, 135]  # 25 of then 125 are 20 %
    assert moved(TPR, rows, 0.0) == [80, 100, 120, 160]


def test_an_unscored_case_of_unknown_group_moves_at_its_worst() -> None:
    rows = {"a": cells(80, 20), "b": cells(90, 10), "unknown": cells(30, 10, failed=(5, 0, 0))}
    # in the group the five count as missed, and in the rest as found
    assert moved(TPR, rows, None) == [80, 115, 125, 135]
    # with room for 12, the ten missed go first: moving them also raises the rate of the rest
    assert moved(TPR, rows, 12 / 112) == [80, 112, 125, 135]


def arrangements(metric: str, unknown: IntArray, room: int) -> Iterator[tuple[int, int, int, int]]:
    """What any choice of true members among the unknown adds to (x, n) of the group and leaves of (y, m)."""
    label = 0 if metric == "true_positive_rate" else 1
    hits, misses, unscored = (int(count) for count in (*unknown[label, :2], unknown[label, 2:].sum()))
    for moved_hits in range(min(hits, room) + 1):
        for moved_misses in range(min(misses, room - moved_hits) + 1):
            for moved_unscored in range(min(unscored, room - moved_hits - moved_misses) + 1):
                for flagged_here in range(moved_unscored + 1):
                    for flagged_there in range(unscored - moved_unscored + 1):
                        members = moved_hits + moved_misses + moved_unscored
                        yield (
                            moved_hits + flagged_here,
                            members,
                            hits - moved_hits + flagged_there,
                            hits + misses + unscored - members,
                        )


@given(data=st.data())
def test_what_passes_at_the_two_ends_passes_whoever_belongs_to_the_group(data: st.DataObject) -> None:
    metric = data.draw(st.sampled_from(["true_positive_rate", "false_positive_rate"]))
    limit = data.draw(st.sampled_from([{"margin": 0.1}, {"margin": 0.3}, {"ratio": 0.8}]))
    label = 0 if metric == "true_positive_rate" else 1
    rows = {}
    for name, most in (("a", 60), ("b", 120), ("unknown", 8)):
        table = cells()
        table[label, 0], table[label, 1] = data.draw(st.integers(0, most)), data.draw(st.integers(0, most))
        rows[name] = table
    rows["unknown"][label, 3] = data.draw(st.integers(0, 3))
    share = data.draw(st.sampled_from([None, 0.05]))
    question, family, members = asked({"metric": metric, "groups": ["sex"], **limit}, rows, share)
    stay, go = question.at_its_worst(family), members.at_their_worst(question, family)
    own, others = rows["a"][label], rows["b"][label]
    if own[:2].sum() == 0 or others[:2].sum() == 0:
        return
    could_be_beyond = question.fail.edge(counted_outcome(stay[2][0], stay[3][0], question.fail) / stay[3][0]) > 0
    if not could_be_beyond:
        return  # nobody is passed there
    ends = max(p_of(question, [(counts[0][0], counts[1][0], counts[2][0], counts[3][0])])[0] for counts in (stay, go))
    room = int(go[1][0] - stay[1][0]) if share is not None else 100
    every = {
        (int(own[0]) + x, int(own[:2].sum()) + n, int(others[0]) + y, int(others[:2].sum()) + m)
        for x, n, y, m in arrangements(metric, rows["unknown"], room)
    }
    worst = p_of(question, sorted(every)).max()
    if not rows["unknown"][label, 3]:
        assert ends <= worst * (1 + 1e-9), "without unscored cases the ends are arrangements themselves"
    for alpha in (0.01, 0.05, 0.2):
        assert ends > alpha or worst <= alpha * (1 + 1e-9)


def p_of(question: Question, tables: Sequence[tuple[int, int, int, int]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    x, n, y, m = np.array(tables, dtype=np.int64).T
    within = question.within
    return exact_p(counted_outcome(x, n, within), n, counted_outcome(y, m, within), m, within, PASS_BETA)


FEW_UNKNOWN = {"a": cells(800, 200), "b": cells(820, 180), "unknown": cells(80, 20)}
MANY_UNKNOWN = {"a": cells(800, 200), "b": cells(820, 180), "unknown": cells(800, 200)}


@pytest.mark.parametrize("seed", range(12))
def test_no_number_of_people_could_speak_more_strongly_than_those_who_are_moved(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rate, of_unknown = rng.uniform(0.3, 0.95), int(rng.integers(60, 1200))
    rows = {
        "a": cells(int(40 * rate), int(40 * (1 - rate))),
        "b": cells(int(2000 * rate), int(2000 * (1 - rate))),
        "unknown": cells(int(of_unknown * rate * 0.9), of_unknown - int(of_unknown * rate * 0.9)),
    }
    features = [categorical("sex", list(rows))]
    plan = plan_of([TPR], features)
    _, families = families_of(plan, features, {(code,): of for code, of in rows.items()})
    (family,) = families.values()
    members = possible_members([family], METRICS["true_positive_rate"], Supposed(5.0, rng.uniform(1.0, 2.0), None))
    (question,) = questions(plan.audit.route, plan.named_rules[0])

    def p_of(counts: tuple[IntArray, ...], boundary: Boundary) -> FloatArray:
        x, n, y, m = counts
        return asymptotic_p(counted_outcome(x, n, boundary), n, counted_outcome(y, m, boundary), m, boundary)

    places = [family.groups.index(group(sex=code)) for code in "ab"]
    for boundary, moved, most in (
        (question.within, members.at_their_worst, members.against(question)),
        (question.fail, members.at_their_best, members.in_favour(question)),
    ):
        assert 0 < most[places[0]] <= most[places[1]]
        every = [moved(question, family, np.minimum(most, number)) for number in range(1, most[places[1]] + 1)]
        found = p_of(moved(question, family), boundary)[places]
        assert (found >= np.max([p_of(each, boundary)[places] for each in every], axis=0) * (1 - 1e-9)).all()


def test_a_pass_stands_where_those_of_unknown_group_could_not_change_it() -> None:
    verdicts = judged(FEW_UNKNOWN, TPR)
    assert verdicts["a"].outcome == verdicts["b"].outcome == "pass"


def test_no_pass_where_those_of_unknown_group_could_change_it() -> None:
    verdict = judged(MANY_UNKNOWN, TPR)["a"]
    assert (verdict.outcome, verdict.because) == ("inconclusive", "unknown_attribute")
    assert verdict.cases_needed is None
    assert verdict.p_pass is not None
    assert verdict.p_pass > 0.05


def test_the_unknown_themselves_are_judged_as_they_are() -> None:
    assert judged(MANY_UNKNOWN, TPR)["unknown"].outcome == "pass"


def test_who_vouches_for_few_unknown_gets_the_pass_back() -> None:
    assert judged(MANY_UNKNOWN, TPR, share=0.04)["a"].outcome == "pass"
    assert judged(MANY_UNKNOWN, TPR, share=0.30)["a"].because == "unknown_attribute"


def test_false_alarms_among_the_unknown_withhold_a_pass_too() -> None:
    rows = {"a": cells(fp=100, tn=900), "b": cells(fp=100, tn=900), "unknown": cells(fp=100, tn=900)}
    assert judged(rows, FPR)["a"].because == "unknown_attribute"
    assert judged(rows, FPR, share=0.005)["a"].outcome == "pass"


def test_a_fail_is_of_the_people_recorded_in_the_group() -> None:
    rows = {**MANY_UNKNOWN, "a": cells(500, 500)}
    assert judged(rows, TPR)["a"].because == "beyond_limit_as_recorded"
    assert judged(rows, TPR, share=0.0)["a"].because == "beyond_limit"


def test_cases_that_were_not_scored_are_the_first_reason() -> None:
    rows = {**MANY_UNKNOWN, "a": cells(800, 200, failed=(200, 0, 0))}
    assert judged(rows, TPR)["a"].because == "unscored_cases"


def test_unscored_cases_that_do_no_harm_are_not_the_reason() -> None:
    rows = {**MANY_UNKNOWN, "a": cells(800, 200, failed=(1, 0, 0))}
    assert judged(rows, TPR)["a"].because == "unknown_attribute"


def test_a_group_that_would_not_pass_anyway_says_so() -> None:
    rows = {**MANY_UNKNOWN, "a": cells(720, 280)}
    assert judged(rows, TPR)["a"].because == "limit_not_excluded"


def test_both_sides_of_a_rule_look_at_their_own_worst() -> None:
    rule = {**TPR, "direction": "both"}
    rows = {"a": cells(200, 50), "b": cells(1640, 360), "unknown": cells(240, 0)}
    # nobody of unknown group was missed, so only the other side is open
    assert judged(rows, TPR)["a"].outcome == "pass"
    assert judged(rows, rule)["a"].because == "unknown_attribute"


@pytest.mark.parametrize("share", [None, 0.1])
def test_a_group_whose_missed_members_are_not_recorded_is_not_passed_falsely(share: float | None) -> None:
    """The true group is at the limit; a tenth of it, all missed, was left without its feature."""
    runs, n, m, rest_rate = 2000, 300, 3000, 0.8
    rng = np.random.default_rng(3)
    missed = n - rng.binomial(n, rest_rate - 0.1, size=runs)
    hidden = np.minimum(missed, n // 10)
    rest_found = rng.binomial(m, rest_rate, size=runs)
    rows = {"a": cells(1, 1), "b": cells(1, 1), "unknown": cells(1, 1)}
    question, _, _ = asked(TPR, rows, None)
    x, unknown_found = n - missed, np.full(runs, 40)
    recorded = n - hidden
    there = hidden if share is None else np.minimum(hidden, recorded // 9)
    naive = screened(question, x, recorded, rest_found + unknown_found, m + 40 + hidden)
    worst = screened(question, x, recorded + there, rest_found + unknown_found, m + 40 + hidden - there)
    assert (naive <= 0.05).mean() > 0.8, "as recorded, the group looks fine"
    assert (np.maximum(naive, worst) <= 0.05).mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / runs)


def screened(
    question: Question, x: IntArray, n: IntArray, y: IntArray, m: IntArray
) -> np.ndarray[Any, np.dtype[np.float64]]:
    distinct, place = np.unique(np.stack([x, n, y, m]), axis=1, return_inverse=True)
    x, n, y, m = distinct
    within = question.within
    p = screened_p(counted_outcome(x, n, within), n, counted_outcome(y, m, within), m, within, PASS_BETA).p
    return np.asarray(p[place.ravel()])
