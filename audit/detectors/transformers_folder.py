"""Check the folder of a Hugging Face model before anything in it is loaded: it holds only data, and no links out."""

from __future__ import annotations

import json
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
_CODE: Final = frozenset({"auto_map", "attn_implementation", "_attn_implementation"})
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
    """Refuse a configuration that asks for code beside the model, or of another repository."""
    try:
        asked = _asks_for_code(json.loads(content))
    except (ValueError, RecursionError):
        raise DetectorError(
            f"{shown(name)} cannot be read as JSON", slug="transformers-folder", hint="save the model again"
        ) from None
    if asked:
        raise DetectorError(
            f"{shown(name)} asks for code of its own ({asked}), which is never run",
            slug="transformers-code",
            hint='use a model of a kind that transformers knows, or a function of your own with kind = "python"',
        )


def _asks_for_code(content: Any) -> str:
    """Name a key anywhere in a document that asks for code: `auto_map`, or attention of a repository (`owner/name`)."""
    waiting = [content]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            for key in sorted(one.keys() & _CODE):
                if key == "auto_map" or "/" in str(one[key]):
                    return str(key)
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
    return ""
