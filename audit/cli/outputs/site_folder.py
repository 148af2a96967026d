"""Folder of a site that is written whole or not at all: made beside its place, then exchanged for the old one."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from audit.cli.console.guard import ArgumentError
from audit.errors import StorageError

_PREFIX: Final = ".audit7k-"


def refuse_place(site: Path, source: Path, *, ours: bool) -> None:
    """Refuse a place for a site that holds something else.

    Parameters
    ----------
    site : Path
        Where it is to go.
    source : Path
        The folder of audits, which must not be removed with a replaced site.
    ours : bool
        Whether what is there now is a site of a portal.

    Raises
    ------
    ArgumentError
        If the place is a file or a link, holds the audits, or holds files of somebody else.
    """
    place = site.resolve()
    if source.resolve().is_relative_to(place):
        raise ArgumentError(
            f"--out {site} holds the audits themselves", slug="site-place", hint="choose another folder with --out"
        )
    if site.is_symlink() or (site.exists() and not site.is_dir()):
        raise ArgumentError(f"--out {site} is no folder", slug="site-place", hint="choose another folder with --out")
    if site.is_dir() and not ours and any(site.iterdir()):
        raise ArgumentError(
            f"--out {site} holds files that no portal made",
            slug="site-place",
            hint="choose a new folder, or one that a portal made, with --out",
        )


def write_site(site: Path, files: Mapping[str, bytes]) -> None:
    """Write every file by its path in the site, in the place of what was there.

    Raises
    ------
    StorageError
        If it cannot be written; the earlier site is then unchanged.
    """
    with _storage(site):
        site.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=site.parent))
        try:
            new = made / "site"
            for name, content in sorted(files.items()):
                path = new / name
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("xb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
            _exchange(site, new, made / "earlier")
        finally:
            shutil.rmtree(made, ignore_errors=True)


def _exchange(site: Path, new: Path, earlier: Path) -> None:
    was_there = site.exists()
    if was_there:
        site.replace(earlier)
    try:
        new.replace(site)
    except BaseException:
        if was_there:
            earlier.replace(site)
        raise


@contextlib.contextmanager
def _storage(site: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cannot write {site} ({error.strerror or 'storage error'})",
            slug="storage-failed",
            hint="free some space or choose another folder with --out; nothing was changed",
        ) from error
