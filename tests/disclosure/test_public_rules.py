"""Rules as the public reads them: from the plan alone."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
from made.counts import categorical, plan_of

from audit.analyses.sides import questions
from audit.disclosure.rules import public_rules
from audit.plan.audit_plan import AuditPlan
from audit.stats.sizes.approximate_power import cases_to_pass

FEATURE = categorical("sector", ["farm", "mine"])


def plan_with(rule: dict[str, Any], **feature: Any) -> AuditPlan:
    groups = {"sector": {"column": "sector", "coding": "categorical", **feature}}
    return plan_of([{"groups": ["sector"], **rule}], [FEATURE], groups=groups)


@pytest.mark.parametrize(("rule", "worse"), [
    ({"metric": "true_positive_rate", "margin": 0.1}, ("low",)),
    ({"metric": "false_positive_rate", "ratio": 0.8}, ("high",)),
    ({"metric": "selection_rate", "margin": 0.1, "direction": "both"}, ("low", "high")),
])  # fmt: skip
def test_a_rule_keeps_its_limit_and_its_side(rule: dict[str, Any], worse: tuple[str, ...]) -> None:
    (made,) = public_rules(plan_with(rule))
    assert made.worse == worse
    assert (made.metric, made.limit) == (rule["metric"], rule.get("margin", rule.get("ratio")))
    assert made.scale == ("ratio" if "ratio" in rule else "difference")
    assert made.least_cases > 20


def test_declared_sizes_are_kept() -> None:
    (made,) = public_rules(plan_with({"metric": "true_positive_rate", "margin": 0.1}, min_cases=250))
    assert made.least_cases == 250


def test_planned_sizes_are_those_of_the_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    words = importlib.import_module("tools.simulate.disclosure_words")
    (made,) = public_rules(importlib.import_module("tools.simulate.whole_audit").plan())
    assert made == words.RULE.model_copy(update={"groups": made.groups})


def test_no_group_needs_fewer_cases_than_a_rate_does() -> None:
    plan = plan_with({"metric": "true_positive_rate", "margin": 0.1}, min_cases=40)
    verdict = plan.verdict.model_copy(update={"min_denominator": 60})
    (made,) = public_rules(plan.model_copy(update={"verdict": verdict}))
    assert made.least_cases == 60


@pytest.mark.parametrize("direction", ["worse", "both"])
def test_a_limit_on_both_sides_needs_the_power_of_each(direction: str) -> None:
    """Of 500 groups that pass together eight times in ten; of two questions each may take half of what may go wrong."""
    plan = plan_with({"metric": "true_positive_rate", "margin": 0.1, "direction": direction})
    (rule,), verdict = plan.named_rules, plan.verdict
    asked = questions(plan, rule)
    assert len(asked) == (2 if direction == "both" else 1)
    alone = verdict.power ** (1 / 500)
    power = (1 + alone) / 2 if direction == "both" else alone
    needed = [
        cases_to_pass([rule.planned_rate], [1_000_000], each.within, alpha=verdict.alpha, power=power)[0]
        for each in asked
    ]
    (made,) = public_rules(plan)
    assert max(needed) <= made.least_cases < max(needed) + 1
