"""Write and read small JSON documents with a digest of themselves, so that damage is seen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from audit.storage import write_durably

_LARGEST: Final = 100_000
_SEAL: Final = "seal"


def document_digest(document: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of a document; the order of its keys does not matter."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def write_sealed(path: Path, document: Mapping[str, Any]) -> None:
    """Write a document with its own digest. Raises OSError."""
    write_durably(path, (json.dumps({**document, _SEAL: document_digest(document)}, sort_keys=True) + "\n").encode())


def read_sealed(path: Path) -> dict[str, Any] | None:
    """Read a document; None if it is missing or was changed. Raises OSError."""
    try:
        if path.stat().st_size > _LARGEST:
            return None
        document = json.loads(path.read_bytes())
        seal = document.pop(_SEAL)
        return document if isinstance(document, dict) and seal == document_digest(document) else None
    except (FileNotFoundError, ValueError, KeyError, AttributeError, TypeError, RecursionError):
        return None
