"""Start the child in the sandbox of bubblewrap: files are read-only, no network, and it ends with the harness."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from audit.errors import DetectorError

_HIDDEN: Final = ("/tmp", "/var/tmp", "/run", "/dev/shm")  # noqa: S108 - they are hidden, not used
"""Folders in which others leave files and sockets. The child sees empty folders instead."""


def bubblewrap(section: Any, folder: Path, path: Iterable[str]) -> list[str]:
    """Make the command that starts the command of the child.

    Parameters
    ----------
    section : a detector section
        The files that it names are shown in the sandbox, wherever they are.
    folder : Path
        The folder of the plan.
    path : iterable of str
        Folders in which Python finds modules.

    Raises
    ------
    DetectorError
        bubblewrap is not installed.
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
    """Paths in hidden folders that the child needs; a folder comes before its content."""
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
