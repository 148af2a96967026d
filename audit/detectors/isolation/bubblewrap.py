"""The sandbox of bubblewrap: every file read-only, a temporary folder of its own, no network, gone with the harness."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from audit.errors import DetectorError

_HIDDEN: Final = ("/tmp", "/var/tmp", "/run", "/dev/shm")  # noqa: S108 - they are hidden, not used
"""Folders in which others leave files and sockets; the child has empty ones of its own."""


def bubblewrap(section: Any, folder: Path, path: Iterable[str]) -> list[str]:
    """The command that the command of the child is handed to.

    Parameters
    ----------
    section : a detector section
        What it names is shown, wherever it lies.
    folder : Path
        The folder of the plan.
    path : iterable of str
        Where modules are looked for.

    Raises
    ------
    DetectorError
        There is no bubblewrap.
    """
    program = shutil.which("bwrap")
    if program is None:
        raise DetectorError(
            "--sandbox bwrap needs bubblewrap, and there is no program bwrap on PATH",
            slug="bwrap-missing",
            hint="install it (Debian and Fedora call it bubblewrap), or use --sandbox auto",
        )
    command = [program, "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
    for hidden in _HIDDEN:
        if Path(hidden).is_dir() and not Path(hidden).is_symlink():
            command += ["--tmpfs", hidden]
    for shown in _shown(section, folder, path):
        command += ["--ro-bind", shown, shown]
    return [*command, "--unshare-all", "--die-with-parent", "--cap-drop", "ALL", "--"]


def _shown(section: Any, folder: Path, path: Iterable[str]) -> Sequence[str]:
    """What the child needs of the folders that are hidden; parents before what lies in them."""
    needed = [folder.absolute(), *map(Path, path), Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable)]
    if getattr(section, "path", None) is not None:
        needed.append(folder / section.path)
    needed += [folder / argument for argument in getattr(section, "command", ())]
    found = {str(place) for each in needed for place in (each.absolute(), each.resolve()) if _exists(place)}
    return sorted(place for place in found if any(Path(place).is_relative_to(hidden) for hidden in _HIDDEN))


def _exists(place: Path) -> bool:
    try:
        return place.exists()
    except (OSError, ValueError):
        return False
