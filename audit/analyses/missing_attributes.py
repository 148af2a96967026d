"""People who may belong to a group although nothing says so: the unknown, and people of several nationalities.

A row may belong to a group if it agrees with the group on every axis on which it is known, and is unknown on at least
one. People who have several nationalities, and are counted under all of them together, may belong to the group of each.
The true members among these are some of the rows; nobody knows which. A p-value that holds for every choice holds for
the true one, so a PASS is tested at the worst choice that the plan supposes possible: how many of the unknown belong to
the group (`unknown_share_factor`), and how often they are harmed (`unknown_odds_factor`). Members who are harmed move
from the rest to the group, with no more of the others than the odds bring along.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import product
from typing import Final, NamedTuple

import numpy as np

from audit.analyses.sides import Question, possible_cases
from audit.counting.table import UNKNOWN, FamilyCounts
from audit.plan.sections import SensitivitySection
from audit.stats.arrays import FloatArray, IntArray, Tables
from audit.stats.boundaries import Boundary, counted_outcome
from audit.stats.score_test import asymptotic_p
from audit.vocabulary.groups import Family, Group, Level
from audit.vocabulary.metrics import Cell, Metric

_EVERYBODY: Final = 2**53
_PLACES: Final = 64
"""Numbers of people tried at once where those who are not harmed come along: each of so many, or of more those in equal
steps, and then those around the worst. More of them are where few groups have more, up to `_TABLES` in all."""
_TABLES: Final = 1 << 15
_HAIR: Final = 1e-9
"""So that rounding lets no person too few move."""


class Supposed(NamedTuple):
    """What a plan supposes of people of unknown feature; None where it supposes nothing."""

    share_factor: float | None
    """At most so many times as many of them belong to a group as its share of the people recorded."""
    odds_factor: float | None
    """The odds that those who belong to it are harmed are at most so many times those of all who may."""
    max_share: float | None
    """Largest share of a group's own cases whose feature is unknown."""

    @classmethod
    def of(cls, section: SensitivitySection) -> Supposed:
        """Read it from a plan."""
        share, odds = section.unknown_share_factor, section.unknown_odds_factor
        return cls(None if share == "worst" else share, None if odds == "worst" else odds, section.max_missing_share)


NOTHING: Final = Supposed(None, None, None)
"""Any of them may belong to any group that they may belong to, and all of these may be harmed."""


class Moving(NamedTuple):
    """Possible members of each of G groups that are taken to belong to it; int64[G] each."""

    scored: IntArray
    """Scored cases that push the group's rate the way that is looked at."""
    unscored: IntArray
    """Unscored cases that could."""
    others: IntArray
    """Scored cases that push it the other way, and come along."""


class PossibleMembers(NamedTuple):
    """Rows that may belong to each of G groups, and how many of them are supposed to."""

    counts: FamilyCounts
    """int64[G, 3, 4] in `cells`: the rows of unknown feature that may belong to each group, part of its rest."""
    most: IntArray
    """int64[G]: most cases among them, of the denominator of one metric, that are supposed to belong to the group."""
    odds_factor: float | FloatArray | None
    """As in `Supposed`; float64[G] where every group has its own."""
    several: FamilyCounts
    """Rows of people who have the group's nationality beside others: for them nobody needs to vouch."""

    def at_their_worst(self, question: Question, groups: FamilyCounts, most: IntArray | None = None) -> Tables:
        """Count group and rest as `Question.at_its_worst`, with possible members moved against the group.

        People who have its nationality beside others move in any case. Of those of unknown feature as many move as
        give the largest asymptotic p-value.

        Parameters
        ----------
        most
            int64[G]: the number of unknown feature that are harmed and move, or as many as there are.
        """
        start, up = self._with_several(question, groups), question.side == "high"
        return self._moved(question.metric, question.within, start, most, up=up)

    def of_several_at_their_worst(self, question: Question, groups: FamilyCounts) -> Tables:
        """Count as `at_their_worst`, but move only people who have the group's nationality beside others."""
        return self.at_their_worst(question, groups, np.zeros(len(groups.groups), dtype=np.int64))

    def at_their_best(self, question: Question, groups: FamilyCounts, most: IntArray | None = None) -> Tables:
        """Count group and rest as `Question.at_its_best`, with people of unknown feature moved in the group's favour:
        of what is supposed of them, those with the largest asymptotic p-value.
        """
        start, up = question.at_its_best(groups), question.side == "low"
        return self._moved(question.metric, question.fail, start, most, up=up)

    def against(self, question: Question) -> IntArray:
        """int64[G]: most people of unknown feature who are supposed to belong to each group and speak against it."""
        return self._number(question.metric, up=question.side == "high")

    def in_favour(self, question: Question) -> IntArray:
        """int64[G]: most people of unknown feature who are supposed to belong to each group and speak for it."""
        return self._number(question.metric, up=question.side == "low")

    def without_suppositions(self) -> PossibleMembers:
        """Return the same people with nothing supposed of them."""
        return self._replace(most=np.full_like(self.most, _EVERYBODY), odds_factor=None)

    def joining(self, metric: Metric) -> tuple[IntArray, IntArray]:
        """int64[G] each: scored possible members in the numerator, and outside it, as many as are supposed to belong
        to each group.
        """
        x, n = self.counts.numerator(metric), self.counts.denominator(metric)
        of_several = self.several.numerator(metric), self.several.denominator(metric)
        return np.minimum(x, self.most) + of_several[0], np.minimum(n - x, self.most) + of_several[1] - of_several[0]

    def surely(self, metric: Metric, groups: FamilyCounts) -> IntArray:
        """int64[G]: cases of each group if all of several nationalities belong to it; the vouched share is a share of
        these.
        """
        return possible_cases(groups, metric)[0] + possible_cases(self.several, metric)[0]

    def _with_several(self, question: Question, groups: FamilyCounts) -> Tables:
        up = question.side == "high"
        moving = Moving(*_speaking(self.several, question.metric, up=up), np.zeros_like(self.most))
        return _move(question.at_its_worst(groups), moving, up=up)

    def _there(self, metric: Metric, *, up: bool) -> tuple[IntArray, IntArray]:
        """int64[G] each: possible members who push a rate up (or down), and the others."""
        scored, unscored = _speaking(self.counts, metric, up=up)
        there = scored + unscored
        return there, np.maximum(possible_cases(self.counts, metric)[0] - there, 0)

    def _number(self, metric: Metric, *, up: bool) -> IntArray:
        there, _ = self._there(metric, up=up)
        return np.minimum(there, np.floor(self._harmed_share(metric, up=up) * self.most + _HAIR).astype(np.int64))

    def _harmed_share(self, metric: Metric, *, up: bool) -> FloatArray:
        """float64[G]: largest share of a group's members of unknown feature who push its rate up (or down)."""
        return share_at_odds(self.odds_factor, *self._there(metric, up=up))

    def _moving(
        self, metric: Metric, most: IntArray | None, rows: IntArray | slice = slice(None), *, up: bool
    ) -> Moving:
        """Return the cases of unknown feature that push a rate up (or down), as many as are supposed to belong to each
        of the groups at `rows` or `most`, with the fewest others that must come along.
        """
        number = self._number(metric, up=up)[rows] if most is None else most
        scored, unscored = _speaking(self.counts, metric, up=up)
        # moving a scored case also improves the rate of the rest, so these go first
        scored = np.minimum(scored[rows], number)
        unscored = np.minimum(unscored[rows], number - scored)
        share = self._harmed_share(metric, up=up)[rows]
        members = np.ceil((scored + unscored) / np.where(share > 0.0, share, 1.0) - _HAIR).astype(np.int64)
        others = np.minimum(members, self.most[rows]) - scored - unscored
        return Moving(scored, unscored, np.clip(others, 0, _speaking(self.counts, metric, up=not up)[0][rows]))

    def _moved(self, metric: Metric, boundary: Boundary, start: Tables, most: IntArray | None, *, up: bool) -> Tables:
        """Return the counts with the largest asymptotic p-value, of some numbers up to all who are supposed, and
        of all around the largest.

        Where members are harmed (or not) a little more often than the group, more of them can make the test surer.
        Those who come along are whole people, so that the p-value has teeth.
        """
        if most is not None or self.odds_factor is None:
            return _move(start, self._moving(metric, most, up=up), up=up)
        number = self._number(metric, up=up)
        low, high = np.zeros_like(number), number
        some = max(_PLACES, _TABLES // max(int(np.count_nonzero(number > _PLACES)), 1))
        while True:
            tried = np.clip(high - low, 1, some)
            group_index, first = np.repeat(np.arange(len(tried)), tried), np.cumsum(tried) - tried
            # from the last place on, so that of equal ones all who are supposed to move do
            places = (
                high[group_index]
                - (high - low)[group_index] * (np.arange(len(group_index)) - first[group_index]) // tried[group_index]
            )
            every = _move(
                Tables(*(counts[group_index] for counts in start)),
                self._moving(metric, places, group_index, up=up),
                up=up,
            )
            hits = counted_outcome(every.x, every.n, boundary), counted_outcome(every.y, every.m, boundary)
            worst = np.lexsort((-asymptotic_p(hits[0], every.n, hits[1], every.m, boundary), group_index))[first]
            if (high - low <= tried).all():
                return Tables(*(counts[worst] for counts in every))
            ahead, behind = np.append(places, 0)[worst + 1], places[worst - 1]
            low = np.where(worst + 1 < first + tried, ahead, low)
            high = np.where(worst > first, behind, high)


def share_at_odds(
    factor: float | FloatArray | None, harmed: IntArray | FloatArray, others: IntArray | FloatArray
) -> FloatArray:
    """Return the share of harmed people at `factor` times the odds of `harmed` to `others`; 1 without a factor.

    Shape that of `harmed`; 0 where nobody is harmed.
    """
    if factor is None:
        return np.ones(np.shape(harmed))
    raised = np.asarray(factor * harmed, dtype=np.float64)
    everyone = raised + others
    return np.asarray(raised / np.where(everyone > 0.0, everyone, 1.0))


def _move(start: Tables, moving: Moving, *, up: bool) -> Tables:
    (x, n, y, m), (scored, unscored, others) = start, moving
    moved = scored + unscored
    # An unscored case stays in the rest as well, as what helps the rest: taking it out would lower the rest's rate,
    # and the worst number of them would then lie anywhere between none and all.
    in_numerator, from_numerator = (moved, scored) if up else (others, others)
    return Tables(x + in_numerator, n + moved + others, y - from_numerator, m - scored - others)


def _speaking(members: FamilyCounts, metric: Metric, *, up: bool) -> tuple[IntArray, IntArray]:
    scored, unscored = speaking_cells(metric, up=up)
    return members.total(scored), members.total(unscored)


def speaking_cells(metric: Metric, *, up: bool) -> tuple[tuple[Cell, ...], tuple[Cell, ...]]:
    """List the cells of scored cases that push a rate up (or down), and of unscored ones that could."""
    if up:
        return metric.numerator, metric.highest_if_unscored
    return tuple(cell for cell in metric.denominator if cell not in metric.numerator), metric.lowest_if_unscored


def possible_members(families: Sequence[FamilyCounts], metric: Metric, supposed: Supposed) -> PossibleMembers:
    """Return the possible members of every group of several families, in one table and in the order of `families`."""
    groups = tuple(group for family in families for group in family.groups)
    places = [member_places(family) for family in families]

    def added(members: Sequence[list[list[int]]]) -> FamilyCounts:
        cells = [_add_up(family, others) for family, others in zip(families, members, strict=True)]
        return FamilyCounts(Family(()), groups, np.concatenate(cells), families[0].everyone)

    most = [
        places_of_family.most(possible_cases(family, metric)[0], supposed)
        for family, places_of_family in zip(families, places, strict=True)
    ]
    return PossibleMembers(
        counts=added([places_of_family.unknown for places_of_family in places]),
        most=np.floor(np.concatenate(most) * (1.0 + 1e-12) + _HAIR).astype(np.int64),
        odds_factor=supposed.odds_factor,
        several=added([places_of_family.several for places_of_family in places]),
    )


def _add_up(family: FamilyCounts, members: list[list[int]]) -> IntArray:
    """int64[G, 3, 4]: the rows of the groups at `members`, added up."""
    cells = np.zeros_like(family.cells)
    for index, others in enumerate(members):
        for other in others:
            cells[index] += family.cells[other]
    return cells


class MemberPlaces(NamedTuple):
    """Places of the groups whose people may belong to each group of a family."""

    unknown: list[list[int]]
    """Groups that agree with it where they are known, and are unknown elsewhere."""
    recorded: list[list[tuple[int, ...]]]
    """For each of these, the groups to one of which its people belong, as far as these are recorded."""
    several: list[list[int]]
    """Groups that are known, and have its nationality beside others."""

    def most(self, cases: IntArray | FloatArray, supposed: Supposed) -> FloatArray:
        """float64[G]: most of the cases of unknown feature that belong to each group.

        Parameters
        ----------
        cases : ndarray, shape (G,)
            Cases of each group, or the people that they stand for.
        """
        group_cases = np.asarray(cases, dtype=np.float64)
        surely = group_cases + np.array(
            [group_cases[others].sum() if others else 0.0 for others in self.several], dtype=np.float64
        )
        most_members = np.zeros(group_cases.shape)
        totals: dict[tuple[int, ...], float] = {}
        for index, (unknown, recorded) in enumerate(zip(self.unknown, self.recorded, strict=True)):
            for other, among in zip(unknown, recorded, strict=True):
                share = 1.0
                if supposed.share_factor is not None:
                    if among not in totals:
                        totals[among] = float(group_cases[list(among)].sum())
                    share = min(supposed.share_factor * surely[index] / max(totals[among], _HAIR), 1.0)
                most_members[index] += group_cases[other] * share
        if supposed.max_share is not None:
            most_members = np.minimum(most_members, surely * (supposed.max_share / (1.0 - supposed.max_share)))
        return most_members


def member_places(family: FamilyCounts) -> MemberPlaces:
    """Find the groups whose people may belong to each group of a family."""
    return _member_places(family.groups, tuple(family.parts.items()))


@lru_cache(maxsize=64)  # of every family of a plan each rule asks twice
def _member_places(groups: tuple[Group, ...], several: tuple[tuple[Level, tuple[str, ...]], ...]) -> MemberPlaces:
    parts = dict(several)
    at = {group.levels: index for index, group in enumerate(groups)}
    by_family = MemberPlaces([[] for _ in at], [[] for _ in at], [[] for _ in at])
    if not parts and not any(level.code == UNKNOWN for levels in at for level in levels):
        return by_family
    standing_for, recorded = _possible_levels(groups, parts), _Recorded(groups, parts)
    for levels, index in at.items():
        for others in product(*(standing_for[level] for level in levels)):
            other = at.get(tuple(level for level, _ in others))
            if other is None or other == index:
                continue
            if all(sure for _, sure in others):
                by_family.several[index].append(other)
            else:
                by_family.unknown[index].append(other)
                by_family.recorded[index].append(recorded.groups(levels, tuple(sure for _, sure in others)))
    return by_family


class _Recorded:
    """Groups of a family, found by the axes on which they agree."""

    def __init__(self, groups: Sequence[Group], parts: Mapping[Level, tuple[str, ...]]) -> None:
        self._all = [group.levels for group in groups]
        self._known = [
            tuple(level.code != UNKNOWN and UNKNOWN not in parts.get(level, ()) for level in levels)
            for levels in self._all
        ]
        self._by_axes: dict[tuple[bool, ...], dict[tuple[Level, ...], tuple[int, ...]]] = {}

    def groups(self, levels: tuple[Level, ...], sure: tuple[bool, ...]) -> tuple[int, ...]:
        """Return the places of the groups that have these levels on the axes that are sure, and are known on the
        others.
        """
        if sure not in self._by_axes:
            places_by_levels: dict[tuple[Level, ...], list[int]] = {}
            for index, (recorded, known) in enumerate(zip(self._all, self._known, strict=True)):
                if all(known[axis] for axis, is_sure in enumerate(sure) if not is_sure):
                    key = tuple(level for level, is_sure in zip(recorded, sure, strict=True) if is_sure)
                    places_by_levels.setdefault(key, []).append(index)
            self._by_axes[sure] = {key: tuple(places) for key, places in places_by_levels.items()}
        key = tuple(level for level, is_sure in zip(levels, sure, strict=True) if is_sure)
        return self._by_axes[sure].get(key, ())


def _possible_levels(
    groups: Sequence[Group], parts: Mapping[Level, tuple[str, ...]]
) -> dict[Level, list[tuple[Level, bool]]]:
    """For each level, list the levels that its people may be counted under, and whether they surely belong to it."""
    present = dict.fromkeys(level for group in groups for level in group.levels)
    together = [(level, frozenset(parts[level])) for level in present if level in parts]
    possible: dict[Level, list[tuple[Level, bool]]] = {}
    for level in present:
        possible[level] = [(level, True)]
        if level.code == UNKNOWN:
            continue
        possible[level].append((Level(level.feature, level.rung, UNKNOWN), False))
        level_parts = frozenset(parts.get(level, (level.code,)))
        for other, is_held in together:
            if other != level and other[:2] == level[:2] and (level_parts <= is_held or UNKNOWN in is_held):
                possible[level].append((other, level_parts <= is_held))
    return possible
