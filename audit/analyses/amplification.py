"""Amplification: does the detector add disparity over its labels, repeat theirs, or remove some of it?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np

from audit.analyses.estimates import as_known, interval_fields
from audit.counting.table import MOST_GROUPS, FamilyCounts, is_listed
from audit.plan.audit_plan import AuditPlan
from audit.result.findings.patterns import Amplification, Amplifies, GroupAmplification
from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.intervals import difference_of_independent, newcombe_difference
from audit.stats.pairs import mean_of_signed_estimates, newcombe_paired
from audit.vocabulary.metrics import Cell

_CELLS: Final = (Cell.TP, Cell.FP, Cell.FN, Cell.TN)
_OUTCOMES: Final[tuple[Amplifies, ...]] = ("adds", "repeats", "removes", "cannot_tell")

Interval: TypeAlias = tuple[FloatArray, FloatArray, FloatArray]


def amplification(plan: AuditPlan, families: Sequence[FamilyCounts]) -> tuple[Amplification, ...]:
    """Measure directional bias amplification for each family of at most `MOST_GROUPS` groups, and for each single
    feature.

    It is measured over cases that are both labelled and scored: a flag cannot be compared with a label that is not
    there. For a group g, D = P(flagged | g) - P(labelled | g) = (FP - FN) / n, on the same cases (Wang & Russakovsky
    2021, ICML).
    """
    return tuple(_family_amplification(plan, family) for family in families if is_listed(family))


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
    return [_OUTCOMES[place] for place in np.select([wider, repeats, narrower], [0, 1, 2], 3)]


def _family_amplification(plan: AuditPlan, family: FamilyCounts) -> Amplification:
    level, floor = plan.verdict.level, plan.verdict.min_denominator
    own = [family.total((cell,)) for cell in _CELLS]
    rest = [family.rest((cell,)) for cell in _CELLS]
    kept = np.flatnonzero(sum(own) >= floor)
    own, rest = [cell[kept] for cell in own], [cell[kept] for cell in rest]
    n, m = _sum(own), _sum(rest)
    labelled, flagged = own[0] + own[2], own[0] + own[1]
    above = labelled * (n + m) > (labelled + rest[0] + rest[2]) * n
    change = newcombe_paired(own[0], own[1], own[2], own[3], level)
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
        groups_counted=int(kept.size),
        groups_left_out=len(family.groups) - int(kept.size),
        signs_unsettled=int((~settled).sum()),
        outcomes={word: tally[word] for word in _OUTCOMES if tally[word]},
        groups=tuple(
            GroupAmplification.model_construct(
                None,
                group=family.groups[at],
                cases=int(n[place]),
                label_rate=int(labelled[place]) / int(n[place]),
                flag_rate=int(flagged[place]) / int(n[place]),
                **interval_fields(("difference", "low", "high"), change, place),
                labelled_above=bool(above[place]),
                **interval_fields(("added", "added_low", "added_high"), added, place),
                outcome=words[place],
            )
            for place, at in enumerate(kept)
            if not many or words[place] != "cannot_tell"
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


def _nan_elsewhere(kept: BoolArray, interval: Interval) -> Interval:
    value, low, high = (np.where(kept, values, np.nan) for values in interval)
    return value, low, high


def _sign(interval: Interval) -> IntArray:
    """1 where an interval lies above 0, -1 where below, else 0."""
    return (interval[1] > 0.0).astype(np.int64) - (interval[2] < 0.0).astype(np.int64)
