"""What it takes for a verdict not to stand: each answer is put to the judge again."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.counts import categorical, cells, families_of, group, plan_of

from audit.analyses.sensitivity import _one_in, error_axes, sensitivity_findings, sensitivity_notices
from audit.plan.sections import SensitivitySection
from audit.result.findings.judged import Verdict
from audit.result.findings.sensitivity import RuleSensitivity, SensitivityFinding
from audit.stats.arrays import IntArray
from audit.verdicts.judge import judge
from audit.vocabulary.metrics import METRICS, MetricName

TPR = {"metric": "true_positive_rate", "margin": 0.1, "groups": ["sex"]}
FPR = {"metric": "false_positive_rate", "margin": 0.05, "groups": ["sex"]}

Rows = Mapping[str, IntArray]


class Doubts:
    """The verdicts of one rule over one feature, and the doubts about them."""

    def __init__(
        self,
        rows: Rows,
        rule: Mapping[str, Any],
        share: float | None = None,
        factor: float | Literal["worst"] = "worst",
    ) -> None:
        features = [categorical("sex", list(rows))]
        # whoever is there is judged alone, whatever is supposed of the unknown
        plan = plan_of([rule], features, groups={"sex": {"min_cases": 30}})
        section = SensitivitySection(unknown_share_factor=factor, unknown_odds_factor=factor, max_missing_share=share)
        self.plan = plan = plan.model_copy(update={"sensitivity": section})
        _, families = families_of(plan, features, {(code,): of for code, of in rows.items()})
        _, self.verdicts, _ = judge(plan, families, {"sex": features[0]})
        (self.found,) = sensitivity_findings(plan, families, self.verdicts)

    def verdict(self, code: str) -> Verdict:
        (found,) = [verdict for verdict in self.verdicts if verdict.group == group(sex=code)]
        return found

    def of(self, code: str, kind: str) -> SensitivityFinding:
        (found,) = [f for f in self.found.findings if f.group == group(sex=code) and f.kind == kind]
        return found

    def kinds(self, code: str) -> set[str]:
        return {found.kind for found in self.found.findings if found.group == group(sex=code)}


def outcome(rows: Rows, rule: Mapping[str, Any], code: str = "a", share: float | None = None) -> str:
    return Doubts(rows, rule, share).verdict(code).outcome


def still_fails(doubts: Doubts, rows: Rows) -> bool:
    """Whether group `a` fails with other counts, at the level that its p-value had to reach before."""
    p, level = Doubts(rows, TPR).verdict("a").p_fail, doubts.verdict("a").level_fail
    assert p is not None
    assert level is not None
    return p <= level


FAILING = {"a": cells(40, 60, 30, 870), "b": cells(900, 100, 100, 900), "c": cells(900, 100, 100, 900)}


def test_the_fewest_labels_that_overturn_a_fail_do_and_one_less_does_not() -> None:
    doubts = Doubts(FAILING, TPR)
    assert doubts.verdict("a").outcome == "fail"
    found = doubts.of("a", "labels_flipped")
    assert found.overturned_by is not None
    assert found.among == 1000
    for wrong, fails in ((found.overturned_by, False), (found.overturned_by - 1, True)):
        assert still_fails(doubts, {**FAILING, "a": cells(40, 60 - wrong, 30, 870 + wrong)}) is fails
    assert f"{found.overturned_by} of 60 victims missed would have to be no victims" in found.words


def test_bringing_the_measured_rate_to_the_limit_takes_more_labels_than_raising_doubt() -> None:
    found = Doubts(FAILING, TPR).of("a", "labels_flipped")
    # 40 of 100 - k at least .8: k = 50
    assert found.to_limit == 50
    assert found.overturned_by is not None
    assert found.overturned_by < 50


def test_the_fewest_labels_that_overturn_a_pass_do_and_one_less_does_not() -> None:
    rows = {"a": cells(360, 40, 40, 360), "b": cells(900, 100, 100, 900), "c": cells(900, 100, 100, 900)}
    found = Doubts(rows, TPR).of("a", "labels_flipped")
    assert found.outcome == "pass"
    assert found.overturned_by is not None
    for wrong, expected in ((found.overturned_by, "inconclusive"), (found.overturned_by - 1, "pass")):
        assert outcome({**rows, "a": cells(360, 40 + wrong, 40, 360 - wrong)}, TPR) == expected


@pytest.mark.parametrize("metric", ["false_positive_rate", "false_negative_rate", "precision", "accuracy"])
def test_every_rate_made_of_labels_can_be_doubted(metric: MetricName) -> None:
    rows = {"a": cells(100, 100, 100, 100), "b": cells(900, 100, 100, 900), "c": cells(900, 100, 100, 900)}
    doubts = Doubts(rows, {**TPR, "metric": metric})
    assert doubts.verdict("a").outcome == "fail"
    found = doubts.of("a", "labels_flipped")
    assert found.overturned_by is not None
    assert found.to_limit is not None
    assert found.overturned_by < found.to_limit
    assert doubts.kinds("a") == {"labels_flipped", *error_axes(METRICS[metric])}
    grid = next(f.grid for f in doubts.found.findings if f.grid is not None)
    assert grid.stands[0] is True, "with right labels it is the verdict itself"
    assert len(grid.rates) == len(grid.stands) == len(grid.sensitivity) * len(grid.specificity)


def test_labels_say_nothing_about_who_is_flagged() -> None:
    rows = {"a": cells(10, 390), "b": cells(300, 100), "c": cells(300, 100)}
    doubts = Doubts(rows, {**TPR, "metric": "selection_rate"})
    assert doubts.verdict("a").outcome == "fail"
    assert doubts.kinds("a") == set()


def test_if_many_victims_among_a_group_were_never_labelled_its_false_alarms_were_none() -> None:
    rows = {"a": cells(300, 100, 90, 310), "b": cells(300, 100, 40, 960), "c": cells(300, 100, 40, 960)}
    doubts = Doubts(rows, FPR)
    assert doubts.verdict("a").outcome == "fail"
    found = doubts.of("a", "labelled_too_rarely")
    assert found.share is not None
    assert 0.02 < found.share < 0.3
    assert "of this group's victims were labelled as no victims" in found.words
    grid = found.grid
    assert grid is not None
    assert grid.specificity == (1.0,)
    stands = dict(zip(grid.sensitivity, grid.stands, strict=True))
    for sensitivity, stand in stands.items():
        if stand is not None and abs(1 - sensitivity - found.share) > 0.005:
            assert stand == (1 - sensitivity < found.share)
    rates = [rate for rate in grid.rates if rate is not None]
    assert rates == sorted(rates, reverse=True)


UNKNOWN = {"a": cells(800, 200), "b": cells(820, 180), "unknown": cells(800, 200)}


def test_a_declared_share_up_to_the_breakdown_point_passes_and_above_it_not() -> None:
    doubts = Doubts(UNKNOWN, TPR)
    assert doubts.verdict("a").because == "unknown_attribute"
    found = doubts.of("a", "unknown_attribute")
    assert not found.stands
    assert found.share is not None
    assert found.among == 200
    assert outcome(UNKNOWN, TPR, share=found.share) == "pass"
    assert outcome(UNKNOWN, TPR, share=found.share + 0.002) == "inconclusive"
    assert found.low == pytest.approx(800 / 1200, abs=1e-9)
    assert found.high == pytest.approx(1600 / 1800, abs=1e-9)


def test_the_share_for_all_lets_all_of_them_pass() -> None:
    doubts = Doubts(UNKNOWN, TPR)
    share = doubts.found.missing_share_for_all
    assert share is not None
    assert doubts.found.held_back == 2
    again = Doubts(UNKNOWN, TPR, share)
    assert {verdict.outcome for verdict in again.verdicts} == {"pass"}
    assert again.found.held_back == 0
    (notice,) = sensitivity_notices(doubts.plan.sensitivity, [doubts.found])
    assert "2 groups that would pass" in notice.text
    assert "max_missing_share" in notice.text
    assert sensitivity_notices(again.plan.sensitivity, [again.found]) == ()


def test_a_pass_that_the_plan_vouches_for_says_what_it_rests_on() -> None:
    found = Doubts(UNKNOWN, TPR, share=0.03).of("a", "unknown_attribute")
    assert found.stands
    assert "the plan supposes fewer" in found.words
    assert found.overturned_by is not None


def test_a_fail_says_whether_people_of_unknown_group_could_undo_it() -> None:
    rows = {"a": cells(500, 500), "b": cells(820, 180), "unknown": cells(30, 10)}
    found = Doubts(rows, TPR).of("a", "unknown_attribute")
    assert found.stands
    assert found.among == 30
    many = {**rows, "a": cells(50, 50), "unknown": cells(300, 20)}
    undone = Doubts(many, TPR).of("a", "unknown_attribute")
    assert undone.overturned_by is not None
    wrong = undone.overturned_by
    for moved, fails in ((wrong, False), (wrong - 1, True)):
        rows = {**many, "a": cells(50 + moved, 50), "unknown": cells(300 - moved, 20)}
        assert still_fails(Doubts(many, TPR), rows) is fails


def test_verdicts_hold_over_the_cases_without_a_decision_and_say_so() -> None:
    rows = {"a": cells(400, 600, failed=(50, 0, 0)), "b": cells(900, 100), "c": cells(900, 100, abstained=(7, 0, 0))}
    doubts = Doubts(rows, TPR)
    found = doubts.of("a", "unscored")
    assert found.stands
    assert found.low == pytest.approx(400 / 1050, abs=1e-9)
    assert found.high == pytest.approx(450 / 1050, abs=1e-9)
    for scored in (cells(450, 600), cells(400, 650)):
        assert outcome({**rows, "a": scored}, TPR) == "fail"
    assert "unscored" not in doubts.kinds("b")


def test_a_verdict_withheld_for_cases_without_a_decision_is_open() -> None:
    rows = {"a": cells(800, 200, failed=(200, 0, 0)), "b": cells(820, 180), "c": cells(820, 180)}
    doubts = Doubts(rows, TPR)
    assert doubts.verdict("a").because == "unscored_cases"
    assert not doubts.of("a", "unscored").stands


def test_both_sides_of_a_rule_are_doubted_on_the_nearer_one() -> None:
    rows = {"a": cells(700, 300, 300, 700), "b": cells(1400, 600, 600, 1400), "c": cells(1400, 600, 600, 1400)}
    both = Doubts(rows, {**TPR, "direction": "both"}).of("a", "labels_flipped")
    low = Doubts(rows, TPR).of("a", "labels_flipped")
    assert both.overturned_by is not None
    assert low.overturned_by is not None
    assert both.overturned_by <= low.overturned_by


def many_groups(count: int) -> tuple[RuleSensitivity, float]:
    rng = np.random.default_rng(5)
    rows = {}
    for place in range(count):
        positives, negatives = rng.integers(20, 1200, size=2)
        found, flagged = rng.binomial(positives, 0.75), rng.binomial(negatives, 0.1)
        rows[f"g{place:04}"] = cells(found, positives - found, flagged, negatives - flagged)
    rows["unknown"] = cells(30, 10, 5, 45)
    features = [categorical("sex", list(rows))]
    plan = plan_of([TPR], features)
    _, families = families_of(plan, features, {(code,): of for code, of in rows.items()})
    _, verdicts, _ = judge(plan, families, {"sex": features[0]})
    started = time.process_time()
    (found_,) = sensitivity_findings(plan, families, verdicts)
    return found_, time.process_time() - started


def test_many_groups_are_listed_up_to_a_number_and_take_little_time_and_room() -> None:
    found, seconds = many_groups(1150)
    assert found.listed < 100
    assert found.not_listed > 100
    assert len(found.model_dump_json()) < 100_000
    assert seconds < 3.0, "a quarter of a second on a quiet machine"
    groups = [finding.group.levels for finding in found.findings]
    assert len(set(groups)) <= found.listed
    assert found.fewest_labels is not None
    assert RuleSensitivity.model_validate_json(found.model_dump_json()) == found


def names(findings: Sequence[SensitivityFinding]) -> list[str]:
    return [finding.group.levels[0].code for finding in findings]


def test_fails_come_first_and_the_largest_groups_next() -> None:
    rows = {
        "small": cells(360, 40, 40, 360),
        "large": cells(900, 100, 100, 900),
        "bad": cells(100, 300, 40, 360),
        "largest": cells(1800, 200, 200, 1800),
    }
    order = list(dict.fromkeys(names(Doubts(rows, TPR).found.findings)))
    assert order == ["bad", "largest", "large", "small"]


@given(data=st.data())
def test_whatever_the_counts_doubts_agree_with_the_verdicts(data: st.DataObject) -> None:
    metric = data.draw(st.sampled_from(["true_positive_rate", "false_positive_rate", "precision", "accuracy"]))
    direction = data.draw(st.sampled_from(["worse", "both"]))
    limit = data.draw(st.sampled_from([{"margin": 0.1}, {"ratio": 0.8}]))
    size = data.draw(st.sampled_from([3, 40, 400]))
    number = st.integers(0, size)
    rows = {
        code: cells(*(data.draw(number) for _ in range(4)), failed=(data.draw(st.integers(0, 5)), 0, 1))
        for code in ("a", "b", "unknown")
    }
    doubts = Doubts(rows, {"metric": metric, "direction": direction, "groups": ["sex"], **limit})
    for found in doubts.found.findings:
        assert found.outcome == doubts.verdict(found.group.levels[0].code).outcome
        assert found.overturned_by is None or 0 < found.overturned_by <= found.among
        assert found.grid is None or found.grid.stands[0] in (True, None)
        assert found.low is None or found.high is None or found.low <= found.high
    failing = {verdict.group for verdict in doubts.verdicts if verdict.outcome == "fail"}
    assert failing <= {found.group for found in doubts.found.findings}
    assert RuleSensitivity.model_validate_json(doubts.found.model_dump_json()) == doubts.found


def test_a_share_in_words_is_rounded_half_up() -> None:
    shown = [_one_in(share) for share in (1 / 16, 3 / 80, 0.5625)]
    assert shown == ["1 in 16 (6.3%)", "1 in 26 (3.8%)", "56.3%"]
