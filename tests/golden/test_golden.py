"""What the examples give, byte by byte: a change of any number, word or order shows as a difference to be read.

`AUDIT7K_WRITE_GOLDEN=1` writes the files anew (CONTRIBUTING.md). Times, versions and digests are left out.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parents[1] / "examples"
AUDIT7K = Path(sys.executable).with_name("audit7k")

GOLDEN = [
    ("python-function", "result.json", 0),
    ("python-function", "junit.xml", 0),
    ("predictions-file", "junit.xml", 3),
]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, int], Path]:
    """Gives the output folder of an audit of an example, run once and as a user would."""

    @cache
    def run(example: str, code: int) -> Path:
        folder = tmp_path_factory.mktemp("golden") / example
        shutil.copytree(EXAMPLES / example, folder, ignore=shutil.ignore_patterns("audit-out", "__pycache__"))
        command = [str(AUDIT7K), "run", "--restricted", "plan.toml", "--quiet"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == code, done.stderr
        return folder / "audit-out"

    return run


def without_provenance(text: str) -> str:
    """A result without the one block that may differ between two runs; the bytes of all others stay as they are."""
    block = json.loads(text)["provenance"]
    lines = [line for line in text.splitlines() if not line.startswith(' "provenance":')]
    assert block
    assert len(lines) == len(text.splitlines()) - 1
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(("example", "file", "code"), GOLDEN)
def test_an_example_gives_what_it_gave(outputs: Callable[[str, int], Path], example: str, file: str, code: int) -> None:
    actual = (outputs(example, code) / file).read_text(encoding="utf-8")
    if file == "result.json":
        actual = without_provenance(actual)
    assert_golden(actual, HERE / example / file)


def assert_golden(actual: str, golden: Path) -> None:
    if os.environ.get("AUDIT7K_WRITE_GOLDEN") == "1":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(actual, encoding="utf-8")
    assert actual == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize(("option", "file"), [(None, "power.txt"), ("--json", "power.json")])
def test_what_an_example_could_decide_is_what_it_was(tmp_path: Path, option: str | None, file: str) -> None:
    folder = tmp_path / "example"
    shutil.copytree(EXAMPLES / "predictions-file", folder, ignore=shutil.ignore_patterns("audit-out", "__pycache__"))
    command = [str(AUDIT7K), "power", "plan.toml", *([option] if option else [])]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert_golden(done.stdout, HERE / "predictions-file" / file)
