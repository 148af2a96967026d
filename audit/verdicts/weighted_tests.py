"""Tests on effective sizes, where rows have weights or clusters: is a group beyond the limit, or within it?

Where rows are independent and weigh the same within a group and within its rest, weights change no rate, and the exact
tests stay (`audit.verdicts.margin_tests`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np

from audit.analyses.missing_attributes import Supposed
from audit.analyses.sides import Question, questions
from audit.analyses.weighted_moves import Moves
from audit.analyses.weighted_rates import is_exact, weighted_comparison
from audit.counting.family_moments import FamilyMoments
from audit.counting.moments import Moments
from audit.counting.table import FamilyCounts
from audit.plan.audit_plan import AuditPlan, Rule
from audit.stats.arrays import BoolArray, FloatArray
from audit.stats.clusters.effective_test import MIN_DEGREES_OF_FREEDOM, Comparison, few_degrees_factor
from audit.stats.clusters.weighted_rate import design_size, satterthwaite
from audit.stats.rates.boundaries import counted_rate
from audit.stats.sizes.approximate_power import cases_to_decide
from audit.stats.sizes.effective_levels import effective_levels, power_width
from audit.verdicts.budget import Budget
from audit.verdicts.decidability import FamilyDecidability, RuleDecidability
from audit.verdicts.family_tests import FamilyTests, SideTests
from audit.verdicts.margin_tests import exact_rule_tests, on_all_sides
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
        decided.family: _Tested(plan, family, moments.of(family), decided, spend.names, icc).tests(rule)
        for decided in decidability.families
        for family in [families[decided.family]]
    }


_NOBODY: Final = Supposed(None, None, 0.0)
"""No person of unknown feature belongs to any group."""


class _Side(NamedTuple):
    """Findings of one question; (G,) each."""

    tests: SideTests
    degrees_of_freedom: FloatArray
    too_few_clusters: BoolArray
    """To pass: with the rest's rate as it is, the group's clusters could all be good ones by chance."""
    to_pass: FloatArray
    """Own cases to a PASS."""
    to_fail: FloatArray
    """Own cases to a FAIL."""


class _Tested(NamedTuple):
    """A family of G groups under a rule, with what its tests rest on."""

    plan: AuditPlan
    family: FamilyCounts
    of: FamilyMoments
    decided: FamilyDecidability
    level: float
    """What each side may spend."""
    expected_icc: float

    def tests(self, rule: Rule) -> FamilyTests:
        """Test every group on every side of a rule."""
        asked, decided = questions(self.plan, rule), self.decided
        sides = [self._side(question) for question in asked]
        to_pass: FloatArray = np.max(np.stack([side.to_pass for side in sides]), axis=0)
        to_fail: FloatArray = np.min(np.stack([side.to_fail for side in sides]), axis=0)
        df: FloatArray = np.min(np.stack([side.degrees_of_freedom for side in sides]), axis=0)
        too_few: BoolArray = np.logical_or.reduce([side.too_few_clusters for side in sides])

        def to_verdict(undecided: BoolArray) -> FloatArray:
            return np.where(undecided, np.minimum(to_pass, to_fail), np.nan)

        of_sides = [side.tests for side in sides]
        tests = on_all_sides(
            self.plan, asked, self.family, decided.decidable, decided.required, of_sides, self.level, to_verdict
        )
        undecided = decided.decidable & tests.tested & ~tests.within & ~tests.beyond
        too_few = decided.too_few_clusters | (df < MIN_DEGREES_OF_FREEDOM) | (undecided & too_few)
        return tests._replace(degrees_of_freedom=df, too_few_clusters=too_few)

    def _side(self, question: Question) -> _Side:
        alpha, of, family, decided = self.plan.verdict.alpha, self.of, self.family, self.decided
        best, worst = (
            weighted_comparison(of, family, question, "best"),
            weighted_comparison(of, family, question, "worst"),
        )
        edge = question.fail.edge(counted_rate(worst.rest.rate, question.fail))
        can_fail = decided.evaluable & (worst.rest.clusters > 0.0) & (edge > 0.0) & ~decided.too_few_clusters
        p_fail, levels, beyond = self._fail_tests(question, best, can_fail)
        supposed = Supposed.of(self.plan.sensitivity)
        stands = self._stands(question, best, supposed, beyond, levels)
        recorded = worst.test(question.within, alpha)
        p_pass = np.where(decided.decidable, recorded.p, 1.0)
        as_they_are = weighted_comparison(of, family, question, "scored")
        scored = as_they_are.test(question.within, alpha).p
        as_recorded: BoolArray = decided.decidable & (p_pass <= alpha)
        passing = [as_recorded]
        moves = Moves.of_question(of, family, question, worst)
        # first those alone who have several nationalities, where there are any; what fails already, nobody can save
        for each in (_NOBODY, supposed) if family.parts else (supposed,):
            p_pass = np.maximum(p_pass, moves.largest_p(each, passing[-1], question.within, alpha))
            passing.append(decided.decidable & (p_pass <= alpha))
        to_pass, to_fail = self._cases_to_verdict(question, as_they_are, levels)
        of_several = passing[1] if family.parts else as_recorded
        as_scored = decided.decidable & (scored <= alpha)
        return _Side(
            SideTests(can_fail, p_fail, levels, beyond, stands, p_pass, as_scored, as_recorded, of_several),
            np.minimum(recorded.degrees_of_freedom, best.test(question.fail, alpha).degrees_of_freedom),
            recorded.too_few_clusters,
            to_pass,
            to_fail,
        )

    def _fail_tests(
        self, question: Question, best: Comparison, can_fail: BoolArray
    ) -> tuple[FloatArray, FloatArray, BoolArray]:
        size = can_fail.size
        p, levels, beyond = np.ones(size), np.full(size, np.nan), np.zeros(size, dtype=bool)
        if not can_fail.any():
            return p, levels, beyond
        some = best.of_groups(can_fail)
        own, _ = question.cells("best")
        numerator, denominator = self.of.units(own[0]).sum(), self.of.units(own[1]).sum()
        width = power_width(
            numerator / max(float(denominator), 1.0), design_size(some.group, self.expected_icc), question.fail
        )
        unseen = some.unseen(question.fail)
        beyond[can_fail], levels[can_fail], p[can_fail] = effective_levels(
            lambda local: some.test(question.fail, local, unseen=unseen).p, width, self.level
        )
        return p, levels, beyond

    def _stands(
        self, question: Question, best: Comparison, supposed: Supposed, beyond: BoolArray, levels: FloatArray
    ) -> BoolArray:
        """bool[G]: whether a FAIL stands with as many people of unknown feature in its favour as the plan supposes."""
        stands = beyond.copy()
        if stands.any():
            moves = Moves.of_question(self.of, self.family, question, best, "best")
            stands &= moves.largest_p(supposed, beyond, question.fail, levels) <= levels
        return stands

    def _cases_to_verdict(
        self, question: Question, scored: Comparison, levels: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """float64[G] each: own cases to a PASS, and to a FAIL, if the measured rates are the true ones.

        They are counted first as independent cases, and then as cases that are worth as little as the present ones. inf
        where kinds of cases that nobody saw decide: further cases like those seen would not tell.
        """
        icc = scored.correlation
        size, rest_size = design_size(scored.group, icc, scored.least_q), design_size(scored.rest, icc)
        degrees = satterthwaite(scored.group, icc)
        known = (size > 0.0) & (rest_size > 0.0)
        fail_level = np.clip(np.nan_to_num(levels, nan=0.0), 1e-12, 0.4)
        needed = []
        for boundary, level in (
            (question.within, np.full(size.shape, self.plan.verdict.alpha)),
            (question.fail, fail_level),
        ):
            cases = cases_to_decide(
                scored.group.rate,
                scored.rest.rate,
                np.maximum(rest_size, 1.0),
                boundary,
                level=level,
                power=self.plan.verdict.power,
            )
            least = design_size(scored.group, scored.own_correlation, scored.least_q)
            worth = np.minimum(size * few_degrees_factor(degrees, level), least) / np.maximum(self.decided.cases, 1)
            known_cost = known & (worth > 0.0) & ~(scored.none_seen(boundary) > level)
            needed.append(np.where(known_cost, np.ceil(cases / np.where(worth > 0.0, worth, 1.0)), np.inf))
        return needed[0], needed[1]
