"""The cases drawn at random beside the others: whom the labels are about, and whether a finding holds among them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from made.counts import categorical, cells, families_of, group, plan_of
from scipy.stats import norm

from audit.analyses.control_sample import JudgedSample, Verdicts, control_sample
from audit.counting.table import EVERYONE
from audit.result.findings.sensitivity import ControlComparison, ControlSample
from audit.stats.arrays import IntArray
from audit.verdicts.judge import judge
from audit.vocabulary.groups import Group
from audit.vocabulary.metrics import MetricName

TPR = {"metric": "true_positive_rate", "margin": 0.1, "groups": ["sex"]}


def compared(whole: Mapping[str, IntArray], drawn: Mapping[str, IntArray]) -> ControlSample:
    features = [categorical("sex", list(whole))]
    plan = plan_of([TPR], features)
    by_name = {"sex": features[0]}
    _, families = families_of(plan, features, {(code,): of for code, of in whole.items()})
    _, sample = families_of(plan, features, {(code,): of for code, of in drawn.items()})
    judged, judged_drawn = judge(plan, families, by_name), judge(plan, sample, by_name)
    return control_sample(
        plan.groups,
        plan.rules,
        plan.verdict,
        families,
        Verdicts(*judged[:2]),
        JudgedSample(sample, Verdicts(*judged_drawn[:2])),
    )


def of(found: ControlSample, metric: MetricName, of_group: Group) -> ControlComparison:
    (row,) = [row for row in found.comparisons if (row.metric, row.group) == (metric, of_group)]
    return row


WHOLE = {"a": cells(500, 500, 100, 900), "b": cells(900, 100, 100, 900), "c": cells(900, 100, 100, 900)}
SMALL = {"a": cells(40, 10, 50, 450), "b": cells(30, 6, 30, 420)}
AS_BAD = {"a": cells(50, 60, 50, 450), "b": cells(450, 50, 30, 420)}


def test_a_fail_that_is_not_seen_among_those_drawn_is_open_there_and_never_a_pass_by_default() -> None:
    found = compared(WHOLE, SMALL)
    rule, of_group = found.verdicts
    assert (rule.group, rule.outcome) == (None, "fail")
    assert rule.control_cases == 86
    assert (of_group.group, of_group.outcome, of_group.control_outcome) == (group(sex="a"), "fail", "inconclusive")
    assert of_group.control_cases == 50
    assert "0 fail in the sample alone" in found.words


def test_a_fail_that_holds_among_those_drawn_is_said_to() -> None:
    found = compared(WHOLE, AS_BAD)
    assert [verdict.control_outcome for verdict in found.verdicts] == ["fail", "fail"]
    assert "Of 1 group that fails in the whole set, 1 fail in the sample alone" in found.words


def test_rates_in_the_sample_are_compared_with_those_outside_it() -> None:
    found = compared(WHOLE, SMALL)
    assert (found.cases, found.labelled, found.other_cases) == (1036, 1036, 6000 - 1036)
    row = of(found, "true_positive_rate", group(sex="a"))
    assert (row.numerator, row.denominator, row.other_numerator, row.other_denominator) == (40, 50, 460, 950)
    assert row.difference == pytest.approx(40 / 50 - 460 / 950)
    low, high = newcombe(40, 50, 460, 950)
    assert row.difference_low == pytest.approx(low)
    assert row.difference_high == pytest.approx(high)


def test_how_many_are_victims_differs_where_somebody_chose_whom_to_look_at() -> None:
    row = of(compared(WHOLE, SMALL), "base_rate", EVERYONE)
    assert row.difference == pytest.approx(86 / 1036 - 2914 / 4964)
    assert row.difference_high is not None
    assert row.difference_high < 0


def test_a_group_of_which_nobody_was_drawn_is_left_out_and_counted() -> None:
    found = compared(WHOLE, SMALL)
    assert group(sex="c") not in {row.group for row in found.comparisons}
    assert found.comparisons_left_out == 2  # one for each rate
    assert ControlSample.model_validate_json(found.model_dump_json()) == found


def test_a_share_of_victims_is_not_told_of_too_few_labelled_cases() -> None:
    assert "are victims" in compared(WHOLE, {"a": cells(3, 1, 1, 0)}).words
    assert "are victims" not in compared(WHOLE, {"a": cells(3, 1, unlabelled=(40, 0))}).words


def newcombe(x: int, n: int, y: int, m: int) -> tuple[float, float]:
    """Method 10 of Newcombe (1998), written out."""
    z = norm.ppf(0.975)

    def wilson(count: int, total: int) -> tuple[float, float]:
        p = count / total
        middle = (p + z * z / (2 * total)) / (1 + z * z / total)
        half = z / (1 + z * z / total) * (p * (1 - p) / total + z * z / (4 * total * total)) ** 0.5
        return middle - half, middle + half

    (low1, high1), (low2, high2) = wilson(x, n), wilson(y, m)
    p, q = x / n, y / m
    return (
        p - q - ((p - low1) ** 2 + (high2 - q) ** 2) ** 0.5,
        p - q + ((high1 - p) ** 2 + (q - low2) ** 2) ** 0.5,
    )
