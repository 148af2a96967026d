"""What people do to the gaps of a detector, beside a regression on single cases; and whatever nobody decided."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.counts import categorical, group, plan_of
from made.people import BY_SCORE, NONE, OFFICER, made_audit, made_cases
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint
from statsmodels.tools.tools import add_constant

from audit.analyses.amplification import after_detector, people_gaps
from audit.counting.table import CountsTable
from audit.result.findings.second import AfterDetector, Override, PeopleGap
from audit.run import run_audit
from audit.stats.arrays import IntArray
from audit.vocabulary.groups import Axis, Family

SIX = st.tuples(*[st.integers(0, 40)] * 6)
"""Flagged twice, dismissed, taken up, never flagged; undecided of flags and of the others."""


def table(victims: dict[str, tuple[int, ...]]) -> dict[int | None, CountsTable]:
    """People's tables for cases that are all victims."""

    def of(cells: tuple[int, ...]) -> IntArray:
        both, out, up, none, flagged, others = cells
        return np.array([[both, out, flagged, 0], [up, none, others, 0], [0, 0, 0, 0]], dtype=np.int64)

    return {
        1: CountsTable.of(["sex"], {(code,): of(cells) for code, cells in victims.items()}),
        0: CountsTable.of(["sex"], {}),
        None: CountsTable.of(["sex"], {}),
    }


def after_detector_of(victims: dict[str, tuple[int, ...]], **verdict: Any) -> AfterDetector:
    feature = categorical("sex", list(victims))
    plan = plan_of([{"metric": "true_positive_rate", "groups": ["sex"], "margin": 0.1}], [feature], verdict=verdict)
    found = after_detector(
        plan.rules,
        plan.evaluation_set,
        plan.verdict,
        table(victims),
        [Family((Axis("sex", "level"),))],
        {"sex": feature},
    )
    assert found is not None
    return found


def gap_of(found: AfterDetector, sex: str) -> PeopleGap:
    (one,) = (one for one in found.gaps if one.group == group(sex=sex))
    return one


@pytest.mark.parametrize(
    ("own", "rest"),
    [
        ((4100, 700, 300, 4900, 0, 0), (8000, 500, 700, 6000, 0, 0)),
        ((900, 40, 60, 9000, 0, 0), (5000, 300, 10, 900, 0, 0)),
    ],
)
def test_what_people_add_is_that_of_a_regression_on_single_cases(own: tuple[int, ...], rest: tuple[int, ...]) -> None:
    changes = np.repeat([0, -1, 1, 0] * 2, [*own[:4], *rest[:4]])
    of_group = np.repeat([1, 0], [sum(own), sum(rest)])
    fitted = OLS(changes, add_constant(of_group)).fit(cov_type="HC0")
    found = gap_of(after_detector_of({"a": own, "b": rest}), "a")
    low, high = fitted.conf_int(alpha=0.025)[1]  # two groups: each limit at half of the risk
    assert found.added == pytest.approx(fitted.params[1], abs=1e-9)
    assert found.low == pytest.approx(low, abs=5e-4)
    assert found.high == pytest.approx(high, abs=5e-4)
    assert found.detector_gap == pytest.approx((own[0] + own[1]) / sum(own) - (rest[0] + rest[1]) / sum(rest))


@given(SIX, SIX)
def test_every_way_to_decide_what_nobody_decided_lies_within_the_range(
    own: tuple[int, ...], rest: tuple[int, ...]
) -> None:
    if not sum(own) or not sum(rest):
        return
    with np.errstate(all="ignore"):
        (*_, (value, low, high)) = people_gaps([np.array([n]) for n in own], [np.array([n]) for n in rest], 0.95)
        for own_kept, rest_kept in ((0, 0), (0, 1), (1, 0), (1, 1)):
            decided = settled(own, own_kept), settled(rest, rest_kept)
            (*_, (known, known_low, known_high)) = people_gaps(decided[0], decided[1], 0.95)
            assert low[0] - 1e-12 <= known_low[0] <= known[0] <= known_high[0] <= high[0] + 1e-12
    assert np.isnan(value[0]) or low[0] - 1e-12 <= value[0] <= high[0] + 1e-12


def settled(cells: tuple[int, ...], kept: int) -> list[IntArray]:
    both, out, up, none, flagged, others = cells
    known = (both + kept * flagged, out + (1 - kept) * flagged, up + (1 - kept) * others, none + kept * others, 0, 0)
    return [np.array([n]) for n in known]


@given(SIX, SIX)
def test_who_comes_first_turns_the_sign_and_nothing_else(own: tuple[int, ...], rest: tuple[int, ...]) -> None:
    found = after_detector_of({"a": own, "b": rest}, min_denominator=5)
    one, other = gap_of(found, "a"), gap_of(found, "b")
    assert one.outcome == other.outcome
    assert (one.added is None) == (other.added is None)
    if one.low is not None and other.high is not None:
        assert one.low == pytest.approx(-other.high, abs=1e-9)


@pytest.mark.parametrize(
    ("own", "outcome"),
    [((300, 300, 0, 400, 0, 0), "adds"), ((600, 0, 200, 200, 0, 0), "removes"), ((590, 10, 0, 400, 0, 0), "repeats")],
)
def test_words(own: tuple[int, ...], outcome: str) -> None:
    rest = (790, 10, 0, 200, 0, 0) if outcome == "repeats" else (800, 0, 0, 200, 0, 0)
    assert gap_of(after_detector_of({"a": own, "b": rest}), "a").outcome == outcome
    # as many as could turn it stand undecided: nothing is said any more
    open_cases = (*own[:4], 900, 900)
    assert gap_of(after_detector_of({"a": open_cases, "b": rest}), "a").outcome == "cannot_tell"


def test_groups_below_the_floor_say_nothing_and_are_counted() -> None:
    found = gap_of(after_detector_of({"a": (2, 1, 0, 1, 3, 0), "b": (50, 5, 5, 50, 0, 0)}, min_denominator=10), "a")
    assert (found.outcome, found.reason, found.added, found.cases) == ("cannot_tell", "too_few_for_a_rate", None, 7)


def test_overrides_are_those_of_the_rows_and_of_statsmodels() -> None:
    cases = made_cases(1200)
    result = run_audit(made_audit(BY_SCORE, decisions=OFFICER), cases, crosscheck=False)
    after = result.further.after_detector
    assert after is not None
    flag, decided = cases.score >= 0.5, cases.officer != ""
    men = cases.gender == "man"

    def of(place: Any, *, flagged: bool) -> Override:
        wanted = "flagged" if flagged else "not_flagged"
        (one,) = (one for one in after.overrides if one.group == place and one.detector == wanted)
        return one

    for flagged in (True, False):
        kind = flag == flagged
        changed = kind & decided & (cases.officer != ("refer" if flagged else "close"))
        one = of(group(gender="man"), flagged=flagged)
        n, x = int((kind & decided & men).sum()), int((changed & men).sum())
        m, y = int((kind & decided & ~men).sum()), int((changed & ~men).sum())
        assert (one.decided, one.changed, one.undecided) == (n, x, int((kind & ~decided & men).sum()))
        assert (one.low, one.high) == pytest.approx(proportion_confint(x, n, method="wilson"), abs=1e-9)
        limits = confint_proportions_2indep(x, n, y, m, method="newcomb", compare="diff")
        assert (one.difference_low, one.difference_high) == pytest.approx(limits, abs=1e-9)
    # McNemar's two counts are the overrides of everyone
    paired = mcnemar([[0, of(group(), flagged=True).changed], [of(group(), flagged=False).changed, 0]], exact=False)
    out, up = of(group(), flagged=True).changed, of(group(), flagged=False).changed
    assert paired.statistic == pytest.approx((abs(out - up) - 1) ** 2 / (out + up))
    gaps = {one.among for one in after.gaps}
    assert gaps == {"victims", "others"}
    of_victims = next(one for one in after.gaps if one.among == "victims" and one.group == group(gender="man"))
    assert of_victims.cases == int((men & (cases.form != NONE)).sum())
