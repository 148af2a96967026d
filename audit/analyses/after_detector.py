"""What people did with the detector's flags: overrides by group, and what they add to its gaps or take from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from operator import add
from typing import Final

import numpy as np

from audit.analyses.amplification import Interval, amplification_outcomes
from audit.analyses.estimates import interval_fields, why_not_stated
from audit.counting.table import UNLABELLED, CountsTable, FamilyCounts, everyone_as_family, is_listed
from audit.plan.audit_plan import AuditPlan
from audit.result.findings.second import AfterDetector, Among, Flag, Override, PeopleGap
from audit.stats.arrays import FloatArray, IntArray
from audit.stats.intervals import difference_of_independent, newcombe_difference, wilson
from audit.stats.pairs import newcombe_paired
from audit.vocabulary.groups import Family, SensitiveFeature
from audit.vocabulary.metrics import MISSED, WRONGLY_FLAGGED, Cell

_CELLS: Final = (Cell.TP, Cell.FN, Cell.FP, Cell.TN, Cell.UNSCORED_POSITIVE, Cell.UNSCORED_NEGATIVE)
"""Detector's flag x people's decision: flagged twice, dismissed, taken up, never flagged; undecided of both flags."""
_AMONG: Final[Mapping[str, Among]] = {
    **dict.fromkeys(MISSED, "victims"),
    **dict.fromkeys(WRONGLY_FLAGGED, "others"),
    "selection_rate": "everyone",
}
"""Cases that a rate is about. Precision and accuracy compare no case with itself under one label."""
_LABELS: Final[Mapping[Among, tuple[int | None, ...]]] = {"victims": (1,), "others": (0,), "everyone": (1, 0, None)}


def after_detector(
    plan: AuditPlan,
    people: Mapping[int | None, CountsTable] | None,
    families: Sequence[Family],
    features: Mapping[str, SensitiveFeature],
) -> AfterDetector | None:
    """Describe what people did; None where the plan names no decisions of people.

    Parameters
    ----------
    people
        Tables of `audit.counting.second_counts.Second`.
    """
    if people is None:
        return None
    every = people[1] + people[0] + people[None]
    asked = dict.fromkeys(_AMONG[rule.metric] for rule in plan.rules if rule.metric in _AMONG)
    gaps = {among: reduce(add, (people[label] for label in _LABELS[among])) for among in asked}
    listed = [counts for family in families if is_listed(counts := every.family(family, features))]
    return AfterDetector(
        unanswered=int(every.everyone[UNLABELLED].sum()),
        overrides=tuple(one for counts in (everyone_as_family(every), *listed) for one in _overrides(plan, counts)),
        gaps=tuple(
            gap
            for among, table in gaps.items()
            for counts in listed
            for gap in _gaps(plan, table.family(counts.family, features), among)
        ),
    )


def _overrides(plan: AuditPlan, family: FamilyCounts) -> Iterator[Override]:
    level, least = plan.verdict.level, plan.verdict.min_denominator
    sides: tuple[tuple[Flag, tuple[Cell, Cell], Cell], ...] = (
        ("flagged", (Cell.FN, Cell.TP), Cell.UNSCORED_POSITIVE),
        ("not_flagged", (Cell.FP, Cell.TN), Cell.UNSCORED_NEGATIVE),
    )
    for flag, cells, undecided in sides:
        x, n, y, m = family.cell(cells[0]), family.total(cells), family.rest(cells[:1]), family.rest(cells)
        with np.errstate(invalid="ignore", divide="ignore"):
            own = (x / n, *wilson(x, n, level))
            apart = (x / n - y / m, *newcombe_difference(x, n, y, m, level))
        for place, group in enumerate(family.groups):
            reason = why_not_stated(int(n[place]), least)
            known, compared = reason is None, reason is None and bool(m[place] >= least)
            names = ("difference", "difference_low", "difference_high")
            yield Override.model_validate(
                {
                    "group": group,
                    "detector": flag,
                    "decided": int(n[place]),
                    "changed": int(x[place]),
                    "undecided": int(family.cell(undecided)[place]),
                    **interval_fields(("value", "low", "high"), own, place, known=known),
                    **interval_fields(names, apart, place, known=compared),
                    "level": level,
                    "reason": reason,
                }
            )


def _gaps(plan: AuditPlan, family: FamilyCounts, among: Among) -> Iterator[PeopleGap]:
    least, section = plan.verdict.min_denominator, plan.evaluation_set
    independent = not section.is_weighted and section.cluster is None
    own, rest = ([of((cell,)) for cell in _CELLS] for of in (family.total, family.rest))
    n, m = _sum(own), _sum(rest)
    stated = (n >= least) & (m >= least)
    level = 1.0 - (1.0 - plan.verdict.level) / max(int(stated.sum()), 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        before, after, added = people_gaps(own, rest, level)
    words = amplification_outcomes(before, after, added)
    for place, group in enumerate(family.groups):
        known = bool(stated[place])
        few = "no_cases" if min(n[place], m[place]) == 0 else "too_few_for_a_rate"
        yield PeopleGap.model_validate(
            {
                "group": group,
                "among": among,
                "cases": int(n[place]),
                "undecided": int(own[4][place] + own[5][place]),
                **interval_fields(("detector_gap",), before[:1], place, known=known),
                **interval_fields(("added", "low", "high"), added, place, known=known),
                "outcome": words[place] if known and independent else "cannot_tell",
                "level": plan.verdict.level,
                "reason": None if known else few,
            }
        )


def people_gaps(own: Sequence[IntArray], rest: Sequence[IntArray], level: float) -> tuple[Interval, Interval, Interval]:
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
    n, m = _sum(own), _sum(rest)
    flags, rest_flags = own[0] + own[1] + own[4], rest[0] + rest[1] + rest[4]
    before = (flags / n - rest_flags / m, *newcombe_difference(flags, n, rest_flags, m, level))
    none, every = (_settled(own, flagged=flagged) for flagged in (False, True))
    rest_none, rest_every = (_settled(rest, flagged=flagged) for flagged in (False, True))
    value = _expected_change(own) - _expected_change(rest)
    low = difference_of_independent(_change(none, level), _change(rest_every, level))[1]
    high = difference_of_independent(_change(every, level), _change(rest_none, level))[2]
    lowest = newcombe_difference(none[0] + none[2], n, rest_every[0] + rest_every[2], m, level)[0]
    highest = newcombe_difference(every[0] + every[2], n, rest_none[0] + rest_none[2], m, level)[1]
    return before, (before[0] + value, lowest, highest), (value, low, high)


def _settled(cells: Sequence[IntArray], *, flagged: bool) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Count cases without a decision as flagged by people, or as not flagged."""
    both, dismissed, taken_up, neither, of_flagged, of_others = cells
    if flagged:
        return both + of_flagged, dismissed, taken_up + of_others, neither
    return both, dismissed + of_flagged, taken_up, neither + of_others


def _change(cells: tuple[IntArray, IntArray, IntArray, IntArray], level: float) -> Interval:
    both, dismissed, taken_up, neither = cells
    return newcombe_paired(both, taken_up, dismissed, neither, level)


def _expected_change(cells: Sequence[IntArray]) -> FloatArray:
    """float64[G]: change in the share flagged; nan where nobody decided any case of a flag that has undecided ones."""
    both, dismissed, taken_up, neither, of_flagged, of_others = cells
    more = taken_up + np.where(of_others > 0, of_others * taken_up / (taken_up + neither), 0.0)
    fewer = dismissed + np.where(of_flagged > 0, of_flagged * dismissed / (both + dismissed), 0.0)
    return np.asarray((more - fewer) / _sum(cells), dtype=np.float64)


def _sum(cells: Sequence[IntArray]) -> IntArray:
    return np.asarray(sum(cells[1:], start=cells[0]), dtype=np.int64)
