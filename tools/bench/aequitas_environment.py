"""Environment with aequitas and the old pandas that it needs, from a lock file of its own."""

from __future__ import annotations

import sys
from pathlib import Path

from tools.bench.processes import ProcessError, run

LOCK = Path(__file__).parents[1] / "requirements" / "bench-aequitas.txt"


def aequitas_python(folder: Path, lock: Path = LOCK) -> Path:
    """Return the interpreter of an environment in `folder` with everything in `lock`, made if it is missing.

    Raises ProcessError, with the reason, if the environment cannot be made: without a network, for example.
    """
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    ready = folder / "ready"
    if ready.exists():
        return python
    if not lock.exists():
        raise ProcessError(f"{lock.name} is not there")
    folder.parent.mkdir(parents=True, exist_ok=True)
    run([sys.executable, "-m", "venv", "--without-pip", str(folder)], folder=folder.parent)
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "--retries", "1", "--require-hashes", "--only-binary", ":all:", "-r", str(lock)], folder=folder)
    ready.touch()
    return python
