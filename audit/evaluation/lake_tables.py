"""Tables of a data lake: which Parquet files are a version of a Delta table, or a snapshot of an Iceberg table.

The libraries of these formats read the table's own log, and DuckDB the files. A version whose rows are not simply those
of its files is refused: with deletion vectors, delete files, or columns of other names than in the files.
"""

from __future__ import annotations

import importlib
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple
from urllib.parse import unquote, urlparse

import pyarrow as pa
import pyarrow.parquet as pq

from audit.errors import DataError
from audit.evaluation.parquet_folder import ParquetParts, manifest_sha256
from audit.evaluation.unchanged import Unchanged
from audit.vocabulary.text import shown

if TYPE_CHECKING:
    from audit.plan.evaluation_set import EvaluationSetSection

_PACKAGES: Final[Mapping[str, str]] = {"delta": "deltalake", "iceberg": "pyiceberg"}
_CATALOGUES: Final = ".pyiceberg.yaml"
_FIELD_ID: Final = b"PARQUET:field_id"


class LakeTable(NamedTuple):
    """A version of a table, as a plan names it."""

    format: Literal["delta", "iceberg"]
    name: str
    """Folder of a Delta table, or catalogue, namespace and name of an Iceberg table, with dots between."""
    version: int
    """Version of a Delta table, or id of a snapshot."""


def lake_table(section: EvaluationSetSection, folder: Path) -> LakeTable:
    """Return the table that a plan names. `folder` is the plan's."""
    assert section.table is not None  # noqa: S101 - asked only where the plan names one
    assert section.version is not None  # noqa: S101 - the plan is refused otherwise
    delta = section.format == "delta"
    name = str((folder / section.table).absolute()) if delta else section.table
    return LakeTable("delta" if delta else "iceberg", name, section.version)


def place_of(table: LakeTable) -> Path:
    """Return the folder that holds the table. Raises DataError if it cannot be found, or lies in an object store."""
    if table.format == "delta":
        return Path(table.name)
    with _reading(table):
        location = str(_iceberg(table).location())
    return _local(table, location)


def table_parts(table: LakeTable) -> ParquetParts:
    """Find the Parquet files of one version of a Delta or Iceberg table.

    Raises
    ------
    DataError
        If the library of the format is missing, the version cannot be found, or its rows are not those of its files.
    """
    with _reading(table):
        return _delta_parts(table) if table.format == "delta" else _iceberg_parts(table)


def _delta_parts(table: LakeTable) -> ParquetParts:
    from deltalake import DeltaTable

    delta = DeltaTable(table.name, version=table.version)
    if "deletionVectors" in (delta.protocol().reader_features or ()) and pa.table(delta.deletion_vectors()).num_rows:
        raise _refused(table, "has deletion vectors: rows that its files hold and the table does not")
    metadata = delta.metadata()
    if metadata.configuration.get("delta.columnMapping.mode", "none") != "none":
        raise _refused(table, "has columns of other names than its files")
    added = pa.table(delta.get_add_actions(flatten=True)).to_pydict()
    partitions = tuple(metadata.partition_columns)
    # as text, like the columns that the folders of a Hive table name
    rows = [tuple(map(_text, row)) for row in zip(*(added[f"partition.{name}"] for name in partitions), strict=True)]
    files = [Path(table.name) / unquote(path) for path in added["path"]]
    return _parts(table, Path(table.name), files, partitions, rows or [()] * len(files))


def _iceberg_parts(table: LakeTable) -> ParquetParts:
    iceberg = _iceberg(table)
    snapshot = iceberg.snapshot_by_id(table.version)
    if snapshot is None:
        raise _refused(table, "has no such snapshot")
    tasks = list(iceberg.scan(snapshot_id=table.version).plan_files())
    if any(task.delete_files for task in tasks):
        raise _refused(table, "has delete files: rows that its files hold and the table does not")
    if any(str(task.file.file_format).rpartition(".")[2] != "PARQUET" for task in tasks):
        raise _refused(table, "has files that are not Parquet")
    files = [_local(table, task.file.file_path) for task in tasks]
    fields = iceberg.scan(snapshot_id=table.version).projection().fields
    _check_columns(table, files, {field.name: field.field_id for field in fields})
    return _parts(table, _local(table, iceberg.location()), files, (), [()] * len(files))


def _check_columns(table: LakeTable, files: list[Path], columns: Mapping[str, int]) -> None:
    """Refuse columns that the table has renamed, added or dropped since a file was written: the file tells nothing.

    Names alone do not show it: a column that was dropped can have come back, empty. Files that were made elsewhere have
    no numbers of columns, and are asked for names.
    """
    for file in files:
        numbers = {field.name: (field.metadata or {}).get(_FIELD_ID) for field in pq.read_schema(file)}
        same = all(number in (None, b"%d" % columns.get(name, -1)) for name, number in numbers.items())
        if numbers.keys() != columns.keys() or not same:
            raise _refused(table, "has other columns than some of its files")


def _parts(
    table: LakeTable, folder: Path, files: list[Path], partitions: tuple[str, ...], values: list[tuple[str | None, ...]]
) -> ParquetParts:
    if not files:
        raise _refused(table, "has no rows")
    ordered = sorted(zip(files, values, strict=True), key=lambda pair: str(pair[0]))
    paths = tuple(file for file, _ in ordered)
    if not all(path.resolve().is_relative_to(folder.resolve()) for path in paths):
        raise _refused(table, "has files outside its folder")
    start, unchanged = f"{table.format}\0{table.version}\n", Unchanged.now(*paths)
    digest = manifest_sha256(folder, paths, start)
    unchanged.check()
    return ParquetParts(paths, digest, "snapshot", partitions, tuple(file_values for _, file_values in ordered))


def _iceberg(table: LakeTable) -> Any:
    places = (os.environ.get("PYICEBERG_HOME"), os.path.expanduser("~"))  # noqa: PTH111 - not everybody has a home
    if Path(_CATALOGUES).is_file() and not any(folder and (Path(folder) / _CATALOGUES).is_file() for folder in places):
        hint = "if you trust that file, set PYICEBERG_HOME to its folder"
        raise _refused(table, f"is known by {_CATALOGUES} in the working folder alone, which can run code", hint)
    from pyiceberg.catalog import load_catalog
    from pyiceberg.io.pyarrow import PyArrowFileIO

    catalog, _, name = table.name.partition(".")
    catalogue = load_catalog(catalog)
    # whoever made the table wrote its properties too, and pyiceberg imports and calls what one of them names
    catalogue._load_file_io = lambda *_, **__: PyArrowFileIO(catalogue.properties)  # noqa: SLF001 - it has no setting
    loaded = catalogue.load_table(name)
    any_file = loaded.io.new_input

    def local_file(address: str) -> Any:
        _local(table, address)  # whoever made the table wrote it, and the network would be asked for another one
        return any_file(address)

    loaded.io.new_input = local_file
    return loaded


def _text(value: object) -> str | None:
    """Text of a partition's value, as that of a column is written: see `audit.evaluation.relation.text_of`."""
    if isinstance(value, float):
        value = None if math.isnan(value) else int(value) if value.is_integer() and abs(value) < 2**53 else value
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _local(table: LakeTable, address: str) -> Path:
    parsed = urlparse(address)
    if parsed.scheme not in ("", "file"):
        raise _refused(table, "lies in an object store, which is not read from here")
    return Path(address.removeprefix("file:").removeprefix("//"))  # no library decodes it: `%2F` is in the name


@contextmanager
def _reading(table: LakeTable) -> Iterator[None]:
    """Turn whatever the library of the format raises into one line without its words, which can quote cells."""
    try:
        importlib.import_module(_PACKAGES[table.format])
        yield
    except DataError:
        raise
    except ImportError:
        raise DataError(
            f'{_called(table)}: to read it takes the extra "{table.format}"',
            slug="lake-extra",
            hint=f"pip install 'audit7k[{table.format}]', or export the rows to Parquet",
        ) from None
    except Exception:
        raise _refused(table, "cannot be read in this version") from None


def _refused(table: LakeTable, problem: str, hint: str = "") -> DataError:
    hint = hint or "check its name and version, or export the rows to Parquet and name that"
    return DataError(f"{_called(table)} {problem}", slug="lake-table", hint=hint)


def _called(table: LakeTable) -> str:
    return f"{shown(Path(table.name).name)} version {table.version}"
