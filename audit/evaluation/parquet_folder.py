"""A folder of Parquet files as one table: its files in order, its Hive partitions, and a digest of them all."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Literal, NamedTuple, NoReturn
from urllib.parse import unquote

from audit.errors import DataError
from audit.storage import file_sha256
from audit.vocabulary.text import shown

DigestOf = Literal["file", "manifest", "snapshot"]
"""What the digest of a set covers: one file, every file of a folder, or every file of a version of a table."""
MOST_FILES: Final = 20_000
"""Most files that are read as one table."""
_NO_VALUE: Final = "__HIVE_DEFAULT_PARTITION__"
_TABLES: Final = {
    "_delta_log": ("a Delta", 'write format = "delta"'),
    "metadata/[v0-9]*.metadata.json*": ("an Iceberg", 'write format = "iceberg"'),
    ".hoodie": ("a Hudi", "export its rows to Parquet"),
}
_SUFFIXES: Final = (".parquet", ".pq")


class ParquetParts(NamedTuple):
    """Parquet files that are one table, in the order of their rows."""

    files: tuple[Path, ...]
    sha256: str
    digest_of: DigestOf = "file"
    partitions: tuple[str, ...] = ()
    """Columns whose values stand in no file: each file has one for all its rows."""
    values: tuple[tuple[str | None, ...], ...] = ()
    """Of each file, its values of these columns."""


def folder_parts(folder: Path) -> ParquetParts:
    """Find the Parquet files below a folder, by their paths in order, and the columns that folders `key=value` name.

    Names that begin with `.` or `_` are left out, as every writer of such folders means them.

    Raises
    ------
    DataError
        If there is none or there are too many, if a link or another file is among them, or a folder that cannot be
        opened, if partitions differ, or if the folder is a table of Delta or Iceberg, of which not every file counts.
    """
    for parent in folder.resolve().parents:
        _check_no_table(folder, parent)
    names = sorted(_names(folder), key=os.fsencode)
    if not names:
        raise _refused(folder, "holds no Parquet file", "name the folder that holds .parquet files, or one file")
    keys: tuple[str, ...] | None = None
    values = []
    for name in names:
        partitions = [part.partition("=") for part in name.split("/")[:-1] if "=" in part]
        partition_keys = tuple(key for key, _, _ in partitions)
        if keys is not None and partition_keys != keys:
            ways = f"is divided in two ways: by {_listed(keys)}, and by {_listed(partition_keys)}"
            raise _refused(folder, ways, "write it with one division")
        keys = partition_keys
        values.append(tuple(None if value == _NO_VALUE else unquote(value) for _, _, value in partitions))
    files = tuple(folder / name for name in names)
    return ParquetParts(files, manifest_sha256(folder, files), "manifest", keys or (), tuple(values))


def manifest_sha256(folder: Path, files: Iterable[Path], start: str = "") -> str:
    """SHA-256 (hex) over the path within the folder, the size and the SHA-256 of each file, in their order."""
    digest = hashlib.sha256(start.encode())
    for file in files:
        line = f"{file.relative_to(folder).as_posix()}\0{file.stat().st_size}\0{file_sha256(file)}\n"
        digest.update(line.encode(errors="surrogateescape"))
    return digest.hexdigest()


def _names(folder: Path) -> Iterator[str]:
    count = 0

    def refuse(_: OSError) -> NoReturn:
        raise _refused(folder, "holds a folder that cannot be opened", "see who may read it")

    for parent, folders, files in os.walk(folder, onerror=refuse):
        _check_no_table(folder, Path(parent))
        within = Path(parent).relative_to(folder)
        if any(name.startswith("_") and "=" in name for name in folders):
            raise _refused(folder, "is divided by a name that begins with _", "write it with another name")
        folders[:] = [name for name in folders if not name.startswith((".", "_"))]
        for name in [*files, *folders]:
            if (at := Path(parent) / name).is_symlink() or not (at.is_file() or at.is_dir()):
                raise _refused(folder, "holds a link or a device", "put the files themselves into the folder")
        for name in files:
            if name.startswith((".", "_")):
                continue
            if not name.lower().endswith(_SUFFIXES):
                raise _refused(folder, "holds a file that is not Parquet", "take out what is no part of the set")
            count += 1
            if count > MOST_FILES:
                raise _refused(folder, f"holds more than {MOST_FILES:,} files", "join them into fewer and larger ones")
            yield (within / name).as_posix()


def _check_no_table(folder: Path, parent: Path) -> None:
    for mark, (kind, hint) in _TABLES.items():
        if any(parent.glob(mark)):
            raise _refused(folder, f"is {kind} table or a part of one, of which not every file counts", hint)


def _listed(keys: tuple[str, ...]) -> str:
    return "/".join(shown(key) for key in keys) or "nothing"


def _refused(folder: Path, problem: str, hint: str) -> DataError:
    return DataError(f"{shown(folder.name)} {problem}", slug="folder", hint=hint)
