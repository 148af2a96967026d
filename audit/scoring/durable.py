"""Files that are there whole or not at all, also after the power failed."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

__all__ = ["TEMPORARY", "make_folder", "remove_temporaries", "sync_folder", "write_durably"]

TEMPORARY: Final = ".partial"
"""How the name of a file ends that is still being written."""


def write_durably(path: Path, content: bytes | memoryview) -> None:
    """Write a file for its owner alone: beside its place, brought to the disk, then renamed, and the folder after it.

    Raises
    ------
    OSError
        What was at `path` before is as it was, and nothing half-written is left.
    """
    partial = path.with_name(f".{path.name}{TEMPORARY}")
    try:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
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
    """Bring the names in a folder to the disk. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Make a folder for its owner alone, where there is none. Raises OSError."""
    if not folder.is_dir():
        folder.mkdir(mode=0o700, exist_ok=True)  # another may have made it meanwhile
        sync_folder(folder.parent)


def remove_temporaries(folder: Path) -> None:
    """Remove what a run that was killed has left half-written."""
    for leftover in folder.glob(f".*{TEMPORARY}"):
        with contextlib.suppress(OSError):
            leftover.unlink()
