"""Features by which public rows are made, and the exact numbers of each side, out of a result.

Gender and nationality come before other features, then the plan's own order. The first two are crossed; every further
one has rows by itself. Levels of a feature without a list are those of the set: the small ones are never named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from audit.analyses.estimates import cells_of, group_counts
from audit.counting.clusters import ClusterTable, count_clusters_once
from audit.counting.table import ABSTAINED, FAILED, FLAGGED, NEGATIVE, NOT_FLAGGED, POSITIVE, UNLABELLED, FamilyCounts
from audit.disclosure.method import Method, method_of
from audit.disclosure.vocabulary import Ladder, public_ladder
from audit.errors import ResultError
from audit.evaluation.sensitive import expected_codes
from audit.evaluation.standing import STANDINGS
from audit.plan.evaluation_set import EvaluationSetSection
from audit.plan.sections import DisclosureSection, Groups, feature_coding, feature_rungs
from audit.public.about import Unit
from audit.result.audit_result import AuditResult
from audit.result.findings.judged import GroupCounts
from audit.stats.arrays import IntArray, added
from audit.vocabulary.groups import Axis, Family, Group, Level, SensitiveFeature

if TYPE_CHECKING:
    from audit.counting.counted import Counted
    from audit.disclosure.tables import SideCounts

CROSSED: Final = 2
"""Features of a cross. A third would need programs to prove, and leave groups too small to print."""
_FIRST: Final = ("gender", "nationality")

SideName = Literal["positives", "negatives"]
SIDES: Final[tuple[SideName, ...]] = ("positives", "negatives")
_OUTCOMES: Final[Mapping[SideName, tuple[int, int, int]]] = {
    "positives": (POSITIVE, NOT_FLAGGED, FLAGGED),
    "negatives": (NEGATIVE, FLAGGED, NOT_FLAGGED),
}
"""Label, error and right answer of each side."""


def crossed_features(group_features: Groups) -> tuple[str, ...]:
    """Return the features whose finest groups public rows add up from, in the order of the plan: two at most."""
    ranked = sorted(group_features, key=lambda name: _rank(group_features, name))[:CROSSED]
    return tuple(name for name in group_features if name in ranked)


def finest_family(group_features: Groups, features: Sequence[str]) -> Family:
    """Return the features crossed, each on its finest rung."""
    return Family(tuple(Axis(feature, feature_rungs(group_features, feature)[0]) for feature in features))


def public_method(set_section: EvaluationSetSection, disclosure: DisclosureSection) -> Method:
    """Return floor, noise, what cannot occur and what is counted once, as the plan has them."""
    unit: Unit = "row" if set_section.cluster is None else disclosure.unit
    return method_of(disclosure.floor, absent=tuple(sorted(disclosure.absent)), unit=unit)


@dataclass(frozen=True, slots=True)
class Shape:
    """Exact numbers of a result, as public rows are made of them."""

    ladders: tuple[Ladder, ...]
    sides: Mapping[SideName, SideCounts]
    """Exact outcomes of victims and of others, as far as they are known."""
    hidden: Mapping[SideName, SideCounts]
    """Of a table of counts, people of each side whose number or outcome it hides, as errors: at most so many."""
    unscored: int
    unlabelled: int


def shape_of(result: AuditResult) -> Shape | None:
    """Take out of a result what public rows are made of; None where the plan has no feature.

    Raises
    ------
    ResultError
        If the result does not hold the counts of the finest groups, or they do not add up to everyone.
    """
    plan, unit = result.plan, public_method(result.plan.evaluation_set, result.plan.disclosure).unit
    crossed = crossed_features(plan.groups)
    if not crossed:
        return None
    all_counts = (*result.counts, *result.further.finest) if unit == "row" else result.further.clusters
    everyone = cells_of(result.counts[:1])[0]
    finest = [counts for counts in all_counts if counts.group.family == finest_family(plan.groups, crossed)]
    if not finest:
        raise ResultError(
            f"the result does not hold the counts of {' by '.join(crossed)} that public figures are made of",
            slug="no-finest-counts",
        )
    features = {feature.name: feature for feature in result.features}
    ladders = [_ladder(plan.groups, features[name]) for name in crossed]
    cells = _placed(finest, ladders)
    total = cells.reshape(-1, 3, 4).sum(axis=0)
    fits = np.array_equal(total, everyone) if unit == "row" else bool((total <= everyone).all())
    if not fits:
        raise ResultError("the counts of the finest groups do not add up to everyone", slug="contradictory-result")
    _check_absent(plan.disclosure, total)
    singles = [cells.sum(axis=tuple(at for at in range(len(crossed)) if at != axis)) for axis in range(len(crossed))]
    for name in [name for name in plan.groups if name not in crossed and unit == "row"]:
        counts_of_feature = [
            counts for counts in result.counts if counts.group.family == finest_family(plan.groups, [name])
        ]
        ladder = _ladder(plan.groups, features[name])
        placed = _placed(counts_of_feature, [ladder]) if counts_of_feature else None
        if placed is not None and np.array_equal(placed.sum(axis=0), total):  # else people stand in several levels
            ladders.append(ladder)
            singles.append(placed)
    crossed_cells = cells if len(crossed) == CROSSED else None
    sides = {side: _side(_OUTCOMES[side], ladders, singles, crossed_cells) for side in SIDES}
    hidden: Mapping[SideName, SideCounts] = {}
    unscored = int(total[:, NOT_FLAGGED + 1 :].sum())
    if plan.evaluation_set.is_counted:  # nobody is without an answer there: the table hides it
        hidden = {
            side: _side((_OUTCOMES[side][0], ABSTAINED, FAILED), ladders, singles, crossed_cells) for side in SIDES
        }
        unscored = 0
    return Shape(tuple(ladders), sides, hidden, unscored, int(total[UNLABELLED, : NOT_FLAGGED + 1].sum()))


def _check_absent(disclosure: DisclosureSection, total: IntArray) -> None:
    decided = total[:, [FLAGGED, NOT_FLAGGED]].sum(axis=1)
    there = {
        "positives": decided[POSITIVE],
        "negatives": decided[NEGATIVE],
        "unlabelled": decided[UNLABELLED],
        "unscored": total.sum() - decided.sum(),
    }
    present = [name for name in disclosure.absent if there[name]]
    if present:
        raise ResultError(f"disclosure.absent says that the set has no {present[0]}, and it has", slug="not-absent")


def _side(
    cell_indices: tuple[int, int, int], ladders: Sequence[Ladder], singles: Sequence[IntArray], crossed: IntArray | None
) -> SideCounts:
    from audit.disclosure.tables import SideCounts  # not before a result is made public: a gate makes none

    label, error, right = cell_indices

    def outcomes(cells: IntArray) -> IntArray:
        return np.stack([cells[..., label, error], cells[..., label, right]], axis=-1)

    return SideCounts(tuple(ladders), tuple(map(outcomes, singles)), None if crossed is None else outcomes(crossed))


def _placed(groups: Sequence[GroupCounts], ladders: Sequence[Ladder]) -> IntArray:
    """int64[L of each ladder …, 3, 4]: label x decision of every finest group."""
    places = [ladder.places([counts.group.levels[at].code for counts in groups]) for at, ladder in enumerate(ladders)]
    return added((*(len(ladder.levels[0]) for ladder in ladders), 3, 4), tuple(places), cells_of(groups))


def _rank(group_features: Groups, name: str) -> tuple[int, int]:
    coding = feature_coding(group_features, name)
    return _FIRST.index(coding) if coding in _FIRST else len(_FIRST), list(group_features).index(name)


def _ladder(group_features: Groups, feature: SensitiveFeature) -> Ladder:
    section, coding = group_features[feature.name], feature_coding(group_features, feature.name)
    if coding == "relation":
        return public_ladder(feature, STANDINGS)
    if coding in _FIRST or section.expected:
        return public_ladder(feature, expected_codes(section, coding))
    return replace(public_ladder(feature, (level.code for level in feature.levels if not level.parts)), listed=False)


def publication_counts(
    group_features: Groups,
    set_section: EvaluationSetSection,
    disclosure: DisclosureSection,
    counted: Counted,
    families: Mapping[Family, FamilyCounts],
    features: Mapping[str, SensitiveFeature],
) -> dict[str, tuple[GroupCounts, ...]]:
    """Return `finest` of a result, where none of the `families` that are shown has these groups, and `clusters`, where
    these are protected.
    """
    names = crossed_features(group_features)
    if not names:
        return {}
    family = finest_family(group_features, names)
    if public_method(set_section, disclosure).unit == "row":
        return {} if family in families else {"finest": group_counts([counted.table.family(family, features)])}
    return {"clusters": _clusters(counted, family, features)}


def _clusters(counted: Counted, family: Family, features: Mapping[str, SensitiveFeature]) -> tuple[GroupCounts, ...]:
    """The counts of clusters; where each row is one, those of rows."""
    moments = counted.moments
    if moments is None or not isinstance(moments.table, ClusterTable):
        return group_counts([counted.table.family(family, features)])
    names = [feature.name for feature in moments.features]
    once = count_clusters_once(moments.table, moments.codes, names, [axis.feature for axis in family.axes])
    groups = tuple(
        Group(tuple(Level(axis.feature, axis.rung, code) for axis, code in zip(family.axes, codes, strict=True)))
        for codes in once.codes
    )
    return group_counts([FamilyCounts(family, groups, once.cells, once.everyone)])
