"""Single cases for the libraries: read from the view `scored` in one query, and cut into groups without counting.

From Spark no rows come back: it counts them by group, label and decision in a query of its own, and each count becomes
so many rows again. There the libraries check what is made of the counts, and not that Spark counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from audit.analyses.crosscheck.tables import Rows
from audit.counting.count import SCORED, grouped, plain
from audit.counting.table import FLAGGED, NOT_FLAGGED
from audit.engines.duckdb import DuckDBEngine
from audit.plan.evaluation_set import CASES
from audit.stats.arrays import IntArray, numbered
from audit.vocabulary.groups import Family, Group, Level

if TYPE_CHECKING:
    import pyarrow as pa

    from audit.evaluation.evaluation_set import EvaluationSet

MOST_ROWS: Final = 1_000_000
"""Number of rows from which on a set is no longer compared row by row."""


def group_rows(evaluation_set: EvaluationSet, families: Sequence[Family]) -> dict[Group, Rows]:
    """Return the scored cases of everyone and of each group of the finest rung of each single feature in `families`.

    Empty for a set of `MOST_ROWS` or more. Raises DataError where the file cannot be read any more.
    """
    if evaluation_set.rows >= MOST_ROWS:
        return {}
    finest = {feature.name: feature.rungs[0] for feature in evaluation_set.features}
    single = [
        family for family in families if len(family.axes) == 1 and finest[family.axes[0].feature] == family.axes[0].rung
    ]
    names = [f"group_{family.axes[0].feature}" for family in single]
    columns = plain(["label", "decision", *names])
    where = f"decision IN ({FLAGGED}, {NOT_FLAGGED})"
    if isinstance(evaluation_set.engine, DuckDBEngine):
        cases = f"{SCORED}, range({CASES})" if CASES in evaluation_set.expressions else SCORED
        table = evaluation_set.table_of(f"SELECT {', '.join(columns.values())} FROM {cases} WHERE {where}")  # noqa: S608
    else:
        counted = evaluation_set.table_of(grouped(SCORED, columns, {"cases": "count(*)"}, where))
        table = counted.take(np.repeat(np.arange(counted.num_rows), counted.column("cases").to_numpy()))
    label = table.column("label").fill_null(-1).to_numpy().astype(np.int8)
    rows = Rows(label, (table.column("decision").to_numpy() == FLAGGED).astype(np.int8))
    found = {Group(()): rows}
    for family, name in zip(single, names, strict=True):
        codes = evaluation_set.codes[family.axes[0].feature]
        found |= _family_rows(family, *code_places(table.column(name), codes), rows)
    return found


def code_places(column: pa.ChunkedArray, codes: Mapping[str | None, str]) -> tuple[tuple[str, ...], IntArray]:
    """Return the distinct codes of a column, sorted, and the place of each row's; a raw value is looked up once."""
    import pyarrow as pa

    whole = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], pa.string())
    encoded = whole.dictionary_encode(null_encoding="encode")
    distinct, place = numbered([codes[value] for value in encoded.dictionary.to_pylist()])
    return tuple(distinct), place[encoded.indices.to_numpy()]


def _family_rows(family: Family, distinct: Sequence[str], place: IntArray, rows: Rows) -> dict[Group, Rows]:
    (axis,) = family.axes
    order = np.argsort(place.astype(np.int32), kind="stable")
    edges = np.searchsorted(place[order], np.arange(len(distinct) + 1))
    label, decision = rows.label[order], rows.decision[order]
    return {
        Group((Level(axis.feature, axis.rung, code),)): Rows(label[start:end], decision[start:end])
        for code, start, end in zip(distinct, edges[:-1], edges[1:], strict=True)
    }
