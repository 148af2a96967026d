"""Gaps that the cases at hand can decide: the smallest that would be named, and the margin at which a group would pass.
And people of whom a PASS says nothing by themselves: groups too small to be judged alone, and gaps they could hide.

Everything follows from the plan and the labels: sizes, levels and the rate that the rule expects. Nothing is scored.
All cases are supposed to be answered, and everybody else to be at the expected rate.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from audit.analyses.sides import Question, Side, possible_cells, questions
from audit.analyses.weighted_rates import is_exact
from audit.counting.moments import Moments
from audit.counting.table import FamilyCounts, is_finest
from audit.plan.audit_plan import AuditPlan, NamedRule, Rule
from audit.result.findings.further import NotJudgedAlone
from audit.result.findings.judged import Because, RuleResult
from audit.stats.arrays import BoolArray, FloatArray
from audit.stats.cluster_power import Hidden
from audit.stats.clusters import design_size, variance_factor
from audit.stats.multiplicity import first_effective_levels, first_step_levels, power_width
from audit.stats.power import Limit, failing_rate, passing_edge
from audit.verdicts.decidability import FamilyDecidability, RuleDecidability, effective_sizes
from audit.verdicts.margin_tests import method_of
from audit.verdicts.planned_people import EffectiveSizes
from audit.verdicts.side_tests import budget
from audit.vocabulary.groups import Family, Group


@dataclass(frozen=True, slots=True)
class Smallest:
    """Smallest disparity that can be decided on one side of a rule, or the reason why there is none."""

    side: Side
    """Side on which the group's rate lies."""
    disparity: float | None
    """Disparity on the rule's scale: a difference in shares, or a ratio of at most 1."""
    rate: float | None
    """Rate of the group at that disparity, with everybody else at the expected rate."""
    reason: Because | None
    """Reason why there is none."""
    level: float | None
    """Level of the test; None where it would not be tested."""


@dataclass(frozen=True, slots=True)
class GroupPower:
    """What a rule can decide about a group."""

    group: Group
    cases: int
    """Cases in the denominator of the rule's rate."""
    worth: float
    """Number of independent cases of equal weight that they are worth for a PASS."""
    required: int | None
    """Cases with which it would be judged alone; None where no number would do."""
    decidable: bool
    """Whether it would be judged alone."""
    judged_as: Group | None
    """If it would not be judged alone: the larger group as a part of which it would be judged."""
    fails_from: tuple[Smallest, ...]
    """On each side of the rule: the smallest gap to the rest that would be named with the plan's power."""
    passes_at: tuple[Smallest, ...]
    """On each side: the smallest margin at which a group equal to the rest would pass with that power; empty where it
    was not asked for.
    """


@dataclass(frozen=True, slots=True)
class FamilyPower:
    """What a rule can decide about a family."""

    family: Family
    exact: bool
    """Whether its tests are those of whole counts; otherwise they rest on effective sizes."""
    groups: tuple[GroupPower, ...]


def rule_power(
    plan: AuditPlan,
    rule: Rule,
    families: Mapping[Family, FamilyCounts],
    decidability: RuleDecidability,
    moments: Moments | None = None,
    *,
    margins: bool = True,
    among: Collection[Group] | None = None,
) -> tuple[FamilyPower, ...]:
    """Find for every group of `rule` the gap that would fail it and, with `margins`, the margin at which it would
    pass. With `among`, only for these groups.
    """
    family_indices = [
        (decided, [index for index in decided.places if among is None or decided.groups[index] in among])
        for decided in decidability.families
    ]
    return tuple(
        _family_power(plan, rule, families, decided, places, moments, decidability.judged_as, margins=margins)
        for decided, places in family_indices
        if places
    )


def _family_power(
    plan: AuditPlan,
    rule: Rule,
    families: Mapping[Family, FamilyCounts],
    decided: FamilyDecidability,
    places: Sequence[int],
    moments: Moments | None,
    judged_as: Mapping[Group, Group | None],
    *,
    margins: bool,
) -> FamilyPower:
    counts, rule_questions = families[decided.family], questions(plan.audit.route, rule)
    family = _Family.of(plan, rule, counts, decided, moments)
    sizes = effective_sizes(plan.evaluation_set, plan.verdict, rule, counts, moments)
    # as where sizes are planned: of two sides each passes with half of the risk
    power = 1.0 - (1.0 - plan.verdict.power) / len(rule_questions)
    failing = family.fails_from(places)
    passing = [family.passes_at(question, power, places) for question in (rule_questions if margins else ())]
    return FamilyPower(
        family=decided.family,
        exact=family.moments is None,
        groups=tuple(
            GroupPower(
                group=group,
                cases=int(decided.cases[index]),
                worth=float(decided.cases[index] * sizes.worth[index]),
                required=decided.required_cases(index),
                decidable=bool(decided.decidable[index]),
                judged_as=judged_as.get(group),
                fails_from=failing[number],
                passes_at=tuple(side[number] for side in passing),
            )
            for number, index in enumerate(places)
            for group in [decided.groups[index]]
        ),
    )


def fails_from(
    plan: AuditPlan,
    rule: Rule,
    counts: FamilyCounts,
    decided: FamilyDecidability,
    moments: Moments | None,
    places: Sequence[int],
) -> list[tuple[Smallest, ...]]:
    """Find for the groups at these places of a family the smallest gap that would be named, on each side."""
    return _Family.of(plan, rule, counts, decided, moments).fails_from(places)


class _Family(NamedTuple):
    """The groups of a family under one rule."""

    plan: AuditPlan
    rule: Rule
    counts: FamilyCounts
    decided: FamilyDecidability
    moments: Moments | None
    """None where the tests are those of counts."""

    @classmethod
    def of(
        cls, plan: AuditPlan, rule: Rule, counts: FamilyCounts, decided: FamilyDecidability, moments: Moments | None
    ) -> _Family:
        exact = moments is None or is_exact(plan.audit.route, rule, counts, moments)
        return cls(plan, rule, counts, decided, None if exact else moments)

    def fails_from(self, places: Sequence[int]) -> list[tuple[Smallest, ...]]:
        sides = [self._fails_from(question, places) for question in questions(self.plan.audit.route, self.rule)]
        return list(zip(*sides, strict=True))

    def _fails_from(self, question: Question, places: Sequence[int]) -> list[Smallest]:
        limit, power = self._limit(question), self.plan.verdict.power
        tested = self.decided.evaluable & limit.can_be_exceeded & ~self.decided.too_few_clusters
        levels = self._first_step_levels(
            question, tested, [group_index for group_index in places if tested[group_index]]
        )
        sizes, hidden = self._sizes(np.where(np.isnan(levels), 0.01, levels)), self._hidden_by_clusters()

        def smallest(index: int) -> Smallest:
            if not tested[index]:
                return Smallest(question.side, None, None, self._why_untested(index, limit), None)
            level, (n, m) = float(levels[index]), self._whole_cases(sizes, index)
            rate = failing_rate(limit, n, m, level, power) if n and m else None
            if rate is None or not hidden:
                return _smallest(question.side, limit, rate, level)
            rate = hidden[index].failing_rate(limit, rate, level, power)
            return _smallest(question.side, limit, rate, level, "too_few_clusters")

        return [smallest(group_index) for group_index in places]

    def passes_at(self, question: Question, power: float, places: Sequence[int]) -> list[Smallest]:
        limit, alpha = replace(self._limit(question), limit=0.5), self.plan.verdict.alpha
        sizes, hidden = self._sizes(np.full(len(self.decided.groups), alpha)), self._hidden_by_clusters()

        def smallest(index: int) -> Smallest:
            if not self.decided.evaluable[index] or self.decided.too_few_clusters[index]:
                return Smallest(question.side, None, None, self._why_untested(index, limit), None)
            n, m = self._whole_cases(sizes, index)
            edge = passing_edge(limit, n, m, alpha, power) if n and m else None
            if edge is None or not hidden:
                return _smallest(question.side, limit, edge, alpha)
            edge = hidden[index].passing_edge(limit, edge, alpha, power)
            return _smallest(question.side, limit, edge, alpha, "too_few_clusters")

        return [smallest(group_index) for group_index in places]

    def _limit(self, question: Question) -> Limit:
        return Limit(question.side == "low", self.rule.scale, self.rule.limit, self.rule.planned_rate)

    def _sizes(self, levels: FloatArray) -> EffectiveSizes:
        return effective_sizes(
            self.plan.evaluation_set, self.plan.verdict, self.rule, self.counts, self.moments, levels
        )

    def _first_step_levels(self, question: Question, tested: BoolArray, at: Sequence[int]) -> FloatArray:
        """float64[G]: the levels of the first step of the family's procedure, at least of the groups at these places;
        nan elsewhere.
        """
        plan, rule, decided = self.plan, self.rule, self.decided
        levels, share = np.full(tested.shape, np.nan), budget(plan).names
        if not at:
            return levels
        if self.moments is None:
            method = method_of(rule, questions(plan.audit.route, rule), self.counts, decided, share)
            n, m = decided.cases[tested], decided.rest_cases[tested]
            some = (np.cumsum(tested) - 1)[at]
            levels[at] = first_step_levels(n, m, rule.planned_rate, question.fail, share, method, some)
            return levels
        family_moments, metric = self.moments.of(self.counts), rule.rate
        group_cases = family_moments.own(family_moments.planned((metric.numerator, possible_cells(metric))))
        size = design_size(group_cases, plan.evaluation_set.expected_icc if self.moments.clustered else 0.0)[tested]
        levels[tested] = first_effective_levels(power_width(rule.planned_rate, size, question.fail), share)
        return levels

    def _hidden_by_clusters(self) -> list[Hidden]:
        """Return what clusters could hide of each group; empty where there are no clusters."""
        if self.moments is None or not self.moments.clustered:
            return []
        family_moments, cells = self.moments.of(self.counts), ((), possible_cells(self.rule.rate))
        correlation = self.plan.evaluation_set.expected_icc
        bundles, rest = (
            family_moments.evened(cells, rest=side).bundles.at_least(correlation) for side in (False, True)
        )
        group, others = family_moments.own(cells), family_moments.rest(cells)
        spread, joint = variance_factor(group, correlation).tolist(), family_moments.shared(cells[1]).tolist()
        of_own: list[float] = group.q.tolist()
        of_others: list[float] = others.q.tolist()
        rows = zip(of_own, of_others, strict=True)
        places = [slice(index, index + 1) for index in range(len(spread))]
        return [
            Hidden(bundles[index], rest[index], *sizes)
            for index, *sizes in zip(places, spread, joint, rows, strict=True)
        ]

    def _whole_cases(self, sizes: EffectiveSizes, index: int) -> tuple[int, int]:
        """Return the whole independent cases that a group and its rest are worth."""
        group, rest = float(self.decided.cases[index] * sizes.worth[index]), float(sizes.rest_size[index])
        return math.floor(group + 1e-6), math.floor(rest + 1e-6)

    def _why_untested(self, index: int, limit: Limit) -> Because:
        if self.decided.cases[index] == 0:
            return "no_cases"
        if self.decided.rest_cases[index] == 0:
            return "no_rest"
        if not self.decided.evaluable[index]:
            return "too_few_for_a_rate"
        if self.decided.too_few_clusters[index]:
            return "too_few_clusters"
        assert not limit.can_be_exceeded  # noqa: S101 - nothing else keeps a group from being tested
        return "limit_cannot_be_exceeded"


def _smallest(
    side: Side, limit: Limit, rate: float | None, level: float, lacking: Because = "too_few_cases"
) -> Smallest:
    if rate is None:
        return Smallest(side, None, None, lacking, level)
    return Smallest(side, limit.disparity(rate), rate, None, level)


_LARGEST: Final = 6
"""Number of groups among which the smallest gap is looked for: the largest one has it, but for a step of one case."""


def not_judged_alone(
    plan: AuditPlan,
    rules: Sequence[RuleResult],
    families: Mapping[Family, FamilyCounts],
    decided: Mapping[str, RuleDecidability],
    moments: Moments | None = None,
) -> tuple[NotJudgedAlone, ...]:
    """Find for every rule that passes the groups not judged alone, and the smallest gap named in one of them.

    Only families on the finest rungs are looked at: whoever is in a small group of a wider rung is in one of these.
    `decided` says by the id of each rule who is judged alone.
    """
    passing = {rule.rule for rule in rules if rule.outcome == "pass"}
    gaps = [
        _of_family(plan, rule, families[family.family], family, decided[rule.id], moments)
        for rule in plan.named_rules
        if rule.id in passing
        for family in decided[rule.id].families
        if is_finest(plan.groups, family.family)
    ]
    return tuple(gap for gap in gaps if gap is not None)


def _of_family(
    plan: AuditPlan,
    rule: NamedRule,
    counts: FamilyCounts,
    decided: FamilyDecidability,
    ladder: RuleDecidability,
    moments: Moments | None,
) -> NotJudgedAlone | None:
    places = [index for index in decided.places if not decided.decidable[index] and decided.cases[index]]
    if not places:
        return None
    nearest, widest = (min, max) if rule.scale == "difference" else (max, min)
    gaps: dict[int, float] = {}
    largest = [places[at] for at in np.argsort(-decided.planned.size[places], kind="stable")[:_LARGEST]]
    for index, sides in zip(largest, fails_from(plan, rule, counts, decided, moments, largest), strict=True):
        disparities = [side.disparity for side in sides if side.disparity is not None]
        if len(disparities) == len(sides):
            gaps[index] = widest(disparities)
    best = nearest(gaps, key=lambda index: gaps[index]) if gaps else None
    people = decided.planned.people
    return NotJudgedAlone(
        rule=rule.id,
        family=decided.family,
        groups=len(places),
        as_part=sum(ladder.judged_as[decided.groups[index]] is not None for index in places),
        cases=int(decided.cases[places].sum()),
        share=float(people[places].sum() / people.sum()),
        gap=None if best is None else gaps[best],
        gap_in=None if best is None else decided.groups[best],
    )
