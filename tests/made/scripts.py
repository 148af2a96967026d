"""Scripts of examples, carried out without a new Python, which takes a second to load what they load."""

from __future__ import annotations

import io
import runpy
import sys
from contextlib import redirect_stderr
from pathlib import Path

import pytest


def carry_out(script: Path) -> None:
    """Run a script in its folder, as `python NAME` does there: without the modules of the tests, and silently."""
    tests = str(Path(__file__).parents[1])
    with pytest.MonkeyPatch.context() as patch, redirect_stderr(io.StringIO()) as said:
        patch.chdir(script.parent)
        patch.setattr(sys, "path", [str(script.parent), *(path for path in sys.path if path != tests)])
        for name in [name for name in sys.modules if name.split(".")[0] == "made"]:
            patch.delitem(sys.modules, name)
        patch.setattr(sys, "argv", [script.name])
        runpy.run_path(script.name, run_name="__main__")
    assert not said.getvalue(), said.getvalue()
