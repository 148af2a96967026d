"""Outside of its output folder a command leaves nothing: not in the home folder, beside the plan, or in `TMPDIR`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "python-function"
MAY_LEAVE_A_CORE = """
import atexit, resource
resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
atexit.register(lambda: print("core", *resource.getrlimit(resource.RLIMIT_CORE)))
from audit.cli import main
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="its home folder is another variable, and it has no core files")
def test_commands_leave_nothing_but_what_they_are_asked_for(tmp_path: Path) -> None:
    home, temporary, plan = (tmp_path / name for name in ("home", "temporary", "plan"))
    home.mkdir()
    temporary.mkdir()
    shutil.copytree(EXAMPLE, plan, ignore=shutil.ignore_patterns("__pycache__", "audit-out"))
    before = {path.name for path in plan.iterdir()}
    around = {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(temporary)}
    for command in (
        "run plan.toml --sandbox none",
        "gate plan.toml",
        "figure audit-out forest --restricted --out forest.svg",  # one of a release can have no rate, by its key
    ):
        program = [sys.executable, "-c", MAY_LEAVE_A_CORE, *command.split()]
        done = subprocess.run(program, cwd=plan, env=around, capture_output=True, text=True, check=True)
        assert done.stdout.endswith("core 0 0\n")
    assert {path.name for path in plan.iterdir()} - before == {"audit-out", "forest.svg"}
    assert not [*home.iterdir(), *temporary.iterdir()]
