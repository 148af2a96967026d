"""Keys on their way from a file to a signature: passphrases, and the time."""

from __future__ import annotations

import getpass
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from audit.errors import ArgumentError
from audit.evidence.keys import load_signer

if TYPE_CHECKING:
    from audit.evidence.keys import Signer

PASSPHRASE: Final = "AUDIT7K_PASSPHRASE"  # noqa: S105 - name of a variable
SECRET: Final = "AUDIT7K_SECRET"  # noqa: S105 - name of a variable
_LEAST_SECRET: Final = 32
"""Characters of a secret: 128 random bits in hexadecimal."""
_LEAST: Final = 12
"""Characters of a passphrase."""


def open_signer(path: Path) -> Signer:
    """Return the private key in a file; a passphrase is asked for if it has one."""
    return load_signer(path, lambda: _passphrase(f"Passphrase of {path.name}: "))


def now() -> str:
    """Return the time as evidence states it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_passphrase() -> bytes:
    """Ask for the passphrase of a new key, twice. Raises ArgumentError if it is short, or the two differ."""
    chosen = _passphrase("A passphrase for the new key: ")
    if len(chosen) < _LEAST:
        raise ArgumentError(f"a passphrase has {_LEAST} characters or more", slug="short-passphrase")
    if PASSPHRASE not in os.environ and _passphrase("Once more: ") != chosen:
        raise ArgumentError("the two passphrases differ", slug="other-passphrase")
    return chosen


def secret_of_pipeline() -> bytes:
    """Return the secret under which a pipeline keeps its restricted folder, from the environment.

    Raises
    ------
    ArgumentError
        If there is none, or it is so short that it could be guessed.
    """
    secret = os.environ.get(SECRET, "").strip()
    if not secret:
        raise ArgumentError(f"the environment has no {SECRET}", slug="no-secret")
    if len(secret) < _LEAST_SECRET:
        raise ArgumentError(f"{SECRET} has fewer than {_LEAST_SECRET} characters", slug="short-secret")
    return secret.encode()


def _passphrase(prompt: str) -> bytes:
    passphrase = os.environ.get(PASSPHRASE)
    if passphrase is None and not sys.stdin.isatty():
        raise ArgumentError(
            "the key has a passphrase, and there is no terminal to ask for it",
            slug="no-passphrase",
            hint=f"set {PASSPHRASE}",
        )
    return (getpass.getpass(prompt) if passphrase is None else passphrase).encode()
