"""Real data that is not part of the project: the tests that need it skip, saying so, where it is absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

VARIABLE = "AUDIT7K_SHARED_DATA"
ROOT = Path(__file__).parents[2]


def shared_file(name: str) -> Path:
    """The file in the folder that the variable names, else in `shared/data` beside the repository; or skip."""
    named = os.environ.get(VARIABLE)
    path = (Path(named) if named else ROOT.parent / "shared" / "data") / name
    if not path.is_file():
        pytest.skip(f"{name} is not part of the project and not here; {VARIABLE} names the folder that has it")
    return path
