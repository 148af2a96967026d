"""Did a group become worse by more than the margin, or not by the margin: the exact tests of one rule.

One by one where the same cases were decided twice, by the paired score test; else as two separate samples, by the score
test of the verdicts. Names are corrected within each family, and families share one budget.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from audit.analyses.families import rule_families
from audit.analyses.sides import Question, When, questions
from audit.counting.table import FamilyCounts
from audit.plan.audit_plan import AuditPlan, Rule
from audit.stats.arrays import BoolArray, FloatArray, IntArray
from audit.stats.margins.multiplicity import FamilyRejections, Method, reject_family
from audit.stats.margins.score_test import FAIL_BETA, PASS_BETA, screened_p
from audit.stats.pairs.paired_family import name_paired
from audit.stats.pairs.paired_score import BETA, paired_interval, screened_paired_p
from audit.stats.rates.boundaries import counted_outcome
from audit.stats.rates.intervals import newcombe_difference
from audit.verdicts.budget import ALL_NAMES
from audit.verdicts.changes.sides import (
    Paired,
    Separate,
    as_a_rate,
    change_questions,
    margin_of,
    paired_counts,
    separate_counts,
)
from audit.verdicts.margin_tests import nearest_side
from audit.vocabulary.groups import Family
from audit.vocabulary.metrics import METRICS

__all__ = ["ChangeTests", "Evidence", "change_level", "change_tests"]


NAMING_BETA: Final = 1e-6
"""What the paired test spends on its confidence set where a name is at stake: less than many groups leave each."""


SEPARATELY: Final[Method] = "any_dependence"
"""How names are corrected where two samples are compared. Discarding takes its chance of being kept at the rate of the
rest as it was found, which is sure for a rest that is large; two samples of one group are of one size, and families of
unequal groups named one by mistake in 6.2 % of 1,300 simulated comparisons."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The counts of one family, then and now, and the pairs where there are any."""

    then: FamilyCounts
    """Of the groups of `now`, in their order; 0 of a group that the earlier audit does not have."""
    now: FamilyCounts
    pairs: IntArray | None
    """int64[G, 3, 4, 4]: label x decision then x decision now."""

    @property
    def disjoint(self) -> bool:
        """Whether no case stands in two groups."""
        return bool(np.array_equal(self.now.cells.sum(axis=0), self.now.everyone))


@dataclass(frozen=True, slots=True)
class ChangeTests:
    """What the tests of a rule say of the G groups of a family."""

    tested: BoolArray
    """bool[G]: a rate can be stated, and it could have become worse by the margin."""
    p_worse: FloatArray
    """float64[G]: p-value of "not worse by more than the margin", on the side nearer to failing."""
    level_worse: FloatArray
    """float64[G]: what it had to reach; nan where not tested."""
    worse: BoolArray
    """bool[G]: FAIL."""
    p_within: FloatArray
    """float64[G]: p-value of "worse by the margin", unscored cases at their worst; nan where not judged alone."""
    within: BoolArray
    """bool[G]: PASS."""
    unscored_decide: BoolArray
    """bool[G]: undecided because of unscored cases alone."""
    high_side: BoolArray
    """bool[G]: whether the side nearer to failing is the high one."""
    pairs: Paired | None
    """Pairs that both scored, as that side reads them; None for separate samples."""
    difference: tuple[FloatArray, FloatArray, FloatArray]
    """float64[G] each: rate now minus then, and its interval; nan where there are no cases."""


def change_level(plan: AuditPlan) -> float:
    """The level of one family on one side of a rule: equal shares of the names of all of them."""
    shares = sum(len(questions(plan, rule)) * len(rule_families(plan, rule)) for rule in plan.rules)
    return ALL_NAMES * plan.verdict.alpha / shares


def change_tests(
    plan: AuditPlan,
    rule: Rule,
    families: Mapping[Family, Evidence],
    evaluable: Mapping[Family, BoolArray],
    decidable: Mapping[Family, BoolArray],
) -> dict[Family, ChangeTests]:
    """Test every group of every family of a rule.

    Parameters
    ----------
    families
        What is known of each, all of them with pairs or none.
    evaluable, decidable
        bool[G] of each: whether a rate can be stated, and whether the group is large enough to be judged alone.
    """
    level = change_level(plan)
    return {
        family: _of_family(plan, rule, evidence, evaluable[family], decidable[family], level)
        for family, evidence in families.items()
    }


def _of_family(
    plan: AuditPlan, rule: Rule, evidence: Evidence, evaluable: BoolArray, decidable: BoolArray, level: float
) -> ChangeTests:
    kind = _Separate if evidence.pairs is None else _Pairs
    sides = [kind(question, margin_of(plan, rule), evidence) for question in change_questions(plan, rule)]
    can_fail = [evaluable & side.could_be_worse() for side in sides]
    tested: BoolArray = np.logical_or.reduce(can_fail)
    named = [_names(side, some, level) for side, some in zip(sides, can_fail, strict=True)]
    p_worse, levels, worse_by_side = (np.stack(arrays) for arrays in zip(*named, strict=True))
    nearest = nearest_side(p_worse, levels)
    worse: BoolArray = np.logical_or.reduce(worse_by_side)
    # that a rate was too bad to lose the margin is no doubt about its not having lost it
    p_within = _p_within(sides, "worst", decidable, plan.verdict.alpha)
    within = decidable & ~worse & (p_within <= plan.verdict.alpha)
    undecided = decidable & ~worse & ~within
    return ChangeTests(
        tested=tested,
        p_worse=np.take_along_axis(p_worse, nearest, axis=0)[0],
        level_worse=np.take_along_axis(levels, nearest, axis=0)[0],
        worse=worse,
        p_within=np.where(decidable, p_within, np.nan),
        within=within,
        unscored_decide=_p_within(sides, "scored", undecided, plan.verdict.alpha) <= plan.verdict.alpha,
        high_side=np.array([side.question.side == "high" for side in sides])[nearest[0]],
        pairs=_on_the_side(evidence, sides, nearest),
        difference=_difference(rule, evidence, plan.verdict.level),
    )


def _names(side: _Side, some: BoolArray, level: float) -> tuple[FloatArray, FloatArray, BoolArray]:
    """The p-values of "worse", the levels that they had to reach, and who is named."""
    p, levels, named = np.ones(some.shape), np.full(some.shape, np.nan), np.zeros(some.shape, dtype=np.bool_)
    if some.any():
        p[some], decision = side.names(some, level)
        levels[some], named[some] = decision.local_level, decision.rejected
    return p, levels, named


def _p_within(sides: Sequence[_Side], when: When, some: BoolArray, alpha: float) -> FloatArray:
    """The p-values of "worse by the margin" on every side; 1 of groups that are not asked about."""
    p = np.ones(some.shape)
    if some.any():
        p[some] = np.max(np.stack([side.p_within(when, some, 2.0 * max(alpha, 0.05)) for side in sides]), axis=0)
    return p


class _Side(Protocol):
    """One side of a rule, over the groups of a family."""

    question: Question

    def could_be_worse(self) -> BoolArray: ...

    def names(self, some: BoolArray, level: float) -> tuple[FloatArray, FamilyRejections]: ...

    def p_within(self, when: When, some: BoolArray, threshold: float) -> FloatArray: ...


class _Separate:
    """Two samples, tested as a group and its rest are."""

    def __init__(self, question: Question, margin: float, evidence: Evidence) -> None:
        self.question = question
        self._margin = margin
        self._evidence = evidence

    def could_be_worse(self) -> BoolArray:
        """Whether the rate was good enough to lose the margin, its unscored cases taken to be good."""
        counts = self._counts("worst")
        counted = counted_outcome(counts.y, counts.m, self.question.fail)
        return np.asarray((counts.m > 0) & (self.question.fail.edge(counted / np.maximum(counts.m, 1)) > 0.0))

    def names(self, some: BoolArray, level: float) -> tuple[FloatArray, FamilyRejections]:
        boundary = self.question.fail
        x, n, y, m = (count[some] for count in self._counts("best"))
        counted, before = counted_outcome(x, n, boundary), counted_outcome(y, m, boundary)
        p = screened_p(counted, n, before, m, boundary, FAIL_BETA, 2.0 * max(level, 0.05)).p
        return p, reject_family(p, counted, n, before, m, boundary, level, SEPARATELY)

    def p_within(self, when: When, some: BoolArray, threshold: float) -> FloatArray:
        boundary = self.question.within
        x, n, y, m = (count[some] for count in self._counts(when))
        counted, before = counted_outcome(x, n, boundary), counted_outcome(y, m, boundary)
        return screened_p(counted, n, before, m, boundary, PASS_BETA, threshold).p

    def _counts(self, when: When) -> Separate:
        return separate_counts(self.question, self._evidence.now, self._evidence.then, when)


class _Pairs(_Separate):
    """The same cases twice."""

    def names(self, some: BoolArray, level: float) -> tuple[FloatArray, FamilyRejections]:
        lost, gained, n = (count[some] for count in self._paired("best"))
        p = screened_paired_p(lost, gained, n, self._margin, "worse", NAMING_BETA, 2.0 * max(level, 0.05))
        apart = self._evidence.disjoint
        return p, name_paired(p, lost, gained, n, self._margin, level, NAMING_BETA, independent=apart)

    def p_within(self, when: When, some: BoolArray, threshold: float) -> FloatArray:
        lost, gained, n = (count[some] for count in self._paired(when))
        return screened_paired_p(lost, gained, n, self._margin, "within", BETA, threshold)

    def _paired(self, when: When) -> Paired:
        assert self._evidence.pairs is not None  # noqa: S101 - there are pairs, or this is not the class
        return paired_counts(self.question, self._evidence.pairs, when)


def _on_the_side(evidence: Evidence, sides: Sequence[_Side], nearest: npt.NDArray[np.int64]) -> Paired | None:
    """The pairs that both scored, as each group's nearest side reads them."""
    if evidence.pairs is None:
        return None
    by_side = [paired_counts(side.question, evidence.pairs, "scored") for side in sides]
    return Paired(*(np.take_along_axis(np.stack(counts), nearest, axis=0)[0] for counts in zip(*by_side, strict=True)))


def _difference(rule: Rule, evidence: Evidence, level: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Rate now minus rate then, with its interval; nan where there are no cases."""
    metric = METRICS[rule.metric]
    if evidence.pairs is None:
        x, n = evidence.now.numerator(metric), evidence.now.denominator(metric)
        y, m = evidence.then.numerator(metric), evidence.then.denominator(metric)
        known = (n > 0) & (m > 0)
        low, high = newcombe_difference(x, n, y, m, level)
        value = x / np.maximum(n, 1) - y / np.maximum(m, 1)
    else:
        lost, gained, n = paired_counts(as_a_rate(rule), evidence.pairs, "scored")
        known = n > 0
        low, high = paired_interval(lost, gained, np.maximum(n, 1), level)
        value = (gained - lost) / np.maximum(n, 1)
    unknown = np.full(known.shape, np.nan)
    return np.where(known, value, unknown), np.where(known, low, unknown), np.where(known, high, unknown)
