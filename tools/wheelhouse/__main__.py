"""Write a wheelhouse: `python -m tools.wheelhouse [--out FOLDER] [--system NAME]... [--python 3.12]`."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from tools.wheelhouse import SYSTEMS, write_wheelhouse


def main() -> int:
    """Write the folder whole or not at all. Returns 1 with one line where it cannot."""
    parser = argparse.ArgumentParser(prog="make wheelhouse", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("wheelhouse"), help="where it goes; must not exist")
    parser.add_argument("--system", choices=SYSTEMS, action="append", help="can be given several times; else three")
    parser.add_argument("--python", default=f"3.{sys.version_info.minor}", help="release of Python on that computer")
    options = parser.parse_args()
    if options.out.exists():
        print(f"{options.out} is there: remove it, or name another folder with --out", file=sys.stderr)
        return 1
    try:
        write_wheelhouse(options.out, options.system or ["linux", "macos", "windows"], options.python)
    except (OSError, subprocess.CalledProcessError):
        shutil.rmtree(options.out, ignore_errors=True)
        print("no wheelhouse was written: what stands above was not to be had", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
