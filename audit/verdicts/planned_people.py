"""Chances of a group that is treated like everyone else, by labels alone: to pass, and not to be held back.

A PASS has to hold for all that the plan supposes of people whose group is unknown. With many of them, no group that has
as few cases of its own can reach one. Further cases of the same kind do not help: only finding out who these people are
does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Self, TypeVar

import numpy as np
import numpy.typing as npt

from audit.analyses.missing_attributes import MemberPlaces, Supposed, share_at_odds
from audit.analyses.sides import Question, questions
from audit.plan.audit_plan import AuditPlan, Rule
from audit.stats.arrays import BoolArray, FloatArray
from audit.stats.binomial import binomial_cdf, largest_count
from audit.stats.boundaries import counted_rate
from audit.stats.power import cases_to_decide, cases_to_pass, rejection_power
from audit.stats.score_test import PASS_BETA, asymptotic_p

Number = TypeVar("Number", bound=np.generic)
LIKE_EXACT: Final = 0.9
"""Level of the score test, over that of the exact test, at which both reject equally often: .73 to .98 in 39 designs in
which an equal group passes in 90 to 99.95 %, .90 on average.
"""
_MOST: Final = 0.5
_PRECISION: Final = 1e-4


NOBODY: Final = MemberPlaces([], [], [])
"""Members of no group, where nobody's feature is unknown."""


class EffectiveSizes(NamedTuple):
    """What the cases of the G groups of a family are worth, from weights and clusters, never from an answer of the
    model.
    """

    people: FloatArray
    worth: FloatArray
    """float64[G]: number of independent cases of equal weight that one case is worth."""
    rest_size: FloatArray
    """float64[G]: effective size of the rest."""
    too_few_clusters: BoolArray


@dataclass(frozen=True, slots=True)
class PlannedPeople:
    """Groups of a family as planning sees them."""

    people: FloatArray
    """float64[G]: cases of the rule's denominator; with design weights the number of people they stand for."""
    size: FloatArray
    """float64[G]: number of independent cases of equal weight that they are worth."""
    rest_size: FloatArray
    """float64[G]: number of independent cases of equal weight that the rest's cases are worth."""
    members: MemberPlaces
    """Groups whose people may belong to each group."""
    families: tuple[PlannedPeople, ...] = ()
    """Families of which these are the groups side by side; then these know their members."""
    _counted: dict[Supposed, WithMembers] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def side_by_side(cls, families: Sequence[PlannedPeople]) -> Self:
        """Put the groups of several families into one table: to plan all of them costs little more than to plan one."""
        people, size, rest_size = (
            np.concatenate([getattr(family, name) for family in families]) for name in ("people", "size", "rest_size")
        )
        return cls(people, size, rest_size, NOBODY, tuple(families))

    def split(self, found: npt.NDArray[Number]) -> list[npt.NDArray[Number]]:
        """Deal numbers of the groups out to their families."""
        return np.split(found, np.cumsum([family.people.size for family in self.families])[:-1])

    def with_members(self, supposed: Supposed) -> WithMembers:
        """Count those who may belong to each group, as many as are supposed to."""
        if supposed not in self._counted:
            self._counted[supposed] = (
                WithMembers.side_by_side([family.with_members(supposed) for family in self.families])
                if self.families
                else self._with_members(supposed)
            )
        return self._counted[supposed]

    def _with_members(self, supposed: Supposed) -> WithMembers:
        unknown, several = (
            np.array([self.people[others].sum() if others else 0.0 for others in of], dtype=np.float64)
            for of in (self.members.unknown, self.members.several)
        )
        most, everyone = self.members.most(self.people, supposed), np.full(self.people.shape, self.people.sum())
        return WithMembers(self.people, everyone, unknown, most, several, supposed.odds_factor)


class WithMembers(NamedTuple):
    """Planned groups, and the people who may belong to them; float64[G] each."""

    people: FloatArray
    everyone: FloatArray
    """People of the family that each group is of."""
    unknown: FloatArray
    """People of unknown feature who may belong to each group."""
    most: FloatArray
    """The most of them who are supposed to."""
    several: FloatArray
    """People with its nationality beside others."""
    odds_factor: float | None

    @classmethod
    def side_by_side(cls, families: Sequence[WithMembers]) -> Self:
        """Put the groups of several families into one table."""
        people, everyone, unknown, most, several = (
            np.concatenate([getattr(family, name) for family in families])
            for name in ("people", "everyone", "unknown", "most", "several")
        )
        return cls(people, everyone, unknown, most, several, families[0].odds_factor)

    def rates(self, question: Question, rate: float) -> PlannedRates:
        """Return the rates of group and rest with everybody at `rate` and members at their worst."""
        own, everyone, up = self.people, self.everyone, question.side == "high"
        against = rate if up else 1.0 - rate
        harmed = against * self.unknown
        share = float(share_at_odds(self.odds_factor, np.array(against), np.array(1.0 - against)))
        harmed = np.minimum(harmed, share * self.most)
        others = np.minimum(harmed / (share or 1.0) - harmed, self.most - harmed)
        harmed = harmed + against * self.several
        some, moved = np.maximum(own, 1.0), harmed + others
        left = np.maximum(everyone - own - moved, 1e-9)
        joined = harmed if up else others
        group, rest = (rate * own + joined) / (some + moved), (rate * (everyone - own) - joined) / left
        return PlannedRates(np.clip(group, 0.0, 1.0), np.clip(rest, 0.0, 1.0), 1.0 + moved / some)


class PlannedRates(NamedTuple):
    """Rates of groups and rests as a test for a PASS will see them; float64[G] each."""

    group: FloatArray
    rest: FloatArray
    growth: FloatArray
    """Cases of the group with its possible members, over its own."""


def chance_to_miss(plan: AuditPlan, rule: Rule, planned: PlannedPeople) -> FloatArray:
    """Chance that a group that is treated like everyone else does not pass, by its cases alone.

    Everybody has the rule's planned rate; people of unknown feature are at their worst as far as the plan supposes.

    Returns
    -------
    ndarray of float64, shape (G,)
        Of two sides, both chances together. The larger of two: that of the score test, and that of a binomial test
        which knows the rest's rate. The exact test lies near the larger one (`tools/simulate/joint_planning.py`).
    """
    with_members = planned.with_members(Supposed.of(plan.sensitivity))
    alpha, missed = plan.verdict.alpha, np.zeros(planned.people.shape)
    for question in questions(plan, rule):
        rates, boundary = with_members.rates(question, rule.planned_rate), question.within
        n, m = np.maximum(planned.size * rates.growth, 1.0), np.maximum(planned.rest_size, 1e-9)
        by_score = rejection_power(rates.group, n, rates.rest, m, boundary, LIKE_EXACT * alpha)
        edge = boundary.edge(counted_rate(rates.rest, boundary))
        top = largest_count(alpha - PASS_BETA, np.floor(n), np.clip(edge, 0.0, 1.0))
        by_count = binomial_cdf(top, np.floor(n), counted_rate(rates.group, boundary))
        missed += 1.0 - np.minimum(by_score, np.where(edge > 0.0, by_count, 0.0))
    return np.minimum(missed, 1.0)


def is_beyond_help(plan: AuditPlan, rule: Rule, planned: PlannedPeople) -> BoolArray:
    """bool[G]: whether no number of cases would do, so many people are unknown who may belong to the group."""
    with_members = planned.with_members(Supposed.of(plan.sensitivity))
    beyond = np.zeros(planned.people.shape, dtype=np.bool_)
    for question in questions(plan, rule):
        rates, boundary = with_members.rates(question, rule.planned_rate), question.within
        edge = boundary.edge(counted_rate(rates.rest, boundary))
        beyond |= (rates.growth > 1.0) & (counted_rate(rates.group, boundary) >= edge)
    return beyond


def cases_to_be_alone(plan: AuditPlan, rule: Rule, planned: PlannedPeople, power: npt.ArrayLike) -> FloatArray:
    """Independent cases with which a group that is treated like everyone else passes with this power, or its own of
    several.

    Returns
    -------
    ndarray of float64, shape (G,)
        With people of unknown feature at their worst as far as the plan supposes; without them where with them no
        number would do; inf where none would do at all.
    """
    with_members, asked = planned.with_members(Supposed.of(plan.sensitivity)), questions(plan, rule)
    # of two sides each is planned for half of the risk, so that both pass together with the power asked for
    each = np.broadcast_to(1.0 - (1.0 - np.asarray(power)) / len(asked), planned.people.shape)
    needed = np.zeros(planned.people.shape)
    for question in asked:
        rates, boundary, m = with_members.rates(question, rule.planned_rate), question.within, planned.rest_size
        cases = cases_to_decide(rates.group, rates.rest, m, boundary, plan.verdict.alpha, each) / rates.growth
        never = ~np.isfinite(cases)
        if never.any():
            cases[never] = cases_to_pass(rule.planned_rate, m[never], boundary, plan.verdict.alpha, each[never])
        needed = np.maximum(needed, cases)
    return needed


def groups_held_back(
    plan: AuditPlan, rule: Rule, planned: PlannedPeople, supposed: Supposed | None = None
) -> BoolArray:
    """bool[G]: the groups that cannot pass as long as so many people are unknown.

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
        rates, m = moved.rates(question, rule.planned_rate), np.maximum(planned.rest_size, 1e-9)
        n = planned.size * rates.growth
        x, y = n * counted_rate(rates.group, question.within), m * counted_rate(rates.rest, question.within)
        held |= np.asarray(asymptotic_p(x, n, y, m, question.within) > plan.verdict.alpha)
    return held


def share_for_all(plan: AuditPlan, rule: Rule, planned: PlannedPeople, alone: BoolArray) -> float:
    """Return the largest share of a group's own cases that may be unknown with none of those judged `alone` held back;
    0 where none would do.
    """
    supposed = Supposed.of(plan.sensitivity)

    def enough(share: float) -> bool:
        return not groups_held_back(plan, rule, planned, supposed._replace(max_share=share))[alone].any()

    return _largest_share(enough) if enough(0.0) else 0.0


def _largest_share(enough: Callable[[float], bool]) -> float:
    low, high = 0.0, _MOST
    while high - low > _PRECISION:
        middle = (low + high) / 2.0
        low, high = (middle, high) if enough(middle) else (low, middle)
    return low
