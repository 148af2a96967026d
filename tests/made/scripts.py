"""Scripts of examples, carried out without a new Python, which takes a second to load what they load."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest


def carry_out(script: Path) -> None:
    """Run a script in its folder, as `python NAME` does there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(script.parent)
        patch.setattr(sys, "argv", [script.name])
        runpy.run_path(script.name, run_name="__main__")
