"""Words of rows: verdicts of the exact audit, where a word says no more of few people than the row prints.

A word is a figure. A row that prints its number of errors has the exact verdict, which says no more than that number. A
row that prints "fewer than ten" has a word only where all ten numbers give it, with every size and rest that printed
numbers allow. What a pass supposes of people whose feature is unknown is computed from printed rows too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from audit.analyses.estimates import cells_of
from audit.analyses.missing_attributes import PossibleMembers, Supposed, possible_members
from audit.analyses.sides import Question, questions
from audit.counting.table import FLAGGED, NEGATIVE, NOT_FLAGGED, POSITIVE, UNKNOWN, FamilyCounts, parts_of
from audit.disclosure.method import Method
from audit.disclosure.rates import RATES
from audit.disclosure.rows import SideRows
from audit.plan.audit_plan import NamedRule
from audit.public.release import PublicPart, PublicRow, PublicWord, Word, WordReason, row_key
from audit.result.audit_result import AuditResult
from audit.result.findings.judged import Because, Verdict
from audit.stats.arrays import IntArray, Tables
from audit.stats.margins.score_test import FAIL_BETA, screened_p
from audit.stats.rates.boundaries import counted_outcome
from audit.verdicts.margin_tests import pass_p
from audit.vocabulary.groups import Family, Group, Level
from audit.vocabulary.metrics import METRICS

_REASONS: Final[Mapping[Because, WordReason]] = {
    "beyond_limit": "beyond_limit",
    "beyond_limit_as_recorded": "beyond_limit",
    "within_limit": "within_limit",
    "limit_not_excluded": "limit_not_excluded",
    "limit_cannot_be_exceeded": "limit_not_excluded",
    "unscored_cases": "limit_not_excluded",
    "too_many_failed": "limit_not_excluded",
    "several_nationalities": "unknown_people",
    "unknown_attribute": "unknown_people",
    "judged_as_part": "too_few_cases",
    "too_few_cases": "too_few_cases",
    "too_few_clusters": "too_few_cases",
    "too_few_for_a_rate": "too_few_cases",
    "no_cases": "too_few_cases",
    "no_rest": "too_few_cases",
}

_WORDS: Final[Mapping[str, tuple[Word, WordReason]]] = {
    "pass": ("within", "within_limit"),
    "fail": ("beyond", "beyond_limit"),
}


class Words:
    """Words of the rows of one result."""

    def __init__(
        self, result: AuditResult, sides: Sequence[SideRows], rows: Sequence[PublicRow], method: Method
    ) -> None:
        self._plan = result.plan
        self._rows, self._method = rows, method
        self._by_key = {(row.side, row_key(row.parts)): row for row in rows}
        self._verdicts: dict[tuple[str, Group], Verdict] = {}
        for verdict in result.verdicts:
            for group in (verdict.group, *verdict.same_people):
                self._verdicts[verdict.rule, group] = verdict
        self._tested = {rule.rule: max(sum(family.tested for family in rule.families), 1) for rule in result.rules}
        self._members = _Members.of(sides)
        self._failing = {rule.rule: self._failing_groups(rule.rule) for rule in result.rules}
        self._is_plain = not self._plan.evaluation_set.is_weighted and self._plan.evaluation_set.cluster is None
        self._doubts = _Doubts(result, rows, method)

    def rows(self) -> tuple[PublicRow, ...]:
        """Return the rows with their words."""
        said = {rule.id: self._of_rule(rule) for rule in self._plan.named_rules}
        return tuple(
            row.model_copy(update={"words": tuple(word for words in said.values() if (word := words.get(at)))})
            for at, row in enumerate(self._rows)
        )

    def _of_rule(self, rule: NamedRule) -> dict[int, PublicWord]:
        """Words of a rule by the place of their row."""
        side = RATES[rule.metric].side
        at = {place: row for place, row in enumerate(self._rows) if row.side == side and row.parts and row.rates}
        few = {place: row for place, row in at.items() if row.few is not None}
        sure = self._sure_words(rule, few)
        words = {}
        for place, row in at.items():
            group = row.group
            verdict = None if group is None else self._verdicts.get((rule.id, group))
            words[place] = self._word(rule, row, verdict, sure.get(place))
        return self._with_smaller(rule, words)

    def _word(self, rule: NamedRule, row: PublicRow, verdict: Verdict | None, sure: str | None) -> PublicWord:
        if verdict is None:
            return PublicWord(rule=rule.id, word=None, because=None)
        reason = _REASONS[verdict.because]
        if reason == "too_few_cases":
            return PublicWord(rule=rule.id, word="cannot_tell", because=reason, judged_as=self._judged_as(row, verdict))
        outcome = verdict.outcome
        if self._is_few(row):
            reason = "too_few_in_public"
            outcome = outcome if outcome == sure else "inconclusive"
        elif outcome == "pass" and not self._doubts.survives(rule, verdict.group):
            reason, outcome = "unknown_people", "inconclusive"
        word, because = _WORDS.get(outcome, ("cannot_tell", reason))
        return PublicWord(rule=rule.id, word=word, because=because)

    def _is_few(self, row: PublicRow) -> bool:
        """Whether a row, or one of the two that it is made of, prints no number of errors."""
        if row.side != "both":
            return row.errors is None
        key = row_key(row.parts)
        return any(self._by_key[side, key].errors is None for side in ("positives", "negatives"))

    def _judged_as(self, row: PublicRow, verdict: Verdict) -> tuple[PublicPart, ...] | None:
        """Row of the larger group as a part of which a group is judged, where there is one."""
        if verdict.judged_as is None:
            return None
        parts = _parts(verdict.judged_as)
        return parts if (row.side, row_key(parts)) in self._by_key else None

    def _sure_words(self, rule: NamedRule, few: Mapping[int, PublicRow]) -> dict[int, str]:
        """Words that every number below the bound of a row gives, by the place of the row."""
        if not few or not self._is_plain or RATES[rule.metric].side == "both":
            return {}
        everyone = self._by_key[next(iter(few.values())).side, "everyone"]
        places, rows = list(few), list(few.values())
        asked = questions(self._plan, rule)
        passing = [self._surely(question, rule, rows, everyone, within=True) for question in asked]
        failing = [self._surely(question, rule, rows, everyone, within=False) for question in asked]
        return {
            place: "pass" if all(each[at] for each in passing) else "fail"
            for at, place in enumerate(places)
            if all(each[at] for each in passing) or any(each[at] for each in failing)
        }

    def _surely(
        self, question: Question, rule: NamedRule, rows: Sequence[PublicRow], everyone: PublicRow, *, within: bool
    ) -> list[bool]:
        """Whether each row passes, or fails, at the numbers that speak against it most."""
        errors_harm = (question.side == "low") == (question.metric.name in ("true_positive_rate", "true_negative_rate"))
        against = errors_harm == within
        tables = [
            self._corner(
                row, everyone, errors_up=against, moved=self._doubts.moved(rule, question, row) if within else 0
            )
            for row in rows
        ]
        of_errors = question.metric.name in ("false_negative_rate", "false_positive_rate")
        counts = np.array(
            [[e, n, f, m] if of_errors else [n - e, n, m - f, m] for e, n, f, m in tables], dtype=np.int64
        )
        x, n, y, m = counts.T
        possible = (m > 0) & (x >= 0) & (x <= n) & (y >= 0) & (y <= m)
        x, n, y, m = (np.where(possible, counts[:, at], (0, 1, 0, 1)[at]) for at in range(4))
        alpha = self._plan.verdict.alpha
        if within:
            p = pass_p(question, Tables(x, n, y, m), np.ones(len(rows), dtype=bool), alpha)
            return [bool(yes) for yes in possible & (p <= alpha)]
        level = alpha / (2.0 * len(self._plan.rules) * self._tested[rule.id])
        counted, rest = counted_outcome(x, n, question.fail), counted_outcome(y, m, question.fail)
        p = screened_p(counted, n, rest, m, question.fail, FAIL_BETA, 2.0 * max(level, 0.05)).p
        return [bool(yes) for yes in possible & (p <= level)]

    def _corner(self, row: PublicRow, everyone: PublicRow, *, errors_up: bool, moved: int) -> tuple[int, int, int, int]:
        """Errors and people of a row and of everyone else, at the end of what is printed that has most errors, or
        fewest.
        """
        most, bound = self._method.largest, (row.fewer_than or 1) - 1
        allowed = 0 if "unscored" in self._method.absent else self._method.floor - 1
        up = 1 if errors_up else -1
        people = row.people - up * most if row.few == "errors" else row.people + up * most
        few = bound if (row.few == "errors") == errors_up else 0
        errors = few if row.few == "errors" else people - few
        errors += up * allowed if errors_up or row.few == "right" else 0
        whole = _middle(everyone)
        rest_errors = max(whole - up * most, 0) - errors
        rest_people = everyone.people + up * most - people
        if errors_up:
            return errors + moved, people + moved, max(rest_errors - moved, 0), rest_people - moved
        return max(errors, 0), people, min(max(rest_errors, 0), rest_people), rest_people

    def _failing_groups(self, rule: str) -> list[Group]:
        return [group for (of, group), verdict in self._verdicts.items() if of == rule and verdict.outcome == "fail"]

    def _with_smaller(self, rule: NamedRule, words: dict[int, PublicWord]) -> dict[int, PublicWord]:
        """Say of a failing group without a word of its own, at the nearest row that hides it, that it is in there."""
        side = RATES[rule.metric].side
        candidates = [
            (row.people, place) for place, row in enumerate(self._rows) if row.side == side and self._hides(row)
        ]
        for group in self._failing[rule.id]:
            holding = [
                (people, at)
                for people, at in candidates
                if self._rows[at].group != group and self._members.holds(self._rows[at], group)
            ]
            if not holding or any(
                word.word == "beyond" and self._members.within(self._rows[at], group) for at, word in words.items()
            ):
                continue
            _, at = min(holding)
            known = words.get(at) or PublicWord(rule=rule.id, word=None, because=None)
            words[at] = known if known.word == "beyond" else known.model_copy(update={"smaller_beyond": True})
        return words

    def _hides(self, row: PublicRow) -> bool:
        """Whether a row has 20 errors and 20 right answers by any number that it may stand for."""
        if row.side == "both":
            return True
        most, least = self._method.largest, self._method.row
        if row.errors is None:
            return False
        return row.errors - most >= least and row.people - row.errors - 2 * most >= least


@dataclass(frozen=True, slots=True)
class _Members:
    """Who stands in a row: groups of the audit by the levels of a row."""

    above: Mapping[str, Mapping[tuple[str, str], frozenset[str]]]
    """Of each feature, the finest codes under a level of any rung."""
    others: Mapping[tuple[str, str, str, tuple[str, ...]], frozenset[str]]
    """Codes of others by side, feature, rung and place."""

    @classmethod
    def of(cls, sides: Sequence[SideRows]) -> _Members:
        above: dict[str, dict[tuple[str, str], frozenset[str]]] = {}
        others: dict[tuple[str, str, str, tuple[str, ...]], frozenset[str]] = {}
        for side in sides:
            for ladder, rows in zip(side.counts.ladders, side.made.rows, strict=True):
                finest = [level.code for level in ladder.levels[0]]
                found: dict[tuple[str, str], set[str]] = {}
                for at, rung in enumerate(ladder.rungs):
                    for code, climbed in zip(finest, ladder.climbs[at], strict=True):
                        found.setdefault((rung, ladder.levels[at][climbed].code), set()).add(code)
                above[ladder.feature] = {key: frozenset(codes) for key, codes in found.items()}
                for row in rows:
                    if row.kind == "others":
                        key = (side.side, ladder.feature, row.rung or ladder.rungs[0], (row.code,) if row.code else ())
                        others[key] = frozenset(finest[member] for member in row.members)
        return cls(above, others)

    def holds(self, row: PublicRow, group: Group) -> bool:
        """Return whether all people of a group stand in a row."""
        levels = {level.feature: level for level in group.levels}
        return all(
            part.feature in levels and self._finest(levels[part.feature]) <= self._of_part(row, part)
            for part in row.parts
        )

    def within(self, row: PublicRow, group: Group) -> bool:
        """Return whether all people of a row stand in a group."""
        parts = {part.feature: part for part in row.parts}
        return all(
            level.feature in parts and self._of_part(row, parts[level.feature]) <= self._finest(level)
            for level in group.levels
        )

    def _finest(self, level: Level) -> frozenset[str]:
        known = self.above.get(level.feature, {})
        return known.get((level.rung, level.code), frozenset({level.code}))

    def _of_part(self, row: PublicRow, part: PublicPart) -> frozenset[str]:
        if part.kind == "others":
            sides = ("positives", "negatives") if row.side == "both" else (row.side,)
            return frozenset.intersection(
                *(self.others.get((side, part.feature, part.rung, part.codes), frozenset()) for side in sides)
            )
        levels = self.above.get(part.feature, {})
        return frozenset().union(*(levels.get((part.rung, code), frozenset({code})) for code in part.codes))


class _Doubts:
    """What people of unknown feature would change, by printed rows alone.

    A row of theirs that is printed counts as it is. Without one they are fewer than T, and all of them are taken to
    speak against the group: so a word says nothing of how many they are.
    """

    def __init__(self, result: AuditResult, rows: Sequence[PublicRow], method: Method) -> None:
        self._plan, self._method = result.plan, method
        self._printed = {
            row.group for row in rows if row.side != "both" and row.group is not None and row.errors is not None
        }
        features = {feature.name: feature for feature in result.features}
        self._groups: dict[Group, int] = {}
        self._family: dict[Group, FamilyCounts] = {}
        self._exact: dict[Family, FamilyCounts] = {}
        by_family: dict[Family, list[Group]] = {}
        cells = {counts.group: cells_of(counts) for counts in result.counts if counts.group.levels}
        for group in cells:
            by_family.setdefault(group.family, []).append(group)
        everyone = cells_of(result.counts[0])
        for family, groups in by_family.items():
            stacked = np.stack([cells[group] for group in groups])
            exact = FamilyCounts(family, tuple(groups), stacked, everyone, parts_of(family, features))
            for at, group in enumerate(groups):
                self._groups[group], self._family[group] = at, exact
        self._possible: dict[tuple[str, Family], PossibleMembers | None] = {}
        self._passing: dict[tuple[str, Family], IntArray] = {}
        self._skips = self._plan.evaluation_set.is_weighted or self._plan.evaluation_set.cluster is not None

    def survives(self, rule: NamedRule, group: Group) -> bool:
        """Return whether a group that passes also does with people of unknown feature as they are printed."""
        family = self._family.get(group)
        if self._skips or family is None:
            return True
        key = rule.id, family.family
        if key not in self._passing:
            self._passing[key] = self._tested(rule, family)
        return bool(self._passing[key][self._groups[group]])

    def moved(self, rule: NamedRule, question: Question, row: PublicRow) -> int:
        """Return how many people of unknown feature are taken to be errors of a row."""
        group = row.group
        family = None if group is None else self._family.get(group)
        if group is None or family is None:
            return 0
        possible = self._members(rule, family)
        return 0 if possible is None else int(possible.against(question)[self._groups[group]])

    def _tested(self, rule: NamedRule, family: FamilyCounts) -> IntArray:
        possible = self._members(rule, family)
        passes = np.ones(len(family.groups), dtype=np.int64)
        if possible is None:
            return passes
        for question in questions(self._plan, rule):
            worst = possible.at_their_worst(question, family)
            mine = (worst.n > 0) & (worst.m > 0) & (worst.y >= 0) & (worst.y <= worst.m)
            p = pass_p(question, worst, mine, self._plan.verdict.alpha)
            passes[mine] &= p <= self._plan.verdict.alpha
        return passes

    def _members(self, rule: NamedRule, family: FamilyCounts) -> PossibleMembers | None:
        """People who may belong to each group, with those in no printed row at T; None where there are none."""
        key = rule.id, family.family
        if key not in self._possible:
            unknown = [
                at for at, group in enumerate(family.groups)
                if any(level.code == UNKNOWN for level in group.levels) and group not in self._printed
            ]  # fmt: skip
            supposed = Supposed.of(self._plan.sensitivity)
            if not unknown:
                self._possible[key] = None
                return None
            cells = family.cells.copy()
            most = self._method.row - 1
            for label, error, right in ((POSITIVE, NOT_FLAGGED, FLAGGED), (NEGATIVE, FLAGGED, NOT_FLAGGED)):
                cells[unknown, label, error], cells[unknown, label, right] = most, 0
            self._possible[key] = possible_members([replace(family, cells=cells)], METRICS[rule.metric], supposed)
        return self._possible[key]


def words_to_json(row: PublicRow) -> dict[str, list[str | None]]:
    """Write down the words of a row, for the releases after it."""
    return {word.rule: [word.word, word.because] for word in row.words}


def standing_words(
    rows: Sequence[PublicRow], sides: Sequence[SideRows], known: Mapping[str, Mapping[str, Sequence[str | None]]]
) -> tuple[PublicRow, ...]:
    """Let the words of numbers that stand stand too. Where the verdict of today is another one, there is no word.

    Parameters
    ----------
    known : mapping
        Words of the release before, by side and key of their row.
    """
    stand = {side.side: side.standing for side in sides}

    def word(row: PublicRow, now: PublicWord) -> PublicWord:
        before = known.get(f"{row.side} {row.key}", {}).get(now.rule)
        if before is None or before[0] == now.word or now.word is None:
            return now
        return PublicWord(rule=now.rule, word="cannot_tell", because="numbers_of_before")

    return tuple(
        row.model_copy(update={"words": tuple(word(row, each) for each in row.words)})
        if row.side == "both" or row.key in stand[row.side]
        else row
        for row in rows
    )


def _middle(everyone: PublicRow) -> int:
    """Errors of everyone as printed; where they are few, none, and where right answers are few, all."""
    if everyone.errors is not None:
        return everyone.errors
    return 0 if everyone.few == "errors" else everyone.people


def _parts(group: Group) -> tuple[PublicPart, ...]:
    return tuple(
        PublicPart(feature=level.feature, kind="level", rung=level.rung, codes=(level.code,)) for level in group.levels
    )
