from __future__ import annotations

from made.counts import categorical, cells, families_of, group, plan_of

from audit.analyses.disparities import disparities
from audit.result.findings.judged import Disparity
from audit.stats.arrays import IntArray
from audit.vocabulary.metrics import METRICS


def compared(rows: dict[str, IntArray], **verdict: object) -> list[Disparity]:
    feature = categorical("sex", list(rows))
    plan = plan_of(
        [{"metric": "true_positive_rate", "groups": ["sex"], "margin": 0.1}],
        [feature],
        verdict=verdict,
        groups={"sex": {"reference": "a"}},
    )
    _, families = families_of(plan, [feature], {(code,): of for code, of in rows.items()})
    return [
        d
        for d in disparities(plan.groups, plan.verdict, list(families.values()), METRICS.values())
        if d.metric == "true_positive_rate"
    ]


def test_against_everyone_the_interval_holds_the_difference_and_the_ratio() -> None:
    for found in compared({"a": cells(80, 20), "b": cells(300, 300)}, compare_with=["overall"]):
        assert found.difference is not None
        assert found.ratio is not None
        assert found.difference_low is not None
        assert found.difference_high is not None
        assert found.ratio_low is not None
        assert found.ratio_high is not None
        assert found.difference_low < found.difference < found.difference_high
        assert found.ratio_low < found.ratio < found.ratio_high
        assert found.other_denominator == 700


def test_one_group_alone_is_compared_with_nobody_whatever_is_asked() -> None:
    (found,) = compared({"a": cells(80, 20)}, compare_with=["overall"])
    assert (found.status, found.reason, found.difference) == ("not_evaluable", "no_rest", None)


def test_a_reference_is_not_compared_with_itself() -> None:
    found = compared({"a": cells(80, 20), "b": cells(50, 50)}, compare_with=["reference"])
    assert [one.group for one in found] == [group(sex="b")]
    assert (found[0].other_numerator, found[0].other_denominator) == (80, 100)


def test_a_rest_of_which_nobody_was_counted_gives_a_difference_and_no_ratio() -> None:
    (one, _) = compared({"a": cells(80, 20), "b": cells(0, 100)})
    assert one.difference == 0.8
    assert (one.ratio, one.reason, one.status) == (None, "zero_in_rest", "estimated")
