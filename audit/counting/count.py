"""Rows become counts: one scan, one Ibis expression, and integers come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from audit.counting.table import DECISIONS, NEGATIVE, POSITIVE, UNLABELLED, CountsTable
from audit.evaluation.connection import reading
from audit.stats.arrays import IntArray

if TYPE_CHECKING:
    from audit.evaluation.evaluation_set import EvaluationSet

SCORED: Final = "scored"
"""Name of the view that scoring leaves in the connection."""
_SHAPE: Final = (UNLABELLED + 1, DECISIONS)


def count_cases(evaluation_set: EvaluationSet, relation: str = SCORED) -> CountsTable:
    """Count the rows of the scored set by raw values, label and decision, and give the raw values their codes.

    Parameters
    ----------
    evaluation_set : EvaluationSet
        The set after scoring: `relation` has `group_<feature>` (VARCHAR), `label` (1, 0, NULL), `decision` (0 to 3).

    Raises
    ------
    DataError
        If the file cannot be read any more.
    AssertionError
        If a row has no decision, or the counts do not add up to the rows of the set: a defect of this tool.
    """
    features = tuple(feature.name for feature in evaluation_set.features)
    with reading(evaluation_set.source_name):
        counted = _grouped_counts(evaluation_set.connection, relation, [f"group_{name}" for name in features])
    table = CountsTable.of(features, _by_code(counted, features, evaluation_set.codes))
    total = int(table.cells.sum())
    if total != evaluation_set.rows:
        raise AssertionError(f"{evaluation_set.rows} rows were read and {total} were counted")
    return table


def count_expression(relation: str, groups: Sequence[str]) -> Any:
    """The Ibis expression of the counts, bound to no engine: each group, `cell` (label x decision, packed), `cases`.

    Label and decision travel as one small integer: grouping by one key less takes a tenth less time.
    """
    import ibis

    scored = ibis.table({**dict.fromkeys(groups, "string"), "label": "int8", "decision": "int8"}, name=relation)
    first = scored.label.cases((1, POSITIVE * DECISIONS), (0, NEGATIVE * DECISIONS), else_=UNLABELLED * DECISIONS)
    # Ibis takes sums to the next wider integer; narrow keys group faster, and 12 cells fit into the narrowest.
    cell = (first.cast("int8") + scored.decision).cast("int8")
    return scored.group_by([scored[name] for name in groups], cell=cell).aggregate(cases=scored.count())


def _grouped_counts(connection: Any, relation: str, groups: Sequence[str]) -> Any:
    """What the expression counts in DuckDB, as an Arrow table: one scan.

    Ibis compiles it and DuckDB runs it: Ibis's own way out to Arrow loads pandas, which costs more than the counting.
    """
    import ibis

    query = ibis.duckdb.from_connection(connection).compile(count_expression(relation, groups))
    return connection.sql(query).to_arrow_table()


def _by_code(
    counted: Any, features: Sequence[str], codes: Mapping[str, Mapping[str | None, str]]
) -> dict[tuple[str, ...], IntArray]:
    """int64[3, 4] for every combination of codes found. Several raw values can have the same code."""
    columns = [[codes[name][value] for value in counted.column(f"group_{name}").to_pylist()] for name in features]
    cells, cases = counted.column("cell").to_pylist(), counted.column("cases").to_pylist()
    rows: dict[tuple[str, ...], IntArray] = {}
    for key, cell, count in zip(zip(*columns, strict=True), cells, cases, strict=True):
        if cell is None:
            raise AssertionError(f"{count} rows have no decision")
        label, decision = divmod(cell, DECISIONS)
        if key not in rows:
            rows[key] = np.zeros(_SHAPE, dtype=np.int64)
        rows[key][label, decision] += count
    return rows
