"""Ids: every row has one, and no two rows have the same."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from audit.engines.spark import SparkEngine
from audit.errors import DataError
from audit.evaluation.columns import EXACT_INTEGERS, check_text_type, is_float, text_of
from audit.evaluation.connection import reading
from audit.evaluation.relation import ROW, Relation
from audit.evaluation.repeats import repeated_hashes
from audit.evaluation.row_numbers import refuse_rows
from audit.evaluation.sql import identifier
from audit.vocabulary.text import SHOWN, rows_text, shown

_WHOLE: Final = frozenset({"SMALLINT", "INTEGER", "BIGINT"})
"""Types of ids that are numbers whose differences are numbers of 64 bits."""
_CLOSE: Final = 16
"""Numbers up to so many times as many as the rows lie close together: for each thread, two bytes a row."""
_MOST_BITS: Final = 1_000_000_000
"""Most bits of a set of bits in DuckDB."""

if TYPE_CHECKING:
    import duckdb

    from audit.engines.protocol import Engine
    from audit.evaluation.connection import PrivateFolder


def check_ids(connection: Engine, relation: Relation, column: str, private: PrivateFolder) -> str:
    """Check the ids of a relation. Larger sets are written to `private` for a while.

    Returns
    -------
    str
        SQL of the id as text (VARCHAR), never empty and never the same in two rows.

    Raises
    ------
    DataError
        If ids are missing or repeated, or were stored as floats too large to be exact; with how many and which rows.
    StorageError
        If there is no room to compare them.
    """
    kind, expression = relation.types[column], relation.expression(column)
    check_text_type(relation.source_name, column, kind, "the id")
    text = text_of(expression, kind)
    refuse_rows(
        connection,
        relation,
        f"{text} IS NULL OR {text} = ''",
        f'no id in "{shown(column)}"',
        slug="missing-ids",
        hint="every case needs an id of its own, so that none is lost or counted twice",
    )
    if is_float(kind):
        refuse_rows(
            connection,
            relation,
            f"abs({expression}) >= {EXACT_INTEGERS}",
            f'ids in "{shown(column)}" were stored as floats, and are too large to be exact',
            slug="rounded-ids",
            hint="export them again as text or as integers: distinct ids may have become equal",
        )
    with reading(relation.source_name):
        if isinstance(connection, SparkEngine):
            if repeated := connection.repeated(identifier(relation.name), text):
                raise _seen_before(relation, column, repeated, [])
        elif kind not in _WHOLE or not _all_different(connection, relation, expression):
            _refuse_repeated(connection, relation, column, text, private)
    return text


def has_repeats(connection: duckdb.DuckDBPyConnection, relation: Relation, text: str, private: PrivateFolder) -> bool:
    """Whether two rows have the same value of an SQL expression, by 64-bit hashes."""
    query = f"SELECT hash({text}) FROM {identifier(relation.name)}"  # noqa: S608
    return len(repeated_hashes(connection, query, relation.rows, private, relation.source_name)) > 0


def cases_digest(connection: Engine, relation: Relation, text: str) -> str:
    """SHA-256 (hex) of the ids of a relation, equal for every order of rows and every format of file.

    Parameters
    ----------
    text : str
        SQL of the id, as `check_ids` returns it.

    Notes
    -----
    The digest of how many ids there are and of the sums of the two halves of their MD5 (as a number whose lowest byte
    comes first). It distinguishes sets that were not made to collide, and reveals nothing about a single id. Raises
    DataError where rows cannot be read.
    """
    name = identifier(relation.name)
    if isinstance(connection, SparkEngine):
        high, low = connection.digest_sums(name, text)
        return hashlib.sha256(f"{relation.rows} {high} {low}".encode()).hexdigest()
    halves = f"SELECT md5_number({text}) AS one FROM {name}"  # noqa: S608
    query = (
        "SELECT sum((one >> 64)::UBIGINT) AS high, "  # noqa: S608
        f"sum((one & 18446744073709551615::UHUGEINT)::UBIGINT) AS low FROM ({halves})"
    )
    with reading(relation.source_name):
        ((high, low),) = connection.execute(query).fetchall()
    return hashlib.sha256(f"{relation.rows} {high} {low}".encode()).hexdigest()


def _all_different(connection: duckdb.DuckDBPyConnection, relation: Relation, number: str) -> bool:
    """Whether whole numbers that lie close together are all different: one bit for each that could be there."""
    name = identifier(relation.name)
    ((low, high),) = connection.execute(f"SELECT min({number}) AS low, max({number}) AS high FROM {name}").fetchall()  # noqa: S608
    if low is None or high - low >= min(_CLOSE * relation.rows, _MOST_BITS):
        return False
    seen = f"bit_count(bitstring_agg({number}::BIGINT - $low::BIGINT, 0, {high - low}))"
    ((different,),) = connection.execute(f"SELECT {seen} AS different FROM {name}", {"low": low}).fetchall()  # noqa: S608
    return bool(different == relation.rows)


def _refuse_repeated(
    connection: duckdb.DuckDBPyConnection, relation: Relation, column: str, text: str, private: PrivateFolder
) -> None:
    """Raise DataError if an id occurs twice.

    64-bit hashes are compared first: 8 bytes a row, where the ids themselves would take gigabytes. Rows with equal
    hashes are then compared by their ids, so that a collision refuses nothing.
    """
    name = identifier(relation.name)
    query = f"SELECT hash({text}) FROM {name}"  # noqa: S608
    suspects = repeated_hashes(connection, query, relation.rows, private, relation.source_name)
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
        raise _seen_before(relation, column, count, rows)


def _seen_before(relation: Relation, column: str, count: int, rows: list[int]) -> DataError:
    return DataError(
        f'{shown(relation.source_name)}: the id in "{shown(column)}" was seen before in {rows_text(count, rows)}',
        slug="duplicate-ids",
        hint="every case needs an id of its own; name the column that tells cases apart, or remove true copies",
    )
