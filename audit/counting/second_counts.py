"""Counts for questions beside that of the detector's flag: people's decisions, each form, the first of a ranking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from audit.counting.count import SCORED, count_cases, counts_by_group, grouped, plain
from audit.counting.table import ABSTAINED, FAILED, FLAGGED, NOT_FLAGGED, CountsTable
from audit.engines.protocol import identifier
from audit.evaluation.labels import PEOPLE
from audit.plan.evaluation_set import CASES
from audit.result.findings.second import SecondKind

if TYPE_CHECKING:
    from audit.counting.moments import Moments
    from audit.evaluation.evaluation_set import EvaluationSet

ABOVE, BELOW, TIED, UNRANKED = FLAGGED, NOT_FLAGGED, ABSTAINED, FAILED
"""What a decision is in the table of the first places: before the score at the border, after it, at it, and without a
score."""
_DECIDED: Final[Mapping[bool | None, int]] = {True: FLAGGED, False: NOT_FLAGGED, None: ABSTAINED}
_FLAGS: Final[Mapping[int, int | None]] = {FLAGGED: 1, NOT_FLAGGED: 0}


class SecondCounts(NamedTuple):
    """A scored set in which something else stands in the place of the label, the flag, or both."""

    kind: SecondKind
    name: str
    """The form; empty for people's decisions."""
    table: CountsTable
    moments: Moments | None


class Second(NamedTuple):
    """Counts of all second questions of a plan."""

    counts: tuple[SecondCounts, ...] = ()
    people: Mapping[int | None, CountsTable] | None = None
    """For cases labelled 1, 0 and not at all: a table whose label is the detector's flag (unlabelled: it gave none) and
    whose decision is that of people. None where the plan names no decisions of people."""
    first: tuple[tuple[int, CountsTable], ...] = ()
    """For each number of first places: a table whose decision is `ABOVE`, `BELOW`, `TIED` or `UNRANKED`."""


def count_view(evaluation_set: EvaluationSet, kind: SecondKind, name: str, view: str) -> SecondCounts:
    """Count a view that has the columns of the scored set."""
    from audit.counting.count_moments import count_moments

    return SecondCounts(kind, name, count_cases(evaluation_set, view), count_moments(evaluation_set, view))


def count_people(evaluation_set: EvaluationSet) -> tuple[SecondCounts, dict[int | None, CountsTable]]:
    """Count people's decisions as if they were the detector's; and beside the detector's, case by case."""
    names = [feature.name for feature in evaluation_set.features]
    columns = ", ".join(identifier(name) for name in evaluation_set.expressions if name != PEOPLE)
    code = f"CASE WHEN {PEOPLE} THEN {FLAGGED} WHEN NOT {PEOPLE} THEN {NOT_FLAGGED} ELSE {ABSTAINED} END"
    # names and numbers of our own
    query = f"SELECT {columns}, score, {code} AS decision FROM {SCORED}"  # noqa: S608
    evaluation_set.engine.execute(f"CREATE OR REPLACE TEMP VIEW decided_by_people AS {query}")
    keys = plain([*(f"group_{name}" for name in names), "label", "decision", PEOPLE])
    number = f"sum({identifier(CASES)})" if CASES in evaluation_set.expressions else "count(*)"
    lines = [tuple(line) for line in evaluation_set.rows_of(grouped(SCORED, keys, {"cases": number}))]
    codes = [evaluation_set.codes[name] for name in names]

    def labelled(truth: int | None) -> CountsTable:
        of = [line for line in lines if line[-4] == truth]
        pairs = [(*groups, _FLAGS.get(then), _DECIDED[now], cases) for *groups, _, then, now, cases in of]
        return counts_by_group(names, pairs, codes)

    people = {truth: labelled(truth) for truth in (1, 0, None)}
    return count_view(evaluation_set, "decisions", "", "decided_by_people"), people


def count_first(evaluation_set: EvaluationSet, first: int) -> CountsTable:
    """Count who is among the `first` highest scores, and who shares the score at the border where not all fit."""
    highest = f"SELECT score FROM {SCORED} WHERE score IS NOT NULL ORDER BY score DESC LIMIT {first}"  # noqa: S608
    ((border, places),) = evaluation_set.rows_of(f"SELECT min(score) AS s, count(*) AS n FROM ({highest}) AS h")  # noqa: S608
    at = f"CAST('{float(border or 0.0)!r}' AS DOUBLE)"
    ((reached,),) = evaluation_set.rows_of(f"SELECT count(*) AS reached FROM {SCORED} WHERE score >= {at}")  # noqa: S608
    tied = ABOVE if reached == places else TIED
    ranked = f"WHEN score > {at} THEN {ABOVE} WHEN score = {at} THEN {tied} WHEN score < {at} THEN {BELOW}"
    names = [feature.name for feature in evaluation_set.features]
    keys = plain([*(f"group_{name}" for name in names), "label"]) | {"decision": f"CASE {ranked} ELSE {UNRANKED} END"}
    lines = evaluation_set.rows_of(grouped(SCORED, keys, {"cases": "count(*)"}))
    return counts_by_group(names, lines, [evaluation_set.codes[name] for name in names])
