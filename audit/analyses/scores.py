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
from audit.stats.scores.auc import MIN_CASES, MOST_BINNING, Auc, AucSplit, auc, split_auc
from audit.stats.scores.ranked_cases import FamilyPairs, count_pairs
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
    asked = [Family(()), *(family for family, counts in families.items() if is_listed(counts))]
    shown = [table.family(family, features) for family in asked]
    unused = unused_design(plan)
    level = plan.verdict.level
    stated: list[GroupAuc] = []
    splits: list[AucDecomposition] = []
    for scores in shown:
        pairs = count_pairs(table.ranked(scores.family, features))
        own = auc(pairs.own, level)
        stated += _group_aucs(scores, pairs, own, level, unused)
        if scores.family.axes:
            splits.append(_decomposition(scores, split_auc(pairs, level), own, level, unused))
    return ScoreFindings(
        tuple(stated), tuple(splits), calibrations(plan, shown, unused), sweeps(plan, shown[1:], unused)
    )


def unused_design(plan: AuditPlan) -> tuple[Unused, ...]:
    """List the parts of the plan's design that these analyses do not use: they count cases."""
    section = plan.evaluation_set
    weights: tuple[Unused, ...] = ("weights",) if section.is_weighted else ()
    return (*weights, "clusters") if section.cluster is not None else weights


def _group_aucs(
    scores: FamilyScores, pairs: FamilyPairs, own: Auc, level: float, unused: tuple[Unused, ...]
) -> list[GroupAuc]:
    m, n, without = pairs.own.m, pairs.own.n, scores.unscored.sum(axis=1)
    found, cleared = auc(pairs.found, level), auc(pairs.cleared, level)
    rows: list[GroupAuc] = []
    for place, group in enumerate(scores.groups):
        reason = _reason(m, n, own, place)
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
                binning=None if value is None else as_known(own.binning[place]),
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


def _decomposition(
    scores: FamilyScores, split: AucSplit, own: Auc, level: float, unused: tuple[Unused, ...]
) -> AucDecomposition:
    stated = np.flatnonzero(np.isfinite(own.low) & (own.binning <= MOST_BINNING))
    highest = int(stated[np.argmax(own.value[stated])]) if stated.size else None
    top = None if highest is None else float(own.value[highest])
    coarse = split.binning > MOST_BINNING
    return AucDecomposition.model_construct(
        family=scores.family,
        pairs=split.pairs,
        within_pairs=split.within_pairs,
        within_share=as_known(split.within_share),
        pooled=None if coarse else as_known(split.pooled),
        within=None if coarse else as_known(split.within),
        between=None if coarse else as_known(split.between),
        difference=None if coarse else as_known(split.difference),
        difference_low=None if coarse else as_known(split.difference_low),
        difference_high=None if coarse else as_known(split.difference_high),
        level=level,
        groups=len(scores.groups),
        groups_stated=int(stated.size),
        highest=None if highest is None else scores.groups[highest],
        highest_auc=as_known(top),
        pooled_exceeds_all=None
        if coarse or stated.size < 2
        else bool(split.pooled - split.binning > (own.value + own.binning)[stated].max()),
        unused=unused,
        reason="bins_too_coarse" if coarse else None,
    )


def _reason(m: IntArray, n: IntArray, own: Auc, place: int) -> ScoreReason | None:
    if m[place] + n[place] == 0:
        return "no_cases"
    if min(m[place], n[place]) < MIN_CASES:
        return "too_few_cases"
    return "bins_too_coarse" if own.binning[place] > MOST_BINNING else None


def _with_limits(values: Auc, place: int) -> tuple[float | None, float | None, float | None]:
    """Return value and limits; None without an interval, since a bare value would be read as sure, and where binning
    may have moved it too far.
    """
    if not np.isfinite(values.low[place]) or values.binning[place] > MOST_BINNING:
        return None, None, None
    return as_known(values.value[place]), as_known(values.low[place]), as_known(values.high[place])
