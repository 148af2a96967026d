"""Turn answers into decisions by threshold, capacity or the detector's own word: the view `scored`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from audit.counting.answer_tallies import round_view
from audit.counting.count import ABSTAINED_ROW, SCORED
from audit.counting.table import ABSTAINED, FAILED, FLAGGED, NEAR, NOT_FLAGGED
from audit.engines.protocol import ROW, identifier
from audit.engines.read_errors import reading
from audit.evaluation.labels import PEOPLE
from audit.scoring.rules import DecisionRule
from audit.scoring.scored import AnswerSource, Tally

if TYPE_CHECKING:
    from collections.abc import Collection

    from audit.evaluation.evaluation_set import EvaluationSet
    from audit.vocabulary.statuses import AbstentionMeaning

EVERYONE: Final = "TRUE"
"""SQL of the flag when the capacity is not reached."""

_CAPACITY: Final = "__capacity__"


class Decided(NamedTuple):
    """The decisions as SQL, and facts about them."""

    decision: str
    """TINYINT: the decision code of the answer itself, as SQL over the relation of the answers."""
    tally: Tally
    ties_at_capacity: int | None
    """Rows with the score at the border of the capacity, if not all of them fit; 0 if they do."""
    notes: tuple[str, ...]
    """Facts that a reader must know."""


def create_scored_view(
    evaluation_set: EvaluationSet, answers: AnswerSource, rule: DecisionRule, view: str = SCORED
) -> Decided:
    """Create a view, `scored` or another: the set's expressions, `score` and `decision`, a row for each of its rows.

    `decision` is a TINYINT with the codes of `audit.counting.table`: 0 flagged, 1 not flagged, 2 abstained, 3 failed.
    An abstention has the code of what the rule says that it counts as, and a column more, `abstained`, is true there.
    `score` is DOUBLE, NULL where there is none. Answers in the set itself are read in place; others are joined by
    `EvaluationSet.key`.
    """
    ties: int | None = None
    notes: tuple[str, ...] = ()
    with reading(evaluation_set.source_name):
        tally = _tally(evaluation_set.engine, answers, rule)
        if rule.threshold is not None:
            flagged = f"{answers.score} >= {_double(rule.threshold)}"
        elif rule.top_k is not None:
            flagged, ties, notes = _capacity(evaluation_set, answers, rule.top_k, tally.scored)
        else:
            flagged = answers.flagged
        decision = _decision(answers, flagged)
        _create_view(evaluation_set, answers, decision, rule.abstentions, view)
    return Decided(decision, tally, ties, notes)


def create_round_views(
    evaluation_set: EvaluationSet, rounds: Sequence[AnswerSource], decided: Decided, rule: DecisionRule
) -> int:
    """Create a view for each round in which the detector was asked about the set: `round_1`, and so on.

    `audit.counting.answer_tallies.round_view` says what a view holds. The same rule decides later rounds; a capacity
    is applied within the scores of each round.

    Parameters
    ----------
    rounds : sequence of AnswerSource
        Tables with `status` and `reason`; `decided` is about the first.

    Returns
    -------
    int
        Number of views.
    """
    with reading(evaluation_set.source_name):
        for number, answers in enumerate(rounds, start=1):
            decision = decided.decision if number == 1 else _later_decision(evaluation_set, answers, rule, number)
            # names and expressions of our own
            evaluation_set.engine.execute(
                f"CREATE OR REPLACE TEMP VIEW {round_view(number)} AS SELECT {evaluation_set.key}, "  # noqa: S608
                f"{answers.score} AS score, {decision} AS decision, status, reason FROM {answers.relation}"
            )
    return len(rounds)


def _later_decision(evaluation_set: EvaluationSet, answers: AnswerSource, rule: DecisionRule, number: int) -> str:
    if rule.threshold is not None:
        return _decision(answers, f"{answers.score} >= {_double(rule.threshold)}")
    if rule.top_k is None:
        return _decision(answers, answers.flagged)
    scored = _tally(evaluation_set.engine, answers, rule).scored
    flagged, _, _ = _capacity(evaluation_set, answers, rule.top_k, scored, table=f"{_CAPACITY}{number}")
    return _decision(answers, flagged)


def _decision(answers: AnswerSource, flagged: str) -> str:
    """SQL of the decision code.

    The flag is tested first and only once, which makes a scan a third faster: for a row without an answer it is NULL,
    and so not true. If everyone with an answer is flagged, the flag says nothing and stands last.
    """
    unscored = f"WHEN {answers.abstained} THEN {ABSTAINED}::TINYINT"
    if answers.failed != "FALSE":
        unscored += f" WHEN {answers.failed} THEN {FAILED}::TINYINT"
    if flagged == EVERYONE:
        return f"CASE {unscored} ELSE {FLAGGED}::TINYINT END"
    return f"CASE WHEN {flagged} THEN {FLAGGED}::TINYINT {unscored} ELSE {NOT_FLAGGED}::TINYINT END"


def counted_columns(meaning: AbstentionMeaning | None, columns: Collection[str]) -> str:
    """SQL of the column `decision`, with abstentions as what they count as, and of `abstained` where that is said.

    Both are over a relation with `decision` and the columns that are named. A case on which people were to decide, and
    did not, stays an abstention.
    """
    if meaning is None or (meaning == "people_decide" and PEOPLE not in columns):
        return "decision"
    codes = {"flagged": f"{FLAGGED}", "not_flagged": f"{NOT_FLAGGED}"}
    people = f"CASE WHEN {PEOPLE} THEN {FLAGGED} WHEN NOT {PEOPLE} THEN {NOT_FLAGGED} ELSE {ABSTAINED} END"
    counted = f"CASE WHEN decision = {ABSTAINED} THEN {codes.get(meaning, people)} ELSE decision END"
    return f"CAST({counted} AS TINYINT) AS decision, decision = {ABSTAINED} AS {ABSTAINED_ROW}"


def _create_view(
    evaluation_set: EvaluationSet, answers: AnswerSource, decision: str, meaning: AbstentionMeaning | None, view: str
) -> None:
    expressions = ", ".join(f"{sql} AS {identifier(name)}" for name, sql in evaluation_set.expressions.items())
    source = evaluation_set.source.name
    # built from quoted identifiers and numbers; nothing of a cell stands in it
    if answers.relation == source:
        query = f"SELECT {expressions}, {answers.score} AS score, {decision} AS decision FROM {source}"  # noqa: S608
    else:
        names = ", ".join(identifier(name) for name in evaluation_set.expressions)
        key = evaluation_set.key
        query = (
            f"SELECT {names}, score, decision FROM (SELECT {evaluation_set.key_of_row}, {expressions} FROM {source})"  # noqa: S608
            f" JOIN (SELECT {key}, {answers.score} AS score, {decision} AS decision FROM {answers.relation})"
            f" USING ({key})"
        )
    if meaning is not None:
        names = ", ".join(identifier(name) for name in evaluation_set.expressions)
        query = f"SELECT {names}, score, {counted_columns(meaning, evaluation_set.expressions)} FROM ({query})"  # noqa: S608
    evaluation_set.engine.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS {query}")


def _tally(connection: Any, answers: AnswerSource, rule: DecisionRule) -> Tally:
    near = "NULL"
    if rule.threshold is not None:
        near = f"count(*) FILTER (abs({answers.score} - {_double(rule.threshold)}) <= {NEAR!r}::DOUBLE)"
    ((rows, abstained, failed, near_threshold),) = connection.execute(
        f"SELECT count(*) AS answered, count(*) FILTER ({answers.abstained}) AS abstained,"  # noqa: S608
        f" count(*) FILTER ({answers.failed}) AS failed, {near} AS near FROM {answers.relation}"
    ).fetchall()
    return Tally(rows - abstained - failed, abstained, failed, near_threshold)


def _capacity(
    evaluation_set: EvaluationSet, answers: AnswerSource, top_k: int, scored: int, *, table: str = _CAPACITY
) -> tuple[str, int, tuple[str, ...]]:
    """SQL of "within the capacity", the ties at its border, and notes for the reader."""
    if scored <= top_k:
        note = f"The capacity of {top_k} was not reached: all {scored} cases with a score are flagged."
        return EVERYONE, 0, (note,) if scored < top_k else ()
    return evaluation_set.engine.with_little_memory(lambda: _highest(evaluation_set, answers, top_k, table))


def _highest(
    evaluation_set: EvaluationSet, answers: AnswerSource, top_k: int, table: str
) -> tuple[str, int, tuple[str, ...]]:
    """SQL of the `top_k` highest scores, the ties at the border, and no notes. Of equal scores the lowest ids fit."""
    connection = evaluation_set.engine
    score, relation = answers.score, answers.relation
    ((border,),) = connection.execute(
        f"SELECT {score} FROM {relation} WHERE {score} IS NOT NULL ORDER BY {score} DESC LIMIT 1 OFFSET {top_k - 1}"  # noqa: S608
    ).fetchall()
    ((above, at),) = connection.execute(
        f"SELECT count(*) FILTER ({score} > {_double(border)}), count(*) FILTER ({score} = {_double(border)})"  # noqa: S608
        f" FROM {relation}"
    ).fetchall()
    if above + at == top_k:
        return f"{score} >= {_double(border)}", 0, ()
    case_id, source = evaluation_set.expressions["case_id"], evaluation_set.source.name
    at_border = f"SELECT {ROW} FROM {relation} WHERE {score} = {_double(border)}"  # noqa: S608
    # the rows that still fit, lowest ids first; only their numbers are kept, because an id must not stand in a query
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT {ROW} FROM {source}"  # noqa: S608
        f" WHERE {ROW} IN ({at_border}) ORDER BY {case_id} LIMIT {top_k - above}"
    )
    fits = f"{ROW} IN (SELECT {ROW} FROM {table})"  # noqa: S608
    return f"{score} > {_double(border)} OR ({score} = {_double(border)} AND {fits})", at, ()


def _double(value: float) -> str:
    """An SQL literal of exactly this double; a bare 0.1 would be a DECIMAL."""
    return f"'{float(value)!r}'::DOUBLE"
