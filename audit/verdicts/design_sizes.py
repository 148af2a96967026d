"""What cases are worth where rows have weights or clusters, and from how many clusters a pass takes them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from audit.analyses.sides import possible_cases, possible_cells, questions
from audit.analyses.weighted_rates import least_q
from audit.counting.moments import Moments
from audit.counting.table import FamilyCounts
from audit.plan.audit_plan import AuditPlan, Rule
from audit.stats.arrays import FloatArray
from audit.stats.boundaries import Boundary, counted_rate
from audit.stats.clusters import (
    Alike,
    Bundles,
    clusters_factor_needed,
    design_size,
    satterthwaite,
    too_few_clusters,
    variance_factor,
)
from audit.stats.effective_test import MIN_DEGREES_OF_FREEDOM, few_degrees_factor
from audit.verdicts.planned_people import EffectiveSizes
from audit.vocabulary.metrics import METRICS


def sizes_by_design(
    plan: AuditPlan,
    rule: Rule,
    family: FamilyCounts,
    moments: Moments,
    at: FloatArray | None,
    whole: EffectiveSizes,
) -> EffectiveSizes:
    """Compute what `audit.verdicts.decidability.effective_sizes` does; `whole` is it where every case is worth one."""
    metric = METRICS[rule.metric]
    n, _ = possible_cases(family, metric)
    of, cells = moments.of(family), possible_cells(metric)
    planned = of.planned((metric.numerator, cells))
    own, rest = of.own(planned), of.rest(planned)
    correlation = plan.evaluation_set.expected_icc if moments.clustered else 0.0
    degrees, rest_degrees = satterthwaite(own, correlation), satterthwaite(rest, correlation)
    # few degrees of freedom make every case worth less, and so does a correlation that few clusters leave open
    uneven = least_q(of, family, cells)
    levels = plan.verdict.alpha if at is None else at
    few = design_size(own, correlation, uneven) * few_degrees_factor(degrees, levels)
    evened, rest_evened = (of.evened(planned, rest=side) for side in (False, True))
    open_to = Alike.supposing(correlation, own, evened).largest
    rest_size = design_size(rest, correlation) * few_degrees_factor(rest_degrees, levels)
    if at is not None:
        rest_open_to = Alike.supposing(correlation, rest, rest_evened).largest
        rest_size = np.minimum(rest_size, design_size(rest, rest_open_to))
    worth = np.minimum(few, design_size(own, open_to, uneven)) / np.maximum(n, 1)
    alike = of.counts_alike(cells)
    return EffectiveSizes(
        people=of.weight(cells),
        worth=np.where(alike | (worth <= 0.0), 1.0, worth),
        rest_size=np.where(alike, whole.rest_size, rest_size),
        too_few_clusters=~alike & (n > 0) & ((degrees < MIN_DEGREES_OF_FREEDOM) | too_few_clusters(own)),
    )


def cases_for_clusters(plan: AuditPlan, rule: Rule, family: FamilyCounts, moments: Moments) -> FloatArray:
    """float64[G]: cases from as many clusters as a pass takes, if further clusters are like the present ones."""
    metric = METRICS[rule.metric]
    n, _ = possible_cases(family, metric)
    of, cells = moments.of(family), possible_cells(metric)
    planned = of.planned((metric.numerator, cells))
    own, rest = of.own(planned), of.rest(planned)
    correlation = plan.evaluation_set.expected_icc if moments.clustered else 0.0
    evened, rest_evened = (of.evened(planned, rest=side).bundles.at_least(correlation) for side in (False, True))
    factor, rows = variance_factor(own, correlation), (own.q, rest.q)
    cases = cases_for_enough_clusters(plan, rule, (evened, rest_evened), factor, n, joint=of.shared(cells), rows=rows)
    return np.where(of.counts_alike(cells), 0.0, cases)


def cases_for_enough_clusters(
    plan: AuditPlan,
    rule: Rule,
    sides: tuple[Bundles, Bundles],
    factor: FloatArray,
    cases: npt.ArrayLike,
    within: Sequence[Boundary] | None = None,
    *,
    joint: npt.ArrayLike = False,
    rows: tuple[npt.ArrayLike, npt.ArrayLike] = (0.0, 0.0),
) -> FloatArray:
    """Return the cases with which a group equal to its rest has enough clusters to pass.

    With fewer clusters, a few bad ones could be missing from the sample by chance. Only clusters are looked at here;
    other reasons that keep a group from a pass are not.

    Parameters
    ----------
    sides : tuple of two Bundles of G groups
        The clusters that there are, of the groups and of their rests.
    factor : ndarray of float64, shape (G,)
        The variance of a group's rate over ``p (1 - p)``.
    cases : array_like, shape (G,)
        The cases that there are; more of them are supposed to come in clusters like these.
    within : sequence of Boundary, optional
        The edges on which a pass is asked for, instead of the rule's own.
    joint : array_like of bool, shape (G,)
        Whether a cluster can have rows in the group and in its rest.
    rows : tuple of two array_like, shape (G,)
        The variances of the rates of groups and rests over ``p (1 - p)``, were rows alike to nobody.

    Returns
    -------
    ndarray of float64, shape (G,)
        Whole numbers; 0 where neither side has clusters, inf where no number would do.
    """
    n = np.asarray(cases, dtype=np.float64)
    group, rest = sides
    hiding = group.can_hide | rest.can_hide
    if not hiding.any():
        return np.zeros(n.shape)
    asked = questions(plan, rule)
    power = 1.0 - (1.0 - plan.verdict.power) / len(asked)
    # half of the risk is left for the correlation, which can be found to be larger than expected
    error = float(ndtri((1.0 + power) / 2.0)) * np.sqrt(rule.planned_rate * (1.0 - rule.planned_rate) * factor)
    wanted = np.zeros(n.shape)
    for boundary in [question.within for question in asked] if within is None else within:
        rate = float(counted_rate(rule.planned_rate, boundary))
        times = clusters_factor_needed(group, rate, error, rest, boundary, plan.verdict.alpha, joint=joint, rows=rows)
        wanted = np.maximum(wanted, np.ceil(np.where(n > 0.0, n, 1.0) * times - 1e-6))
    return np.where(hiding, wanted, 0.0)
