"""The labels' own gaps, and their composition against a table from elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from made.counts import categorical, cells, families_of, group, plan_of
from scipy import stats

from audit.analyses.label_gaps import REPLICATES, label_gaps, reference_comparison
from audit.counting.table import CountsTable
from audit.evaluation.reference_table import ReferenceTable
from audit.result.findings.patterns import LabelGap, ReferenceComparison, ReferenceShare
from audit.stats.arrays import IntArray
from audit.stats.intervals import newcombe_difference

RULES = [{"metric": "true_positive_rate", "groups": ["sex"], "margin": 0.1}]


def widest(rows: dict[str, IntArray]) -> LabelGap:
    feature = categorical("sex", list(rows))
    plan = plan_of(RULES, [feature])
    _, families = families_of(plan, [feature], {(code,): of for code, of in rows.items()})
    (found,) = label_gaps(plan.verdict, list(families.values()))
    return found


def compared(labelled: dict[str, int], shares: dict[str, float], seed: int = 0) -> ReferenceComparison:
    feature = categorical("sex", list(labelled))
    plan = plan_of(RULES, [feature], verdict={"seed": seed})
    counts = CountsTable.of(["sex"], {(code,): cells(x, 0, 7, 7) for code, x in labelled.items()})
    reference = ReferenceTable("sex", "level", "a report", dict(sorted(shares.items())), None)
    found = reference_comparison(plan.verdict, reference, counts, {"sex": feature})
    assert found is not None
    return found


def level(found: ReferenceComparison, sex: str) -> ReferenceShare:
    (one,) = (one for one in found.levels if one.group == group(sex=sex))
    return one


def test_the_gap_that_is_surely_wide_is_named_and_not_the_largest_of_a_handful() -> None:
    rows = {
        "a": cells(300, 0, 0, 700),
        "b": cells(350, 0, 0, 2150),
        "c": cells(355, 0, 0, 2145),
        "tiny": cells(5, 0, 0, 3),
    }
    found = widest(rows)
    assert (found.group, found.groups_compared) == (group(sex="a"), 4)
    assert found.difference == pytest.approx(0.3 - 710 / 5008)
    low, high = newcombe_difference([300], [1000], [710], [5008], 1 - 0.05 / 4)
    assert [found.low, found.high] == pytest.approx([low[0], high[0]])


def test_where_all_hold_zero_the_largest_gap_is_named() -> None:
    found = widest({"a": cells(10, 0, 0, 40), "b": cells(12, 0, 0, 38), "c": cells(11, 0, 0, 40)})
    assert found.group == group(sex="b")
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0 < found.high


def test_nobody_to_compare() -> None:
    assert widest({"a": cells(10, 0, 0, 40)}).group is None
    assert widest({"a": cells(1, 0, 0, 1), "b": cells(10, 0, 0, 9)}).groups_compared == 0


def test_shares_here_beside_shares_there() -> None:
    from statsmodels.stats.proportion import proportion_confint

    found = compared({"woman": 60, "man": 40, "unknown": 25}, {"woman": 0.39, "man": 0.61})
    woman, unknown = level(found, "woman"), level(found, "unknown")
    low, high = proportion_confint(60, 100, method="beta")
    assert (woman.labelled, woman.share, woman.reference) == (60, 0.6, 0.39)
    assert [woman.low, woman.high] == pytest.approx([low, high])
    assert woman.difference == pytest.approx(0.21)
    assert woman.difference_low == pytest.approx(low - 0.39)
    assert (unknown.labelled, unknown.share, unknown.reason) == (25, None, "not_in_table")
    assert (found.labelled, found.left_out) == (100, 25)
    assert ReferenceComparison.model_validate_json(found.model_dump_json()) == found


def test_a_level_of_the_table_that_nobody_here_has_is_a_share_of_zero() -> None:
    found = compared({"woman": 60}, {"woman": 0.5, "man": 0.5})
    man = level(found, "man")
    assert (man.labelled, man.share, man.low, man.difference) == (0, 0.0, 0.0, -0.5)
    assert man.high is not None
    assert man.high > 0


def test_the_statistic_is_scipys_and_the_p_value_that_of_the_exact_test() -> None:
    found = compared({"woman": 60, "man": 40}, {"woman": 0.5, "man": 0.5})
    expected = stats.power_divergence([60, 40], [50, 50], lambda_="log-likelihood")
    assert found.statistic == pytest.approx(expected.statistic, rel=1e-9)
    exact = stats.binomtest(60, 100, 0.5).pvalue
    assert found.p == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / REPLICATES))
    again = compared({"woman": 60, "man": 40}, {"woman": 0.5, "man": 0.5})
    assert again == found
    assert compared({"woman": 60, "man": 40}, {"woman": 0.5, "man": 0.5}, seed=1).p != found.p


def test_the_same_composition_and_one_that_the_table_rules_out() -> None:
    assert compared({"woman": 50, "man": 50}, {"woman": 0.5, "man": 0.5}).p == 1.0
    impossible = compared({"woman": 50, "man": 1}, {"woman": 1.0, "man": 0.0})
    assert (impossible.statistic, impossible.p) == (None, 1 / (REPLICATES + 1))
    none = compared({"woman": 0, "unknown": 4}, {"woman": 0.5, "man": 0.5})
    assert (none.statistic, none.p) == (None, None)
    assert level(none, "woman").reason == "no_cases"
    assert level(compared({"woman": 3, "man": 1}, {"woman": 0.5, "man": 0.5}), "man").reason == "too_few_for_a_rate"


def test_the_test_of_composition_rejects_as_often_as_it_may() -> None:
    """Many rare levels, where no chi-square is near."""
    rng = np.random.default_rng(5)
    shares = 1.0 / np.arange(1, 31)
    shares /= shares.sum()
    named = {f"n{place:02}": float(share) for place, share in enumerate(shares)}
    runs, small = 50, 0
    for _ in range(runs):
        drawn = dict(zip(named, (int(x) for x in rng.multinomial(60, shares)), strict=True))
        p = compared(drawn, named, seed=int(rng.integers(1_000_000))).p
        assert p is not None
        small += p <= 0.05
    assert small / runs <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / runs)


def test_without_a_table_nothing_is_compared() -> None:
    feature = categorical("sex", ["a"])
    plan = plan_of(RULES, [feature])
    assert (
        reference_comparison(plan.verdict, None, CountsTable.of(["sex"], {("a",): cells(1)}), {"sex": feature}) is None
    )
