"""Exact tests of a rule: is a group beyond the limit, or within it? Corrected for the groups of each family."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from audit.analyses.missing_attributes import PossibleMembers, Supposed, possible_members
from audit.analyses.sides import Question, questions
from audit.counting.table import FamilyCounts
from audit.plan.audit_plan import AuditPlan, Rule
from audit.result.findings.judged import Procedure
from audit.stats.arrays import BoolArray, FloatArray, Tables
from audit.stats.margins.multiplicity import DISCARDING_MIN_GROUPS, Method, method_by_sizes, reject_family
from audit.stats.margins.score_test import FAIL_BETA, PASS_BETA, asymptotic_p, exact_rejects, screened_p
from audit.stats.margins.unnamed import unnamed_p
from audit.stats.rates.boundaries import Boundary, counted_outcome
from audit.stats.sizes.approximate_power import cases_to_decide
from audit.verdicts.budget import Budget, is_combined
from audit.verdicts.decidability import FamilyDecidability, RuleDecidability
from audit.verdicts.family_tests import FamilyTests, SideTests, Together
from audit.vocabulary.groups import Family
from audit.vocabulary.metrics import METRICS


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
    side_by_side = _side_by_side(counts)
    evaluable = np.concatenate([family.evaluable for family in decidability.families])
    can_fail = [evaluable & could_be_beyond(question, side_by_side) for question in asked]
    tested = np.logical_or.reduce(can_fail)
    slices = slices_of(counts)
    procedures = [
        procedure_of(rule, asked, family, decided, spend.names, int(tested[place].sum()))
        for family, decided, place in zip(counts, decidability.families, slices, strict=True)
    ]
    decidable, required = (
        np.concatenate([getattr(family, name) for family in decidability.families])
        for name in ("decidable", "required")
    )
    unknown = possible_members(counts, METRICS[rule.metric], Supposed.of(plan.sensitivity))
    sides: list[SideTests] = []
    for question, testable in zip(asked, can_fail, strict=True):
        p_fail, levels, beyond = _fail_tests(question, side_by_side, testable, slices, procedures, spend.names)
        stands = _stands(question, side_by_side, unknown, beyond, levels)
        passing = _pass_tests(question, side_by_side, unknown, decidable, plan.verdict.alpha)
        sides.append(SideTests(testable, p_fail, levels, beyond, stands, *passing))
    to_verdict = partial(_cases_to_verdict, plan, asked, side_by_side, unknown, [side.level_fail for side in sides])
    whole = on_all_sides(plan, asked, side_by_side, decidable, required, sides, spend.names, to_verdict)

    def together(family: FamilyCounts, place: slice) -> Together:
        if family.is_overlapping or not is_combined(plan, family.family):
            return Together()
        return _joint_test(asked, family, place, sides, spend)

    return {
        family.family: whole.part(place, procedure, together(family, place))
        for family, place, procedure in zip(counts, slices, procedures, strict=True)
    }


def slices_of(families: Sequence[FamilyCounts]) -> list[slice]:
    """Return the places of the groups of each family where all stand side by side."""
    ends = np.cumsum([len(family.groups) for family in families]).tolist()
    return [slice(end - len(family.groups), end) for end, family in zip(ends, families, strict=True)]


def on_all_sides(
    plan: AuditPlan,
    asked: tuple[Question, ...],
    groups: FamilyCounts,
    decidable: BoolArray,
    required: FloatArray,
    sides: Sequence[SideTests],
    level: float,
    cases_to_verdict: Callable[[BoolArray], FloatArray],
) -> FamilyTests:
    """Combine the sides of a rule: FAIL on any side, PASS on every side.

    Parameters
    ----------
    groups
        The counts of G groups, of one family or of several side by side.
    decidable, required
        Of each group: whether it is judged alone, and the cases with which it would be.
    level
        What each side may spend.
    cases_to_verdict
        Gives float64[G] for the groups marked, which are undecided: see `FamilyTests.cases_to_verdict`.
    """
    p_fail, levels = np.stack([side.p_fail for side in sides]), np.stack([side.level_fail for side in sides])
    nearest = nearest_side(p_fail, levels)
    tested: BoolArray = np.logical_or.reduce([side.can_fail for side in sides])
    beyond: BoolArray = np.logical_or.reduce([side.beyond for side in sides])
    as_scored, as_recorded, of_several = (
        np.logical_and.reduce([getattr(side, name) for side in sides])
        for name in ("as_scored", "as_recorded", "of_several")
    )
    p_pass: FloatArray = np.max(np.stack([side.p_pass for side in sides]), axis=0)
    # where a group could not have failed, not failing is no evidence
    within = decidable & tested & (p_pass <= plan.verdict.alpha)
    undecided = decidable & tested & ~within & ~beyond
    return FamilyTests(
        procedure="weights_only",
        level=level * len(asked),
        together=Together(),
        tested=tested,
        p_fail=np.take_along_axis(p_fail, nearest, axis=0)[0],
        level_fail=np.take_along_axis(levels, nearest, axis=0)[0],
        beyond=beyond,
        stands=np.logical_or.reduce([side.stands for side in sides]),
        p_pass=np.where(decidable, p_pass, np.nan),
        within=within,
        unscored_decide=undecided & ~as_recorded & _unscored_decide(asked, groups, as_scored, required),
        several_decide=undecided & as_recorded & ~of_several,
        unknown_decide=undecided & of_several,
        high_side=np.array([question.side == "high" for question in asked])[nearest[0]],
        cases_to_verdict=cases_to_verdict(undecided),
    )


def nearest_side(p_fail: FloatArray, levels: FloatArray) -> npt.NDArray[np.int64]:
    """int64[1, G]: for a two-sided rule, the side whose p-value is nearer to its own level, among those tested."""
    distance = np.where(np.isnan(levels), np.inf, p_fail / np.maximum(levels, 1e-300))
    return np.asarray(np.argmin(distance, axis=0)[np.newaxis], dtype=np.int64)


def _joint_test(
    asked: tuple[Question, ...], family: FamilyCounts, place: slice, sides: Sequence[SideTests], spend: Budget
) -> Together:
    """Test all nationalities as one; unscored cases speak for every group, as where names are given."""
    by_side = []
    for question, side in zip(asked, sides, strict=True):
        some = side.can_fail[place]
        x, n, y, m = (count[some] for count in question.at_its_best(family))
        counted, counted_rest = counted_outcome(x, n, question.fail), counted_outcome(y, m, question.fail)
        test = unnamed_p(side.p_fail[place][some], counted, n, counted_rest, m, question.fail)
        # of one group nobody can say "several", and a FAIL without a name would name it
        p = test.p if test.survivors != 1 else 1.0
        by_side.append(Together(p, spend.unnamed, test.survivors, test.at_least(spend.unnamed)))
    return min(by_side, key=lambda side: side.p if side.p is not None else 1.0)


def could_be_beyond(question: Question, groups: FamilyCounts) -> BoolArray:
    """bool[G]: whether any rate lies beyond the limit: no share can be 10 points below a rest of 2 %.

    Unscored cases of the rest count in its favour: that they are missing is one more reason not to decide.
    """
    _, _, y, m = question.at_its_worst(groups)
    counted = counted_outcome(y, m, question.fail)
    return np.asarray((m > 0) & (question.fail.edge(counted / np.maximum(m, 1)) > 0.0))


def _unscored_decide(
    asked: tuple[Question, ...], groups: FamilyCounts, as_scored: BoolArray, required: FloatArray
) -> BoolArray:
    """bool[G]: whether unscored cases stand between a group and its PASS; `as_scored` marks the groups that pass
    without them.
    """
    matters = np.zeros(len(groups.groups), dtype=bool)
    for question in asked:
        scored = question.as_scored(groups)
        differ = np.not_equal(np.stack(question.at_its_worst(groups)), np.stack(scored)).any(axis=0)
        _, own, _, rest = scored
        matters |= differ & (as_scored | (own < required) | (rest == 0))
    return matters


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


def procedure_of(
    rule: Rule,
    asked: Sequence[Question],
    family: FamilyCounts,
    decided: FamilyDecidability,
    level: float,
    tested: int,
) -> Procedure:
    """Choose how the level of a family without weights or clusters is divided over its groups.

    The plan and the sizes of the groups choose, and no answer does.
    """
    some = decided.evaluable
    sizes = decided.cases[some], decided.rest_cases[some]
    methods = {method_by_sizes(*sizes, rule.planned_rate, question.fail, level) for question in asked}
    if family.is_overlapping or methods == {"any_dependence"}:
        return "any_dependence"
    return "discarding" if tested >= DISCARDING_MIN_GROUPS else "weights_only"


def _fail_tests(
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


def _stands(
    question: Question, groups: FamilyCounts, unknown: PossibleMembers, beyond: BoolArray, levels: FloatArray
) -> BoolArray:
    """bool[G]: FAIL also with as many people of unknown feature in the group's favour as the plan supposes."""
    stands = beyond.copy()
    some = beyond & (unknown.in_favour(question) > 0)
    if some.any():
        counts = tuple(count[some] for count in unknown.at_their_best(question, groups))
        stands[some] = _p(question.fail, counts, FAIL_BETA, 0.1) <= levels[some]
    return stands


def _pass_tests(
    question: Question, family: FamilyCounts, unknown: PossibleMembers, decidable: BoolArray, alpha: float
) -> tuple[FloatArray, BoolArray, BoolArray, BoolArray]:
    """Return the last four fields of `SideTests`."""
    size = len(family.groups)
    p, as_scored = np.ones(size), np.zeros(size, dtype=bool)
    if not decidable.any():
        return p, as_scored, as_scored, as_scored
    worst = question.at_its_worst(family)
    p[decidable] = pass_p(question, worst, decidable, alpha)
    scored = question.as_scored(family)
    unscored: BoolArray = decidable & np.not_equal(np.stack(worst), np.stack(scored)).any(axis=0)
    as_scored[decidable] = p[decidable] <= alpha
    if unscored.any():
        as_scored[unscored] = pass_p(question, scored, unscored, alpha) <= alpha
    as_recorded: BoolArray = decidable & (p <= alpha)
    before, found = worst, [as_recorded]
    for moved in (unknown.of_several_at_their_worst(question, family), unknown.at_their_worst(question, family)):
        # where nothing could move the p-value stands; where it fails already, no member could save it
        movable: BoolArray = found[-1] & np.not_equal(np.stack(moved), np.stack(before)).any(axis=0)
        if movable.any():
            p[movable] = np.maximum(p[movable], pass_p(question, moved, movable, alpha))
        before = moved
        found.append(decidable & (p <= alpha))
    return p, as_scored, as_recorded, found[1]


def pass_p(
    question: Question, counts: tuple[npt.NDArray[np.int64], ...], decidable: BoolArray, alpha: float
) -> FloatArray:
    """p-values of "beyond the limit" for the groups marked, from the counts x of n, and y of m in the rest."""
    some = tuple(count[decidable] for count in counts)
    return _p(question.within, some, PASS_BETA, 2.0 * max(alpha, 0.05))


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


def _cases_to_verdict(
    plan: AuditPlan,
    asked: tuple[Question, ...],
    family: FamilyCounts,
    unknown: PossibleMembers,
    levels: Sequence[FloatArray],
    undecided: BoolArray,
) -> FloatArray:
    """float64[G]: cases to a PASS on every side or to a FAIL on one, whichever is fewer, if the measured rates are the
    true ones. A PASS is planned with people of unknown feature against the group, as its test has them.
    """
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
        x_against, n_against, y_against, m_against = (
            np.maximum(scored + (moved - worst), 0)[undecided]
            for scored, moved, worst in zip(
                question.as_scored(family),
                unknown.at_their_worst(question, family),
                question.at_its_worst(family),
                strict=True,
            )
        )
        passing = cases_to_decide(
            x_against / np.maximum(n_against, 1),
            y_against / np.maximum(m_against, 1),
            np.maximum(m_against, 1),
            question.within,
            level=plan.verdict.alpha,
            power=power,
        ) / (np.maximum(n_against, 1) / np.maximum(n, 1))
        failing = cases_to_decide(rate, rest_rate, m, question.fail, level=fail_level, power=power)
        to_pass.append(np.where(known, passing, np.inf))
        to_fail.append(np.where(known, failing, np.inf))
    needed[undecided] = np.minimum(np.max(np.stack(to_pass), axis=0), np.min(np.stack(to_fail), axis=0))
    return needed
