"""Calibration of scores in every group: of cases scored 0.3, are three in ten cases of exploitation?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from audit.analyses.estimates import as_known
from audit.counting.score_table import BINS, COARSE_BINS, UNIT, FamilyScores
from audit.counting.table import NEGATIVE, POSITIVE
from audit.plan.audit_plan import AuditPlan
from audit.result.findings.scores import Calibration, CalibrationBin, ScoreReason, Unused
from audit.stats.arrays import FloatArray, IntArray
from audit.stats.calibration import (
    LEAST_CASES,
    CalibrationBins,
    MeanGap,
    Miscalibration,
    holm_adjusted,
    mean_gap,
    miscalibration,
)
from audit.stats.intervals import wilson

MOST_GROUPS_WITH_BINS: Final = 20
"""Most groups that a family may have for its bins to be given."""


def calibrations(
    plan: AuditPlan, families: Sequence[FamilyScores], unused: tuple[Unused, ...]
) -> tuple[Calibration, ...]:
    """Measure the calibration of every group of `families` over ten score bins; labelled cases with a score only.

    Where the score's range is not 0 to 1 a score claims no share, and nothing but the reason is stated.
    """
    return tuple(row for scores in families for row in _family_calibrations(plan, scores, unused))


def _family_calibrations(plan: AuditPlan, scores: FamilyScores, unused: tuple[Unused, ...]) -> list[Calibration]:
    bins = _bins(scores)
    level, floor = plan.verdict.level, plan.verdict.min_denominator
    is_share = scores.score_range == (0.0, 1.0)
    found, gap = miscalibration(bins), mean_gap(bins, level)
    cases, positives = bins.cases.sum(axis=1).astype(np.int64), bins.positives.sum(axis=1).astype(np.int64)
    reasons = [_reason(int(count), floor, is_share=is_share) for count in cases]
    tested = np.array([place for place, reason in enumerate(reasons) if reason is None], dtype=np.int64)
    adjusted = np.full(cases.size, np.nan)
    adjusted[tested] = holm_adjusted(found.p_value[tested])
    with_bins = len(scores.groups) <= MOST_GROUPS_WITH_BINS
    return [
        Calibration.model_construct(
            None,
            group=group,
            cases=int(cases[place]),
            positives=int(positives[place]),
            **_numbers(found, gap, adjusted, place, known=reason is None),
            bins=_shown_bins(bins, place, level) if with_bins and reason is None else (),
            level=level,
            unused=unused,
            status="estimated" if reason is None else "not_evaluable",
            reason=reason,
        )
        for place, (group, reason) in enumerate(zip(scores.groups, reasons, strict=True))
    ]


def _numbers(
    found: Miscalibration, gap: MeanGap, adjusted: FloatArray, place: int, *, known: bool
) -> dict[str, float | None]:
    values = {
        "mean_score": gap.mean_score,
        "observed": gap.observed,
        "gap": gap.gap,
        "gap_low": gap.low,
        "gap_high": gap.high,
        "error": found.error,
        "error_by_chance": found.by_chance,
        "error_beyond_chance": found.error - found.by_chance,
        "squared_error": found.squared_error,
        "p_value": found.p_value,
        "p_adjusted": adjusted,
    }
    return {name: as_known(of[place]) if known else None for name, of in values.items()}


def _bins(scores: FamilyScores) -> CalibrationBins:
    labelled = (POSITIVE, NEGATIVE)
    coarse = scores.cases.reshape(len(scores.groups), -1, COARSE_BINS, BINS // COARSE_BINS).sum(axis=3)

    def of_both(amounts: IntArray, unit: float) -> FloatArray:
        return np.asarray(amounts[:, labelled].sum(axis=1) / unit, dtype=np.float64)

    return CalibrationBins(
        cases=of_both(coarse, 1.0),
        positives=coarse[:, POSITIVE].astype(np.float64),
        scores=of_both(scores.sums, UNIT),
        squares=of_both(scores.squares, UNIT),
    )


def _shown_bins(bins: CalibrationBins, place: int, level: float) -> tuple[CalibrationBin, ...]:
    cases, positives = bins.cases[place], bins.positives[place]
    low, high = wilson(positives, cases, level)
    return tuple(
        CalibrationBin.model_construct(
            low=at / COARSE_BINS,
            high=(at + 1) / COARSE_BINS,
            cases=int(cases[at]),
            positives=int(positives[at]),
            mean_score=known_number(bins.scores[place, at] / cases[at]),
            observed=known_number(positives[at] / cases[at]),
            observed_low=as_known(low[at]),
            observed_high=as_known(high[at]),
        )
        for at in np.flatnonzero(cases)
    )


def _reason(cases: int, floor: int, *, is_share: bool) -> ScoreReason | None:
    if not is_share:
        return "not_a_share"
    if cases == 0:
        return "no_cases"
    if cases < floor:
        return "too_few_for_a_rate"
    return "too_few_cases" if cases < LEAST_CASES else None


def known_number(value: float) -> float:
    """Round, as `as_known` does, a number that is finite by the way it was made. Raises ValueError if it is not
    finite.
    """
    known = as_known(value)
    if known is None:
        raise ValueError("a number that must be known is not")
    return known
