"""Prepare the start of a program under audit: its file, its environment, and a digest of its files."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from audit.errors import DetectorError
from audit.operating_system import POSIX
from audit.storage import file_sha256
from audit.vocabulary.text import shown

GIVEN: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
"""Environment variables that every program is given, if they are set."""
ALWAYS_SET: Final = (
    "DO_NOT_TRACK",
    "ORT_DISABLE_TELEMETRY",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "RAYON_NUM_THREADS",
)
"""Environment variables that are set to 1 unless the plan names them.

Libraries report nothing to their makers: onnxruntime sends the name of a model's file and digests of its weights. Sums
depend on the number of threads.
"""


def check_platform() -> None:
    """Raise DetectorError on a platform where a program cannot be ended with all that it started."""
    if not POSIX:
        raise DetectorError(
            "a program can only be audited on Linux, macOS and other systems with process groups",
            slug="command-platform",
        )


def program_environment(names: Sequence[str]) -> dict[str, str]:
    """Make the whole environment of the program: `GIVEN`, `ALWAYS_SET`, and the variables `names`.

    Raises DetectorError if one of `names` is not set.
    """
    chosen = {name: os.environ[name] for name in GIVEN if name in os.environ}
    chosen.update(dict.fromkeys(ALWAYS_SET, "1"))
    for name in names:
        if name not in os.environ:
            raise DetectorError(
                f"the environment variable {shown(name)}, which the program is to be given, is not set",
                slug="command-environment",
            )
        chosen[name] = os.environ[name]
    return chosen


def find_program(first: str, folder: Path, path: str) -> str:
    """Find the file of a program: in `folder` if its name has a slash, else on `path`.

    Raises DetectorError if it is not on `path`.
    """
    if "/" in first:
        return str(folder / first)
    executable = shutil.which(first, path=path)
    if executable is None:
        raise DetectorError(f"there is no program {shown(first)} on PATH", slug="command-not-found")
    return str(Path(executable).absolute())


def program_digest(command: Sequence[str], folder: Path) -> tuple[str | None, int]:
    """Digest of the program and of every argument that names a file, and the number of these files.

    For one file it is its SHA-256. For several files it is the SHA-256 of their digests in hexadecimal, a line each, in
    the order of the command. A file that cannot be read is left out: a program need only be executable.
    """
    digests = []
    for argument in command:
        try:
            if (folder / argument).is_file():
                digests.append(file_sha256(folder / argument))
        except OSError:
            continue
    if len(digests) < 2:
        return next(iter(digests), None), len(digests)
    return hashlib.sha256("".join(f"{line}\n" for line in digests).encode()).hexdigest(), len(digests)
