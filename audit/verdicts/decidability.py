"""Who can be judged alone, and as a part of whom otherwise: decided from labels, never from predictions.

The one exception is a rate whose denominator is made of decisions (precision): its cases are known only after scoring.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audit.analyses.families import Parents, finest, ladder_parents, parent_family, parent_group, rule_families
from audit.analyses.sides import cases, cases_cells, questions
from audit.analyses.weighted_rates import least_q
from audit.counting.moments import Moments
from audit.counting.table import FamilyCounts
from audit.plan.audit_plan import AuditPlan, Rule
from audit.stats.arrays import IntArray
from audit.stats.clusters.effective_test import MIN_DEGREES_OF_FREEDOM, few_degrees_factor
from audit.stats.clusters.own_correlation import Alike
from audit.stats.clusters.unseen_clusters import too_few_clusters
from audit.stats.clusters.weighted_rate import design_size, satterthwaite, variance_factor
from audit.stats.sizes.approximate_power import cases_to_pass
from audit.verdicts.enough_clusters import cases_from_enough_clusters
from audit.vocabulary.groups import Family, Group, SensitiveFeature
from audit.vocabulary.metrics import METRICS

__all__ = [
    "DesignedSizes",
    "FamilyDecidability",
    "RuleDecidability",
    "designed_sizes",
    "on_the_ladder",
    "rule_decidability",
]


@dataclass(frozen=True, slots=True)
class FamilyDecidability:
    """What the labels allow to be said of the G groups of a family."""

    family: Family
    groups: tuple[Group, ...]
    cases: IntArray
    """int64[G]: cases of the metric's denominator, unscored ones included."""
    rest_cases: IntArray
    """int64[G]: the same of the rest."""
    required: npt.NDArray[np.float64]
    """float64[G]: cases with which a group would be judged alone; inf where no number would do."""
    evaluable: npt.NDArray[np.bool_]
    """bool[G]: whether a rate may be stated of the group and of its rest at all."""
    decidable: npt.NDArray[np.bool_]
    """bool[G]: whether the group is judged alone."""
    people: npt.NDArray[np.float64]
    """float64[G]: what coverage counts: cases, or with design weights how many of the population they stand for."""
    size: npt.NDArray[np.float64]
    """float64[G]: how many independent cases of equal weight the group's are worth."""
    rest_size: npt.NDArray[np.float64]
    """float64[G]: the same of the rest."""
    too_few_clusters: npt.NDArray[np.bool_]
    """bool[G]: whether clusters, or the degrees of freedom that weights and sizes leave, are too few to judge it."""
    too_few_to_pass: npt.NDArray[np.bool_]
    """bool[G]: whether it has the cases, but from so few clusters that all of them could be good ones by chance."""

    def required_cases(self, place: int) -> int | None:
        """Cases with which a group would be judged alone; None where no number would do."""
        required = float(self.required[place])
        return math.ceil(required) if math.isfinite(required) else None


@dataclass(frozen=True, slots=True)
class RuleDecidability:
    """The same over all families of a rule, with the way up the ladder."""

    families: tuple[FamilyDecidability, ...]
    judged_as: Mapping[Group, Group | None]
    """For each group that is not judged alone: the smallest group above it that is, or None."""
    coverage: Mapping[Family, float | None]
    """For each family: the share of its people in groups that are judged, alone or as a part."""
    lowest_coverage: float | None
    """The smallest coverage of the families on the finest rung; None where nobody is in one of them."""


def rule_decidability(
    plan: AuditPlan,
    rule: Rule,
    families: Mapping[Family, FamilyCounts],
    features: Mapping[str, SensitiveFeature],
    moments: Moments | None = None,
) -> RuleDecidability:
    """Say which groups of `rule` can be judged alone, which as a part of a larger one, and whom that covers."""
    judged = tuple(_of_family(plan, rule, families[family], moments) for family in rule_families(plan, rule))
    return on_the_ladder(plan, judged, features)


def on_the_ladder(
    plan: AuditPlan, judged: tuple[FamilyDecidability, ...], features: Mapping[str, SensitiveFeature]
) -> RuleDecidability:
    """Say as a part of whom each group is judged that is not judged alone, and whom all of that covers."""
    alone = {group: bool(family.decidable[place]) for family in judged for place, group in enumerate(family.groups)}
    parents = ladder_parents(features)
    judged_as = {group: _climb(plan, group, alone, parents) for group, decidable in alone.items() if not decidable}
    coverage = {family.family: _coverage(family, judged_as) for family in judged}
    base = [coverage[family.family] for family in judged if finest(plan, family.family)]
    known = [share for share in base if share is not None]
    return RuleDecidability(judged, judged_as, coverage, min(known) if len(known) == len(base) else None)


def _of_family(plan: AuditPlan, rule: Rule, family: FamilyCounts, moments: Moments | None) -> FamilyDecidability:
    n, m = cases(family, METRICS[rule.metric])
    design = designed_sizes(plan, rule, family, moments)
    required = _required(plan, rule, family.family, m, design)
    too_few_to_pass = (n >= required) & (n < design.wanted)
    required = np.maximum(required, design.wanted)
    floor = plan.verdict.min_denominator
    evaluable = (n >= floor) & (m >= floor)
    return FamilyDecidability(
        family=family.family,
        groups=family.groups,
        cases=n,
        rest_cases=m,
        required=required,
        evaluable=evaluable,
        decidable=evaluable & (n >= required),
        people=design.people,
        size=n * design.worth,
        rest_size=design.rest_size,
        too_few_clusters=design.too_few_clusters,
        too_few_to_pass=too_few_to_pass,
    )


@dataclass(frozen=True, slots=True)
class DesignedSizes:
    """What weights and clusters, and never an answer of the model, say of the G groups of a family."""

    people: npt.NDArray[np.float64]
    worth: npt.NDArray[np.float64]
    """float64[G]: how many independent cases of equal weight one case is worth."""
    rest_size: npt.NDArray[np.float64]
    """float64[G]: effective size of the rest."""
    too_few_clusters: npt.NDArray[np.bool_]
    wanted: npt.NDArray[np.float64]
    """float64[G]: cases from as many clusters as a pass takes, if the clusters are like those there are."""


def designed_sizes(
    plan: AuditPlan,
    rule: Rule,
    family: FamilyCounts,
    moments: Moments | None,
    at: npt.NDArray[np.float64] | None = None,
) -> DesignedSizes:
    """What the cases of every group and of its rest are worth: to be judged alone, or in tests planned `at` levels."""
    metric = METRICS[rule.metric]
    n, m = cases(family, metric)
    nowhere, none = np.zeros(n.shape, dtype=np.bool_), np.zeros(n.shape)
    whole = DesignedSizes(n.astype(np.float64), np.ones(n.shape), m.astype(np.float64), nowhere, none)
    if moments is None:
        return whole
    of, cells = moments.of(family), cases_cells(metric)
    own, rest = of.own(((), cells)), of.rest(((), cells))
    correlation = plan.evaluation_set.expected_icc if moments.clustered else 0.0
    degrees, rest_degrees = satterthwaite(own, correlation), satterthwaite(rest, correlation)
    # few degrees of freedom make every case worth less, and so does a correlation that few clusters leave open
    uneven = least_q(of, family, cells)
    levels = plan.verdict.alpha if at is None else at
    few = design_size(own, correlation, uneven) * few_degrees_factor(degrees, levels)
    evened, rest_evened = (of.evened(((), cells), rest=side) for side in (False, True))
    open_to = Alike.supposing(correlation, own, evened).largest
    rest_size = design_size(rest, correlation) * few_degrees_factor(rest_degrees, levels)
    if at is not None:
        rest_open_to = Alike.supposing(correlation, rest, rest_evened).largest
        rest_size = np.minimum(rest_size, design_size(rest, rest_open_to))
    worth = np.minimum(few, design_size(own, open_to, uneven)) / np.maximum(n, 1)
    alike = of.counts_alike(cells)
    return DesignedSizes(
        people=of.weight(cells),
        worth=np.where(alike | (worth <= 0.0), 1.0, worth),
        rest_size=np.where(alike, whole.rest_size, rest_size),
        too_few_clusters=~alike & (n > 0) & ((degrees < MIN_DEGREES_OF_FREEDOM) | too_few_clusters(own)),
        wanted=np.where(
            alike,
            0.0,
            cases_from_enough_clusters(
                plan,
                rule,
                (evened.bundles.at_least(correlation), rest_evened.bundles.at_least(correlation)),
                variance_factor(own, correlation),
                n,
                joint=of.shared(cells),
                rows=(own.q, rest.q),
            ),
        ),
    )


def _required(
    plan: AuditPlan, rule: Rule, family: Family, rest_cases: IntArray, design: DesignedSizes
) -> npt.NDArray[np.float64]:
    declared: Sequence[int | str] = [plan.groups[axis.feature].min_cases for axis in family.axes]
    required = np.full(rest_cases.shape, float(plan.verdict.min_denominator))
    for number in declared:
        if isinstance(number, int):
            required = np.maximum(required, float(number))
    if "auto" in declared:
        asked = questions(plan, rule)
        # of two sides each is planned for half of the risk, so that both pass together with the power asked for
        power = 1.0 - (1.0 - plan.verdict.power) / len(asked)
        for question in asked:
            planned = cases_to_pass(
                rule.planned_rate,
                design.rest_size,
                question.within,
                alpha=plan.verdict.alpha,
                power=power,
            )
            required = np.maximum(required, np.ceil(planned / design.worth))
    return np.where(design.too_few_clusters, np.inf, required)


def _climb(plan: AuditPlan, group: Group, alone: Mapping[Group, bool], parents: Parents) -> Group | None:
    family = parent_family(plan, group.family)
    while family is not None:
        group = parent_group(group, family, parents)
        if alone.get(group, False):
            return group
        family = parent_family(plan, family)
    return None


def _coverage(family: FamilyDecidability, judged_as: Mapping[Group, Group | None]) -> float | None:
    everyone = float(family.people.sum())
    if everyone == 0.0:
        return None
    covered = sum(
        float(family.people[place])
        for place, group in enumerate(family.groups)
        if family.decidable[place] or judged_as[group] is not None
    )
    return covered / everyone
