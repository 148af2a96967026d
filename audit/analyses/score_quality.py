"""Quality of scores in every group: ranking and calibration.

Calibration of scores in every group: of cases scored 0.3, are three in ten cases of exploitation?

Scores: how well they rank the cases of each group, and how much of the pooled AUC comes from telling groups
apart.

Sweeps: what other thresholds and other capacities would have done to each group. Described, never chosen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

import numpy as np

from audit.analyses.estimates import as_known, interval_fields
from audit.counting.score_table import BINS, COARSE_BINS, UNIT, FamilyScores, ScoreTable
from audit.counting.table import NEGATIVE, POSITIVE, FamilyCounts, is_listed
from audit.plan.detectors import Detector
from audit.plan.detectors import Detector as DetectorSection
from audit.plan.evaluation_set import EvaluationSetSection
from audit.plan.sections import VerdictSection
from audit.result.findings.scores import (
    SWEEP_NOTE,
    AucDecomposition,
    Calibration,
    CalibrationBin,
    GroupAuc,
    ScoreReason,
    Sweep,
    SweepGap,
    SweepStep,
    SweptRate,
    Unused,
)
from audit.stats.arrays import FloatArray, IntArray
from audit.stats.auc import MIN_CASES, MOST_BINNING, Auc, AucSplit, FamilyPairs, auc, count_pairs, split_auc
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
from audit.stats.operating_points import NOBODY, edges_flagging, flagged_at_edges, largest_gap
from audit.vocabulary.groups import Family, Group, SensitiveFeature

MOST_GROUPS_WITH_BINS: Final = 20
"""Most groups that a family may have for its bins to be given."""


def calibrations(
    verdict: VerdictSection, families: Sequence[FamilyScores], unused: tuple[Unused, ...]
) -> tuple[Calibration, ...]:
    """Measure the calibration of every group of `families` over ten score bins; labelled cases with a score only.

    Where the score's range is not 0 to 1 a score claims no share, and nothing but the reason is stated.
    """
    return tuple(row for scores in families for row in _family_calibrations(verdict, scores, unused))


def _family_calibrations(
    verdict: VerdictSection, scores: FamilyScores, unused: tuple[Unused, ...]
) -> list[Calibration]:
    bins = _bins(scores)
    level, floor = verdict.level, verdict.min_denominator
    is_share = scores.score_range == (0.0, 1.0)
    misfit, gap = miscalibration(bins), mean_gap(bins, level)
    cases, positives = bins.cases.sum(axis=1).astype(np.int64), bins.positives.sum(axis=1).astype(np.int64)
    reasons = [_reason_of_calibration(int(count), floor, is_share=is_share) for count in cases]
    tested = np.array([index for index, reason in enumerate(reasons) if reason is None], dtype=np.int64)
    adjusted = np.full(cases.size, np.nan)
    adjusted[tested] = holm_adjusted(misfit.p_value[tested])
    with_bins = len(scores.groups) <= MOST_GROUPS_WITH_BINS
    return [
        Calibration.model_construct(
            None,
            group=group,
            cases=int(cases[index]),
            positives=int(positives[index]),
            **_numbers(misfit, gap, adjusted, index, known=reason is None),
            bins=_shown_bins(bins, index, level) if with_bins and reason is None else (),
            level=level,
            unused=unused,
            status="estimated" if reason is None else "not_evaluable",
            reason=reason,
        )
        for index, (group, reason) in enumerate(zip(scores.groups, reasons, strict=True))
    ]


def _numbers(
    tested: Miscalibration, gap: MeanGap, adjusted: FloatArray, index: int, *, known: bool
) -> dict[str, float | None]:
    values = {
        "mean_score": gap.mean_score,
        "observed": gap.observed,
        "gap": gap.gap,
        "gap_low": gap.low,
        "gap_high": gap.high,
        "error": tested.error,
        "error_by_chance": tested.by_chance,
        "error_beyond_chance": tested.error - tested.by_chance,
        "squared_error": tested.squared_error,
        "p_value": tested.p_value,
        "p_adjusted": adjusted,
    }
    return {name: as_known(values_of_groups[index]) if known else None for name, values_of_groups in values.items()}


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


def _shown_bins(bins: CalibrationBins, index: int, level: float) -> tuple[CalibrationBin, ...]:
    cases, positives = bins.cases[index], bins.positives[index]
    low, high = wilson(positives, cases, level)
    return tuple(
        CalibrationBin.model_construct(
            low=at / COARSE_BINS,
            high=(at + 1) / COARSE_BINS,
            cases=int(cases[at]),
            positives=int(positives[at]),
            mean_score=known_number(bins.scores[index, at] / cases[at]),
            observed=known_number(positives[at] / cases[at]),
            observed_low=as_known(low[at]),
            observed_high=as_known(high[at]),
        )
        for at in np.flatnonzero(cases)
    )


def _reason_of_calibration(cases: int, floor: int, *, is_share: bool) -> ScoreReason | None:
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


class ScoreFindings(NamedTuple):
    """Findings on the scores; the fields are those of `Further`. All are empty where the detector gives no
    score.
    """

    aucs: tuple[GroupAuc, ...] = ()
    auc_decompositions: tuple[AucDecomposition, ...] = ()
    calibrations: tuple[Calibration, ...] = ()
    sweeps: tuple[Sweep, ...] = ()


def score_findings(
    set_section: EvaluationSetSection,
    detector: DetectorSection,
    verdict: VerdictSection,
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
    listed_families = [Family(()), *(family for family, counts in families.items() if is_listed(counts))]
    shown = [table.family(family, features) for family in listed_families]
    unused = unused_design(set_section)
    level = verdict.level
    stated: list[GroupAuc] = []
    splits: list[AucDecomposition] = []
    for scores in shown:
        pairs = count_pairs(table.ranked(scores.family, features))
        group_auc = auc(pairs.own, level)
        stated += _group_aucs(scores, pairs, group_auc, level, unused)
        if scores.family.axes:
            splits.append(_decomposition(scores, split_auc(pairs, level), group_auc, level, unused))
    return ScoreFindings(
        tuple(stated),
        tuple(splits),
        calibrations(verdict, shown, unused),
        sweeps(detector, verdict, shown[1:], unused),
    )


def unused_design(set_section: EvaluationSetSection) -> tuple[Unused, ...]:
    """List the parts of the plan's design that these analyses do not use: they count cases."""
    section = set_section
    weights: tuple[Unused, ...] = ("weights",) if section.is_weighted else ()
    return (*weights, "clusters") if section.cluster is not None else weights


def _group_aucs(
    scores: FamilyScores, pairs: FamilyPairs, group_auc: Auc, level: float, unused: tuple[Unused, ...]
) -> list[GroupAuc]:
    m, n, without = pairs.own.m, pairs.own.n, scores.unscored.sum(axis=1)
    positive_auc, cleared = auc(pairs.found, level), auc(pairs.cleared, level)
    rows: list[GroupAuc] = []
    for index, group in enumerate(scores.groups):
        reason = _reason(m, n, group_auc, index)
        rows.append(
            GroupAuc.model_construct(
                None,
                group=group,
                positives=int(m[index]),
                negatives=int(n[index]),
                unscored=int(without[index]),
                near_threshold=None if scores.near is None else int(scores.near[index]),
                **_limits(("auc", "low", "high"), group_auc, index),
                binning=as_known(group_auc.binning[index]) if _is_stated(group_auc, index) else None,
                **_limits(("found_among_rest", "found_low", "found_high"), positive_auc, index),
                **_limits(("cleared_among_rest", "cleared_low", "cleared_high"), cleared, index),
                level=level,
                unused=unused,
                status="estimated" if reason is None else "not_evaluable",
                reason=reason,
            )
        )
    return rows


_OF_THE_POOLED: Final = ("pooled", "within", "between", "difference", "difference_low", "difference_high")
"""Parts of a decomposition that steps too coarse would make wrong."""


def _decomposition(
    scores: FamilyScores, split: AucSplit, group_auc: Auc, level: float, unused: tuple[Unused, ...]
) -> AucDecomposition:
    stated = np.flatnonzero(np.isfinite(group_auc.low) & (group_auc.binning <= MOST_BINNING))
    highest = int(stated[np.argmax(group_auc.value[stated])]) if stated.size else None
    top = None if highest is None else float(group_auc.value[highest])
    coarse = split.binning > MOST_BINNING
    return AucDecomposition.model_construct(
        None,
        family=scores.family,
        pairs=split.pairs,
        within_pairs=split.within_pairs,
        within_share=as_known(split.within_share),
        **{name: None if coarse else as_known(getattr(split, name)) for name in _OF_THE_POOLED},
        level=level,
        groups=len(scores.groups),
        groups_stated=int(stated.size),
        highest=None if highest is None else scores.groups[highest],
        highest_auc=as_known(top),
        pooled_exceeds_all=None
        if coarse or stated.size < 2
        else bool(split.pooled - split.binning > (group_auc.value + group_auc.binning)[stated].max()),
        unused=unused,
        reason="bins_too_coarse" if coarse else None,
    )


def _reason(m: IntArray, n: IntArray, group_auc: Auc, index: int) -> ScoreReason | None:
    if m[index] + n[index] == 0:
        return "no_cases"
    if min(m[index], n[index]) < MIN_CASES:
        return "too_few_cases"
    return "bins_too_coarse" if group_auc.binning[index] > MOST_BINNING else None


def _is_stated(values: Auc, index: int) -> bool:
    """Say whether a value has an interval, since a bare one would be read as sure, and was not moved far by binning."""
    return bool(np.isfinite(values.low[index]) and values.binning[index] <= MOST_BINNING)


def _limits(names: tuple[str, str, str], values: Auc, index: int) -> dict[str, float | None]:
    interval = values.value, values.low, values.high
    return interval_fields(names, interval, index, known=_is_stated(values, index))


CAPACITIES: Final = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75)
"""Shares of all cases with a score that could be looked at."""
MOST_GROUPS_LISTED: Final = 20
"""Most groups that a family may have for counts by group; a larger one has its largest gaps alone."""
_THRESHOLDS: Final = 20
_SCORED: Final = 2
_RATES: Final[tuple[SweptRate, ...]] = ("true_positive_rate", "false_positive_rate", "selection_rate")
"""Rates in the order of `_flagged`: positives, negatives, all with a score."""


def sweeps(
    detector: DetectorSection, verdict: VerdictSection, families: Sequence[FamilyScores], unused: tuple[Unused, ...]
) -> tuple[Sweep, ...]:
    """Sweep thresholds and capacities for every family, over the edges of the 200 score bins.

    Thresholds stand at equal distances over the score's range, with the plan's own where it is an edge. A capacity is
    met by the edge that flags the number nearest to it; two capacities met by one edge are one step.
    """
    return tuple(sweep for scores in families for sweep in _family_sweeps(detector, verdict, scores, unused))


def _family_sweeps(
    detector: DetectorSection, verdict: VerdictSection, scores: FamilyScores, unused: tuple[Unused, ...]
) -> list[Sweep]:
    flagged = _flagged(scores)
    listed = scores.groups if len(scores.groups) <= MOST_GROUPS_LISTED else ()
    sizes = flagged[:, :, 0]
    capacities = _capacities(flagged[:, _SCORED].sum(axis=0))
    steps: dict[Literal["threshold", "capacity"], dict[int, float | None]] = {
        "threshold": dict.fromkeys(_thresholds(detector, scores.score_range)),
        "capacity": dict(capacities),
    }
    by_group = sizes if listed else sizes[:0]
    everyone = sizes.sum(axis=0).tolist()
    return [
        Sweep.model_construct(
            family=scores.family,
            over=over,
            scored=everyone[_SCORED],
            positives=everyone[POSITIVE],
            negatives=everyone[NEGATIVE],
            groups=listed,
            scored_by_group=tuple(by_group[:, _SCORED].tolist()),
            positives_by_group=tuple(by_group[:, POSITIVE].tolist()),
            negatives_by_group=tuple(by_group[:, NEGATIVE].tolist()),
            steps=_steps(verdict, scores, flagged, edges, listed=bool(listed)),
            min_denominator=verdict.min_denominator,
            level=verdict.level,
            unused=unused,
            note=SWEEP_NOTE,
        )
        for over, edges in steps.items()
    ]


def _flagged(scores: FamilyScores) -> IntArray:
    """int64[G, 3, 201]: positives, negatives and all rows with a score, at or above every edge."""
    kinds = np.stack([scores.positives, scores.negatives, scores.cases.sum(axis=1)], axis=1)
    return flagged_at_edges(kinds)


def _thresholds(detector: Detector, score_range: tuple[float, float]) -> list[int]:
    edges = set(range(0, BINS, BINS // _THRESHOLDS))
    threshold = detector.threshold
    if threshold is not None:
        low, high = score_range
        bin_position = (threshold - low) / (high - low) * BINS
        nearest = round(bin_position)
        # rows at the highest score are in the last bin: an edge above it would not flag them
        if abs(bin_position - nearest) < 1e-9 and nearest < BINS:
            edges.add(nearest)
    return sorted(edges)


def _capacities(flagged: IntArray) -> list[tuple[int, float]]:
    met: dict[int, float] = {}
    if flagged[0] > 0:
        for share, edge in zip(CAPACITIES, edges_flagging(flagged, CAPACITIES).tolist(), strict=True):
            if flagged[edge] > 0:
                met.setdefault(edge, share)
    return list(met.items())


def _steps(
    verdict: VerdictSection, scores: FamilyScores, flagged: IntArray, edges: dict[int, float | None], *, listed: bool
) -> tuple[SweepStep, ...]:
    places = list(edges)
    at = flagged[:, :, places]
    everyone = at.sum(axis=0)
    gaps = _gaps(verdict, scores.groups, flagged[:, :, 0], at)
    low, high = scores.score_range
    by_group = at if listed else at[:0]
    return tuple(
        SweepStep.model_construct(
            threshold=known_number(low + (high - low) * edge / BINS),
            share=edges[edge],
            flagged=int(everyone[_SCORED, step]),
            found=int(everyone[POSITIVE, step]),
            wrongly_flagged=int(everyone[NEGATIVE, step]),
            flagged_by_group=tuple(by_group[:, _SCORED, step].tolist()),
            found_by_group=tuple(by_group[:, POSITIVE, step].tolist()),
            wrongly_flagged_by_group=tuple(by_group[:, NEGATIVE, step].tolist()),
            gaps=gaps[step],
        )
        for step, edge in enumerate(places)
    )


def _gaps(
    verdict: VerdictSection, groups: Sequence[Group], sizes: IntArray, at: IntArray
) -> list[tuple[SweepGap, ...]]:
    """Find for each step the group farthest from its rest in each rate; `sizes` int64[G, 3], `at` int64[G, 3,
    steps].
    """
    steps: list[list[SweepGap]] = [[] for _ in range(at.shape[2])]
    for kind, rate in enumerate(_RATES):
        farthest = largest_gap(at[:, kind], sizes[:, kind], verdict.min_denominator, verdict.level)
        for step, group_index in enumerate(farthest.group.tolist()):
            if group_index != NOBODY:
                steps[step].append(
                    SweepGap.model_construct(
                        rate=rate,
                        group=groups[group_index],
                        numerator=int(at[group_index, kind, step]),
                        denominator=int(sizes[group_index, kind]),
                        difference=known_number(farthest.difference[step]),
                        low=as_known(farthest.low[step]),
                        high=as_known(farthest.high[step]),
                    )
                )
    return [tuple(step) for step in steps]
