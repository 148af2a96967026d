"""Weighted rates of groups and rests that a question compares, with everything that is not known at its best or
worst.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

import numpy as np

from audit.analyses.sides import Question, When, questions
from audit.counting.family_moments import Cells, FamilyMoments, of_the_others
from audit.counting.moments import Moments
from audit.counting.table import FamilyCounts
from audit.plan.audit_plan import AuditPlan, Rule
from audit.stats.arrays import FloatArray
from audit.stats.clusters import Alike, Tilt, pooled_correlation
from audit.stats.effective_test import Comparison
from audit.vocabulary.metrics import Cell

if TYPE_CHECKING:
    from audit.counting.strata import StratifiedFamily


def _tilts(of: FamilyMoments, family: FamilyCounts, cells: Cells) -> tuple[Tilt, Tilt, Tilt]:
    """Return the tilts of each group, of each rest, and of everyone."""
    kinds = cells[0], tuple(cell for cell in cells[1] if cell not in cells[0])
    own = [(of.units(kind), of.squares(kind)[1], np.asarray(family.total(kind), dtype=np.float64)) for kind in kinds]
    everyone = [tuple(np.full(values.shape, values.sum()) for values in kind) for kind in own]
    rest = [tuple(of_the_others(part) for part in kind) for kind in own]
    made = [
        Tilt.of((some[0][0], some[1][0]), (some[0][1], some[1][1]), (some[0][2], some[1][2]))
        for some in (own, rest, everyone)
    ]
    return made[0], made[1], made[2]


def weighted_comparison(of: FamilyMoments, family: FamilyCounts, question: Question, when: When) -> Comparison:
    """Compare group and rest as `question` asks, with unscored cases at their best or worst or left out."""
    own, rest = question.cells(when)
    if of.by_strata:
        # a gate of a set without strata loads none of this
        from audit.stats.strata import StratifiedComparison

        counts = cast("StratifiedFamily", of)
        sampled = counts.sampled(own), counts.sampled(rest, rest=True)
        return StratifiedComparison(of.own(own), of.rest(rest), of.cross(own, rest), 0.0, counts=(sampled,))
    tilt, _, everyone = _tilts(of, family, own)
    _, rest_tilt, _ = _tilts(of, family, rest)
    # unscored cases can make the rows of a cluster less alike than they are; the larger correlation holds for either
    scored, rest_scored = question.cells("scored")
    group, others = of.own(own), of.rest(rest)
    return Comparison(
        group=group,
        rest=others,
        cross=of.cross(own, rest),
        correlation=max(correlation(of, own), correlation(of, scored)),
        tilts=(tilt, everyone),
        rest_tilts=(rest_tilt, everyone),
        least_q=least_q(of, family, own[1]),
        alike=_alike(of, own, scored, rest=False),
        rest_alike=_alike(of, rest, rest_scored, rest=True),
        joint=of.shared((*own[1], *rest[1])),
    )


def _alike(of: FamilyMoments, cells: Cells, scored: Cells, *, rest: bool) -> Alike:
    rate = of.rest if rest else of.own
    alike = Alike.of(rate(cells), of.evened(cells, rest=rest))
    return alike if scored == cells else alike.worse_of(Alike.of(rate(scored), of.evened(scored, rest=rest)))


def least_q(of: FamilyMoments, family: FamilyCounts, cells: Iterable[Cell]) -> FloatArray:
    """float64[G]: ``sum Q / S^2`` of each group, if its weights were as uneven as those within groups are on
    average. 0 where weights are known from strata, and not found.
    """
    denominator = tuple(cells)
    if of.by_strata:
        return np.zeros(len(family.groups))
    rows = np.asarray(family.total(denominator), dtype=np.float64)
    total, (_, squares) = of.units(denominator), of.squares(denominator)
    some = (rows > 0.0) & (total > 0.0)
    effect = np.where(some, rows * squares / np.where(some, total, 1.0) ** 2, 0.0)
    pooled = float((rows * effect).sum() / max(float(rows.sum()), 1.0))
    return np.where(some, pooled / np.where(some, rows, 1.0), 0.0)


def is_exact(plan: AuditPlan, rule: Rule, family: FamilyCounts, moments: Moments) -> bool:
    """Say whether the rows of every group of a family, and of its rest, are independent and count alike."""
    denominators = [cells[1] for question in questions(plan, rule) for cells in question.cells("worst")]
    return all(bool(moments.of(family).counts_alike(denominator).all()) for denominator in denominators)


def correlation(of: FamilyMoments, cells: Cells) -> float:
    """Return how alike the rows of a cluster are, over all groups of a family."""
    return pooled_correlation(of.own(cells), of.units(cells[1]))
