"""Ids: every row has one, and no two rows have the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.errors import DataError
from audit.evaluation.columns import EXACT_INTEGERS, check_text_type, is_float, text_of
from audit.evaluation.connection import reading
from audit.evaluation.quoting import identifier, shown
from audit.evaluation.relation import ROW, Relation
from audit.evaluation.row_numbers import SHOWN, rows_text, rows_where

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import numpy.typing as npt

_BATCH = 1 << 17


def check_ids(connection: duckdb.DuckDBPyConnection, relation: Relation, column: str) -> str:
    """Check the ids of a relation.

    Returns
    -------
    str
        SQL of the id as text (VARCHAR), never empty and never the same in two rows.

    Raises
    ------
    DataError
        If ids are missing or repeated, or were stored as floats too large to be exact; with how many and which rows.
    """
    kind, expression = relation.types[column], relation.expression(column)
    check_text_type(relation.source_name, column, kind, "the id")
    text, name = text_of(expression, kind), identifier(relation.name)
    with reading(relation.source_name):
        count, rows = rows_where(connection, name, f"{text} IS NULL OR {text} = ''")
        if count:
            raise DataError(
                f'{shown(relation.source_name)}: no id in "{shown(column)}" in {rows_text(count, rows)}',
                slug="missing-ids",
                hint="every case needs an id of its own, so that none is lost or counted twice",
            )
        if is_float(kind):
            _refuse_rounded(connection, relation, column)
        _refuse_repeated(connection, relation, column, text)
    return text


def has_repeats(connection: duckdb.DuckDBPyConnection, relation: Relation, text: str) -> bool:
    """Whether two rows have the same value of an SQL expression, by 64-bit hashes."""
    query = f"SELECT hash({text}) FROM {identifier(relation.name)}"  # noqa: S608
    return len(_repeated(_hashes(connection, query, relation.rows))) > 0


def _refuse_rounded(connection: duckdb.DuckDBPyConnection, relation: Relation, column: str) -> None:
    expression = relation.expression(column)
    count, rows = rows_where(connection, identifier(relation.name), f"abs({expression}) >= {EXACT_INTEGERS}")
    if count:
        raise DataError(
            f'{shown(relation.source_name)}: ids in "{shown(column)}" were stored as floats, and are too large to be '
            f"exact in {rows_text(count, rows)}",
            slug="rounded-ids",
            hint="export them again as text or as integers: distinct ids may have become equal",
        )


def _refuse_repeated(connection: duckdb.DuckDBPyConnection, relation: Relation, column: str, text: str) -> None:
    """Compare 64-bit hashes first: 8 bytes a row, where the ids themselves would take gigabytes. Only equal hashes
    are looked at again, by the ids themselves, so that a collision refuses nothing.
    """
    name = identifier(relation.name)
    suspects = _repeated(_hashes(connection, f"SELECT hash({text}) FROM {name}", relation.rows))  # noqa: S608
    if not len(suspects):
        return
    import pyarrow as pa

    connection.register("suspect_hashes", pa.table({"suspect": pa.array(suspects)}))
    try:
        again = (
            f"SELECT {text} AS id, {ROW} AS place FROM {name} "  # noqa: S608
            f"WHERE hash({text}) IN (SELECT suspect FROM suspect_hashes)"
        )
        repeats = (
            f"FROM ({again}) AS every JOIN (SELECT id, min(place) AS first FROM ({again}) GROUP BY id) USING (id) "  # noqa: S608
            "WHERE place > first"
        )
        ((count,),) = connection.execute(f"SELECT count(*) {repeats}").fetchall()
        rows = [row[0] for row in connection.execute(f"SELECT place {repeats} ORDER BY place LIMIT {SHOWN}").fetchall()]
    finally:
        connection.unregister("suspect_hashes")
    if count:
        raise DataError(
            f'{shown(relation.source_name)}: the id in "{shown(column)}" was seen before in {rows_text(count, rows)}',
            slug="duplicate-ids",
            hint="every case needs an id of its own; name the column that tells cases apart, or remove true copies",
        )


def _hashes(connection: duckdb.DuckDBPyConnection, query: str, rows: int) -> npt.NDArray[np.uint64]:
    import numpy as np

    hashes = np.empty(rows, dtype=np.uint64)
    filled = 0
    for batch in connection.sql(query).to_arrow_reader(_BATCH):
        some = np.frombuffer(batch.column(0).buffers()[1], dtype=np.uint64)[batch.column(0).offset :][: batch.num_rows]
        hashes[filled : filled + len(some)] = some
        filled += len(some)
    return hashes[:filled]


def _repeated(hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The values that occur more than once. Sorts `hashes` in place."""
    import numpy as np

    hashes.sort()
    return np.unique(hashes[1:][hashes[1:] == hashes[:-1]])
