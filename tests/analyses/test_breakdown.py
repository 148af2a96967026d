"""A PASS of weighted or clustered rows falls where so much more is supposed of people of unknown group."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from made.counts import WORST, categorical, plan_of
from made.weighted_rows import Made

from audit.analyses.sensitivity import LARGEST_FACTOR, sensitivity_findings
from audit.counting.moments import Moments
from audit.counting.table import CountsTable, count_families
from audit.plan.audit_plan import AuditPlan
from audit.plan.sections import SensitivitySection
from audit.result.findings.sensitivity import RuleSensitivity
from audit.verdicts.judge import judge
from audit.vocabulary.metrics import Cell


def rows(kind: str) -> Made:
    """Return two groups that find about as many, and some of unknown group: weighted, in pairs, or all alike."""
    rng = np.random.default_rng(11)
    sizes = {"a": 2_000, "b": 4_000, "unknown": 240}
    group = [code for code, size in sizes.items() for _ in range(size)]
    cell = [Cell.TP if rng.random() < 0.8 else Cell.FN for _ in group]
    weight = rng.choice([1.0, 1.5], len(group)) if kind == "weights" else np.ones(len(group))
    cluster = np.arange(len(group)) // 2 if kind == "clusters" else None
    return Made(group, cell, cluster, weight)


def supposing(plan: AuditPlan, **factors: object) -> AuditPlan:
    return plan.model_copy(update={"sensitivity": SensitivitySection.model_validate({**WORST, **factors})})


def found_in(made: Made, plan: AuditPlan) -> RuleSensitivity:
    verdicts = list(made.judged(plan)[1].values())
    (found,) = sensitivity_findings(plan, made.families(plan), verdicts, made.moments())
    return found


@pytest.mark.parametrize(("kind", "margin"), [("weights", 0.05), ("clusters", 0.06), ("all alike", 0.05)])
def test_a_pass_falls_at_its_breakdown_factor_and_not_below(kind: str, margin: float) -> None:
    made = rows(kind)
    plan = supposing(made.plan({"margin": margin}), unknown_share_factor=2.0, unknown_odds_factor=2.0)
    assert made.judged(plan)[1]["a"].outcome == "pass"
    found = found_in(made, plan)
    assert found.breakdown_factor is not None
    assert found.weakest is not None
    assert found.breakdown_factor > 2.0
    weakest = found.weakest.levels[0].code

    def outcome(factor: float) -> str:
        again = supposing(plan, unknown_share_factor=2.0, unknown_odds_factor=factor)
        return made.judged(again)[1][weakest].outcome

    assert outcome(found.breakdown_factor * 1.0001) != "pass"
    assert outcome(found.breakdown_factor * 0.99) == "pass"
    worst = made.judged(supposing(plan))[1]
    passing = [code for code, verdict in made.judged(plan)[1].items() if verdict.outcome == "pass"]
    assert found.not_if_nothing_supposed == sum(worst[code].outcome != "pass" for code in passing) > 0


@pytest.mark.parametrize("unknown", ["first", "second"])
def test_of_several_families_that_one_counts_whose_group_falls_first(unknown: str) -> None:
    """People of unknown group are of one feature alone, and the groups of the other cannot fall."""
    rng = np.random.default_rng(11)
    own = np.repeat(["a", "b", "unknown"], [2_000, 4_000, 480])
    both = list(zip(own, rng.choice(["c", "d"], own.size), strict=True))
    codes = both if unknown == "first" else [(other, known) for known, other in both]
    cell = [Cell.TP if rng.random() < 0.8 else Cell.FN for _ in codes]
    made = Made([" ".join(code) for code in codes], cell, None, rng.choice([1.0, 1.5], own.size))
    pairs = tuple((first, second) for (code,) in made.codes for first, second in [code.split()])
    features = [categorical(name, [pair[place] for pair in pairs]) for place, name in enumerate(("first", "second"))]
    rule = {"metric": "true_positive_rate", "groups": ["first", "second"], "margin": 0.06}
    plan = plan_of([rule], features, groups={name: {"min_cases": 20} for name in ("first", "second")})
    plan = supposing(plan, unknown_share_factor=2.0, unknown_odds_factor=2.0)
    families = count_families(
        plan.groups, plan.rules, CountsTable(("first", "second"), pairs, made.counts.cells), features
    )
    moments = Moments(tuple(features), pairs, made.moments().table, weighted=True)
    _, verdicts, _ = judge(plan, families, {feature.name: feature for feature in features}, moments)
    passing = {verdict.group.levels[0].code for verdict in verdicts if verdict.outcome == "pass"}
    assert passing >= {"a", "b", "c", "d"}
    (found,) = sensitivity_findings(plan, families, verdicts, moments)
    assert found.breakdown_factor is not None
    assert found.weakest is not None
    assert found.weakest.levels[0].feature == unknown


def test_nothing_breaks_where_every_group_is_known() -> None:
    rng = np.random.default_rng(2)
    group = ["a"] * 900 + ["b"] * 900
    cell = [Cell.TP if rng.random() < 0.8 else Cell.FN for _ in group]
    made = Made(group, cell, weight=rng.choice([1.0, 1.5], 1_800))
    found = found_in(made, made.plan({"margin": 0.1}))
    assert made.judged(made.plan({"margin": 0.1}))[0].outcome == "pass"
    assert (found.breakdown_factor, found.weakest, found.not_if_nothing_supposed) == (None, None, 0)


# Of these sets a larger supposition once passed what a smaller one did not: (sizes, margin, share, seed).
BENT = [
    ({"a": 579, "b": 311, "c": 174, "unknown": 171}, 0.2, 4.0),
    ({"a": 133, "b": 527, "c": 262, "unknown": 147}, 0.15, 1.0),
]


@pytest.mark.parametrize(("sizes", "margin", "share"), BENT)
def test_who_passes_what_is_supposed_passes_whatever_it_leaves_open(
    sizes: dict[str, int], margin: float, share: float
) -> None:
    rng = np.random.default_rng(3)
    group = [code for code, size in sizes.items() for _ in range(size)]
    asked: list[tuple[Made, set[str]]] = []

    def passing(made: Made, odds: float | str) -> set[str]:
        plan = supposing(made.plan({"margin": margin}), unknown_share_factor=share, unknown_odds_factor=odds)
        return {code for code, verdict in made.judged(plan)[1].items() if verdict.outcome == "pass"}

    for base in (0.8, 0.85, 0.9, 0.95):
        cell = [Cell.TP if rng.random() < base else Cell.FN for _ in group]
        made = Made(group, cell, None, rng.choice([1.0, 5.0], len(group)))
        outcomes = [passing(made, odds) for odds in (1, 2, 5, 8, 20, 64, "worst")]
        asked.append((made, outcomes[0]))
        assert all(more >= fewer for more, fewer in pairwise(outcomes)), outcomes
    assert any(first for _, first in asked)
    made, first = asked[-1]
    # and where a larger supposition would pass it, a breakdown factor is found all the same
    plan = supposing(made.plan({"margin": margin}), unknown_share_factor=share, unknown_odds_factor=1)
    falls = not passing(made, LARGEST_FACTOR) >= first
    assert (found_in(made, plan).breakdown_factor is not None) == falls
