"""Disparities: each group's rate beside that of others, as a difference and as a ratio, with intervals.

Shares flagged and their ratios, in the form of New York City's Local Law 144: by gender, by nationality, and by
both.

The form is that of the rules of its Department of Consumer and Worker Protection, section 5-301. It is borrowed from
employment. A group of fewer than 2 % of the cases may be left out of the ratios there, with a reason and with its
number and rate; cases of which the category is unknown are counted. Here both are always done.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

import numpy as np

from audit.analyses.estimates import as_known, why_not_stated
from audit.analyses.weighted_rates import contrast
from audit.counting.family_moments import FamilyMoments
from audit.counting.moments import Moments
from audit.counting.table import FamilyCounts
from audit.plan.sections import Comparison, Groups, VerdictSection, feature_coding, feature_rungs
from audit.result.findings.judged import Disparity, Estimate, EstimateReason
from audit.result.findings.safeguards import ImpactRatio, ImpactRatios, LeftOut
from audit.stats.arrays import FloatArray, IntArray
from audit.stats.intervals import mover_ratio, newcombe_difference
from audit.vocabulary.groups import Axis, Family, Group
from audit.vocabulary.metrics import Metric


def disparities(
    group_features: Groups,
    verdict: VerdictSection,
    families: Sequence[FamilyCounts],
    metrics: Collection[Metric],
    moments: Moments | None = None,
) -> tuple[Disparity, ...]:
    """Make every comparison that the plan's `compare_with` asks for, of each of these rates of every group of
    `families`.

    Differences have Newcombe's hybrid score interval (1998, method 10), ratios the MOVER-R interval on Wilson limits
    (Donner and Zou 2012). A reference level is compared within its own feature, on its finest rung. With `moments`
    rates are weighted, limits are those at effective sizes, and what clusters with rows on both sides share is taken
    into account (Zou 2007).
    """
    rows: list[Disparity] = []
    for family in families:
        for metric in metrics:
            for compared_with in verdict.compare_with:
                others = _others(group_features, family, metric, compared_with)
                if others is not None:
                    rows.extend(
                        _family_disparities(group_features, verdict, family, metric, compared_with, others, moments)
                    )
    return tuple(rows)


def _others(
    group_features: Groups, family: FamilyCounts, metric: Metric, compared_with: Comparison
) -> tuple[IntArray, IntArray] | None:
    if compared_with != "reference":
        return family.rest(metric.numerator), family.rest(metric.denominator)
    axes = family.family.axes
    if len(axes) != 1 or axes[0].rung != feature_rungs(group_features, axes[0].feature)[0]:
        return None
    reference = group_features[axes[0].feature].reference
    if reference is None:
        return None
    places = [index for index, group in enumerate(family.groups) if group.levels[0].code == reference]
    x, n = family.numerator(metric), family.denominator(metric)
    if not places:
        return np.zeros_like(x), np.zeros_like(n)
    return np.full_like(x, x[places[0]]), np.full_like(n, n[places[0]])


def _family_disparities(
    group_features: Groups,
    verdict: VerdictSection,
    family: FamilyCounts,
    metric: Metric,
    compared_with: Comparison,
    others: tuple[IntArray, IntArray],
    moments: Moments | None,
) -> list[Disparity]:
    level, floor = verdict.level, verdict.min_denominator
    x, n = family.numerator(metric), family.denominator(metric)
    y, m = others
    difference = newcombe_difference(x, n, y, m, level)
    ratio = mover_ratio(x, n, y, m, level)
    rest = m
    if compared_with == "overall":
        difference, ratio = _against_everyone(difference, ratio, n / np.maximum(n + m, 1))
        y, m = x + y, n + m
    designed = (
        None if moments is None else _changes_by_design(group_features, verdict, moments, family, metric, compared_with)
    )
    rows: list[Disparity] = []
    for index, group in enumerate(family.groups):
        if compared_with == "reference" and group.levels[0].code == group_features[group.levels[0].feature].reference:
            continue
        counts = (int(x[index]), int(n[index]), int(y[index]), int(m[index]))
        reason = _reason(counts, int(rest[index]), floor, compared_with)
        known = reason is None or reason == "zero_in_rest"
        has_ratio = reason is None
        values: dict[str, float | None] = {
            "difference": counts[0] / counts[1] - counts[2] / counts[3] if known else None,
            "difference_low": as_known(difference[0][index]) if known else None,
            "difference_high": as_known(difference[1][index]) if known else None,
            "ratio": (counts[0] / counts[1]) / (counts[2] / counts[3]) if has_ratio else None,
            "ratio_low": as_known(ratio[0][index]) if has_ratio else None,
            "ratio_high": as_known(ratio[1][index]) if has_ratio else None,
        }
        if designed is not None:
            changed = designed(index)
            values |= {name: value for name, value in changed.items() if (has_ratio if "ratio" in name else known)}
        rows.append(
            Disparity.model_construct(
                None,
                metric=metric.name,
                group=group,
                compared_with=compared_with,
                other_numerator=counts[2],
                other_denominator=counts[3],
                level=level,
                status="estimated" if known else "not_evaluable",
                reason=reason,
                **values,
            )
        )
    return rows


def _changes_by_design(
    group_features: Groups,
    verdict: VerdictSection,
    moments: Moments,
    family: FamilyCounts,
    metric: Metric,
    compared_with: Comparison,
) -> Callable[[int], dict[str, float | None]] | None:
    """Return a function that gives the fields that weights and clusters change at a place; None where they change
    none.
    """
    family_moments = moments.of(family)
    reference = None
    alike = family_moments.counts_alike(metric.denominator)
    if compared_with == "reference":
        code = group_features[family.family.axes[0].feature].reference
        reference = next(
            (group_index for group_index, group in enumerate(family.groups) if group.levels[0].code == code), None
        )
        if reference is None:
            return None
        alone = family_moments.counts_alike(metric.denominator, rest=False)
        alike = alone & alone[reference]
    if compared_with == "overall" and not _weighs_the_same(family_moments, family, metric):
        alike = np.zeros_like(alike)
    if alike.all():
        return None
    contrasts = contrast(family_moments, family, metric, verdict.level, reference)
    difference, ratio = contrasts.difference, contrasts.ratio
    if compared_with == "overall":
        share = contrasts.share
        difference = difference[0] * (1.0 - share), difference[1] * (1.0 - share), difference[2] * (1.0 - share)
        with np.errstate(divide="ignore", invalid="ignore"):
            low, value, high = (1.0 / (share + (1.0 - share) / of_rest) for of_rest in (ratio[1], ratio[0], ratio[2]))
        ratio = value, low, high
    names = ("difference", "difference_low", "difference_high", "ratio", "ratio_low", "ratio_high")
    by_field = dict(zip(names, (*difference, *ratio), strict=True))

    def changes(index: int) -> dict[str, float | None]:
        return {} if alike[index] else {name: as_known(values[index]) for name, values in by_field.items()}

    return changes


def _weighs_the_same(family_moments: FamilyMoments, family: FamilyCounts, metric: Metric) -> bool:
    """Say whether every row of the set weighs the same, so that each group's part by weight is its part by cases."""
    units, n = family_moments.units(metric.denominator), family.denominator(metric)
    return bool(np.allclose(units * n.sum(), n * units.sum(), rtol=1e-12))


def _against_everyone(
    difference: tuple[FloatArray, FloatArray], ratio: tuple[FloatArray, FloatArray], share: FloatArray
) -> tuple[tuple[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]:
    """Carry intervals against the rest over to intervals against everyone.

    With `share` the group's part of the denominator, p - p_all = (1 - share)(p - p_rest) and p / p_all =
    1 / (share + (1 - share) / (p / p_rest)): both rise with the comparison against the rest, so its limits carry over.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = (1.0 / (share + (1.0 - share) / limit) for limit in ratio)
    return (difference[0] * (1.0 - share), difference[1] * (1.0 - share)), (low, high)


def _reason(
    counts: tuple[int, int, int, int], rest: int, floor: int, compared_with: Comparison
) -> EstimateReason | None:
    _, n, y, m = counts
    group_reason = why_not_stated(n, floor)
    if group_reason is not None:
        return group_reason
    if rest == 0 or m == 0:
        return "no_reference" if compared_with == "reference" else "no_rest"
    if m < floor:
        return "too_few_for_a_rate"
    return "zero_in_rest" if y == 0 else None


_OF_ALL: Final = 50
"""Section 5-301(d): a group may be left out if it has fewer than 2 % of all cases, one in this number."""
_CODINGS: Final = ("gender", "nationality")


def impact_ratios(group_features: Groups, estimates: Sequence[Estimate]) -> tuple[ImpactRatios, ...]:
    """Make one table for gender, for nationality (on its finest rung), and for a pair of them that the plan counts
    together.
    """
    rates: dict[Family, list[Estimate]] = {}
    for estimate in estimates:
        if estimate.metric == "selection_rate":
            rates.setdefault(estimate.group.family, []).append(estimate)
    everyone = rates.get(Family(()))
    if not everyone or not everyone[0].denominator:
        return ()
    return tuple(
        _table(family, of_groups, everyone[0])
        for family, of_groups in rates.items()
        if _fits_the_form(group_features, family)
    )


def _fits_the_form(group_features: Groups, family: Family) -> bool:
    codings = [
        feature_coding(group_features, axis.feature) if axis.feature in group_features else "" for axis in family.axes
    ]
    known = bool(codings) and len(set(codings)) == len(codings) and set(codings) <= set(_CODINGS)
    return known and all(_is_finest(group_features, axis) for axis in family.axes)


def _is_finest(group_features: Groups, axis: Axis) -> bool:
    return axis.rung == feature_rungs(group_features, axis.feature)[0]


def _table(family: Family, rates: Sequence[Estimate], everyone: Estimate) -> ImpactRatios:
    reasons = {rate.group: _left_out(rate, everyone) for rate in rates}
    compared = [rate for rate in rates if reasons[rate.group] is None]
    highest = max(compared, key=lambda rate: rate.value or 0.0, default=None)
    return ImpactRatios(
        family=family,
        cases=everyone.denominator,
        unknown=sum(rate.denominator for rate in rates if reasons[rate.group] == "unknown"),
        highest=highest.group if highest is not None and highest.value else None,
        groups=tuple(_ratio(rate, reasons, highest) for rate in rates),
        level=everyone.level,
    )


def _left_out(estimate: Estimate, everyone: Estimate) -> LeftOut | None:
    if any(level.code == "unknown" for level in estimate.group.levels):
        return "unknown"
    if estimate.value is None:
        return "too_few_for_a_rate"
    return "below_two_per_cent" if estimate.denominator * _OF_ALL < everyone.denominator else None


def _ratio(estimate: Estimate, reasons: Mapping[Group, LeftOut | None], highest: Estimate | None) -> ImpactRatio:
    reason = reasons[estimate.group]
    best = None if highest is None else highest.value
    if reason is None and not best:
        reason = "nobody_flagged"
    return ImpactRatio(
        group=estimate.group,
        cases=estimate.denominator,
        flagged=estimate.numerator,
        rate=estimate.value,
        low=estimate.low,
        high=estimate.high,
        ratio=estimate.value / best if reason is None and estimate.value is not None and best else None,
        left_out=reason,
    )
