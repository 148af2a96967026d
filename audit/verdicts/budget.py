"""Division of the chance of a false FAIL over the tests of a plan.

The plan alone decides it, so that nobody can choose after seeing the data. Comparisons of a probe that change the same
slots and hold the same slots are a family like any other, judged on two sides.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from audit.analyses.sides import questions
from audit.counting.table import is_finest, rule_families
from audit.plan.audit_plan import AuditPlan
from audit.vocabulary.groups import Family

ALL_NAMES: Final = 0.9
"""Share of alpha that names may spend in a plan without nationalities. The rest is for the one approximation in
discarding, the shared rest, which uses it in some families (docs, "How a verdict is reached").
"""
NAMES: Final = 0.75
"""Share of alpha that names may spend where nationalities are also judged together."""
UNNAMED: Final = 0.15
"""Share of alpha for the test of all nationalities together: "several are beyond the limit; none can be named"."""


class Budget(NamedTuple):
    """Level that each test may spend."""

    names: float
    """Level of one family on one side of a rule: the chance of naming any of its groups by mistake."""
    unnamed: float
    """Level of the test of one family of nationalities as a whole, on one side; 0 where the plan has none."""


def budget(plan: AuditPlan) -> Budget:
    """Divide alpha equally: names over every (rule, side, family), tests without a name over families of
    nationalities.
    """
    families = [(len(questions(plan, rule)), family) for rule in plan.rules for family in rule_families(plan, rule)]
    shares = sum(sides for sides, _ in families) + 2 * _probe_families(plan)
    combined = sum(sides for sides, family in families if is_combined(plan, family))
    alpha = plan.verdict.alpha
    if not combined:
        return Budget(ALL_NAMES * alpha / shares, 0.0)
    return Budget(NAMES * alpha / shares, UNNAMED * alpha / combined)


def change_level(plan: AuditPlan) -> float:
    """Level of one family on one side of a rule on a change: equal shares of what all names may spend."""
    shares = sum(len(questions(plan, rule)) * len(rule_families(plan, rule)) for rule in plan.rules)
    return ALL_NAMES * plan.verdict.alpha / shares


def _probe_families(plan: AuditPlan) -> int:
    families = {probe.id: probe.families for probe in plan.probes}
    return sum(families[probe] for rule in plan.named_probe_rules for probe in rule.probes)


def is_combined(plan: AuditPlan, family: Family) -> bool:
    """Say whether the groups of a family are also judged together: nationalities by themselves, on their finest
    rung.
    """
    (axis, *others) = family.axes
    return not others and plan.coding(axis.feature) == "nationality" and is_finest(plan, family)
