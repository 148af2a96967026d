"""What unprinted people could explain of a verdict: those whose feature is unknown, and those without an answer.

A group that passes but for such people would tell that they are many. Where one unprinted number alone could explain
it, and only a number that leaves fewer than ten values below T, the row has no word, whatever the verdict is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from audit.analyses.estimates import cells_of
from audit.analyses.missing_attributes import PossibleMembers, Supposed, member_places, possible_members
from audit.analyses.sides import Question, questions
from audit.counting.table import FLAGGED, NEGATIVE, NOT_FLAGGED, POSITIVE, FamilyCounts, parts_of
from audit.disclosure.method import Method
from audit.plan.audit_plan import AuditPlan, NamedRule
from audit.public.release import PublicRow
from audit.result.findings.judged import GroupCounts, RuleResult, Verdict
from audit.stats.arrays import Tables
from audit.verdicts.margin_tests import surely_within
from audit.vocabulary.groups import Family, Group, SensitiveFeature


class Judged(NamedTuple):
    """The parts of a result that words are made of."""

    plan: AuditPlan
    features: tuple[SensitiveFeature, ...]
    counts: tuple[GroupCounts, ...]
    rules: tuple[RuleResult, ...]
    verdicts: tuple[Verdict, ...]


class Doubts:
    """Unprinted people who could stand between groups and their PASS."""

    def __init__(self, result: Judged, rows: Sequence[PublicRow], method: Method) -> None:
        self._plan, self._method = result.plan, method
        printed = {
            row.group for row in rows if row.side != "both" and row.errors is not None and not row.holds_few_others
        }
        features = {feature.name: feature for feature in result.features}
        groups: dict[Family, list[GroupCounts]] = {}
        for counts in result.counts:
            groups.setdefault(counts.group.family, []).append(counts)
        everyone = cells_of(result.counts[:1])[0]
        self._at: dict[Group, tuple[FamilyCounts, int]] = {}
        self._unknown: dict[Family, list[list[int]]] = {}
        for family, of_family in groups.items():
            names = tuple(counts.group for counts in of_family)
            cells = cells_of(of_family)
            table = FamilyCounts(family, names, cells, everyone, parts_of(family, features))
            self._at |= {group: (table, at) for at, group in enumerate(names)}
            self._unknown[family] = [
                [other for other in others if names[other] not in printed] for others in member_places(table).unknown
            ]
        self._possible: dict[tuple[str, Family, int], PossibleMembers] = {}
        self._worst: dict[tuple[Question, Family, int, bool], Tables] = {}

    def explained(self, rule: NamedRule, groups: Sequence[Group]) -> frozenset[Group]:
        """Return those of some groups that one unprinted number of people, and only a large one, could keep from the
        PASS that they would have without them.
        """
        lone = [group for group in groups if sum(self._sources(group)) == 1]
        doubted = self._not_passing(rule, lone, self._method.row - 1)
        return frozenset(doubted).difference(self._not_passing(rule, doubted, self._method.floor))

    def near_their_limit(self, rule: NamedRule, groups: Sequence[Group], answers: int) -> frozenset[Group]:
        """Return those of some groups that would not pass if so many answers of theirs, and of everyone else, were
        otherwise.
        """
        supposed, near = Supposed.of(self._plan.sensitivity), set[Group]()
        for family in {group.family for group in groups}:
            some = [group for group in groups if group.family == family and group in self._at]
            if not some:
                continue
            table, places = self._at[some[0]][0], [self._at[group][1] for group in some]
            members = possible_members([table], rule.rate, supposed)
            for question in questions(self._plan.audit.route, rule):
                worse = answers if question.side == "high" else -answers
                for counts in (question.at_its_worst(table), members.at_their_worst(question, table)):
                    x, n, y, m = (count[places] for count in counts)
                    moved = Tables(np.clip(x + worse, 0, n), n, np.clip(y - worse, 0, m), m)
                    passes = surely_within(question, moved, self._plan.verdict.alpha)
                    near.update(group for group, passed in zip(some, passes, strict=True) if not passed)
        return frozenset(near)

    def moved(self, rule: NamedRule, question: Question, group: Group | None, unprinted: int) -> int | None:
        """Return how many people would be added as errors to a group, if the one unprinted number that could explain
        its verdict were `unprinted`; None where there is none, or several.
        """
        sources = (0, 0) if group is None else self._sources(group)
        if group is None or sum(sources) != 1:
            return None
        if sources[1]:
            return unprinted
        table, at = self._at[group]
        return int(self._members(rule, table, unprinted).against(question)[at])

    def _sources(self, group: Group) -> tuple[int, int]:
        """Unprinted numbers of people of unknown feature who may belong to a group, and of people without an answer."""
        table, at = self._at.get(group, (None, 0))
        unknown = 0 if table is None else len(self._unknown[table.family][at])
        return unknown, int("unscored" not in self._method.absent)

    def _not_passing(self, rule: NamedRule, groups: Sequence[Group], unprinted: int) -> list[Group]:
        """Groups that do not pass with so many unprinted people."""
        passes = np.ones(len(groups), dtype=bool)
        for question in questions(self._plan.audit.route, rule) if groups else ():
            x, n, y, m = np.array([self._at_its_worst(rule, question, group, unprinted) for group in groups]).T
            can = passes & (n > 0) & (m > 0) & (y >= 0) & (y <= m)
            passes[:] = False
            passes[can] = surely_within(question, Tables(x[can], n[can], y[can], m[can]), self._plan.verdict.alpha)
        return [group for group, passed in zip(groups, passes, strict=True) if not passed]

    def _at_its_worst(self, rule: NamedRule, question: Question, group: Group, unprinted: int) -> tuple[int, ...]:
        (table, at), is_unscored = self._at[group], not self._unknown[group.family][self._at[group][1]]
        key = question, table.family, unprinted, is_unscored
        if key not in self._worst:
            x, n, y, m = question.as_scored(table)
            of_scored = Tables(x + (unprinted if question.side == "high" else 0), n + unprinted, y, m)
            of_known = None if is_unscored else self._members(rule, table, unprinted)
            self._worst[key] = of_scored if of_known is None else of_known.at_their_worst(question, table)
        return tuple(int(count[at]) for count in self._worst[key])

    def _members(self, rule: NamedRule, table: FamilyCounts, unprinted: int) -> PossibleMembers:
        """People who may belong to each group; each unprinted number of them is `unprinted`, all errors."""
        key = rule.id, table.family, unprinted
        if key not in self._possible:
            cells = table.cells.copy()
            places = sorted({other for others in self._unknown[table.family] for other in others})
            for label, error, right in ((POSITIVE, NOT_FLAGGED, FLAGGED), (NEGATIVE, FLAGGED, NOT_FLAGGED)):
                cells[places, label, error], cells[places, label, right] = unprinted, 0
            supposed = Supposed.of(self._plan.sensitivity)
            self._possible[key] = possible_members([table._replace(cells=cells)], rule.rate, supposed)
        return self._possible[key]
