"""Count rows: one scan and one Ibis expression return integers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from audit.counting.table import DECISIONS, NEGATIVE, POSITIVE, UNLABELLED, CountsTable
from audit.evaluation.connection import reading
from audit.plan.evaluation_set import CASES
from audit.stats.arrays import IntArray

if TYPE_CHECKING:
    from audit.evaluation.evaluation_set import EvaluationSet

SCORED: Final = "scored"
"""Name of the view with the scored set, which scoring leaves in the connection."""
_SHAPE: Final = (UNLABELLED + 1, DECISIONS)


def count_cases(evaluation_set: EvaluationSet, relation: str = SCORED) -> CountsTable:
    """Count the rows of the scored set by group, label and decision. Raw values become codes.

    Parameters
    ----------
    evaluation_set : EvaluationSet
        The set after scoring: `relation` has `group_<feature>` (VARCHAR), `label` (1, 0, NULL), `decision` (0 to 3).

    Raises
    ------
    DataError
        The file cannot be read any more.
    AssertionError
        A row has no decision, or the counts do not add up to the rows of the set: a defect of this tool.
    """
    features = tuple(feature.name for feature in evaluation_set.features)
    is_counted = CASES in evaluation_set.expressions
    expression = count_expression(relation, [f"group_{name}" for name in features], cases=CASES if is_counted else None)
    with reading(evaluation_set.source_name):
        counted = run_expression(evaluation_set.connection, expression).fetchall()
    codes = [evaluation_set.codes[name] for name in features]
    table = CountsTable.of(features, cells_by_group(counted, codes))
    check_total(table, evaluation_set.rows)
    return table


def check_total(table: CountsTable, rows: int) -> None:
    """Raise AssertionError if the counts do not add up to the rows of the set: a defect of this tool."""
    total = int(table.cells.sum())
    if total != rows:
        raise AssertionError(f"{rows} rows were read and {total} were counted")


def count_expression(relation: str, groups: Sequence[str], *, only: str | None = None, cases: str | None = None) -> Any:
    """The Ibis expression of the counts, bound to no engine: each group, `cell` (label x decision, packed), `cases`.

    Label and decision travel as one small integer: grouping by one key less takes a tenth less time. `only` names a
    BOOLEAN column; then only the rows where it is true are counted. `cases` names a BIGINT column: how many cases a row
    stands for.
    """
    import ibis

    columns = {**dict.fromkeys(groups, "string"), "label": "int8", "decision": "int8"}
    further = {**({} if only is None else {only: "boolean"}), **({} if cases is None else {cases: "int64"})}
    scored = ibis.table({**columns, **further}, name=relation)
    if only is not None:
        scored = scored.filter(scored[only])
    number = scored.count() if cases is None else scored[cases].sum()
    return scored.group_by([scored[name] for name in groups], cell=packed_cell(scored)).aggregate(cases=number)


def label_code(scored: Any) -> Any:
    """The Ibis expression of a label times `DECISIONS`, to which the decision is added."""
    return scored.label.cases((1, POSITIVE * DECISIONS), (0, NEGATIVE * DECISIONS), else_=UNLABELLED * DECISIONS)


def packed_cell(scored: Any) -> Any:
    """The Ibis expression of label x decision as one integer from 0 to 11."""
    # Ibis takes sums to the next wider integer; narrow keys group faster, and 12 cells fit into the narrowest
    return (label_code(scored).cast("int8") + scored.decision).cast("int8")


def run_expression(connection: Any, expression: Any) -> Any:
    """Run an Ibis expression in DuckDB: one scan. Returns the relation, which has not been read yet.

    Ibis compiles it and DuckDB runs it: Ibis's own way out to Arrow loads pandas, which costs more than the counting.
    """
    import ibis

    return connection.sql(ibis.duckdb.from_connection(connection).compile(expression))


def cells_by_group(
    counted: Iterable[Sequence[Any]], codes: Sequence[Mapping[str | None, str]]
) -> dict[tuple[str, ...], IntArray]:
    """int64[3, 4] for every combination of codes that occurs. Several raw values can have the same code.

    `counted` holds lines of raw values, packed cell and cases; `codes` maps the raw values of each column to codes.
    """
    rows: dict[tuple[str, ...], IntArray] = {}
    for *values, cell, cases in counted:
        if cell is None:
            raise AssertionError(f"{cases} rows have no decision")
        key = tuple(code[value] for code, value in zip(codes, values, strict=True))
        rows.setdefault(key, np.zeros(_SHAPE, dtype=np.int64))[divmod(cell, DECISIONS)] += cases
    return rows
