"""From how many cases on a group has so many clusters that few bad ones are not drawn by chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from audit.analyses.sides import questions
from audit.plan.audit_plan import AuditPlan, Rule
from audit.stats.arrays import FloatArray
from audit.stats.clusters.unseen_clusters import Bundles, clusters_factor_needed
from audit.stats.rates.boundaries import Boundary, counted_rate

__all__ = ["cases_from_enough_clusters"]


def cases_from_enough_clusters(
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
    """float64[G]: cases with which a group equal to its rest passes, as far as clusters are what keeps it from it.

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
