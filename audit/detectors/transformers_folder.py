"""Check the folder of a Hugging Face model before anything in it is loaded: it holds only data, and no links out."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any, Final

from audit.detectors.model_folder import ModelFolder
from audit.errors import DetectorError
from audit.vocabulary.text import shown

_PROGRAMS: Final = frozenset(
    {
        ".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".dill", ".h5", ".keras", ".msgpack", ".npy",
        ".npz", ".py", ".pyc", ".so", ".dll", ".dylib",
    }
)  # fmt: skip
"""Endings of files that run code when they are loaded, or can, including formats of weights."""
_ELSEWHERE: Final = tomllib.loads(Path(__file__).with_name("transformers_keys.toml").read_text("utf-8"))
"""Keys by which transformers finds code or files, with the signs of a value that are refused; without any, the key."""
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
    model = ModelFolder(folder, name, "config.json")
    for file in model.files:
        if Path(file).suffix.lower() in _PROGRAMS:
            raise DetectorError(
                f"{name} holds {shown(file)}, a file that can run code when it is loaded",
                slug="transformers-code",
                hint="save the model as safetensors (model.save_pretrained does), in a folder without that file",
            )
        if file.endswith(".json"):
            _check_json(model.read(file, _MOST_JSON), f"{name}/{file}")
    if not any(file.endswith(".safetensors") for file in model.files):
        raise DetectorError(f"{name} lacks weights in a .safetensors file", slug="transformers-folder")
    return model.digest(), len(model.files)


def _check_json(content: bytes, name: str) -> None:
    """Refuse a configuration that asks for code, or for files of another folder, which the digest would not cover."""
    keys: set[str] = set()

    def look(fields: dict[str, Any]) -> dict[str, Any]:
        for key in fields.keys() & _ELSEWHERE.keys():
            if any(sign in str(fields[key]) for sign in _ELSEWHERE[key] or [""]):
                keys.add(key)
        return fields

    try:
        json.loads(content, object_hook=look)
    except (ValueError, RecursionError):
        raise DetectorError(
            f"{shown(name)} cannot be read as JSON", slug="transformers-folder", hint="save the model again"
        ) from None
    if keys:
        raise DetectorError(
            f"{shown(name)} asks for code of its own, or for files elsewhere ({min(keys)}), and is given neither",
            slug="transformers-code",
            hint="save the whole model anew with save_pretrained; one of a kind that transformers does not know can be "
            'a function of your own with kind = "python"',
        )
