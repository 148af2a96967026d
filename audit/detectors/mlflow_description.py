"""Read the file MLmodel: the flavour of a model and its file; refuse a model with code.

MLflow is not imported. Its behaviour is predicted from the text alone: a flavour that MLflow loads by running code or a
pickle of the folder is refused, and so is a flavour that MLflow would serve from another file than the audited one.
Every text in the file is foreign, and its length is limited before it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final, Literal

from audit.detectors.mlflow_signature import Signature, read_signature
from audit.detectors.mlflow_yaml import LARGEST, NotPlainError, read_plain_yaml, unreadable
from audit.detectors.model_folder import ModelFolder
from audit.detectors.skops_file import PICKLE_NAMES
from audit.errors import DetectorError
from audit.vocabulary.text import listed, shown

Flavour = Literal["onnx", "sklearn"]

MODEL_FILE: Final = "MLmodel"
"""The file in which MLflow describes a model."""
_SERVED: Final = "python_function"
"""The flavour by which MLflow serves a model of any other."""
_CODE_KEYS: Final = ("code", "model_code_path")
_PICKLE_KEYS: Final = ("python_model", "artifacts")
_FILE_KEYS: Final[Mapping[Flavour, str]] = {"onnx": "data", "sklearn": "pickled_model"}
_MOST_TRUSTED: Final = 10
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Description:
    """The content of MLmodel for a model that can be audited."""

    flavour: Flavour
    file: str
    """The model file, as the folder lists it."""
    version: str
    """The version of MLflow that wrote it, as one short line."""
    signature: Signature | None
    """The columns that the model takes; None if they are not stated."""
    asks_trust_for: tuple[str, ...]
    """Types that the folder asks to load, each as one short line. It is no permission."""
    has_session_options: bool
    """Whether it has settings for onnxruntime, which are not applied."""


def read_description(folder: ModelFolder) -> Description:
    """Read and check MLmodel. Raises DetectorError if it cannot be read, or the model cannot be audited this way."""
    name = f"{folder.name}/{MODEL_FILE}"
    pickled = [file for file in folder.files if PurePosixPath(file).suffix.lower() in PICKLE_NAMES]
    if pickled:
        raise _pickled_model(f"{folder.name} holds {listed(pickled, _SHOWN)}")
    try:
        content = read_plain_yaml(folder.read(MODEL_FILE, LARGEST))
    except NotPlainError as error:
        raise unreadable(name, str(error)) from None
    if not isinstance(content, dict):
        raise unreadable(name, "it is no table")
    flavours = _tables(content.get("flavors"), name)
    _check_code(flavours, name)
    flavour = _flavour(flavours, name)
    fields = flavours[flavour]
    if flavour == "sklearn":
        _check_format(fields.get("serialization_format"), name)
    file = folder.member(fields.get(_FILE_KEYS[flavour]), _FILE_KEYS[flavour])
    _check_served(flavours.get(_SERVED), flavour, file, name)
    return Description(
        flavour=flavour,
        file=file,
        version=_short(content.get("mlflow_version")) or "of an unknown version",
        signature=read_signature(content.get("signature"), name),
        asks_trust_for=_trusted(fields.get("skops_trusted_types")),
        has_session_options=bool(fields.get("onnx_session_options")),
    )


def _tables(flavours: object, name: str) -> Mapping[str, Mapping[str, Any]]:
    if not isinstance(flavours, dict) or not flavours:
        raise unreadable(name, "it names no flavours")
    if not all(isinstance(fields, dict) for fields in flavours.values()):
        raise unreadable(name, "a flavour is no table")
    return flavours


def _check_code(flavours: Mapping[str, Mapping[str, Any]], name: str) -> None:
    for flavour, fields in flavours.items():
        for key in _CODE_KEYS:
            if fields.get(key):
                raise DetectorError(
                    f"{name}: the model brings Python files that run when it is loaded ({_short(flavour)}: {key})",
                    slug="detector-code",
                    hint="none of them was run; have it saved without code_paths, or exported to ONNX and saved with "
                    "mlflow.onnx",
                )
        pickles = [key for key in _PICKLE_KEYS if fields.get(key)]
        if pickles:
            raise _pickled_model(f"{name}: the model is a Python object of its own ({_short(flavour)}: {pickles[0]})")


def _flavour(flavours: Mapping[str, Mapping[str, Any]], name: str) -> Flavour:
    """Find the one flavour beside `python_function`. Raises DetectorError if it cannot be audited."""
    others = [flavour for flavour in flavours if flavour != _SERVED]
    if not others:
        module = _short(flavours[_SERVED].get("loader_module")) or "none"
        raise _pickled_model(f"{name}: python_function is the only flavour (loader_module: {module})")
    if others in (["onnx"], ["sklearn"]):
        return "onnx" if others == ["onnx"] else "sklearn"
    raise DetectorError(
        f"{name}: the flavour is {listed(others, 3)}, and not onnx or sklearn alone", slug="detector-flavour"
    )


def _check_format(serialization: object, name: str) -> None:
    if serialization == "skops":
        return
    written = (
        f"as {_short(serialization)}"
        if serialization
        else "without a serialization_format, which MLflow takes for pickle"
    )
    raise _pickled_model(f"{name}: the scikit-learn model is saved {written}")


def _check_served(served: Mapping[str, Any] | None, flavour: Flavour, file: str, name: str) -> None:
    """Refuse a model that MLflow would serve by other code, or from another file, than the audited one."""
    if served is None:
        return
    module = served.get("loader_module")
    if module != f"mlflow.{flavour}":
        raise DetectorError(
            f"{name}: MLflow would not serve the flavour {flavour}, but what {_short(module) or 'nothing'} loads",
            slug="detector-code",
            hint=f"none of it was run; have the model saved with mlflow.{flavour}.save_model",
        )
    for key in ("data", "model_path"):
        if key in served and served[key] != file:
            raise DetectorError(
                f"{name}: MLflow would serve another file than the flavour {flavour} names (python_function: {key})",
                slug="detector-path",
                hint=f"have the model saved again with mlflow.{flavour}.save_model",
            )


def _pickled_model(evidence: str) -> DetectorError:
    """Make the error for a model that runs code when it is loaded; `evidence` names the evidence."""
    return DetectorError(
        f"{evidence}: such a model runs code when it is loaded, and is never opened",
        slug="detector-pickle",
        hint='have it saved with mlflow.sklearn.save_model(..., serialization_format="skops"), or exported to ONNX and '
        "saved with mlflow.onnx",
    )


def _trusted(types: object) -> tuple[str, ...]:
    if not isinstance(types, list):
        return ()
    more = [f"and {len(types) - _MOST_TRUSTED} more"] if len(types) > _MOST_TRUSTED else []
    return (*(_short(type_name) or "none" for type_name in types[:_MOST_TRUSTED]), *more)


def _short(text: object) -> str:
    return shown(text) if isinstance(text, str) else ""
