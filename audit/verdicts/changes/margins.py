"""Exact tests of one rule on a change: did a group become worse by more than the margin, or not by the margin?

Where the same cases were decided twice, they are compared one by one, by the paired score test. Else both audits are
two separate samples, compared by the score test of the verdicts. Names are corrected within each family, and families
share one budget.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from audit.analyses.sides import Question, When, questions
from audit.counting.table import FLAGGED, NOT_FLAGGED, FamilyCounts, cells_mask, rule_families
from audit.plan.audit_plan import AuditPlan, Rule
from audit.stats.arrays import BoolArray, FloatArray, IntArray, Tables
from audit.stats.margins.multiplicity import FamilyRejections, Method, reject_family
from audit.stats.margins.score_test import FAIL_BETA, screened_p
from audit.stats.pairs.paired_family import name_paired
from audit.stats.pairs.paired_score import BETA, paired_interval, screened_paired_p
from audit.stats.rates.binomial import Counts
from audit.stats.rates.boundaries import counted_outcome, margin_boundary
from audit.stats.rates.intervals import newcombe_difference
from audit.verdicts.budget import ALL_NAMES
from audit.verdicts.margin_tests import nearest_side, pass_p, slices_of
from audit.vocabulary.groups import Family
from audit.vocabulary.metrics import METRICS, Metric

_GOOD, _BAD, _OPEN, _OUT = 1, 0, 2, 3
"""Meaning of a decision for a case on one side: right, wrong, not scored, or the case is not in this rate at all."""


class Paired(NamedTuple):
    """Pairs of G groups."""

    lost: IntArray
    """int64[G]: right then and wrong now."""
    gained: IntArray
    """int64[G]: wrong then and right now."""
    n: IntArray
    """int64[G]: all pairs."""


def margin_of(plan: AuditPlan, rule: Rule) -> float:
    """Return how much worse the rate of a rule may have become."""
    return plan.baseline.regression_margin if rule.regression_margin is None else rule.regression_margin


def change_questions(plan: AuditPlan, rule: Rule) -> tuple[Question, ...]:
    """Return the sides of a rule with the margin of the change: a difference, also where the rule limits a ratio."""
    margin = margin_of(plan, rule)
    return tuple(
        question._replace(
            fail=margin_boundary("fail", question.side == "low", "difference", margin),
            within=margin_boundary("pass", question.side == "low", "difference", margin),
        )
        for question in questions(plan, rule)
    )


def rate_question(rule: Rule) -> Question:
    """Make the rate itself a side, on which what is counted is good: its change has the rate's own direction."""
    boundary = margin_boundary("fail", True, "difference", 0.5)
    return Question(METRICS[rule.metric], "low", boundary, boundary)


def paired_counts(question: Question, cells: IntArray, when: When) -> Paired:
    """Count the pairs of one side, from int64[G, 3, 4, 4] (label x then x now).

    `scored`: cases that both audits scored. `best`, `worst`: all cases. Those that one audit did not score are taken to
    have been as good for the new detector as they can be, or as bad. A FAIL must hold against the first and a PASS
    against the second, so that either holds whatever these cases would have been.
    """
    meaning = _decision_meaning(question)
    then, now = meaning[:, :, np.newaxis], meaning[:, np.newaxis, :]
    scored = (then < _OPEN) & (now < _OPEN)
    if when == "scored":
        pairs, was_good, is_good = scored, then == _GOOD, now == _GOOD
    else:
        pairs = (then != _OUT) & (now != _OUT)
        spoken_for = when == "best"
        was_good = (then == _GOOD) | ((then == _OPEN) & (not spoken_for))
        is_good = (now == _GOOD) | ((now == _OPEN) & spoken_for)

    def of(wanted: npt.NDArray[np.bool_]) -> IntArray:
        return np.asarray((cells * wanted).sum(axis=(1, 2, 3)), dtype=np.int64)

    return Paired(of(pairs & was_good & ~is_good), of(pairs & ~was_good & is_good), of(pairs & (then >= 0)))


def separate_counts(question: Question, now: FamilyCounts, then: FamilyCounts, when: When) -> Tables:
    """Count the two samples of one side, x of n now and y of m then, with unscored cases as in `paired_counts`."""
    own, other = question.cells(when)
    return Tables(now.total(own[0]), now.total(own[1]), then.total(other[0]), then.total(other[1]))


def _decision_meaning(question: Question) -> npt.NDArray[np.int64]:
    """int64[3, 4]: meaning of each decision for a case of each label."""
    metric: Metric = question.metric
    counted, among = cells_mask(metric.numerator), cells_mask(metric.denominator)
    good = counted if question.side == "low" else among & ~counted
    open_cases = cells_mask(metric.lowest_if_unscored)
    meaning = np.full(counted.shape, _OUT, dtype=np.int64)
    meaning[among & ~good] = _BAD
    meaning[good] = _GOOD
    meaning[open_cases] = _OPEN
    assert not open_cases[:, [FLAGGED, NOT_FLAGGED]].any()  # noqa: S101 - what is decided is scored
    return meaning


NAMING_BETA: Final = 1e-6
"""Level that the paired test spends on its confidence set where a name is at stake: less than many groups leave
each.
"""


SEPARATELY: Final[Method] = "any_dependence"
"""Correction for names where two samples are compared. Discarding takes its chance of being kept at the rate of the
rest as it was found. That rate is sure for a large rest; but two samples of one group are of one size, and families of
unequal groups named one by mistake in 6.2 % of 1,300 simulated comparisons.
"""


class Evidence(NamedTuple):
    """Counts of one family, then and now, and the pairs where there are any."""

    then: FamilyCounts
    """Counts of the groups of `now`, in their order; 0 for a group that the earlier audit does not have."""
    now: FamilyCounts
    pairs: IntArray | None
    """int64[G, 3, 4, 4]: label x decision then x decision now."""

    @property
    def disjoint(self) -> bool:
        """Whether no case stands in two groups."""
        return bool(np.array_equal(self.now.cells.sum(axis=0), self.now.everyone))

    @classmethod
    def side_by_side(cls, families: Sequence[Evidence]) -> Self:
        """Put the groups of several families into one table: no p-value depends on the other groups in a call."""
        then, now = (
            FamilyCounts(Family(()), (), np.concatenate([of.cells for of in sides]), sides[0].everyone)
            for sides in ([family.then for family in families], [family.now for family in families])
        )
        pairs = [family.pairs for family in families if family.pairs is not None]
        return cls(then, now, np.concatenate(pairs) if pairs else None)


class ChangeTests(NamedTuple):
    """Results of a rule's tests on the change of the G groups of a family."""

    tested: BoolArray
    """bool[G]: a rate can be stated, and it could have become worse by the margin."""
    p_worse: FloatArray
    """float64[G]: p-value of "not worse by more than the margin", on the side nearer to failing."""
    level_worse: FloatArray
    """float64[G]: level that this p-value had to reach; nan where not tested."""
    worse: BoolArray
    """bool[G]: FAIL."""
    p_within: FloatArray
    """float64[G]: p-value of "worse by the margin", with unscored cases at their worst; nan where not judged alone."""
    within: BoolArray
    """bool[G]: PASS."""
    unscored_decide: BoolArray
    """bool[G]: undecided because of unscored cases alone."""
    high_side: BoolArray
    """bool[G]: whether the side nearer to failing is the high one."""
    pairs: Paired | None
    """Pairs that both audits scored, as read on the side nearer to failing; None for separate samples."""
    difference: tuple[FloatArray, FloatArray, FloatArray]
    """float64[G] each: rate now minus rate then, and its interval; nan where there are no cases."""

    def part(self, place: slice) -> Self:
        """Keep the groups of one family."""

        def kept(value: Any) -> Any:
            return value[place] if isinstance(value, np.ndarray) else None if value is None else tuple(map(kept, value))

        parts = {name: kept(value) for name, value in self._asdict().items()}
        return self._replace(**parts | {"pairs": None if self.pairs is None else Paired(*parts["pairs"])})


def change_level(plan: AuditPlan) -> float:
    """Return the level of one family on one side of a rule: equal shares of what all names may spend."""
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
        Counts of each family; all of them with pairs or none.
    evaluable, decidable
        bool[G] of each: whether a rate can be stated, and whether the group is large enough to be judged alone.
    """
    every = Evidence.side_by_side(list(families.values()))
    places = slices_of([of.now for of in families.values()])
    kind = _Side if every.pairs is None else _Pairs
    sides = [kind(question, margin_of(plan, rule), every) for question in change_questions(plan, rule)]
    evaluable_, decidable_ = (np.concatenate([of[family] for family in families]) for of in (evaluable, decidable))
    can_fail = [evaluable_ & side.could_be_worse() for side in sides]
    apart = [of.disjoint for of in families.values()]
    named = [
        _fail_tests(side, some, places, apart, change_level(plan)) for side, some in zip(sides, can_fail, strict=True)
    ]
    tests = _on_all_sides(plan, rule, every, sides, np.logical_or.reduce(can_fail), decidable_, named)
    return {family: tests.part(place) for family, place in zip(families, places, strict=True)}


def _on_all_sides(
    plan: AuditPlan,
    rule: Rule,
    evidence: Evidence,
    sides: Sequence[_Side],
    tested: BoolArray,
    decidable: BoolArray,
    named: Sequence[tuple[FloatArray, FloatArray, BoolArray]],
) -> ChangeTests:
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
        pairs=_scored_pairs(evidence, sides, nearest),
        difference=_difference(rule, evidence, plan.verdict.level),
    )


def _fail_tests(
    side: _Side, some: BoolArray, places: Sequence[slice], apart: Sequence[bool], level: float
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return the p-values of "worse", the levels that they had to reach, and the groups that are named: family by
    family.
    """
    p, levels, named = np.ones(some.shape), np.full(some.shape, np.nan), np.zeros(some.shape, dtype=np.bool_)
    if some.any():
        p[some] = side.p_worse(some, 2.0 * max(level, 0.05))
    for place, is_disjoint in zip(places, apart, strict=True):
        own = np.zeros_like(some)
        own[place] = some[place]
        if own.any():
            decision = side.names(p[own], own, level, independent=is_disjoint)
            levels[own], named[own] = decision.local_level, decision.rejected
    return p, levels, named


def _p_within(sides: Sequence[_Side], when: When, some: BoolArray, alpha: float) -> FloatArray:
    """Return the p-values of "worse by the margin" on every side; 1 for groups that are not asked about."""
    p = np.ones(some.shape)
    if some.any():
        p[some] = np.max(np.stack([side.p_within(when, some, alpha) for side in sides]), axis=0)
    return p


class _Side:
    """One side of a rule over the groups of a family: two samples, tested like a group and its rest."""

    def __init__(self, question: Question, margin: float, evidence: Evidence) -> None:
        self.question = question
        self._margin = margin
        self._evidence = evidence

    def could_be_worse(self) -> BoolArray:
        """Say whether the rate was good enough to lose the margin, if its unscored cases were good."""
        counts = self._counts("worst")
        counted = counted_outcome(counts.y, counts.m, self.question.fail)
        return np.asarray((counts.m > 0) & (self.question.fail.edge(counted / np.maximum(counts.m, 1)) > 0.0))

    def p_worse(self, some: BoolArray, threshold: float) -> FloatArray:
        return screened_p(*self._at_best(some), self.question.fail, FAIL_BETA, threshold).p

    def names(self, p: FloatArray, some: BoolArray, level: float, *, independent: bool) -> FamilyRejections:  # noqa: ARG002
        return reject_family(p, *self._at_best(some), self.question.fail, level, SEPARATELY)

    def _at_best(self, some: BoolArray) -> tuple[Counts, Counts, Counts, Counts]:
        x, n, y, m = (count[some] for count in self._counts("best"))
        return counted_outcome(x, n, self.question.fail), n, counted_outcome(y, m, self.question.fail), m

    def p_within(self, when: When, some: BoolArray, alpha: float) -> FloatArray:
        return pass_p(self.question, self._counts(when), some, alpha)

    def _counts(self, when: When) -> Tables:
        return separate_counts(self.question, self._evidence.now, self._evidence.then, when)


class _Pairs(_Side):
    """One sample, decided twice."""

    def p_worse(self, some: BoolArray, threshold: float) -> FloatArray:
        lost, gained, n = (count[some] for count in self._paired("best"))
        return screened_paired_p(lost, gained, n, self._margin, "worse", NAMING_BETA, threshold)

    def names(self, p: FloatArray, some: BoolArray, level: float, *, independent: bool) -> FamilyRejections:
        lost, gained, n = (count[some] for count in self._paired("best"))
        return name_paired(p, lost, gained, n, self._margin, level, NAMING_BETA, independent=independent)

    def p_within(self, when: When, some: BoolArray, alpha: float) -> FloatArray:
        lost, gained, n = (count[some] for count in self._paired(when))
        return screened_paired_p(lost, gained, n, self._margin, "within", BETA, 2.0 * max(alpha, 0.05))

    def _paired(self, when: When) -> Paired:
        assert self._evidence.pairs is not None  # noqa: S101 - there are pairs, or this is not the class
        return paired_counts(self.question, self._evidence.pairs, when)


def _scored_pairs(evidence: Evidence, sides: Sequence[_Side], nearest: npt.NDArray[np.int64]) -> Paired | None:
    """Return the pairs that both audits scored, as each group's nearest side reads them."""
    if evidence.pairs is None:
        return None
    by_side = [paired_counts(side.question, evidence.pairs, "scored") for side in sides]
    return Paired(*(np.take_along_axis(np.stack(counts), nearest, axis=0)[0] for counts in zip(*by_side, strict=True)))


def _difference(rule: Rule, evidence: Evidence, level: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return rate now minus rate then, with its interval; nan where there are no cases."""
    metric = METRICS[rule.metric]
    if evidence.pairs is None:
        x, n = evidence.now.numerator(metric), evidence.now.denominator(metric)
        y, m = evidence.then.numerator(metric), evidence.then.denominator(metric)
        known = (n > 0) & (m > 0)
        low, high = newcombe_difference(x, n, y, m, level)
        value = x / np.maximum(n, 1) - y / np.maximum(m, 1)
    else:
        lost, gained, n = paired_counts(rate_question(rule), evidence.pairs, "scored")
        known = n > 0
        low, high = paired_interval(lost, gained, np.maximum(n, 1), level)
        value = (gained - lost) / np.maximum(n, 1)
    unknown = np.full(known.shape, np.nan)
    return np.where(known, value, unknown), np.where(known, low, unknown), np.where(known, high, unknown)
