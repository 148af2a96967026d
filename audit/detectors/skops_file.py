"""Read a .skops file. Files that run code when loaded, types that are not on the list, and damage are refused."""

from __future__ import annotations

import io
import json
import re
import warnings
import zipfile
from pathlib import Path
from typing import Any, Final

from audit.detectors.error_names import error_name
from audit.detectors.model_file import read_model_file
from audit.detectors.skops_types import ALLOWED
from audit.errors import DetectorError
from audit.vocabulary.text import first_of

LARGEST: Final = 8 * 2**30
"""Most bytes of an unpacked file."""

PICKLE_NAMES: Final = frozenset({".pkl", ".pickle", ".pck", ".joblib", ".dill", ".cloudpickle", ".pt", ".pth", ".sav"})
"""Endings of files that run code when loaded."""
_PICKLE_STARTS: Final = (
    b"\x80",  # pickle, protocol 2 and later; joblib without compression
    b"(",  # pickle, protocols 0 and 1, as the three below
    b"c",
    b"]",
    b"}",
    b"\x78",  # joblib: zlib
    b"\x1f\x8b",  # gzip
    b"BZ",  # bz2
    b"\xfd7zXZ",  # xz
    b"\x5d\x00\x00",  # lzma
    b"\x04\x22\x4d\x18",  # lz4
)
_TYPE_NAME: Final = re.compile(r"[A-Za-z_][\w.]{0,150}")
_SHOWN: Final = 5


def read_skops_file(path: Path, name: str) -> bytes:
    """Read a model file into memory, so that digest and model come from the same bytes.

    Raises
    ------
    DetectorError
        It does not exist, cannot be read, is a pickle or joblib file, or is no skops file. Nothing in it is loaded.
    """
    content = read_model_file(path, name, ending=".skops")
    if path.suffix.lower() in PICKLE_NAMES or content.startswith(_PICKLE_STARTS):
        raise _pickle(name)
    _check_archive(content, name)
    return content


def load_model(content: bytes, name: str, trusted: tuple[str, ...]) -> tuple[Any, list[str]]:
    """Load the model, if every type in it is trusted by skops, on the pinned list, or in `trusted`.

    Returns
    -------
    model : object
    notes : list of str
        Notes for the reader on how it was loaded.

    Raises
    ------
    DetectorError
        A type is not allowed, or the file is damaged.
    """
    import skops.io

    notes: list[str] = []
    try:
        foreign = set(skops.io.get_untrusted_types(data=content))
    except Exception as error:
        raise _damaged(name, error) from None
    refused = sorted(foreign - ALLOWED - set(trusted))
    if refused:
        raise _untrusted(name, refused)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = skops.io.loads(content, trusted=sorted(ALLOWED | set(trusted)))
    except Exception as error:
        raise _damaged(name, error) from None
    if any(warning.category.__name__ == "InconsistentVersionWarning" for warning in caught):
        notes.append("The model was saved with another version of scikit-learn; it can answer otherwise than there.")
    used = sorted(foreign & set(trusted) - ALLOWED)
    if used:
        notes.append(f"Types trusted by the plan, beyond the allow-list: {', '.join(used)}.")
    return model, notes


def _check_archive(content: bytes, name: str) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            names = [member.filename for member in members]
            if any(Path(member).suffix.lower() in PICKLE_NAMES for member in names):
                raise _pickle(name)
            if "schema.json" not in names or len(set(names)) < len(names):
                raise _not_skops(name)
            if sum(member.file_size for member in members) > LARGEST:
                raise DetectorError(f"{name} unpacks to more than {LARGEST // 2**30} GiB", slug="detector-too-large")
            json.loads(archive.read("schema.json"))
    except (zipfile.BadZipFile, ValueError, RuntimeError, EOFError, OSError):
        raise _not_skops(name) from None


def _pickle(name: str) -> DetectorError:
    return DetectorError(
        f"{name} is a pickle or joblib file: such a file runs code when loaded, and is never opened",
        slug="detector-pickle",
        hint='have the model saved with skops: skops.io.dump(model, "model.skops"); the kind "pickle" loads it where '
        "somebody says --allow-pickle",
    )


def _not_skops(name: str) -> DetectorError:
    return DetectorError(
        f"{name} is not a skops file, or is damaged",
        slug="detector-not-skops",
        hint='save the model with skops: skops.io.dump(model, "model.skops")',
    )


def _damaged(name: str, error: Exception) -> DetectorError:
    if isinstance(error, ImportError):
        return DetectorError(
            f"{name} holds a type from a module that is not installed here ({error_name(error)})",
            slug="detector-not-installed",
        )
    return DetectorError(
        f"{name} cannot be loaded ({error_name(error)})",
        slug="detector-not-skops",
        hint="it is damaged, or was saved with other versions of skops and scikit-learn; save the model again",
    )


def _untrusted(name: str, refused: list[str]) -> DetectorError:
    shown = [type_name if _TYPE_NAME.fullmatch(type_name) else "(a name that is none)" for type_name in refused]
    written = ", ".join(f'"{type_name}"' for type_name in shown[:_SHOWN])
    return DetectorError(
        f"{name} holds types that are not on the allow-list: {first_of(shown, _SHOWN)}",
        slug="detector-untrusted-type",
        hint=f"read what they do; if they may run here, write trusted = [{written}] in [detector]",
    )
