"""Labels: only the values that the plan declares.

Decisions in a column: only the words that the plan declares.
"""

from __future__ import annotations

from collections.abc import Container

from audit.engines.protocol import stored
from audit.errors import DataError
from audit.evaluation.cell_values import distinct_texts, refuse_suppressed, rows_with
from audit.evaluation.checks import Check
from audit.evaluation.relation import Relation, check_text_type, is_float, is_integer_type
from audit.plan.answers import PredictionsDetector
from audit.plan.evaluation_set import EvaluationSetSection
from audit.plan.second_questions import DecisionsSection
from audit.vocabulary.text import rows_text, shown

PEOPLE = "people"
"""Name of the expression of a set with what people decided after the detector."""


def check_decisions(relation: Relation, column: str, words: PredictionsDetector | DecisionsSection) -> Check[str]:
    """SQL of the decision: BOOLEAN, NULL where an empty cell, or a word of `decision_missing`, says that there is none.

    Raises DataError if a cell holds another word.
    """
    words_by_meaning = {
        True: words.decision_positive,
        False: words.decision_negative,
        None: getattr(words, "decision_missing", ()),
    }
    meanings = {word.casefold(): meaning for meaning, several in words_by_meaning.items() for word in several}
    kind = relation.types[column]
    spellings, rows = yield from _found(relation, column, "the decision", meanings)
    if rows is not None:
        raise DataError(
            f'{shown(relation.source_name)}: the decision "{shown(column)}" is none of the declared values in {rows}',
            slug="decision-values",
        )
    decided = _given(relation.expression(column), kind)
    flagging, missing = (
        [value for value in spellings if meanings[value.casefold()] is meaning] for meaning in (True, None)
    )
    if missing:
        decided = f"CASE WHEN {decided} NOT IN ({_list(missing, kind)}) THEN {decided} END"
    if not flagging:
        return f"CASE WHEN {decided} IS NOT NULL THEN FALSE END"
    # every value in the column is declared, so a value that does not mean flagged means not flagged
    return f"{decided} IN ({_list(flagging, kind)})"


def _found(relation: Relation, column: str, what: str, known: Container[str]) -> Check[tuple[list[str], str | None]]:
    """Return the spellings of a column, and in how many and which rows others than the known values stand."""
    check_text_type(relation.source_name, column, relation.types[column], what)
    spellings = [value for value in (yield from distinct_texts(relation, column)) if value]
    undeclared = [value for value in spellings if value.casefold() not in known]
    yield from refuse_suppressed(relation, column, undeclared)
    return spellings, rows_text(*(yield from rows_with(relation, column, undeclared))) if undeclared else None


def _given(cell: str, kind: str) -> str:
    """SQL of the cell; NULL for a missing value, which is an empty text or, in floats, NaN."""
    if kind == "VARCHAR":
        return f"NULLIF({cell}, '')"
    return f"CASE WHEN NOT isnan({cell}) THEN {cell} END" if is_float(kind) else cell


def _list(spellings: list[str], kind: str) -> str:
    return ", ".join(stored(value, kind) for value in spellings)


def check_labels(relation: Relation, section: EvaluationSetSection) -> Check[str]:
    """Check the labels. Case does not matter; spaces around a value do.

    Returns
    -------
    str
        SQL of the label: TINYINT, 1 for exploitation, 0 for none, NULL where an empty cell or a declared value says
        that there is no label.

    Raises
    ------
    DataError
        If a cell holds another value, or a mark of suppression; with how many and which rows.
    """
    column = section.label
    positive, negative, missing = (
        {value.casefold() for value in values}
        for values in (section.label_positive, section.label_negative, section.label_missing)
    )
    spellings, rows = yield from _found(relation, column, "the label", positive | negative | missing)
    if rows is not None:
        raise DataError(
            f'{shown(relation.source_name)}: the label "{shown(column)}" is none of the declared values in {rows}',
            slug="label-values",
        )
    meanings = {
        value: 1 if value.casefold() in positive else 0 for value in spellings if value.casefold() not in missing
    }
    return _expression(
        relation.expression(column), relation.types[column], meanings, covers_all=len(meanings) == len(spellings)
    )


def _expression(expression: str, kind: str, meanings: dict[str, int], *, covers_all: bool) -> str:
    """SQL of the label. The count reads it for every row, so it has the form that DuckDB computes fastest.

    Parameters
    ----------
    meanings : dict of str to int
        For every spelling found that is a label: 1 or 0.
    covers_all : bool
        Whether these spellings cover every cell that is not NULL.
    """
    if not meanings:
        return "CAST(NULL AS TINYINT)"
    as_it_stands = all(
        spelling == (("false", "true") if kind == "BOOLEAN" else ("0", "1"))[label]
        for spelling, label in meanings.items()
    )
    if covers_all and as_it_stands and (kind == "BOOLEAN" or is_integer_type(kind)):
        return f"CAST({expression} AS TINYINT)"
    branches = " ".join(
        f"WHEN {stored(value, kind)} THEN CAST({label} AS TINYINT)" for value, label in meanings.items()
    )
    return f"CASE {expression} {branches} END"
