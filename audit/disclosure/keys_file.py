"""The key of a restricted folder: made once, and read where nothing else of the folder is needed."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Final

KEY: Final = "key"
"""The file of the key."""
KEY_BYTES: Final = 32
"""256 random bits for a data set: never derived from a seed, a name or a plan."""


def new_key() -> bytes:
    """Return a new secret key, from the operating system's source of random bits."""
    return secrets.token_bytes(KEY_BYTES)


def read_key(restricted: Path) -> bytes | None:
    """The key; None where there is none that can be read, or it is none."""
    try:
        text = (restricted / KEY).read_bytes()[: 4 * KEY_BYTES]
        secret = bytes.fromhex(text.decode("ascii").strip())
    except (OSError, ValueError):
        return None
    return secret if len(secret) == KEY_BYTES else None
