"""The rules of a plan as a public release states them: from the plan alone, and from no count."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from audit.analyses.sides import questions
from audit.plan.audit_plan import AuditPlan, NamedRule
from audit.public.table import PublicRule
from audit.stats.sizes.approximate_power import cases_to_pass

_REST: Final = 1_000_000
"""Cases of everyone else that planning supposes: the exact number is not for the public."""
_GROUPS: Final = 500
"""Groups that planning supposes to be judged together (`audit.verdicts.joint_power`): their number is not either."""


def public_rules(plan: AuditPlan, lines: Sequence[int | None] = ()) -> tuple[PublicRule, ...]:
    """Every rule on groups, with the cases that a group needs to be passed alone beside a large rest.

    `lines` are those of the plan file on which the rules stand, one for each; anything else is not known.
    """
    rules = plan.named_rules
    known = lines if len(lines) == len(rules) else [None] * len(rules)
    return tuple(_public(plan, rule, line) for rule, line in zip(rules, known, strict=True))


def _public(plan: AuditPlan, rule: NamedRule, line: int | None) -> PublicRule:
    return PublicRule(
        rule=rule.id,
        metric=rule.metric,
        scale=rule.scale,
        limit=rule.limit,
        worse=tuple(question.side for question in questions(plan, rule)),
        least_cases=_least(plan, rule),
        groups=rule.feature_sets,
        line=line,
    )


def _least(plan: AuditPlan, rule: NamedRule) -> int:
    """The largest that any feature of the rule asks for; one that leaves it to planning asks for what is planned."""
    named = {name for part in rule.groups for name in ((part,) if isinstance(part, str) else part)}
    declared = [plan.groups[name].min_cases for name in sorted(named)]
    least = max([plan.verdict.min_denominator, *(number for number in declared if isinstance(number, int))])
    if "auto" not in declared:
        return least
    asked = questions(plan, rule)
    power = 1.0 - (1.0 - plan.verdict.power ** (1.0 / _GROUPS)) / len(asked)
    for question in asked:
        planned = cases_to_pass([rule.planned_rate], [_REST], question.within, alpha=plan.verdict.alpha, power=power)
        if math.isfinite(planned[0]):
            least = max(least, math.ceil(planned[0]))
    return least
