"""Scores: how well they rank the cases of each group, and how much of the pooled AUC comes from telling groups
apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from audit.analyses.estimates import as_known
from audit.analyses.score_calibration import calibrations
from audit.analyses.score_sweeps import sweeps
from audit.counting.families import is_listed
from audit.counting.score_table import FamilyScores, ScoreTable
from audit.counting.table import FamilyCounts
from audit.plan.audit_plan import AuditPlan
from audit.result.findings.scores import AucDecomposition, Calibration, GroupAuc, ScoreReason, Sweep, Unused
from audit.stats.arrays import IntArray
from audit.stats.scores.auc import MIN_CASES, Auc, auc, split_auc
from audit.vocabulary.groups import Family, SensitiveFeature


class ScoreFindings(NamedTuple):
    """Findings on the scores; the fields are those of `Further`. All are empty where the detector gives no
    score.
    """

    aucs: tuple[GroupAuc, ...] = ()
    auc_decompositions: tuple[AucDecomposition, ...] = ()
    calibrations: tuple[Calibration, ...] = ()
    sweeps: tuple[Sweep, ...] = ()


def score_findings(
    plan: AuditPlan,
    table: ScoreTable | None,
    families: Mapping[Family, FamilyCounts],
    features: Mapping[str, SensitiveFeature],
) -> ScoreFindings:
    """Compute AUC, its split, calibration and sweeps for everyone, each single feature, and families of few groups.

    Parameters
    ----------
    table
        The scores; None where the detector gives decisions only.
    families
        The families of the plan; those that are not listed are left out.
    """
    if table is None:
        return ScoreFindings()
    shown = [table.family(Family(()), features)]
    shown += [table.family(family, features) for family, counts in families.items() if is_listed(counts)]
    unused = unused_design(plan)
    level = plan.verdict.level
    stated: list[GroupAuc] = []
    splits: list[AucDecomposition] = []
    for scores in shown:
        own = auc(scores.positives, scores.negatives, level)
        stated += _group_aucs(scores, own, level, unused)
        if scores.family.axes:
            splits.append(_decomposition(scores, own, level, unused))
    return ScoreFindings(
        tuple(stated), tuple(splits), calibrations(plan, shown, unused), sweeps(plan, shown[1:], unused)
    )


def unused_design(plan: AuditPlan) -> tuple[Unused, ...]:
    """List the parts of the plan's design that these analyses do not use: they count cases."""
    section = plan.evaluation_set
    weights: tuple[Unused, ...] = () if section.weight is None else ("weights",)
    return (*weights, "clusters") if section.cluster is not None else weights


def _group_aucs(scores: FamilyScores, own: Auc, level: float, unused: tuple[Unused, ...]) -> list[GroupAuc]:
    positives, negatives = scores.positives, scores.negatives
    m, n, without = positives.sum(axis=1), negatives.sum(axis=1), scores.unscored.sum(axis=1)
    rest = (positives.sum(axis=0) - positives, negatives.sum(axis=0) - negatives)
    found, cleared = auc(positives, rest[1], level), auc(rest[0], negatives, level)
    rows: list[GroupAuc] = []
    for place, group in enumerate(scores.groups):
        reason = _reason(m, n, place)
        value, low, high = _with_limits(own, place)
        found_value, found_low, found_high = _with_limits(found, place)
        cleared_value, cleared_low, cleared_high = _with_limits(cleared, place)
        rows.append(
            GroupAuc.model_construct(
                group=group,
                positives=int(m[place]),
                negatives=int(n[place]),
                unscored=int(without[place]),
                near_threshold=None if scores.near is None else int(scores.near[place]),
                auc=value,
                low=low,
                high=high,
                found_among_rest=found_value,
                found_low=found_low,
                found_high=found_high,
                cleared_among_rest=cleared_value,
                cleared_low=cleared_low,
                cleared_high=cleared_high,
                level=level,
                unused=unused,
                status="estimated" if reason is None else "not_evaluable",
                reason=reason,
            )
        )
    return rows


def _decomposition(scores: FamilyScores, own: Auc, level: float, unused: tuple[Unused, ...]) -> AucDecomposition:
    split = split_auc(scores.positives, scores.negatives, level)
    stated = np.flatnonzero(np.isfinite(own.low))
    highest = int(stated[np.argmax(own.value[stated])]) if stated.size else None
    top = None if highest is None else float(own.value[highest])
    return AucDecomposition.model_construct(
        family=scores.family,
        pairs=split.pairs,
        within_pairs=split.within_pairs,
        within_share=as_known(split.within_share),
        pooled=as_known(split.pooled),
        within=as_known(split.within),
        between=as_known(split.between),
        difference=as_known(split.difference),
        difference_low=as_known(split.difference_low),
        difference_high=as_known(split.difference_high),
        level=level,
        groups=len(scores.groups),
        groups_stated=int(stated.size),
        highest=None if highest is None else scores.groups[highest],
        highest_auc=as_known(top),
        pooled_exceeds_all=None if top is None or stated.size < 2 else split.pooled > top,
        unused=unused,
    )


def _reason(m: IntArray, n: IntArray, place: int) -> ScoreReason | None:
    if m[place] + n[place] == 0:
        return "no_cases"
    return "too_few_cases" if min(m[place], n[place]) < MIN_CASES else None


def _with_limits(values: Auc, place: int) -> tuple[float | None, float | None, float | None]:
    """Return value and limits; None where there is no interval, since a bare value would be read as sure."""
    if not np.isfinite(values.low[place]):
        return None, None, None
    return as_known(values.value[place]), as_known(values.low[place]), as_known(values.high[place])
