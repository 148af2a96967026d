"""Check the folder of a Hugging Face model before anything in it is loaded: it holds only data, and no links out."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any, Final

from audit.errors import DetectorError
from audit.storage import file_sha256
from audit.vocabulary.text import shown

_PROGRAMS: Final = frozenset(
    {
        ".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".dill", ".h5", ".keras", ".msgpack", ".npy",
        ".npz", ".py", ".pyc", ".so", ".dll", ".dylib",
    }
)  # fmt: skip
"""Endings of files that run code when they are loaded, or can, including formats of weights."""
_MOST_FILES: Final = 1000
_MOST_JSON: Final = 256 * 2**20


def check_folder(folder: Path, name: str) -> tuple[str, int]:
    """Check a model folder.

    Parameters
    ----------
    folder : Path
        The folder.
    name : str
        Name of the folder in messages.

    Returns
    -------
    digest : str
        SHA-256 of the list of its files: a line for each, in the order of names, as `sha256sum` writes it.
    files : int
        Number of files.

    Raises
    ------
    DetectorError
        It is no folder, holds files that could run code or lead out of it, or lacks a configuration or weights.
    """
    files = _files(folder, name)
    for file in files:
        if Path(file).suffix.lower() in _PROGRAMS:
            raise DetectorError(
                f"{name} holds {shown(file)}, a file that can run code when it is loaded",
                slug="transformers-code",
                hint="save the model as safetensors (model.save_pretrained does), in a folder without that file",
            )
    if "config.json" not in files or not any(file.endswith(".safetensors") for file in files):
        raise DetectorError(f"{name} lacks config.json or weights in a .safetensors file", slug="transformers-folder")
    for file in files:
        if file.endswith(".json"):
            _check_json(folder / file, f"{name}/{file}")
    return _digest(folder, files), len(files)


def _files(folder: Path, name: str) -> list[str]:
    """Names of all files within a folder, sorted as bytes."""
    if not folder.is_dir():
        raise DetectorError(
            f"no model folder {name}", slug="detector-file", hint="`path` is relative to the folder of the plan"
        )
    found, home = [], folder.resolve()
    for place, folders, names in os.walk(folder):
        for entry in (*folders, *names):
            path = Path(place) / entry
            within = path.relative_to(folder).as_posix()
            if not (path.is_file() or path.is_dir()) or not path.resolve().is_relative_to(home):
                raise DetectorError(
                    f"{name}: {shown(within)} leads out of the folder, or is no file", slug="transformers-link"
                )
            if path.is_symlink() and path.is_dir():
                raise DetectorError(f"{name}: {shown(within)} is a link to a folder", slug="transformers-link")
            if path.is_file():
                found.append(within)
    if len(found) > _MOST_FILES or any(not file.isprintable() or "\\" in file for file in found):
        raise DetectorError(
            f"{name} holds more files than a model has, or one with a name that cannot be written",
            slug="transformers-folder",
        )
    return sorted(found, key=os.fsencode)


def _check_json(path: Path, name: str) -> None:
    """Refuse a configuration that asks for code beside the model."""
    try:
        content = json.loads(path.read_bytes()) if path.stat().st_size <= _MOST_JSON else None
    except (OSError, ValueError, RecursionError):
        content = None
    if content is None:
        raise DetectorError(
            f"{shown(name)} cannot be read as JSON", slug="transformers-folder", hint="save the model again"
        )
    if _asks_for_code(content):
        raise DetectorError(
            f"{shown(name)} asks for code of its own (auto_map), which is never run",
            slug="transformers-code",
            hint='use a model of a kind that transformers knows, or a function of your own with kind = "python"',
        )


def _asks_for_code(content: Any) -> bool:
    """Whether `auto_map` is a key anywhere in a document."""
    waiting = [content]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if "auto_map" in one:
                return True
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
    return False


def _digest(folder: Path, files: list[str]) -> str:
    lines = "".join(f"{file_sha256(folder / file)}  {file}\n" for file in files)
    return hashlib.sha256(lines.encode()).hexdigest()
