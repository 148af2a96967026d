"""What flags mean in use: precision at another base rate, costs of errors, places in the ranking.

Precision and share flagged at the base rate of the place where the detector works.

Costs of errors, group by group, in the unit in which the plan weighs them. Shown, never judged.

Exposure: what share of each group's cases is among the first of the ranking. Described, never judged.

The limits of a plan are about its detector's own cut. Of few places a margin says little, since nobody can be much
below a small share; who wants a verdict on them writes `top_k`, and limits for that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

import numpy as np

from audit.analyses.estimates import as_known, interval_fields, why_not_stated
from audit.counting.count import ABOVE, TIED, UNRANKED
from audit.counting.family_moments import Cells
from audit.counting.moments import Moments
from audit.counting.table import (
    MOST_GROUPS,
    POSITIVE,
    CountsTable,
    FamilyCounts,
    everyone_as_family,
    is_finest,
    is_listed,
)
from audit.plan.sections import CostsSection, DeploymentSection, Groups, VerdictSection
from audit.result.findings.further import CostOfErrors, CostReason
from audit.result.findings.patterns import Deployed, DeployedGroup, PatternReason
from audit.result.findings.second import Among, Exposure
from audit.stats.arrays import FloatArray, IntArray
from audit.stats.intervals import RateLimits, difference_of_independent, newcombe_difference, wilson
from audit.stats.operating_points import expected_cost, flag_rate_at, precision_at
from audit.vocabulary.groups import Family, SensitiveFeature
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
    group_features: Groups,
    verdict: VerdictSection,
    deployment: DeploymentSection | None,
    families: Sequence[FamilyCounts],
    rates: Mapping[Family, Rates] | None = None,
    moments: Moments | None = None,
) -> tuple[Deployed, ...]:
    """Estimate each group's rates at the plan's deployed base rate; empty where the plan names none.

    Parameters
    ----------
    deployment : DeploymentSection or None
        Names the prevalence. The same one is used for every group.
    families : sequence of FamilyCounts
        `everyone_as_family` and the families of the result. Shown are those of at most `MOST_GROUPS` groups, and single
        features on their finest rung.
    rates : mapping of Family to Rates, optional
        Weighted rates with their limits. Without them: from the counts, with Wilson limits.
    moments : Moments, optional
        Where they hold weights, the shares in the set itself are weighted as well.
    """
    if deployment is None:
        return ()
    return tuple(
        _family_deployed(verdict, deployment, family, deployment.prevalence, (rates or {}).get(family.family), moments)
        for family in families
        if len(family.groups) <= MOST_GROUPS
        or (len(family.family.axes) == 1 and is_finest(group_features, family.family))
    )


def _family_deployed(
    verdict: VerdictSection,
    deployment: DeploymentSection,
    family: FamilyCounts,
    prevalence: float,
    rates: Rates | None,
    moments: Moments | None,
) -> Deployed:
    floor, level = verdict.min_denominator, verdict.level
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
    for index, group in enumerate(family.groups):
        reason = _reason([int(n[index]) for n in denominators], floor)
        if reason is not None and len(family.groups) > MOST_GROUPS:
            continue
        known = reason is None
        if known and np.isnan(precision[0][index]):
            reason = "nobody_flagged"
        shown.append(
            DeployedGroup.model_construct(
                None,
                group=group,
                set_flag_rate=as_known(set_flags[index]),
                set_precision=as_known(set_right[index]),
                **interval_fields(("flag_rate", "flag_rate_low", "flag_rate_high"), flag_rate, index, known=known),
                **interval_fields(("precision", "precision_low", "precision_high"), precision, index, known=known),
                flags_per_1000=as_known(1000.0 * flag_rate[0][index]) if known else None,
                right_per_1000=as_known(1000.0 * prevalence * tpr[0][index]) if known else None,
                reason=reason,
            )
        )
    return Deployed.model_construct(
        family=family.family,
        prevalence=prevalence,
        source=deployment.source,
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
    verdict: VerdictSection,
    costs: CostsSection | None,
    families: Sequence[FamilyCounts],
    moments: Moments | None = None,
) -> tuple[CostOfErrors, ...]:
    """Estimate the cost of errors in every group of `families` and in its rest, and the difference; () without `costs`.

    Where `moments` hold weights the costs are weighted (Hajek). Where they hold weights or clusters no interval is
    stated: one that takes rows for independent would be too short. Below the floor of the plan nothing is stated.
    """
    if costs is None:
        return ()
    return tuple(record for family in families for record in _family_costs(verdict, costs, family, moments))


def _family_costs(
    verdict: VerdictSection, costs: CostsSection, family: FamilyCounts, moments: Moments | None
) -> list[CostOfErrors]:
    level, floor = verdict.level, verdict.min_denominator
    missed, flagged, cases = (family.total(cells) for cells in ((Cell.FN,), (Cell.FP,), _CASES))
    rest_cases = family.rest(_CASES)
    family_costs = _counted_costs(costs, family, level) if moments is None else _weighted_costs(costs, family, moments)
    family_costs = _Costs(*((PER * value, PER * low, PER * high) for value, low, high in family_costs))
    records: list[CostOfErrors] = []
    gap = ("difference", "difference_low", "difference_high")
    for index, group in enumerate(family.groups):
        reason = _reason_of_cost(int(cases[index]), int(rest_cases[index]), floor, has_intervals=moments is None)
        has_own_rate = reason not in ("no_cases", "too_few_for_a_rate")
        has_both_rates = reason in (None, "weights_or_clusters")
        records.append(
            CostOfErrors.model_construct(
                None,
                group=group,
                missed=int(missed[index]),
                wrongly_flagged=int(flagged[index]),
                cases=int(cases[index]),
                **interval_fields(("per_1000", "low", "high"), family_costs.own, index, known=has_own_rate),
                rest_per_1000=as_known(family_costs.rest[0][index]) if has_both_rates else None,
                **interval_fields(gap, family_costs.difference, index, known=has_both_rates),
                level=level,
                reason=reason,
            )
        )
    return records


def _counted_costs(costs: CostsSection, family: FamilyCounts, level: float) -> _Costs:
    group, rest = (
        expected_cost(count((Cell.FN,)), count((Cell.FP,)), count(_CASES), costs.cost_missed, costs.cost_flagged, level)
        for count in (family.total, family.rest)
    )
    return _Costs(group, rest, difference_of_independent(group, rest))


def _weighted_costs(costs: CostsSection, family: FamilyCounts, moments: Moments) -> _Costs:
    family_moments = moments.of(family)
    unknown = np.full(len(family.groups), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        group, rest = (
            (costs.cost_missed * weight((Cell.FN,)) + costs.cost_flagged * weight((Cell.FP,))) / weight(_CASES)
            for weight in (family_moments.weight, family_moments.rest_weight)
        )
    return _Costs((group, unknown, unknown), (rest, unknown, unknown), (group - rest, unknown, unknown))


def _reason_of_cost(cases: int, rest: int, floor: int, *, has_intervals: bool) -> CostReason | None:
    group_reason = why_not_stated(cases, floor)
    if group_reason is not None:
        return "no_cases" if group_reason == "no_cases" else "too_few_for_a_rate"
    if rest < floor:
        return "no_rest" if rest == 0 else "too_few_in_rest"
    return None if has_intervals else "weights_or_clusters"


_LABELS: Final[Mapping[Among, slice]] = {"victims": slice(POSITIVE, POSITIVE + 1), "everyone": slice(None)}


def exposures(
    verdict: VerdictSection,
    first: Sequence[tuple[int, CountsTable]],
    families: Sequence[Family],
    features: Mapping[str, SensitiveFeature],
) -> tuple[Exposure, ...]:
    """Describe the first places, for everyone and for the groups of each listed family.

    Parameters
    ----------
    first
        Tables of `audit.counting.count.Second`.
    """
    return tuple(
        exposure
        for places, table in first
        for family in (everyone_as_family(table), *(table.family(family, features) for family in families))
        if not family.family.axes or is_listed(family)
        for among in _LABELS
        for exposure in _exposures(verdict, places, family, among)
    )


class Ranked(NamedTuple):
    """Cases of G groups: as few, as many and on average as may be among the first; and all."""

    fewest: IntArray
    most: IntArray
    expected: FloatArray
    cases: IntArray

    @classmethod
    def of(cls, cells: IntArray, tied: int, fit: int) -> Self:
        """Count int64[G, 4]; `tied` cases share the border, and `fit` of them are taken."""
        surely, tied_cases = cells[:, ABOVE], cells[:, TIED]
        fewest, most = surely + np.maximum(fit - (tied - tied_cases), 0), surely + np.minimum(fit, tied_cases)
        return cls(fewest, most, surely + tied_cases * (fit / max(tied, 1)), cells.sum(axis=1))


def _exposures(verdict: VerdictSection, places: int, family: FamilyCounts, among: Among) -> Iterator[Exposure]:
    level, least = verdict.level, verdict.min_denominator
    tied = int(family.everyone[:, TIED].sum())
    fit = min(places - int(family.everyone[:, ABOVE].sum()), tied)
    cells, everyone = family.cells[:, _LABELS[among]].sum(axis=1), family.everyone[_LABELS[among]].sum(axis=0)
    group_ranked, rest = (Ranked.of(ranked_cells, tied, fit) for ranked_cells in (cells, everyone - cells))
    n, m = group_ranked.cases, rest.cases
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (
            group_ranked.expected / n,
            wilson(group_ranked.fewest, n, level)[0],
            wilson(group_ranked.most, n, level)[1],
        )
        apart = (
            share[0] - rest.expected / m,
            newcombe_difference(group_ranked.fewest, n, rest.most, m, level)[0],
            newcombe_difference(group_ranked.most, n, rest.fewest, m, level)[1],
        )
    for index, group in enumerate(family.groups):
        reason = why_not_stated(int(n[index]), least)
        compared = reason is None and bool(m[index] >= least)
        yield Exposure.model_validate(
            {
                "first": places,
                "group": group,
                "among": among,
                "cases": int(n[index]),
                "unranked": int(cells[index, UNRANKED]),
                "fewest": int(group_ranked.fewest[index]),
                "most": int(group_ranked.most[index]),
                **interval_fields(("value", "low", "high"), share, index, known=reason is None),
                **interval_fields(("difference", "difference_low", "difference_high"), apart, index, known=compared),
                "level": level,
                "reason": reason,
            }
        )
