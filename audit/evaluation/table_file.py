"""Recognise the format of a file and read it into a relation of the engine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from audit.engines.protocol import ROW
from audit.engines.read_errors import reading
from audit.errors import DataError, PlanError
from audit.evaluation.byte_stream import check_unpacked, compression
from audit.evaluation.delimited_text import load_csv
from audit.evaluation.json_lines import load_json_lines
from audit.evaluation.lake_tables import lake_table, place_of, table_parts
from audit.evaluation.parquet import view_parquet
from audit.evaluation.parquet_folder import ParquetParts, folder_parts
from audit.evaluation.relation import Content, Relation
from audit.evaluation.spreadsheet import load_sheet
from audit.evaluation.unchanged import Unchanged
from audit.plan.evaluation_set import EvaluationSetSection
from audit.plan.sections import ReferenceTableSection
from audit.storage import file_sha256
from audit.vocabulary.text import shown

if TYPE_CHECKING:
    from audit.engines.duckdb import DuckDBEngine
    from audit.evaluation.lake_tables import LakeTable

Format = Literal["parquet", "csv", "jsonl", "sheet"]

_COMPRESSED = (".gz", ".zst", ".zstd")

_ENDINGS: Final[Mapping[Format, tuple[str, ...]]] = {
    "parquet": (".parquet", ".pq"),
    "csv": (".csv", ".tsv", ".txt"),
    "jsonl": (".jsonl", ".ndjson"),
    "sheet": (".xlsx", ".xls", ".ods"),
}
_SUFFIXES: Final = {suffix: kind for kind, suffixes in _ENDINGS.items() for suffix in suffixes}


class ReadOptions(NamedTuple):
    """Options of a file, from the plan."""

    format: Format | None = None
    """Format; None to go by the name of the file."""
    encoding: str = "utf-8"
    """Encoding of CSV or JSONL; UTF-8 is read with or without a byte order mark."""
    delimiter: str = ","
    """Delimiter of CSV."""
    lists: frozenset[str] = frozenset()
    """Columns of JSONL whose cells may be lists of texts."""
    seal: str | None = None
    """SHA-256 that the file must have."""
    sheet: str | None = None
    """Sheet of a spreadsheet; None for the only one."""
    table: LakeTable | None = None
    """Version of a table that lies in the folder."""


def read_file(
    engine: DuckDBEngine, name: str, path: Path, options: ReadOptions, column_keys: Mapping[str, str] | None = None
) -> Relation:
    """Read a file into the relation `name`: Parquet, or a folder of it, as a view, any other as a table of texts.

    Parameters
    ----------
    path : Path
        The file; plain, or compressed as a whole with gzip or Zstandard, as its first bytes show.
    column_keys : mapping of str to str, optional
        The columns that become columns of the relation, beside `__row__`, each with the key of the plan that asks for
        it, for messages; None for all.

    Raises
    ------
    DataError
        If there is no such file, it cannot be read, has no rows, lacks a column or names one twice, or changes
        meanwhile; the message names lines and rows by number.
    StorageError
        If neither memory nor the private folder has room.
    """
    source_name = path.name
    check_file(path)
    kind = options.format or format_of(path)
    if path.is_dir() and kind != "parquet":
        raise DataError(f"{shown(source_name)} is a folder", slug="no-file")
    if options.sheet is not None and kind != "sheet":
        raise DataError(f"{shown(source_name)} is no spreadsheet, and has no sheets", slug="no-sheet")
    if column_keys is not None and any(column.casefold() == ROW for column in column_keys):
        raise DataError(
            f"the plan asks for a column {ROW}, which is reserved", slug="column-reserved", hint="rename it"
        )
    with reading(source_name):
        parts, unchanged = _parts(path, options.table)
        if options.seal not in (None, parts.sha256):
            raise another_file(source_name, parts.sha256, str(options.seal))
        if path.is_file() and compression(path):
            check_unpacked(path)
        if kind == "parquet":
            content = view_parquet(engine, name, source_name, parts, column_keys)
        else:
            content = _read(engine, name, path, options, kind, column_keys)
        unchanged.check()
    read = relation(name, source_name, content, parts.sha256)
    return read._replace(digest_of=parts.digest_of, unchanged=unchanged)


def _parts(path: Path, table: LakeTable | None) -> tuple[ParquetParts, Unchanged]:
    if table is not None:
        parts = table_parts(table)
        return parts, Unchanged.now(*parts.files)
    unchanged = Unchanged.now(path)
    return ParquetParts((path,), file_sha256(path)) if path.is_file() else folder_parts(path), unchanged


def another_file(source_name: str, sha256: str, seal: str) -> DataError:
    """Make the error for a set that is not the one that the plan seals."""
    return DataError(
        f"{shown(source_name)} is not the set that the plan was written for: its SHA-256 begins with {sha256[:12]}, "
        f"the plan's with {seal[:12]}",
        slug="sealed-set",
        hint="use the file that was sealed; if the set was meant to change, that is another audit: write its own seal",
    )


def relation(name: str, source_name: str, content: Content, sha256: str | None) -> Relation:
    """Make the relation `name` from the content that a reader found."""
    return Relation(
        name, source_name, content.columns, content.types, content.all_numbers, content.rows, sha256, content.lists
    )


def _read(
    engine: DuckDBEngine,
    name: str,
    path: Path,
    options: ReadOptions,
    kind: Format,
    column_keys: Mapping[str, str] | None,
) -> Content:
    if kind == "csv":
        return load_csv(engine, name, path, options.encoding, options.delimiter, column_keys)
    if kind == "sheet":
        return load_sheet(engine, name, path, options.sheet, column_keys)

    return load_json_lines(engine, name, path, options.encoding, column_keys, options.lists)


def format_of(path: Path) -> Format:
    """Format of a file by its name; a folder holds Parquet. Raises DataError where the name does not say."""
    if path.is_dir():
        return "parquet"
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _COMPRESSED:
        suffixes.pop()
    kind = _SUFFIXES.get(suffixes[-1]) if suffixes else None
    if kind is None:
        raise DataError(f"{shown(path.name)}: its name does not say which format it is in", slug="format")
    return kind


def check_file(path: Path) -> None:
    """Raise DataError unless it is a folder, or a file that can be opened and is not empty. Opens nothing that could
    block.
    """
    try:
        if path.is_dir():
            return
        if path.is_symlink() and not path.exists():
            problem, hint = "is a link that leads to no file", "name the file itself"
        elif not path.exists():
            problem, hint = "does not exist", "check the path; one in a plan is relative to the folder of the plan"
        elif not path.is_file():
            problem, hint = "is a pipe or a device", "save what it gives to a file, and name that"
        elif path.stat().st_size == 0:
            problem, hint = "is empty", "nothing can be judged without labelled cases; check that the export worked"
        else:
            path.open("rb").close()
            return
    except (OSError, ValueError):
        problem, hint = "cannot be opened", "check its path and who may read it"
    slug = "empty-set" if problem == "is empty" else "no-file"
    raise DataError(f"{shown(path.name)} {problem}", slug=slug, hint=hint)


def reference_path(reference_table: ReferenceTableSection | None, folder: Path) -> Path | None:
    """Path of the reference table; None where the plan has none."""
    return None if reference_table is None else (folder / reference_table.path).absolute()


def set_place(set_section: EvaluationSetSection, folder: Path) -> Path:
    """Return the file or folder that the set lies in. Raises PlanError where the plan names none."""
    section = set_section
    if section.table is not None:
        return place_of(lake_table(section, folder))
    path = section.counts or section.path
    if path is None:
        raise PlanError("the plan names no evaluation set", slug="no-evaluation-set")
    return (folder / path).absolute()
