"""Which groups are large enough to be judged alone on their change: from labels and the plan, never from an answer."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from audit.analyses.decidability import FamilyDecidability
from audit.analyses.sides import cases_cells
from audit.changes.margins import Evidence
from audit.changes.sides import change_questions, margin_of
from audit.plan.audit_plan import AuditPlan, Rule
from audit.stats.paired_planning import pairs_to_pass
from audit.stats.planning import cases_to_pass
from audit.vocabulary.groups import Family
from audit.vocabulary.metrics import METRICS

__all__ = ["family_sizes"]


def family_sizes(plan: AuditPlan, rule: Rule, family: Family, evidence: Evidence) -> FamilyDecidability:
    """What the cases of each group of a family allow to be said of its change.

    A group is judged alone if it has the cases that the plan sets for it (`min_cases`, `min_denominator`) and as many
    as a version that is no worse needs to pass with the plan's power: where cases are compared one by one, if both
    versions differ on `baseline.expected_change` of them.
    """
    cells = cases_cells(METRICS[rule.metric])
    n, m = evidence.now.total(cells), evidence.then.total(cells)
    floor = plan.verdict.min_denominator
    evaluable = (n >= floor) & (m >= floor)
    required = np.maximum(np.full(n.shape, _declared(plan, family)), _planned(plan, rule, evidence, m))
    no = np.zeros(n.shape, dtype=np.bool_)
    return FamilyDecidability(
        family=family,
        groups=evidence.now.groups,
        cases=n,
        rest_cases=m,
        required=required,
        evaluable=evaluable,
        decidable=evaluable & (n >= required),
        people=n.astype(np.float64),
        size=n.astype(np.float64),
        rest_size=m.astype(np.float64),
        too_few_clusters=no,
        too_few_to_pass=no,
    )


def _declared(plan: AuditPlan, family: Family) -> float:
    declared = [plan.groups[axis.feature].min_cases for axis in family.axes]
    return float(max([plan.verdict.min_denominator, *(number for number in declared if isinstance(number, int))]))


def _planned(
    plan: AuditPlan, rule: Rule, evidence: Evidence, m: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64] | float:
    asked, alpha = change_questions(plan, rule), plan.verdict.alpha
    # of two sides each is planned for half of the risk, so that both pass together with the power asked for
    power = 1.0 - (1.0 - plan.verdict.power) / len(asked)
    if evidence.pairs is not None:
        return pairs_to_pass(plan.baseline.expected_change, margin_of(plan, rule), alpha, power)
    planned = [cases_to_pass(rule.planned_rate, m, one.within, alpha=alpha, power=power) for one in asked]
    return np.asarray(np.max(np.stack(planned), axis=0), dtype=np.float64)
