"""Costs of errors, group by group, in the unit in which the plan weighs them. Shown, never judged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from audit.analyses.estimates import as_known, interval_fields, why_not_stated
from audit.counting.moments import Moments
from audit.counting.table import FamilyCounts
from audit.plan.audit_plan import AuditPlan
from audit.plan.sections import CostsSection
from audit.result.findings.further import CostOfErrors, CostReason
from audit.stats.arrays import FloatArray
from audit.stats.intervals import difference_of_independent
from audit.stats.operating_points import expected_cost
from audit.vocabulary.metrics import Cell

PER: Final = 1_000.0
"""Number of labelled and scored cases that costs are stated for."""

_CASES: Final = (Cell.TP, Cell.FN, Cell.FP, Cell.TN)
Limits = tuple[FloatArray, FloatArray, FloatArray]
"""Value, lower end, upper end: float64[G] each."""


class _Costs(NamedTuple):
    own: Limits
    rest: Limits
    difference: Limits


def cost_findings(
    plan: AuditPlan, families: Sequence[FamilyCounts], moments: Moments | None = None
) -> tuple[CostOfErrors, ...]:
    """Estimate the cost of errors in every group of `families` and in its rest, and the difference; () without `costs`.

    Where `moments` hold weights the costs are weighted (Hajek). Where they hold weights or clusters no interval is
    stated: one that takes rows for independent would be too short. Below the floor of the plan nothing is stated.
    """
    if plan.costs is None:
        return ()
    return tuple(record for family in families for record in _family_costs(plan, plan.costs, family, moments))


def _family_costs(
    plan: AuditPlan, costs: CostsSection, family: FamilyCounts, moments: Moments | None
) -> list[CostOfErrors]:
    level, floor = plan.verdict.level, plan.verdict.min_denominator
    missed, flagged, cases = (family.total(cells) for cells in ((Cell.FN,), (Cell.FP,), _CASES))
    rest_cases = family.rest(_CASES)
    found = _counted_costs(costs, family, level) if moments is None else _weighted_costs(costs, family, moments)
    found = _Costs(*((PER * value, PER * low, PER * high) for value, low, high in found))
    records: list[CostOfErrors] = []
    gap = ("difference", "difference_low", "difference_high")
    for place, group in enumerate(family.groups):
        reason = _reason(int(cases[place]), int(rest_cases[place]), floor, has_intervals=moments is None)
        own = reason not in ("no_cases", "too_few_for_a_rate")
        both = reason in (None, "weights_or_clusters")
        records.append(
            CostOfErrors.model_construct(
                None,
                group=group,
                missed=int(missed[place]),
                wrongly_flagged=int(flagged[place]),
                cases=int(cases[place]),
                **interval_fields(("per_1000", "low", "high"), found.own, place, known=own),
                rest_per_1000=as_known(found.rest[0][place]) if both else None,
                **interval_fields(gap, found.difference, place, known=both),
                level=level,
                reason=reason,
            )
        )
    return records


def _counted_costs(costs: CostsSection, family: FamilyCounts, level: float) -> _Costs:
    own, rest = (
        expected_cost(count((Cell.FN,)), count((Cell.FP,)), count(_CASES), costs.cost_missed, costs.cost_flagged, level)
        for count in (family.total, family.rest)
    )
    return _Costs(own, rest, difference_of_independent(own, rest))


def _weighted_costs(costs: CostsSection, family: FamilyCounts, moments: Moments) -> _Costs:
    of = moments.of(family)
    unknown = np.full(len(family.groups), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        own, rest = (
            (costs.cost_missed * weight((Cell.FN,)) + costs.cost_flagged * weight((Cell.FP,))) / weight(_CASES)
            for weight in (of.weight, of.rest_weight)
        )
    return _Costs((own, unknown, unknown), (rest, unknown, unknown), (own - rest, unknown, unknown))


def _reason(cases: int, rest: int, floor: int, *, has_intervals: bool) -> CostReason | None:
    own = why_not_stated(cases, floor)
    if own is not None:
        return "no_cases" if own == "no_cases" else "too_few_for_a_rate"
    if rest < floor:
        return "no_rest" if rest == 0 else "too_few_in_rest"
    return None if has_intervals else "weights_or_clusters"
