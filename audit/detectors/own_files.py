"""The files of a detector: those that its section names. A detector that is shut in reads no others of the user.

A function and a program look for what they read beside them. Where they are shut in, they get a folder of links to
their own files, so that they neither need nor get the names of the other files beside the plan.
"""

from __future__ import annotations

import hashlib
import importlib.machinery
import importlib.util
import os
import shutil
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from audit.errors import DetectorError
from audit.plan.offers import KINDS, offers_of
from audit.storage import file_sha256
from audit.vocabulary.text import shown

if TYPE_CHECKING:
    from audit.plan.audit_plan import AuditPlan

_BESIDE: Final = frozenset({"python", "command"})
"""Kinds that look for what they read beside them."""


@dataclass(frozen=True, slots=True)
class OwnFiles:
    """The files and folders of a detector."""

    folder: Path
    """The folder of the plan."""
    names: tuple[str, ...]
    """Their paths, relative to that folder or absolute."""
    more_sha256: str | None
    """Digest of those among them that the digest of the kind itself does not cover; None if there are none."""
    packages: tuple[Path, ...]
    """Installed modules and packages that lie elsewhere than among the libraries, with what is said of them."""
    are_looked_for: bool
    """Whether the detector looks for its files beside it."""

    @property
    def files(self) -> list[Path]:
        """Where they lie."""
        return [*(self.folder / name for name in self.names), *self.packages]

    def sha256(self, artefact: str | None) -> str | None:
        """Return the digest of the detector: that of its artefact, joined with that of its other files."""
        if self.more_sha256 is None:
            return artefact
        return hashlib.sha256(f"{artefact or ''}\n{self.more_sha256}\n".encode()).hexdigest()

    def link_into(self, room: Path) -> Path:
        """Make the folder in which the detector is to look for its files, and return it.

        It looks like the folder of the plan with these files alone. Modules stand in the folder `packages` of `room`.
        """
        (room / "packages").mkdir()
        for package in self.packages:
            (room / "packages" / package.name).symlink_to(package)
        if not self.are_looked_for:
            return self.folder
        names = sorted({os.path.normpath(name) for name in self.names if not Path(name).is_absolute()})
        deepest = max((Path(name).parts.count("..") for name in names), default=0)
        view = room.joinpath("beside", *map(str, range(deepest)))
        view.mkdir(parents=True)
        for name in names:
            link = Path(os.path.normpath(view / name))
            if any(parent.is_symlink() for parent in (link, *link.parents)):
                continue  # it lies in a folder that is linked
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to((self.folder / name).absolute())
        return view


def own_files(plan: AuditPlan, folder: Path) -> OwnFiles:
    """Find the files of the detector of a plan.

    Raises
    ------
    DetectorError
        `files` names what is not there or cannot be read, or what is or holds a file that the plan names for the audit.
    """
    section: Any = plan.detector
    files = sorted({path.as_posix() for path in section.files})
    held_back = files_of_the_audit(plan, folder)
    for name in files:
        _check(name, held_back, folder)
    named, digested, packages = list(files), list(files), _package_of_kind(section.kind)
    if section.kind == "python":
        module = module_beside(section.entry.partition(":")[0], folder)
        named += module
        digested += [name for name in module if (folder / name).is_dir()]
        packages = [] if module else _package(section.entry.partition(":")[0])
    if getattr(section, "path", None) is not None:
        named.append(section.path.as_posix())
    if section.kind == "command":
        program = None if "/" in section.command[0] else shutil.which(section.command[0])
        named += [program, os.path.realpath(program)] if program else []
        named += [argument for argument in section.command if _is_file(folder / argument)]
    return OwnFiles(
        folder.absolute(), tuple(named), _digest(digested, folder), tuple(packages), section.kind in _BESIDE
    )


def module_beside(module: str, folder: Path) -> list[str]:
    """Name the file of a module beside the plan, or the package that holds it; nothing if it lies elsewhere."""
    parent = Path()
    for part in module.split("."):
        if (folder / parent / part / "__init__.py").is_file():
            return [(parent / part).as_posix()]
        suffixes = importlib.machinery.all_suffixes()
        files = [
            (parent / f"{part}{suffix}").as_posix()
            for suffix in suffixes
            if _is_file(folder / parent / f"{part}{suffix}")
        ]
        if files:
            return files
        parent /= part
    return []


def is_exposed(held_back: Iterable[Path], readable: Iterable[str]) -> bool:
    """Whether a file that the plan names for the audit lies in what the detector may read."""
    paths = [Path(os.path.realpath(path)) for path in readable]
    return any(file.is_relative_to(path) for file in held_back for path in paths)


def _check(name: str, held_back: Collection[Path], folder: Path) -> None:
    path, plan_folder = Path(os.path.realpath(folder / name)), Path(os.path.realpath(folder))
    if not path.exists():
        raise DetectorError(f"`files` names {shown(name)}, which is not there", slug="detector-files")
    if path != Path(os.path.normpath(plan_folder / name)) and not path.is_relative_to(plan_folder):
        raise DetectorError(
            f"`files` names {shown(name)}, a link that leads out of the folder of the plan", slug="detector-files"
        )
    is_held_back = any(file.is_relative_to(path) or path.is_relative_to(file) for file in held_back)
    around = [place for place in (path, *path.parents) if not plan_folder.is_relative_to(place)]
    within = [place for place in path.rglob("*") if place.is_dir()] if path.is_dir() else []
    is_of_a_run = any(map(_is_of_an_audit, (*around, *within)))
    if is_held_back or is_of_a_run or plan_folder.is_relative_to(path):
        raise DetectorError(
            f"`files` names {shown(name)}, which is or holds a file of the audit", slug="detector-files"
        )


def _is_of_an_audit(folder: Path) -> bool:
    """Say whether a folder is one that a run has written, or the restricted one with the key of its releases."""
    return (folder / "result.json").is_file() or ((folder / "key").is_file() and (folder / "releases").is_dir())


def _digest(names: Iterable[str], folder: Path) -> str | None:
    """SHA-256 of a line for each file, with its digest and path; None if there is none."""
    lines = []
    try:
        for name in names:
            files = _inside(folder / name)
            lines += [f"{file_sha256(file)} {os.path.relpath(file, folder)}\n" for file in files]
    except OSError as error:
        raise DetectorError(
            f"a file of the detector cannot be read ({type(error).__name__})", slug="detector-files"
        ) from None
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogatepass")).hexdigest() if lines else None


def files_of_the_audit(plan: AuditPlan, folder: Path) -> list[Path]:
    """List the files that the plan names beside those of the detector."""
    values = plan.model_dump(exclude={"detector": {"files", "path", "command"}})
    return [Path(os.path.realpath(folder / path)) for path in _paths_of(values)]


def _paths_of(values: Any) -> Iterator[Path]:
    """Yield every path in the values of a plan."""
    if isinstance(values, Path):
        yield values
    elif isinstance(values, dict):
        for value in values.values():
            yield from _paths_of(value)
    elif isinstance(values, list | tuple):
        for value in values:
            yield from _paths_of(value)


def _package_of_kind(kind: str) -> list[Path]:
    """Find the package that offers a kind of detectors."""
    return [path for offer in offers_of(KINDS, kind) for path in _package(offer.module)]


def _package(module: str) -> list[Path]:
    """Find an installed module or package by the name of one in it, and what its folder says of packages."""
    try:
        spec = importlib.util.find_spec(module.partition(".")[0])
    except (ImportError, ValueError):
        return []
    paths = [Path(path) for path in (spec.submodule_search_locations or [spec.origin or ""])] if spec else []
    files = [path.absolute() for path in paths if path.suffix or path.is_dir()]
    return [*files, *(about for file in files for about in file.parent.glob("*.*-info"))]


def _inside(path: Path) -> list[Path]:
    """List the files of a folder, or the file itself. A link in a folder leads to what cannot be read."""
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file() and not file.is_symlink())


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
