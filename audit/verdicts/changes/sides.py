"""One side of a rule, asked about a change: where worse lies, and which cases got worse or better."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from audit.analyses.sides import Question, When, questions
from audit.counting.table import FLAGGED, NOT_FLAGGED, FamilyCounts, cells_mask
from audit.plan.audit_plan import AuditPlan, Rule
from audit.stats.arrays import IntArray
from audit.stats.rates.boundaries import margin_boundary
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


class Separate(NamedTuple):
    """Two samples of G groups: x of n now, y of m then."""

    x: IntArray
    n: IntArray
    y: IntArray
    m: IntArray


def margin_of(plan: AuditPlan, rule: Rule) -> float:
    """Return how much worse the rate of a rule may have become."""
    return plan.baseline.regression_margin if rule.regression_margin is None else rule.regression_margin


def change_questions(plan: AuditPlan, rule: Rule) -> tuple[Question, ...]:
    """Return the sides of a rule with the margin of the change: a difference, also where the rule limits a ratio."""
    margin = margin_of(plan, rule)
    return tuple(
        replace(
            question,
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


def separate_counts(question: Question, now: FamilyCounts, then: FamilyCounts, when: When) -> Separate:
    """Count the two samples of one side, with unscored cases as in `paired_counts`."""
    own, other = question.cells(when)
    return Separate(now.total(own[0]), now.total(own[1]), then.total(other[0]), then.total(other[1]))


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
