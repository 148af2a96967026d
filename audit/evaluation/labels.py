"""Labels: what the plan declares and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.errors import DataError
from audit.evaluation.cell_values import distinct_texts, refuse_suppressed, rows_with
from audit.evaluation.columns import check_text_type
from audit.evaluation.quoting import literal, shown
from audit.evaluation.relation import Relation
from audit.evaluation.row_numbers import rows_text
from audit.plan import EvaluationSetSection

if TYPE_CHECKING:
    import duckdb


def check_labels(connection: duckdb.DuckDBPyConnection, relation: Relation, section: EvaluationSetSection) -> str:
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
    kind = relation.types[column]
    check_text_type(relation.source_name, column, kind, "the label")
    positive, negative, missing = (
        {value.casefold() for value in values}
        for values in (section.label_positive, section.label_negative, section.label_missing)
    )
    found = [value for value in distinct_texts(connection, relation, column) if value]
    known = positive | negative | missing
    undeclared = [value for value in found if value.casefold() not in known]
    refuse_suppressed(connection, relation, column, undeclared)
    if undeclared:
        count, rows = rows_with(connection, relation, column, undeclared)
        raise DataError(
            f'{shown(relation.source_name)}: the label "{shown(column)}" is none of the declared values in '
            f"{rows_text(count, rows)}",
            slug="label-values",
            hint="list every value under label_positive, label_negative or label_missing in [evaluation_set]",
        )
    branches = [
        f"WHEN {relation.expression(column)} IN ({_stored(spellings, kind)}) THEN CAST({label} AS TINYINT)"
        for label, meant in ((1, positive), (0, negative))
        if (spellings := [value for value in found if value.casefold() in meant])
    ]
    return f"CASE {' '.join(branches)} END" if branches else "CAST(NULL AS TINYINT)"


def _stored(spellings: list[str], kind: str) -> str:
    """The values as the column stores them: comparing integers with integers needs no text for each row."""
    if kind == "VARCHAR":
        return ", ".join(literal(value) for value in spellings)
    return ", ".join(f"CAST({literal(value)} AS {kind})" for value in spellings)
