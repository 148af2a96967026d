"""Exact tests of a rule: is a group beyond the limit, or within it? Corrected for the groups of each family."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from audit.analyses.missing_attributes import PossibleMembers, Supposed, possible_members
from audit.analyses.sides import Question, When, questions
from audit.counting.table import FamilyCounts
from audit.plan.audit_plan import AuditPlan, Rule
from audit.result.findings.judged import Procedure
from audit.stats.arrays import BoolArray, FloatArray, IntArray, Tables
from audit.stats.boundaries import Boundary, counted_outcome
from audit.stats.multiplicity import DISCARDING_MIN_GROUPS, Method, method_by_sizes, reject_family, unnamed_p
from audit.stats.power import cases_to_decide
from audit.stats.score_test import FAIL_BETA, PASS_BETA, asymptotic_p, exact_rejects, screened_p
from audit.verdicts.budget import Budget, is_combined
from audit.verdicts.decidability import FamilyDecidability, RuleDecidability
from audit.verdicts.side_tests import FailTests, GroupTests, PassTests, SideTest, judge_sides, slices_of
from audit.vocabulary.groups import Family
from audit.vocabulary.metrics import METRICS


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
        found = reject_family(p, x, n, y, m, self.question.fail, level, self.method(family))
        return FailTests(p, found.local_level, found.rejected)

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

    def passes_as_scored(self, passing: PassTests, asked: BoolArray) -> BoolArray:
        """Find the groups that would pass on their scored cases alone."""
        passes = passing.as_recorded.copy()
        some = asked & self.has_unscored()
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
        stands = fail.beyond.copy()
        some = fail.beyond & (self._members.in_favour(self.question) > 0)
        if some.any():
            counts = tuple(count[some] for count in self._members.at_their_best(self.question, self._groups))
            stands[some] = _p(self.question.fail, counts, FAIL_BETA, 0.1) <= fail.level[some]
        return stands

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
    asked = questions(plan, rule)
    counts = [families[family.family] for family in decidability.families]
    groups = _side_by_side(counts)
    places = slices_of([len(family.groups) for family in counts])
    evaluable, decidable, required = (
        np.concatenate([getattr(family, name) for family in decidability.families])
        for name in ("evaluable", "decidable", "required")
    )
    methods = [
        method_of(rule, asked, family, decided, spend.names)
        for family, decided in zip(counts, decidability.families, strict=True)
    ]
    members = possible_members(counts, METRICS[rule.metric], Supposed.of(plan.sensitivity))
    sides = [ExactSide(question, groups, members, required, methods, plan.verdict.alpha) for question in asked]
    tests = judge_sides(sides, places, evaluable, decidable, level=spend.names)
    needed = cases_to_verdict(sides, tests, plan.verdict.power)
    together = [
        Together()
        if family.is_overlapping or not is_combined(plan, family.family)
        else _joint_test(sides, tests, evaluable, place, spend.unnamed)
        for family, place in zip(counts, places, strict=True)
    ]
    return {
        family.family: FamilyTests(
            procedure_of(method, int(part.tested.sum())), spend.names * len(asked), joint, part, needed[place]
        )
        for family, place, method, joint in zip(counts, places, methods, together, strict=True)
        for part in [tests.part(place)]
    }


def _joint_test(
    sides: Sequence[ExactSide], tests: GroupTests, evaluable: BoolArray, place: slice, level: float
) -> Together:
    """Test all nationalities as one; unscored cases speak for every group, as where names are given."""
    by_side = []
    for side, fail in zip(sides, tests.by_side, strict=True):
        some = (evaluable & side.could_fail())[place]
        x, n, y, m = (count[place][some] for count in side.counted_at_best)
        test = unnamed_p(fail.p[place][some], x, n, y, m, side.question.fail)
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
    rule: Rule, asked: Sequence[Question], family: FamilyCounts, decided: FamilyDecidability, level: float
) -> Method:
    """Choose how the level of a family without weights or clusters is divided over its groups.

    The plan and the sizes of the groups choose, and no answer does.
    """
    some = decided.evaluable
    sizes = decided.cases[some], decided.rest_cases[some]
    methods = {method_by_sizes(*sizes, rule.planned_rate, question.fail, level) for question in asked}
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
