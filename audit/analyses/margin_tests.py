"""Is a group beyond the limit, or within it: the exact tests of one rule over one family, corrected for its groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from audit.analyses.decidability import FamilyDecidability
from audit.analyses.sides import Question, questions
from audit.counting.table import FamilyCounts
from audit.plan import AuditPlan, Rule
from audit.stats.boundaries import counted_outcome
from audit.stats.multiplicity import DISCARDING_MIN_GROUPS, reject_family
from audit.stats.planning import cases_to_decide
from audit.stats.score_test import PASS_BETA, screened_p

__all__ = ["SPENT", "FamilyTests", "Procedure", "family_tests"]

Procedure = Literal["discarding", "weights_only", "any_dependence"]
"""How a family's share of alpha is divided over its groups."""

SPENT = 0.9
"""The share of alpha that names may spend. The rest pays for the one approximation in discarding, the shared rest."""

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class FamilyTests:
    """What the tests of a rule say of the G groups of a family."""

    procedure: Procedure
    level: float
    """The share of alpha that this family spends, over all sides of the rule."""
    tested: BoolArray
    """bool[G]: groups that were tested for FAIL."""
    p_fail: FloatArray
    """float64[G]: exact p-value of "not beyond the limit", on the side nearer to failing."""
    level_fail: FloatArray
    """float64[G]: the level that this p-value had to reach; nan where not tested."""
    beyond: BoolArray
    """bool[G]: FAIL."""
    p_pass: FloatArray
    """float64[G]: exact p-value of "beyond the limit" with unscored cases at their worst; nan where not decidable."""
    within: BoolArray
    """bool[G]: PASS."""
    within_as_scored: BoolArray
    """bool[G]: whether the scored cases alone would have given a PASS."""
    high_side: BoolArray
    """bool[G]: whether the side nearer to failing is the high one."""
    cases_to_verdict: FloatArray
    """float64[G]: own cases with which a group at the rates measured would be decided with the plan's power, one way
    or the other; inf where no number would do (its rate lies on the limit), nan where it was decided or not judged
    alone."""


def family_tests(
    plan: AuditPlan, rule: Rule, family: FamilyCounts, decidability: FamilyDecidability, level: float
) -> FamilyTests:
    """Test every group of a family against its rest.

    Parameters
    ----------
    level
        The share of alpha that each side of the rule may spend on this family.

    Notes
    -----
    FAIL is tested for every group of which a rate can be stated, with unscored cases counted in the group's favour;
    PASS only for groups judged alone, with unscored cases counted against it, so that either verdict holds whatever
    the unscored cases would have been. Tests and correction: docs, "How a verdict is reached".
    """
    asked = questions(plan, rule)
    tested = decidability.evaluable.copy()
    procedure = _procedure(family, tested)
    p_by_side, level_by_side, beyond_by_side = [], [], []
    for question in asked:
        p, side_levels, side_beyond = _beyond(question, family, tested, procedure, level)
        p_by_side.append(p)
        level_by_side.append(side_levels)
        beyond_by_side.append(side_beyond)
    p_fail, levels = np.stack(p_by_side), np.stack(level_by_side)
    nearest = np.argmin(p_fail / np.maximum(np.nan_to_num(levels, nan=1.0), 1e-300), axis=0)[np.newaxis]
    within = [_within(question, family, decidability.decidable, plan.verdict.alpha) for question in asked]
    p_pass = np.max(np.stack([p for p, _ in within]), axis=0)
    sides = np.array([question.side == "high" for question in asked])
    beyond = np.any(np.stack(beyond_by_side), axis=0)
    within_limit = decidability.decidable & (p_pass <= plan.verdict.alpha)
    undecided = decidability.decidable & ~within_limit & ~beyond
    return FamilyTests(
        procedure=procedure,
        level=level * len(asked),
        tested=tested,
        p_fail=np.take_along_axis(p_fail, nearest, axis=0)[0],
        level_fail=np.take_along_axis(levels, nearest, axis=0)[0],
        beyond=beyond,
        p_pass=np.where(decidability.decidable, p_pass, np.nan),
        within=within_limit,
        within_as_scored=np.all(np.stack([scored for _, scored in within]), axis=0),
        high_side=sides[nearest[0]],
        cases_to_verdict=_cases_to_verdict(plan, asked, family, undecided, levels),
    )


def _procedure(family: FamilyCounts, tested: BoolArray) -> Procedure:
    if not np.array_equal(family.cells.sum(axis=0), family.everyone):
        return "any_dependence"
    return "discarding" if int(tested.sum()) >= DISCARDING_MIN_GROUPS else "weights_only"


def _beyond(
    question: Question, family: FamilyCounts, tested: BoolArray, procedure: Procedure, level: float
) -> tuple[FloatArray, FloatArray, BoolArray]:
    size = len(family.groups)
    p, levels, beyond = np.ones(size), np.full(size, np.nan), np.zeros(size, dtype=bool)
    if not tested.any():
        return p, levels, beyond
    x, n, y, m = (counts[tested] for counts in question.at_its_best(family))
    counted, counted_rest = counted_outcome(x, n, question.fail), counted_outcome(y, m, question.fail)
    p[tested] = screened_p(counted, n, counted_rest, m, question.fail).p
    method: Literal["discarding", "any_dependence"] = (
        "any_dependence" if procedure == "any_dependence" else "discarding"
    )
    decision = reject_family(p[tested], counted, n, counted_rest, m, question.fail, level, method)
    levels[tested], beyond[tested] = decision.local_level, decision.rejected
    return p, levels, beyond


def _within(
    question: Question, family: FamilyCounts, decidable: BoolArray, alpha: float
) -> tuple[FloatArray, BoolArray]:
    size = len(family.groups)
    p, as_scored = np.ones(size), np.zeros(size, dtype=bool)
    if not decidable.any():
        return p, as_scored
    worst = question.at_its_worst(family)
    p[decidable] = _pass_p(question, worst, decidable, alpha)
    scored = question.as_scored(family)
    unscored: BoolArray = decidable & np.not_equal(np.stack(worst), np.stack(scored)).any(axis=0)
    as_scored[decidable] = p[decidable] <= alpha
    if unscored.any():
        as_scored[unscored] = _pass_p(question, scored, unscored, alpha) <= alpha
    return p, as_scored


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
