"""Tests of a rule on exact counts, and on effective sizes where rows have weights or clusters.

Exact tests of a rule: is a group beyond the limit, or within it? Corrected for the groups of each family.

Tests on effective sizes, where rows have weights or clusters: is a group beyond the limit, or within it?

Where rows are independent and weigh the same within a group and within its rest, weights change no rate, and the exact
tests stay (`audit.verdicts.margin_tests`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from audit.analyses.missing_attributes import PossibleMembers, Supposed, possible_members
from audit.analyses.sides import Question, When, questions
from audit.analyses.weighted_rates import Moves, is_exact, weighted_comparison
from audit.counting.family_moments import FamilyMoments
from audit.counting.moments import Moments
from audit.counting.table import FamilyCounts
from audit.plan.audit_plan import AuditPlan, Rule
from audit.result.findings.judged import Procedure
from audit.stats.arrays import BoolArray, FloatArray, IntArray, Tables
from audit.stats.boundaries import Boundary, counted_outcome, counted_rate
from audit.stats.clusters import design_size, satterthwaite
from audit.stats.effective_test import MIN_DEGREES_OF_FREEDOM, Comparison, EffectiveTest, few_degrees_factor
from audit.stats.multiplicity import (
    DISCARDING_MIN_GROUPS,
    Method,
    effective_levels,
    method_by_sizes,
    power_width,
    reject_family,
    unnamed_p,
)
from audit.stats.power import cases_to_decide
from audit.stats.score_test import FAIL_BETA, PASS_BETA, asymptotic_p, exact_rejects, screened_p
from audit.verdicts.decidability import FamilyDecidability, RuleDecidability
from audit.verdicts.side_tests import (
    Budget,
    FailTests,
    GroupTests,
    PassTests,
    SideTest,
    is_combined,
    judge_sides,
    slices_of,
)
from audit.vocabulary.groups import Family


class Together(NamedTuple):
    """Joint test of the groups of a family, without a name, on the side that is nearer to its level."""

    p: float | None = None
    """p-value of "no group is beyond the limit"; None where the family is not judged together."""
    level: float | None = None
    """Level that the p-value had to reach on that side."""
    survivors: int = 0
    """Number of groups that point towards harm; the test is taken over them."""
    at_least: int = 0
    """Number of groups of which at least so many are beyond the limit, at that level."""

    @property
    def beyond(self) -> bool:
        """Whether some of the groups are beyond the limit."""
        return self.p is not None and self.level is not None and self.p <= self.level


class FamilyTests(NamedTuple):
    """Results of a rule's tests on the G groups of a family."""

    procedure: Procedure
    level: float
    """Share of alpha that this family spends, over all sides of the rule."""
    together: Together
    """Whether some of the groups are beyond the limit, without saying which."""
    groups: GroupTests
    cases_to_verdict: FloatArray
    """float64[G]: own cases with which a group at the measured rates would be decided with the plan's power, one way or
    the other; inf where no number would do (its rate lies on the limit), nan where it was decided or not judged alone.
    """
    degrees_of_freedom: FloatArray | None = None
    """float64[G]: degrees of freedom of the variance behind an approximate test; None where all tests are exact."""


class PlannedSide(SideTest):
    """Test of one side that knows with how many cases it would decide."""

    @abstractmethod
    def cases_to_decide(
        self, undecided: BoolArray, fail_level: FloatArray, power: float
    ) -> tuple[FloatArray, FloatArray]:
        """Compute float64[G] each: cases to a PASS and to a FAIL of the undecided groups, at the rates measured."""


def cases_to_verdict(sides: Sequence[PlannedSide], tests: GroupTests, power: float) -> FloatArray:
    """float64[G]: cases to a PASS on every side or to a FAIL on one, whichever is fewer; nan where not undecided."""
    undecided = tests.undecided
    if not undecided.any():
        return np.full(undecided.shape, np.nan)
    needed = [
        side.cases_to_decide(undecided, fail.level, power) for side, fail in zip(sides, tests.by_side, strict=True)
    ]
    to_pass, to_fail = (np.stack(cases) for cases in zip(*needed, strict=True))
    return np.where(undecided, np.minimum(np.max(to_pass, axis=0), np.min(to_fail, axis=0)), np.nan)


class CountsSide(SideTest):
    """One side of a rule by counts, x of n against y of m: what audits and changes share."""

    def __init__(self, question: Question, alpha: float) -> None:
        super().__init__(question.side)
        self.question = question
        self.alpha = alpha

    @abstractmethod
    def counts(self, when: When) -> Sequence[IntArray]:
        """Return int64[G] each: the counts of all groups, with unscored cases as `when` says."""

    @abstractmethod
    def method(self, family: int) -> Method:
        """Return how the level of a family is divided over its groups."""

    def could_fail(self) -> BoolArray:
        """Find the groups of which some rate would be beyond the limit: no share can be 10 points below a rest of 2 %.

        Unscored cases of the rest count in its favour: that they are missing is one more reason not to decide.
        """
        _, _, y, m = self.counts("worst")
        return could_be_beyond(self.question.fail, y, m)

    @cached_property
    def counted_at_best(self) -> tuple[npt.NDArray[np.float64 | np.int64], ...]:
        """Counts by the outcome that the boundary counts, with unscored cases in favour of the groups."""
        x, n, y, m = self.counts("best")
        return counted_outcome(x, n, self.question.fail), n, counted_outcome(y, m, self.question.fail), m

    def p_fail(self, tested: BoolArray, level: float) -> FloatArray:
        """Compute p-values of "not beyond the limit"."""
        p = np.ones(tested.shape)
        x, n, y, m = (count[tested] for count in self.counted_at_best)
        p[tested] = screened_p(x, n, y, m, self.question.fail, FAIL_BETA, exact_below(level)).p
        return p

    def name(self, p: FloatArray, family: int, places: IntArray, level: float) -> FailTests:
        """Name groups of one family by their exact p-values."""
        x, n, y, m = (count[places] for count in self.counted_at_best)
        named = reject_family(p, x, n, y, m, self.question.fail, level, self.method(family))
        return FailTests(p, named.local_level, named.rejected)

    def pass_tests(self, judged: BoolArray) -> PassTests:
        """Test whether groups are within the limit, with unscored cases against them."""
        p = np.ones(judged.shape)
        if judged.any():
            p[judged] = self.p_pass(self.counts("worst"), judged)
        within: BoolArray = judged & (p <= self.alpha)
        return PassTests.recorded(p, within)

    def p_pass(self, counts: Sequence[IntArray], some: BoolArray) -> FloatArray:
        """Compute p-values of "beyond the limit" for the groups marked."""
        return pass_p(self.question, tuple(counts), some, self.alpha)

    def has_unscored(self) -> BoolArray:
        """Find the groups whose counts change with what unscored cases would have been."""
        worst, scored = (np.stack(list(self.counts(when))) for when in ("worst", "scored"))
        return np.asarray((worst != scored).any(axis=0))

    def passes_as_scored(self, passing: PassTests, evaluable: BoolArray) -> BoolArray:
        """Find the groups that would pass on their scored cases alone."""
        passes = passing.as_recorded.copy()
        some = evaluable & self.has_unscored()
        if some.any():
            passes[some] = self.p_pass(self.counts("scored"), some) <= self.alpha
        return passes


class ExactSide(CountsSide, PlannedSide):
    """One side of a rule over the groups of some families, each against its rest."""

    def __init__(
        self,
        question: Question,
        groups: FamilyCounts,
        members: PossibleMembers,
        required: FloatArray,
        methods: Sequence[Method],
        alpha: float,
    ) -> None:
        super().__init__(question, alpha)
        self._groups = groups
        self._members = members
        self._required = required
        self._methods = methods

    @cached_property
    def _tables(self) -> Mapping[When, Tables]:
        question, groups = self.question, self._groups
        return {
            "best": question.at_its_best(groups),
            "worst": question.at_its_worst(groups),
            "scored": question.as_scored(groups),
        }

    @cached_property
    def _against(self) -> Tables:
        return self._members.at_their_worst(self.question, self._groups)

    def counts(self, when: When) -> Tables:
        """Return group and rest as (x, n, y, m)."""
        return self._tables[when]

    def method(self, family: int) -> Method:
        """Return the method that the plan and the sizes of the groups chose."""
        return self._methods[family]

    def stands(self, fail: FailTests) -> BoolArray:
        """Find the groups that fail also with as many people of unknown feature in their favour as are supposed."""
        is_certain = fail.beyond.copy()
        some = fail.beyond & (self._members.in_favour(self.question) > 0)
        if some.any():
            counts = tuple(count[some] for count in self._members.at_their_best(self.question, self._groups))
            is_certain[some] = _p(self.question.fail, counts, FAIL_BETA, 0.1) <= fail.level[some]
        return is_certain

    def pass_tests(self, judged: BoolArray) -> PassTests:
        """Test whether groups are within the limit: as recorded, and with everybody who may belong to them."""
        recorded = super().pass_tests(judged)
        if not judged.any():
            return recorded
        p, before, passing = recorded.p, self.counts("worst"), [recorded.within]
        for moved in (self._members.of_several_at_their_worst(self.question, self._groups), self._against):
            # where nothing could move the p-value stands; where it fails already, no member could save it
            movable: BoolArray = passing[-1] & np.not_equal(np.stack(moved), np.stack(before)).any(axis=0)
            if movable.any():
                p[movable] = np.maximum(p[movable], self.p_pass(moved, movable))
            before = moved
            passing.append(judged & (p <= self.alpha))
        return PassTests(p, passing[-1], passing[0], passing[1])

    def unscored_matter(self, as_scored: BoolArray) -> BoolArray:
        """Find the groups that unscored cases keep from a PASS: they would pass without them, or too few are scored."""
        return unscored_matter(self.question, self._groups, self._required, as_scored)

    def cases_to_decide(
        self, undecided: BoolArray, fail_level: FloatArray, power: float
    ) -> tuple[FloatArray, FloatArray]:
        """Compute cases to a PASS and to a FAIL, if the measured rates are the true ones.

        A PASS is planned with people of unknown feature against the group, as its test has them.
        """
        x, n, y, m = (count[undecided] for count in self.counts("scored"))
        known = (n > 0) & (m > 0)
        level = np.clip(np.nan_to_num(fail_level[undecided], nan=0.0), 1e-12, 0.5)
        x_against, n_against, y_against, m_against = (
            np.maximum(scored + (moved - worst), 0)[undecided]
            for scored, moved, worst in zip(self.counts("scored"), self._against, self.counts("worst"), strict=True)
        )
        passing = cases_to_decide(
            x_against / np.maximum(n_against, 1),
            y_against / np.maximum(m_against, 1),
            np.maximum(m_against, 1),
            self.question.within,
            level=self.alpha,
            power=power,
        ) / (np.maximum(n_against, 1) / np.maximum(n, 1))
        failing = cases_to_decide(
            x / np.maximum(n, 1), y / np.maximum(m, 1), m, self.question.fail, level=level, power=power
        )
        to_pass, to_fail = np.full((2, undecided.size), np.nan)
        to_pass[undecided], to_fail[undecided] = (np.where(known, cases, np.inf) for cases in (passing, failing))
        return to_pass, to_fail


def exact_rule_tests(
    plan: AuditPlan,
    rule: Rule,
    families: Mapping[Family, FamilyCounts],
    decidability: RuleDecidability,
    spend: Budget,
) -> dict[Family, FamilyTests]:
    """Test every group of every family of a rule against its rest.

    FAIL is tested for every group of which a rate can be stated. Unscored cases count in the group's favour. PASS is
    tested only for groups judged alone. Unscored cases count against the group. So either verdict holds whatever the
    unscored cases would have been; a PASS also for all that the plan supposes of people with an unknown feature. Tests
    and correction: docs, "How a verdict is reached".

    Parameters
    ----------
    spend
        What each side of the rule may spend on each family.
    """
    rule_questions = questions(plan.audit.route, rule)
    counts = [families[family.family] for family in decidability.families]
    groups = _side_by_side(counts)
    places = slices_of([len(family.groups) for family in counts])
    evaluable, decidable, required = (
        np.concatenate([getattr(family, name) for family in decidability.families])
        for name in ("evaluable", "decidable", "required")
    )
    methods = [
        method_of(rule, rule_questions, family, decided, spend.names)
        for family, decided in zip(counts, decidability.families, strict=True)
    ]
    members = possible_members(counts, rule.rate, Supposed.of(plan.sensitivity))
    sides = [ExactSide(question, groups, members, required, methods, plan.verdict.alpha) for question in rule_questions]
    tests = judge_sides(sides, places, evaluable, decidable, level=spend.names)
    needed = cases_to_verdict(sides, tests, plan.verdict.power)
    together = [
        Together()
        if family.is_overlapping or not is_combined(plan.groups, family.family)
        else _joint_test(sides, tests, evaluable, index, spend.unnamed)
        for family, index in zip(counts, places, strict=True)
    ]
    return {
        family.family: FamilyTests(
            procedure_of(method, int(part.tested.sum())), spend.names * len(rule_questions), joint, part, needed[index]
        )
        for family, index, method, joint in zip(counts, places, methods, together, strict=True)
        for part in [tests.part(index)]
    }


def _joint_test(
    sides: Sequence[ExactSide], tests: GroupTests, evaluable: BoolArray, rows: slice, level: float
) -> Together:
    """Test all nationalities as one; unscored cases speak for every group, as where names are given."""
    by_side = []
    for side, fail in zip(sides, tests.by_side, strict=True):
        some = (evaluable & side.could_fail())[rows]
        x, n, y, m = (count[rows][some] for count in side.counted_at_best)
        test = unnamed_p(fail.p[rows][some], x, n, y, m, side.question.fail)
        # of one group nobody can say "several", and a FAIL without a name would name it
        p = test.p if test.survivors != 1 else 1.0
        by_side.append(Together(p, level, test.survivors, test.at_least(level)))
    return min(by_side, key=lambda side: side.p if side.p is not None else 1.0)


def could_be_beyond(boundary: Boundary, y: IntArray, m: IntArray) -> BoolArray:
    """bool[G]: whether any rate lies beyond the limit of a rest, or of an earlier sample, with y of m cases."""
    counted = counted_outcome(y, m, boundary)
    return np.asarray((m > 0) & (boundary.edge(counted / np.maximum(m, 1)) > 0.0))


def unscored_matter(question: Question, groups: FamilyCounts, required: FloatArray, as_scored: BoolArray) -> BoolArray:
    """bool[G]: whether unscored cases stand between a group and its PASS.

    Parameters
    ----------
    required
        float64[G]: cases with which each group is judged alone.
    as_scored
        bool[G]: groups that pass without their unscored cases.
    """
    scored = question.as_scored(groups)
    differ = np.not_equal(np.stack(question.at_its_worst(groups)), np.stack(scored)).any(axis=0)
    _, n, _, m = scored
    return np.asarray(differ & (as_scored | (n < required) | (m == 0)))


def _side_by_side(families: Sequence[FamilyCounts]) -> FamilyCounts:
    """Put all groups of several families into one table.

    A group's p-value does not depend on the other groups in the call, and one call costs less than ten.
    """
    return FamilyCounts(
        Family(()),
        tuple(group for family in families for group in family.groups),
        np.concatenate([family.cells for family in families]),
        families[0].everyone,
    )


def method_of(
    rule: Rule, rule_questions: Sequence[Question], family: FamilyCounts, decided: FamilyDecidability, level: float
) -> Method:
    """Choose how the level of a family without weights or clusters is divided over its groups.

    The plan and the sizes of the groups choose, and no answer does.
    """
    some = decided.evaluable
    sizes = decided.cases[some], decided.rest_cases[some]
    methods = {method_by_sizes(*sizes, rule.planned_rate, question.fail, level) for question in rule_questions}
    return "any_dependence" if family.is_overlapping or methods == {"any_dependence"} else "discarding"


def procedure_of(method: Method, tested: int) -> Procedure:
    """Name what the method does in a family of which so many groups are tested: small ones discard nobody."""
    if method == "any_dependence":
        return "any_dependence"
    return "discarding" if tested >= DISCARDING_MIN_GROUPS else "weights_only"


def exact_below(level: float) -> float:
    """Asymptotic p-value below which a p-value is computed exactly: one above it cannot reach `level`."""
    return 2.0 * max(level, 0.05)


def pass_p(
    question: Question, counts: tuple[npt.NDArray[np.int64], ...], decidable: BoolArray, alpha: float
) -> FloatArray:
    """p-values of "beyond the limit" for the groups marked, from the counts x of n, and y of m in the rest."""
    some = tuple(count[decidable] for count in counts)
    return _p(question.within, some, PASS_BETA, exact_below(alpha))


def surely_within(question: Question, counts: Tables, alpha: float) -> BoolArray:
    """bool[G]: whether `pass_p` of each group is at most alpha, without its digits."""
    boundary = question.within
    n, m = counts.n, counts.m
    x, y = counted_outcome(counts.x, n, boundary), counted_outcome(counts.y, m, boundary)
    near = asymptotic_p(x, n, y, m, boundary) < 2.0 * max(alpha, 0.05)
    near[near] = exact_rejects(x[near], n[near], y[near], m[near], boundary, alpha, PASS_BETA)
    return near


def _p(boundary: Boundary, counts: tuple[npt.NDArray[np.int64], ...], beta: float, threshold: float) -> FloatArray:
    x, n, y, m = counts
    return screened_p(
        counted_outcome(x, n, boundary), n, counted_outcome(y, m, boundary), m, boundary, beta, threshold
    ).p


def rule_tests(
    plan: AuditPlan,
    rule: Rule,
    families: Mapping[Family, FamilyCounts],
    decidability: RuleDecidability,
    spend: Budget,
    moments: Moments,
) -> dict[Family, FamilyTests]:
    """Test every group of every family of a rule: by exact tests where these hold, else by `weighted_rule_tests`."""
    exact = [
        family for family in decidability.families if is_exact(plan.audit.route, rule, families[family.family], moments)
    ]
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
        for question in questions(plan.audit.route, rule)
    ]
    all_groups = slice(0, len(family.groups))
    tests = judge_sides(sides, [all_groups], decided.evaluable, decided.decidable, level=level)
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

    def passes_as_scored(self, passing: PassTests, evaluable: BoolArray) -> BoolArray:  # noqa: ARG002
        """Find the groups that would pass on their scored cases alone."""
        return np.asarray(evaluable & (self._scored.test(self._question.within, self._alpha).p <= self._alpha))

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
