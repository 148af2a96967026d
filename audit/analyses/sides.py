"""One-sided questions of a rule: on which side a group may not be, and by how much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from audit.counting.table import FamilyCounts
from audit.plan.audit_plan import Route, Rule
from audit.stats.arrays import IntArray, Tables
from audit.stats.boundaries import Boundary, margin_boundary
from audit.vocabulary.metrics import Cell, Metric, Worse, worse_direction

if TYPE_CHECKING:
    from audit.counting.family_moments import Cells

Side = Literal["low", "high"]
When = Literal["best", "worst", "scored"]
"""Use of unscored cases: for the group and against its rest, the other way round, or not at all."""


class Question(NamedTuple):
    """One side of a rule: is the group's rate too low, or too high, against that of the rest?"""

    metric: Metric
    side: Side
    fail: Boundary
    """The hypothesis "not beyond the limit", whose rejection is a FAIL."""
    within: Boundary
    """The hypothesis "beyond the limit", whose rejection is a PASS."""

    def cells(self, when: When) -> tuple[Cells, Cells]:
        """Return the cells of the group's rate and of the rest's, with unscored cases as in the three methods below."""
        scored = (self.metric.numerator, self.metric.denominator)
        if when == "scored":
            return scored, scored
        low: Cells = (scored[0], (*scored[1], *self.metric.lowest_if_unscored))
        joined = self.metric.highest_if_unscored
        high: Cells = ((*scored[0], *joined), (*scored[1], *joined))
        return (high, low) if (self.side == "low") == (when == "best") else (low, high)

    def at_its_best(self, family: FamilyCounts) -> Tables:
        """Return group and rest as (x, n, y, m) with unscored cases for the group: a FAIL must hold against these."""
        best, worst = (_highest, _lowest) if self.side == "low" else (_lowest, _highest)
        return Tables(*best(family, self.metric, rest=False), *worst(family, self.metric, rest=True))

    def at_its_worst(self, family: FamilyCounts) -> Tables:
        """Return group and rest as (x, n, y, m) with unscored cases against the group: a PASS must hold against
        these.
        """
        best, worst = (_highest, _lowest) if self.side == "low" else (_lowest, _highest)
        return Tables(*worst(family, self.metric, rest=False), *best(family, self.metric, rest=True))

    def as_scored(self, family: FamilyCounts) -> Tables:
        """Return group and rest as (x, n, y, m) over the scored cases alone."""
        metric = self.metric
        return Tables(
            family.numerator(metric),
            family.denominator(metric),
            family.rest(metric.numerator),
            family.rest(metric.denominator),
        )


def questions(route: Route, rule: Rule) -> tuple[Question, ...]:
    """List the questions that `rule` asks: one on the side that harms, or one on each side for `direction = "both"`."""
    metric = rule.rate
    sides: tuple[Side, ...] = ("low", "high")
    if rule.direction == "worse":
        sides = ("low",) if worse_direction(metric, route) is Worse.LOW else ("high",)
    return tuple(
        Question(
            metric=metric,
            side=side,
            fail=margin_boundary("fail", side == "low", rule.scale, rule.limit),
            within=margin_boundary("pass", side == "low", rule.scale, rule.limit),
        )
        for side in sides
    )


def possible_cases(family: FamilyCounts, metric: Metric) -> tuple[IntArray, IntArray]:
    """Count the denominators of group and rest with the unscored cases that could be in them: labels alone fix
    these.
    """
    wanted = possible_cells(metric)
    return family.total(wanted), family.rest(wanted)


def possible_cells(metric: Metric) -> tuple[Cell, ...]:
    """List the cells that `possible_cases` counts."""
    could_join = set(metric.lowest_if_unscored) | set(metric.highest_if_unscored)
    return (*metric.denominator, *sorted(could_join))


def _lowest(family: FamilyCounts, metric: Metric, *, rest: bool) -> tuple[IntArray, IntArray]:
    count = family.rest if rest else family.total
    return count(metric.numerator), count([*metric.denominator, *metric.lowest_if_unscored])


def _highest(family: FamilyCounts, metric: Metric, *, rest: bool) -> tuple[IntArray, IntArray]:
    count = family.rest if rest else family.total
    joined = count(metric.highest_if_unscored) if metric.highest_if_unscored else np.int64(0)
    return count(metric.numerator) + joined, count(metric.denominator) + joined
