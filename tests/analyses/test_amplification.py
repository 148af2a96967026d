"""Does the detector add disparity over its labels? Counts against rows, and the words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.counts import categorical, cells, families_of, group, plan_of

from audit.analyses.amplification import amplification
from audit.counting.table import MOST_GROUPS
from audit.result.findings.patterns import Amplification, GroupAmplification
from audit.stats.arrays import IntArray

CELLS = st.tuples(*[st.integers(0, 60)] * 4)


def amplified(rows: dict[str, IntArray], **verdict: Any) -> Amplification:
    feature = categorical("sex", list(rows))
    plan = plan_of([{"metric": "true_positive_rate", "groups": ["sex"], "margin": 0.1}], [feature], verdict=verdict)
    _, families = families_of(plan, [feature], {(code,): of for code, of in rows.items()})
    (found,) = amplification(plan.verdict, list(families.values()))
    return found


def of_group(found: Amplification, sex: str) -> GroupAmplification:
    (one,) = (one for one in found.groups if one.group == group(sex=sex))
    return one


def by_rows(rows: dict[str, IntArray]) -> tuple[float, dict[str, float]]:
    """BiasAmp from attribute to task and each D, as in section 4 of Wang & Russakovsky (2021), from single rows."""
    people = [
        (code, label == 0, decision == 0)
        for code, of in rows.items()
        for label in range(2)
        for decision in range(2)
        for _ in range(int(of[label, decision]))
    ]
    attribute = np.array([code for code, *_ in people])
    task, predicted = np.array([label for _, label, _ in people]), np.array([flag for *_, flag in people])
    total, changes = 0.0, {}
    for code in sorted(rows):
        of_group = attribute == code
        together = np.mean(of_group & task) > np.mean(of_group) * np.mean(task) + 1e-12
        changes[code] = float(np.mean(predicted[of_group]) - np.mean(task[of_group]))
        total += changes[code] if together else -changes[code]
    return total / len(rows), changes


@given(st.dictionaries(st.sampled_from("abcd"), CELLS, min_size=1))
def test_counts_give_what_rows_give(groups: dict[str, tuple[int, int, int, int]]) -> None:
    rows = {code: cells(*of, unlabelled=(9, 4), failed=(3, 2, 1)) for code, of in groups.items() if sum(of) > 0}
    if not rows:
        return
    found = amplified(rows, min_denominator=1)
    total, changes = by_rows(rows)
    assert found.total == pytest.approx(total, abs=1e-9)
    assert {one.group.levels[0].code: one.difference for one in found.groups} == pytest.approx(changes, abs=1e-9)
    for one in found.groups:
        rest = [of for code, of in rows.items() if code != one.group.levels[0].code]
        if not rest:
            assert (one.added, one.outcome) == (None, "cannot_tell")
            continue
        tp, fn, fp, tn = (int(sum(of[place] for of in rest)) for place in ((0, 0), (0, 1), (1, 0), (1, 1)))
        expected = (one.flag_rate - one.label_rate) - (fp - fn) / (tp + fn + fp + tn)
        assert one.added == pytest.approx(expected, abs=1e-9)


def test_the_worked_numbers_of_two_groups() -> None:
    """The labels call 30 % of a and 10 % of b exploited; the detector flags 40 % and 8 %: it exaggerates both."""
    found = amplified({"a": cells(280, 20, 120, 580), "b": cells(70, 30, 10, 890)})
    a, b = of_group(found, "a"), of_group(found, "b")
    assert (a.label_rate, a.flag_rate, a.labelled_above, b.labelled_above) == (0.3, 0.4, True, False)
    assert [a.difference, b.difference] == pytest.approx([0.1, -0.02])
    assert found.total == pytest.approx((0.1 + 0.02) / 2)
    assert found.low is not None
    assert found.low > 0
    assert a.added == pytest.approx(0.12)
    assert (a.outcome, b.outcome, found.outcomes) == ("adds", "adds", {"adds": 2})
    assert (found.label_rate, found.flag_rate, found.signs_unsettled) == (0.2, 0.24, 0)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # labels .3 and .1, flags .3 and .1
        ({"a": cells(290, 10, 10, 690), "b": cells(90, 10, 10, 890)}, "repeats"),
        # flags .2 and .1: half of the labels' gap is gone
        ({"a": cells(195, 105, 5, 695), "b": cells(90, 10, 10, 890)}, "removes"),
        # labels alike, flags .3 and .1
        ({"a": cells(190, 10, 110, 690), "b": cells(95, 105, 5, 795)}, "adds"),
        # the labels' gap turned round: flags .1 against .3
        ({"a": cells(95, 205, 5, 695), "b": cells(90, 10, 210, 690)}, "adds"),
        # labels alike, flags alike
        ({"a": cells(180, 20, 20, 780), "b": cells(180, 20, 20, 780)}, "cannot_tell"),
        # far too few
        ({"a": cells(3, 2, 2, 5), "b": cells(180, 20, 20, 780)}, "cannot_tell"),
    ],
)
def test_the_words(rows: dict[str, IntArray], expected: str) -> None:
    assert of_group(amplified(rows), "a").outcome == expected


def test_a_small_group_is_left_out_and_counted_and_chance_signs_are_counted() -> None:
    found = amplified({"a": cells(100, 100, 100, 100), "b": cells(100, 100, 101, 100), "c": cells(1, 1, 1, 1)})
    assert (found.groups_counted, found.groups_left_out, found.signs_unsettled) == (2, 1, 2)
    nobody = amplified({"a": cells(1), "b": cells(0, 2)})
    assert (nobody.total, nobody.low, nobody.label_rate, nobody.groups) == (None, None, None, ())


def test_in_a_large_family_only_what_can_be_told_is_listed() -> None:
    rows = {f"n{place:03}": cells(5, 2, 2, 20) for place in range(MOST_GROUPS + 1)}
    rows["zz"] = cells(280, 20, 400, 300)
    found = amplified(rows)
    assert [one.group for one in found.groups] == [group(sex="zz")]
    assert found.groups_counted == MOST_GROUPS + 2
    assert Amplification.model_validate_json(found.model_dump_json()) == found
