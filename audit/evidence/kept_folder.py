"""Restricted folder in one encrypted file, for a pipeline whose machines keep nothing.

The file holds all that the folder has: key, chain and log of releases. Whoever has the file and not the secret learns
how large it is. Whoever has an older file can put it back, and nothing here sees that: a pipeline reads the newest.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path, PurePosixPath
from typing import Final

from audit.disclosure.digests import KEY
from audit.disclosure.restricted import COUNTER, begin_folder
from audit.errors import ArgumentError, ResultError
from audit.evidence.keys import figures_key, opened_under, sealed_under
from audit.storage import bytes_of_result, locked, make_folder, storage, write_durably, written_whole

_LARGEST: Final = 512 * 1024 * 1024
"""Most bytes of a folder, and of its file. It is encrypted in memory."""
_MOST_FILES: Final = 100_000


def begin_kept(folder: Path, secret: bytes) -> None:
    """Make a restricted folder without releases, whose key is that of a secret.

    Raises
    ------
    ArgumentError
        If something lies there.
    EvidenceError
        If the extra `evidence` is not installed.
    StorageError
        If it cannot be written.
    """
    _refuse_full(folder)
    begin_folder(folder, figures_key(secret))


def pack(folder: Path, file: Path, secret: bytes) -> None:
    """Write all of a restricted folder into one file, encrypted under a secret. The file is replaced whole.

    Raises
    ------
    ResultError
        If the folder has no key, or is too large.
    FolderInUseError
        If somebody else writes into it.
    EvidenceError
        If the extra `evidence` is not installed.
    StorageError
        If it cannot be read, or the file not be written.
    """
    if not folder.is_dir():
        raise ResultError(f"{folder} is no restricted folder", slug="not-restricted")
    with locked(folder), storage(folder):
        names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if _is_kept(path, folder))
        size = sum((folder / name).stat().st_size for name in names)
        if not {KEY, COUNTER} <= set(names):
            raise ResultError(f"{folder} is no restricted folder", slug="not-restricted")
        if size > _LARGEST or len(names) > _MOST_FILES:
            raise ResultError(f"{folder} has more than {_LARGEST:,} bytes", slug="kept-too-large")
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in names:
                archive.writestr(name, (folder / name).read_bytes())
        sealed = sealed_under(secret, content.getvalue())
    with storage(file), written_whole(file) as target:
        target.write(sealed)


def unpack(file: Path, folder: Path, secret: bytes) -> None:
    """Write the restricted folder of a file into `folder`, which is made, or is empty.

    Raises
    ------
    ArgumentError
        If something lies in `folder`.
    EvidenceError
        If the secret is another one, or the file was changed.
    ResultError
        If there is no such file, it is too large, or holds what is no restricted folder.
    StorageError
        If the folder cannot be written.
    """
    _refuse_full(folder)
    sealed = bytes_of_result(file, _LARGEST)
    if len(sealed) > _LARGEST:
        raise ResultError(f"{file.name} has more than {_LARGEST:,} bytes", slug="kept-too-large")
    content = opened_under(secret, sealed, file.name)
    with locked(folder), storage(folder), zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        if not {KEY, COUNTER} <= set(names) or not all(map(_is_plain, names)):
            raise ResultError(f"{file.name} holds no restricted folder", slug="not-restricted")
        for name in names:
            for parent in reversed(PurePosixPath(name).parents[:-1]):
                make_folder(folder / parent)
            write_durably(folder / name, archive.read(name))


def _refuse_full(folder: Path) -> None:
    with storage(folder):
        if folder.exists() and any(folder.iterdir()):
            raise ArgumentError(f"{folder} is not empty", slug="kept-folder-full")


def _is_kept(path: Path, folder: Path) -> bool:
    """Say whether a path is a file of the folder, and no lock and no remains of a killed run."""
    return path.is_file() and not path.is_symlink() and not path.relative_to(folder).as_posix().startswith(".")


def _is_plain(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and "\\" not in name and ":" not in name
