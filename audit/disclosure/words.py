"""Words of rows: verdicts of the exact audit, where a word says no more of few people than the row prints.

A word is a figure. A row that prints its number of errors has the exact verdict, which says no more than that number. A
row that prints "fewer than ten" has a word only where all ten numbers give it, with every size and rest that printed
numbers allow. What a pass supposes of people whose feature is unknown is computed from printed rows too.

Words stand as numbers do: one is said when the numbers of its row are drawn, and is printed again as long as they are.
It is taken back, for good, where the audit of today does not bear it out. So it can lag towards "cannot tell" alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from audit.analyses.sides import Question, questions
from audit.disclosure.doubts import Doubts, Judged
from audit.disclosure.draws import Draw, SideRows
from audit.disclosure.method import Method
from audit.disclosure.rates import is_told_by_rows, rate_in_print
from audit.disclosure.shape import SIDES
from audit.plan.audit_plan import AuditPlan, NamedRule
from audit.public.release import PublicPart, PublicRow, PublicWord, Word, WordReason, row_key
from audit.result.findings.judged import Because, Verdict
from audit.stats.arrays import BoolArray, Tables
from audit.stats.boundaries import counted_outcome
from audit.stats.score_test import FAIL_BETA, screened_p
from audit.verdicts.margin_tests import surely_within
from audit.vocabulary.groups import Group, Level
from audit.vocabulary.names import UNLISTED

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
_COULD_HANG: Final[frozenset[Because]] = frozenset(("within_limit", "unknown_attribute", "unscored_cases"))
"""Reasons of groups that would pass but for people whom no row prints."""
_SLACK: Final = 2
"""Answers of a group, and of everyone else, that may be otherwise and it still passes, before a row says so: what one
person changes does not take the word back."""
_SIZE_SLACK: Final = 1.1
"""Times the planned number of cases that a group must have before a row says that it passes. One person moves it by up
to 5 per cent, and a group that has fewer is judged as a part of another."""
_MOST_LOOKS: Final = 8
"""Limits under which words of the same numbers are said: as many as outcomes of the same people are drawn."""
_MOST_TESTED: Final = 2_000
"""Groups that a rule is taken to test where a row of few right answers is said to fail: how many it does is exact."""


class Words:
    """Words of the rows of one result."""

    def __init__(
        self,
        result: Judged,
        sides: Sequence[SideRows],
        rows: Sequence[PublicRow],
        method: Method,
        standing: Sequence[StandingWords | None] = (),
    ) -> None:
        self._plan = result.plan
        self._standing = standing or [None] * len(rows)
        self._rows, self._method = rows, method
        self._by_key = {(row.side, row_key(row.parts)): row for row in rows}
        self._verdicts: dict[tuple[str, Group], Verdict] = {}
        for verdict in result.verdicts:
            for group in (verdict.group, *verdict.same_people):
                self._verdicts[verdict.rule, group] = verdict
        self._members = Members(sides)
        self._is_plain = not self._plan.evaluation_set.is_weighted and self._plan.evaluation_set.cluster is None
        self._doubts = Doubts(result, rows, method)

    def rows(self) -> tuple[PublicRow, ...]:
        """Return the rows with their words."""
        words_by_rule = {rule.id: self._of_rule(rule) for rule in self._plan.named_rules}
        fresh = [[word for words in words_by_rule.values() if (word := words.get(at))] for at in range(len(self._rows))]
        return tuple(
            row.model_copy(update={"words": tuple(self._stood(row, words, standing))})
            for row, words, standing in zip(self._rows, fresh, self._standing, strict=True)
        )

    def _stood(self, row: PublicRow, fresh: Sequence[PublicWord], standing: StandingWords | None) -> list[PublicWord]:
        """Print again the words that were said of these numbers, as far as the audit of today bears them out."""
        if standing is None:
            return list(fresh)
        if standing.words is None:  # said under other limits too often
            untold = {"word": "cannot_tell", "because": "too_few_in_public", "judged_as": None, "smaller_beyond": False}
            return [
                now.model_copy(update=untold if now.word else {"smaller_beyond": False}) for now in fresh if row.parts
            ]
        still_true = [self._kept(row, standing.words[now.rule]) for now in fresh if now.rule in standing.words]
        return [word for word in still_true if row.parts or word.smaller_beyond]

    def _kept(self, row: PublicRow, before: PublicWord) -> PublicWord:
        verdict = None if row.group is None else self._verdicts.get((before.rule, row.group))
        outcome = None if verdict is None else verdict.outcome
        is_so = before.word is None or before.word == "cannot_tell" or _WORDS.get(str(outcome), ("",))[0] == before.word
        word = before if is_so else PublicWord(rule=before.rule, word="cannot_tell", because="numbers_of_before")
        smaller = before.smaller_beyond and any(
            self._members.holds(row, group)
            for group in self._failing(before.rule)
            if group != row.group or row.holds_few_others
        )
        larger = (
            before.judged_as if before.judged_as and (row.side, row_key(before.judged_as)) in self._by_key else None
        )
        return word.model_copy(update={"smaller_beyond": smaller, "judged_as": larger if is_so else None})

    def _failing(self, rule: str) -> list[Group]:
        return [
            group
            for (rule_id, group), verdict in self._verdicts.items()
            if rule_id == rule and verdict.outcome == "fail"
        ]

    def _of_rule(self, rule: NamedRule) -> dict[int, PublicWord]:
        """Words of a rule by the place of their row."""
        side = rate_in_print(rule.rate).side
        at = {index: row for index, row in enumerate(self._rows) if row.side == side and row.parts and row.rates}
        few = {index: row for index, row in at.items() if (row.errors if row.holds_few_others else row.few) is not None}
        sure = self._sure_words(rule, few)
        verdicts = {
            index: None if row.group is None else self._verdicts.get((rule.id, row.group)) for index, row in at.items()
        }
        untold = self._untold(
            rule,
            [verdict for index, verdict in verdicts.items() if verdict is not None and not self._is_few(at[index])],
        )
        words = {index: self._word(rule, row, verdicts[index], sure.get(index), untold) for index, row in at.items()}
        return self._with_smaller(rule, words) if is_told_by_rows(rule.rate, self._method.public()) else words

    def _word(
        self, rule: NamedRule, row: PublicRow, verdict: Verdict | None, sure: str | None, untold: frozenset[Group]
    ) -> PublicWord:
        if verdict is None:
            return PublicWord(rule=rule.id, word=None, because=None)
        reason, outcome = _REASONS[verdict.because], verdict.outcome
        if self._is_few(row):
            reason = "too_few_in_public" if verdict.decidable else "too_few_cases"
            outcome = outcome if outcome == sure else "inconclusive"
        elif verdict.group in untold:
            reason, outcome = "too_few_in_public", "inconclusive"
        if not is_told_by_rows(rule.rate, self._method.public()):
            reason, outcome = "too_few_in_public", "inconclusive"
        if outcome == "pass" and verdict.cases < _SIZE_SLACK * (verdict.cases_required or 0):
            reason, outcome = "too_few_in_public", "inconclusive"
        word, because = _WORDS.get(outcome, ("cannot_tell", reason))
        larger = self._judged_as(row, verdict) if because == "too_few_cases" else None
        return PublicWord(rule=rule.id, word=word, because=because, judged_as=larger)

    def _untold(self, rule: NamedRule, verdicts: Sequence[Verdict]) -> frozenset[Group]:
        """Groups of which unprinted people could decide, or so few answers that their pass could not stand."""
        if not self._is_plain:
            return frozenset()
        could_hang = [verdict.group for verdict in verdicts if verdict.because in _COULD_HANG]
        passing = [verdict.group for verdict in verdicts if verdict.outcome == "pass"]
        return self._doubts.explained(rule, could_hang) | self._doubts.near_their_limit(rule, passing, _SLACK)

    def _is_few(self, row: PublicRow) -> bool:
        """Whether a row, or one of the two that it is made of, prints no number of errors of its group."""
        if row.side != "both":
            return row.errors is None or row.holds_few_others
        key = row_key(row.parts)
        return any(self._by_key[side, key].errors is None for side in ("positives", "negatives"))

    def _judged_as(self, row: PublicRow, verdict: Verdict) -> tuple[PublicPart, ...] | None:
        """Row of the larger group as a part of which a group is judged, where there is one."""
        if verdict.judged_as is None:
            return None
        parts = tuple(
            PublicPart(feature=level.feature, kind="level", rung=level.rung, codes=(level.code,))
            for level in verdict.judged_as.levels
        )
        return parts if (row.side, row_key(parts)) in self._by_key else None

    def _sure_words(self, rule: NamedRule, few: Mapping[int, PublicRow]) -> dict[int, str]:
        """Words that every number below the bound of a row gives, by the place of the row."""
        if not few or not self._is_plain or rate_in_print(rule.rate).side == "both":
            return {}
        everyone = self._by_key[next(iter(few.values())).side, "everyone"]
        if everyone.errors is None and everyone.few is None:
            return {}
        rows, floor = list(few.values()), self._method.floor
        outcomes = dict.fromkeys(few, "pass")
        for question in questions(self._plan.audit.route, rule):
            ten, most = (
                [self._doubts.moved(rule, question, row.group, unprinted) for row in rows]
                for unprinted in (floor, self._method.row - 1)
            )
            more = [0] * len(rows) + [add or 0 for add in (*ten, *most)]
            passing = np.reshape(self._surely(question, rows * 3, everyone, more, within=True), (3, len(rows)))
            # one unprinted number of 11 to 19 people could explain that a row does not pass: then it has no word
            explained = np.array([add is not None for add in ten]) & passing[1] & ~passing[2]
            beyond = self._surely(question, rows, everyone, [0] * len(rows), within=False)
            for index, fails, passes in zip(few, beyond, passing[0] & ~explained, strict=True):
                if fails:
                    outcomes[index] = "fail"
                elif not passes and outcomes[index] != "fail":
                    outcomes[index] = "none"
        return outcomes

    def _surely(
        self, question: Question, rows: Sequence[PublicRow], everyone: PublicRow, more: Sequence[int], *, within: bool
    ) -> BoolArray:
        """Whether each row passes, or fails, at the numbers that speak against it most, with `more` errors besides."""
        errors_harm = (question.side == "low") == question.metric.is_of_good
        against = errors_harm == within
        corners = [
            self._corner(row, everyone, errors_up=against, more=add) for row, add in zip(rows, more, strict=True)
        ]
        x, n, y, m = np.array(corners, dtype=np.int64).T
        if question.metric.is_of_good:
            x, y = n - x, m - y
        possible = (m > 0) & (x >= 0) & (x <= n) & (y >= 0) & (y <= m)
        x, n, y, m = (np.where(possible, count, at % 2) for at, count in enumerate((x, n, y, m)))
        if within:
            return np.asarray(possible & surely_within(question, Tables(x, n, y, m), self._plan.verdict.alpha))
        level = self._plan.alpha_of_limits / (2.0 * len(self._plan.rules) * _MOST_TESTED)
        counted, rest = counted_outcome(x, n, question.fail), counted_outcome(y, m, question.fail)
        p = screened_p(counted, n, rest, m, question.fail, FAIL_BETA, 2.0 * max(level, 0.05)).p
        return np.asarray(possible & (p <= level))

    def _corner(self, row: PublicRow, everyone: PublicRow, *, errors_up: bool, more: int) -> tuple[int, int, int, int]:
        """Errors and people of a row and of everyone else, at the end of what is printed that has most errors, or
        fewest.
        """
        most, up, few = self._method.largest, 1 if errors_up else -1, (row.fewer_than or 1) - 1
        hidden = self._method.row - 1 if row.holds_few_others else 0
        people = row.people - up * most if row.few == "errors" else row.people + up * most
        rare = few if (row.few == "errors") == errors_up else 0
        errors = rare if row.few == "errors" else people - rare
        if row.errors is not None:  # of the people printed those of the group alone, the others at their worst
            people, errors = row.people - up * most - hidden, row.errors + up * most - (0 if errors_up else hidden)
        errors += more
        rest_people = everyone.people + up * most - people - more
        rest_errors = min(max(_end_of(everyone, most, least=errors_up) - errors, 0), max(rest_people, 0))
        return errors, people + more, rest_errors, rest_people

    def _with_smaller(self, rule: NamedRule, words: dict[int, PublicWord]) -> dict[int, PublicWord]:
        """Say of a failing group without a word of its own, at the nearest row that hides it, that it is in there."""
        side = rate_in_print(rule.rate).side
        hiding = [at for at, row in enumerate(self._rows) if row.side == side and self._hides(row)]
        hiding.sort(key=lambda at: self._rows[at].people)
        failing = self._failing(rule.id)
        for group in failing:
            beyond = (self._rows[at] for at, word in words.items() if word.word == "beyond")
            others = (at for at in hiding if self._rows[at].group != group or self._rows[at].holds_few_others)
            at = next((at for at in others if self._members.holds(self._rows[at], group)), None)
            if at is None or any(row.group == group or self._members.within(row, group) for row in beyond):
                continue
            known = words.get(at) or PublicWord(rule=rule.id, word=None, because=None)
            words[at] = known if known.word == "beyond" else known.model_copy(update={"smaller_beyond": True})
        return words

    def _hides(self, row: PublicRow) -> bool:
        """Whether a row has 20 errors and 20 right answers by any number that it may stand for."""
        if row.side == "both":
            return all(self._hides(self._by_key[side, row.key]) for side in ("positives", "negatives"))
        most, least = self._method.largest, self._method.row
        if row.errors is None:
            return False
        return row.errors - most >= least and row.people - row.errors - 2 * most >= least


class StandingWords(NamedTuple):
    """Words said of the numbers of one row before."""

    words: Mapping[str, PublicWord] | None
    """By rule; None where words of these numbers were said under as many other limits as there may be."""


class WordLog:
    """Words and names of all releases, by row, draw and limits: what the restricted folder remembers of them.

    Numbers that are printed again, of whatever release, have the words that they had.
    """

    def __init__(self, known: Mapping[str, Any], plan: AuditPlan, released: Sequence[PublicRow] = ()) -> None:
        self._limits = _digest_of_limits(plan)
        self._said: dict[str, dict[str, dict[str, Any]]] = {
            name: {draw: dict(looks) for draw, looks in draws.items()} for name, draws in known.get("said", {}).items()
        }
        if "said" not in known:  # a log of before words stood: they are those of the numbers that were printed last
            self._take_in(known, {f"{row.side} {row.key}": row for row in released})

    def standing(self, row: PublicRow, draw: str) -> StandingWords | None:
        """Return the words of the numbers of a row; None where they are to be said for the first time."""
        looks = self._said.get(f"{row.side} {row.key}", {}).get(draw, {})
        if self._limits in looks:
            words = (PublicWord.model_validate(word) for word in looks[self._limits])
            return StandingWords({word.rule: word for word in words})
        return StandingWords(None) if len(looks) >= _MOST_LOOKS else None

    def add(self, row: PublicRow, draw: str) -> None:
        """Remember the words of a row."""
        looks = self._said.setdefault(f"{row.side} {row.key}", {}).setdefault(draw, {})
        if self._limits in looks or len(looks) < _MOST_LOOKS:
            looks[self._limits] = [word.model_dump(mode="json") for word in row.words]

    def to_json(self) -> Mapping[str, Any]:
        """Write down all words."""
        return self._said

    def _take_in(self, known: Mapping[str, Any], released: Mapping[str, PublicRow]) -> None:
        draws = {
            f"{side} {key}": Draw(*of_row[-1]).name
            for side in SIDES
            for key, of_row in known.get(side, {}).get("draws", {}).items()
        }
        for name in known.get("words", {}):
            side, _, key = name.partition(" ")
            sides = SIDES if side == "both" else (side,)
            if name in released and all(f"{side_name} {key}" in draws for side_name in sides):
                self.add(released[name], "/".join(draws[f"{side_name} {key}"] for side_name in sides))


def _digest_of_limits(plan: AuditPlan) -> str:
    """Return a digest of all in a plan that decides a word of given counts."""
    limits = {
        "rules": [rule.model_dump(mode="json", exclude={"reason", "on_fail"}) for rule in plan.rules],
        **{name: getattr(plan, name).model_dump(mode="json") for name in ("verdict", "sensitivity")},
        "groups": {name: section.model_dump(mode="json") for name, section in plan.groups.items()},
        "route": plan.audit.route,
        **({"rates": {name: rate.model_dump(mode="json") for name, rate in plan.rates.items()}} if plan.rates else {}),
    }
    return hashlib.sha256(json.dumps(limits, sort_keys=True).encode()).hexdigest()[:16]


def _end_of(everyone: PublicRow, most: int, *, least: bool) -> int:
    """Return the least errors that everyone can have by what is printed, or the most."""
    few = (everyone.fewer_than or 1) - 1
    if everyone.errors is not None:
        return everyone.errors - most if least else everyone.errors + most
    if everyone.few == "errors":
        return 0 if least else few
    return everyone.people - most - few if least else everyone.people + most


class Members:
    """Who stands in a row, and in a group of the audit: codes on the finest rung of each feature."""

    def __init__(self, sides: Sequence[SideRows]) -> None:
        self._of_row = {(side.side, entry.key): entry.members for side in sides for entry in side.listed}
        self._under: dict[Level, set[str]] = {}
        for ladder in sides[0].counts.ladders if sides else ():
            for rung, levels, climbs in zip(ladder.rungs, ladder.levels, ladder.climbs, strict=True):
                for finest, at in zip(ladder.levels[0], climbs, strict=True):
                    self._under.setdefault(Level(ladder.feature, rung, levels[at].code), set()).add(finest.code)

    def holds(self, row: PublicRow, group: Group) -> bool:
        """Return whether all people of a group stand in a row."""
        levels = {level.feature: level for level in group.levels}
        return all(name in levels and self._placed(levels[name]) <= codes for name, codes in self._parts(row))

    def within(self, row: PublicRow, group: Group) -> bool:
        """Return whether all people of a row stand in a group."""
        parts = dict(self._parts(row))
        return all(
            level.feature in parts and parts[level.feature] <= self._under.get(level, {level.code})
            for level in group.levels
        )

    def _parts(self, row: PublicRow) -> list[tuple[str, frozenset[str]]]:
        members = self._of_row["positives" if row.side == "both" else row.side, row.key]
        return [(part.feature, codes) for part, codes in zip(row.parts, members, strict=True)]

    def _placed(self, level: Level) -> set[str]:
        """The finest codes under a level; several nationalities at once stand among those of no list."""
        other = UNLISTED if level._replace(code=UNLISTED) in self._under else level.code
        return self._under.get(level, {other})
