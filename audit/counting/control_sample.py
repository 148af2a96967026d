"""Counts of the cases that were drawn at random: a check of whom the other labels are about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from audit.counting.count import SCORED
from audit.counting.table import DECISIONS, NEGATIVE, POSITIVE, UNLABELLED, CountsTable
from audit.evaluation.connection import reading
from audit.stats.arrays import IntArray

if TYPE_CHECKING:
    from audit.evaluation.evaluation_set import EvaluationSet

__all__ = ["IN_CONTROL_SAMPLE", "count_control_sample"]

IN_CONTROL_SAMPLE: Final = "in_control_sample"
"""Name of the column of the scored set that says so."""


def count_control_sample(evaluation_set: EvaluationSet, relation: str = SCORED) -> CountsTable | None:
    """Count the rows of the scored set that are in the control sample; None where the plan names none.

    Parameters
    ----------
    evaluation_set : EvaluationSet
        The set after scoring: `relation` has what `audit.counting.count.count_cases` needs, and `in_control_sample`
        (BOOLEAN) where the plan has a control sample.

    Raises
    ------
    DataError
        If the file cannot be read any more.
    AssertionError
        If a row has no decision: a defect of this tool.
    """
    if IN_CONTROL_SAMPLE not in evaluation_set.expressions:
        return None
    import ibis

    features = [feature.name for feature in evaluation_set.features]
    connection = evaluation_set.connection
    with reading(evaluation_set.source_name):
        expression = _expression(relation, [f"group_{name}" for name in features])
        query = ibis.duckdb.from_connection(connection).compile(expression)
        counted = connection.sql(query).fetchall()
    rows: dict[tuple[str, ...], IntArray] = {}
    for *values, cell, cases in counted:
        if cell is None:
            raise AssertionError(f"{cases} rows have no decision")
        key = tuple(evaluation_set.codes[name][value] for name, value in zip(features, values, strict=True))
        label, decision = divmod(cell, DECISIONS)
        rows.setdefault(key, np.zeros((UNLABELLED + 1, DECISIONS), dtype=np.int64))[label, decision] += cases
    return CountsTable.of(features, rows)


def _expression(relation: str, groups: Sequence[str]) -> Any:
    """Each group, `cell` (label x decision, packed as in the counts of everyone) and `cases` of the sample."""
    import ibis

    types = {**dict.fromkeys(groups, "string"), "label": "int8", "decision": "int8", IN_CONTROL_SAMPLE: "boolean"}
    scored = ibis.table(types, name=relation)
    drawn = scored.filter(scored[IN_CONTROL_SAMPLE])
    first = drawn.label.cases((1, POSITIVE * DECISIONS), (0, NEGATIVE * DECISIONS), else_=UNLABELLED * DECISIONS)
    cell = (first.cast("int8") + drawn.decision).cast("int8")
    return drawn.group_by([drawn[name] for name in groups], cell=cell).aggregate(cases=drawn.count())
