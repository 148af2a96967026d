"""Who may belong to a group although nothing says so: rows whose feature is unknown, moved to it at their worst.

A row may belong to a group if it agrees with it on every axis on which it is known, and is unknown on at least one.
The true members among them are some of these rows, nobody knows which. A p-value that holds for every choice holds for
the true one, so a PASS asks for the worst: the possible members whose cases speak against the group move from its rest
to it, and the others stay where they help the rest. One more of them never lowers the p-value (checked against every
choice in tests), so that the two ends, nobody and as many as there can be, decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np

from audit.analyses.sides import Question, cases
from audit.counting.table import UNKNOWN, FamilyCounts, IntArray
from audit.groups import Family
from audit.metrics import Metric

__all__ = ["Moved", "PossibleMembers", "member_places", "possible_members"]


class Moved(NamedTuple):
    """Counts of G groups and their rests after some possible members were taken for members."""

    x: IntArray
    n: IntArray
    y: IntArray
    m: IntArray


@dataclass(frozen=True, slots=True)
class PossibleMembers:
    """The rows that may belong to each of G groups, and how many of them can at most."""

    counts: FamilyCounts
    """int64[G, 3, 4] in `cells`: the possible members of each group. They are part of its rest."""
    max_share: float | None
    """The largest share of a group's own cases whose feature is unknown, as the plan vouches for it."""

    def at_their_worst(self, question: Question, groups: FamilyCounts, most: IntArray | None = None) -> Moved:
        """Group and rest as `Question.at_its_worst` counts them, with possible members moved against the group.

        Parameters
        ----------
        most
            int64[G]: at most so many of each group's possible members; as many as there can be where not given.
        """
        return self._move(question, groups, question.at_its_worst(groups), most, up=question.side == "high")

    def at_their_best(self, question: Question, groups: FamilyCounts, most: IntArray | None = None) -> Moved:
        """The same as `Question.at_its_best` counts them, with possible members moved in the group's favour."""
        return self._move(question, groups, question.at_its_best(groups), most, up=question.side == "low")

    def against(self, question: Question, groups: FamilyCounts) -> IntArray:
        """int64[G]: how many possible members can at most speak against each group."""
        return self._there(question.metric, groups, up=question.side == "high")

    def in_favour(self, question: Question, groups: FamilyCounts) -> IntArray:
        """int64[G]: how many can at most speak for it."""
        return self._there(question.metric, groups, up=question.side == "low")

    def joining(self, metric: Metric, groups: FamilyCounts) -> tuple[IntArray, IntArray]:
        """int64[G] each: scored possible members in the numerator, and outside it, up to what the plan vouches for."""
        x, n = self.counts.numerator(metric), self.counts.denominator(metric)
        cap = self._cap(metric, groups)
        return np.minimum(x, cap), np.minimum(n - x, cap)

    def _cap(self, metric: Metric, groups: FamilyCounts) -> IntArray:
        own, _ = cases(groups, metric)
        if self.max_share is None:
            return np.full(own.shape, np.iinfo(np.int64).max)
        # a hair more than the quotient, so that rounding lets no case too few move
        most = np.floor(own * (self.max_share / (1.0 - self.max_share)) * (1.0 + 1e-12) + 1e-9)
        return np.asarray(most, dtype=np.int64)

    def _there(self, metric: Metric, groups: FamilyCounts, *, up: bool) -> IntArray:
        scored, unscored = self._kinds(metric, up=up)
        return np.asarray(np.minimum(scored + unscored, self._cap(metric, groups)))

    def _kinds(self, metric: Metric, *, up: bool) -> tuple[IntArray, IntArray]:
        """int64[G] each: possible members that push a group's rate up (or down): scored ones, and unscored ones."""
        total = self.counts.total
        scored = total(metric.numerator)
        if not up:
            scored = total(metric.denominator) - scored
        return scored, total(metric.highest_if_unscored if up else metric.lowest_if_unscored)

    def _move(
        self,
        question: Question,
        groups: FamilyCounts,
        start: tuple[IntArray, IntArray, IntArray, IntArray],
        most: IntArray | None,
        *,
        up: bool,
    ) -> Moved:
        cap = self._cap(question.metric, groups)
        limit = cap if most is None else np.minimum(cap, most)
        scored, unscored = self._kinds(question.metric, up=up)
        # moving a scored case also improves the rate of the rest, so these go first
        from_scored = np.minimum(scored, limit)
        moved = from_scored + np.minimum(unscored, limit - from_scored)
        x, n, y, m = start
        # An unscored case stays in the rest as well, as what helps the rest: taking it out would lower the rest's rate,
        # and the worst number of them would then lie anywhere between none and all.
        return Moved(x + moved if up else x, n + moved, y - from_scored if up else y, m - from_scored)


def possible_members(families: Sequence[FamilyCounts], max_share: float | None) -> PossibleMembers:
    """The possible members of every group of several families, in one table and in the order of `families`."""
    return PossibleMembers(
        FamilyCounts(
            Family(()),
            tuple(group for family in families for group in family.groups),
            np.concatenate([_members(family) for family in families]),
            families[0].everyone,
        ),
        max_share,
    )


def _members(family: FamilyCounts) -> IntArray:
    """int64[G, 3, 4]: the rows of the groups that `member_places` names, added up."""
    members = np.zeros_like(family.cells)
    for place, others in enumerate(member_places(family)):
        for other in others:
            members[place] += family.cells[other]
    return members


def member_places(family: FamilyCounts) -> list[list[int]]:
    """For each group, the places of those that agree with it where they are known and are unknown elsewhere."""
    keys = [tuple(level.code for level in group.levels) for group in family.groups]
    at = {key: place for place, key in enumerate(keys)}
    members: list[list[int]] = [[] for _ in keys]
    if not any(UNKNOWN in key for key in keys):
        return members
    for place, key in enumerate(keys):
        known = [axis for axis, code in enumerate(key) if code != UNKNOWN]
        for size in range(1, len(known) + 1):
            for axes in combinations(known, size):
                other = at.get(tuple(UNKNOWN if axis in axes else code for axis, code in enumerate(key)))
                if other is not None:
                    members[place].append(other)
    return members
