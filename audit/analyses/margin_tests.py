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
from audit.stats.multiplicity import DISCARDING_FROM, Procedure, reject_family
from audit.stats.score_test import PASS_BETA, screened_p

__all__ = ["SPENT", "FamilyTests", "family_tests"]

SPENT = 0.9
"""The share of alpha that names may spend. The rest pays for the one approximation in discarding, the shared rest."""

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class FamilyTests:
    """What the tests of a rule say of the G groups of a family."""

    procedure: Literal["discarding", "weights_only", "any_dependence"]
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
        p, levels, beyond = _beyond(question, family, tested, procedure, level)
        p_by_side.append(p)
        level_by_side.append(levels)
        beyond_by_side.append(beyond)
    nearest = np.argmin(np.stack(p_by_side), axis=0)
    within = [_within(question, family, decidability.decidable, plan.verdict.alpha) for question in asked]
    p_pass = np.max(np.stack([p for p, _ in within]), axis=0)
    sides = np.array([question.side == "high" for question in asked])
    return FamilyTests(
        procedure=procedure,
        level=level * len(asked),
        tested=tested,
        p_fail=np.min(np.stack(p_by_side), axis=0),
        level_fail=np.take_along_axis(np.stack(level_by_side), nearest[np.newaxis], axis=0)[0],
        beyond=np.any(np.stack(beyond_by_side), axis=0),
        p_pass=np.where(decidability.decidable, p_pass, np.nan),
        within=decidability.decidable & (p_pass <= plan.verdict.alpha),
        within_as_scored=np.all(np.stack([scored for _, scored in within]), axis=0),
        high_side=sides[nearest],
    )


def _procedure(family: FamilyCounts, tested: BoolArray) -> Procedure:
    if not np.array_equal(family.cells.sum(axis=0), family.everyone):
        return "any_dependence"
    return "discarding" if int(tested.sum()) >= DISCARDING_FROM else "weights_only"


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
    decision = reject_family(p[tested], counted, n, counted_rest, m, question.fail, level, procedure)
    levels[tested], beyond[tested] = decision.levels, decision.rejected
    return p, levels, beyond


def _within(
    question: Question, family: FamilyCounts, decidable: BoolArray, alpha: float
) -> tuple[FloatArray, BoolArray]:
    size = len(family.groups)
    p, as_scored = np.ones(size), np.zeros(size, dtype=bool)
    if not decidable.any():
        return p, as_scored
    p[decidable] = _pass_p(question, question.at_its_worst(family), decidable, alpha)
    as_scored[decidable] = _pass_p(question, question.as_scored(family), decidable, alpha) <= alpha
    return p, as_scored


def _pass_p(
    question: Question, counts: tuple[npt.NDArray[np.int64], ...], decidable: BoolArray, alpha: float
) -> FloatArray:
    x, n, y, m = (count[decidable] for count in counts)
    boundary, threshold = question.within, 2.0 * max(alpha, 0.05)
    counted, counted_rest = counted_outcome(x, n, boundary), counted_outcome(y, m, boundary)
    return screened_p(counted, n, counted_rest, m, boundary, PASS_BETA, threshold).p
