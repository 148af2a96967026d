"""Groups that cannot pass while too many people's group is unknown. Computed from labels, before scoring.

A PASS has to hold wherever these people belong. With many of them, no group that has as few cases of its own can reach
one. Further cases of the same kind do not help: only finding out who these people are does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from audit.analyses.missing_attributes import MemberPlaces
from audit.analyses.sides import Question, questions
from audit.plan.audit_plan import AuditPlan, Rule
from audit.stats.arrays import BoolArray, FloatArray
from audit.stats.margins.score_test import asymptotic_p
from audit.stats.rates.boundaries import counted_rate

_MOST: Final = 0.5
_PRECISION: Final = 1e-4


@dataclass(frozen=True, slots=True)
class PlannedPeople:
    """Groups of a family as planning sees them."""

    people: FloatArray
    """float64[G]: cases of the rule's denominator; with design weights the number of people they stand for."""
    size: FloatArray
    """float64[G]: number of independent cases of equal weight that they are worth."""
    rest_size: FloatArray
    """float64[G]: number of independent cases of equal weight that the rest's cases are worth."""
    alone: BoolArray
    """bool[G]: whether the group would be judged alone."""
    members: MemberPlaces
    """Groups whose people may belong to each group."""

    def may_belong(self) -> tuple[FloatArray, FloatArray]:
        """float64[G] each, as `people`: people of unknown feature, and people with its nationality beside others."""
        unknown, several = (
            np.array([self.people[others].sum() for others in of], dtype=np.float64) for of in self.members
        )
        return unknown, several


def groups_held_back(plan: AuditPlan, rule: Rule, planned: PlannedPeople, share: float | None) -> BoolArray:
    """bool[G]: the groups that would be judged alone and cannot pass, as long as so many people are unknown.

    Everybody has the rule's planned rate, and counts come out as expected. The worst choice of members is then tested
    by the score test at the level of a PASS, with the cases that group and rest are worth.

    Parameters
    ----------
    share
        The largest share of a group's own cases that may be unknown, as `max_missing_share` vouches for it.
    """
    held = np.zeros(planned.people.shape, dtype=np.bool_)
    if not any(any(of) for of in planned.members):
        return held
    for question in questions(plan, rule):
        held |= ~_passes(planned, question, rule.planned_rate, plan.verdict.alpha, share)
    return held & planned.alone


def share_for_all(plan: AuditPlan, rule: Rule, planned: PlannedPeople) -> float:
    """Return the largest share of a group's own cases that may be unknown with none held back; 0 where none would
    do.
    """

    def enough(share: float) -> bool:
        return not groups_held_back(plan, rule, planned, share).any()

    return _largest_share(enough) if enough(0.0) else 0.0


def _largest_share(enough: Callable[[float], bool]) -> float:
    low, high = 0.0, _MOST
    while high - low > _PRECISION:
        middle = (low + high) / 2.0
        low, high = (middle, high) if enough(middle) else (low, middle)
    return low


def _passes(planned: PlannedPeople, question: Question, rate: float, alpha: float, share: float | None) -> BoolArray:
    """bool[G]: whether a group at everyone's rate passes with the possible members that speak against it."""
    own, everyone = planned.people, float(planned.people.sum())
    against = rate if question.side == "high" else 1.0 - rate
    unknown, several = planned.may_belong()
    moving = against * unknown
    if share is not None:
        moving = np.minimum(moving, (own + several) * share / (1.0 - share))
    moved = moving + against * several
    up = moved if question.side == "high" else 0.0
    some, left = np.maximum(own, 1.0), np.maximum(everyone - own - moved, 1e-9)
    group, rest = (rate * own + up) / (some + moved), (rate * (everyone - own) - up) / left
    n, m = planned.size * (1.0 + moved / some), np.maximum(planned.rest_size, 1e-9)
    x, y = (size * counted_rate(np.clip(of, 0.0, 1.0), question.within) for size, of in ((n, group), (m, rest)))
    return np.asarray(asymptotic_p(x, n, y, m, question.within) <= alpha)
