"""Tests on effective sizes, where rows have weights or clusters: is a group beyond the limit, or within it?

Where rows are independent and weigh the same within a group and within its rest, weights change no rate, and the exact
tests stay (`audit.verdicts.margin_tests`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Final

import numpy as np

from audit.analyses.missing_attributes import Supposed
from audit.analyses.sides import Question, questions
from audit.analyses.weighted_moves import Moves
from audit.analyses.weighted_rates import is_exact, weighted_comparison
from audit.counting.family_moments import FamilyMoments
from audit.counting.moments import Moments
from audit.counting.table import FamilyCounts
from audit.plan.audit_plan import AuditPlan, Rule
from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.boundaries import counted_rate
from audit.stats.clusters import design_size, satterthwaite
from audit.stats.effective_test import MIN_DEGREES_OF_FREEDOM, Comparison, EffectiveTest, few_degrees_factor
from audit.stats.multiplicity import effective_levels, power_width
from audit.stats.power import cases_to_decide
from audit.verdicts.budget import Budget
from audit.verdicts.decidability import FamilyDecidability, RuleDecidability
from audit.verdicts.margin_tests import (
    FamilyTests,
    PlannedSide,
    Together,
    cases_to_verdict,
    exact_rule_tests,
    unscored_matter,
)
from audit.verdicts.side_tests import FailTests, PassTests, judge_sides
from audit.vocabulary.groups import Family


def rule_tests(
    plan: AuditPlan,
    rule: Rule,
    families: Mapping[Family, FamilyCounts],
    decidability: RuleDecidability,
    spend: Budget,
    moments: Moments,
) -> dict[Family, FamilyTests]:
    """Test every group of every family of a rule: by exact tests where these hold, else by `weighted_rule_tests`."""
    exact = [family for family in decidability.families if is_exact(plan, rule, families[family.family], moments)]
    others = [family for family in decidability.families if family not in exact]
    tests = weighted_rule_tests(plan, rule, families, moments, decidability._replace(families=tuple(others)), spend)
    if exact:
        tests |= exact_rule_tests(plan, rule, families, decidability._replace(families=tuple(exact)), spend)
    return tests


def weighted_rule_tests(
    plan: AuditPlan,
    rule: Rule,
    families: Mapping[Family, FamilyCounts],
    moments: Moments,
    decidability: RuleDecidability,
    spend: Budget,
) -> dict[Family, FamilyTests]:
    """Test every group of every family of `decidability` by weighted rates and effective sizes.

    As in `exact_rule_tests`, a FAIL is tested with unscored cases in the group's favour. A PASS is tested with them,
    and with people of unknown feature or of several nationalities, against the group. Groups are named by weights only,
    which holds under any dependence. Families are not judged together, because that test needs independent groups.

    Parameters
    ----------
    spend
        What each side of the rule may spend on each family.
    """
    icc = plan.evaluation_set.expected_icc if moments.clustered else 0.0
    return {
        decided.family: _family_tests(plan, rule, families[decided.family], moments, decided, spend.names, icc)
        for decided in decidability.families
    }


def _family_tests(
    plan: AuditPlan,
    rule: Rule,
    family: FamilyCounts,
    moments: Moments,
    decided: FamilyDecidability,
    level: float,
    icc: float,
) -> FamilyTests:
    alpha, supposed = plan.verdict.alpha, Supposed.of(plan.sensitivity)
    sides = [
        WeightedSide(question, family, moments.of(family), decided, supposed, icc, alpha)
        for question in questions(plan, rule)
    ]
    whole = slice(0, len(family.groups))
    tests = judge_sides(sides, [whole], decided.evaluable, decided.decidable, level=level)
    df: FloatArray = np.min([side.degrees_of_freedom for side in sides], axis=0)
    few_seen: BoolArray = np.logical_or.reduce([side.few_clusters_seen for side in sides])
    too_few = decided.too_few_clusters | (df < MIN_DEGREES_OF_FREEDOM) | (tests.undecided & few_seen)
    tests = tests._replace(too_few_clusters=too_few)
    needed = cases_to_verdict(sides, tests, plan.verdict.power)
    return FamilyTests("weights_only", level * len(sides), Together(), tests, needed, df)


_NOBODY: Final = Supposed(None, None, 0.0)
"""No person of unknown feature belongs to any group."""


class WeightedSide(PlannedSide):
    """One side of a rule over the G groups of a family, by weighted rates and effective sizes.

    With strata of known size the comparisons are those of `audit.stats.strata`.
    """

    def __init__(
        self,
        question: Question,
        family: FamilyCounts,
        moments: FamilyMoments,
        decided: FamilyDecidability,
        supposed: Supposed,
        expected_icc: float,
        alpha: float,
    ) -> None:
        super().__init__(question.side)
        self._question = question
        self._family = family
        self._moments = moments
        self._decided = decided
        self._supposed = supposed
        self._expected_icc = expected_icc
        self._alpha = alpha

    @cached_property
    def _best(self) -> Comparison:
        return weighted_comparison(self._moments, self._family, self._question, "best")

    @cached_property
    def _worst(self) -> Comparison:
        return weighted_comparison(self._moments, self._family, self._question, "worst")

    @cached_property
    def _scored(self) -> Comparison:
        return weighted_comparison(self._moments, self._family, self._question, "scored")

    @cached_property
    def _recorded(self) -> EffectiveTest:
        return self._worst.test(self._question.within, self._alpha)

    def could_fail(self) -> BoolArray:
        """Find the groups of which some rate would be beyond the limit, with clusters enough to say so."""
        rest, boundary = self._worst.rest, self._question.fail
        edge = boundary.edge(counted_rate(rest.rate, boundary))
        return np.asarray((rest.clusters > 0.0) & (edge > 0.0) & ~self._decided.too_few_clusters)

    def name(self, p: FloatArray, family: int, places: IntArray, level: float) -> FailTests:  # noqa: ARG002
        """Name groups by weights alone, which holds under any dependence. Each p-value depends on its level."""
        some, boundary = self._best.of_groups(places), self._question.fail
        cells, _ = self._question.cells("best")
        numerator, denominator = (self._moments.units(part).sum() for part in cells)
        width = power_width(
            numerator / max(float(denominator), 1.0), design_size(some.group, self._expected_icc), boundary
        )
        unseen = some.unseen(boundary)
        beyond, levels, p_at = effective_levels(lambda local: some.test(boundary, local, unseen=unseen).p, width, level)
        return FailTests(p_at, levels, beyond)

    def stands(self, fail: FailTests) -> BoolArray:
        """Find the groups that fail also with as many people of unknown feature in their favour as are supposed."""
        if not fail.beyond.any():
            return fail.beyond
        moves = Moves.of_question(self._moments, self._family, self._question, self._best, "best")
        largest = moves.largest_p(self._supposed, fail.beyond, self._question.fail, fail.level)
        return np.asarray(fail.beyond & (largest <= fail.level))

    def pass_tests(self, judged: BoolArray) -> PassTests:
        """Test whether groups are within the limit: as recorded, and with everybody who may belong to them."""
        alpha = self._alpha
        p = np.where(judged, self._recorded.p, 1.0)
        passing: list[BoolArray] = [judged & (p <= alpha)]
        moves = Moves.of_question(self._moments, self._family, self._question, self._worst)
        # first those alone who have several nationalities, where there are any; what fails already, nobody can save
        for supposed in (_NOBODY, self._supposed) if self._family.parts else (self._supposed,):
            p = np.maximum(p, moves.largest_p(supposed, passing[-1], self._question.within, alpha))
            passing.append(judged & (p <= alpha))
        return PassTests(p, passing[-1], passing[0], passing[1] if self._family.parts else passing[0])

    def passes_as_scored(self, passing: PassTests, asked: BoolArray) -> BoolArray:  # noqa: ARG002
        """Find the groups that would pass on their scored cases alone."""
        return np.asarray(asked & (self._scored.test(self._question.within, self._alpha).p <= self._alpha))

    def unscored_matter(self, as_scored: BoolArray) -> BoolArray:
        """Find the groups that unscored cases keep from a PASS: they would pass without them, or too few are scored."""
        return unscored_matter(self._question, self._family, self._decided.required, as_scored)

    @property
    def degrees_of_freedom(self) -> FloatArray:
        """float64[G]: fewest degrees of freedom of the tests of both verdicts."""
        best = self._best.test(self._question.fail, self._alpha)
        return np.minimum(self._recorded.degrees_of_freedom, best.degrees_of_freedom)

    @property
    def few_clusters_seen(self) -> BoolArray:
        """bool[G]: with the rest's rate as it is, the group's clusters could all be good ones by chance."""
        return self._recorded.too_few_clusters

    def cases_to_decide(
        self,
        undecided: BoolArray,  # noqa: ARG002
        fail_level: FloatArray,
        power: float,
    ) -> tuple[FloatArray, FloatArray]:
        """Compute cases to a PASS and to a FAIL, if the measured rates are the true ones.

        They are counted first as independent cases, and then as cases that are worth as little as the present ones. inf
        where kinds of cases that nobody saw decide: further cases like those seen would not tell.
        """
        scored, question = self._scored, self._question
        icc = scored.correlation
        size, rest_size = design_size(scored.group, icc, scored.least_q), design_size(scored.rest, icc)
        degrees = satterthwaite(scored.group, icc)
        known = (size > 0.0) & (rest_size > 0.0)
        level_to_fail = np.clip(np.nan_to_num(fail_level, nan=0.0), 1e-12, 0.4)
        needed = []
        for boundary, level in (
            (question.within, np.full(size.shape, self._alpha)),
            (question.fail, level_to_fail),
        ):
            cases = cases_to_decide(
                scored.group.rate,
                scored.rest.rate,
                np.maximum(rest_size, 1.0),
                boundary,
                level=level,
                power=power,
            )
            least = design_size(scored.group, scored.own_correlation, scored.least_q)
            worth = np.minimum(size * few_degrees_factor(degrees, level), least) / np.maximum(self._decided.cases, 1)
            known_cost = known & (worth > 0.0) & ~(scored.none_seen(boundary) > level)
            needed.append(np.where(known_cost, np.ceil(cases / np.where(worth > 0.0, worth, 1.0)), np.inf))
        return needed[0], needed[1]
