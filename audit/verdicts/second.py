"""Verdicts on other decisions over the same cases, by the ordinary tests: people's, and each form by itself.

They are other questions than that of the plan, as a change from a baseline is, and each kind of them has a budget of
its own: `alpha`, divided by how many of its kind are asked for. None enters the verdict of the audit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from audit.analyses.estimates import estimates, group_counts, without_hidden
from audit.counting.second_counts import SecondCounts
from audit.counting.table import count_families, everyone_as_family
from audit.plan.audit_plan import AuditPlan
from audit.result.findings.second import SecondVerdict
from audit.verdicts.judge import judge
from audit.vocabulary.groups import SensitiveFeature


def judge_second(
    plan: AuditPlan, counts: Sequence[SecondCounts], features: Sequence[SensitiveFeature], *, hides: bool
) -> tuple[SecondVerdict, ...]:
    """Judge the rules of a plan over each of these counts; `hides`: those of a table that hides numbers."""
    by_name = {feature.name: feature for feature in features}
    of_kind = Counter(one.kind for one in counts)
    limited = {rule.metric for rule in plan.rules}
    found = []
    for one in counts:
        families = count_families(plan, one.table, features)
        shown = [everyone_as_family(one.table), *families.values()]
        alpha = plan.verdict.alpha / of_kind[one.kind]
        stricter = plan.model_copy(update={"verdict": plan.verdict.model_copy(update={"alpha": alpha})})
        rules, verdicts, overall = judge(stricter, families, by_name, one.moments)
        rates = estimates(
            [without_hidden(family) for family in shown] if hides else shown,
            level=plan.verdict.level,
            min_denominator=plan.verdict.min_denominator,
            moments=one.moments,
            of_counts=hides,
        )
        found.append(
            SecondVerdict(
                kind=one.kind,
                name=one.name,
                alpha=alpha,
                outcome=overall.outcome,
                rules=rules,
                verdicts=verdicts,
                counts=group_counts(shown),
                estimates=tuple(rate for rate in rates if rate.metric in limited),
            )
        )
    return tuple(found)
