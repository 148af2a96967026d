"""Groups that cannot pass while too many people's group is unknown. Computed from labels, before scoring.

A PASS has to hold wherever these people belong. With many of them, no group that has as few cases of its own can reach
one. Further cases of the same kind do not help: only finding out who these people are does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from audit.analyses.missing_attributes import MemberPlaces, Supposed
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

    def with_members(self, supposed: Supposed) -> WithMembers:
        """Count those who may belong to each group, as many as are supposed to."""
        unknown, several = (
            np.array([self.people[others].sum() for others in of], dtype=np.float64)
            for of in (self.members.unknown, self.members.several)
        )
        return WithMembers(self, unknown, self.members.most(self.people, supposed), several, supposed.odds_factor)


@dataclass(frozen=True, slots=True)
class WithMembers:
    """Planned groups, and the people who may belong to them; float64[G] each."""

    planned: PlannedPeople
    unknown: FloatArray
    """People of unknown feature who may belong to each group."""
    most: FloatArray
    """The most of them who are supposed to."""
    several: FloatArray
    """People with its nationality beside others."""
    odds_factor: float | None

    def expected(self, question: Question, rate: float) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Return group and rest as (x, n, y, m), by the counted outcome: everybody at `rate`, members at their worst.

        Sizes are the independent cases that they are worth.
        """
        planned, own = self.planned, self.planned.people
        everyone, up = float(own.sum()), question.side == "high"
        against = rate if up else 1.0 - rate
        harmed, others = against * self.unknown, np.zeros(own.shape)
        if self.odds_factor is None:
            harmed = np.minimum(harmed, self.most)
        else:
            share = self.odds_factor * against / (self.odds_factor * against + 1.0 - against)
            harmed = np.minimum(harmed, share * self.most)
            others = np.minimum(harmed / share - harmed, self.most - harmed)
        harmed = harmed + against * self.several
        some, moved = np.maximum(own, 1.0), harmed + others
        left = np.maximum(everyone - own - moved, 1e-9)
        joined = harmed if up else others
        group, rest = (rate * own + joined) / (some + moved), (rate * (everyone - own) - joined) / left
        n, m = planned.size * (1.0 + moved / some), np.maximum(planned.rest_size, 1e-9)
        x, y = (size * counted_rate(np.clip(of, 0.0, 1.0), question.within) for size, of in ((n, group), (m, rest)))
        return x, n, y, m


def groups_held_back(
    plan: AuditPlan, rule: Rule, planned: PlannedPeople, supposed: Supposed | None = None
) -> BoolArray:
    """bool[G]: the groups that would be judged alone and cannot pass, as long as so many people are unknown.

    Everybody has the rule's planned rate, and counts come out as expected. The worst choice of members is then tested
    by the score test at the level of a PASS, with the cases that group and rest are worth.

    Parameters
    ----------
    supposed
        What is supposed of people of unknown feature, if not what the plan does.
    """
    held = np.zeros(planned.people.shape, dtype=np.bool_)
    if not any(map(any, (planned.members.unknown, planned.members.several))):
        return held
    moved = planned.with_members(supposed or Supposed.of(plan.sensitivity))
    for question in questions(plan, rule):
        x, n, y, m = moved.expected(question, rule.planned_rate)
        held |= np.asarray(asymptotic_p(x, n, y, m, question.within) > plan.verdict.alpha)
    return held & planned.alone


def share_for_all(plan: AuditPlan, rule: Rule, planned: PlannedPeople) -> float:
    """Return the largest share of a group's own cases that may be unknown with none held back; 0 where none would
    do.
    """
    supposed = Supposed.of(plan.sensitivity)

    def enough(share: float) -> bool:
        return not groups_held_back(plan, rule, planned, supposed._replace(max_share=share)).any()

    return _largest_share(enough) if enough(0.0) else 0.0


def _largest_share(enough: Callable[[float], bool]) -> float:
    low, high = 0.0, _MOST
    while high - low > _PRECISION:
        middle = (low + high) / 2.0
        low, high = (middle, high) if enough(middle) else (low, middle)
    return low
