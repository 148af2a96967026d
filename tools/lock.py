"""Resolve the requirements anew, with `uv`, into the files of tools/requirements.

One release of each package, by the hashes of its files, for Python 3.11 and newer on every platform; no addresses.
What runs is a part of what is tested: run.txt is resolved within dev.txt. spark.txt has what `make spark` needs beyond
dev.txt: Spark and the tables of data lakes. Options such as `--upgrade` are passed to `uv pip compile`.
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
    # pip before 23.3 looks for `fonttools[woff]` beside a locked `fonttools`, and takes a newer one without hashes.
    "--no-strip-extras",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--quiet",
)


def main() -> int:
    """Write the three files. Returns what `uv` returned, or 1 with one line where it is not installed."""
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if uv is None:
        print("`uv` is needed to resolve requirements: pip install uv", file=sys.stderr)
        return 1
    within = ["--constraint", "tools/requirements/dev.txt"]
    lake = ["--extra", "spark", "--extra", "delta", "--extra", "iceberg"]
    for name, more in (("dev", ["--extra", "dev"]), ("run", within), ("spark", [*lake, *within])):
        command = [uv, "pip", "compile", "pyproject.toml", *OPTIONS, *more, *sys.argv[1:]]
        done = subprocess.run([*command, "--output-file", f"tools/requirements/{name}.txt"], cwd=ROOT, check=False)
        if done.returncode:
            return done.returncode
    _leave_out(Path("tools/requirements/spark.txt"), Path("tools/requirements/dev.txt"))
    return 0


def _leave_out(path: Path, others: Path) -> None:
    """Take the packages of another file out of a file of requirements."""
    known, lines = (_entries((ROOT / file).read_text()) for file in (others, path))
    (ROOT / path).write_text("".join(text for name, text in lines.items() if name not in known))


def _entries(text: str) -> dict[str, str]:
    """Each entry of a file of requirements, by the name of its package."""
    entries: dict[str, str] = {}
    name = ""
    for line in text.splitlines(keepends=True):
        if not line.startswith(" "):
            name = line.partition("==")[0].partition("[")[0]
        entries[name] = entries.get(name, "") + line
    return entries


if __name__ == "__main__":
    sys.exit(main())
