"""Resolve the requirements anew, with `uv`, into tools/requirements/dev.txt and tools/requirements/run.txt.

One release of each package, by the hashes of its files, for Python 3.11 and newer on every platform; no addresses.
What runs is a part of what is tested: run.txt is resolved within dev.txt. Options such as `--upgrade` are passed to
`uv pip compile`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

OPTIONS = (
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-header",
    "--no-annotate",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--quiet",
)


def main() -> int:
    """Write both files. Returns what `uv` returned, or 1 with one line where it is not installed."""
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if uv is None:
        print("`uv` is needed to resolve requirements: pip install uv", file=sys.stderr)
        return 1
    for name, more in (("dev", ["--extra", "dev"]), ("run", ["--constraint", "tools/requirements/dev.txt"])):
        command = [uv, "pip", "compile", "pyproject.toml", *OPTIONS, *more, *sys.argv[1:]]
        done = subprocess.run([*command, "--output-file", f"tools/requirements/{name}.txt"], cwd=ROOT, check=False)
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
