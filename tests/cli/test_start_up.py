"""What the command line costs before it does anything, and that nobody pays for what they do not use."""

from __future__ import annotations

import subprocess
import sys

import pytest

FRAMEWORKS = {"numpy", "pandas", "duckdb", "ibis", "scipy", "sklearn", "skops", "fairlearn", "aif360", "pyarrow"}
HEAVY = FRAMEWORKS | {
    "onnxruntime",
    "matplotlib",
    "pydantic",
    "pydantic_core",
    "jinja2",
    "babel",
    "rich",
    "reports",
}
COMMANDS = (
    "demo",
    "init",
    "codes",
    "check",
    "power",
    "draw",
    "probes",
    "synthesise",
    "run",
    "gate",
    "report",
    "figure",
    "portal",
    "explain",
    "schema",
)
PROBE = """
import atexit, sys
def report():
    loaded = sorted({name.partition(".")[0] for name in sys.modules})
    print("\\nLOADED", *loaded, file=sys.stderr)
atexit.register(report)
from audit.cli import main
sys.argv = ["audit7k", *sys.argv[1:]]
main()
"""


OF_HELP = 240
"""Modules at most, of which 200 were counted; the rest is room for other versions of Python and Typer."""


def modules_of(*arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROBE, *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.rpartition("LOADED")[2].split())


def loaded_by(*arguments: str) -> set[str]:
    return {name.partition(".")[0] for name in modules_of(*arguments)}


def test_the_probe_sees_what_a_command_loads() -> None:
    assert {"pydantic", "typer"} <= loaded_by("schema")


@pytest.mark.parametrize(
    "arguments", [("--help",), ("-h",), ("--version",), *((command, "--help") for command in COMMANDS)], ids=" ".join
)
def test_help_loads_few_modules_and_nothing_heavy(arguments: tuple[str, ...]) -> None:
    modules = modules_of(*arguments)
    loaded = {name.partition(".")[0] for name in modules}
    assert "typer" in loaded
    assert loaded.isdisjoint(HEAVY)
    assert len(modules) <= OF_HELP


@pytest.mark.parametrize(
    "arguments", [("explain", "recall"), ("schema",), ("schema", "--plan"), ("schema", "--design")], ids=" ".join
)
def test_words_and_schemas_load_no_framework(arguments: tuple[str, ...]) -> None:
    assert loaded_by(*arguments).isdisjoint(HEAVY - {"pydantic", "pydantic_core"})
