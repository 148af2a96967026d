"""What is shipped, what it asks for, and what the locks hold."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
import tomllib
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PACKAGES = ("audit", "reports", "audit7k_pytest")
LOCKS = {name: ROOT / "tools" / "requirements" / f"{name}.txt" for name in ("run", "dev")}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
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
    assert "audit7k = audit.cli:main" in text
    assert "[audit.reporters]" in text
    assert "[audit.detectors]" in text


def test_the_wheel_asks_for_what_the_project_declares(wheel: zipfile.ZipFile) -> None:
    asked = {str(Requirement(line)) for line in metadata(wheel).get_all("Requires-Dist", []) if "extra ==" not in line}
    assert asked == {str(Requirement(line)) for line in PROJECT["dependencies"]}
    assert metadata(wheel)["Requires-Python"] == ">=3.11"


def pins(lock: str) -> list[tuple[Requirement, frozenset[str]]]:
    """The requirements of a lock file, each with its hashes."""
    text = LOCKS[lock].read_text(encoding="utf-8").replace("\\\n", " ")
    found = []
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            requirement, *hashes = line.split("--hash=sha256:")
            found.append((Requirement(requirement.strip()), frozenset(part.strip() for part in hashes)))
    return found


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
