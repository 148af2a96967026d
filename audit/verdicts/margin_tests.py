"""Is a group beyond the limit, or within it: the exact tests of a rule, corrected for the groups of each family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from audit.analyses.missing_attributes import PossibleMembers, possible_members
from audit.analyses.sides import Question, questions
from audit.counting.table import FamilyCounts
from audit.plan.audit_plan import AuditPlan, Rule
from audit.stats.arrays import BoolArray, FloatArray
from audit.stats.margins.multiplicity import DISCARDING_MIN_GROUPS, Method, reject_family
from audit.stats.margins.score_test import FAIL_BETA, PASS_BETA, screened_p
from audit.stats.margins.unnamed import unnamed_p
from audit.stats.rates.boundaries import counted_outcome
from audit.stats.sizes.approximate_power import cases_to_decide
from audit.verdicts.budget import Budget, is_combined
from audit.verdicts.decidability import RuleDecidability
from audit.vocabulary.groups import Family

__all__ = [
    "FamilyTests",
    "Procedure",
    "Together",
    "could_be_beyond",
    "nearest_side",
    "procedure_of",
    "rule_tests",
    "unscored_decide",
]

Procedure = Literal["discarding", "weights_only", "any_dependence"]
"""How a family's share of alpha is divided over its groups."""


@dataclass(frozen=True, slots=True)
class Together:
    """The groups of a family judged together, without a name: on the side that is nearer to its level."""

    p: float | None = None
    """p-value of "no group is beyond the limit"; None where the family is not judged together."""
    level: float | None = None
    """The level it had to reach on that side."""
    survivors: int = 0
    """Groups that point towards harm, over which it was taken."""

    @property
    def beyond(self) -> bool:
        """Whether some of the groups are beyond the limit."""
        return self.p is not None and self.level is not None and self.p <= self.level


@dataclass(frozen=True, slots=True)
class FamilyTests:
    """What the tests of a rule say of the G groups of a family."""

    procedure: Procedure
    level: float
    """The share of alpha that this family spends, over all sides of the rule."""
    together: Together
    """Whether some of the groups are beyond the limit, whoever they are."""
    tested: BoolArray
    """bool[G]: groups that were tested for FAIL: a rate can be stated, and it could lie beyond the limit at all."""
    p_fail: FloatArray
    """float64[G]: p-value of "not beyond the limit", exact where it could decide, on the side nearer to failing."""
    level_fail: FloatArray
    """float64[G]: the level that this p-value had to reach; nan where not tested."""
    beyond: BoolArray
    """bool[G]: FAIL."""
    p_pass: FloatArray
    """float64[G]: the same of "beyond the limit", with unscored cases and unknown features at their worst; nan where
    not decidable."""
    within: BoolArray
    """bool[G]: PASS."""
    unscored_decide: BoolArray
    """bool[G]: undecided because of cases that were not scored: the scored ones alone would pass, or are too few."""
    several_decide: BoolArray
    """bool[G]: undecided because of people who have its nationality beside others: without them it would pass."""
    unknown_decide: BoolArray
    """bool[G]: undecided only because of cases whose feature is unknown: without them it would pass."""
    high_side: BoolArray
    """bool[G]: whether the side nearer to failing is the high one."""
    cases_to_verdict: FloatArray
    """float64[G]: own cases with which a group at the rates measured would be decided with the plan's power, one way
    or the other; inf where no number would do (its rate lies on the limit), nan where it was decided or not judged
    alone."""
    degrees_of_freedom: FloatArray | None = None
    """float64[G]: of the variance that an approximate test rests on; None where all tests are exact."""
    too_few_clusters: BoolArray | None = None
    """bool[G]: fewer than 3 of them, so that neither verdict can be reached; None where all tests are exact."""

    def part(self, place: slice, procedure: Procedure, together: Together) -> FamilyTests:
        """The tests of some neighbouring groups, as a family that was corrected by `procedure`."""
        arrays = {
            field.name: getattr(self, field.name)[place] for field in fields(self) if field.name not in _NOT_BY_GROUP
        }
        return FamilyTests(procedure=procedure, level=self.level, together=together, **arrays)


_NOT_BY_GROUP = ("procedure", "level", "together", "degrees_of_freedom", "too_few_clusters")


def rule_tests(
    plan: AuditPlan,
    rule: Rule,
    families: Mapping[Family, FamilyCounts],
    decidability: RuleDecidability,
    spend: Budget,
) -> dict[Family, FamilyTests]:
    """Test every group of every family of a rule against its rest.

    FAIL is tested for every group of which a rate can be stated, with unscored cases counted in the group's favour;
    PASS only for groups judged alone, with unscored cases counted against it, so that either verdict holds whatever
    the unscored cases would have been; a PASS also wherever the people with an unknown feature belong. Tests and
    correction: docs, "How a verdict is reached".

    Parameters
    ----------
    spend
        What each side of the rule may spend on each family.
    """
    asked = questions(plan, rule)
    counts = [families[family.family] for family in decidability.families]
    side_by_side = _side_by_side(counts)
    evaluable = np.concatenate([family.evaluable for family in decidability.families])
    can_fail = [evaluable & could_be_beyond(question, side_by_side) for question in asked]
    tested = np.logical_or.reduce(can_fail)
    ends = np.cumsum([len(family.groups) for family in counts])
    slices = [slice(end - len(family.groups), end) for end, family in zip(ends, counts, strict=True)]
    procedures = [procedure_of(family, tested[place]) for family, place in zip(counts, slices, strict=True)]
    by_side = [
        _beyond(question, side_by_side, testable, slices, procedures, spend.names)
        for question, testable in zip(asked, can_fail, strict=True)
    ]
    unknown = possible_members(counts, plan.sensitivity.max_missing_share)
    whole = _on_all_sides(plan, asked, side_by_side, decidability, unknown, tested, by_side, spend)

    def together(family: FamilyCounts, place: slice, procedure: Procedure) -> Together:
        if procedure == "any_dependence" or not is_combined(plan, family.family):
            return Together()
        p_by_side = [p[place] for p, _, _ in by_side]
        return _together(asked, family, p_by_side, [can[place] for can in can_fail], spend)

    return {
        family.family: whole.part(place, procedure, together(family, place, procedure))
        for family, place, procedure in zip(counts, slices, procedures, strict=True)
    }


def _on_all_sides(
    plan: AuditPlan,
    asked: tuple[Question, ...],
    groups: FamilyCounts,
    decidability: RuleDecidability,
    unknown: PossibleMembers,
    tested: BoolArray,
    by_side: Sequence[tuple[FloatArray, FloatArray, BoolArray]],
    spend: Budget,
) -> FamilyTests:
    """FAIL on any side, PASS on every side: all groups of all families in one."""
    decidable, required = (
        np.concatenate([getattr(family, name) for family in decidability.families])
        for name in ("decidable", "required")
    )
    p_fail, levels, beyond_by_side = (np.stack(arrays) for arrays in zip(*by_side, strict=True))
    nearest = nearest_side(p_fail, levels)
    within_by_side = [_within(question, groups, unknown, decidable, plan.verdict.alpha) for question in asked]
    p_pass, as_scored, as_recorded, of_several = _on_every_side(within_by_side)
    beyond: BoolArray = np.logical_or.reduce(beyond_by_side)
    # where a group could not have failed, not failing is no evidence
    within = decidable & tested & (p_pass <= plan.verdict.alpha)
    undecided = decidable & tested & ~within & ~beyond
    return FamilyTests(
        procedure="weights_only",
        level=spend.names * len(asked),
        together=Together(),
        tested=tested,
        p_fail=np.take_along_axis(p_fail, nearest, axis=0)[0],
        level_fail=np.take_along_axis(levels, nearest, axis=0)[0],
        beyond=beyond,
        p_pass=np.where(decidable, p_pass, np.nan),
        within=within,
        unscored_decide=undecided & ~as_recorded & unscored_decide(asked, groups, as_scored, required),
        several_decide=undecided & as_recorded & ~of_several,
        unknown_decide=undecided & of_several,
        high_side=np.array([question.side == "high" for question in asked])[nearest[0]],
        cases_to_verdict=_cases_to_verdict(plan, asked, groups, undecided, levels),
    )


def nearest_side(p_fail: FloatArray, levels: FloatArray) -> npt.NDArray[np.int64]:
    """int64[1, G]: of a two-sided rule the side whose p-value is nearer to its own level, among those tested."""
    distance = np.where(np.isnan(levels), np.inf, p_fail / np.maximum(levels, 1e-300))
    return np.asarray(np.argmin(distance, axis=0)[np.newaxis], dtype=np.int64)


def _together(
    asked: tuple[Question, ...],
    family: FamilyCounts,
    p_by_side: Sequence[FloatArray],
    can_fail: Sequence[BoolArray],
    spend: Budget,
) -> Together:
    """All nationalities as one: unscored cases speak for every group, as where names are given."""
    by_side = []
    for question, p, some in zip(asked, p_by_side, can_fail, strict=True):
        x, n, y, m = (count[some] for count in question.at_its_best(family))
        counted, counted_rest = counted_outcome(x, n, question.fail), counted_outcome(y, m, question.fail)
        test = unnamed_p(p[some], counted, n, counted_rest, m, question.fail)
        # of one group nobody can say "several", and a FAIL without a name would name it
        told = test.survivors != 1
        by_side.append(Together(test.p if told else 1.0, spend.unnamed, test.survivors))
    return min(by_side, key=lambda side: side.p if side.p is not None else 1.0)


def _on_every_side(by_side: Sequence[_Within]) -> _Within:
    return _Within(
        p=np.max(np.stack([side.p for side in by_side]), axis=0),
        as_scored=np.logical_and.reduce([side.as_scored for side in by_side]),
        as_recorded=np.logical_and.reduce([side.as_recorded for side in by_side]),
        of_several=np.logical_and.reduce([side.of_several for side in by_side]),
    )


def could_be_beyond(question: Question, groups: FamilyCounts) -> BoolArray:
    """Whether any rate lies beyond the limit: a share found cannot be 10 points below a rest of 2 %.

    Asked with the unscored cases of the rest speaking for it: that they are missing is another reason not to tell.
    """
    _, _, y, m = question.at_its_worst(groups)
    counted = counted_outcome(y, m, question.fail)
    return np.asarray((m > 0) & (question.fail.edge(counted / np.maximum(m, 1)) > 0.0))


def unscored_decide(
    asked: tuple[Question, ...], groups: FamilyCounts, as_scored: BoolArray, required: FloatArray
) -> BoolArray:
    """bool[G]: whether unscored cases stand between a group and its PASS: `as_scored` says who would pass without."""
    matters = np.zeros(len(groups.groups), dtype=bool)
    for question in asked:
        scored = question.as_scored(groups)
        differ = np.not_equal(np.stack(question.at_its_worst(groups)), np.stack(scored)).any(axis=0)
        _, own, _, rest = scored
        matters |= differ & (as_scored | (own < required) | (rest == 0))
    return matters


def _side_by_side(families: Sequence[FamilyCounts]) -> FamilyCounts:
    """All groups of several families in one table.

    A group's p-value does not depend on the company it is computed in, and one call costs less than ten.
    """
    return FamilyCounts(
        Family(()),
        tuple(group for family in families for group in family.groups),
        np.concatenate([family.cells for family in families]),
        families[0].everyone,
    )


def procedure_of(family: FamilyCounts, tested: BoolArray) -> Procedure:
    """How the level of a family without weights or clusters is divided over the groups that are tested."""
    if not np.array_equal(family.cells.sum(axis=0), family.everyone):
        return "any_dependence"
    return "discarding" if int(tested.sum()) >= DISCARDING_MIN_GROUPS else "weights_only"


def _beyond(
    question: Question,
    groups: FamilyCounts,
    tested: BoolArray,
    slices: Sequence[slice],
    procedures: Sequence[Procedure],
    level: float,
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """p-values of all groups at once, then family by family who is named, and at which level."""
    size = len(groups.groups)
    p, levels, beyond = np.ones(size), np.full(size, np.nan), np.zeros(size, dtype=bool)
    if not tested.any():
        return p, levels, beyond
    x, n, y, m = question.at_its_best(groups)
    counted, counted_rest = counted_outcome(x, n, question.fail), counted_outcome(y, m, question.fail)
    threshold = 2.0 * max(level, 0.05)
    p[tested] = screened_p(
        counted[tested], n[tested], counted_rest[tested], m[tested], question.fail, FAIL_BETA, threshold
    ).p
    for place, procedure in zip(slices, procedures, strict=True):
        some = np.arange(size)[place][tested[place]]
        if some.size:
            method: Method = "any_dependence" if procedure == "any_dependence" else "discarding"
            decision = reject_family(
                p[some], counted[some], n[some], counted_rest[some], m[some], question.fail, level, method
            )
            levels[some], beyond[some] = decision.local_level, decision.rejected
    return p, levels, beyond


class _Within(NamedTuple):
    p: FloatArray
    """float64[G]: p-value of "beyond the limit", everything that is not known at its worst."""
    as_scored: BoolArray
    """bool[G]: the scored cases alone would pass, features as they were recorded."""
    as_recorded: BoolArray
    """bool[G]: it would pass, unscored cases at their worst, features as they were recorded."""
    of_several: BoolArray
    """bool[G]: it would also if all who have its nationality beside others belonged to it at their worst."""


def _within(
    question: Question, family: FamilyCounts, unknown: PossibleMembers, decidable: BoolArray, alpha: float
) -> _Within:
    size = len(family.groups)
    p, as_scored = np.ones(size), np.zeros(size, dtype=bool)
    if not decidable.any():
        return _Within(p, as_scored, as_scored, as_scored)
    worst = question.at_its_worst(family)
    p[decidable] = _pass_p(question, worst, decidable, alpha)
    scored = question.as_scored(family)
    unscored: BoolArray = decidable & np.not_equal(np.stack(worst), np.stack(scored)).any(axis=0)
    as_scored[decidable] = p[decidable] <= alpha
    if unscored.any():
        as_scored[unscored] = _pass_p(question, scored, unscored, alpha) <= alpha
    as_recorded: BoolArray = decidable & (p <= alpha)
    before, found = worst, [as_recorded]
    for moved in (unknown.of_several_at_their_worst(question, family), unknown.at_their_worst(question, family)):
        # where nothing could move the p-value stands; where it fails already, no member could save it
        movable: BoolArray = found[-1] & np.not_equal(np.stack(moved), np.stack(before)).any(axis=0)
        if movable.any():
            p[movable] = np.maximum(p[movable], _pass_p(question, moved, movable, alpha))
        before = moved
        found.append(decidable & (p <= alpha))
    return _Within(p, as_scored, as_recorded, found[1])


def _pass_p(
    question: Question, counts: tuple[npt.NDArray[np.int64], ...], decidable: BoolArray, alpha: float
) -> FloatArray:
    x, n, y, m = (count[decidable] for count in counts)
    boundary, threshold = question.within, 2.0 * max(alpha, 0.05)
    counted, counted_rest = counted_outcome(x, n, boundary), counted_outcome(y, m, boundary)
    return screened_p(counted, n, counted_rest, m, boundary, PASS_BETA, threshold).p


def _cases_to_verdict(
    plan: AuditPlan, asked: tuple[Question, ...], family: FamilyCounts, undecided: BoolArray, levels: FloatArray
) -> FloatArray:
    """Cases to a PASS on every side or to a FAIL on one, whichever is fewer, were the measured rates the true ones."""
    needed = np.full(len(family.groups), np.nan)
    if not undecided.any():
        return needed
    to_pass, to_fail = [], []
    for question, fail_levels in zip(asked, levels, strict=True):
        x, n, y, m = (count[undecided] for count in question.as_scored(family))
        known = (n > 0) & (m > 0)
        rate, rest_rate = x / np.maximum(n, 1), y / np.maximum(m, 1)
        fail_level = np.clip(np.nan_to_num(fail_levels[undecided], nan=0.0), 1e-12, 0.5)
        power = plan.verdict.power
        passing = cases_to_decide(rate, rest_rate, m, question.within, level=plan.verdict.alpha, power=power)
        failing = cases_to_decide(rate, rest_rate, m, question.fail, level=fail_level, power=power)
        to_pass.append(np.where(known, passing, np.inf))
        to_fail.append(np.where(known, failing, np.inf))
    needed[undecided] = np.minimum(np.max(np.stack(to_pass), axis=0), np.min(np.stack(to_fail), axis=0))
    return needed
