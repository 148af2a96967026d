"""Factors that bound the people of unknown group: how many of them belong to a group, and how often they are harmed."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.counts import categorical, cells, families_of, group, nationality, plan_of

from audit.analyses.missing_attributes import NOTHING, PossibleMembers, Supposed, possible_members
from audit.analyses.sensitivity import sensitivity_findings
from audit.analyses.sides import Question, questions
from audit.counting.table import FamilyCounts
from audit.plan.sections import SensitivitySection
from audit.result.findings.judged import Verdict
from audit.result.findings.sensitivity import RuleSensitivity
from audit.stats.arrays import IntArray
from audit.stats.boundaries import counted_outcome
from audit.stats.score_test import PASS_BETA, exact_p
from audit.verdicts.judge import judge
from audit.vocabulary.groups import Axis, Family
from audit.vocabulary.metrics import METRICS
from tools.simulate.unknown import World, passed

TPR = {"metric": "true_positive_rate", "margin": 0.1, "groups": ["sex"]}
FPR = {"metric": "false_positive_rate", "margin": 0.05, "groups": ["sex"]}
DOUBLED = Supposed(2.0, 2.0, None)


def asked(
    rule: Mapping[str, Any], rows: Mapping[str, IntArray], supposed: Supposed
) -> tuple[Question, FamilyCounts, PossibleMembers]:
    features = [categorical("sex", list(rows))]
    plan = plan_of([rule], features)
    _, families = families_of(plan, features, {(code,): of for code, of in rows.items()})
    (family,) = families.values()
    question = questions(plan.audit.route, plan.named_rules[0])[0]
    return question, family, possible_members([family], question.metric, supposed)


def audited(
    rows: Mapping[str, IntArray], rule: Mapping[str, Any], **section: Any
) -> tuple[dict[str, Verdict], RuleSensitivity]:
    features = [categorical("sex", list(rows))]
    plan = plan_of([rule], features).model_copy(update={"sensitivity": SensitivitySection(**section)})
    _, families = families_of(plan, features, {(code,): of for code, of in rows.items()})
    _, verdicts, _ = judge(plan, families, {"sex": features[0]})
    (found,) = sensitivity_findings(plan, families, verdicts)
    return {verdict.group.levels[0].code: verdict for verdict in verdicts}, found


def test_twice_the_share_belongs_to_a_group_and_is_missed_at_twice_the_odds() -> None:
    """Of 100 unknown people a tenth belongs to `a` by its share of the recorded, so at most 20 do. One in five was
    missed: odds of 1 to 4, doubled 1 to 2, so at most 6 of them, and then 18 belong to it.
    """
    rows = {"a": cells(80, 20), "b": cells(720, 180), "unknown": cells(80, 20)}
    question, family, members = asked(TPR, rows, DOUBLED)
    assert members.most.tolist() == [20, 100, 0]
    assert members.against(question)[0] == 6
    x, n, y, m = (int(count[0]) for count in members.at_their_worst(question, family))
    assert (x, n, y, m) == (80 + 12, 100 + 18, 800 - 12, 1000 - 18)


def test_where_many_flagged_is_the_harm_the_flagged_move() -> None:
    rows = {"a": cells(fp=10, tn=90), "b": cells(fp=90, tn=810), "unknown": cells(fp=20, tn=80)}
    question, family, members = asked(FPR, rows, DOUBLED)
    x, n, y, m = (int(count[0]) for count in members.at_their_worst(question, family))
    assert (x, n, y, m) == (10 + 6, 100 + 18, 110 - 6, 1000 - 18)
    assert members.in_favour(question)[0] == int(20 * 2 * 4 / (2 * 4 + 1))


def test_the_share_is_of_those_who_agree_with_what_is_known_of_them() -> None:
    """Of eight women of unknown nationality twice the share of Nigerians among women may be Nigerian, and so on."""
    sex, place = categorical("sex", ["a", "b", "unknown"]), nationality(["NGA", "GHA", "unknown"])
    rows: dict[tuple[str, ...], int] = {
        ("a", "NGA"): 10,
        ("a", "GHA"): 90,
        ("b", "NGA"): 40,
        ("b", "GHA"): 60,
        ("a", "unknown"): 50,
        ("b", "unknown"): 1000,
        ("unknown", "NGA"): 30,
        ("unknown", "unknown"): 100,
    }
    features = [sex, place]
    plan = plan_of([{**TPR, "groups": [["sex", "nationality"]]}], features)
    _, families = families_of(plan, features, {key: cells(count) for key, count in rows.items()})
    family = families[Family((Axis("sex", "level"), Axis("nationality", "country")))]
    members = possible_members([family], METRICS["true_positive_rate"], DOUBLED)
    most = dict(zip(family.groups, members.most.tolist(), strict=True))
    # women 10 of 100; Nigerians 10 of 50; everybody known 10 of 200
    assert most[group(sex="a", nationality="NGA")] == 2 * 5 + 2 * 6 + 2 * 5
    # of women of unknown nationality: their share among people of known gender and unknown nationality
    assert most[group(sex="a", nationality="unknown")] == int(100 * 2 * 50 / 1050)
    # never more than there are
    assert most[group(sex="a", nationality="GHA")] == 50 + 0 + int(100 * 2 * 90 / 200)


@given(data=st.data())
def test_what_passes_passes_for_every_number_of_members_that_the_factors_allow(data: st.DataObject) -> None:
    """Every number of members, and every number of them who are harmed, is listed and tested."""
    metric = data.draw(st.sampled_from(["true_positive_rate", "false_positive_rate"]))
    limit = data.draw(st.sampled_from([{"margin": 0.1}, {"margin": 0.3}, {"ratio": 0.8}]))
    label = 0 if metric == "true_positive_rate" else 1
    rows = {}
    for name, most in (("a", 60), ("b", 120), ("unknown", 20)):
        rows[name] = cells()
        rows[name][label, :2] = data.draw(st.integers(1, most)), data.draw(st.integers(1, most))
    supposed = Supposed(data.draw(st.sampled_from([1.0, 2.0, 5.0])), data.draw(st.sampled_from([1.0, 2.0, 5.0])), None)
    question, family, members = asked({"metric": metric, "groups": ["sex"], **limit}, rows, supposed)
    ends = [[int(count[0]) for count in question.at_its_worst(family)]]
    ends.append([int(count[0]) for count in members.at_their_worst(question, family)])
    if question.fail.edge(counted_outcome(ends[0][2], ends[0][3], question.fail) / ends[0][3]) <= 0:
        return  # nobody is passed where nobody could be beyond the limit
    x, n, y, m = ends[0]
    hits, misses = (int(count) for count in rows["unknown"][label, :2])
    harmed, others = (misses, hits) if question.side == "low" else (hits, misses)
    own, known = int(rows["a"][label].sum()), int(rows["a"][label].sum() + rows["b"][label].sum())
    share, odds = supposed.share_factor or 1.0, supposed.odds_factor or 1.0
    low = question.side == "low"
    every = [
        (x + (good if low else bad), n + bad + good, y - (good if low else bad), m - bad - good)
        for bad, good in product(range(harmed + 1), range(others + 1))
        if (bad + good) * known <= share * (harmed + others) * own and bad * others <= odds * harmed * good
    ]
    worst, passed = p_of(question, every).max(), p_of(question, ends).max()
    assert passed <= worst * (1 + 1e-9), "the ends are allowed themselves"
    for alpha in (0.01, 0.05, 0.2):
        assert passed > alpha or worst <= alpha * 1.01


def p_of(question: Question, tables: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    x, n, y, m = np.array(tables, dtype=np.int64).T
    within = question.within
    return exact_p(counted_outcome(x, n, within), n, counted_outcome(y, m, within), m, within, PASS_BETA)


ROWS = {"a": cells(800, 200), "b": cells(4100, 900), "unknown": cells(480, 120)}


def test_a_pass_holds_at_the_factors_and_says_where_it_breaks() -> None:
    verdicts, found = audited(ROWS, TPR)
    assert verdicts["a"].outcome == "pass"
    assert found.breakdown_factor is not None
    assert found.breakdown_factor > 2.0
    assert found.weakest == group(sex="a")
    assert found.not_if_nothing_supposed == 1
    before, _ = audited(ROWS, TPR, unknown_odds_factor=found.breakdown_factor * 0.98)
    behind, _ = audited(ROWS, TPR, unknown_odds_factor=found.breakdown_factor * 1.02)
    assert before["a"].outcome == "pass"
    assert (behind["a"].outcome, behind["a"].because) == ("inconclusive", "unknown_attribute")
    worst, _ = audited(ROWS, TPR, unknown_share_factor="worst", unknown_odds_factor="worst")
    assert worst["a"].because == "unknown_attribute"


def test_a_pass_that_no_odds_overturn_has_no_breakdown_factor() -> None:
    _, found = audited({**ROWS, "unknown": cells(48, 12)}, TPR)
    assert (found.breakdown_factor, found.weakest, found.not_if_nothing_supposed) == (None, None, 0)


@pytest.mark.parametrize(("factor", "because"), [(1, "beyond_limit"), (20, "beyond_limit_as_recorded")])
def test_a_fail_says_whether_it_stands_at_the_factors(factor: float, because: str) -> None:
    rows = {**ROWS, "a": cells(650, 350), "unknown": cells(540, 60)}
    verdicts, found = audited(rows, TPR, unknown_share_factor=factor, unknown_odds_factor=factor)
    assert (verdicts["a"].outcome, verdicts["a"].because) == ("fail", because)
    (doubt,) = [one for one in found.findings if one.group == group(sex="a") and one.kind == "unknown_attribute"]
    assert doubt.stands is (because == "beyond_limit")


def test_who_supposes_nothing_gets_what_every_choice_of_members_allows() -> None:
    question, family, members = asked(TPR, ROWS, NOTHING)
    assert [int(count[0]) for count in members.at_their_worst(question, family)] == [800, 1120, 4580, 5480]


def _share(world: World, runs: int, *, on_limit: bool) -> float:
    (share,) = passed(runs, np.random.default_rng(11), world, on_limit=on_limit).values()
    return share.share


def test_no_more_than_alpha_of_groups_on_the_limit_pass_inside_the_factors() -> None:
    """A slice of `tools.simulate --only unknown_factors`: three standard errors above 5 %, and outside far more."""
    inside = _share(World(0.1, 200, 0.05, 2, 2), 300, on_limit=True)
    assert inside <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)
    assert _share(World(0.1, 200, 0.05, 5, 5), 100, on_limit=True) > 0.3
    assert _share(World(0.1, 200, 0.05, 1, 1), 100, on_limit=False) > 0.8
