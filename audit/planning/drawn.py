"""Rows that are drawn from the strata of a pool, and the file of them.

Strata of a pool, the units with the lowest tickets, and the chance that each had.

A unit (a row, a cluster, a set of copies) belongs to the stratum of the one of its cells that gives the largest share
of its rows. From each stratum a fixed number of units is drawn at random without replacement: those with the lowest
tickets. So every row of a unit has the same, known chance, never less than the share that its own cell gives.

File of the rows that were drawn, with every column of their pool and the columns that the draw adds.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from audit.engines.protocol import ROW, identifier, literal
from audit.engines.read_errors import reading
from audit.errors import DataError, StorageError
from audit.evaluation.relation import BETWEEN_ITEMS, is_number_type, text_of
from audit.plan.sampling_design import SamplingDesign
from audit.plan.sections import feature_coding
from audit.planning.pool import PREFIX, Pool
from audit.stats.arrays import FloatArray, IntArray
from audit.stats.cluster_power import UnitShapes
from audit.vocabulary.text import shown

_TICKETS: Final = 2**128
_OF_UNITS: Final = {
    "units": "1.0",
    "rows": "r",
    "rows_2": "r ** 2",
    "rows_3": "r ** 3",
    "rows_4": "r ** 4",
    "bundles": "(r > 1)::DOUBLE",
    "bundled": "r * (r > 1)::DOUBLE",
    "bundled_2": "r ** 2 * (r > 1)::DOUBLE",
    "even_q": "(r - 1) / r ** 2",
    "even_bb": "(r - 1) / r",
    "even_q_q": "(r - 1) ** 2 / r ** 4",
    "even_q_bb": "(r - 1) ** 2 / r ** 3",
    "even_bb_bb": "(r - 1) ** 2 / r ** 2",
}
"""SQL over the number r of rows of a unit in a group, by the field of `UnitShapes` that it is added up in."""


@dataclass(frozen=True, slots=True)
class Strata:
    """Number of units in each stratum, and number drawn; stratum c has the units that cell c calls for."""

    units: IntArray
    """int64[C]: units there are."""
    drawn: IntArray
    """int64[C]: units to draw; at least one of each stratum that has any."""
    sums: FloatArray
    """float64[4, C]: for each cell the rows to expect and the sums to expect of the first, second and fourth powers of
    their weights. Without larger units no more than that is left to chance.
    """
    largest: int
    """Rows of the largest unit."""

    @property
    def expected(self) -> FloatArray:
        """float64[C]: rows of each cell to expect."""
        rows: FloatArray = self.sums[0]
        return rows

    @property
    def probability(self) -> FloatArray:
        """float64[C]: the chance that each unit of a stratum has; 1 where there are none."""
        return np.where(self.units > 0, self.drawn / np.maximum(self.units, 1), 1.0)


def distinct_rows(pool: Pool) -> IntArray:
    """int64[C]: rows of each cell in the frame."""
    rows = np.zeros(len(pool.cells), dtype=np.int64)
    for cell, count in pool.query("SELECT cell, count(*) FROM frame GROUP BY cell"):
        rows[cell] = count
    return rows


def unit_shapes(pool: Pool, rows: IntArray, assigned: IntArray, groups: int) -> UnitShapes:
    """Count the sizes of units, by group.

    Parameters
    ----------
    rows : ndarray of int64, shape (C,)
        Rows of each cell in the frame.
    assigned : ndarray of int64, shape (C,)
        The group of each cell; -1 for none.
    groups : int
        Number of groups.
    """
    if not pool.whole_units:
        some = assigned >= 0
        return UnitShapes.of_rows(np.bincount(assigned[some], rows[some], groups).astype(np.float64))
    _count_units(pool)
    pool.put("assigned", {"cell": np.arange(assigned.size), "of_group": assigned})
    sums = ", ".join(f"sum({_OF_UNITS[part.name]})" for part in fields(UnitShapes))
    counted = pool.query(
        f"SELECT of_group, {sums} FROM (SELECT of_group, unit, sum(rows)::DOUBLE AS r FROM unit_cells "  # noqa: S608
        "JOIN assigned USING (cell) WHERE of_group >= 0 GROUP BY of_group, unit) GROUP BY of_group"
    )
    shapes = np.zeros((len(_OF_UNITS), groups))
    for group, *values in counted:
        shapes[:, group] = values
    return UnitShapes(*shapes)


def strata_for(pool: Pool, rows: IntArray, wanted_cases: IntArray) -> Strata:
    """Make the strata for drawing so many rows of each cell.

    Parameters
    ----------
    rows : ndarray of int64, shape (C,)
        Rows of each cell in the frame.
    asked : ndarray of int64, shape (C,)
        Rows to draw, between 1 and `rows` where there are any.
    """
    if not pool.whole_units:
        return Strata(rows, wanted_cases, _weight_sums(rows, wanted_cases / np.maximum(rows, 1)), int(rows.any()))
    _count_units(pool)
    share = np.where(rows > 0, wanted_cases / np.maximum(rows, 1), 0.0)
    order = np.lexsort((np.arange(share.size), -share))
    pool.put("ranks", {"cell": order, "rank": np.arange(order.size)})
    pool.query(
        "CREATE OR REPLACE TEMP TABLE units AS SELECT unit, arg_min(cell, rank) AS stratum, sum(rows)::BIGINT AS rows "
        "FROM unit_cells JOIN ranks USING (cell) GROUP BY unit"
    )
    units, largest = np.zeros(share.size, dtype=np.int64), 0
    for stratum, count, most in pool.query("SELECT stratum, count(*), max(rows) FROM units GROUP BY stratum"):
        units[stratum], largest = count, max(largest, int(most))
    drawn = np.minimum(np.maximum(np.ceil(share * units - 1e-9), units > 0), units).astype(np.int64)
    sums = np.zeros((4, share.size))
    for stratum, cell, count in pool.query(
        "SELECT stratum, cell, sum(unit_cells.rows) FROM unit_cells JOIN units USING (unit) GROUP BY ALL "
        "ORDER BY stratum, cell"
    ):
        sums[:, cell] += _weight_sums(np.asarray(count), np.asarray(drawn[stratum] / units[stratum]))
    return Strata(units, drawn, sums, largest)


def _weight_sums(rows: npt.NDArray[Any], chance: npt.NDArray[Any]) -> FloatArray:
    """Return, for rows with one chance each, how many to expect, and what the powers of their weights add up to."""
    safe = np.where(chance > 0.0, chance, 1.0)
    return np.stack([np.asarray(rows * chance / safe**power, dtype=np.float64) for power in (0, 1, 2, 4)])


def _count_units(pool: Pool) -> None:
    """Make the table `unit_cells`: rows of each unit in each cell."""
    pool.query(
        "CREATE TEMP TABLE IF NOT EXISTS unit_cells AS "
        "SELECT unit, cell, count(*) AS rows FROM frame GROUP BY unit, cell"
    )


def draw_units(pool: Pool, strata: Strata) -> IntArray:
    """Draw the units: the table `drawn` gets the rows (`place`, `cell`, `unit`) with the `stratum` of their unit.

    Returns
    -------
    ndarray of int64, shape (C,)
        Rows drawn of each cell.
    """
    some = [
        (stratum, int(strata.drawn[stratum]), int(strata.units[stratum])) for stratum in np.flatnonzero(strata.units)
    ]
    cuts = ", ".join(f"({stratum}, {wanted}, '{_highest_ticket(wanted, units)}')" for stratum, wanted, units in some)
    pool.query("CREATE TEMP TABLE cuts (stratum INTEGER, wanted BIGINT, highest UHUGEINT)")
    pool.query(f"INSERT INTO cuts VALUES {cuts}")  # noqa: S608 - numbers
    units = "units" if pool.whole_units else "(SELECT unit, cell AS stratum FROM frame)"
    lowest = (
        f"SELECT unit, stratum FROM {units} JOIN cuts USING (stratum) WHERE unit <= highest "  # noqa: S608
        "QUALIFY row_number() OVER (PARTITION BY stratum ORDER BY unit) <= wanted"
    )
    pool.query(f"CREATE TEMP TABLE winners AS {lowest}")
    if _too_few(pool):  # a cut that was too low; it happens to one draw in a million billions
        pool.query(f"UPDATE cuts SET highest = {_TICKETS - 1}")  # noqa: S608
        pool.query(f"CREATE OR REPLACE TEMP TABLE winners AS {lowest}")
    on = "frame.unit = winners.unit" + ("" if pool.whole_units else " AND frame.cell = winners.stratum")
    pool.query(f"CREATE TEMP TABLE drawn AS SELECT frame.*, stratum FROM frame JOIN winners ON {on}")  # noqa: S608
    rows = np.zeros(len(pool.cells), dtype=np.int64)
    for cell, count in pool.query("SELECT cell, count(*) FROM drawn GROUP BY cell"):
        rows[cell] = count
    return rows


def _highest_ticket(wanted: int, units: int) -> int:
    """Return a ticket above which none of the lowest `wanted` is to be looked for: ten standard deviations of their
    number.
    """
    if wanted >= units:
        return _TICKETS - 1
    return min(_TICKETS - 1, _TICKETS * (wanted + 10 * math.isqrt(wanted) + 50) // units)


def _too_few(pool: Pool) -> bool:
    ((short,),) = pool.query(
        "SELECT count(*) FROM cuts LEFT JOIN (SELECT stratum, count(*) AS found FROM winners GROUP BY stratum) "
        "USING (stratum) WHERE COALESCE(found, 0) < wanted"
    )
    return bool(short)


FORMATS: Final = (".parquet", ".csv")
"""Endings of a file that a drawn set can be written to."""
_BATCH: Final = 1 << 16
_ROW_GROUP: Final = 1 << 17
_NESTED: Final = ("STRUCT", "MAP", "UNION", "BLOB", "BIT", "VARIANT", "GEOMETRY")


def write_drawn(pool: Pool, design: SamplingDesign, strata: Strata, target: Path) -> None:
    """Write the rows of the table `drawn`, sorted by id.

    Parameters
    ----------
    strata : Strata
        The strata that they were drawn from; stratum c is number c + 1 in the file.
    target : Path
        Where to write; its ending says whether Parquet, or CSV (UTF-8, commas, every column as text).

    Raises
    ------
    DataError
        If a column cannot be written in such a file.
    StorageError
        If there is no room for it; no part of it is left.
    """
    as_text = target.suffix.casefold() == ".csv"
    written = _written_columns(pool, design, as_text=as_text)
    columns = ", ".join(f"{sql} AS {identifier(name)}" for name, sql in written.items())
    picked = ", ".join(f"read.{identifier(name)}" for name in written)
    chance = strata.probability
    pool.put(
        "chances",
        {
            "stratum": np.arange(chance.size),
            "inclusion_probability": chance,
            "design_weight": strata.units / np.maximum(strata.drawn, 1),
        },
    )
    added = "chances.inclusion_probability, chances.design_weight, drawn.stratum + 1 AS stratum"
    joins = "JOIN chances ON chances.stratum = drawn.stratum"
    if design.together:
        added += ", substr(md5(hex(drawn.unit)), 1, 16) AS sampling_unit"
    elif design.duplicates is not None:
        added += ", COALESCE(doubles.copies, 1)::BIGINT AS copies"
        joins += " LEFT JOIN doubles ON doubles.copy = drawn.copy"
    order = _free_name(written)
    read = f"SELECT {columns}, {ROW}, {pool.case_id} AS {order} FROM source"  # noqa: S608
    with reading(pool.source.source_name):
        reader = pool.engine.sql(
            f"SELECT {picked}, {added} FROM ({read}) AS read "  # noqa: S608
            f"JOIN drawn ON drawn.place = read.{ROW} {joins} ORDER BY read.{order}"
        ).to_arrow_reader(_BATCH)
    with _storing(pool, target):
        _write(_equal_tables(reader, pool.source.source_name), reader.schema, target, as_text=as_text)


def _free_name(columns: Iterable[str]) -> str:
    """Return a name for the id that no column has; names that differ in case alone are one to DuckDB."""
    taken = {name.casefold() for name in columns}
    name = f"{PREFIX}id"
    while name in taken:
        name += "_"
    return name


@contextlib.contextmanager
def _storing(pool: Pool, target: Path) -> Iterator[None]:
    """Report errors while the set is written as errors of the target, not of the pool; leave no half of a file."""
    try:
        yield
    except BaseException as error:
        with contextlib.suppress(OSError):
            target.unlink(missing_ok=True)
        if isinstance(error, pa.ArrowNotImplementedError):
            raise DataError(
                f"{shown(pool.source.source_name)}: a column is of a type that {target.suffix} files do not have",
                slug="column-type",
                hint="leave out columns of lengths of time (INTERVAL), or store them as numbers or text",
            ) from None
        if isinstance(error, OSError):
            raise StorageError(
                f"cannot write {shown(target.name)} ({error.strerror or 'storage error'})",
                slug="storage-failed",
                hint="free some space or choose another folder with --out; nothing was changed",
            ) from None
        raise


def _written_columns(pool: Pool, design: SamplingDesign, *, as_text: bool) -> dict[str, str]:
    """Return SQL of every column of the pool as it is written; nationalities that are numbers are written as
    numbers.
    """
    types, source = pool.source.types, pool.source
    plan = design.as_plan()
    coded = {
        column
        for name, feature in design.groups.items()
        for column in (feature.column, feature.country_column)
        if column is not None and feature.holds_nationalities(feature_coding(plan.groups, name))
    }
    numbers = {column for column in coded if is_number_type(types[column]) or column in source.all_numbers}
    lists = _list_columns(pool, design)
    if not as_text:
        text_columns = {column for column in numbers if types[column] == "VARCHAR"}
        as_numbers = {name: f"CAST({identifier(name)} AS BIGINT)" for name in text_columns}
        return {name: as_numbers.get(name) or lists.get(name) or identifier(name) for name in types}
    if numbers:
        raise _no_csv(pool, "nationalities are stored as numbers, and CSV has no numbers: 4 would no longer be 004")
    split = [name for name, sql in lists.items() if sql.startswith("string_split")]
    if split or any(kind.endswith("]") or kind.startswith(_NESTED) for kind in types.values()):
        raise _no_csv(pool, "a column holds lists, objects or bytes, which CSV does not have")
    return {name: lists.get(name) or text_of(identifier(name), kind) for name, kind in types.items()}


def _list_columns(pool: Pool, design: SamplingDesign) -> dict[str, str]:
    """Return SQL of the columns of a JSONL pool whose cells are lists of nationalities, so that the audit can read them
    again.

    The separator of the design stands between the items where it has one; else they are written as lists.
    """
    list_columns = {}
    mark = f"chr({ord(BETWEEN_ITEMS)})"
    for section in design.groups.values():
        column = identifier(section.column)
        if section.column not in pool.source.lists:
            continue
        ((some,),) = pool.query(f"SELECT bool_or(contains({column}, {mark})) FROM source")  # noqa: S608
        if some and section.separator is not None:
            list_columns[section.column] = f"replace({column}, {mark}, {literal(section.separator)})"
        elif some:
            list_columns[section.column] = f"string_split({column}, {mark})"
    return list_columns


def _no_csv(pool: Pool, why: str) -> DataError:
    return DataError(f"{shown(pool.source.source_name)}: {why}", slug="drawn-csv")


def _equal_tables(reader: pa.RecordBatchReader, source_name: str) -> Iterator[pa.Table]:
    """Yield the rows in tables of one size, so that the bytes written do not depend on how DuckDB came by them."""
    waiting: list[pa.RecordBatch] = []
    rows = 0
    batches = iter(reader)
    while True:
        with reading(source_name):
            batch = next(batches, None)
        if batch is None:
            break
        waiting.append(batch)
        rows += batch.num_rows
        while rows >= _ROW_GROUP:
            table = pa.Table.from_batches(waiting)
            yield table.slice(0, _ROW_GROUP).combine_chunks()
            waiting = table.slice(_ROW_GROUP).to_batches()
            rows -= _ROW_GROUP
    if rows:
        yield pa.Table.from_batches(waiting).combine_chunks()


def _write(tables: Iterator[pa.Table], schema: pa.Schema, target: Path, *, as_text: bool) -> None:
    if as_text:
        with target.open("wb") as file, pc.CSVWriter(file, schema) as writer:
            for table in tables:
                writer.write_table(table)
        return
    with target.open("wb") as file, pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for table in tables:
            writer.write_table(table, row_group_size=_ROW_GROUP)
