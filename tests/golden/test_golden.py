"""What the examples give, byte by byte: a change of any number, word or order shows as a difference to be read.

`AUDIT7K_WRITE_GOLDEN=1` writes the files anew (CONTRIBUTING.md). Times, versions and digests are left out.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from audit.cli.commands.app import app
from audit.planning.power import plan_power

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parents[1] / "examples"

GOLDEN = [
    ("python-function", "result.json", 0),
    ("python-function", "junit.xml", 0),
    ("predictions-file", "junit.xml", 3),
]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, int], Path]:
    """Gives the output folder of an audit of an example, run once with the files that are compared."""

    @cache
    def run(example: str, code: int) -> Path:
        folder = copy_of(example, tmp_path_factory.mktemp("golden"))
        with contextlib.chdir(folder):
            done = CliRunner().invoke(app, ["run", "--restricted", "plan.toml", "--report", "junit", "--quiet"])
        assert done.exit_code == code, done.stderr
        return folder / "audit-out"

    return run


def copy_of(example: str, folder: Path) -> Path:
    return shutil.copytree(
        EXAMPLES / example, folder / example, ignore=shutil.ignore_patterns("audit-out", "__pycache__")
    )


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


@pytest.fixture(scope="module")
def _worked_out_once() -> Iterator[None]:
    """What an example can decide takes seconds to work out, and is told twice."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("audit.planning.power.plan_power", cache(plan_power))
        yield


@pytest.fixture(scope="module")
def predictions_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of("predictions-file", tmp_path_factory.mktemp("power"))


@pytest.mark.usefixtures("_worked_out_once")
@pytest.mark.parametrize(("option", "file"), [(None, "power.txt"), ("--json", "power.json")])
def test_what_an_example_could_decide_is_what_it_was(predictions_file: Path, option: str | None, file: str) -> None:
    with contextlib.chdir(predictions_file):
        done = CliRunner().invoke(app, ["power", "plan.toml", *([option] if option else [])])
    assert (done.exit_code, done.stderr) == (0, "")
    assert_golden(done.stdout, HERE / "predictions-file" / file)
