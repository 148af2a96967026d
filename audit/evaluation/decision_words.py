"""Decisions in a column: only the words that the plan declares."""

from __future__ import annotations

from audit.engines.quoting import stored
from audit.errors import DataError
from audit.evaluation.cell_values import distinct_texts, refuse_suppressed, rows_with
from audit.evaluation.checks import Check
from audit.evaluation.columns import check_text_type, is_float
from audit.evaluation.relation import Relation
from audit.plan.answers import PredictionsDetector
from audit.plan.second_questions import DecisionsSection
from audit.vocabulary.text import rows_text, shown

PEOPLE = "people"
"""Name of the expression of a set with what people decided after the detector."""


def check_decisions(relation: Relation, column: str, words: PredictionsDetector | DecisionsSection) -> Check[str]:
    """SQL of the decision: BOOLEAN, NULL where an empty cell, or a word of `decision_missing`, says that there is none.

    Raises DataError if a cell holds another word.
    """
    said = {True: words.decision_positive, False: words.decision_negative, None: getattr(words, "decision_missing", ())}
    meanings = {word.casefold(): meaning for meaning, several in said.items() for word in several}
    kind = relation.types[column]
    check_text_type(relation.source_name, column, kind, "the decision")
    found = [value for value in (yield from distinct_texts(relation, column)) if value]
    undeclared = [value for value in found if value.casefold() not in meanings]
    yield from refuse_suppressed(relation, column, undeclared)
    if undeclared:
        found_rows = yield from rows_with(relation, column, undeclared)
        raise DataError(
            f'{shown(relation.source_name)}: the decision "{shown(column)}" is none of the declared values in '
            f"{rows_text(*found_rows)}",
            slug="decision-values",
            hint="list every value under decision_positive or decision_negative; an empty cell is no decision",
        )
    given = _given(relation.expression(column), kind)
    flagging, missing = (
        [value for value in found if meanings[value.casefold()] is meaning] for meaning in (True, None)
    )
    if missing:
        given = f"CASE WHEN {given} NOT IN ({_list(missing, kind)}) THEN {given} END"
    if not flagging:
        return f"CASE WHEN {given} IS NOT NULL THEN FALSE END"
    # every value in the column is declared, so a value that does not mean flagged means not flagged
    return f"{given} IN ({_list(flagging, kind)})"


def _given(cell: str, kind: str) -> str:
    """SQL of the cell; NULL for a missing value, which is an empty text or, in floats, NaN."""
    if kind == "VARCHAR":
        return f"NULLIF({cell}, '')"
    return f"CASE WHEN NOT isnan({cell}) THEN {cell} END" if is_float(kind) else cell


def _list(spellings: list[str], kind: str) -> str:
    return ", ".join(stored(value, kind) for value in spellings)
