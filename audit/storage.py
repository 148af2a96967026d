"""Files that are complete or absent, one writer at a time, digests of files, and small documents with their own."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import math
import os
import secrets
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, BinaryIO, Final

from audit import operating_system
from audit.errors import ArgumentError, FolderInUseError, ResultError, StorageError

GITIGNORE: Final = ".gitignore"
"""File of a folder that we made and that holds exact figures: `git add` passes over them."""
TEMPORARY: Final = ".partial"
"""End of the name of a file that is still being written."""


def write_durably(path: Path, content: bytes | memoryview) -> None:
    """Write a file for its owner alone: beside its place, brought to the disk, then renamed, and the folder after it.

    Raises
    ------
    OSError
        If writing fails. The file at `path` is then as before, and nothing half-written is left.
    """
    partial = path.with_name(f".{path.name}{TEMPORARY}")
    try:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | operating_system.BINARY, 0o600)
        try:
            _write_all(handle, content)
            os.fsync(handle)
        finally:
            os.close(handle)
        os.replace(partial, path)  # noqa: PTH105 - the faults of every call are tested by name
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise
    sync_folder(path.parent)


def _write_all(handle: int, content: bytes | memoryview) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(handle, left) :]


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can. Raises OSError."""
    if not operating_system.POSIX:
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def written_whole(path: Path, mode: int = 0o600) -> Iterator[BinaryIO]:
    """Open a file beside `path` that takes its place, on the disk, once all is written.

    It has these permissions, without those that the user denies to new files.

    Raises
    ------
    OSError
        If writing fails. The file at `path` is then as before, and nothing half-written is left.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}{TEMPORARY}")
    handle = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | operating_system.BINARY, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(handle)
        partial.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise


def make_folder(folder: Path) -> None:
    """Make a folder for its owner alone, where there is none. Raises OSError."""
    if not folder.is_dir():
        folder.mkdir(mode=0o700, exist_ok=True)  # another process may have made it meanwhile
        sync_folder(folder.parent)


@contextmanager
def new_folders(*folders: Path) -> Iterator[None]:
    """Make folders for their owner alone, before anything else happens; they are gone if it fails before they are used.

    Raises
    ------
    ArgumentError
        If something lies in one of them.
    StorageError
        If one cannot be made.
    """
    for folder in folders:
        if not folder.name or (folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))):
            raise ArgumentError(f"{folder} is there already", slug="folder-there")
    made = list[Path]()
    try:
        for folder in folders:
            with storage(folder):
                make_folder(folder)
                made.append(folder)
        yield
    finally:
        for folder in made:
            with contextlib.suppress(OSError):
                folder.rmdir()  # which leaves one that has anything in it


def remove_temporaries(folder: Path) -> None:
    """Remove half-written files of a run that was killed."""
    for leftover in folder.glob(f".*{TEMPORARY}"):
        with contextlib.suppress(OSError):
            leftover.unlink()


_LOCK: Final = ".lock"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a restricted folder, once no other process does; the folder is made (0700) if it is missing."""
    with storage(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.is_dir():
            make_folder(path)
            write_durably(path / GITIGNORE, b"*\n")
    with ExitStack() as stack:
        with storage(path):
            stack.enter_context(in_turn(path / _LOCK, path.name))
        yield


_FAILED: Final = "storage-failed"


@contextmanager
def storage(
    path: Path, failed: str = "", *, hint: str = "nothing was released; choose another folder, or free some space"
) -> Iterator[None]:
    """Turn an error of the storage into one line: what `failed`, or the last part of the path. Raises StorageError."""
    try:
        yield
    except OSError as error:
        what = failed or f"{path.name} could not be read or written"
        raise StorageError(f"{what} ({error.strerror or 'storage error'})", slug=_FAILED, hint=hint) from error


def bytes_of_result(path: Path, most: int) -> bytes:
    """Read a file of results, `most` bytes and one more at the most. A link is not followed. Raises ResultError.

    A pipe is refused at once: to open one would wait for somebody who writes.
    """
    try:
        handle = os.open(path, operating_system.READ)
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise OSError(errno.EINVAL, "it is no file")
            with os.fdopen(handle, "rb", closefd=False) as file:
                return file.read(most + 1)
        finally:
            os.close(handle)
    except OSError as error:
        raise ResultError(f"{path} cannot be read ({error.strerror or 'storage error'})", slug="no-release") from None


def file_sha256(path: Path) -> str:
    """SHA-256 of a file as it lies on the disk, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_LARGEST_SEALED: Final = 100_000
_SEAL: Final = "seal"


def document_digest(document: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of a document; the order of its keys does not matter."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def write_sealed(path: Path, document: Mapping[str, Any]) -> None:
    """Write a small JSON document with its own digest, so that damage is seen. Raises OSError."""
    write_durably(path, (json.dumps({**document, _SEAL: document_digest(document)}, sort_keys=True) + "\n").encode())


def read_sealed(path: Path) -> dict[str, Any] | None:
    """Read a document of `write_sealed`; None if it is missing or was changed. Raises OSError."""
    try:
        if path.stat().st_size > _LARGEST_SEALED:
            return None
        document = json.loads(path.read_bytes())
        seal = document.pop(_SEAL)
        return document if isinstance(document, dict) and seal == document_digest(document) else None
    except (FileNotFoundError, ValueError, KeyError, AttributeError, TypeError, RecursionError):
        return None


_PAUSE: Final = 0.05
"""Seconds between two attempts."""


@contextmanager
def held(path: Path, *, patience: float = 0.0, most: float = math.inf) -> Iterator[None]:
    """Hold the lock of a file, which is made (0600) if it is missing.

    Where the system has no such locks (Windows), a second file, `….held`, exists as long as the lock is held. If the
    process is killed, the file stays: `most` says when to give up, and a person must remove the file.

    Parameters
    ----------
    path
        The file.
    patience
        Seconds to wait for the process that holds it.
    most
        Seconds to wait where it cannot be known whether that process still runs.

    Raises
    ------
    BlockingIOError
        If another process holds it after all.
    OSError
        If the file cannot be made.
    """
    if not operating_system.has_locks():
        mark = _mark(path)
        _tried_until(lambda: _make(mark), min(patience, most))
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                mark.unlink()
        return
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _tried_until(lambda: operating_system.lock(handle), patience)
        yield
    finally:
        os.close(handle)


def may_be_left(path: Path) -> str:
    """End of a message that a file is held, for the case that its holder was killed; empty otherwise."""
    mark = _mark(path)
    return f"; if it was killed, remove {mark.name}" if mark.exists() else ""


def _mark(path: Path) -> Path:
    return path.with_name(f"{path.name}.held")


def _make(mark: Path) -> None:
    try:
        os.close(os.open(mark, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise BlockingIOError(f"{mark.name} is there") from None


def _tried_until(attempt: Callable[[], None], patience: float) -> None:
    until = time.monotonic() + patience
    while True:
        try:
            attempt()
        except BlockingIOError:
            if time.monotonic() >= until:
                raise
            time.sleep(_PAUSE)
        else:
            return


PATIENCE: Final = 600.0
"""Seconds that a command waits: enough for several releases of a large set, one after the other."""

_SILENT: Final = 2.0
"""Seconds of waiting after which a note is written."""

_seconds: ContextVar[float] = ContextVar("seconds", default=PATIENCE)


@contextlib.contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Set how many seconds `in_turn` waits within this context."""
    before = _seconds.set(seconds)
    try:
        yield
    finally:
        _seconds.reset(before)


@contextlib.contextmanager
def in_turn(lock: Path, name: str) -> Iterator[None]:
    """Hold the lock of a file as soon as no other process has it; a note on stderr says if it has to wait.

    Parameters
    ----------
    lock
        The file, which is made if it is missing.
    name
        Name of the locked thing in messages.

    Raises
    ------
    FolderInUseError
        If another process still has it when patience ends.
    OSError
        If the file cannot be made.
    """
    patient = _seconds.get()
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(held(lock, patience=min(_SILENT, patient)))
        except BlockingIOError:
            if patient > _SILENT:
                _tell(f"note: waiting until another command has ended that uses {name}, {patient:g} seconds at most")
            try:
                stack.enter_context(held(lock, patience=max(patient - _SILENT, 0.0)))
            except BlockingIOError:
                raise FolderInUseError(
                    f"{name} is in use by another command, and was for {patient:g} seconds",
                    slug="folder-in-use",
                    hint=f"wait until it has ended{may_be_left(lock)}",
                ) from None
        yield


def _tell(line: str) -> None:
    if sys.stderr is not None:  # stderr may be closed, or have no reader
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()
