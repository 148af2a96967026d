"""Count the cases that were drawn at random: they check whom the labels of the other cases are about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from audit.counting.count import SCORED, cells_by_group, count_expression, run_expression
from audit.counting.table import CountsTable
from audit.evaluation.connection import reading

if TYPE_CHECKING:
    from audit.evaluation.evaluation_set import EvaluationSet

IN_CONTROL_SAMPLE: Final = "in_control_sample"
"""Column of the scored set: whether a row is in the control sample."""


def count_control_sample(evaluation_set: EvaluationSet, relation: str = SCORED) -> CountsTable | None:
    """Count the rows of the scored set that are in the control sample; None if the plan names none.

    Parameters
    ----------
    evaluation_set : EvaluationSet
        The set after scoring: `relation` has the columns for `audit.counting.count.count_cases`, and
        `in_control_sample` (BOOLEAN) if the plan has a control sample.

    Raises
    ------
    DataError
        The file cannot be read any more.
    AssertionError
        A row has no decision: a defect of this tool.
    """
    if IN_CONTROL_SAMPLE not in evaluation_set.expressions:
        return None
    features = [feature.name for feature in evaluation_set.features]
    expression = count_expression(relation, [f"group_{name}" for name in features], only=IN_CONTROL_SAMPLE)
    with reading(evaluation_set.source_name):
        counted = run_expression(evaluation_set.connection, expression).fetchall()
    return CountsTable.of(features, cells_by_group(counted, [evaluation_set.codes[name] for name in features]))
