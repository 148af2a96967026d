"""Shares flagged and their ratios, in the form of New York City's Local Law 144: by gender, by nationality, and by
both.

The form is that of the rules of its Department of Consumer and Worker Protection, section 5-301. It is borrowed from
employment. A group of fewer than 2 % of the cases may be left out of the ratios there, with a reason and with its
number and rate; cases of which the category is unknown are counted. Here both are always done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from audit.plan.audit_plan import AuditPlan
from audit.result.findings.judged import Estimate
from audit.result.findings.safeguards import ImpactRatio, ImpactRatios, LeftOut
from audit.vocabulary.groups import Axis, Family, Group

_OF_ALL: Final = 50
"""Section 5-301(d): a group may be left out if it has fewer than 2 % of all cases, one in this number."""
_CODINGS: Final = ("gender", "nationality")


def impact_ratios(plan: AuditPlan, estimates: Sequence[Estimate]) -> tuple[ImpactRatios, ...]:
    """Make one table for gender, for nationality (on its finest rung), and for a pair of them that the plan counts
    together.
    """
    rates: dict[Family, list[Estimate]] = {}
    for one in estimates:
        if one.metric == "selection_rate":
            rates.setdefault(one.group.family, []).append(one)
    everyone = rates.get(Family(()))
    if not everyone or not everyone[0].denominator:
        return ()
    return tuple(
        _table(family, of_groups, everyone[0]) for family, of_groups in rates.items() if _fits_the_form(plan, family)
    )


def _fits_the_form(plan: AuditPlan, family: Family) -> bool:
    codings = [plan.coding(axis.feature) if axis.feature in plan.groups else "" for axis in family.axes]
    known = bool(codings) and len(set(codings)) == len(codings) and set(codings) <= set(_CODINGS)
    return known and all(_is_finest(plan, axis) for axis in family.axes)


def _is_finest(plan: AuditPlan, axis: Axis) -> bool:
    return axis.rung == plan.rungs(axis.feature)[0]


def _table(family: Family, rates: Sequence[Estimate], everyone: Estimate) -> ImpactRatios:
    reasons = {one.group: _left_out(one, everyone) for one in rates}
    compared = [one for one in rates if reasons[one.group] is None]
    highest = max(compared, key=lambda one: one.value or 0.0, default=None)
    return ImpactRatios(
        family=family,
        cases=everyone.denominator,
        unknown=sum(one.denominator for one in rates if reasons[one.group] == "unknown"),
        highest=highest.group if highest is not None and highest.value else None,
        groups=tuple(_ratio(one, reasons, highest) for one in rates),
        level=everyone.level,
    )


def _left_out(one: Estimate, everyone: Estimate) -> LeftOut | None:
    if any(level.code == "unknown" for level in one.group.levels):
        return "unknown"
    if one.value is None:
        return "too_few_for_a_rate"
    return "below_two_per_cent" if one.denominator * _OF_ALL < everyone.denominator else None


def _ratio(one: Estimate, reasons: Mapping[Group, LeftOut | None], highest: Estimate | None) -> ImpactRatio:
    reason = reasons[one.group]
    best = None if highest is None else highest.value
    if reason is None and not best:
        reason = "nobody_flagged"
    return ImpactRatio(
        group=one.group,
        cases=one.denominator,
        flagged=one.numerator,
        rate=one.value,
        low=one.low,
        high=one.high,
        ratio=one.value / best if reason is None and one.value is not None and best else None,
        left_out=reason,
    )
