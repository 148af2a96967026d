"""People who may belong to a group although nothing says so: the unknown, and people of several nationalities.

A row may belong to a group if it agrees with the group on every axis on which it is known, and is unknown on at least
one. People who have several nationalities, and are counted under all of them together, may belong to the group of each.
The true members among these are some of the rows; nobody knows which. A p-value that holds for every choice holds for
the true one, so a PASS is tested at the worst. The possible members whose cases speak against the group move from its
rest to it, and the others stay where they help the rest. One more of them never lowers the p-value (checked against
every choice in tests), so that the two ends, nobody and as many as there can be, decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np

from audit.analyses.sides import Question, possible_cases
from audit.counting.table import UNKNOWN, FamilyCounts
from audit.stats.arrays import IntArray, Tables
from audit.vocabulary.groups import Family, Level
from audit.vocabulary.metrics import Metric


@dataclass(frozen=True, slots=True)
class PossibleMembers:
    """Rows that may belong to each of G groups, and the largest number of them that can."""

    counts: FamilyCounts
    """int64[G, 3, 4] in `cells`: the rows of unknown feature that may belong to each group, part of its rest."""
    max_share: float | None
    """Largest share of a group's own cases whose feature is unknown, as the plan vouches for it."""
    several: FamilyCounts
    """Rows of people who have the group's nationality beside others: for them nobody needs to vouch."""

    def at_their_worst(self, question: Question, groups: FamilyCounts, most: IntArray | None = None) -> Tables:
        """Count group and rest as `Question.at_its_worst`, with possible members moved against the group.

        People who have its nationality beside others move in any case.

        Parameters
        ----------
        most
            int64[G]: largest number of unknown feature that moves; as many as there can be where not given.
        """
        up = question.side == "high"
        start = _move(question.at_its_worst(groups), _speaking(self.several, question.metric, up=up), up=up)
        return _move(start, self._unknown(question.metric, groups, most, up=up), up=up)

    def of_several_at_their_worst(self, question: Question, groups: FamilyCounts) -> Tables:
        """Count as `at_their_worst`, but move only people who have the group's nationality beside others."""
        return self.at_their_worst(question, groups, np.zeros(len(groups.groups), dtype=np.int64))

    def at_their_best(self, question: Question, groups: FamilyCounts, most: IntArray | None = None) -> Tables:
        """Count group and rest as `Question.at_its_best`, with people of unknown feature moved in the group's
        favour.
        """
        up = question.side == "low"
        moving = self._unknown(question.metric, groups, most, up=up)
        return _move(question.at_its_best(groups), moving, up=up)

    def against(self, question: Question, groups: FamilyCounts) -> IntArray:
        """int64[G]: most people of unknown feature who can speak against each group."""
        return self._there(question.metric, groups, up=question.side == "high")

    def in_favour(self, question: Question, groups: FamilyCounts) -> IntArray:
        """int64[G]: most people of unknown feature who can speak for each group."""
        return self._there(question.metric, groups, up=question.side == "low")

    def joining(self, metric: Metric, groups: FamilyCounts) -> tuple[IntArray, IntArray]:
        """int64[G] each: scored possible members in the numerator, and outside it, up to what the plan vouches for."""
        cap = self.vouched_for(metric, groups)
        x, n = self.counts.numerator(metric), self.counts.denominator(metric)
        of_several = self.several.numerator(metric), self.several.denominator(metric)
        return np.minimum(x, cap) + of_several[0], np.minimum(n - x, cap) + of_several[1] - of_several[0]

    def surely(self, metric: Metric, groups: FamilyCounts) -> IntArray:
        """int64[G]: cases of each group if all of several nationalities belong to it; the vouched share is a share of
        these.
        """
        return possible_cases(groups, metric)[0] + possible_cases(self.several, metric)[0]

    def vouched_for(self, metric: Metric, groups: FamilyCounts) -> IntArray:
        """int64[G]: most people of unknown feature who can belong to each group, as far as the plan vouches."""
        own = self.surely(metric, groups)
        if self.max_share is None:
            return np.full(own.shape, np.iinfo(np.int64).max)
        # a hair more than the quotient, so that rounding lets no case too few move
        most = np.floor(own * (self.max_share / (1.0 - self.max_share)) * (1.0 + 1e-12) + 1e-9)
        return np.asarray(most, dtype=np.int64)

    def _there(self, metric: Metric, groups: FamilyCounts, *, up: bool) -> IntArray:
        scored, unscored = self._unknown(metric, groups, None, up=up)
        return scored + unscored

    def _unknown(
        self, metric: Metric, groups: FamilyCounts, most: IntArray | None, *, up: bool
    ) -> tuple[IntArray, IntArray]:
        """int64[G] each: scored and unscored cases of unknown feature that push a rate up (or down).

        They are as many as the plan lets move, and no more than `most`.
        """
        cap = self.vouched_for(metric, groups)
        limit = cap if most is None else np.minimum(cap, most)
        scored, unscored = _speaking(self.counts, metric, up=up)
        # moving a scored case also improves the rate of the rest, so these go first
        scored = np.minimum(scored, limit)
        return scored, np.minimum(unscored, limit - scored)


def _move(start: Tables, moving: tuple[IntArray, IntArray], *, up: bool) -> Tables:
    (x, n, y, m), (scored, unscored) = start, moving
    moved = scored + unscored
    # An unscored case stays in the rest as well, as what helps the rest: taking it out would lower the rest's rate,
    # and the worst number of them would then lie anywhere between none and all.
    return Tables(x + moved if up else x, n + moved, y - scored if up else y, m - scored)


def _speaking(members: FamilyCounts, metric: Metric, *, up: bool) -> tuple[IntArray, IntArray]:
    scored = members.total(metric.numerator)
    if not up:
        scored = members.total(metric.denominator) - scored
    return scored, members.total(metric.highest_if_unscored if up else metric.lowest_if_unscored)


def possible_members(families: Sequence[FamilyCounts], max_share: float | None) -> PossibleMembers:
    """Return the possible members of every group of several families, in one table and in the order of `families`."""
    groups = tuple(group for family in families for group in family.groups)
    places = [member_places(family) for family in families]

    def added(members: Sequence[list[list[int]]]) -> FamilyCounts:
        cells = [_add_up(family, others) for family, others in zip(families, members, strict=True)]
        return FamilyCounts(Family(()), groups, np.concatenate(cells), families[0].everyone)

    return PossibleMembers(
        counts=added([of.unknown for of in places]), max_share=max_share, several=added([of.several for of in places])
    )


def _add_up(family: FamilyCounts, members: list[list[int]]) -> IntArray:
    """int64[G, 3, 4]: the rows of the groups at `members`, added up."""
    cells = np.zeros_like(family.cells)
    for place, others in enumerate(members):
        for other in others:
            cells[place] += family.cells[other]
    return cells


class MemberPlaces(NamedTuple):
    """Places of the groups whose people may belong to each group of a family."""

    unknown: list[list[int]]
    """Groups that agree with it where they are known, and are unknown elsewhere."""
    several: list[list[int]]
    """Groups that are known, and have its nationality beside others."""


def member_places(family: FamilyCounts) -> MemberPlaces:
    """Find the groups whose people may belong to each group of a family."""
    at = {group.levels: place for place, group in enumerate(family.groups)}
    found = MemberPlaces([[] for _ in at], [[] for _ in at])
    if not family.parts and not any(level.code == UNKNOWN for levels in at for level in levels):
        return found
    standing_for = _possible_levels(family)
    for levels, place in at.items():
        for others in product(*(standing_for[level] for level in levels)):
            other = at.get(tuple(level for level, _ in others))
            if other is not None and other != place:
                known = all(sure for _, sure in others)
                (found.several if known else found.unknown)[place].append(other)
    return found


def _possible_levels(family: FamilyCounts) -> dict[Level, list[tuple[Level, bool]]]:
    """For each level, list the levels that its people may be counted under, and whether they surely belong to it."""
    present = dict.fromkeys(level for group in family.groups for level in group.levels)
    together = [(level, frozenset(family.parts[level])) for level in present if level in family.parts]
    found: dict[Level, list[tuple[Level, bool]]] = {}
    for level in present:
        found[level] = [(level, True)]
        if level.code == UNKNOWN:
            continue
        found[level].append((Level(level.feature, level.rung, UNKNOWN), False))
        own = frozenset(family.parts.get(level, (level.code,)))
        for other, parts in together:
            if other != level and other[:2] == level[:2] and (own <= parts or UNKNOWN in parts):
                found[level].append((other, own <= parts))
    return found
