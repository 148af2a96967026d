"""What the command line costs before it does anything, and that nobody pays for what they do not use."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from made.sealed import published_into, signer_in

from audit.cli.commands.application import NAMES, asked_for

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
    "key",
    "seal",
    "verify",
    "attach",
    "register",
    "history",
    "explain",
    "schema",
)
# a module without a spec was never loaded: it stands in `sys.modules` so that the real one is not
PROBE = """
import atexit, sys
def report():
    names = [name for name, module in sys.modules.items() if getattr(module, "__spec__", None)]
    loaded = sorted({name.partition(".")[0] for name in names})
    print("\\nLOADED", *loaded, file=sys.stderr)
atexit.register(report)
from audit.cli import main
sys.argv = ["audit7k", *sys.argv[1:]]
main()
"""


OF_HELP = 215
"""Modules at most, of which 195 were counted; the rest is room for other versions of Python and Typer."""
OF_ALL_HELP = 180
"""The same where no command is named, so that none is loaded; 162 were counted."""


def modules_of(*arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROBE, *arguments], capture_output=True, text=True, check=False, timeout=240
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
    assert len(modules) <= (OF_HELP if arguments[0] in NAMES else OF_ALL_HELP)
    others = {f"audit.cli.commands.{name}_command" for name in NAMES if name != arguments[0]}
    assert not others & modules


def test_a_call_loads_the_command_that_it_names_and_all_where_it_names_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        assert asked_for(["--debug", name, "run", "--help"]) == (name,)
    assert asked_for(["gatte"]) == NAMES  # the nearest is looked for among all of them
    assert asked_for(["--help"]) == asked_for([]) == ()
    monkeypatch.setenv("_AUDIT7K_COMPLETE", "complete_bash")
    assert asked_for([]) == NAMES


@pytest.mark.parametrize(
    "arguments", [("explain", "recall"), ("schema",), ("schema", "--plan"), ("schema", "--design")], ids=" ".join
)
def test_words_and_schemas_load_no_framework(arguments: tuple[str, ...]) -> None:
    assert loaded_by(*arguments).isdisjoint(HEAVY - {"pydantic", "pydantic_core"})


def test_an_audit_is_sealed_and_verified_without_a_framework(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published_into(tmp_path / "out")
    signer_in(tmp_path)
    monkeypatch.chdir(tmp_path)
    for arguments in (("seal", "out", "--key", "auditor.key"), ("verify", "out", "--key", "auditor.key.pub")):
        assert loaded_by(*arguments).isdisjoint(FRAMEWORKS)


@pytest.mark.parametrize("safe", [[], ["-P"]])
def test_a_module_in_the_working_folder_is_never_run(tmp_path: Path, safe: list[str]) -> None:
    for name in ("typer", "signal", "tomllib", "reports"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(f'{__file__} was run')")
    command = [sys.executable, *safe, "-m", "audit", "explain", "fpr"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


ROOT = Path(__file__).resolve().parents[2]
NEVER_RUN = "import pathlib\npathlib.Path(__file__).with_name('ran').touch()\n"


def started(folder: Path, *path: Path) -> subprocess.CompletedProcess[str]:
    """What the console script does in a folder with these on its path."""
    return subprocess.run(
        [sys.executable, "-P", "-c", "from audit7k import main; main()", "--version"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


@pytest.mark.parametrize("name", ["audit", "reports"])
@pytest.mark.parametrize("form", ["module", "package", "namespace"])
def test_a_package_that_has_taken_a_name_of_ours_is_named_and_never_run(tmp_path: Path, name: str, form: str) -> None:
    place = tmp_path / name
    if form == "module":
        place.with_suffix(".py").write_text(NEVER_RUN, encoding="utf-8")
    elif form == "package":
        place.mkdir()
        (place / "__init__.py").write_text(NEVER_RUN, encoding="utf-8")
    else:
        place.mkdir()
    done = started(tmp_path, tmp_path, ROOT)
    if form == "namespace":
        assert done.returncode == 0, "a folder without a module takes no name"
        return
    assert (done.returncode, done.stdout) == (4, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f'error: the package "{name}" is not that of audit7k but {tmp_path}')
    assert "install audit7k by itself" in line
    assert not list(tmp_path.rglob("ran"))
    assert started(tmp_path, ROOT).returncode == 0, "the working folder alone takes none"
    if name == "reports":
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
        command = [sys.executable, "-m", "audit", "--version"]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr.splitlines()) == (4, [line])


@pytest.mark.parametrize("name", ["audit", "reports"])
def test_a_distribution_that_has_written_over_ours_is_named(tmp_path: Path, name: str) -> None:
    for package in ("audit", "reports", "audit7k"):
        (tmp_path / package).mkdir()
        shutil.copy(ROOT / package / "__init__.py", tmp_path / package)
    (tmp_path / name / "__init__.py").write_text(f'"""Another {name}."""\n{NEVER_RUN}', encoding="utf-8")
    done = started(tmp_path, tmp_path)
    assert done.returncode == 4
    assert f'the package "{name}" is not that of audit7k' in done.stderr
    (tmp_path / name / "__init__.py").unlink()
    done = started(tmp_path, tmp_path)
    assert done.returncode == 4
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.rglob("ran"))
