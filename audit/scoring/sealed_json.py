"""Small JSON documents that say when they were damaged."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from audit.storage import write_durably

__all__ = ["digest", "read_sealed", "write_sealed"]

_LARGEST: Final = 100_000
_SEAL: Final = "seal"


def digest(told: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of a document, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def write_sealed(path: Path, told: Mapping[str, Any]) -> None:
    """Write a document with its own digest. Raises OSError."""
    write_durably(path, (json.dumps({**told, _SEAL: digest(told)}, sort_keys=True) + "\n").encode())


def read_sealed(path: Path) -> dict[str, Any] | None:
    """The document; None where there is none, or it is not as it was written. Raises OSError."""
    try:
        if path.stat().st_size > _LARGEST:
            return None
        told = json.loads(path.read_bytes())
        seal = told.pop(_SEAL)
        return told if isinstance(told, dict) and seal == digest(told) else None
    except (FileNotFoundError, ValueError, KeyError, AttributeError, TypeError, RecursionError):
        return None
