"""Write the rows of a world to a file, block by block: CSV with the same bytes everywhere, or Parquet."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from audit.worlds.advert_text import advert_columns
from audit.worlds.as_typed import as_people_type
from audit.worlds.draws import Draws
from audit.worlds.mechanism import Mechanism
from audit.worlds.rows import Rows, drawn_rows
from audit.worlds.tabular import Columns, referral_columns, transaction_columns
from audit.worlds.world import World, WorldName

if TYPE_CHECKING:
    import pyarrow as pa

DataFormat = Literal["csv", "parquet"]

_COLUMNS: Final[dict[WorldName, Callable[[World, Rows, Draws], Columns]]] = {
    "adverts": advert_columns,
    "triage": referral_columns,
    "transactions": transaction_columns,
}
_TEXT: Final = frozenset(
    {"gender", "nationality", "source", "language", "text", "age_band", "form", "account", "channel"}
)


def row_blocks(mechanism: Mechanism, rows: int, seed: int, *, as_typed: bool = False) -> Iterator[Columns]:
    """Yield the rows as columns of text, in blocks; genders and nationalities are codes, or words as people type
    them.
    """
    world = mechanism.world
    for drawn, draws in drawn_rows(mechanism, rows, seed):
        columns = _COLUMNS[world.name](world, drawn, draws)
        yield as_people_type(columns, draws) if as_typed else columns


def rows_table(mechanism: Mechanism, rows: int, seed: int) -> pa.Table:
    """Make all rows as a table in memory, with types."""
    import pyarrow as pa

    return pa.concat_tables(_table(mechanism.world, columns) for columns in row_blocks(mechanism, rows, seed))


def write_rows(
    path: Path, mechanism: Mechanism, rows: int, seed: int, data_format: DataFormat, *, as_typed: bool = False
) -> None:
    """Write the rows to `path`. Raises OSError."""
    parts = row_blocks(mechanism, rows, seed, as_typed=as_typed)
    if data_format == "csv":
        _write_csv(path, parts)
    else:
        _write_parquet(path, mechanism.world, parts)


def _write_csv(path: Path, parts: Iterator[Columns]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for number, columns in enumerate(parts):
            if number == 0:
                writer.writerow(columns)
            writer.writerows(zip(*columns.values(), strict=True))


def _write_parquet(path: Path, world: World, parts: Iterator[Columns]) -> None:
    import pyarrow.parquet as pq

    writer: pq.ParquetWriter | None = None
    try:
        for columns in parts:
            table = _table(world, columns)
            if writer is None:
                writer = pq.ParquetWriter(path, table.schema, compression="zstd")
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()


def _table(world: World, columns: Columns) -> pa.Table:
    import pyarrow as pa

    text = _TEXT | {world.id, world.channel}
    return pa.table(
        {
            name: pa.array(values, pa.string())
            if name in text
            else pa.array(values, pa.string()).cast(pa.float64() if name == "amount" else pa.int64())
            for name, values in columns.items()
        }
    )
