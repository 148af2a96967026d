"""The cost of errors: by hand, against other intervals where they are the same, and by simulation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made.counts import categorical, cells, families_of, plan_of
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from audit.analyses.deployment import cost_findings
from audit.counting.counted import count_everything
from audit.counting.table import count_families, everyone_as_family
from audit.evaluation.evaluation_set import open_evaluation_set
from audit.plan.sections import CostsSection
from audit.result.findings.further import CostOfErrors
from audit.scoring import score
from audit.stats.intervals import difference_of_independent
from audit.stats.operating_points import expected_cost
from tools.simulate.scores import costs as simulated_costs

FEATURE = categorical("origin", ["north", "south", "east"])


def found(rows: dict[str, list[int]], *, missed: float = 10, flagged: float = 1) -> dict[str, CostOfErrors]:
    plan = plan_of([{"metric": "true_positive_rate", "groups": ["origin"], "margin": 0.1}], [FEATURE])
    asked = plan.model_copy(update={"costs": CostsSection(cost_missed=missed, cost_flagged=flagged)})
    counts, families = families_of(asked, [FEATURE], {(name,): cells(*of) for name, of in rows.items()})
    shown = [everyone_as_family(counts), *families.values()]
    assert cost_findings(plan.verdict, plan.costs, shown) == ()
    records = cost_findings(asked.verdict, asked.costs, shown)
    return {record.group.levels[0].code if record.group.levels else "": record for record in records}


def test_costs_by_hand() -> None:
    costs = found({"north": [6, 4, 10, 80], "south": [8, 2, 5, 35], "east": [1, 1, 1, 1]})
    assert costs["north"].per_1000 == 500.0  # (10 x 4 + 10) / 100
    assert costs["south"].per_1000 == 500.0  # (10 x 2 + 5) / 50
    assert costs["north"].rest_per_1000 == pytest.approx(1000 * (10 * 3 + 6) / 54, rel=1e-9)
    assert costs["north"].difference == pytest.approx(500 - 1000 * 36 / 54, rel=1e-9)
    assert (costs[""].missed, costs[""].wrongly_flagged, costs[""].cases) == (7, 16, 154)
    assert costs[""].per_1000 == pytest.approx(86000 / 154)
    assert (costs[""].difference, costs[""].reason) == (None, "no_rest")
    assert (costs["east"].per_1000, costs["east"].low, costs["east"].difference) == (None, None, None)
    assert costs["east"].reason == "too_few_for_a_rate"
    assert costs["east"].cases == 4


def test_a_group_without_cases_and_one_without_a_rest_have_their_reasons() -> None:
    costs = found({"north": [6, 4, 10, 80], "south": [0, 0, 0, 0], "east": [1, 1, 0, 1]})
    assert costs["south"].reason == "no_cases"
    assert (costs["north"].reason, costs["north"].difference) == ("too_few_in_rest", None)
    assert costs["north"].per_1000 is not None


def test_weighted_costs_are_weighted_and_have_no_interval_that_takes_rows_for_independent() -> None:
    plan = plan_of([{"metric": "true_positive_rate", "groups": ["origin"], "margin": 0.1}], [FEATURE])
    section = plan.evaluation_set.model_copy(update={"weight": "weight"})
    asked = plan.model_copy(update={"costs": CostsSection(cost_missed=10, cost_flagged=1), "evaluation_set": section})
    labels, flags = [1, 1, 1, 0, 0, 0] * 2, [1, 0, 0, 1, 0, 0] * 2
    weights = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0]
    table = pa.table(
        {
            "id": [str(number) for number in range(12)],
            "label": [str(label) for label in labels],
            "origin": ["north"] * 6 + ["south"] * 6,
            "score": [0.9 if flag else 0.1 for flag in flags],
            "weight": weights,
        }
    )
    with open_evaluation_set(asked, Path(), table) as evaluation_set:
        score(asked, evaluation_set, Path())
        counted = count_everything(evaluation_set, asked, Path())
        families = list(count_families(asked.groups, asked.rules, counted.table, evaluation_set.features).values())
    north, south = cost_findings(asked.verdict, asked.costs, families, counted.moments)
    assert north.per_1000 == pytest.approx(1000 * (10 * 5 + 4) / 21)
    assert south.per_1000 == pytest.approx(1000 * (10 * 9 + 3) / 21)
    assert north.rest_per_1000 == south.per_1000
    assert north.difference == pytest.approx(1000 * (54 - 93) / 21)
    assert (north.low, north.difference_high, north.reason) == (None, None, "weights_or_clusters")


counts = st.tuples(*[st.integers(0, 60)] * 3).filter(lambda of: sum(of) > 0)


@given(first=counts, second=counts)
def test_with_equal_costs_the_intervals_are_wilsons_and_newcombes(
    first: tuple[int, int, int], second: tuple[int, int, int]
) -> None:
    sides = []
    for missed, flagged, right in (first, second):
        cases = missed + flagged + right
        side = expected_cost([missed], [flagged], [cases], 1.0, 1.0)
        expected = proportion_confint(missed + flagged, cases, method="wilson")
        assert [float(one[0]) for one in side[1:]] == pytest.approx(expected, abs=1e-12)
        sides.append((side, missed + flagged, cases))
    (own, x, n), (rest, y, m) = sides
    _, low, high = difference_of_independent(own, rest)
    expected = confint_proportions_2indep(x, n, y, m, method="newcomb", compare="diff")
    assert (float(low[0]), float(high[0])) == pytest.approx(expected, abs=1e-12)


@given(of=counts, missed=st.floats(0, 50), flagged=st.floats(0, 50))
def test_an_interval_holds_its_cost_and_no_impossible_one(
    of: tuple[int, int, int], missed: float, flagged: float
) -> None:
    cost, low, high = (float(one[0]) for one in expected_cost([of[0]], [of[1]], [sum(of)], missed, flagged))
    assert 0 <= low <= cost + 1e-9
    assert cost - 1e-9 <= high <= max(missed, flagged) + 1e-12
    mirrored = expected_cost([of[1]], [of[0]], [sum(of)], flagged, missed)
    assert [float(one[0]) for one in mirrored] == pytest.approx([cost, low, high], abs=1e-9)
    double = expected_cost([of[0]], [of[1]], [sum(of)], 2 * missed, 2 * flagged)
    assert [float(one[0]) for one in double] == pytest.approx([2 * cost, 2 * low, 2 * high], abs=1e-9)


def test_impossible_counts_and_costs_are_refused() -> None:
    with pytest.raises(ValueError, match="more errors than cases"):
        expected_cost([3], [3], [5], 1.0, 1.0)
    with pytest.raises(ValueError, match="not negative"):
        expected_cost([1], [1], [5], -1.0, 1.0)


@pytest.mark.parametrize("shares", [(0.02, 0.02), (0.05, 0.1), (0.2, 0.1), (0.02, 0.3), (0.4, 0.4), (0.0, 0.1)])
@pytest.mark.parametrize("costs", [(10.0, 1.0), (1.0, 1.0), (1.0, 10.0)])
@pytest.mark.parametrize(("cases", "least"), [(10, 0.92), (30, 0.925), (100, 0.925)])
def test_intervals_cover_the_true_cost_and_the_true_difference(
    shares: tuple[float, float], costs: tuple[float, float], cases: int, least: float
) -> None:
    """Wilson's own dips below 95 % stay; nothing of the sum of two shares adds to them. 20,000 runs: se 0.2 points."""
    for measured in simulated_costs(20_000, np.random.default_rng(20261124), cases, shares, costs).values():
        assert 1.0 - measured.share >= least
