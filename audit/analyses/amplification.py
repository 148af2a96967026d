"""Gaps from labels to flags to people: what the detector adds, and what people add.

Amplification: does the detector add disparity over its labels, repeat theirs, or remove some of it?

What people did with the detector's flags: overrides by group, and what they add to its gaps or take from them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from operator import add
from typing import Final, TypeAlias

import numpy as np

from audit.analyses.estimates import as_known, interval_fields, why_not_stated
from audit.counting.table import MOST_GROUPS, UNLABELLED, CountsTable, FamilyCounts, everyone_as_family, is_listed
from audit.plan.audit_plan import Rule
from audit.plan.evaluation_set import EvaluationSetSection
from audit.plan.sections import VerdictSection
from audit.result.findings.patterns import Amplification, Amplifies, GroupAmplification
from audit.result.findings.second import AfterDetector, Among, Flag, Override, PeopleGap
from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.intervals import difference_of_independent, newcombe_difference, wilson
from audit.stats.pairs import mean_of_signed_estimates, newcombe_paired
from audit.vocabulary.groups import Family, SensitiveFeature
from audit.vocabulary.metrics import MISSED, WRONGLY_FLAGGED, Cell

_CELLS: Final = (Cell.TP, Cell.FP, Cell.FN, Cell.TN)
_OUTCOMES: Final[tuple[Amplifies, ...]] = ("adds", "repeats", "removes", "cannot_tell")

Interval: TypeAlias = tuple[FloatArray, FloatArray, FloatArray]


def amplification(verdict: VerdictSection, families: Sequence[FamilyCounts]) -> tuple[Amplification, ...]:
    """Measure directional bias amplification for each family of at most `MOST_GROUPS` groups, and for each single
    feature.

    It is measured over cases that are both labelled and scored: a flag cannot be compared with a label that is not
    there. For a group g, D = P(flagged | g) - P(labelled | g) = (FP - FN) / n, on the same cases (Wang & Russakovsky
    2021, ICML).
    """
    return tuple(_family_amplification(verdict, family) for family in families if is_listed(family))


def amplification_outcomes(labels: Interval, flags: Interval, added: Interval) -> list[Amplifies]:
    """Name what a detector does to the gap between group and rest.

    Parameters
    ----------
    labels, flags : triple of ndarray of float64, shape (G,)
        Gap of group and rest in the labels and in the flags, with limits.
    added : triple of ndarray of float64, shape (G,)
        The gap in the flags minus the gap in the labels, with limits.

    Returns
    -------
    list of str
        `adds`: the flags' gap is seen to be wider than the labels', or to lie on the other side. `removes`: it is seen
        to be narrower. `repeats`: both are seen on one side, and what is added or removed lies within half of the
        labels' gap. Else `cannot_tell`. "Seen" means that an interval lies on one side of 0.
    """
    of_labels, of_flags, of_added = (_sign(interval) for interval in (labels, flags, added))
    with np.errstate(invalid="ignore"):
        small = (added[1] >= -np.abs(labels[0]) / 2.0) & (added[2] <= np.abs(labels[0]) / 2.0)
    differ = of_labels != 0
    wider = (of_added != 0) & np.where(differ, (of_added == of_labels) | (of_flags == -of_labels), of_flags == of_added)
    narrower = differ & (of_added == -of_labels) & ~wider
    repeats = differ & (of_added == 0) & (of_flags == of_labels) & small
    return [_OUTCOMES[outcome] for outcome in np.select([wider, repeats, narrower], [0, 1, 2], 3)]


def _family_amplification(verdict: VerdictSection, family: FamilyCounts) -> Amplification:
    level, floor = verdict.level, verdict.min_denominator
    group_cells = [family.total((cell,)) for cell in _CELLS]
    rest = [family.rest((cell,)) for cell in _CELLS]
    stated = np.flatnonzero(sum(group_cells) >= floor)
    group_cells, rest = [cell[stated] for cell in group_cells], [cell[stated] for cell in rest]
    n, m = _sum(group_cells), _sum(rest)
    labelled, flagged = group_cells[0] + group_cells[2], group_cells[0] + group_cells[1]
    above = labelled * (n + m) > (labelled + rest[0] + rest[2]) * n
    change = newcombe_paired(group_cells[0], group_cells[1], group_cells[2], group_cells[3], level)
    added = difference_of_independent(change, newcombe_paired(rest[0], rest[1], rest[2], rest[3], level))
    labels = _gap(labelled, n, rest[0] + rest[2], m, level)
    has_rest = m >= floor
    added = _nan_elsewhere(has_rest, added)
    words = amplification_outcomes(
        _nan_elsewhere(has_rest, labels), _nan_elsewhere(has_rest, _gap(flagged, n, rest[0] + rest[1], m, level)), added
    )
    settled = _sign(labels) != 0
    total = mean_of_signed_estimates(np.where(above, 1.0, -1.0), settled, change)
    tally = Counter(words)
    everyone = [int(family.total((cell,)).sum()) for cell in _CELLS]
    many = len(family.groups) > MOST_GROUPS
    return Amplification.model_construct(
        None,
        family=family.family,
        label_rate=_share(everyone[0] + everyone[2], sum(everyone), floor),
        flag_rate=_share(everyone[0] + everyone[1], sum(everyone), floor),
        total=as_known(total[0]),
        low=as_known(total[1]),
        high=as_known(total[2]),
        groups_counted=int(stated.size),
        groups_left_out=len(family.groups) - int(stated.size),
        signs_unsettled=int((~settled).sum()),
        outcomes={word: tally[word] for word in _OUTCOMES if tally[word]},
        groups=tuple(
            GroupAmplification.model_construct(
                None,
                group=family.groups[at],
                cases=int(n[index]),
                label_rate=int(labelled[index]) / int(n[index]),
                flag_rate=int(flagged[index]) / int(n[index]),
                **interval_fields(("difference", "low", "high"), change, index),
                labelled_above=bool(above[index]),
                **interval_fields(("added", "added_low", "added_high"), added, index),
                outcome=words[index],
            )
            for index, at in enumerate(stated)
            if not many or words[index] != "cannot_tell"
        ),
        level=level,
    )


def _share(count: int, cases: int, floor: int) -> float | None:
    return count / cases if cases >= max(floor, 1) else None


def _sum(cells: Sequence[IntArray]) -> IntArray:
    return np.asarray(cells[0] + cells[1] + cells[2] + cells[3], dtype=np.int64)


def _gap(x: IntArray, n: IntArray, y: IntArray, m: IntArray, level: float) -> Interval:
    with np.errstate(invalid="ignore", divide="ignore"):
        return (x / n - y / m, *newcombe_difference(x, n, y, m, level))


def _nan_elsewhere(stated: BoolArray, interval: Interval) -> Interval:
    value, low, high = (np.where(stated, values, np.nan) for values in interval)
    return value, low, high


def _sign(interval: Interval) -> IntArray:
    """1 where an interval lies above 0, -1 where below, else 0."""
    return (interval[1] > 0.0).astype(np.int64) - (interval[2] < 0.0).astype(np.int64)


_CELLS_AFTER_PEOPLE: Final = (Cell.TP, Cell.FN, Cell.FP, Cell.TN, Cell.UNSCORED_POSITIVE, Cell.UNSCORED_NEGATIVE)
"""Detector's flag x people's decision: flagged twice, dismissed, taken up, never flagged; undecided of both flags."""
_AMONG: Final[Mapping[str, Among]] = {
    **dict.fromkeys(MISSED, "victims"),
    **dict.fromkeys(WRONGLY_FLAGGED, "others"),
    "selection_rate": "everyone",
}
"""Cases that a rate is about. Precision and accuracy compare no case with itself under one label."""
_LABELS: Final[Mapping[Among, tuple[int | None, ...]]] = {"victims": (1,), "others": (0,), "everyone": (1, 0, None)}


def after_detector(
    rules: Sequence[Rule],
    set_section: EvaluationSetSection,
    verdict: VerdictSection,
    people: Mapping[int | None, CountsTable] | None,
    families: Sequence[Family],
    features: Mapping[str, SensitiveFeature],
) -> AfterDetector | None:
    """Describe what people did; None where the plan names no decisions of people.

    Parameters
    ----------
    people
        Tables of `audit.counting.count.Second`.
    """
    if people is None:
        return None
    every = people[1] + people[0] + people[None]
    compared_cells = dict.fromkeys(_AMONG[rule.metric] for rule in rules if rule.metric in _AMONG)
    gaps = {among: reduce(add, (people[label] for label in _LABELS[among])) for among in compared_cells}
    listed = [counts for family in families if is_listed(counts := every.family(family, features))]
    return AfterDetector(
        unanswered=int(every.everyone[UNLABELLED].sum()),
        overrides=tuple(
            override for counts in (everyone_as_family(every), *listed) for override in _overrides(verdict, counts)
        ),
        gaps=tuple(
            gap
            for among, table in gaps.items()
            for counts in listed
            for gap in _gaps(set_section, verdict, table.family(counts.family, features), among)
        ),
    )


def _overrides(verdict: VerdictSection, family: FamilyCounts) -> Iterator[Override]:
    level, least = verdict.level, verdict.min_denominator
    sides: tuple[tuple[Flag, tuple[Cell, Cell], Cell], ...] = (
        ("flagged", (Cell.FN, Cell.TP), Cell.UNSCORED_POSITIVE),
        ("not_flagged", (Cell.FP, Cell.TN), Cell.UNSCORED_NEGATIVE),
    )
    for flag, cells, undecided in sides:
        x, n, y, m = family.cell(cells[0]), family.total(cells), family.rest(cells[:1]), family.rest(cells)
        with np.errstate(invalid="ignore", divide="ignore"):
            override_rate = (x / n, *wilson(x, n, level))
            apart = (x / n - y / m, *newcombe_difference(x, n, y, m, level))
        for index, group in enumerate(family.groups):
            reason = why_not_stated(int(n[index]), least)
            known, compared = reason is None, reason is None and bool(m[index] >= least)
            names = ("difference", "difference_low", "difference_high")
            yield Override.model_validate(
                {
                    "group": group,
                    "detector": flag,
                    "decided": int(n[index]),
                    "changed": int(x[index]),
                    "undecided": int(family.cell(undecided)[index]),
                    **interval_fields(("value", "low", "high"), override_rate, index, known=known),
                    **interval_fields(names, apart, index, known=compared),
                    "level": level,
                    "reason": reason,
                }
            )


def _gaps(
    set_section: EvaluationSetSection, verdict: VerdictSection, family: FamilyCounts, among: Among
) -> Iterator[PeopleGap]:
    least, section = verdict.min_denominator, set_section
    independent = not section.is_weighted and section.cluster is None
    group_cells, rest = (
        [total_of((cell,)) for cell in _CELLS_AFTER_PEOPLE] for total_of in (family.total, family.rest)
    )
    n, m = _sum_after_people(group_cells), _sum_after_people(rest)
    stated = (n >= least) & (m >= least)
    level = 1.0 - (1.0 - verdict.level) / max(int(stated.sum()), 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        before, after, added = people_gaps(group_cells, rest, level)
    words = amplification_outcomes(before, after, added)
    for index, group in enumerate(family.groups):
        known = bool(stated[index])
        few = "no_cases" if min(n[index], m[index]) == 0 else "too_few_for_a_rate"
        yield PeopleGap.model_validate(
            {
                "group": group,
                "among": among,
                "cases": int(n[index]),
                "undecided": int(group_cells[4][index] + group_cells[5][index]),
                **interval_fields(("detector_gap",), before[:1], index, known=known),
                **interval_fields(("added", "low", "high"), added, index, known=known),
                "outcome": words[index] if known and independent else "cannot_tell",
                "level": verdict.level,
                "reason": None if known else few,
            }
        )


def people_gaps(
    group: Sequence[IntArray], rest: Sequence[IntArray], level: float
) -> tuple[Interval, Interval, Interval]:
    """Compare the gap between G groups and their rest in the detector's flags with that in people's decisions.

    Parameters
    ----------
    own, rest : sequence of 6 int64[G]
        Cases flagged twice, dismissed, taken up, never flagged, and without a decision of people among those that the
        detector flagged and did not flag.
    level : float
        Level of the intervals, of each by itself.

    Returns
    -------
    before, after, added : triple of float64[G]
        The gap in flags, the gap in decisions, and the second minus the first, each with its limits. Limits of the
        last two are the outermost over all that cases without a decision can have been; in their values these count as
        decided like the others of their group with the same flag.

    Notes
    -----
    Change of one group: Newcombe (1998), Statistics in Medicine 17, 2635-2650, method 10. Difference of two: MOVER.
    """
    n, m = _sum_after_people(group), _sum_after_people(rest)
    flags, rest_flags = group[0] + group[1] + group[4], rest[0] + rest[1] + rest[4]
    before = (flags / n - rest_flags / m, *newcombe_difference(flags, n, rest_flags, m, level))
    none, every = (_settled(group, flagged=flagged) for flagged in (False, True))
    rest_none, rest_every = (_settled(rest, flagged=flagged) for flagged in (False, True))
    value = _expected_change(group) - _expected_change(rest)
    low = difference_of_independent(_change(none, level), _change(rest_every, level))[1]
    high = difference_of_independent(_change(every, level), _change(rest_none, level))[2]
    lowest = newcombe_difference(none[0] + none[2], n, rest_every[0] + rest_every[2], m, level)[0]
    highest = newcombe_difference(every[0] + every[2], n, rest_none[0] + rest_none[2], m, level)[1]
    return before, (before[0] + value, lowest, highest), (value, low, high)


def _settled(cells: Sequence[IntArray], *, flagged: bool) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Count cases without a decision as flagged by people, or as not flagged."""
    kept_flags, dismissed, taken_up, neither, of_flagged, of_others = cells
    if flagged:
        return kept_flags + of_flagged, dismissed, taken_up + of_others, neither
    return kept_flags, dismissed + of_flagged, taken_up, neither + of_others


def _change(cells: tuple[IntArray, IntArray, IntArray, IntArray], level: float) -> Interval:
    kept_flags, dismissed, taken_up, neither = cells
    return newcombe_paired(kept_flags, taken_up, dismissed, neither, level)


def _expected_change(cells: Sequence[IntArray]) -> FloatArray:
    """float64[G]: change in the share flagged; nan where nobody decided any case of a flag that has undecided ones."""
    kept_flags, dismissed, taken_up, neither, of_flagged, of_others = cells
    more = taken_up + np.where(of_others > 0, of_others * taken_up / (taken_up + neither), 0.0)
    fewer = dismissed + np.where(of_flagged > 0, of_flagged * dismissed / (kept_flags + dismissed), 0.0)
    return np.asarray((more - fewer) / _sum_after_people(cells), dtype=np.float64)


def _sum_after_people(cells: Sequence[IntArray]) -> IntArray:
    return np.asarray(sum(cells[1:], start=cells[0]), dtype=np.int64)
