"""Precision and share flagged at the base rate of the place where the detector works."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from audit.analyses.estimates import as_known, interval_fields, why_not_stated
from audit.counting.family_moments import Cells
from audit.counting.moments import Moments
from audit.counting.table import MOST_GROUPS, FamilyCounts, is_finest
from audit.plan.audit_plan import AuditPlan
from audit.result.findings.patterns import Deployed, DeployedGroup, PatternReason
from audit.stats.arrays import FloatArray
from audit.stats.intervals import RateLimits, wilson
from audit.stats.operating_points import flag_rate_at, precision_at
from audit.vocabulary.groups import Family
from audit.vocabulary.metrics import METRICS, Cell, Metric

_FLAGGED_OF_ALL: Final[Cells] = ((Cell.TP, Cell.FP), (Cell.TP, Cell.FP, Cell.FN, Cell.TN))
_RIGHT_OF_FLAGGED: Final[Cells] = ((Cell.TP,), (Cell.TP, Cell.FP))


@dataclass(frozen=True, slots=True)
class Rates:
    """True and false positive rates of a family's groups with their limits, where counts alone do not give them."""

    true_positive: RateLimits
    """Estimate, lower and upper limit, each of shape (G,); nan where unknown."""
    false_positive: RateLimits
    """Estimate, lower and upper limit, each of shape (G,); nan where unknown."""


def deployed(
    plan: AuditPlan,
    families: Sequence[FamilyCounts],
    rates: Mapping[Family, Rates] | None = None,
    moments: Moments | None = None,
) -> tuple[Deployed, ...]:
    """Estimate each group's rates at the plan's deployed base rate; empty where the plan names none.

    Parameters
    ----------
    plan : AuditPlan
        Names the prevalence. The same one is used for every group.
    families : sequence of FamilyCounts
        `everyone_as_family` and the families of the result. Shown are those of at most `MOST_GROUPS` groups, and single
        features on their finest rung.
    rates : mapping of Family to Rates, optional
        Weighted rates with their limits. Without them: from the counts, with Wilson limits.
    moments : Moments, optional
        Where they hold weights, the shares in the set itself are weighted as well.
    """
    if plan.deployment is None:
        return ()
    return tuple(
        _family_deployed(plan, family, plan.deployment.prevalence, (rates or {}).get(family.family), moments)
        for family in families
        if len(family.groups) <= MOST_GROUPS or (len(family.family.axes) == 1 and is_finest(plan, family.family))
    )


def _family_deployed(
    plan: AuditPlan, family: FamilyCounts, prevalence: float, rates: Rates | None, moments: Moments | None
) -> Deployed:
    assert plan.deployment is not None  # noqa: S101 - the caller has seen to it
    floor, level = plan.verdict.min_denominator, plan.verdict.level
    metrics = METRICS["true_positive_rate"], METRICS["false_positive_rate"]
    tpr, fpr = (
        (rates.true_positive, rates.false_positive)
        if rates is not None
        else (_rate_from_counts(family, metrics[0], level), _rate_from_counts(family, metrics[1], level))
    )
    denominators = [family.denominator(metric) for metric in metrics]
    flag_rate, precision = flag_rate_at(prevalence, tpr, fpr), precision_at(prevalence, tpr, fpr)
    set_flags, set_right = (
        _share_in_set(family, cells, floor, moments) for cells in (_FLAGGED_OF_ALL, _RIGHT_OF_FLAGGED)
    )
    shown: list[DeployedGroup] = []
    for place, group in enumerate(family.groups):
        reason = _reason([int(n[place]) for n in denominators], floor)
        if reason is not None and len(family.groups) > MOST_GROUPS:
            continue
        known = reason is None
        if known and np.isnan(precision[0][place]):
            reason = "nobody_flagged"
        shown.append(
            DeployedGroup.model_construct(
                None,
                group=group,
                set_flag_rate=as_known(set_flags[place]),
                set_precision=as_known(set_right[place]),
                **interval_fields(("flag_rate", "flag_rate_low", "flag_rate_high"), flag_rate, place, known=known),
                **interval_fields(("precision", "precision_low", "precision_high"), precision, place, known=known),
                flags_per_1000=as_known(1000.0 * flag_rate[0][place]) if known else None,
                right_per_1000=as_known(1000.0 * prevalence * tpr[0][place]) if known else None,
                reason=reason,
            )
        )
    return Deployed.model_construct(
        family=family.family,
        prevalence=prevalence,
        source=plan.deployment.source,
        groups=tuple(shown),
        groups_not_shown=len(family.groups) - len(shown),
        level=level,
    )


def _rate_from_counts(family: FamilyCounts, metric: Metric, level: float) -> RateLimits:
    x, n = family.numerator(metric), family.denominator(metric)
    return np.where(n > 0, x / np.maximum(n, 1), np.nan), *wilson(x, n, level)


def _reason(denominators: Sequence[int], floor: int) -> PatternReason | None:
    fewest = why_not_stated(min(denominators), floor)
    return None if fewest is None else ("no_cases" if fewest == "no_cases" else "too_few_for_a_rate")


def _share_in_set(family: FamilyCounts, cells: Cells, floor: int, moments: Moments | None) -> FloatArray:
    """float64[G]: a share among the labelled cases of the set itself, weighted where these are; nan below the floor."""
    n = family.total(cells[1])
    share = family.total(cells[0]) / np.maximum(n, 1) if moments is None else moments.of(family).own(cells).rate
    return np.where(n >= max(floor, 1), share, np.nan)
