"""The commands of the developers do what they say, and continuous integration runs them."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from later import LATER, LONGEST

from tools.simulate.table import TABLE

ROOT = Path(__file__).resolve().parents[2]
MAKE = shutil.which("make")

pytestmark = pytest.mark.skipif(MAKE is None, reason="make is not installed")


def make(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run make outside of the make that may be running these tests."""
    environment = {key: value for key, value in os.environ.items() if key not in {"MAKEFLAGS", "MFLAGS", "MAKELEVEL"}}
    command = [str(MAKE), *arguments, *(f"{key}={value}" for key, value in variables.items())]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=240)


def test_make_test_runs_everything_that_must_hold() -> None:
    planned = make("-n", "test")
    assert planned.returncode == 0, planned.stderr
    for command in (
        "ruff check .",
        "ruff format --check .",
        "lint-imports",
        "mypy audit reports audit7k audit7k_pytest tests",
        "pytest -n ",
    ):
        assert command in planned.stdout


def test_make_all_runs_every_test_and_none_twice() -> None:
    quick, rest = re.findall(r'pytest .* -m "(.*)"', make("-n", "all").stdout)
    assert quick == f"not ({rest})"
    assert set(rest.split(" or ")) == set(LATER)


def test_what_people_break_is_never_left_to_make_all() -> None:
    later = {path for paths in LATER.values() for path in paths}
    files = {f"project/test_{name}.py" for name in ("import_contracts", "house_rules", "make", "documentation")}
    files |= {"cli/test_start_up.py", "cli/test_gate_budget.py", "cli/test_commands.py"}
    assert not later & {"golden", "oracles", "pitfalls", "stats", "verdicts", "project", "cli", *files}


def test_what_is_left_to_make_all_is_there() -> None:
    """A test that was renamed would come back to `make test`."""
    for path in (path for paths in LATER.values() for path in paths):
        place, _, test = path.partition("::")
        assert (ROOT / "tests" / place).exists(), path
        assert not test or f"\ndef {test}(" in (ROOT / "tests" / place).read_text(encoding="utf-8"), path
    assert all((ROOT / "tests" / name).is_file() for name in LONGEST)
    table = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert all(f"| `{mark}` |" in table for mark in LATER)


def test_help_lists_every_target() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^\.PHONY: (\S+)$", text, re.MULTILINE)) - {"python"}
    listed = make("help").stdout
    assert {"demo", "test", "lint", "docs", "bench", "planted", "simulate", "lock", "clean", "help"} <= targets
    assert targets == set(re.findall(r"^  make (\S+)", listed, re.MULTILINE))


def test_an_interpreter_is_found() -> None:
    found = make("-s", "python")
    assert found.returncode == 0, found.stderr
    code = "import sys; sys.exit(sys.version_info < (3, 11))"
    assert subprocess.run([found.stdout.strip(), "-c", code], check=False, timeout=240).returncode == 0


def test_the_interpreter_can_be_named() -> None:
    assert make("-s", "python", PYTHON=sys.executable).stdout.strip() == sys.executable


def test_without_an_interpreter_one_line_says_so() -> None:
    nothing = make("-s", "python", PYTHON="")
    assert nothing.returncode != 0
    assert "PYTHON=" in nothing.stderr


def test_continuous_integration_runs_make_test_and_the_wheel() -> None:
    script = ROOT / ".ci" / "run"
    assert subprocess.run(["bash", "-n", str(script)], check=False, timeout=240).returncode == 0
    text = script.read_text(encoding="utf-8")
    assert re.findall(r"^make (?:test|all|rest|unit|quick)$", text, re.MULTILINE) == ["make test", "make rest"]
    assert re.search(r"^make build\b", text, re.MULTILINE)
    assert "--require-hashes" in text
    assert "://" not in text


def test_the_hooks_need_no_network() -> None:
    settings = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert settings["repos"]
    for repository in settings["repos"]:
        assert repository["repo"] == "local"
        for hook in repository["hooks"]:
            assert hook["language"] == "system"


def test_make_simulate_runs_every_simulation() -> None:
    measures = {
        name
        for folder in ("simulate", "attack")
        for path in (ROOT / "tools" / folder).glob("[!_]*.py")
        for name, of in vars(importlib.import_module(f"tools.{folder}.{path.stem}")).items()
        if inspect.isfunction(of) and list(inspect.signature(of).parameters)[:2] == ["runs", "rng"]
        if not name.startswith("_") and of.__annotations__["return"] == "Counts"
    }
    assert {part.measure.__name__ for simulation in TABLE.values() for part in simulation.parts} == measures
    assert len(measures) > 40
