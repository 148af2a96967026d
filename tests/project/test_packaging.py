"""What is shipped, what it asks for, and what the locks hold."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import NamedTuple

import pytest
from made.published import keep_key, write_set
from made.recipes import commands, run_action
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools import wheelhouse

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PACKAGES = ("audit", "reports", "audit7k", "audit7k_pytest")
LOCKS = {name: wheelhouse.LOCKS / f"{name}.txt" for name in ("run", "dev")}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return zipfile.ZipFile(built)


def metadata(wheel: zipfile.ZipFile) -> Message:
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    return Parser().parsestr(wheel.read(name).decode())


def sources() -> set[str]:
    """Files of the packages, without what the interpreter leaves behind."""
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file()]
    return {path.relative_to(ROOT).as_posix() for path in files if "__pycache__" not in path.parts}


def test_the_wheel_holds_the_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    names = {name for name in wheel.namelist() if not name.split("/")[0].endswith(".dist-info")}
    assert {name.split("/")[0] for name in names} == set(PACKAGES)
    assert names == sources()


def test_the_wheel_says_that_it_is_typed(wheel: zipfile.ZipFile) -> None:
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(wheel.namelist())


def test_the_wheel_carries_its_licence_and_its_commands(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    (licence,) = [name for name in names if name.endswith(".dist-info/licenses/LICENSE")]
    assert wheel.read(licence).decode() == (ROOT / "LICENSE").read_text(encoding="utf-8")
    (entry_points,) = [name for name in names if name.endswith("entry_points.txt")]
    text = wheel.read(entry_points).decode()
    assert "audit7k = audit7k:main" in text
    assert "[audit.reporters]" in text
    assert "[audit.detectors]" in text


def test_the_wheel_asks_for_what_the_project_declares(wheel: zipfile.ZipFile) -> None:
    asked = {str(Requirement(line)) for line in metadata(wheel).get_all("Requires-Dist", []) if "extra ==" not in line}
    assert asked == {str(Requirement(line)) for line in PROJECT["dependencies"]}
    assert metadata(wheel)["Requires-Python"] == ">=3.11"


def pins(lock: str) -> list[tuple[Requirement, frozenset[str]]]:
    return list(wheelhouse.pins(LOCKS[lock]))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_one_release_by_hash_and_no_address(lock: str) -> None:
    assert len(pins(lock)) > 30
    for requirement, hashes in pins(lock):
        assert [clause.operator for clause in requirement.specifier] == ["=="], requirement
        assert requirement.url is None
        assert hashes, requirement
        assert all(re.fullmatch(r"[0-9a-f]{64}", one) for one in hashes), requirement
    assert "://" not in LOCKS[lock].read_text(encoding="utf-8")


def test_the_run_lock_is_a_part_of_the_dev_lock() -> None:
    """What is shipped is what was tested."""
    dev = {(str(r.name), str(r.specifier)): hashes for r, hashes in pins("dev")}
    for requirement, hashes in pins("run"):
        assert dev[requirement.name, str(requirement.specifier)] == hashes


@pytest.mark.parametrize(
    ("lock", "declared"),
    [
        ("run", PROJECT["dependencies"]),
        ("dev", PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]),
    ],
)
def test_a_lock_answers_every_requirement(lock: str, declared: list[str]) -> None:
    for line in declared:
        wanted = Requirement(line)
        locked = [r for r, _ in pins(lock) if canonicalize_name(r.name) == canonicalize_name(wanted.name)]
        assert locked, f"{wanted.name} is not in tools/requirements/{lock}.txt; run `make lock`"
        for requirement in locked:
            (clause,) = requirement.specifier
            assert wanted.specifier.contains(clause.version, prereleases=True), requirement


def test_this_environment_is_the_locked_one() -> None:
    for requirement, _ in pins("dev"):
        if requirement.marker is None or requirement.marker.evaluate():
            (clause,) = requirement.specifier
            assert importlib.metadata.version(requirement.name) == clause.version, f"{requirement.name}: `make setup`"


def test_each_system_is_given_what_it_needs() -> None:
    needs = {
        name: {pin.name for pin, _ in wheelhouse.wanted(system, "3.12")} for name, system in wheelhouse.SYSTEMS.items()
    }
    assert needs["windows"] - needs["linux"] == {"colorama"}
    assert needs["macos"] == needs["macos-intel"] == needs["linux"]
    assert wheelhouse.asked(wheelhouse.SYSTEMS["windows"], "3.12").count("==") == len(needs["windows"])
    assert not any(";" in wheelhouse.asked(system, "3.12") for system in wheelhouse.SYSTEMS.values())
    assert "python-calamine" in needs["linux"]  # a sheet of Excel cannot be read without, nor be had later


def no_network() -> list[str]:
    """How to start a program that reaches no network, where the kernel allows it."""
    if (unshare := shutil.which("unshare")) is None:
        return []
    command = [unshare, "--map-root-user", "--net"]
    tried = subprocess.run([*command, "true"], check=False, capture_output=True, timeout=240)
    return command if tried.returncode == 0 else []


class Installed(NamedTuple):
    """What came of the scripts of a wheelhouse, in a new environment of which this checkout is no part."""

    wheels: Path
    place: Path
    """The folder of that environment."""
    refused: subprocess.CompletedProcess[str]
    """The first attempt, with a wheel that was swapped, and whether there was a command afterwards."""
    refused_left_a_command: bool
    done: subprocess.CompletedProcess[str]


def alone(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program without network, in a folder, with nothing of the environment of the tests."""
    bare = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHON": sys.executable, "LC_ALL": "C.UTF-8"}
    command = [*no_network(), *map(str, arguments)]
    return subprocess.run(command, cwd=folder, env=bare, capture_output=True, text=True, check=False, timeout=600)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    if not sys.platform.startswith("linux"):
        pytest.skip("installs the wheels of Linux")
    home = tmp_path_factory.mktemp("home")
    folder, place = home / "wheelhouse", home / "installed"
    (home / "pinned").mkdir()
    (home / "pinned" / "sitecustomize.py").write_text(PINNED.format(starts=tuple(map(file_start, pins("dev")))))
    command = [sys.executable, "-m", "tools.wheelhouse", "--system", "linux", "--out", str(folder)]
    pinned = os.environ | {"PYTHONPATH": str(home / "pinned")}
    made = subprocess.run(command, cwd=ROOT, env=pinned, capture_output=True, text=True, check=False, timeout=900)
    if made.returncode and not os.environ.get("CI"):
        assert not folder.exists()
        pytest.skip("the wheels are not to be had here")
    assert made.returncode == 0, made.stderr
    script = folder / "install.sh"
    # only that what is never started is not compiled, which takes two thirds of the time of pip
    script.write_text(script.read_text(encoding="utf-8").replace(" install --quiet", " install --no-compile --quiet"))
    swapped = min((folder / "wheels").iterdir())
    whole = swapped.read_bytes()
    swapped.write_bytes(whole + b"\0")
    # and that the second attempt takes the environment of the first, as Python itself would
    python = home / "python"
    packages = sysconfig.get_path("purelib")
    python.write_text(PYTHON.format(python=sys.executable, place=place, packages=packages), encoding="utf-8")
    python.chmod(0o755)
    install: list[str | Path] = ["env", f"PYTHON={python}", "sh", script, place]
    refused = alone(home, *install)
    left = (place / "bin" / "audit7k").exists()
    swapped.write_bytes(whole)
    done = alone(home, *install)
    share_bytecode(place)
    return Installed(folder / "wheels", place, refused, left, done)


PINNED = """
import re, sys
if "download" in sys.orig_argv:
    from pip._internal.models.link import Link
    whole, starts = Link.from_json, {starts}
    named = lambda file: re.sub("[-_.]+", "_", file["filename"].lower()).startswith(starts)
    Link.from_json = lambda file, page: whole(file, page) if named(file) else None
"""
"""Lets pip look at the files of the releases in our locks alone. It takes seconds for 70,000 others in an index."""


def file_start(pin: tuple[Requirement, frozenset[str]]) -> str:
    """Give the beginning of every wheel of a release, with one sign for each run of dashes and dots."""
    return re.sub("[-_.]+", "_", f"{pin[0].name}-{str(pin[0].specifier).removeprefix('==')}-".lower())


PYTHON = """#!/bin/sh
[ "$*" = "-m venv {place}" ] || exec {python} "$@"
[ -e {place} ] || {python} -m venv --without-pip {place} && cd {place}/lib/python*/site-packages &&
    cp -Rp {packages}/pip {packages}/pip-* .
"""
"""Makes that environment as Python does, with the pip of this one: its own would be compiled anew, for seconds. What
is there already stays as it is."""


def share_bytecode(place: Path) -> None:
    """Give what is installed the bytecode of the same files here: to compile them takes longer than a first audit."""
    (site,) = place.glob("lib/*/site-packages")
    packages = Path(sysconfig.get_path("purelib"))
    for own in site.rglob("*.py"):
        name = own.relative_to(site)
        ours = (ROOT if name.parts[0] in PACKAGES else packages) / name
        cached = ours.parent / "__pycache__" / f"{ours.stem}.{sys.implementation.cache_tag}.pyc"
        if "tests" not in name.parts and cached.exists() and ours.read_bytes() == own.read_bytes():
            os.utime(own, ns=(0, ours.stat().st_mtime_ns))  # bytecode is that of a source of one time and size
            (own.parent / "__pycache__").mkdir(exist_ok=True)
            shutil.copyfile(cached, own.parent / "__pycache__" / cached.name)


@pytest.mark.timeout(1500)
def test_a_wheelhouse_installs_without_network_and_never_a_wheel_that_was_swapped(installed: Installed) -> None:
    assert installed.refused.returncode != 0
    assert min(installed.wheels.iterdir()).name.partition("-")[0] in installed.refused.stderr.replace("-", "_")
    assert not installed.refused_left_a_command
    assert len((installed.wheels.parent / "README.txt").read_text(encoding="utf-8").splitlines()) <= 11
    assert (installed.done.returncode, installed.done.stderr) == (0, "")
    assert installed.done.stdout.startswith(f"audit7k {importlib.metadata.version('audit7k')}\n")


@pytest.mark.timeout(1500)
def test_the_action_audits_with_the_wheel_that_it_installs(installed: Installed, tmp_path: Path) -> None:
    """Every step of it, from its own `source`, which is a wheel here: nothing of this checkout is at hand."""
    (wheel,) = installed.wheels.glob("audit7k-*.whl")
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    write_set(checkout)
    anew = [f"PIP_{name}=1" for name in ("NO_INDEX", "NO_DEPS", "FORCE_REINSTALL")]
    python = [str(shutil.which("env")), *anew, "PIP_NO_COMPILE=0", str(installed.place / "bin" / "python")]
    there = commands(tmp_path / "bin", [*no_network(), str(installed.place / "bin" / "audit7k")], python)
    kept = str(keep_key(tmp_path / "kept"))
    build = run_action(
        checkout, tmp_path / "work", there, wheel, restricted_folder=kept, code_scanning="true", accept="seen"
    )
    assert build.code == 1, build.log
    (address,) = installed.place.glob("lib/*/site-packages/audit7k-*.dist-info/direct_url.json")
    assert json.loads(address.read_text(encoding="utf-8"))["url"] == wheel.as_uri()
    public = Path(build.used["actions/upload-artifact"]["path"])
    assert build.summary == (public / "summary.md").read_text(encoding="utf-8")
    assert all((public / name).stat().st_size for name in ("report.html", "release.json", "groups.csv", "junit.xml"))
    assert Path(build.used["github/codeql-action/upload-sarif"]["sarif_file"]).is_file()
    assert "::error file=plan.toml" in build.log


@pytest.mark.timeout(1500)
def test_what_a_wheelhouse_installed_makes_a_first_audit(installed: Installed, tmp_path: Path) -> None:
    """From another folder, without network and without a package of the tests."""
    # a quarter of its cases: what is installed shows in the first as in the last, and the verdict is still a FAIL
    small = "from audit.worlds.demo import prepare as p; p.EVALUATION_CASES //= 4; p.TRAINING_CASES //= 4"
    program = f"{small}; from audit.cli import main; main()"
    demo = alone(tmp_path, installed.place / "bin" / "python", "-c", program, "demo", "--out", "first-audit")
    assert demo.returncode == 0, demo.stderr
    out = tmp_path / "first-audit" / "audit-out"
    assert all((out / name).stat().st_size for name in ("result.json", "public/report.html", "public/junit.xml"))
    assert alone(tmp_path, installed.place / "bin" / "audit7k", "gate", out).returncode == 1


def test_the_scripts_name_the_python_that_is_missing(tmp_path: Path) -> None:
    text = (ROOT / "tools" / "wheelhouse" / "install.sh").read_text(encoding="utf-8")
    (tmp_path / "install.sh").write_text(text.replace("@PYTHON@", "3.99"), encoding="utf-8")
    command = ["sh", str(tmp_path / "install.sh"), str(tmp_path / "there")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("Python 3.99 with venv and pip is needed")
    assert not (tmp_path / "there").exists()
    windows = (ROOT / "tools" / "wheelhouse" / "install.bat").read_text(encoding="utf-8")
    for part in ("--no-index", "--require-hashes", "--only-binary :all:", "--isolated", "@PYTHON@"):
        assert part in windows
        assert part in text
