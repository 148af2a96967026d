"""File of the rows that were drawn, with every column of their pool and the columns that the draw adds."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from audit.engines.protocol import ROW, identifier, literal
from audit.engines.read_errors import reading
from audit.errors import DataError, StorageError
from audit.evaluation.relation import BETWEEN_ITEMS, is_number_type, text_of
from audit.plan.sampling_design import SamplingDesign
from audit.planning.drawing.pool import PREFIX, Pool
from audit.planning.drawing.strata import Strata
from audit.vocabulary.text import shown

if TYPE_CHECKING:
    import pyarrow as pa

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
    import pyarrow as pa

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
        if column is not None and feature.holds_nationalities(plan.coding(name))
    }
    numbers = {column for column in coded if is_number_type(types[column]) or column in source.all_numbers}
    lists = _list_columns(pool, design)
    if not as_text:
        whole = {column for column in numbers if types[column] == "VARCHAR"}
        as_numbers = {name: f"CAST({identifier(name)} AS BIGINT)" for name in whole}
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
    found = {}
    mark = f"chr({ord(BETWEEN_ITEMS)})"
    for section in design.groups.values():
        column = identifier(section.column)
        if section.column not in pool.source.lists:
            continue
        ((some,),) = pool.query(f"SELECT bool_or(contains({column}, {mark})) FROM source")  # noqa: S608
        if some and section.separator is not None:
            found[section.column] = f"replace({column}, {mark}, {literal(section.separator)})"
        elif some:
            found[section.column] = f"string_split({column}, {mark})"
    return found


def _no_csv(pool: Pool, why: str) -> DataError:
    return DataError(f"{shown(pool.source.source_name)}: {why}", slug="drawn-csv")


def _equal_tables(reader: pa.RecordBatchReader, source_name: str) -> Iterator[pa.Table]:
    """Yield the rows in tables of one size, so that the bytes written do not depend on how DuckDB came by them."""
    import pyarrow as pa

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
        import pyarrow.csv as pc

        with target.open("wb") as file, pc.CSVWriter(file, schema) as writer:
            for table in tables:
                writer.write_table(table)
        return
    import pyarrow.parquet as pq

    with target.open("wb") as file, pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for table in tables:
            writer.write_table(table, row_group_size=_ROW_GROUP)
