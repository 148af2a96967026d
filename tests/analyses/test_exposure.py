"""Who is among the first: every way to take those who share the last score that fits, one by one."""

from __future__ import annotations

from itertools import combinations

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from made.people import BY_SCORE, NONE, made_audit, made_cases
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from audit.result.findings.second import Exposure
from audit.run import run_audit
from audit.vocabulary.groups import Group


def exposed(cases: pd.DataFrame, *first: int, least: int = 1) -> tuple[Exposure, ...]:
    plan = made_audit(BY_SCORE, exposure={"first": list(first)}, verdict={"min_denominator": least})
    return run_audit(plan, cases, crosscheck=False).further.exposures


def of(found: tuple[Exposure, ...], first: int, code: str, among: str) -> Exposure:
    wanted = (first, among, code)
    (one,) = (
        each for each in found if (each.first, each.among, "".join(level.code for level in each.group.root)) == wanted
    )
    return one


@settings(max_examples=4, deadline=None)
@given(st.lists(st.sampled_from([0.1, 0.5, 0.9, None]), min_size=6, max_size=9), st.integers(0, 99))
@example([0.1] * 6, 0)
def test_ties_are_counted_as_every_way_to_break_them(scores: list[float | None], seed: int) -> None:
    cases = made_cases(len(scores), seed).assign(score=pd.Series(scores, dtype="float64"), officer="close")
    if cases.score.isna().all() or cases.gender.nunique() < 2:
        return
    found = exposed(cases, *range(1, 10))
    ranked = cases.dropna(subset="score").sort_values("score", ascending=False)
    for first in range(1, 10):
        border = ranked.score.iloc[min(first, len(ranked)) - 1]
        sure = ranked.index[ranked.score > border].tolist()
        tied = ranked.index[ranked.score == border].tolist()
        ways = [sure + list(some) for some in combinations(tied, min(first - len(sure), len(tied)))]
        for sex in ("man", "woman"):
            for among, rows in (("everyone", cases), ("victims", cases[cases.form != NONE])):
                own = set(rows.index[rows.gender == sex])
                numbers = [len(own.intersection(way)) for way in ways]
                one = of(found, first, sex, among)
                assert (one.cases, one.fewest, one.most) == (len(own), min(numbers), max(numbers))
                assert one.unranked == int(rows.score.isna()[list(own)].sum())
                if own:
                    assert one.value == pytest.approx(sum(numbers) / len(ways) / len(own), abs=1e-9)


def test_without_ties_ranges_are_those_of_statsmodels() -> None:
    cases = made_cases(600)
    cases["score"] = cases.score.rank(method="first") / 601
    one = of(exposed(cases, 150), 150, "man", "victims")
    victims = cases[cases.form != NONE]
    top = cases.score.nlargest(150).index
    own, rest = victims.index[victims.gender == "man"], victims.index[victims.gender != "man"]
    x, y = len(own.intersection(top)), len(rest.intersection(top))
    assert (one.fewest, one.most, one.cases) == (x, x, len(own))
    assert (one.low, one.high) == pytest.approx(proportion_confint(x, len(own), method="wilson"), abs=1e-9)
    limits = confint_proportions_2indep(x, len(own), y, len(rest), method="newcomb", compare="diff")
    assert (one.difference_low, one.difference_high) == pytest.approx(limits, abs=1e-9)


def test_small_groups_are_counted_and_no_share_is_stated() -> None:
    cases = made_cases(300)
    cases.loc[:4, "gender"] = "non-binary"
    one = of(exposed(cases, 50, least=10), 50, "non-binary", "everyone")
    assert (one.value, one.low, one.difference, one.reason) == (None, None, None, "too_few_for_a_rate")
    everyone = next(each for each in exposed(cases, 50, least=10) if each.group == Group(()))
    assert everyone.difference is None
