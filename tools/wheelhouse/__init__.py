"""Write a folder from which audit7k installs on a computer without network.

It holds the wheels of `tools/requirements/run.txt` and of the extra `excel` for each system asked for and one Python,
the wheel of this checkout, their hashes in `requirements.txt`, and a script for each family of systems. Which
wheels a system needs is read from the lock file here: pip reads its conditions for the system on which it runs.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

ROOT: Final = Path(__file__).resolve().parents[2]
LOCKS: Final = ROOT / "tools" / "requirements"
EXTRAS: Final = ("excel",)
_HERE: Final = Path(__file__).resolve().parent


class System(NamedTuple):
    """One system: its name, what conditions in a lock file ask of it, and the tags of the wheels that it runs."""

    name: str
    sys_platform: str
    platform_system: str
    machine: str
    tags: tuple[str, ...]


SYSTEMS: Final = {
    "linux": System(
        "Linux (x86-64)",
        "linux",
        "Linux",
        "x86_64",
        tuple(f"manylinux_2_{minor}_x86_64" for minor in (28, 27, 26, 24, 17)),
    ),
    "macos": System("macOS (Apple silicon)", "darwin", "Darwin", "arm64", ("macosx_14_0_arm64",)),
    "macos-intel": System("macOS (Intel)", "darwin", "Darwin", "x86_64", ("macosx_14_0_x86_64",)),
    "windows": System("Windows (x86-64)", "win32", "Windows", "AMD64", ("win_amd64",)),
}
SCRIPTS: Final = ("install.sh", "install.bat", "README.txt")


def pins(lock: Path) -> Iterator[tuple[Requirement, frozenset[str]]]:
    """Read the requirements of a lock file, each with its hashes (SHA-256, in hexadecimal)."""
    for line in lock.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        if line.strip() and not line.startswith("#"):
            requirement, *hashes = line.split("--hash=sha256:")
            yield Requirement(requirement.strip()), frozenset(part.strip() for part in hashes)


def wanted(system: System, python: str) -> list[tuple[Requirement, frozenset[str]]]:
    """Find what a system needs under a release of Python such as 3.12."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    more = {
        canonicalize_name(Requirement(line).name)
        for extra in EXTRAS
        for line in project["optional-dependencies"][extra]
    }
    environment = {
        "implementation_name": "cpython",
        "os_name": "nt" if system.sys_platform == "win32" else "posix",
        "platform_machine": system.machine,
        "platform_python_implementation": "CPython",
        "platform_system": system.platform_system,
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": system.sys_platform,
    }
    locked = [*pins(LOCKS / "run.txt"), *(pin for pin in pins(LOCKS / "dev.txt") if pin[0].name in more)]
    return [pin for pin in locked if pin[0].marker is None or pin[0].marker.evaluate(environment)]


def asked(system: System, python: str) -> str:
    """Write the lines for pip, without conditions: it would read them for the system and the Python that run it."""
    return "".join(_line(Requirement(f"{pin.name}{pin.specifier}"), hashes) for pin, hashes in wanted(system, python))


def download(system: System, python: str, wheels: Path) -> None:
    """Fetch the wheels of a system, by their hashes. Raises CalledProcessError."""
    lines = wheels.parent / "asked.txt"
    lines.write_text(asked(system, python), encoding="utf-8")
    tags = [word for tag in system.tags for word in ("--platform", tag)]
    try:
        _run(
            *("-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--only-binary", ":all:", "--require-hashes", "--implementation", "cp"),
            *("--python-version", python, *tags, "--dest", str(wheels), "--requirement", str(lines)),
        )
    finally:
        lines.unlink()


def write_wheelhouse(folder: Path, systems: Sequence[str], python: str) -> None:
    """Write the whole folder, which must not exist. Raises CalledProcessError where a wheel is not to be had."""
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    for name in systems:
        print(f"{name}: fetching the wheels for Python {python}", flush=True)
        download(SYSTEMS[name], python, wheels)
    _run("-m", "build", "--wheel", "--no-isolation", "--outdir", str(wheels), str(ROOT), quiet=True)
    locked = {pin.name: pin for name in systems for pin, _ in wanted(SYSTEMS[name], python)}
    (folder / "requirements.txt").write_text("".join(_held(wheels, locked)), encoding="utf-8", newline="\n")
    for name in SCRIPTS:
        text = (_HERE / name).read_text(encoding="utf-8")
        text = text.replace("@PYTHON@", python).replace(
            "@SYSTEMS@", ", ".join(SYSTEMS[system].name for system in systems)
        )
        end = "\n" if name.endswith(".sh") else "\r\n"
        (folder / name).write_text(text, encoding="utf-8", newline=end)
    size = sum(wheel.stat().st_size for wheel in wheels.iterdir())
    print(f"{folder}: {len(list(wheels.iterdir()))} wheels, {size / 1e6:.0f} MB; README.txt says how to install")


def _held(wheels: Path, locked: dict[str, Requirement]) -> Iterator[str]:
    """Write a line for each package, with the hashes of the wheels that are there."""
    files_by_package: dict[str, list[Path]] = {}
    for wheel in sorted(wheels.iterdir()):
        files_by_package.setdefault(parse_wheel_filename(wheel.name)[0], []).append(wheel)
    for name, files in sorted(files_by_package.items()):
        requirement = locked.get(name) or Requirement(f"{name}=={parse_wheel_filename(files[0].name)[1]}")
        yield _line(requirement, (hashlib.sha256(file.read_bytes()).hexdigest() for file in files))


def _line(requirement: Requirement, hashes: Iterable[str]) -> str:
    return " \\\n    ".join([str(requirement), *(f"--hash=sha256:{digest}" for digest in sorted(hashes))]) + "\n"


def _run(*arguments: str, quiet: bool = False) -> None:
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL if quiet else None)
