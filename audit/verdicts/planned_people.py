"""Planning by labels alone: chances of a group that is treated like everyone else, and what its cases are worth.

Chances of a group that is treated like everyone else, by labels alone: to pass, and not to be held back.

A PASS has to hold for all that the plan supposes of people whose group is unknown. With many of them, no group that has
as few cases of its own can reach one. Further cases of the same kind do not help: only finding out who these people are
does.

What cases are worth where rows have weights or clusters, and from how many clusters a pass takes them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Self, TypeVar

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from audit.analyses.missing_attributes import MemberPlaces, Supposed, share_at_odds
from audit.analyses.sides import Question, possible_cases, possible_cells, questions
from audit.analyses.weighted_rates import least_q
from audit.counting.moments import Moments
from audit.counting.table import FamilyCounts
from audit.plan.audit_plan import AuditPlan, Route, Rule
from audit.plan.evaluation_set import EvaluationSetSection
from audit.plan.sections import SensitivitySection, VerdictSection
from audit.stats.arrays import BoolArray, FloatArray
from audit.stats.binomial import binomial_cdf, largest_count
from audit.stats.boundaries import Boundary, counted_rate
from audit.stats.clusters import (
    Alike,
    Bundles,
    clusters_factor_needed,
    design_size,
    satterthwaite,
    too_few_clusters,
    variance_factor,
)
from audit.stats.effective_test import MIN_DEGREES_OF_FREEDOM, few_degrees_factor
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

    def split(self, values: npt.NDArray[Number]) -> list[npt.NDArray[Number]]:
        """Deal numbers of the groups out to their families."""
        return np.split(values, np.cumsum([family.people.size for family in self.families])[:-1])

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
            np.array([self.people[others].sum() if others else 0.0 for others in member_counts], dtype=np.float64)
            for member_counts in (self.members.unknown, self.members.several)
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
        group_people, everyone, up = self.people, self.everyone, question.side == "high"
        against = rate if up else 1.0 - rate
        harmed = against * self.unknown
        share = float(share_at_odds(self.odds_factor, np.array(against), np.array(1.0 - against)))
        harmed = np.minimum(harmed, share * self.most)
        others = np.minimum(harmed / (share or 1.0) - harmed, self.most - harmed)
        harmed = harmed + against * self.several
        some, moved = np.maximum(group_people, 1.0), harmed + others
        left = np.maximum(everyone - group_people - moved, 1e-9)
        joined = harmed if up else others
        group, rest = (
            (rate * group_people + joined) / (some + moved),
            (rate * (everyone - group_people) - joined) / left,
        )
        return PlannedRates(np.clip(group, 0.0, 1.0), np.clip(rest, 0.0, 1.0), 1.0 + moved / some)


class PlannedRates(NamedTuple):
    """Rates of groups and rests as a test for a PASS will see them; float64[G] each."""

    group: FloatArray
    rest: FloatArray
    growth: FloatArray
    """Cases of the group with its possible members, over its own."""


def chance_to_miss(
    route: Route, verdict: VerdictSection, sensitivity: SensitivitySection, rule: Rule, planned: PlannedPeople
) -> FloatArray:
    """Chance that a group that is treated like everyone else does not pass, by its cases alone.

    Everybody has the rule's planned rate; people of unknown feature are at their worst as far as the plan supposes.

    Returns
    -------
    ndarray of float64, shape (G,)
        Of two sides, both chances together. The larger of two: that of the score test, and that of a binomial test
        which knows the rest's rate. The exact test lies near the larger one (`tools.simulate --only joint_planning`).
    """
    with_members = planned.with_members(Supposed.of(sensitivity))
    alpha, missed = verdict.alpha, np.zeros(planned.people.shape)
    for question in questions(route, rule):
        rates, boundary = with_members.rates(question, rule.planned_rate), question.within
        n, m = np.maximum(planned.size * rates.growth, 1.0), np.maximum(planned.rest_size, 1e-9)
        by_score = rejection_power(rates.group, n, rates.rest, m, boundary, LIKE_EXACT * alpha)
        edge = boundary.edge(counted_rate(rates.rest, boundary))
        top = largest_count(alpha - PASS_BETA, np.floor(n), np.clip(edge, 0.0, 1.0))
        by_count = binomial_cdf(top, np.floor(n), counted_rate(rates.group, boundary))
        missed += 1.0 - np.minimum(by_score, np.where(edge > 0.0, by_count, 0.0))
    return np.minimum(missed, 1.0)


def is_beyond_help(route: Route, sensitivity: SensitivitySection, rule: Rule, planned: PlannedPeople) -> BoolArray:
    """bool[G]: whether no number of cases would do, so many people are unknown who may belong to the group."""
    with_members = planned.with_members(Supposed.of(sensitivity))
    beyond = np.zeros(planned.people.shape, dtype=np.bool_)
    for question in questions(route, rule):
        rates, boundary = with_members.rates(question, rule.planned_rate), question.within
        edge = boundary.edge(counted_rate(rates.rest, boundary))
        beyond |= (rates.growth > 1.0) & (counted_rate(rates.group, boundary) >= edge)
    return beyond


def cases_to_be_alone(
    route: Route,
    verdict: VerdictSection,
    sensitivity: SensitivitySection,
    rule: Rule,
    planned: PlannedPeople,
    power: npt.ArrayLike,
) -> FloatArray:
    """Independent cases with which a group that is treated like everyone else passes with this power, or its own of
    several.

    Returns
    -------
    ndarray of float64, shape (G,)
        With people of unknown feature at their worst as far as the plan supposes; without them where with them no
        number would do; inf where none would do at all.
    """
    with_members, rule_questions = (
        planned.with_members(Supposed.of(sensitivity)),
        questions(route, rule),
    )
    # of two sides each is planned for half of the risk, so that both pass together with the power asked for
    power_of_each_side = np.broadcast_to(1.0 - (1.0 - np.asarray(power)) / len(rule_questions), planned.people.shape)
    needed = np.zeros(planned.people.shape)
    for question in rule_questions:
        rates, boundary, m = with_members.rates(question, rule.planned_rate), question.within, planned.rest_size
        cases = cases_to_decide(rates.group, rates.rest, m, boundary, verdict.alpha, power_of_each_side) / rates.growth
        never = ~np.isfinite(cases)
        if never.any():
            cases[never] = cases_to_pass(
                rule.planned_rate, m[never], boundary, verdict.alpha, power_of_each_side[never]
            )
        needed = np.maximum(needed, cases)
    return needed


def groups_held_back(
    route: Route,
    verdict: VerdictSection,
    sensitivity: SensitivitySection,
    rule: Rule,
    planned: PlannedPeople,
    supposed: Supposed | None = None,
) -> BoolArray:
    """bool[G]: the groups that cannot pass as long as so many people are unknown.

    Everybody has the rule's planned rate, and counts come out as expected. The worst choice of members is then tested
    by the score test at the level of a PASS, with the cases that group and rest are worth.

    Parameters
    ----------
    supposed
        What is supposed of people of unknown feature, if not what the plan does.
    """
    is_held_back = np.zeros(planned.people.shape, dtype=np.bool_)
    if not any(map(any, (planned.members.unknown, planned.members.several))):
        return is_held_back
    moved = planned.with_members(supposed or Supposed.of(sensitivity))
    for question in questions(route, rule):
        rates, m = moved.rates(question, rule.planned_rate), np.maximum(planned.rest_size, 1e-9)
        n = planned.size * rates.growth
        x, y = n * counted_rate(rates.group, question.within), m * counted_rate(rates.rest, question.within)
        is_held_back |= np.asarray(asymptotic_p(x, n, y, m, question.within) > verdict.alpha)
    return is_held_back


def share_for_all(
    route: Route,
    verdict: VerdictSection,
    sensitivity: SensitivitySection,
    rule: Rule,
    planned: PlannedPeople,
    alone: BoolArray,
) -> float:
    """Return the largest share of a group's own cases that may be unknown with none of those judged `alone` held back;
    0 where none would do.
    """
    supposed = Supposed.of(sensitivity)

    def enough(share: float) -> bool:
        return not groups_held_back(route, verdict, sensitivity, rule, planned, supposed._replace(max_share=share))[
            alone
        ].any()

    return _largest_share(enough) if enough(0.0) else 0.0


def _largest_share(enough: Callable[[float], bool]) -> float:
    low, high = 0.0, _MOST
    while high - low > _PRECISION:
        middle = (low + high) / 2.0
        low, high = (middle, high) if enough(middle) else (low, middle)
    return low


def sizes_by_design(
    set_section: EvaluationSetSection,
    verdict: VerdictSection,
    rule: Rule,
    family: FamilyCounts,
    moments: Moments,
    at: FloatArray | None,
    unweighted: EffectiveSizes,
) -> EffectiveSizes:
    """Compute what `effective_sizes` does, from `unweighted` sizes, in which every case is worth one."""
    metric = rule.rate
    n, _ = possible_cases(family, metric)
    family_moments, cells = moments.of(family), possible_cells(metric)
    planned = family_moments.planned((metric.numerator, cells))
    group, rest = family_moments.own(planned), family_moments.rest(planned)
    correlation = set_section.expected_icc if moments.clustered else 0.0
    degrees, rest_degrees = satterthwaite(group, correlation), satterthwaite(rest, correlation)
    # few degrees of freedom make every case worth less, and so does a correlation that few clusters leave open
    uneven = least_q(family_moments, family, cells)
    levels = verdict.alpha if at is None else at
    few = design_size(group, correlation, uneven) * few_degrees_factor(degrees, levels)
    evened, rest_evened = (family_moments.evened(planned, rest=side) for side in (False, True))
    open_to = Alike.supposing(correlation, group, evened).largest
    rest_size = design_size(rest, correlation) * few_degrees_factor(rest_degrees, levels)
    if at is not None:
        rest_open_to = Alike.supposing(correlation, rest, rest_evened).largest
        rest_size = np.minimum(rest_size, design_size(rest, rest_open_to))
    worth = np.minimum(few, design_size(group, open_to, uneven)) / np.maximum(n, 1)
    alike = family_moments.counts_alike(cells)
    return EffectiveSizes(
        people=family_moments.weight(cells),
        worth=np.where(alike | (worth <= 0.0), 1.0, worth),
        rest_size=np.where(alike, unweighted.rest_size, rest_size),
        too_few_clusters=~alike & (n > 0) & ((degrees < MIN_DEGREES_OF_FREEDOM) | too_few_clusters(group)),
    )


def cases_for_clusters(plan: AuditPlan, rule: Rule, family: FamilyCounts, moments: Moments) -> FloatArray:
    """float64[G]: cases from as many clusters as a pass takes, if further clusters are like the present ones."""
    metric = rule.rate
    n, _ = possible_cases(family, metric)
    family_moments, cells = moments.of(family), possible_cells(metric)
    planned = family_moments.planned((metric.numerator, cells))
    group, rest = family_moments.own(planned), family_moments.rest(planned)
    correlation = plan.evaluation_set.expected_icc if moments.clustered else 0.0
    evened, rest_evened = (
        family_moments.evened(planned, rest=side).bundles.at_least(correlation) for side in (False, True)
    )
    factor, rows = variance_factor(group, correlation), (group.q, rest.q)
    cases = cases_for_enough_clusters(
        plan, rule, (evened, rest_evened), factor, n, joint=family_moments.shared(cells), rows=rows
    )
    return np.where(family_moments.counts_alike(cells), 0.0, cases)


def cases_for_enough_clusters(
    plan: AuditPlan,
    rule: Rule,
    sides: tuple[Bundles, Bundles],
    factor: FloatArray,
    cases: npt.ArrayLike,
    within: Sequence[Boundary] | None = None,
    *,
    joint: npt.ArrayLike = False,
    rows: tuple[npt.ArrayLike, npt.ArrayLike] = (0.0, 0.0),
) -> FloatArray:
    """Return the cases with which a group equal to its rest has enough clusters to pass.

    With fewer clusters, a few bad ones could be missing from the sample by chance. Only clusters are looked at here;
    other reasons that keep a group from a pass are not.

    Parameters
    ----------
    sides : tuple of two Bundles of G groups
        The clusters that there are, of the groups and of their rests.
    factor : ndarray of float64, shape (G,)
        The variance of a group's rate over ``p (1 - p)``.
    cases : array_like, shape (G,)
        The cases that there are; more of them are supposed to come in clusters like these.
    within : sequence of Boundary, optional
        The edges on which a pass is asked for, instead of the rule's own.
    joint : array_like of bool, shape (G,)
        Whether a cluster can have rows in the group and in its rest.
    rows : tuple of two array_like, shape (G,)
        The variances of the rates of groups and rests over ``p (1 - p)``, were rows alike to nobody.

    Returns
    -------
    ndarray of float64, shape (G,)
        Whole numbers; 0 where neither side has clusters, inf where no number would do.
    """
    n = np.asarray(cases, dtype=np.float64)
    group, rest = sides
    hiding = group.can_hide | rest.can_hide
    if not hiding.any():
        return np.zeros(n.shape)
    rule_questions = questions(plan.audit.route, rule)
    power = 1.0 - (1.0 - plan.verdict.power) / len(rule_questions)
    # half of the risk is left for the correlation, which can be found to be larger than expected
    error = float(ndtri((1.0 + power) / 2.0)) * np.sqrt(rule.planned_rate * (1.0 - rule.planned_rate) * factor)
    wanted = np.zeros(n.shape)
    for boundary in [question.within for question in rule_questions] if within is None else within:
        rate = float(counted_rate(rule.planned_rate, boundary))
        times = clusters_factor_needed(group, rate, error, rest, boundary, plan.verdict.alpha, joint=joint, rows=rows)
        wanted = np.maximum(wanted, np.ceil(np.where(n > 0.0, n, 1.0) * times - 1e-6))
    return np.where(hiding, wanted, 0.0)
