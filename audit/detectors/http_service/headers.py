"""The headers of a request, secrets among them: read from the environment when a run begins, and never repeated."""

from __future__ import annotations

import os
from collections.abc import Mapping

from audit.errors import DetectorError
from audit.plan.http import FROM_ENVIRONMENT
from audit.version import __version__

__all__ = ["headers_of"]


def headers_of(token: str | None, headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """The headers that every request has, by the plan's `token` and `headers`. Raises DetectorError."""
    found = [
        (b"User-Agent", f"audit7k/{__version__}".encode()),
        (b"Content-Type", b"application/json"),
        (b"Accept", b"application/json"),
        (b"Accept-Encoding", b"identity"),
    ]
    if token is not None:
        found.append((b"Authorization", b"Bearer " + _secret(token)))
    for name, value in headers.items():
        secret = FROM_ENVIRONMENT.fullmatch(value) is not None
        found.append((name.encode(), _secret(value) if secret else value.encode()))
    return found


def _secret(source: str) -> bytes:
    """The value of the environment variable that "env:NAME" names. Raises DetectorError, which never repeats it."""
    name = source.removeprefix("env:")
    value = os.environ.get(name, "").strip()
    if not value:
        raise DetectorError(
            f"the environment variable {name} is not set, or empty",
            slug="detector-secret",
            hint=f"set {name} to the secret that the service knows; it is read when the run begins, and never written",
        )
    if not (value.isascii() and value.isprintable()):
        raise DetectorError(
            f"the environment variable {name} holds characters that no header can have",
            slug="detector-secret",
            hint="a token is one line of ASCII characters",
        )
    return value.encode()
